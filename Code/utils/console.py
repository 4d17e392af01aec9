"""How a script speaks and how it ends, on any console."""

import argparse
import codecs
import errno
import sys
from types import TracebackType

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
    errno.EMFILE: "close some programs and run it again",
    errno.ENAMETOOLONG: "name shorter folders in TUTORIAL_DATA, TUTORIAL_RESULT",
    errno.ENOSPC: "free some space and run it again",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EPERM: "check who may write there",
    errno.EROFS: "name a folder that can be written in TUTORIAL_DATA, TUTORIAL_RESULT",
}


class BadInput(Exception):  # noqa: N818 (it is the input that is bad)
    """What the user gave can't be used: the message names the file and the remedy.

    An uncaught one ends a script with that one line on stderr and exit status 2.
    """

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class Parser(argparse.ArgumentParser):
    """Reads a command line; says in one line what is wrong with it."""

    def error(self, message: str) -> None:
        """Print the message to stderr and end with status 2."""
        self.exit(2, f"{self.prog}: {message} (--help shows all options)\n")


def one_line(error: BaseException) -> str | None:
    """Return the line that tells a user all about ``error``; None for a real bug."""
    if isinstance(error, BadInput):
        return str(error)
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
        raise SystemExit(130)
    line = one_line(error)
    if line is None:
        sys.__excepthook__(kind, error, trace)
        raise SystemExit(1)
    print(line, file=sys.stderr)
    raise SystemExit(2)


def _say_it_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    plain = (
        _PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost
    )
    return "".join(plain), error.end


def prepare() -> None:
    """Let prints survive a console that can't encode them; install :func:`end`."""
    codecs.register_error("say-it-plainly", _say_it_plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="say-it-plainly")
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = end
