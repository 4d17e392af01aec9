"""Several processes train as one would: the same gradients, sums and batches."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts import MAIN, Forked, environment, listing, must_run, start_afresh
from utils import (
    BadInput,
    device_of_this,
    do_first,
    from_first,
    gather_rows,
    join_processes,
    processes,
    read_events,
    read_weights,
    total,
    was_restarted,
)

PROGRAM = Path(__file__).with_name("parallel.py")
DIGITS = "result/main_training/digits"
SHORT = ("--epochs", 2, "--threads", 1, "--checkpoint-every", 9)
pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="torch comes without distributed"
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def together(count, script, *args, root, status=0):
    """Run a script in ``count`` processes, as torchrun would; return what they say.

    With ``status`` 2, stdout and stderr of each; otherwise nothing stands on stderr.
    """
    port, processes = free_port(), []
    for rank in range(count):
        variables = dict(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(count),
            LOCAL_WORLD_SIZE=str(count),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
            TORCHELASTIC_RUN_ID="test",
        )
        env = environment(root, **variables)
        if sys.platform == "linux":
            processes.append(Forked(script, [str(a) for a in args], root, env))
        else:
            processes.append(start_afresh(script, *args, cwd=root, env=env))
    said = [process.communicate(timeout=300) for process in processes]
    for process, (out, err) in zip(processes, said, strict=True):
        assert process.returncode == status, out + err
        assert status or err == ""
    return said if status else [out for out, _ in said]


def result(count, what, root):
    file = root / f"{what}-{count}.pt"
    said = together(count, PROGRAM, what, file, root=root)
    return torch.load(file), said


# One process sees what many would


def test_alone_there_is_nothing_to_bring_together():
    with join_processes() as alone:
        assert alone == processes.Processes(0, 1, 0, 1)
        assert alone.first
    rows = torch.ones(2, 3)
    assert total(rows) is rows and gather_rows(rows) is rows
    assert from_first(rows) is rows
    done = []
    do_first(lambda: done.append(1), True)
    do_first(lambda: done.append(2), False)
    assert done == [1]
    with pytest.raises(BadInput, match="it is bad"):
        do_first(lambda: processes.Processes().refuse("it is bad"), True)


def test_processes_part_in_order(monkeypatch):
    done = []

    def noted(name, plain):
        def call(*args):
            done.append(name)
            return plain(*args)

        return call

    for module, name in (
        (torch.distributed, "barrier"),
        (processes.time, "sleep"),  # gloo's threads let go of what they have
        (torch.distributed, "destroy_process_group"),
    ):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    variables = dict(RANK=0, WORLD_SIZE=1, LOCAL_RANK=3, LOCAL_WORLD_SIZE=4)
    variables |= dict(MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port())
    for name, value in {**variables, "TORCHELASTIC_RUN_ID": "test"}.items():
        monkeypatch.setenv(name, str(value))
    hook = sys.excepthook
    with join_processes() as one:
        assert torch.distributed.get_backend() == "gloo"
        assert one == processes.Processes(0, 1, 3, 4)
        assert (done, sys.excepthook) == ([], hook)
    assert done == ["barrier", "sleep", "destroy_process_group"]
    assert not torch.distributed.is_initialized()


def test_the_first_one_speaks_for_all(capsys):
    for rank in range(3):
        processes.Processes(rank, 3).say(f"I am {rank}")
    assert capsys.readouterr().out == "I am 0\n"
    with pytest.raises(SystemExit) as ending:
        processes.Processes(1, 3).refuse("it is bad")
    assert ending.value.code == 2


@pytest.fixture
def two_gpus(monkeypatch):
    """torchrun has started this one as the second on a machine; note what it takes."""
    taken = []
    monkeypatch.setattr(processes, "is_one_of_many", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    return taken


def test_each_process_has_a_gpu_of_its_own(two_gpus, monkeypatch):
    assert device_of_this(torch.device("cuda"), True) == torch.device("cuda", 1)
    assert two_gpus == [1]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(BadInput, match="3 processes for 2 GPUs: lower"):
        device_of_this(torch.device("cuda"), True)
    monkeypatch.setattr(processes, "is_one_of_many", lambda: False)
    assert device_of_this(torch.device("cuda"), True) == torch.device("cuda")


def test_what_processes_cannot_share(two_gpus):
    assert device_of_this(torch.device("cpu"), True) == torch.device("cpu")
    assert device_of_this(torch.device("mps"), False) == torch.device("cpu")
    with pytest.raises(BadInput, match="--device mps: several processes can't share"):
        device_of_this(torch.device("mps"), True)
    assert two_gpus == []


def test_a_restart_is_seen(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    assert not was_restarted()
    for count, restarted in (("0", False), ("1", True), ("2", True)):
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
        assert was_restarted() is restarted


# Many, each in a process


@pytest.mark.parametrize("what", ["train", "accumulate"])
def test_the_weights_of_many_are_those_of_one(what, tmp_path):
    one, _ = result(1, "train", tmp_path)
    for count in (2, 5):
        many, _ = result(count, what, tmp_path)
        for name, weight in one["net"].items():
            assert weight.dtype == torch.float64
            torch.testing.assert_close(many["net"][name], weight, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(many["sums"], one["sums"], rtol=1e-10, atol=0)
        assert many["sums"][3] == 2 * 67  # every image once an epoch
        assert many["sums"][2] == one["sums"][2]


def test_what_is_brought_together(tmp_path):
    got, _ = result(3, "talk", tmp_path)
    assert got["total"].tolist() == [6, 30]
    assert got["rows"].tolist() == [[1.0, 1.0], [2.0, 2.0], [2.0, 2.0]]
    assert got["from_first"] == {"rank": 0}
    assert got["seen"] == [2, 3, 2, 3]


def test_batch_norm_is_told_about(tmp_path):
    got, said = result(2, "normalise", tmp_path)
    assert got["kind"] == "DistributedDataParallel"
    assert "BatchNorm: each process normalises its own part" in said[0]
    assert said[1] == ""
    assert got["mean"].tolist() == [1.0] * 4  # the second one has the first one's
    got, said = result(1, "normalise", tmp_path)
    assert (got["kind"], said) == ("Sequential", [""])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Two epochs in one process; the data are there from then on."""
    root = tmp_path_factory.mktemp("alone")
    must_run(MAIN, *SHORT, "--name", "run", root=root)
    return root


def close(root, other):
    """Weights and curves agree as far as float32 goes, and numbers of images fully."""
    one, _ = read_weights(root / DIGITS / "run/net_params.pt")
    two, _ = read_weights(other / DIGITS / "run/net_params.pt")
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=0.05, atol=0.02)
    events = [read_events(place / DIGITS / "run/log") for place in (root, other)]
    for tag in events[0].Tags()["scalars"]:
        a, b = ([event.value for event in log.Scalars(tag)] for log in events)
        assert b == pytest.approx(a, rel=0.1, abs=0.03), tag


def test_main_in_two_processes(alone, tmp_path):
    shutil.copytree(alone / "data", tmp_path / "data")
    first, second = together(2, MAIN, *SHORT, "--name", "run", root=tmp_path)
    assert second == "" and "epoch   2" in first
    close(alone, tmp_path)
    left, expected = (listing(place / DIGITS / "run") for place in (tmp_path, alone))
    assert {n for n in left if "tfevents" not in n} == {
        n for n in expected if "tfevents" not in n
    }


def test_torchrun_restarts_a_failed_process_and_resumes(alone, tmp_path):
    """The second process dies once, at step 12; the run still ends as it should."""
    shutil.copytree(alone / "data", tmp_path / "data")
    program = tmp_path / "dies_once.py"
    program.write_text(
        f"""
import os, runpy, signal, sys
sys.path.insert(0, {str(MAIN.parents[1])!r})
import utils, utils.train
plain, steps, mark = utils.train.train_step, [], {str(tmp_path / "died")!r}
def train_step(*args, **options):
    steps.append(1)
    if len(steps) == 13 and os.environ["RANK"] == "1" and not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(7)
    return plain(*args, **options)
utils.train_step = train_step
sys.argv[0] = {str(MAIN)!r}
runpy.run_path({str(MAIN)!r}, run_name="__main__")
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--max-restarts=1", "--standalone", str(program)]
    command += [*map(str, SHORT), "--name", "run", "--resume"]
    env = environment(tmp_path, OMP_NUM_THREADS="1")
    done = subprocess.run(
        command,
        env=env,
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "died").exists()
    assert "exitcode" in done.stderr or "failed" in done.stderr
    assert "resuming: epoch 1, 9 steps of it done" in done.stdout
    close(alone, tmp_path)


def test_what_only_one_finds_wrong_ends_all(tmp_path):
    expected = ["", "the second one is not content\n", ""]
    for count in (2, 3):
        file = tmp_path / "x"
        said = together(count, PROGRAM, "refuse", file, root=tmp_path, status=2)
        assert [err for _, err in said] == expected[:count]


def test_what_some_do_ends_nobody_if_it_goes_well(tmp_path):
    for count in (1, 2):
        assert result(count, "agree", tmp_path)[0] == [count - 1]


def test_a_loss_that_explodes_ends_all_with_one_line(alone, tmp_path):
    shutil.copytree(alone / "data", tmp_path / "data")
    options = (*SHORT, "--name", "run", "--lr", 1e9)
    said = together(2, MAIN, *options, root=tmp_path, status=2)
    assert "the loss is NaN" in said[0][1] and said[1][1] == ""
    assert len(said[0][1].splitlines()) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_resumed_by_another_number_of_processes(alone, tmp_path, count):
    shutil.copytree(alone, tmp_path, dirs_exist_ok=True)
    run = tmp_path / DIGITS / "run"
    newest = sorted((run / "checkpoints").iterdir())[-1]
    newest.unlink()  # what stays is of the middle of the second epoch
    options = (*SHORT, "--name", "run", "--resume")
    out = together(count, MAIN, *options, root=tmp_path)[0]
    assert "resuming: epoch 2, 36 steps of it done" in out
    close(alone, tmp_path)
    if count == 1:  # the same number: the same bits
        plain = [
            (place / DIGITS / "run/net_params.pt").read_bytes()
            for place in (alone, tmp_path)
        ]
        assert plain[0] == plain[1]
    assert len(list((run / "checkpoints").iterdir())) == 2
