"""main.py learns, repeats itself bit for bit, and says in one line what is wrong."""

import importlib.util
import json
import random
import shutil
import sys
import time
import types

import pytest
import torch

from scripts import (
    MAIN,
    PREDICT,
    environment,
    listing,
    must_run,
    refuses,
    run,
    start,
    start_afresh,
)
from test_data_chain import own_images
from utils import BadInput, Net, read_checkpoint, read_events, read_weights
from utils.checkpoint import checkpoints

DIGITS = "result/main_training/digits"
ONE = ("--threads", 1)  # two beside a busy process are slower than one
QUICK = ("--epochs", 2, *ONE)
SHORT = ("--epochs", 1, *ONE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The digits, trained with the default settings; not to be changed."""
    root = tmp_path_factory.mktemp("trained")
    process = start_afresh(MAIN, *ONE, cwd=root, env=environment(root))
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    root.joinpath("out.txt").write_text(out, encoding="utf-8")
    return root


@pytest.fixture
def copy(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


def without_times(folder):
    """What a run leaves, but the event files: they hold the time of day.

    Of checkpoints the state counts, not the way in which it was pickled.
    """
    files = listing(folder)
    for name in files:
        if name.endswith(".ckpt"):
            files[name] = plain(read_checkpoint(folder / name))
    return {name: text for name, text in files.items() if "tfevents" not in name}


def plain(state):
    """Return a state with lists in place of tensors, so that == compares it."""
    if isinstance(state, torch.Tensor):
        return [str(state.dtype), state.stride(), state.tolist()]
    if isinstance(state, dict):
        return {key: plain(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [plain(value) for value in state]
    return state


def test_the_defaults_learn(trained):
    report = json.loads((trained / DIGITS / "default/report.json").read_text())
    assert report["test_accuracy"] > 0.95
    assert report["valid_accuracy"] > 0.95
    assert report["history"][0]["train_accuracy"] < 0.8
    best = max(epoch["valid_accuracy"] for epoch in report["history"])
    assert report["history"][report["best_epoch"] - 1]["valid_accuracy"] == best
    assert report["valid_accuracy"] == best


def test_one_line_an_epoch(trained):
    out = (trained / "out.txt").read_text(encoding="utf-8")
    lines = [line for line in out.splitlines() if line.startswith("epoch")]
    assert len(lines) == 10
    for line in lines:
        for word in ("train: loss", "valid: loss", "%", "lr", "images/s"):
            assert word in line


def test_what_it_leaves(trained):
    run_folder = trained / DIGITS / "default"
    names = {path.name for path in run_folder.iterdir()}
    pictures = {f"confusion_{part}.png" for part in ("train", "valid", "test")}
    assert names == pictures | {
        "checkpoints",
        "curves.png",
        "log",
        "mistakes.png",
        "net_params.pt",
        "report.json",
    }
    report = json.loads((run_folder / "report.json").read_text())
    events = read_events(run_folder / "log")
    for tag, key in (
        ("train/loss", "train_loss"),
        ("valid/accuracy", "valid_accuracy"),
    ):
        logged = events.Scalars(tag)
        assert [event.step for event in logged] == list(range(1, 11))
        expected = [epoch[key] for epoch in report["history"]]
        assert [event.value for event in logged] == pytest.approx(expected)


def test_the_weights_are_those_that_were_judged(trained):
    state, info = read_weights(trained / DIGITS / "default/net_params.pt")
    net = Net(10)
    net.load_state_dict(state)
    assert info["classes"] == [str(digit) for digit in range(10)]
    index = trained / "data/digits/test.txt"
    report = json.loads((trained / DIGITS / "default/report.json").read_text())
    from utils import BatchLoader, accuracy, evaluate, load_all

    batches = BatchLoader(*load_all(index), 500, info["mean"], info["std"])
    assert accuracy(*evaluate(net, batches)) == report["test_accuracy"]


def test_the_same_seed_gives_the_same_bytes(copy):
    for name, seed in (("one", 4), ("two", 4), ("three", 5)):
        must_run(MAIN, *SHORT, "--seed", seed, "--name", name, root=copy)
    one, two, three = (
        without_times(copy / DIGITS / name) for name in ("one", "two", "three")
    )
    assert one == two
    assert one["net_params.pt"] != three["net_params.pt"]


def test_killed_and_run_again(copy, trained):
    options = (*QUICK, "--seed", 4, "--name", "killed")
    begin = time.monotonic()
    must_run(MAIN, *options, root=copy)
    seconds = time.monotonic() - begin
    whole = without_times(copy / DIGITS / "killed")
    shutil.rmtree(copy / DIGITS / "killed")
    process = start(MAIN, *options, root=copy)
    time.sleep(seconds * 0.7)
    process.kill()
    process.communicate()
    must_run(MAIN, *options, root=copy)
    assert without_times(copy / DIGITS / "killed") == whole
    default = without_times(copy / DIGITS / "default")
    assert default == without_times(trained / DIGITS / "default")


def curves(folder):
    """Every point of every curve that TensorBoard will show."""
    events = read_events(folder / "log")
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}


def test_killed_ten_times_and_resumed(copy):
    """Weights, pictures, report and curves are those of a run that nobody killed."""
    options = ("--epochs", 4, *ONE, "--ema", 0.9, "--checkpoint-every", 4)
    begin = time.monotonic()
    must_run(MAIN, *options, "--name", "calm", root=copy)
    seconds = time.monotonic() - begin
    chance, resumed = random.Random(3), 0
    folder = copy / DIGITS / "killed" / "checkpoints"
    for i in range(10):
        before = checkpoints(folder)
        process = start(MAIN, *options, "--name", "killed", "--resume", root=copy)
        while i % 3 == 0 and checkpoints(folder) == before and process.poll() is None:
            time.sleep(0.005)  # four times it gets on, however slow the machine is
        time.sleep(chance.uniform(0.1, 1) * seconds / (8 if i % 3 == 0 else 2))
        process.kill()
        resumed += "resuming" in process.communicate()[0]
    out = must_run(MAIN, *options, "--name", "killed", "--resume", root=copy)
    assert "resuming: epoch" in out and resumed >= 3
    killed, calm = copy / DIGITS / "killed", copy / DIGITS / "calm"
    assert without_times(killed) == without_times(calm)
    assert curves(killed) == curves(calm)
    assert len(curves(calm)["valid/loss"]) == 4


def test_a_damaged_checkpoint_is_passed_over(copy):
    options = (*QUICK, "--name", "damaged", "--checkpoint-every", 20)
    must_run(MAIN, *options, root=copy)
    run = copy / DIGITS / "damaged"
    calm, newest = without_times(run), sorted((run / "checkpoints").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    out = must_run(MAIN, *options, "--resume", root=copy)
    assert f"{newest}: is no whole checkpoint" in out
    assert "resuming: epoch 2, 40 steps of it done" in out
    assert without_times(run) == calm


def test_a_checkpoint_of_other_settings(copy):
    options = (*SHORT, "--name", "mine")
    must_run(MAIN, *options, root=copy)
    before = without_times(copy / DIGITS / "mine")
    words = ["checkpoints", "lr 0.02 (now 0.03)", "leave --resume out"]
    refuses(MAIN, *options, "--lr", 0.03, "--resume", root=copy, words=words)
    assert without_times(copy / DIGITS / "mine") == before
    must_run(MAIN, *options, "--lr", 0.03, root=copy)  # afresh, in the same place
    newest = sorted((copy / DIGITS / "mine/checkpoints").iterdir())[-1]
    assert read_checkpoint(newest)[1]["lr"] == 0.03
    out = must_run(MAIN, *SHORT, "--name", "new", "--resume", root=copy)
    assert "no checkpoint: starting from the beginning" in out


def test_patience_ends_the_training(copy):
    options = ("--epochs", 30, *ONE, "--name", "patient", "--patience", 1)
    must_run(MAIN, *options, root=copy)
    report = json.loads((copy / DIGITS / "patient/report.json").read_text())
    epochs = len(report["history"])
    assert epochs == report["best_epoch"] + 1 < 30
    assert "resuming" in must_run(MAIN, *options, "--resume", root=copy)
    again = json.loads((copy / DIGITS / "patient/report.json").read_text())
    assert again == report


def test_all_options_at_once(copy):
    options = [*QUICK, "--name", "all", "--class-weights", "balanced", "--amp", "--ema"]
    options += [0.8, "--clip-grad", 1, "--accumulate", 2, "--label-smoothing", 0.1]
    options += ["--warmup", 0, "--no-channels-last", "--profile", "--export"]
    out = must_run(MAIN, *options, root=copy)
    run = copy / DIGITS / "all"
    trace = json.loads((run / "trace.json").read_text(encoding="utf-8"))
    assert {"forward", "backward", "optimizer", "data"} <= {
        event.get("name") for event in trace["traceEvents"]
    }
    assert any(f"slowest: {x}" in out for x in ("forward", "backward", "optimizer"))
    state, _ = read_weights(run / "net_params.pt")
    net, images = Net(10), torch.randn(3, 3, 32, 32)
    net.load_state_dict(state)
    program = torch.export.load(run / "net.pt2").module()
    torch.testing.assert_close(program(images), net(images), rtol=1e-4, atol=1e-4)
    report = json.loads((run / "report.json").read_text())
    assert report["settings"]["ema"] == 0.8 and report["settings"]["amp"] is True
    steps = read_events(run / "log").Scalars("lr")
    assert [event.step for event in steps] == [1, 2]


def test_two_at_the_same_time(copy):
    options = (*QUICK, "--name", "both")
    processes = [start(MAIN, *options, root=copy) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, "")
    events = list((copy / DIGITS / "both/log").iterdir())
    assert len(events) == 1
    assert len(read_events(copy / DIGITS / "both/log").Scalars("train/loss")) == 2


def test_own_images_are_learned_and_predicted(tmp_path):
    folder = tmp_path / "my 图片"
    own_images(folder)
    must_run(MAIN, *ONE, "--dataset", folder, root=tmp_path)
    (results,) = (tmp_path / "result/main_training").iterdir()
    report = json.loads((results / "default/report.json").read_text())
    assert report["test_accuracy"] == 1.0  # dark cats, bright dogs
    pictures = [folder / "猫 cat" / "图 1.jpg", folder / "dog's" / "图 2.bmp"]
    out = must_run(PREDICT, "--dataset", folder, *pictures, root=tmp_path)
    assert f"{pictures[0]}: 猫 cat" in out and f"{pictures[1]}: dog's" in out
    assert (results / "default/predictions.png").is_file()


def test_from_the_disk_by_worker_processes(copy):
    options = (*QUICK, "--name", "disk", "--workers", 1, "--lr", 0.03)
    out = must_run(MAIN, *options, root=copy)
    assert "read from the disk" in out
    report = json.loads((copy / DIGITS / "disk/report.json").read_text())
    first, last = report["history"]
    assert last["train_loss"] < first["train_loss"]


def test_predictions_without_pictures_are_of_test_images(trained, copy):
    out = must_run(PREDICT, root=copy)
    lines = [line for line in out.splitlines() if " %" in line]
    assert len(lines) == 10
    right = [
        f"split/test/{i}/" in line and f": {i} " in line for i, line in enumerate(lines)
    ]
    assert sum(right) >= 8


def program():
    """Return main.py as a module."""
    spec = importlib.util.spec_from_file_location("main_training_main", MAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 0, "--name", "x"], "--epochs"),
        (["--epochs", "many"], "--epochs"),
        (["--lr", "nan", "--name", "x"], "--lr"),
        (["--lr", -1, "--name", "x"], "--lr"),
        (["--batch-size", 0, "--name", "x"], "--batch-size"),
        (["--threads", 0], "--threads"),
        (["--seed", 7], "--name"),
        (["--name", "../x"], "--name ../x"),
        (["--name", ".."], "--name"),
        (["--device", "abacus"], "--device abacus"),
        (["--warmup", 10, "--name", "x"], "--warmup"),
        (["--patience", 0, "--name", "x"], "--patience"),
        (["--ema", 1, "--name", "x"], "--ema"),
        (["--label-smoothing", -0.1, "--name", "x"], "--label-smoothing"),
        (["--clip-grad", 0, "--name", "x"], "--clip-grad"),
        (["--accumulate", 0, "--name", "x"], "--accumulate"),
        (["--checkpoint-every", 0], "--checkpoint-every"),
        (["--workers", -1], "--workers"),
        (["--ema", 0.9], "--name"),
        (["--dataset", "nothing"], "nothing"),
    ],
)
def test_settings_that_make_no_sense(options, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(MAIN), *map(str, options)])
    with pytest.raises((BadInput, SystemExit)) as ending:
        program().main()
    said = capsys.readouterr().err
    if isinstance(ending.value, BadInput):  # what the script ends with: one line
        said = f"{ending.value}\n"
    else:
        assert ending.value.code == 2
    assert words in said and len(said.splitlines()) == 1


BAD_WEIGHTS = ["1,2", "a,b", f"{'1,' * 9}-1", "0,0,0,0,0,0,0,0,0,0", f"{'1,' * 9}inf"]


@pytest.mark.parametrize("weights", BAD_WEIGHTS)
def test_class_weights_that_make_no_sense(weights, copy):
    options = (*QUICK, "--name", "x", "--class-weights", weights)
    words = [f"--class-weights {weights}", "10 numbers"]
    refuses(MAIN, *options, root=copy, words=words)


def test_a_warm_up_of_one_step(copy):
    options = ("--epochs", 1, *ONE, "--name", "x", "--warmup", 1 / 45, "--profile")
    out = must_run(MAIN, *options, root=copy)  # 45 steps of 32 images
    assert "lr" in out and (copy / DIGITS / "x/trace.json").is_file()
    options = ("--epochs", 1, *ONE, "--name", "x", "--batch-size", 2000)
    must_run(MAIN, *options, "--profile", root=copy)  # one step: nothing to watch
    assert not (copy / DIGITS / "x/net.pt2").exists()


def test_a_compiler_that_is_none(monkeypatch):
    def compiled(images):
        raise RuntimeError("no working C++ compiler\nand more lines")

    monkeypatch.setattr(torch, "compile", lambda net: compiled)
    training = types.SimpleNamespace(device="cpu")
    with pytest.raises(
        BadInput, match=r"--compile: .*no working C\+\+ compiler\)"
    ) as e:
        program().Training.compiled(training, Net(10))
    assert "leave it out" in str(e.value)


def test_a_loss_that_explodes(copy):
    before = without_times(copy / DIGITS / "default")
    words = ["NaN", "smaller --lr"]
    refuses(MAIN, *ONE, "--lr", 1e9, "--name", "x", root=copy, words=words)
    assert without_times(copy / DIGITS / "default") == before
    assert not (copy / DIGITS / "x/net_params.pt").exists()


def test_weights_that_are_none(copy, tmp_path):
    weights = copy / DIGITS / "default/net_params.pt"
    whole = weights.read_bytes()
    other = tmp_path / "other.pt"
    torch.save(Net(10), other)  # a whole model: a pickle with code
    for content in (whole[: len(whole) // 2], b"", b"text", other.read_bytes()):
        weights.write_bytes(content)
        with pytest.raises(BadInput, match=r"net_params\.pt: .*run main\.py again"):
            read_weights(weights)
    refuses(PREDICT, root=copy, words=["net_params.pt", "run main.py again"])
    refuses(PREDICT, "--name", "nobody", root=copy, words=["nobody", "is missing"])


def test_pictures_that_are_none(copy):
    (copy / "text.png").write_text("no picture")
    for name in ("text.png", "."):
        refuses(PREDICT, name, root=copy, words=name)


def test_stale_weights_are_trained_again(copy):
    out = must_run(PREDICT, root=copy)
    assert ": running" not in out
    must_run(
        MAIN.parents[1] / "1_data_prepare/1_2_split_dataset.py", "--seed", 3, root=copy
    )
    status, out, err = run(PREDICT, root=copy)
    assert (status, err) == (0, "")
    assert "weights of digits is stale: running main.py" in out


def test_a_mirrored_view_is_the_mean_of_two():
    from utils import evaluate

    torch.manual_seed(0)
    net, images = Net(4), torch.randn(5, 3, 32, 32)
    labels = torch.tensor([0, 1, 2, 3, 0])
    with torch.no_grad():
        by_hand = (net(images) + net(images.flip(3))) / 2
    scores, same = evaluate(net, [(images[:3], labels[:3]), (images[3:], labels[3:])])
    assert not torch.allclose(scores, by_hand) and torch.equal(same, labels)
    scores, _ = evaluate(net, [(images, labels)], mirror=True)
    torch.testing.assert_close(scores, by_hand)
