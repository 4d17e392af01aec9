"""Run a script of the tutorial as a user does: python, path, arguments."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

CODE = Path(__file__).resolve().parents[1] / "Code"
sys.path.insert(0, str(CODE))  # for tests/slow, which pytest does not start

from utils.runner import _Launcher

CHAPTER_1 = CODE / "1_data_prepare"
CHAIN = [
    CHAPTER_1 / "1_1_cifar10_to_png.py",
    CHAPTER_1 / "1_2_split_dataset.py",
    CHAPTER_1 / "1_3_1_generate_txt.py",
    CHAPTER_1 / "1_5_1_compute_mean.py",
]
MAIN = CODE / "main_training" / "main.py"
PREDICT = CODE / "main_training" / "predict.py"
SPEEDRUN = CODE / "main_training" / "speedrun.py"


def environment(root, **variables):
    """Return an environment with data and results below ``root``."""
    env = {k: v for k, v in os.environ.items() if k != "TUTORIAL_DATASET"}
    env["TUTORIAL_DATA"], env["TUTORIAL_RESULT"] = f"{root}/data", f"{root}/result"
    return {**env, "PYTHONIOENCODING": "utf-8", **variables}


def start(script, *args, root, cwd=None, **variables):
    """Start a script; return the process, its output in pipes."""
    env, cwd = environment(root, **variables), cwd or root
    if script in (MAIN, PREDICT, SPEEDRUN) and sys.platform == "linux":
        return Forked(script, list(map(str, args)), cwd, env)
    return start_afresh(script, *args, cwd=cwd, env=env)


def start_afresh(script, *args, cwd, env):
    """Start a script in a new interpreter."""
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, args)],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


class Forked:
    """A script in a process that has torch already: seconds faster than Popen.

    It has the parts of :class:`subprocess.Popen` that the tests use.
    """

    def __init__(self, script, args, cwd, env):
        self._folder = tempfile.TemporaryDirectory(prefix="tutorial-forked-")
        files = {
            name: Path(self._folder.name, name)
            for name in ("stdout", "stderr", "proofs")
        }
        for file in files.values():
            file.touch()
        self._files = files
        job = {name: str(file) for name, file in files.items()}
        job |= {"script": str(script), "args": args, "cwd": str(cwd)}
        job |= {"environment": env}
        self._process = _Launcher("forkserver", None).start(job)
        self._ended = None

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def kill(self):
        self._process.kill()

    def communicate(self, timeout=None):
        if self._ended is None:
            self._process.join(timeout)
            if self._process.exitcode is None:
                raise subprocess.TimeoutExpired("a script", timeout)
            names = ("stdout", "stderr")
            self._ended = tuple(
                self._files[name].read_text(encoding="utf-8", errors="replace")
                for name in names
            )
            self._folder.cleanup()
        return self._ended


def run(script, *args, root, cwd=None, **variables):
    """Run a script to its end; return status, stdout and stderr."""
    process = start(script, *args, root=root, cwd=cwd, **variables)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def must_run(script, *args, root, **variables):
    """Run a script that has to succeed, silently on stderr; return stdout."""
    status, out, err = run(script, *args, root=root, **variables)
    assert (status, err) == (0, ""), f"{script}: status {status}\n{out}\n{err}"
    return out


def refuses(script, *args, root, words, **variables):
    """See a script end with status 2 and one line on stderr that has ``words``."""
    status, out, err = run(script, *args, root=root, **variables)
    assert status == 2, f"status {status}\n{out}\n{err}"
    assert len(err.splitlines()) == 1, err
    for word in [words] if isinstance(words, str) else words:
        assert str(word) in err, f"{word!r} is not in {err!r}"
    return err


def listing(folder, ignore=(".lock",)):
    """Return {relative path: content} of all files below ``folder``."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.name.startswith(ignore)
    }
