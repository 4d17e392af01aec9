"""What all tests share: folders for data and results, and the lessons' runs.

The tests never touch ``Data/`` and ``Result/``: the variables ``TUTORIAL_DATA`` and
``TUTORIAL_RESULT`` name temporary folders before anything imports ``utils``. Nothing
that they start can connect to another machine, see ``offline/sitecustomize.py``.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
for folder in (TESTS, TESTS.parent / "Code"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import snippets
from book.definitions import Lesson
from places import ROOT, away, changes, listing

_PLACE = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's job in the
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background: hand on
    place = Path(tempfile.mkdtemp(prefix="tutorial-tests-")).resolve()
    config.stash[_PLACE] = place
    paths = [str(TESTS / "offline"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["TUTORIAL_DATA"] = str(place / "Data")
    os.environ["TUTORIAL_RESULT"] = str(place / "Result")
    os.environ.pop("TUTORIAL_DATASET", None)
    try:
        import hypothesis
    except ImportError:
        return
    hypothesis.settings.register_profile("tutorial", deadline=None)
    hypothesis.settings.load_profile("tutorial")


def pytest_unconfigure(config: pytest.Config) -> None:
    place = config.stash.get(_PLACE, None)
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The session's ``Data/``."""
    return Path(os.environ["TUTORIAL_DATA"])


@pytest.fixture(scope="session")
def result_root() -> Path:
    """The session's ``Result/``."""
    return Path(os.environ["TUTORIAL_RESULT"])


@dataclass(frozen=True)
class Runs:
    """What became of scripts that ran side by side, far from home.

    :ivar by_script: :class:`run.Finished` of each
    :ivar left: what they left in the working directory, in HOME, in TMPDIR
    :ivar changed: files of the checkout that they made, changed or deleted
    """

    by_script: dict[Path, object]
    left: list[str]
    changed: list[str]

    def __getitem__(self, script: Path) -> object:
        return self.by_script[script]


@pytest.fixture(scope="session")
def lesson_runs(request, tmp_path_factory) -> Runs:
    """Run, once and all together, the scripts that the selected tests ask for.

    A test asks by its parameter ``script``; one without asks for all scripts.
    """
    from run import find_scripts, run_scripts

    scripts = _asked_for(request, "lesson_runs") or find_scripts()
    before = listing(ROOT)
    with away(tmp_path_factory.mktemp("lessons") / "away") as fresh:
        done = run_scripts(scripts)
    by_script = {finished.script: finished for finished in done}
    return Runs(by_script, fresh.left(), changes(before, listing(ROOT)))


@pytest.fixture(scope="session")
def snippet_runs(request, tmp_path_factory) -> dict[Path, list[str]]:
    """Call every definition of the selected lessons alone; return their problems."""
    from run import find_scripts, run_scripts

    lessons = _asked_for(request, "snippet_runs") or find_scripts()
    lessons = [lesson for lesson in lessons if _has_definitions(lesson)]
    folder = tmp_path_factory.mktemp("snippets")
    drivers = {}
    for lesson in lessons:
        # It has the lesson's name: those that make data run first, and alone. They make
        # theirs anew, so that what they define is called.
        driver = folder / lesson.name
        own = {"TUTORIAL_DATA": str(folder / "Data")} if makes_data(lesson) else {}
        report = driver.with_suffix(".json")
        driver.write_text(snippets.driver(lesson, report, own), encoding="utf-8")
        drivers[driver] = lesson
    with away(folder / "away"):
        done = run_scripts(list(drivers))
    return {drivers[finished.script]: _report(finished) for finished in done}


def _report(finished) -> list[str]:
    report = finished.script.with_suffix(".json")
    if finished.status or not report.is_file():
        return [f"the lesson ends with status {finished.status}", finished.stderr]
    return json.loads(report.read_text(encoding="utf-8"))


def makes_data(script: Path) -> bool:
    """Say whether other scripts wait for this one."""
    from utils.runner import ALONE

    return any(script.as_posix().endswith(f"/{name}") for name in ALONE)


def _asked_for(request, fixture: str) -> list[Path] | None:
    scripts = {}
    for item in request.session.items:
        if fixture in getattr(item, "fixturenames", ()):
            given = getattr(item, "callspec", None)
            if given is None or "script" not in given.params:
                return None
            scripts[given.params["script"]] = None
    return list(scripts)


def _has_definitions(lesson: Path) -> bool:
    try:
        return bool(Lesson.read(lesson).definitions)
    except SyntaxError:
        return False
