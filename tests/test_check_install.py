import contextlib
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[1] / "Code"
sys.path.insert(0, str(CODE))
import check_install as program

NUMBER_OF_LINES = 1 + len(program.TRIES) + 3  # Python, the packages, device, folders


def call(home: Path, *options: str, code: str | None = None, **variables: str):
    """Run check_install.py as a user does; see that it leaves nothing behind."""
    (home / "temp").mkdir(exist_ok=True)
    own = {name: str(home / "temp") for name in ("TMPDIR", "TEMP", "TMP")}
    own |= {"TUTORIAL_DATA": str(home / "D"), "TUTORIAL_RESULT": str(home / "R")}
    what = ["-c", code] if code else [str(CODE / "check_install.py")]
    done = subprocess.run(
        [sys.executable, *options, *what],
        cwd=home,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **own, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    left = [path.name for path in (home / "temp").iterdir()]
    assert not [name for name in left if not name.startswith("torchinductor_")]
    assert not [path for name in "DR" for path in (home / name).glob("*")]
    return done


def test_all_is_well_here(tmp_path):
    done = call(tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert [line[0] for line in lines[:-1]] == ["✓"] * NUMBER_OF_LINES
    assert lines[-1] == "all is well"


BROKEN = {
    "torch": "raise OSError('libcudart.so:\\ncannot open')",
    "torchvision": "",
    "PIL": "raise RuntimeError('DLL load failed.')",
    "numpy": "raise SystemExit(3)",
    "matplotlib": "import sys; print('A', file=sys.stderr); print('B'); 1 / 0",
    "sklearn": "import surely_not_there",
    "tqdm": "x = = 1",
    "filelock": "",
    "tensorboardX": "raise Exception('x' * 10_000)",
    "tensorboard": "raise AttributeError",
}


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✗"), ("ascii", "FAIL")])
def test_what_is_broken_is_a_line_with_advice_and_no_traceback(
    encoding, mark, tmp_path
):
    for name, body in BROKEN.items():
        (tmp_path / "modules" / name).mkdir(parents=True)
        (tmp_path / "modules" / name / "__init__.py").write_text(body)
    modules = str(tmp_path / "modules")
    done = call(tmp_path, PYTHONPATH=modules, PYTHONIOENCODING=encoding)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert len(lines) == NUMBER_OF_LINES  # no device without torch, but the last line
    bad = [line for line in lines[:-1] if line.startswith(mark)]
    assert len(bad) == len(BROKEN)
    python = sys.executable.encode(encoding, "backslashreplace").decode(encoding)
    for line in bad:
        assert python in line and " -m pip install --upgrade" in line
    assert all(len(line) < 500 for line in bad)
    assert "No module named 'surely_not_there'" in done.stdout
    assert "is not installed" not in done.stdout
    for words in ("OSError: libcudart.so: cannot open.", ": DLL load failed. Run"):
        assert words in done.stdout
    assert lines[-1] == f"{len(bad)} of {len(lines) - 1} failed: see {mark}"
    assert "pytorch.org" in bad[0] and "pytorch.org" in bad[1]
    assert "pytorch.org" not in "".join(bad[2:])


def test_what_is_missing_gets_the_command_that_installs_it(tmp_path):
    done = call(tmp_path, "-S")  # Python without any packages
    assert done.returncode == 1
    bad = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert len(bad) == len(program.TRIES)
    assert all("is not installed. Run: " in line for line in bad)
    (pillow,) = [line for line in bad if "pillow" in line]
    bound = program.requirements(program.REQUIREMENTS.read_text("utf-8"))["pillow"]
    assert pillow.endswith(f' -m pip install "pillow>={bound}"')
    assert sys.executable in pillow


def test_an_old_python_is_named_before_anything_fails(tmp_path):
    code = f"""
import runpy, sys
sys.version_info = (3, 9, 1)
runpy.run_path({str(CODE / "check_install.py")!r}, run_name="__main__")
"""
    done = call(tmp_path, code=code)
    assert done.returncode == 1
    assert done.stdout.startswith("Python 3.10 or newer is needed")
    assert len(done.stdout.splitlines()) == 1


def test_requirements_of_the_scripts_alone_are_read():
    text = """
# The scripts
torch>=2.6        # why, >=9
scikit-learn >= 1.4,<3 ; python_version > "3.1"
PIL_x[extra]~=1.0
tqdm

# The viewer
tensorboardX>=2.6.2
# The tests
pytest>=8.0

# The book
docutils>=0.20
# the viewer, again
more==1
"""
    assert program.requirements(text) == {
        "torch": "2.6",
        "scikit-learn": "1.4",
        "PIL_x": "",
        "tqdm": "",
        "tensorboardX": "2.6.2",
        "more": "",
    }


def test_every_requirement_has_a_bound_and_is_tried():
    found = program.requirements(program.REQUIREMENTS.read_text(encoding="utf-8"))
    assert {name.lower() for name in found} == set(program.TRIES)
    assert all(found.values())


@pytest.mark.parametrize(
    ("version", "bound", "expected"),
    [
        ("2.6", "2.6", False),
        ("2.6.0+cu118", "2.6", False),
        ("2.5.1", "2.6", True),
        ("2.10.0a0+git1", "2.6", False),
        ("1.26.4", "1.26", False),
        ("10.0", "9.9.9", False),
        ("2", "2.0.1", True),
        ("2", "2.0", False),
        ("unknown", "1", True),
        ("3rc1", "3", False),
    ],
)
def test_older(version, bound, expected):
    assert program.older(version, bound) is expected


def test_an_old_package_is_told_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "installed", lambda package: "4.0")
    assert program.package_trial("tqdm", "4.0", tmp_path)
    assert not program.package_trial("tqdm", "4.66", tmp_path)
    good, bad = capsys.readouterr().out.splitlines()
    assert good == "✓ tqdm 4.0: shows a bar"
    assert bad.startswith("✗ tqdm 4.0: is below 4.66. Run: ")
    assert bad.endswith('--upgrade --force-reinstall "tqdm>=4.66"')


def test_a_package_without_metadata_counts_if_it_works(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "installed", lambda package: "")
    assert program.package_trial("tqdm", "4.66", tmp_path)
    assert capsys.readouterr().out == "✓ tqdm: shows a bar\n"


def nothing(*args, **kwargs):
    return None


SABOTAGE = {  # what each try must notice: where, and what stands there instead
    "torch": ("torch.optim.SGD.step", nothing, "does not fall"),
    "torchvision": ("torchvision.ops.nms", lambda *args: args[1].long(), "nms keeps"),
    "pillow": ("PIL.Image.Image.tobytes", lambda self: object(), "comes back changed"),
    "numpy": ("torch.from_numpy", lambda array: __import__("torch").zeros(3), "memory"),
    "matplotlib": ("matplotlib.figure.Figure.savefig", nothing, "no PNG"),
    "scikit-learn": (
        "sklearn.datasets.load_digits",
        lambda: namedtuple("Digits", "data")(__import__("numpy").zeros((9, 64))),
        "(9, 64)",
    ),
    "tqdm": ("tqdm.tqdm", lambda items, file: items, "where it is"),
    "filelock": (
        "filelock.FileLock",
        lambda *args, **kwargs: contextlib.nullcontext(),
        "two hold",
    ),
    "tensorboardx": (
        "tensorboardX.SummaryWriter",
        lambda log: contextlib.nullcontext(namedtuple("W", "add_scalar")(nothing)),
        "",
    ),
    "tensorboard": ("tensorboardX.SummaryWriter.add_scalar", nothing, "loss"),
}


@pytest.mark.parametrize("package", program.TRIES)
def test_each_try_notices_a_library_that_does_not_work(
    package, tmp_path, monkeypatch, capsys
):
    assert program.trial(package, lambda: working(package, tmp_path / "good"), "")
    where, instead, words = SABOTAGE[package]
    monkeypatch.setattr(where, instead)
    assert not program.trial(package, lambda: working(package, tmp_path / "bad"), "Do")
    good, bad = capsys.readouterr().out.splitlines()
    assert good.startswith(f"✓ {package}: ")
    assert bad.startswith(f"✗ {package}: ") and words in bad and bad.endswith(". Do")


def working(package: str, folder: Path) -> str:
    folder.mkdir()
    if package == "tensorboard":
        program.try_tensorboardx(folder)
    return program.TRIES[package](folder)


def test_device(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    line = program.try_device(tmp_path)
    assert line == f"CPU, {torch.get_num_threads()} threads: enough for all scripts"
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: cpu)
    assert program.try_device(tmp_path).startswith("CPU, works; CPU, ")
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: self + 1)
    with pytest.raises(RuntimeError, match="miscalculates"):
        program.try_device(tmp_path)


def test_a_warning_of_torch_says_why_there_is_no_device(monkeypatch, tmp_path):
    import warnings

    import torch

    def too_old():
        warnings.warn("The NVIDIA driver\n is too old", stacklevel=1)
        return False

    monkeypatch.setattr(torch.accelerator, "is_available", too_old)
    line = program.try_device(tmp_path)
    assert line.endswith("scripts (torch says: The NVIDIA driver is too old)")


def test_folders_must_be_writable_and_have_space(tmp_path, monkeypatch, capsys):
    assert "can be written" in program.try_folder(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    assert not program.trial(
        "Data", lambda: program.try_folder(tmp_path / "file"), "Do"
    )
    assert "can't make this folder" in capsys.readouterr().out
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda root: usage(9e9, 9e9, 1e8))
    with pytest.raises(RuntimeError, match=r"only 0\.10 GB are free"):
        program.try_folder(tmp_path / "new")


def test_without_requirements_txt_all_is_tried(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "REQUIREMENTS", tmp_path / "requirements.txt")
    monkeypatch.setattr(program, "TRIES", {"tqdm": program.try_tqdm})
    for name in ("DATA_ROOT", "RESULT_ROOT"):
        monkeypatch.setattr(program, name, tmp_path / name)
    assert program.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"✗ {tmp_path / 'requirements.txt'}: No such file")
    assert lines[2].startswith("✓ tqdm")
    assert lines[-1] == "1 of 5 failed: see ✗"
