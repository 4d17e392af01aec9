"""Running scripts side by side, each in a process of its own.

On Linux a server process imports torch and the other heavy libraries once and forks a
child for each script: that takes a tenth of a second instead of seconds. What those
libraries read from the environment while they are imported they read at the first call;
everything else, the scripts and ``utils`` see as it is at each call.
"""

import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from utils.console import BadInput, Stopped
from utils.paths import CODE

CHILD = Path(__file__).with_name("child.py")
PRELOAD = [
    "numpy",
    "PIL.Image",
    "torch",
    "torch._dynamo",  # the first optimizer of a process imports it: more than a second
    "torchvision",
    "torchvision.transforms.v2",
    "sklearn.datasets",
    "matplotlib.pyplot",
    "tensorboardX",
]
ALONE = [  # they make what others read; in this order, before all others
    "1_1_cifar10_to_png.py",
    "1_2_split_dataset.py",
    "1_3_1_generate_txt.py",
    "1_5_1_compute_mean.py",
    "main_training/main.py",
]
GRACE = 2.0  # seconds for a stopped script to tidy up
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Finished:
    """What became of a script.

    :ivar status: its exit status; the number of the signal that killed it, negative
    :ivar seconds: from its start to its end
    :ivar proofs: how many of its proofs held
    """

    script: Path
    status: int
    stdout: str
    stderr: str
    seconds: float
    proofs: int


def run_scripts(
    scripts: Sequence[str | Path],
    jobs: int | None = None,
    dataset: str | None = None,
    start_method: str | None = None,
    keep_going: bool = True,
    on_finish: Callable[[Finished], None] | None = None,
    on_wait: Callable[[dict[Path, float]], None] | None = None,
) -> list[Finished]:
    """Run scripts and return what became of them, in the order given.

    Those that make data come first, one by one; the rest run side by side. The current
    environment and working directory reach them all; their stdin is empty.

    :param jobs: how many at once; default: as many as there are cores
    :param dataset: their ``TUTORIAL_DATASET``; default: that of the environment
    :param start_method: ``forkserver``, the default on Linux, or ``spawn``
    :param keep_going: after a failure too; otherwise the scripts that have not been
        started by then are missing from the list
    :param on_finish: called with each result as it comes
    :param on_wait: called ten times a second with the seconds of each running script
    :raises BadInput: no such data set or start method, or ``jobs`` below 1
    :raises Stopped: after Ctrl-C or SIGTERM; no process is left
    """
    scripts = [Path(script).absolute() for script in scripts]
    jobs = _cores() if jobs is None else jobs
    if jobs < 1:
        raise BadInput(f"--jobs {jobs}: give a number above zero")
    launch = _Launcher(_method(start_method), dataset)
    done: dict[int, Finished] = {}
    running: dict[int, _Child] = {}
    with _noting_signals() as noted, _temporary_folder() as folder:
        try:
            for waiting, at_once in _groups(scripts, jobs):
                while waiting or running:
                    failed = any(result.status for result in done.values())
                    if failed and not keep_going:
                        waiting.clear()
                    while waiting and len(running) < at_once and not noted:
                        i = waiting.pop(0)
                        running[i] = _Child(scripts[i], folder / str(i), launch)
                    _wait(running.values(), on_wait)
                    if noted:
                        raise Stopped(noted[0])
                    for i in [i for i in running if running[i].has_ended()]:
                        done[i] = running.pop(i).result()
                        if on_finish:
                            on_finish(done[i])
        finally:
            _end(list(running.values()))
    return [done[i] for i in sorted(done)]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _method(wanted: str | None) -> str:
    method = wanted or ("forkserver" if sys.platform == "linux" else "spawn")
    known = sorted({"forkserver", "spawn"} & {*multiprocessing.get_all_start_methods()})
    if method not in known:
        raise BadInput(f"{method}: no way to start a process here; {known} are")
    return method


def _groups(scripts: list[Path], jobs: int) -> list[tuple[list[int], int]]:
    """Return the indices of scripts that may run together, and how many at once."""
    names = [f"/{script.as_posix()}" for script in scripts]
    alone = [i for last in ALONE for i, n in enumerate(names) if n.endswith(f"/{last}")]
    rest = [i for i in range(len(scripts)) if i not in alone]
    return [*(([i], 1) for i in alone), (rest, jobs)]


def _wait(
    running: Sequence["_Child"], on_wait: Callable[[dict[Path, float]], None] | None
) -> None:
    """Return when a child has ended, at the latest after a tenth of a second."""
    if on_wait:
        on_wait({child.script: child.seconds() for child in running})
    ends = {child.process.sentinel: child.process for child in running}
    for end in multiprocessing.connection.wait(list(ends), 0.1) if ends else ():
        ends[end].join()  # it has closed its files, and may take a moment more


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="tutorial-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def _noting_signals() -> Iterator[list[int]]:
    """Note SIGINT and SIGTERM in the list yielded, instead of dying of them.

    A handler that raises would do so anywhere, even between the start of a process and
    the moment when we know its number.
    """
    noted: list[int] = []
    old = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                old[number] = signal.signal(number, lambda n, _: noted.append(n))
    try:
        yield noted
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Hold back the signals, here and in processes that are started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it later would let the signals in
    old = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep multiprocessing from importing our ``__main__`` into the children."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Launcher:
    """Starts processes that run a script in the environment of now."""

    def __init__(self, method: str, dataset: str | None) -> None:
        self.method = method
        environment = dict(os.environ)
        environment.setdefault("PYTHONIOENCODING", "utf-8")  # of what scripts start
        if dataset is not None:
            from utils.prepare import find_dataset

            environment["TUTORIAL_DATASET"] = find_dataset(dataset).given
        first = environment.get("PYTHONPATH", "").split(os.pathsep)
        first = [str(Path(entry).absolute()) for entry in first if entry]
        rest = [entry for entry in sys.path if entry and Path(entry).resolve() != CODE]
        self.job = {
            "environment": environment,
            "cwd": str(Path.cwd()),
            "path": first + [entry for entry in rest if entry not in first],
        }

    def start(self, job: dict) -> multiprocessing.Process:
        """Start a process; where no server can be had, without one."""
        try:
            return self._start({**self.job, **job})
        except (EOFError, OSError):
            if self.method == "spawn":
                raise
            self.method = "spawn"
            return self._start({**self.job, **job})

    def _start(self, job: dict) -> multiprocessing.Process:
        context = multiprocessing.get_context(self.method)
        process = context.Process(
            target=runpy.run_path,
            args=(str(CHILD),),
            kwargs={"init_globals": {"JOB": job}, "run_name": "child"},
            name=Path(job["script"]).stem,
            daemon=False,  # so that it may start processes of its own
        )
        with _main_hidden():
            if self.method == "spawn":
                with _signals_held_back():
                    process.start()
                return process
            from multiprocessing import forkserver

            with _signals_held_back():
                forkserver.set_forkserver_preload(PRELOAD)
                forkserver.ensure_running()
            process.start()  # the first one waits until the server has imported all
        return process


class _Child:
    """A script that runs."""

    def __init__(self, script: Path, folder: Path, launch: _Launcher) -> None:
        self.script, self.folder = script, folder
        folder.mkdir()
        files = {name: folder / name for name in ("stdout", "stderr", "proofs")}
        for file in files.values():
            file.touch()
        job = {name: str(file) for name, file in files.items()}
        self.process = launch.start({**job, "script": str(script)})
        self.began = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def has_ended(self) -> bool:
        return self.process.exitcode is not None

    def result(self) -> Finished:
        seconds = self.seconds()
        self.signal_group(getattr(signal, "SIGKILL", None))  # what it left running
        texts = [
            (self.folder / name).read_bytes().decode("utf-8", "replace")
            for name in ("stdout", "stderr", "proofs")
        ]
        stdout, stderr, proofs = (text.replace("\r\n", "\n") for text in texts)
        status = self.process.exitcode
        return Finished(self.script, status, stdout, stderr, seconds, int(proofs or 0))

    def signal_group(self, number: int | None) -> bool:
        """Send a signal to the script and what it started; True if that was there."""
        if number is None or not hasattr(os, "killpg"):
            return False
        try:
            os.killpg(self.process.pid, number)
        except OSError:  # it has no group yet, or is gone
            return False
        return True

    def end(self, number: int | None) -> None:
        """Send a signal as above, also to a process that has no group yet."""
        if os.name == "nt":
            command = ["taskkill", "/T", "/F", "/PID", str(self.process.pid)]
            subprocess.run(command, capture_output=True, check=False)
        elif not self.signal_group(number) and not self.has_ended():
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


def _end(children: list[_Child]) -> None:
    """End processes with all that they started: let them tidy up, then kill them."""
    for child in children:
        child.end(signal.SIGINT)
    deadline = time.perf_counter() + GRACE
    for child in children:
        child.process.join(max(0.0, deadline - time.perf_counter()))
    for child in children:
        child.end(getattr(signal, "SIGKILL", None))
        child.process.join(GRACE)
