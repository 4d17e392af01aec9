"""Parts of ``utils`` that take no script to be seen at work."""

import errno
import importlib
import io
import os
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

import utils
from utils import (
    BadInput,
    Net,
    fresh_dir,
    paths,
    read_events,
    result_dir,
    schedule,
    write_whole,
)
from utils.console import Parser, end, one_line, prepare
from utils.paths import CODE, DATA_ROOT, RESULT_ROOT, make_dir, read_json

# paths


def test_results_stand_where_the_script_stands():
    script = CODE / "2_model" / "2_9_nothing.py"
    folder = result_dir(script)
    assert folder == RESULT_ROOT / "2_model" / "2_9_nothing"
    assert folder.is_dir()
    folder.rmdir()
    elsewhere = result_dir("/anywhere/else/mine.py")
    assert elsewhere == RESULT_ROOT / "mine"
    elsewhere.rmdir()


def test_folders_are_emptied_in_data_and_results_alone(tmp_path):
    for root in (DATA_ROOT, RESULT_ROOT):
        folder = root / "to be emptied"
        assert fresh_dir(folder) == folder
        (folder / "old").mkdir()
        (folder / "old" / "file").touch()
        assert list(fresh_dir(folder).iterdir()) == []
        folder.rmdir()
    (tmp_path / "kept").touch()
    for place in (tmp_path, DATA_ROOT, RESULT_ROOT, RESULT_ROOT / "a" / ".."):
        with pytest.raises(ValueError, match="only folders inside"):
            fresh_dir(place)
    assert (tmp_path / "kept").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    assert make_dir(tmp_path / "a" / "b").is_dir()
    assert make_dir(tmp_path / "a") == tmp_path / "a"
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"file.*TUTORIAL_DATA and TUTORIAL_RESULT"):
        make_dir(tmp_path / "file" / "c")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    for content in ("Größe 大小\n", b"\r\n\0"):
        write_whole(path, content)
        raw = content.encode() if isinstance(content, str) else content
        assert path.read_bytes() == raw
    with pytest.raises(AttributeError):
        write_whole(path, None)
    assert path.read_bytes() == b"\r\n\0"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, seen = tmp_path / "file", []

    def fsync(descriptor):
        seen.append((os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(paths.os, "fsync", fsync)
    write_whole(path, b"content")
    assert seen == [(7, False)]


def test_data_and_results_stand_beside_the_code_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path))
    assert paths._root("TUTORIAL_DATA", "Data") == tmp_path
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("TUTORIAL_DATA")
        else:
            monkeypatch.setenv("TUTORIAL_DATA", value)
        assert paths._root("TUTORIAL_DATA", "Data") == CODE.parent / "Data"


def test_windows_would_end_a_process_that_is_asked_for(monkeypatch):
    asked = []
    with monkeypatch.context() as windows:
        windows.setattr(paths.os, "name", "nt")
        windows.setattr(paths.os, "kill", lambda *args: asked.append(args))
        running = [paths._is_running(os.getpid()), paths._is_running(1)]
    assert (running, asked) == ([True, False], [])


def test_records_have_a_limit(tmp_path):
    path = tmp_path / "record.json"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)  # of zeros, which take no space
    with pytest.raises(BadInput, match=r"too large\): make it again"):
        read_json(path, "make it again")
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(BadInput, match=r"does not begin with \{"):
        read_json(path, "make it again")
    path.write_text("{}", encoding="utf-8")
    assert read_json(path, "") == {}


# console


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BadInput("x.txt: \n is  bad"), "x.txt: is bad"),
        (OSError(errno.ENOSPC, "full", "a.png"), "a.png: full: free some space and"),
        (OSError(errno.EACCES, "denied"), "denied: check who may write there"),
        (OSError(errno.EINVAL, "odd", "a.png"), None),
        (ValueError("a bug"), None),
        (RuntimeError("DataLoader has a bug"), None),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            "DataLoader worker (pid 7) is killed by signal: Killed.: it had perhaps",
        ),
    ],
)
def test_what_is_no_bug_has_one_line(error, line):
    said = one_line(error)
    assert said == line if line is None else said.startswith(line)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BadInput("x.txt: is bad"), 2, "x.txt: is bad\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (ValueError("a bug"), 1, "ValueError: a bug\n"),
    ],
)
def test_the_end_of_a_script(error, status, said, capsys):
    with pytest.raises(SystemExit) as ending:
        end(type(error), error, None)
    assert ending.value.code == status
    out, err = capsys.readouterr()
    assert (out, err) == ("", said)


def test_a_parser_complains_in_one_line(capsys):
    parser = Parser(prog="main.py")
    with pytest.raises(SystemExit) as ending:
        parser.parse_args(["--odd"])
    assert ending.value.code == 2
    line = "main.py: unrecognized arguments: --odd (--help shows all options)\n"
    assert capsys.readouterr().err == line


def test_a_poor_console_gets_plain_signs(monkeypatch):
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    prepare()
    assert sys.excepthook is end
    print("✓ a → b · 大")
    print("±1", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    assert sys.stdout.buffer.getvalue() == b"ok a -> b - \\u5927\n"
    assert sys.stderr.buffer.getvalue() == b"+-1\n"
    monkeypatch.setattr(sys, "excepthook", print)
    prepare()
    assert sys.excepthook is print  # somebody else's stays
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "say-it-plainly")


# Reading events, the network, the package itself


def test_all_events_are_read_not_a_sample_of_them(tmp_path):
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(12):
            writer.add_histogram("h", torch.ones(3), step)
            writer.add_image("i", torch.zeros(3, 2, 2), step)
            writer.add_text("t", "text", step)
    events = read_events(tmp_path)
    assert [len(events.Histograms("h")), len(events.Images("i"))] == [12, 12]
    assert len(events.Tensors("t/text_summary")) == 12


@torch.no_grad()
def test_the_network_is_lenet():
    torch.manual_seed(0)
    net, images = Net(4).eval(), torch.randn(2, 3, 32, 32)
    shapes = [tuple(weight.shape) for weight in net.parameters()]
    convolutions = [(6, 3, 5, 5), (6,), (16, 6, 5, 5), (16,)]
    assert shapes == [
        *convolutions,
        (120, 400),
        (120,),
        (84, 120),
        (84,),
        (4, 84),
        (4,),
    ]
    x = images
    for layer in (net.conv1, net.conv2):
        x = nn.functional.max_pool2d(layer(x).relu(), 2)
    x = net.fc2(net.fc1(x.flatten(1)).relu()).relu()
    torch.testing.assert_close(net(images), net.fc3(x))
    assert Net().fc3.out_features == 10


def test_names_that_utils_lacks():
    with pytest.raises(AttributeError, match="module 'utils' has no attribute 'nope'"):
        utils.nope  # noqa: B018
    for name in utils.__all__:
        assert getattr(utils, name) is not None


def test_one_thread_and_no_window_unless_in_a_notebook(monkeypatch):
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.figure import Figure

    utils.settle()
    used, plain = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", plain)
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["SimHei", "Else"])
    monkeypatch.setitem(matplotlib.rcParams, "font.family", [])
    monkeypatch.setattr(matplotlib, "use", used.append)
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    utils.settle()
    assert used == []  # once is enough
    monkeypatch.setattr(utils, "_no_window", False)
    monkeypatch.setattr(utils, "_one_thread", False)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    utils.settle()
    assert used == [1]
    monkeypatch.delitem(sys.modules, "ipykernel")
    utils.settle()
    assert used == [1, "agg"]
    assert matplotlib.rcParams["font.family"] == ["DejaVu Sans", "SimHei"]
    assert Figure.savefig.__wrapped__ is plain  # it writes all or nothing now
    assert (utils._one_thread, utils._no_window) == (True, True)


def test_devices():
    from utils import pick_device

    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(BadInput, match="--device nowhere: can't be used here"):
        pick_device("nowhere")


def test_a_new_process_is_settled_by_what_it_takes():
    code = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
import utils
print("torch" in sys.modules, "Net" in vars(utils))
from utils import Net
import torch
print(torch.get_num_threads(), "Net" in vars(utils))
import matplotlib
from utils import draw_curves
print(matplotlib.get_backend())
for kind in (UserWarning, RuntimeWarning):
    warnings.warn_explicit("of an image", kind, "x", 1, module="PIL.Image")
warnings.warn_explicit("of others", UserWarning, "x", 1, module="others")
"""
    variables = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(CODE)],
        env={**variables, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.splitlines() == ["False False", "1 True", "agg"]
    assert "of an image" not in done.stderr and "of others" in done.stderr


def test_what_was_imported_before_is_settled_too():
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import torch, matplotlib
import utils
print(torch.get_num_threads(), matplotlib.get_backend(), sys.excepthook.__module__)
"""
    variables = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    out = subprocess.check_output(
        [sys.executable, "-c", code, str(CODE)],
        env={**variables, "OMP_NUM_THREADS": "2"},
        encoding="utf-8",
    )
    assert out == "1 agg utils.console\n"


def test_a_thread_that_fails_ends_the_script_after_what_was_said():
    code = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import utils
def fail():
    raise OSError(28, "No space left", "a.png")
print("said before")  # into a pipe: it waits in memory
threading.Thread(target=fail).start()
threading.Event().wait(60)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(CODE)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "said before\n")
    assert done.stderr == "a.png: No space left: free some space and run it again\n"


def test_what_torch_2_6_says_of_itself_is_not_shown():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        importlib.reload(schedule)
        said = "The epoch parameter in `scheduler.step()` was not necessary"
        warnings.warn(said, UserWarning, stacklevel=1)
        warnings.warn("another", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in seen] == ["another"]
