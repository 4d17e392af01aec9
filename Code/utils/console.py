"""How a script speaks and how it ends, on any console."""

import argparse
import codecs
import errno
import os
import re
import signal
import sys
import threading
from types import FrameType, TracebackType

_PLAIN = {
    "✓": "ok",
    "✗": "FAIL",
    "→": "->",
    "·": "-",
    "…": "...",
    "×": "x",
    "±": "+-",
    "√": "sqrt ",
    "≤": "<=",
    "≥": ">=",
    "–": "-",
    "—": "-",
}
_DISK_TROUBLE = {
    errno.EACCES: "check who may write there",
    errno.EDQUOT: "free some space and run it again",
    errno.EFBIG: "free some space and run it again",
    errno.EIO: "the disk fails: look after it, or name another place in TUTORIAL_DATA, "
    "TUTORIAL_RESULT",
    errno.EMFILE: "close some programs and run it again",
    errno.ENFILE: "close some programs and run it again",
    errno.ENAMETOOLONG: "name shorter folders in TUTORIAL_DATA, TUTORIAL_RESULT",
    errno.ENOSPC: "free some space and run it again",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EPERM: "check who may write there",
    errno.EROFS: "name a folder that can be written in TUTORIAL_DATA, TUTORIAL_RESULT",
}


_DEAD_WORKER = re.compile(r"DataLoader worker .*(is killed by|exited unexpectedly)")


class BadInput(Exception):  # noqa: N818 (it is the input that is bad)
    """What the user gave can't be used: the message names the file and the remedy.

    An uncaught one ends a script with that one line on stderr and exit status 2.
    """

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class Stopped(KeyboardInterrupt):
    """A signal, ``number``, came: as Ctrl-C does, it ends the script from within."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Parser(argparse.ArgumentParser):
    """Reads a command line; says in one line what is wrong with it."""

    def error(self, message: str) -> None:
        """Print the message to stderr and end with status 2."""
        self.exit(2, f"{self.prog}: {message} (--help shows all options)\n")


def one_line(error: BaseException) -> str | None:
    """Return the line that tells a user all about ``error``; None for a real bug."""
    if isinstance(error, BadInput):
        return str(error).rpartition(" utils.console.BadInput: ")[2]  # of a worker
    if isinstance(error, RuntimeError) and _DEAD_WORKER.match(str(error)):
        return (
            f"{' '.join(str(error).split())}: it had perhaps too little memory: run it "
            "again with fewer worker processes, or with --workers 0"
        )
    if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
        what = (
            f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        )
        return f"{what}: {_DISK_TROUBLE[error.errno]}"
    return None


def end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Be ``sys.excepthook``: one line and status 2 for what is not a bug."""
    if isinstance(error, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        raise SystemExit(128 + getattr(error, "number", signal.SIGINT))
    line = one_line(error)
    gone = isinstance(error, ConnectionError | EOFError)
    if gone and threading.current_thread() is not threading.main_thread():
        return  # multiprocessing's own thread has lost a process that was stopped
    if line is None:
        sys.__excepthook__(kind, error, trace)
        raise SystemExit(1)
    print(line, file=sys.stderr)
    raise SystemExit(2)


def end_of_thread(failed: threading.ExceptHookArgs) -> None:
    """Be ``threading.excepthook``: what is not a bug ends the script, not the thread.

    Whoever waits for the thread would wait for ever: the one that writes event files
    leaves its queue full.
    """
    line = failed.exc_value and one_line(failed.exc_value)
    if line is None:
        threading.__excepthook__(failed)
        return
    sys.stdout.flush()
    print(line, file=sys.stderr, flush=True)
    os._exit(2)


def _end_tidily_when_told() -> None:
    """Let SIGTERM end this script as Ctrl-C does, so that nothing is left lying about.

    This script alone: its worker processes die of it, as they always do. So do those of
    torchrun, which wait for each other in C++, where no handler of Python's ever runs.
    """
    ours = os.getpid()

    def stop(number: int, _frame: FrameType | None) -> None:
        if os.getpid() == ours:
            raise Stopped(number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    is_worker = "__mp_main__" in sys.modules or "TORCHELASTIC_RUN_ID" in os.environ
    here = threading.current_thread() is threading.main_thread()
    if here and not is_worker and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, stop)


def _say_it_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    plain = (
        _PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost
    )
    return "".join(plain), error.end


def prepare() -> None:
    """Let prints survive a console that can't encode them; say how scripts end."""
    codecs.register_error("say-it-plainly", _say_it_plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="say-it-plainly")
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = end
        _end_tidily_when_told()
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = end_of_thread
