"""Signals, full disks, other users, clocks, dead workers, and networks that fail."""

import contextlib
import errno
import gzip
import hashlib
import http.server
import io
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from scripts import CODE, environment, listing, start_afresh
from test_run import LINUX, METHODS, SLEEPER, command, gone, pids, settings, soon, write
from utils import BadInput, archive, console, download, fetch_archive, make, prepare
from utils.console import one_line
from utils.index import load_image
from utils.paths import write_whole

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
UTILS = f"import sys; sys.path.insert(0, {str(CODE)!r})\nimport utils\n"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def raises(error):
    """Return a function that raises ``error``, whatever it is called with."""

    def fails(*_args, **_options):
        raise error

    return fails


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data set of the user's own, in an empty ``Data/``."""
    monkeypatch.setattr(prepare, "DATA_ROOT", tmp_path / "Data")
    for name in ("cat", "dog"):
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "1.png").write_bytes(b"no image, but a name")
    return prepare.find_dataset(str(tmp_path / "own"))


def builds(text):
    """Return what :func:`make` calls: it writes a file with ``text``."""

    def build(folder):
        (folder / "one.txt").write_text(text)
        return {"images": {}}

    return build


# Signals

MAKER = UTILS + textwrap.dedent("""
    import pathlib, subprocess, sys
    from utils import find_dataset, make
    def build(folder):
        (folder / "half").write_text("made")
        code = "import os, pathlib, time; pathlib.Path({pid!r} + '.part').write_text("
        code += "str(os.getpid())); os.replace({pid!r} + '.part', {pid!r}); "
        subprocess.run([sys.executable, "-c", code + "time.sleep(100)"])
    make("png", find_dataset("digits"), build)
    """)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_producer_in_one_line_with_all_it_started(number, tmp_path):
    pid = tmp_path / "pid"
    script = write(tmp_path, "maker", MAKER.replace("{pid!r}", repr(str(pid))))
    process = start_afresh(script, cwd=tmp_path, env=environment(tmp_path))
    assert soon(pid.exists)
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "stopped\n")
    assert soon(lambda: gone(int(pid.read_text())))
    assert not listing(tmp_path / "data")


def test_a_thread_of_multiprocessing_loses_a_process_silently(capsys):
    lost = ConnectionResetError(errno.ECONNRESET, "reset")
    arguments = (ConnectionResetError, lost, None)
    thread = threading.Thread(target=console.end, args=arguments)
    thread.start()
    thread.join()
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit):  # in the main thread it is a bug
        console.end(*arguments)
    assert "ConnectionResetError" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_worker_processes_die_of_sigterm_silently(tmp_path):
    body = """
        import multiprocessing, time
        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            process = context.Process(target=time.sleep, args=(100,))
            process.start()
            time.sleep(0.1)
            process.terminate()
            process.join()
            print(process.exitcode)
        """
    script = write(tmp_path, "script", UTILS + textwrap.dedent(body))
    process = start_afresh(script, cwd=tmp_path, env=environment(tmp_path))
    assert process.communicate(timeout=60) == ("-15\n", "")


def test_torchrun_ends_its_processes_as_ever(tmp_path):
    code = UTILS + "import signal; print(signal.getsignal(signal.SIGTERM).__class__)"
    script = write(tmp_path, "script", code)
    for variables, expected in (
        ({}, "function"),
        ({"TORCHELASTIC_RUN_ID": "1"}, "Han"),
    ):
        env = environment(tmp_path, **variables)
        process = start_afresh(script, cwd=tmp_path, env=env)
        assert expected in process.communicate(timeout=60)[0]


@posix
@pytest.mark.parametrize("method", METHODS)
def test_nothing_outlives_a_runner_that_is_killed(method, tmp_path):
    shutil.copytree(CODE / "utils", tmp_path / "Code" / "utils")
    shutil.copy(CODE / "run.py", tmp_path / "Code")
    with (tmp_path / "Code" / "utils" / "runner.py").open("a") as file:
        file.write("\nPRELOAD = []\n")  # to be quick
    (tmp_path / "temp").mkdir()
    slow = [
        write(tmp_path / "Code", name, SLEEPER + "time.sleep(100)")
        for name in ("1_1_slow", "1_2_slow")
    ]
    process = subprocess.Popen(
        command("--jobs", "2", "--start-method", method),
        cwd=tmp_path,
        env=settings(tmp_path),
        stdout=subprocess.DEVNULL,
    )
    everybody = [pid for script in slow for pid in pids(script)]
    process.kill()
    process.wait()
    assert all(soon(lambda pid=pid: gone(pid)) for pid in everybody)


def test_an_artefact_that_can_not_be_replaced_is_put_back(data, monkeypatch):
    make("split", data, builds("old"), {"seed": 1})
    replace = Path.replace

    def fails_once(self, target):
        if self.name == "split.part":
            raise PermissionError(errno.EACCES, "in use", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails_once)
    with pytest.raises(PermissionError):
        make("split", data, builds("new"), {"seed": 2})
    assert (data.home / "split" / "one.txt").read_text() == "old"
    assert data.record("split")["settings"] == {"seed": 1}
    assert not list(data.home.glob("split.*"))


# Files: all or nothing, on any disk


def test_a_full_disk_leaves_the_old_file_and_is_named(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_whole(path, "old")
    monkeypatch.setattr(os, "fsync", raises(FULL))
    with pytest.raises(OSError) as error:
        write_whole(path, "new")
    line = one_line(error.value)
    assert line.startswith(f"{path}: ") and "free some space" in line
    assert listing(tmp_path) == {"report.json": b"old"}


def test_a_full_disk_leaves_the_old_picture(tmp_path, monkeypatch):
    from utils.images import pyplot

    fig, ax = pyplot().subplots(figsize=(1, 1))
    fig.savefig(tmp_path / "a.png")
    old = listing(tmp_path)
    assert old["a.png"].startswith(b"\x89PNG")
    ax.plot([1, 2])
    monkeypatch.setattr(os, "fsync", raises(FULL))
    with pytest.raises(OSError, match="No space"):
        fig.savefig(tmp_path / "a.png")
    assert listing(tmp_path) == old


def test_a_picture_has_the_bytes_that_matplotlib_gives_it(tmp_path):
    from utils.images import pyplot

    fig, ax = pyplot().subplots(figsize=(1, 1))
    ax.plot([1, 2])
    content = io.BytesIO()
    fig.savefig(content, format="png")
    fig.savefig(tmp_path / "a.png")
    fig.savefig(str(tmp_path / "b"))
    assert listing(tmp_path) == dict.fromkeys(["a.png", "b.png"], content.getvalue())


@posix
def test_what_the_killed_left_of_a_file_goes_what_the_living_write_stays(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lives = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    for name in ("a[1].png", "b", "c.tar.gz"):
        for pid in (ended.pid, lives.pid):
            (tmp_path / f"{name}.{pid}.part").write_text("half")
        (tmp_path / f"{name}.mine.part").write_text("of the user")
        write_whole(tmp_path / name, "whole")
        kept = {name, f"{name}.{lives.pid}.part", f"{name}.mine.part"}
        assert kept == {n for n in listing(tmp_path) if n.startswith(name)}
    lives.communicate(b"\n")
    assert lives.returncode == 0  # nobody has sent it a signal


@pytest.mark.skipif(os.name == "nt", reason="needs limits of POSIX")
def test_a_full_disk_among_event_files_ends_the_script(tmp_path):
    """The thread that writes them dies, and its queue fills: nobody may wait for it."""
    body = """
        import resource
        from tensorboardX import SummaryWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        with SummaryWriter(sys.argv[1]) as writer:
            for step in range(1000):
                writer.add_text("text", "x" * 1000, step)
        """
    script = write(tmp_path, "script", UTILS + textwrap.dedent(body))
    env = environment(tmp_path)
    process = start_afresh(script, tmp_path / "log", cwd=tmp_path, env=env)
    try:
        _out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, len(err.splitlines())) == (2, 1), err
    assert "free some space" in err


@contextlib.contextmanager
def no_more_files():
    """Let the system refuse to open any more files."""
    resource = pytest.importorskip("resource")
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(free := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)


def test_too_many_open_files_are_not_the_fault_of_a_file(tmp_path):
    from PIL import Image

    from utils import read_checkpoint, read_weights, save_weights, write_checkpoint
    from utils.model import Net

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    save_weights(tmp_path / "net.pt", Net(2), {})
    checkpoint = write_checkpoint(tmp_path / "c", 1, {"epoch": 1}, {})
    read_checkpoint(checkpoint)
    for reads in (
        lambda: load_image(tmp_path / "a.png"),
        lambda: read_weights(tmp_path / "net.pt"),
        lambda: read_checkpoint(checkpoint),
    ):
        with no_more_files(), pytest.raises(OSError) as error:
            reads()
        assert "close some programs" in one_line(error.value)
        reads()


# Several users


@contextlib.contextmanager
def open_to_all():
    """Yield a folder that other users reach, too, as ``tmp_path`` is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(function):
    """Call it in a process of another user; return its result, or the error's line."""
    if not hasattr(os, "fork") or os.geteuid() != 0:
        pytest.skip("only root can become another user")
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            result = function()
        except BaseException as error:
            result = one_line(error) or repr(error)
        os.write(theirs, pickle.dumps(result))
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as file:
        return pickle.load(file)


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_another_user_of_the_same_data(mode, monkeypatch):
    with open_to_all() as folder:
        monkeypatch.setattr(prepare, "DATA_ROOT", folder / "Data")
        (folder / "own" / "cat").mkdir(parents=True)
        (folder / "own" / "cat" / "1.png").touch()
        data = prepare.find_dataset(str(folder / "own"))
        data.home.mkdir(parents=True)
        data.home.chmod(mode)
        make("split", data, builds("split"))
        before = listing(folder, ignore=())
        # What is there can be used, without a trace.
        assert as_nobody(lambda: make("split", data, builds("another"))) is False
        path = as_nobody(lambda: prepare.needs("split", data))
        assert path == data.home / "split"
        assert listing(folder, ignore=()) == before
        # Something new can be made where that is allowed, beside the old one's lock.
        (data.home / "split").rename(data.home / "kept")
        made = as_nobody(lambda: make("split", data, builds("new")))
        if mode == 0o777:
            assert made is True
            assert (data.home / "split" / "one.txt").read_text() == "new"
        else:
            assert ".lock-split" in made and "check who may write there" in made
            assert not (data.home / "split").exists()


def test_who_waits_for_another_says_so(data, capsys):
    """And what the first one has made, the second one finds there."""
    inside, entered, made = threading.Event(), threading.Event(), []

    def slow(folder):
        entered.set()
        inside.wait(20)
        return builds("first")(folder)

    def second():
        made.append(make("split", data, builds("second")))

    first = threading.Thread(target=lambda: made.append(make("split", data, slow)))
    first.start()
    assert entered.wait(20)
    waiting = threading.Thread(target=second)
    waiting.start()
    said = []
    assert soon(lambda: said.append(capsys.readouterr().out) or "".join(said))
    assert f"waiting for another script, which holds {data.home}" in "".join(said)
    inside.set()
    first.join()
    waiting.join()
    assert made == [True, False]
    assert (data.home / "split" / "one.txt").read_text() == "first"


# Clocks


def test_clocks_and_times_of_files_decide_nothing(data, monkeypatch):
    clock = iter(range(2_000_000_000, 0, -86_400))
    monkeypatch.setattr(time, "time", lambda: next(clock))
    make("split", data, builds("split"))
    first = listing(data.home)
    far = 32_000_000_000  # seconds: in the thirtieth century
    for path in data.home.rglob("*"):
        os.utime(path, (far, far))
    assert prepare.why_not("split", data) is None
    assert make("split", data, builds("never")) is False
    for path in (data.home / "split").rglob("*"):
        os.utime(path, (0, 0))
    assert make("split", data, builds("split"), again=True) is True
    assert listing(data.home) == first
    for path in data.folder.rglob("*"):  # those of a user's own images are compared,
        os.utime(path, (far, far))  # for being the same ones, not for being later
    assert prepare.why_not("split", data) == "stale"
    assert make("split", data, builds("split")) is True
    assert prepare.why_not("split", data) is None


# Worker processes of a loader


class Deadly:
    """A data set whose second image kills whoever reads it, or can't be read."""

    def __init__(self, error=None):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 1 and self.error:
            raise self.error
        if i == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return i, i


@pytest.mark.skipif(not LINUX, reason="other systems start workers another way")
@pytest.mark.parametrize("error", [None, BadInput("a.png: is missing: put it back")])
def test_a_loader_worker_that_dies(error):
    from utils import DiskLoader

    with pytest.raises((RuntimeError, BadInput)) as raised:
        for _ in DiskLoader(Deadly(error), 2, workers=1):
            time.sleep(0.01)
    line = one_line(raised.value)
    if error:
        assert line == "a.png: is missing: put it back"
    else:
        assert "DataLoader worker" in line and "--workers 0" in line
        assert "\n" not in line
    assert one_line(RuntimeError("a bug")) is None


# Downloads

WHOLE = random.Random(0).randbytes(300_000)
HALF = len(WHOLE) // 2


class Server(http.server.ThreadingHTTPServer):
    """Serves WHOLE, each request in the way that comes next in ``ways``; then well."""

    daemon_threads = True
    latest = None

    def __init__(self, *ways, ranges=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ways, self.ranges, self.asked = list(ways), ranges, []
        self.stalled = threading.Event()
        Server.latest = self
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *args):
        self.stalled.set()
        self.shutdown()
        super().__exit__(*args)

    def handle_error(self, request, client_address):
        """Say nothing of clients that have gone."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/cifar.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        way = server.ways.pop(0) if server.ways else "well"
        start, content = 0, WHOLE
        if asked and server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
        if way == "404":
            return self.send_error(404)
        if way == "speaks no HTTP":
            return self.wfile.write(b"\0\xff garbage\r\n\r\n")
        if way == "never answers":
            return server.stalled.wait(30)
        if way == "page":
            content = b"<html>please log in</html>"
        if way == "garbage":
            content = b"\0" * len(WHOLE)
        if way == "garbage, then cut":
            content = b"\0" * HALF + WHOLE[HALF:]
        length = len(content) - start
        if way == "says it is longer":
            length += 1000
        if way == "says it is shorter":
            length -= 1000
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
            )
        if way != "without end":
            self.send_header("Content-Length", str(length))
        self.end_headers()
        with contextlib.suppress(OSError):
            if way in ("cut", "stalls", "garbage, then cut"):
                self.wfile.write(content[start : max(start, HALF)])
                if way == "stalls":
                    server.stalled.wait(30)
                return None
            if way == "slowly":
                for at in range(start, len(content), 3000):
                    self.wfile.write(content[at : at + 3000])
                    time.sleep(0.005)
                return None
            self.wfile.write(content[start:])
            while way == "without end" and not server.stalled.is_set():
                self.wfile.write(b"x" * 10_000)
        return None


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """CIFAR-10 that is not there; the official one is WHOLE."""
    monkeypatch.setattr(prepare, "DATA_ROOT", tmp_path / "Data")
    monkeypatch.setitem(archive.OFFICIAL_MD5, "cifar10", hashlib.md5(WHOLE).hexdigest())
    monkeypatch.setitem(archive._OFFICIAL_SIZE, "cifar10", len(WHOLE))
    urlopen = download.urlopen

    def patient(request, timeout):
        """Wait as long as a test may, but for a server that is going to stall."""
        ways = Server.latest.ways if Server.latest else []
        stalls = ways[:1] in (["stalls"], ["never answers"])
        return urlopen(request, timeout=min(timeout, 0.7) if stalls else 60)

    monkeypatch.setattr(download, "urlopen", patient)
    return prepare.find_dataset("cifar10")


def came(data, server):
    fetch_archive(data, server.url)
    assert data.archive.read_bytes() == WHOLE
    assert listing(data.home) == {data.archive.name: WHOLE}


def failed(data, server, *words):
    """Return the part that is left of a download that has failed."""
    with pytest.raises(BadInput) as error:
        fetch_archive(data, server.url)
    for word in (data.archive.name, "browser", *words):
        assert word in str(error.value), str(error.value)
    assert not data.archive.exists()
    part = data.archive.with_name(f"{data.archive.name}.part")
    return part.read_bytes() if part.exists() else None


FROM_HALF = [None, f"bytes={HALF}-"]


@pytest.mark.parametrize(
    ("ways", "asked"),
    [
        ([], [None]),
        (["cut"], FROM_HALF),
        (["stalls"], FROM_HALF),
        (["says it is longer"], [None, None]),
        (["garbage, then cut"], [*FROM_HALF, None]),
    ],
)
def test_a_download_goes_on_after_a_break(ways, asked, cifar):
    if ways == ["says it is longer"]:
        with Server(*ways) as server:
            assert failed(cifar, server, "another file") is None
            came(cifar, server)
            assert server.asked == asked
        return
    with Server(*ways) as server:
        came(cifar, server)
        assert server.asked == asked


def test_a_download_from_a_server_without_ranges_begins_again(cifar):
    with Server("cut", ranges=False) as server:
        came(cifar, server)
        assert server.asked == FROM_HALF


def test_a_download_that_makes_no_headway_ends_and_is_taken_up_later(cifar):
    with Server("cut", "cut", "never answers", "404") as server:
        assert failed(cifar, server, "0.1 of 0.3 MB", "go on") == WHOLE[:HALF]
        assert failed(cifar, server, "timed out") == WHOLE[:HALF]
        assert failed(cifar, server, "404") == WHOLE[:HALF]
        came(cifar, server)
        assert server.asked == [None, *FROM_HALF[1:] * 4]


@pytest.mark.parametrize(
    ("way", "word"),
    [
        ("page", "another file, of 26 bytes"),
        ("says it is shorter", "another file"),
        ("garbage", "not the official"),
        ("without end", "not the official"),
        ("speaks no HTTP", "failed"),
        ("404", "404"),
        ("never answers", "timed out"),
    ],
)
def test_what_is_not_the_file_is_never_taken_for_it(way, word, cifar):
    with Server(way) as server:
        assert failed(cifar, server, word) is None
        came(cifar, server)


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        (WHOLE[:1000], ["bytes=1000-"]),
        (WHOLE, []),
        (b"wrong" * 1000, ["bytes=5000-", None]),
        (WHOLE + b"more", [None]),
        (b"", [None]),
    ],
)
def test_what_an_earlier_download_left(part, asked, cifar):
    cifar.home.mkdir(parents=True)
    cifar.archive.with_name(f"{cifar.archive.name}.part").write_bytes(part)
    with Server() as server:
        came(cifar, server)
        assert server.asked == asked


def test_an_archive_is_fetched_once_and_never_replaced(cifar):
    with Server("slowly") as server:
        both = [threading.Thread(target=came, args=(cifar, server)) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        came(cifar, server)
        assert server.asked == [None]
    cifar.archive.write_bytes(WHOLE[:1000])
    with pytest.raises(BadInput, match="move it away"):
        fetch_archive(cifar, server.url)
    assert cifar.archive.read_bytes() == WHOLE[:1000]


def test_addresses_that_are_none(cifar):
    for url in ("file:///etc/passwd", "cifar", "ftp://127.0.0.1/x"):
        with pytest.raises(BadInput, match="no address"):
            fetch_archive(cifar, url)
    with pytest.raises(BadInput, match="download failed"):
        fetch_archive(cifar, "http://127.0.0.1:1/x")
    assert not listing(cifar.home)


def test_a_full_disk_during_a_download(cifar, monkeypatch):
    monkeypatch.setattr(os, "fsync", raises(FULL))
    with Server() as server, pytest.raises(OSError, match="No space") as error:
        fetch_archive(cifar, server.url)
    line = one_line(error.value)
    assert cifar.archive.name in line and "free some space" in line


def test_the_official_address(cifar, monkeypatch):
    asked = []

    def refuse(request, timeout):
        asked.append((request.full_url, timeout))
        raise OSError("no network")

    monkeypatch.setattr(download, "urlopen", refuse)
    with pytest.raises(BadInput, match=r"download failed.*no network"):
        fetch_archive(cifar, True)
    assert asked == [(archive._OFFICIAL_URL["cifar10"], 30)]
    assert asked[0][0].endswith("/cifar-10-python.tar.gz")


def test_what_a_server_says_of_the_part_it_sends():
    def answer(status, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return download._what_comes(SimpleNamespace(status=status, headers=named))

    assert answer(206, Content_Range="bytes 7-9/10") == (7, 10)
    assert answer(206, Content_Range="bytes 7-9/*") == (7, None)
    assert answer(206, Content_Range="lines 7-9/10") == answer(206) == (-1, None)
    assert answer(200, Content_Length="10") == (0, 10)
    assert answer(200, Content_Length="many") == answer(200) == (0, None)


def test_why_a_download_ended_is_never_empty(monkeypatch):
    said = [TimeoutError(), ConnectionError("reset"), URLError("no such host")]

    def fails(*args, **options):
        raise said.pop(0)

    monkeypatch.setattr(download, "urlopen", fails)
    reasons = [download._receive("http://x", io.BytesIO(), 1) for _ in range(3)]
    assert reasons == ["TimeoutError", "reset", "no such host"]


def test_an_archive_is_never_read_to_its_end_at_once():
    file = archive._Frugal(fileobj=io.BytesIO(gzip.compress(b"content")))
    file.allowed = 100
    with pytest.raises(tarfile.ReadError, match="what nobody needs"):
        file.read()
    assert file.read(7) == b"content"
    with pytest.raises(tarfile.ReadError, match="94 bytes of what nobody needs"):
        file.read(94)


def test_nothing_is_downloaded_unasked(cifar, monkeypatch):
    monkeypatch.setattr(download, "urlopen", raises(AssertionError("it was asked")))
    fetch_archive(cifar)
    assert not cifar.archive.exists()


def test_an_archive_that_ends_within_a_batch(tmp_path):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = 5000
        tar.addfile(info, io.BytesIO(bytes(5000)))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(whole.getvalue()[:2000]))  # gzip's checksum is right
    with pytest.raises(BadInput, match=r"a\.tar\.gz: is damaged \(it ends too early\)"):
        list(archive.read_batches(path))


def test_an_archive_that_cannot_be_read_now_is_not_called_damaged(cifar, monkeypatch):
    full = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    monkeypatch.setattr(archive, "_Frugal", raises(full))
    with pytest.raises(OSError, match="Too many open files"):
        list(archive.read_batches(cifar.archive))
