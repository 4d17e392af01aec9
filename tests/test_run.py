import io
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[1] / "Code"
sys.path.insert(0, str(CODE))
import run as program
from run import find_scripts, run_scripts
from utils import BadInput, contents, runner

LINUX = sys.platform == "linux"
METHODS = [
    "spawn",
    pytest.param(
        "forkserver", marks=pytest.mark.skipif(not LINUX, reason="not used here")
    ),
]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
PLAIN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
UTILS = f"import sys; sys.path.insert(0, {str(CODE)!r})\n"


def write(folder: Path, name: str, body: str) -> Path:
    script = folder / f"{name}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(textwrap.dedent(body), encoding="utf-8")
    return script


def gone(pid: int) -> bool:
    """Has the process ended? One that nobody has asked for its status yet has, too."""
    try:
        os.kill(pid, 0)
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        )
    except (ProcessLookupError, FileNotFoundError):
        return not Path("/proc/self").exists() or not Path(f"/proc/{pid}").exists()


def soon(condition, seconds: float = 20.0) -> bool:
    """Does the condition hold within these seconds?"""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# What scripts do, and what `python script` says of it.

LIKE_PYTHON = {
    "says": """
        import sys
        print("out ✓ 中文", sys.argv == [__file__], __name__, sys.stdin.read() == "")
        print("err é \\udcff", file=sys.stderr)
        """,
    "starts_clean": """
        import multiprocessing, sys, threading
        print([name for name in sys.modules if name.split(".")[0] == "utils"])
        print(multiprocessing.get_start_method(), threading.active_count())
        print(sys.excepthook is sys.__excepthook__, sys.path[0])
        """,
    "has_no_utils": "import utils",
    "status_3": "import sys; print('before'); sys.exit(3)",
    "status_minus_1": "import sys; sys.exit(-1)",
    "status_none": "import sys; sys.exit()",
    "status_text": "import sys; sys.exit('a reason')",
    "os_exit": "import os; os._exit(7)",
    "raises": """
        def inner():
            raise KeyError("wrong")
        try:
            inner()
        except KeyError as error:
            raise ValueError("worse") from error
        """,
    "syntax": "print('never')\nx = = 1",
    "bad_input": UTILS
    + "from utils import BadInput\nraise BadInput('x.txt: bad:\\n mend')",
    "full_disk": UTILS + "import utils\nraise OSError(28, 'No space left', 'x.png')",
    "bug_with_utils": UTILS + "import utils\n1 / 0",
    "bad_hook": """
        import sys
        def hook(*what):
            raise KeyError("in the hook")
        sys.excepthook = hook
        1 / 0
        """,
    "late": """
        import atexit, threading, time
        def slow():
            time.sleep(0.1)
            print("thread")
        threading.Thread(target=slow).start()
        atexit.register(print, "atexit")
        print("end of script")
        """,
    "grandchild": """
        import subprocess, sys
        print("before", flush=True)
        code = "import sys; print('✓ out'); print('err', file=sys.stderr)"
        subprocess.run([sys.executable, "-c", code])
        print("after")
        """,
    "worker": """
        import multiprocessing, os
        def work(queue):
            queue.put(os.getpid() != os.getppid())
        if __name__ == "__main__":
            queue = multiprocessing.Queue()
            process = multiprocessing.Process(target=work, args=(queue,))
            process.start()
            print(queue.get(timeout=20))
            process.join()
        """,
    "no_newline": "print('no newline', end='')",
    "killed": "import os; print('a', flush=True); os.kill(os.getpid(), 9)",
}
if os.name == "nt":
    del LIKE_PYTHON["killed"]


@pytest.fixture(scope="module", params=METHODS)
def finished(request, tmp_path_factory):
    """All of these, run side by side, as {name: Finished}."""
    folder = tmp_path_factory.mktemp("scripts")
    scripts = [write(folder, name, body) for name, body in LIKE_PYTHON.items()]
    done = run_scripts(scripts, jobs=2, start_method=request.param)
    assert [result.script for result in done] == scripts
    return {result.script.stem: result for result in done}


@pytest.mark.parametrize("name", LIKE_PYTHON)
def test_status_and_output_are_those_of_python_itself(name, finished):
    result = finished[name]
    alone = subprocess.run(
        [sys.executable, str(result.script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        check=False,
    )
    assert (result.stdout, result.stderr) == (alone.stdout, alone.stderr)
    assert result.status == alone.returncode
    assert 0 < result.seconds < 60


def test_what_is_no_bug_ends_with_one_line_and_status_2(finished):
    for name in ("bad_input", "full_disk"):
        result = finished[name]
        assert (result.status, len(result.stderr.splitlines())) == (2, 1)


@posix
def test_a_signal_shows_in_the_status(finished):
    assert (finished["killed"].status, finished["killed"].stdout) == (-9, "a\n")


@pytest.mark.parametrize("method", METHODS)
def test_proofs_are_counted(method, tmp_path):
    body = UTILS + "from utils import check\n" + "check('one', 1, 1)\n" * 3
    good = write(tmp_path, "good", body)
    bad = write(tmp_path, "bad", body + "check('two', 1, 2)")
    none = write(tmp_path, "none", "print('✓ this proves nothing')")
    done = run_scripts([good, bad, none], start_method=method)
    assert [(result.status, result.proofs) for result in done] == [
        (0, 3),
        (1, 3),
        (0, 0),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_environment_and_working_directory_of_now_reach_the_scripts(
    method, tmp_path, monkeypatch
):
    body = """
        import os, tempfile
        from utils import RESULT_ROOT
        cwd = os.getcwd()
        os.chdir("/")
        import helper
        print(cwd, RESULT_ROOT, os.environ["HOME"], helper.place)
        print(tempfile.gettempdir(), "GOES" in os.environ)
        """
    script = write(tmp_path, "script", UTILS + textwrap.dedent(body))
    monkeypatch.setenv("GOES", "1")
    for name in ("first", "第二 次"):
        home = tmp_path / name
        (home / "modules").mkdir(parents=True)
        (home / "modules" / "helper.py").write_text(f"place = {name!r}", "utf-8")
        for variable in ("HOME", "TMPDIR", "TEMP", "TMP"):
            monkeypatch.setenv(variable, str(home))
        monkeypatch.setenv("TUTORIAL_RESULT", str(home / "R"))
        monkeypatch.setenv("PYTHONPATH", "modules")
        monkeypatch.chdir(home)
        (done,) = run_scripts([script], start_method=method)
        gives_goes = "GOES" in os.environ
        assert done.stderr == ""
        expected = f"{home} {home / 'R'} {home} {name}\n{home} {gives_goes}\n"
        assert done.stdout == expected
        monkeypatch.delenv("GOES", raising=False)


@pytest.mark.skipif(
    not str(CODE).isascii(), reason="such a locale can't name the checkout's folder"
)
@pytest.mark.parametrize("method", METHODS)
def test_encodings_of_the_environment_do_not_matter(method, tmp_path, monkeypatch):
    for name, value in {**PLAIN_C, "PYTHONIOENCODING": "ascii"}.items():
        monkeypatch.setenv(name, value)
    body = "import sys\nprint('✓ 中文')\nprint('é', file=sys.stderr)"
    (done,) = run_scripts([write(tmp_path, "script", body)], start_method=method)
    assert (done.status, done.stdout, done.stderr) == (0, "✓ 中文\n", "é\n")


@pytest.mark.skipif(
    not str(CODE).isascii(), reason="such a locale can't name the checkout's folder"
)
def test_what_scripts_start_speaks_utf_8_too(tmp_path, monkeypatch):
    for name, value in PLAIN_C.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    body = """
        import subprocess, sys
        subprocess.run([sys.executable, "-c", r"print('\\u2713')"], check=True)
        """
    (done,) = run_scripts([write(tmp_path, "script", body)], start_method="spawn")
    assert (done.stdout, done.stderr) == ("✓\n", "")


@pytest.mark.parametrize("method", METHODS)
def test_each_script_has_random_numbers_of_its_own(method, tmp_path):
    body = "import numpy, random; print(numpy.random.rand(), random.random())"
    scripts = [write(tmp_path, name, body) for name in "ab"]
    first, second = (
        r.stdout.split() for r in run_scripts(scripts, 1, start_method=method)
    )
    assert not set(first) & set(second)


def test_output_that_is_no_utf_8_is_shown_all_the_same(tmp_path):
    body = "import os; os.write(1, b'a\\xffb\\r\\nc\\rd')"
    (done,) = run_scripts([write(tmp_path, "script", body)], start_method="spawn")
    assert (done.status, done.stdout) == (0, "a�b\nc\rd")


def test_dataset_becomes_the_variable_as_an_absolute_path(tmp_path, monkeypatch):
    body = "import os; print(os.environ.get('TUTORIAL_DATASET'))"
    script = write(tmp_path, "script", body)
    (tmp_path / "my images").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTORIAL_DATASET", "as it was")
    cases = {None: "as it was", "cifar10": "cifar10"}
    cases["my images"] = str((tmp_path / "my images").resolve())
    for given, expected in cases.items():
        (done,) = run_scripts([script], dataset=given, start_method="spawn")
        assert done.stdout == f"{expected}\n"
    with pytest.raises(BadInput, match="no such folder: no such data set"):
        run_scripts([script], dataset="no such folder")


def test_stopped_from_within_without_utils(tmp_path):
    script = write(tmp_path, "script", "raise KeyboardInterrupt")
    (done,) = run_scripts([script], start_method="spawn")
    assert (done.status, done.stderr.splitlines()[-1]) == (130, "KeyboardInterrupt")


@pytest.mark.parametrize(("cores", "expected"), [(6, 6), (None, 1)])
def test_as_many_at_once_as_there_are_cores(cores, expected, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert runner._cores() == expected
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5}, raising=False)
    assert runner._cores() == 2


# In which order, and how many at once.

LOG = """
import pathlib, time
log = pathlib.Path(__file__).with_name("log.txt")
def say(what):
    with log.open("a") as file:
        file.write(f"{what} {pathlib.Path(__file__).stem}\\n")
say("begin")
time.sleep(0.05)
say("end")
"""


def test_what_makes_data_runs_first_and_alone(tmp_path):
    names = ["9_1_z", "1_5_1_compute_mean", "1_2_split_dataset", "1_1_cifar10_to_png"]
    names += [
        "main_training/main",
        "1_3_1_generate_txt",
        "2_1_a",
        "2_1_1_cifar10_to_png",
    ]
    log = f"LOG = {str(tmp_path / 'log.txt')!r}\n"
    body = LOG.replace(
        'pathlib.Path(__file__).with_name("log.txt")', "pathlib.Path(LOG)"
    )
    scripts = [write(tmp_path, name, log + body) for name in names]
    done = run_scripts(scripts, jobs=3, start_method="spawn")
    assert [result.script for result in done] == scripts
    lines = (tmp_path / "log.txt").read_text().splitlines()
    first = ["1_1_cifar10_to_png", "1_2_split_dataset", "1_3_1_generate_txt"]
    first += ["1_5_1_compute_mean", "main"]
    assert lines[:10] == [
        f"{what} {name}" for name in first for what in ("begin", "end")
    ]
    assert {line.split()[1] for line in lines[10:]} == {
        "9_1_z",
        "2_1_a",
        "2_1_1_cifar10_to_png",
    }


def test_jobs_run_side_by_side_but_never_more_of_them(tmp_path):
    body = """
        import pathlib, sys, time
        here, me = pathlib.Path(__file__).parent, pathlib.Path(__file__).stem
        (here / f"{me}.runs").touch()
        end = time.monotonic() + 20
        while len(list(here.glob("*.runs"))) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        print(len(list(here.glob("*.runs"))))
        (here / f"{me}.runs").unlink()
        """
    scripts = [write(tmp_path, name, body) for name in "ab"]
    done = run_scripts(scripts, jobs=2, start_method="spawn")
    assert "2\n" in [result.stdout for result in done]
    log = [write(tmp_path / "one", name, LOG) for name in "abc"]
    run_scripts(log, jobs=1, start_method="spawn")
    lines = (tmp_path / "one" / "log.txt").read_text().split()
    assert lines == [
        "begin",
        "a",
        "end",
        "a",
        "begin",
        "b",
        "end",
        "b",
        "begin",
        "c",
        "end",
        "c",
    ]
    with pytest.raises(BadInput, match="above zero"):
        run_scripts(log, jobs=0)


def test_after_a_failure_it_goes_on_only_if_told(tmp_path):
    scripts = [write(tmp_path, name, "") for name in "abc"]
    write(tmp_path, "b", "raise SystemExit(5)")
    seen = []
    done = run_scripts(
        scripts, 1, start_method="spawn", keep_going=False, on_finish=seen.append
    )
    assert [(result.script.stem, result.status) for result in done] == [
        ("a", 0),
        ("b", 5),
    ]
    assert seen == done
    done = run_scripts(scripts, 1, start_method="spawn")
    assert [result.status for result in done] == [0, 5, 0]
    assert run_scripts([]) == []


def test_on_wait_hears_of_those_that_run(tmp_path):
    script = write(tmp_path, "slow", "import time; time.sleep(0.5)")
    heard = []
    run_scripts([script], start_method="spawn", on_wait=heard.append)
    assert len(heard) > 2
    assert all(set(now) == {script} for now in heard)
    assert heard[0][script] < heard[-1][script]


@pytest.mark.skipif(not LINUX, reason="there is no server here")
def test_without_a_server_scripts_are_spawned(tmp_path, monkeypatch):
    from multiprocessing import forkserver

    def fails():
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(forkserver, "ensure_running", fails)
    (done,) = run_scripts([write(tmp_path, "script", "print(1)")])
    assert (done.status, done.stdout) == (0, "1\n")


@pytest.mark.skipif(not LINUX, reason="there is no server here")
def test_the_server_has_imported_the_heavy_libraries(tmp_path):
    names = [*runner.PRELOAD]
    script = write(
        tmp_path, "script", f"import sys; print([n in sys.modules for n in {names}])"
    )
    (done,) = run_scripts([script])
    assert done.stdout == f"{[True] * len(names)}\n"


def test_unknown_start_method_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="fork"):
        run_scripts([], start_method="fork")


# Nothing outlives the run.

SLEEPER = """
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
import os
part = pathlib.Path(__file__).with_suffix(".part")
part.write_text(f"{os.getpid()} {child.pid}")
part.replace(pathlib.Path(__file__).with_suffix(".pids"))
"""


def pids(script: Path) -> list[int]:
    file = script.with_suffix(".pids")
    assert soon(file.exists, 60), f"{script.name} has not started"
    return [int(pid) for pid in file.read_text().split()]


@posix
@pytest.mark.parametrize("method", METHODS)
def test_what_a_script_leaves_running_is_ended(method, tmp_path):
    script = write(tmp_path, "script", SLEEPER)
    (done,) = run_scripts([script], start_method=method)
    assert done.status == 0
    assert all(soon(lambda pid=pid: gone(pid)) for pid in pids(script))


@posix
@pytest.mark.parametrize("method", METHODS)
def test_an_error_on_our_side_ends_the_scripts(method, tmp_path):
    slow = write(tmp_path, "slow", SLEEPER + "time.sleep(100)")
    quick = write(
        tmp_path,
        "quick",
        f"""
        import pathlib, time
        while not pathlib.Path({str(slow.with_suffix(".pids"))!r}).exists():
            time.sleep(0.01)
        """,
    )

    def fails(result):
        raise LookupError(result.script.stem)

    with pytest.raises(LookupError, match="quick"):
        run_scripts([slow, quick], 2, start_method=method, on_finish=fails)
    assert all(soon(lambda pid=pid: gone(pid)) for pid in pids(slow))


# The program itself, with a few small scripts in place of the lessons.


@pytest.fixture
def house(tmp_path):
    """A checkout of its own: run.py, utils, and no lessons yet."""
    shutil.copytree(CODE / "utils", tmp_path / "Code" / "utils")
    shutil.copy(CODE / "run.py", tmp_path / "Code")
    (tmp_path / "temp").mkdir()
    return tmp_path


def command(*args) -> list[str]:
    method = [] if "--start-method" in args else ["--start-method", "spawn"]
    return [sys.executable, "Code/run.py", *args, *method]


def settings(house: Path, **variables: str) -> dict:
    own = {"TUTORIAL_DATA": "Data", "TUTORIAL_RESULT": "Result", "HOME": "home"}
    own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "temp")
    own = {name: str(house / folder) for name, folder in own.items()}
    return {**os.environ, **own, "PYTHONIOENCODING": "utf-8", **variables}


def call(house: Path, *args: str, **variables: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        command(*args),
        cwd=house,
        env=settings(house, **variables),
        input="typed",
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert not left_in_temp(house)
    return done


def left_in_temp(house: Path) -> list[Path]:
    """Return temporary files, but for the folder that torchvision makes when loaded."""
    found = (house / "temp").iterdir()
    return [path for path in found if not path.name.startswith("torchinductor_")]


def test_a_good_run(house):
    proof = UTILS.replace(str(CODE), str(house / "Code"))
    proof += "from utils import check\ncheck('one', 1, 1)"
    write(house / "Code" / "1_a", "1_1_first", proof)
    second = """
        import subprocess, sys
        code = "import sys; sys.exit(sys.stdin.read() or None)"
        subprocess.run([sys.executable, "-c", code], check=True)
        print("not shown")
        sys.exit({"utils", "run"} & set(sys.modules) or None)
        """
    write(house / "Code" / "1_a", "1_2_second", second)
    done = call(house)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, summary, where = (
        sorted(done.stdout.splitlines()[:2]) + done.stdout.splitlines()[2:]
    )
    assert first.split()[:3] == ["✓", "1.1", "first"] and first.endswith("1 proof")
    assert second.split()[:3] == ["✓", "1.2", "second"] and second.endswith(" s")
    assert summary.startswith("2 scripts, 1 proof holds, no failures, ")
    assert where == f"Pictures and event files: {house / 'Result'}"
    assert "\r" not in done.stdout


def test_a_failure_shows_its_output_and_skips_the_rest(house):
    folder = house / "Code" / "1_a"
    write(
        folder,
        "1_1_bad",
        "import sys\nsys.stderr.write('why 中文\\n')\nprint('out')\nsys.exit(3)",
    )
    for name in ("1_2_b", "1_3_c"):
        write(folder, name, "")
    done = call(house, "--jobs", "1")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("✗ 1.1 bad") and lines[0].endswith("exit status 3")
    assert lines[1:3] == ["    out", "    why 中文"]
    assert lines[3].startswith("- 2 scripts skipped, the first is 1.2 b")
    assert lines[4].startswith("1 of 3 scripts, no proofs hold, 1 failure, ")
    assert lines[5] == "failed: 1.1 bad"
    done = call(house, "--jobs", "1", "--keep-going", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAIL 1.1 bad" in done.stdout and "why \\u4e2d" in done.stdout
    assert "ok 1.3 c" in done.stdout and "3 scripts, no proofs" in done.stdout


@posix
def test_reasons_in_words(house):
    write(house / "Code", "1_1_a", "import os; os.kill(os.getpid(), 9)")
    assert "killed by SIGKILL" in call(house).stdout
    assert program.reason(2) == "exit status 2"
    assert program.reason(-250) == "killed by signal 250"
    assert program.counted(2000, "proof") == "2,000 proofs"


@posix
@pytest.mark.parametrize(
    ("method", "number", "stubborn"),
    [
        ("spawn", signal.SIGINT, True),
        ("spawn", signal.SIGTERM, False),
        pytest.param(
            "forkserver",
            signal.SIGINT,
            False,
            marks=pytest.mark.skipif(not LINUX, reason=""),
        ),
    ],
)
def test_a_signal_ends_all_and_says_what_was_done(house, method, number, stubborn):
    body = SLEEPER + (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n" if stubborn else ""
    )
    body = body.replace("part.replace", "# part.replace") if stubborn else body
    if stubborn:
        body += "part.replace(pathlib.Path(__file__).with_suffix('.pids'))\n"
    body += """
try:
    time.sleep(100)
finally:
    pathlib.Path(__file__).with_suffix(".tidy").touch()
"""
    folder = house / "Code" / "1_a"
    quick = write(folder, "1_1_quick", "")
    slow = [write(folder, name, body) for name in ("1_2_slow", "1_3_slow")]
    write(folder, "1_4_never", "")
    # A terminal sends Ctrl-C to the whole group: to the server, too.
    process = subprocess.Popen(
        command("--jobs", "2", "--start-method", method),
        cwd=house,
        env=settings(house),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    everybody = [pid for script in slow for pid in pids(script)]
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (128 + number, "")
    assert f"stopped by {number.name}; ended: 1.2 slow, 1.3 slow" in stdout
    assert "✓ 1.1 quick" in stdout and "1 of 4 scripts" in stdout
    assert all(soon(lambda pid=pid: gone(pid)) for pid in everybody)
    assert all(script.with_suffix(".tidy").exists() is not stubborn for script in slow)
    assert not quick.with_suffix(".tidy").exists()
    assert not left_in_temp(house)
    if LINUX:
        assert soon(lambda: not session(process.pid)), session(process.pid)


@pytest.mark.skipif(not LINUX, reason="there is no server here")
def test_ctrl_c_while_the_server_imports(house):
    write(house / "Code", "1_1_a", "import time; time.sleep(100)")
    process = subprocess.Popen(
        command("--start-method", "forkserver"),
        cwd=house,
        env=settings(house),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert soon(lambda: any("forkserver" in who for who in session(process.pid)), 60)
    time.sleep(0.3)  # now it is among the imports
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, "")
    assert "\n0 of 1 script, " in stdout
    assert soon(lambda: not session(process.pid)), session(process.pid)


def session(number: int) -> list[str]:
    """Return the processes of a session, by what the system says of them."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = place.read_text()
        except OSError:
            continue
        state, _, _, its_session = text.rpartition(")")[2].split()[:4]
        if int(its_session) == number and state != "Z":
            found.append(place.with_name("cmdline").read_text().replace("\0", " "))
    return found


@posix
def test_the_live_line_is_for_terminals_only(house):
    import pty

    write(house / "Code", "1_1_slow", "import time; time.sleep(0.4)")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(), cwd=house, env=settings(house), stdin=theirs, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # nobody can write there any more
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    shown = shown.decode().replace("\r\n", "\n")
    lines = shown.split("\r")
    assert lines[1].startswith("0/1  starting")
    assert any(line.startswith("0/1  1.1 slow 0 s") for line in lines)
    (done,) = [i for i, line in enumerate(lines) if line.startswith("✓ 1.1 slow")]
    assert lines[done - 1] and not lines[done - 1].strip()  # cleared


def test_bad_usage_is_one_line_and_status_2(house):
    write(house / "Code", "1_1_a", "")
    for args, words in {
        ("nothing",): "nothing: no such chapter, section or script",
        ("--jobs", "0"): "--jobs 0: give a number above zero",
        ("--jobs", "x"): "invalid int value",
        ("--dataset", "nowhere"): "nowhere: no such data set",
        ("--yes",): "--yes goes with --clean",
        ("--clean", "1"): "stand alone",
        ("--readme",): "README.md: is missing",
    }.items():
        done = call(house, *args)
        assert (done.returncode, done.stdout) == (2, ""), args
        assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_without_scripts_it_says_so(house):
    done = call(house, "--list")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


# Which scripts.

NAMES = ["1_1_cifar10_to_png", "1_2_b", "1_10_c", "2_1/2_1_x", "2_1/2_1_0_y"]
NAMES += ["3_3_loss/3_1_07_BCELoss", "3_3_loss/3_1_17_Other", "10_1_d"]


@pytest.fixture
def code(tmp_path):
    for name in [*reversed(NAMES), "main_training/main", "main_training/predict"]:
        write(tmp_path, name, "")
    for name in ("run", "utils/paths", "utils/3_x", "book/main", "3_no_lesson"):
        write(tmp_path, name, "")
    return tmp_path


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ([], [*NAMES, "main_training/main"]),
        (["1"], NAMES[:3]),
        (["1_1"], NAMES[:1]),
        (["1.10"], NAMES[2:3]),
        (["10"], NAMES[7:]),
        (["2_1"], NAMES[3:5]),
        (["2_1_00"], NAMES[4:5]),
        (["3_1_07"], NAMES[5:6]),
        (["3.1.7"], NAMES[5:6]),
        (["3_1_7_"], NAMES[5:6]),
        (["03"], NAMES[5:7]),
        (["main"], ["main_training/main"]),
        (["main_training/main.py"], ["main_training/main"]),
        (["3_1_07_BCELoss"], NAMES[5:6]),
        (["3_1_07_BCELoss.py"], NAMES[5:6]),
        (["Code/3_3_loss/3_1_07_BCELoss.py"], NAMES[5:6]),
        (["BCELoss"], NAMES[5:6]),
        (["Code/3_3_loss/"], NAMES[5:7]),
        (["main", "10", "1_2", "1_2_b"], ["1_2_b", "10_1_d", "main_training/main"]),
    ],
)
def test_selections(selection, expected, code):
    found = find_scripts(selection, code)
    assert [
        path.relative_to(code).with_suffix("").as_posix() for path in found
    ] == expected


@pytest.mark.parametrize(
    "given", ["4", "3_1_0", "1_1_1", "loss", "predict", "7.", "", ".", "BCE"]
)
def test_what_selects_nothing_is_bad_input(given, code):
    with pytest.raises(BadInput, match="no such chapter"):
        find_scripts(["1", given], code)


def test_the_list_shows_numbers_and_titles_by_chapter(house):
    folder = house / "Code"
    title = 'r"""\n2.2.1 kaiming\\_ · 均匀\n===\n\nText.\n"""'
    write(folder / "2_model", "2_2_01_kaiming_", title)
    write(folder / "1_data", "1_1_a", '"""1.1 a · 数据"""\nimport nowhere')
    write(folder / "1_data", "1_2_b", "no docstring, and no Python")
    write(folder / "main_training", "main", '"""main · 主"""')
    done = call(house, "--list")
    assert done.stdout.splitlines() == [
        "1 Data · 数据",
        "  1.1 a · 数据",
        "  1.2 b",
        "",
        "2 Models · 模型",
        "  2.2.1 kaiming_ · 均匀",
        "",
        "The main training · 模型训练",
        "  main · 主",
    ]
    assert call(house, "--list", "2").stdout.splitlines()[0] == "2 Models · 模型"


# --clean


@pytest.fixture
def full_house(house):
    """A house with results, data, and things of the user's among them."""
    made = ["Result/1_a/1_1/p.png", "Result/main_training/w.pt", "Result/loose.txt"]
    kept = ["Result/.gitignore", "Result/readme/a.png", "Data/.gitignore"]
    for name in ("digits", "cifar10", "my-12ab34"):
        home = f"Data/{name}"
        made += [f"{home}/split/train/a/1.png", f"{home}/split/manifest.json"]
        made += [f"{home}/{part}.txt" for part in ("train", "valid", "test")]
        made += [f"{home}/index.json", f"{home}/mean_std.json", f"{home}/.lock-split"]
        made += [
            f"{home}/png/manifest.json",
            f"{home}/split.old/x",
            f"{home}/png.part/x",
        ]
        made += [f"{home}/mean_std.part/x", f"{home}/download.part/x"]
    made += [
        "Data/digits/digits-python.tar.gz",
        "Data/digits/digits-python.tar.gz.7.part",
    ]
    kept += ["Data/cifar10/cifar-10-python.tar.gz", "Data/my-12ab34/holiday.old.jpg"]
    kept += [
        "Data/my-12ab34/notes.part.txt",
        "Data/my-12ab34/mine/split/a.png",
        "Data/my-12ab34/photos.old/a.jpg",
    ]
    kept += ["Data/others/train.txt", "Data/others/png/a.png", "Data/test.txt"]
    kept += ["outside/precious.txt", "outside/split/a", "outside/index.json"]
    for name in made + kept:
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_bytes(b"x" * 100_000)
    if os.name != "nt":
        (house / "Result" / "link").symlink_to(house / "outside")
        (house / "Data" / "digits" / "png" / "link").symlink_to(house / "outside")
        shutil.rmtree(house / "Data" / "cifar10" / "split")
        (house / "Data" / "cifar10" / "split").symlink_to(house / "outside" / "split")
        (house / "Data" / "linked").symlink_to(house / "outside")
        kept.append("Data/linked")
    return house, kept


def files(house: Path) -> set[str]:
    """Return all files and links below the house but the program's."""
    found = set()
    for place, folders, names in os.walk(house):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in names + links:
            found.add(Path(place, name).relative_to(house).as_posix())
    return {name for name in found if not name.startswith("Code/")}


def test_clean_removes_what_scripts_made_and_nothing_else(full_house):
    house, kept = full_house
    done = call(house, "--clean", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert files(house) == set(kept)
    assert not (house / "Data" / "digits").exists()
    assert (house / "Data" / "cifar10").is_dir()
    lines = {line.split()[-1]: line.split()[0] for line in done.stdout.splitlines()}
    assert lines[str(house / "Data" / "digits" / "digits-python.tar.gz")] == "0.1"
    assert lines[str(house / "Data" / "my-12ab34" / "split")] == "0.2"
    assert call(house, "--clean").stdout == "nothing to remove\n"


def test_clean_counts_a_file_with_two_names_once(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 1_000_000)
    os.link(tmp_path / "a", tmp_path / "b")
    assert program.megabytes(tmp_path) == 1


def test_clean_asks_nobody_but_a_terminal(full_house):
    house, _ = full_house
    before = files(house)
    done = call(house, "--clean")
    assert done.returncode == 2 and files(house) == before
    assert "add --yes" in done.stderr and len(done.stderr.splitlines()) == 1


@posix
@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_clean_asks_first(answer, full_house):
    import pty

    house, kept = full_house
    before = files(house)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        command("--clean"),
        cwd=house,
        env=settings(house),
        stdin=theirs,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert "Remove all this? [y/N]" in done.stdout
    assert files(house) == (set(kept) if answer == "y" else before)
    assert ("nothing removed" in done.stdout) is (answer != "y")


@pytest.mark.parametrize("place", [".", "Data", "home"])
def test_clean_refuses_a_result_folder_that_holds_other_things(place, full_house):
    house, _ = full_house
    (house / "home").mkdir(exist_ok=True)
    before = files(house)
    variables = {
        "TUTORIAL_RESULT": str(house / place),
        "USERPROFILE": str(house / "home"),
    }
    done = call(house, "--clean", "--yes", **variables)
    assert done.returncode == 2 and files(house) == before
    assert len(done.stderr.splitlines()) == 1


# The README

LESSON = r'''
r"""
1.1 kaiming\_ · 均匀
===================

Weights for ``relu``, width :math:`|a|`,
see :func:`~torch.relu` and `the paper <https://x.org>`_:

.. math:: x

:use it: never
"""
RESULT = 1
def draw():
    with something:
        save(RESULT / "first.png")
save(RESULT / "a.png", RESULT / "deep" / "b.png")
log(RESULT / f"{x}_run.txt", RESULT / name, RESULT / "a.png", other / "c.png")
'''


def test_readme_gets_a_table_of_all_scripts(house):
    write(house / "Code" / "1_data", "1_1_kaiming_", LESSON)
    write(
        house / "Code" / "1_data",
        "1_2_split_dataset",
        '"""1.2 b · 二\n=======\n\n:use it: never\n"""',
    )
    write(
        house / "Code" / "main_training",
        "main",
        '"""main · 训练\n====\n\nAll | of it.\n"""',
    )
    readme = house / "README.md"
    readme.write_text(
        "before\n<!-- contents -->\nold\n<!-- /contents -->\nafter 后\n", "utf-8"
    )
    done = call(house, "--readme")
    assert (done.returncode, done.stderr) == (0, "")
    text = readme.read_text(encoding="utf-8")
    head, tail = (
        "before\n<!-- contents -->\n\n### 1 Data · 数据\n\n",
        "\n\n<!-- /contents -->\nafter 后\n",
    )
    assert text.startswith(head) and text.endswith(tail) and "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert rows == [
        r"| [1.1](Code/1_data/1_1_kaiming_.py) | kaiming\_ · 均匀 | Weights for `relu`,"
        r" width $\vert a\vert $, see `torch.relu` and [the paper](https://x.org). |"
        r" `first.png`, `a.png`, `deep/b.png`, `…_run.txt` |",
        "| [1.2](Code/1_data/1_2_split_dataset.py) | b · 二 |  | `Data/…/split/` |",
        r"| [main](Code/main_training/main.py) | main · 训练 | All \| of it. |"
        " `net_params.pt`, `log/`, `curves.png`, `confusion_*.png`, `mistakes.png`,"
        " `report.json`, `checkpoints/` |",
    ]
    assert "has not been made yet" in done.stdout
    call(house, "--readme")
    assert readme.read_text(encoding="utf-8") == text


def test_a_readme_without_the_marks_stays_as_it_is(house):
    write(house / "Code", "1_1_a", "")
    for text in ("none", "<!-- contents -->", "<!-- /contents --> <!-- contents -->"):
        (house / "README.md").write_text(text)
        done = call(house, "--readme")
        assert done.returncode == 2 and "has no place for the table" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert (house / "README.md").read_text() == text


def test_readme_pictures_are_small(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(contents, "RESULT_ROOT", tmp_path)
    pictures = {
        "wide.png": "a/wide.png",
        "small.png": "a/small.png",
        "no.png": "a/no.png",
    }
    monkeypatch.setattr(contents, "READ_ME_PICTURES", pictures)
    (tmp_path / "a").mkdir()
    Image.linear_gradient("L").resize((1800, 400)).save(tmp_path / "a" / "wide.png")
    Image.new("RGBA", (30, 20), (255, 0, 0, 0)).save(tmp_path / "a" / "small.png")
    lines = list(contents._pictures())
    assert [Path(line.split(": ")[0]).name for line in lines] == list(pictures)
    assert "has not been made yet" in lines[2]
    with Image.open(tmp_path / "readme" / "wide.png") as wide:
        assert wide.size == (900, 200)
    with Image.open(tmp_path / "readme" / "small.png") as small:
        assert small.size == (30, 20)
        assert small.convert("RGB").getpixel((0, 0)) == (255, 255, 255)  # on white
    noise = Image.frombytes("RGB", (200, 200), random.Random(0).randbytes(120_000))
    noise.save(tmp_path / "noise.png")
    plain = io.BytesIO()
    noise.save(plain, "PNG", optimize=True)
    small = contents._small_png(tmp_path / "noise.png")
    assert len(small) < len(plain.getvalue()) / 2
