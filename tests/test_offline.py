"""The tests' own guard: no connection beyond this machine, in no child of theirs."""

import subprocess
import sys

import pytest

from places import away

BEYOND = [
    "socket.create_connection(('192.0.2.1', 80), 1)",
    "socket.socket().connect_ex(('192.0.2.1', 80))",
    "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80, 0, 0))",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "socket.getaddrinfo('example.org', 80)",
    "socket.gethostbyname('example.org')",
    "__import__('urllib.request').request.urlopen('http://192.0.2.1/', timeout=1)",
]
HERE = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(("localhost", server.getsockname()[1]), 5)
client.sendall(b"hello")
print(server.accept()[0].recv(5).decode())
"""


def python(code: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("call", BEYOND)
def test_a_child_and_its_child_are_refused(call):
    code = f"import socket; {call}"
    start = f"import subprocess; print(subprocess.run({[sys.executable, '-c', code]}))"
    child, grandchild = python(code), python(start)
    assert child.returncode == 1
    assert "the tests" in child.stderr
    assert "returncode=1" in grandchild.stdout
    assert "the tests" in grandchild.stderr


def test_this_machine_answers():
    assert python(HERE).stdout == "hello\n"


@pytest.mark.parametrize("method", [None, "spawn"])
def test_scripts_are_refused(tmp_path, method):
    from run import run_scripts

    refused = tmp_path / "refused.py"
    refused.write_text(f"import socket\n{BEYOND[0]}\n", encoding="utf-8")
    here = tmp_path / "here.py"
    here.write_text(HERE, encoding="utf-8")
    with away(tmp_path / "away"):
        first, second = run_scripts([refused, here], start_method=method)
    assert first.status == 1
    assert "the tests look up no name" in first.stderr
    assert (second.status, second.stdout, second.stderr) == (0, "hello\n", "")
