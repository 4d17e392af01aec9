"""Runs one script as ``__main__``, in a process that :mod:`utils.runner` started.

It is run by its path, with ``JOB`` among its globals, and imports nothing of ``utils``:
that is for the script to do, after the environment has been set.
"""

import _thread
import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TextIO


def settle(job: dict) -> None:
    """Make this process one that was started for the script and for nothing else."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # so that it can be ended with all that it starts
    _thread.start_new_thread(end_with_the_runner, ())  # one that threading ignores
    reopen(os.devnull, 0, os.O_RDONLY)
    reopen(job["stdout"], 1, os.O_WRONLY | os.O_APPEND)
    reopen(job["stderr"], 2, os.O_WRONLY | os.O_APPEND)
    sys.stdin = sys.__stdin__ = stream(0, "r")
    sys.stdout = sys.__stdout__ = stream(1, "w")
    sys.stderr = sys.__stderr__ = stream(2, "w", 1, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    for name in os.environ.keys() - job["environment"].keys():
        del os.environ[name]
    os.environ.update(job["environment"])
    os.chdir(job["cwd"])
    sys.argv = [job["script"], *job.get("args", [])]
    sys.path[:] = [str(Path(job["script"]).parent), *job["path"]]
    tempfile.tempdir = None  # look again: TMPDIR may have changed
    multiprocessing.set_start_method(None, force=True)  # back to the system's default
    if "numpy" in sys.modules:  # a forked child has its parent's random numbers
        sys.modules["numpy"].random.seed()


def end_with_the_runner() -> None:
    """Wait until the runner is gone, even by SIGKILL; end all that it has started."""
    multiprocessing.parent_process().join()
    if hasattr(os, "killpg"):
        os.killpg(os.getpid(), signal.SIGKILL)
    command = ["taskkill", "/T", "/F", "/PID", str(os.getpid())]
    subprocess.run(command, capture_output=True, check=False)


def reopen(path: str, descriptor: int, flags: int) -> None:
    """Let ``descriptor``, for this process and all that it starts, mean ``path``."""
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


def stream(descriptor: int, mode: str, buffering: int = -1, **options: str) -> TextIO:
    """Return a text stream of UTF-8, whatever the environment says."""
    return open(descriptor, mode, buffering, encoding="utf-8", closefd=False, **options)


def run(script: str) -> int:
    """Run the script; return what ``python script`` would have as exit status."""
    try:
        runpy.run_path(script, run_name="__main__")
        return 0
    except SystemExit as ending:
        return status_of(ending)
    except BaseException as caught:
        error = caught
    return uncaught(error)


def status_of(ending: SystemExit) -> int:
    """Return the exit status that an interpreter takes from ``ending``."""
    if ending.code is None:
        return 0
    if isinstance(ending.code, int):
        return ending.code
    print(ending.code, file=sys.stderr)
    return 1


def uncaught(error: BaseException) -> int:
    """Say what an interpreter says of an uncaught error; return the exit status."""
    trim(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as ending:
        return status_of(ending)
    except BaseException as another:
        print("Error in sys.excepthook:", file=sys.stderr)
        trim(another)
        sys.__excepthook__(type(another), another, another.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def trim(error: BaseException) -> None:
    """Take the runner's own frames from the top of the traceback."""
    ours = (__file__, runpy.run_path.__code__.co_filename)
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    error.__traceback__ = trace


def end() -> int:
    """Do what an interpreter does at its end; return the number of proofs."""
    threading._shutdown()  # waits for all threads but daemons
    atexit._run_exitfuncs()
    return getattr(sys.modules.get("utils.proof"), "held", 0)


if __name__ == "child":
    job = globals()["JOB"]
    settle(job)
    status = run(job["script"])
    Path(job["proofs"]).write_text(str(end()), encoding="ascii")
    sys.exit(status)
