"""Refuse connections beyond this machine, in every Python that the tests start.

Python imports this module by itself where its folder stands on ``PYTHONPATH``; children
inherit the variable, and so do theirs.
"""

import errno
import importlib.machinery
import importlib.util
import os
import socket
import sys


def is_here(address: object) -> bool:
    """Say whether ``address``, as sockets take it, is one of this machine."""
    if not isinstance(address, tuple):  # a Unix socket has a path
        return True
    return is_our_name(address[0])


def is_our_name(host: object) -> bool:
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost", "::", "::1", "0.0.0.0"):
        return True
    return isinstance(host, str) and host.startswith("127.")


def _refuse(address: object) -> None:
    raise ConnectionRefusedError(
        errno.ECONNREFUSED, f"the tests allow no connection to {address!r}"
    )


def _guard(name: str) -> None:
    """Let the socket's method ``name``, whose last argument is an address, refuse."""
    original = getattr(socket.socket, name)

    def guarded(self, *args):
        if args and not is_here(args[-1]):
            _refuse(args[-1])
        return original(self, *args)

    setattr(socket.socket, name, guarded)


def _guard_lookup(name: str) -> None:
    original = getattr(socket, name)

    def guarded(host, *args, **kwargs):
        if not is_our_name(host):
            raise socket.gaierror(
                socket.EAI_NONAME, f"the tests look up no name, not {host!r} either"
            )
        return original(host, *args, **kwargs)

    setattr(socket, name, guarded)


def _run_the_one_that_this_one_hides() -> None:
    here = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120
    others = [folder for folder in sys.path if os.path.realpath(folder) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


for _name in ("connect", "connect_ex", "sendto"):
    _guard(_name)
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    _guard_lookup(_name)
_run_the_one_that_this_one_hides()
