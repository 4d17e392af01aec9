"""Checkpoints: whole or not there, told apart when damaged, and nobody else's."""

import errno
import io
import os
import pickle
import signal
import sys
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utils import (
    BadInput,
    clear_checkpoints,
    newest_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from utils import checkpoint as checkpoint_module
from utils.checkpoint import Storage, _tensor, checkpoints, load_plain

SETTINGS = {"lr": 0.1, "epochs": 3, "data": "abc"}


def write(folder, *steps, settings=SETTINGS):
    for step in steps:
        write_checkpoint(folder, step, {"w": torch.full((3,), float(step))}, settings)


def names(folder):
    return [path.name for path in checkpoints(folder)]


def test_what_is_written_is_read(tmp_path):
    state = {
        "weights": {"a": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)},
        "history": [{"loss": 0.1 + 0.2, "epoch": 1}],
        "best": None,
    }
    path = write_checkpoint(tmp_path, 7, state, SETTINGS)
    again, settings = read_checkpoint(path)
    assert settings == SETTINGS
    assert torch.equal(again["weights"]["a"], state["weights"]["a"])
    assert again["weights"]["a"].stride() == state["weights"]["a"].stride()
    assert (again["history"], again["best"]) == (state["history"], None)


def test_the_last_two_are_kept(tmp_path):
    write(tmp_path, 9, 99, 100, 1_000_000_000, 1_000_000_001)
    assert names(tmp_path) == ["step_1000000001.ckpt", "step_1000000000.ckpt"]
    assert newest_checkpoint(tmp_path, SETTINGS)["w"][0] == 1_000_000_001
    clear_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert newest_checkpoint(tmp_path, SETTINGS) is None
    assert newest_checkpoint(tmp_path / "nowhere", SETTINGS) is None


def test_the_same_state_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a", 5)
    write(tmp_path / "another name", 5)
    (one,), (two,) = checkpoints(tmp_path / "a"), checkpoints(tmp_path / "another name")
    assert one.read_bytes() == two.read_bytes()


def test_one_flipped_bit_is_found(tmp_path):
    write(tmp_path, 1, 2)
    newest = checkpoints(tmp_path)[0]
    whole = newest.read_bytes()
    head = range(whole.index(b"\n") + 1)  # its line, settings and all
    for where in (*head, 200, 700, len(whole) - 30):
        content = bytearray(whole)
        content[where] ^= 1
        newest.write_bytes(content)
        said = []
        state = newest_checkpoint(tmp_path, SETTINGS, said.append)
        assert state["w"][0] == 1, where
        (line,) = said
        assert newest.name in line and "it is passed over" in line


def test_a_damaged_one_does_not_count_among_the_last_two(tmp_path):
    write(tmp_path, 1, 2, 9)
    checkpoints(tmp_path)[0].write_bytes(b"")
    write(tmp_path, 3)
    assert names(tmp_path) == ["step_000000003.ckpt", "step_000000002.ckpt"]


@pytest.mark.parametrize("length", [0, 1, 20, 100, 1000])
def test_half_a_file_is_found(tmp_path, length):
    write(tmp_path, 1, 2)
    newest = checkpoints(tmp_path)[0]
    newest.write_bytes(newest.read_bytes()[:length])
    said = []
    assert newest_checkpoint(tmp_path, SETTINGS, said.append)["w"][0] == 1
    assert len(said) == 1


def test_both_damaged(tmp_path):
    write(tmp_path, 1, 2)
    for path in checkpoints(tmp_path):
        path.write_bytes(b"")
    said = []
    assert newest_checkpoint(tmp_path, SETTINGS, said.append) is None
    assert len(said) == 2


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "step_000000001.ckpt"
    write_checkpoint(tmp_path, 1, {"w": Code()}, SETTINGS)  # a right checksum
    with pytest.raises(BadInput, match=r"step_000000001\.ckpt: is no whole checkpoint"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Code()))
    with pytest.raises(BadInput):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_other_settings_are_named(tmp_path):
    write(tmp_path, 1)
    with pytest.raises(BadInput, match=r"lr 0\.1 \(now 0\.2\): give") as error:
        newest_checkpoint(tmp_path, {**SETTINGS, "lr": 0.2})
    assert "epochs" not in str(error.value)
    with pytest.raises(BadInput, match=r"new None \(now 1\)"):
        newest_checkpoint(tmp_path, {**SETTINGS, "new": 1})


def test_tuples_count_as_the_lists_that_json_makes_of_them(tmp_path):
    settings = {"sizes": (1, 2)}
    write(tmp_path, 1, settings=settings)
    assert newest_checkpoint(tmp_path, settings)["w"][0] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("moment", ["write", "fsync", "replace", "unlink"])
def test_killed_while_it_writes(tmp_path, moment):
    write(tmp_path, 1, 2)
    child = os.fork()
    if child == 0:  # SIGKILL to itself at the moment

        def kill(*_, **__):
            os.kill(os.getpid(), signal.SIGKILL)

        import utils.checkpoint as module
        import utils.paths as paths

        if moment == "write":

            class HalfWritten:
                def __init__(self, file):
                    self.file = file

                def __enter__(self):
                    return self

                def write(self, content):
                    self.file.write(content[: len(content) // 2])
                    self.file.flush()
                    kill()

                def __exit__(self, *_):
                    pass

            plain = paths.Path.open
            paths.Path.open = lambda self, *a: HalfWritten(plain(self, *a))
        elif moment == "fsync":
            paths.os.fsync = kill
        else:
            setattr(module.Path, moment, kill)
        try:
            write(tmp_path, 3)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    said = []
    expected = 3 if moment == "unlink" else 2
    assert newest_checkpoint(tmp_path, SETTINGS, said.append)["w"][0] == expected
    assert said == []
    write(tmp_path, 4)
    assert names(tmp_path)[0] == "step_000000004.ckpt" and len(names(tmp_path)) == 2
    clear_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


SIZES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=3)


@given(st.integers(0, 30), st.integers(0, 12), SIZES)
def test_a_tensor_stays_within_its_memory_as_torch_says(count, offset, sizes):
    size, stride = ([pair[i] for pair in sizes] for i in (0, 1))
    try:
        found = torch.empty(count).as_strided(size, stride, offset)
        fits = found.numel() <= count  # torch lets one number stand for a million
    except RuntimeError:
        fits = False
    try:
        _tensor(Storage(count), offset, tuple(size), tuple(stride))
        fine = True
    except pickle.UnpicklingError:
        fine = False
    assert fine == fits


def test_a_file_that_can_not_be_opened_now_is_not_called_damaged(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    path = write_checkpoint(tmp_path, 1, {}, SETTINGS)
    monkeypatch.setattr(checkpoint_module, "read_bounded", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        read_checkpoint(path)


def test_tensors_of_all_kinds_also_empty_ones(tmp_path):
    kinds = ["uint8", "int8", "bool", "int16", "float16", "bfloat16", "int32"]
    kinds += ["float32", "int64", "float64", "complex64", "complex128"]
    state = {kind: torch.ones(3).to(getattr(torch, kind)) for kind in kinds}
    state |= {f"no {kind}": value[:0].clone() for kind, value in state.items()}
    again, _ = read_checkpoint(write_checkpoint(tmp_path, 1, state, SETTINGS))
    assert again.keys() == state.keys()
    for kind, value in state.items():
        assert again[kind].dtype == value.dtype
        assert torch.equal(again[kind], value), kind


def test_a_tensor_has_a_memory_and_a_shape_that_torch_can_have():
    _tensor(Storage(5), 0, (1,) * 16, (1,) * 16)
    for storage, size, stride in (
        (Storage(5), (1,) * 17, (1,) * 17),
        (Storage(5), (1, 1), (1,)),
        (5, (1,), (1,)),
        (Storage(5), (True,), (1,)),
        (Storage(5), (-1,), (1,)),
    ):
        with pytest.raises(pickle.UnpicklingError, match="no sound shape"):
            _tensor(storage, 0, size, stride)


def test_each_refusal_of_a_checkpoint_by_its_reason(tmp_path, monkeypatch):
    write(tmp_path, 1)
    (path,) = checkpoints(tmp_path)
    head, _, packed = path.read_bytes().partition(b"\n")
    with pytest.raises(ValueError, match="far too many records"):
        load_plain(packed + b"PK\1\2" * 100_001)
    twice = io.BytesIO(packed)
    with zipfile.ZipFile(twice, "a") as zipped, pytest.warns(match="Duplicate name"):
        zipped.writestr(zipped.namelist()[0], b"")
    with pytest.raises(ValueError, match="it has a record twice"):
        load_plain(twice.getvalue())
    path.write_bytes(head.replace(b"tutorial", b"tutorium") + b"\n" + packed)
    with pytest.raises(BadInput, match="it does not begin as one"):
        read_checkpoint(path)
    monkeypatch.setattr(checkpoint_module, "_LARGEST", path.stat().st_size - 1)
    with pytest.raises(BadInput, match="it has 0 GB"):
        read_checkpoint(path)
