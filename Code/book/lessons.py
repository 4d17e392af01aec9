"""A Sphinx extension that runs the lessons, each as it runs by hand.

sphinx-gallery would run them one after the other in a single process, without a
``__file__``. Here each gets a process of its own, from :mod:`utils.runner`, and runs
again only if something has changed that it depends on. What sphinx-gallery makes of it
(the page, the pictures, the notebook) is left where sphinx-gallery looks for it.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import pickle
import shutil
import sys
import time
from pathlib import Path

from layout import HEADER, HERE, Places, docname, scripts_of
from sphinx.errors import SphinxError

from utils import CODE, find_dataset, fingerprint, runner, weights_path, write_whole
from utils.contents import label
from utils.paths import make_dir

ROOT = CODE.parent
HEAVY = ["sphinx_gallery.gen_gallery", "sphinx_gallery.gen_rst"]
VERSIONS = ["torch", "torchvision", "matplotlib", "numpy", "sphinx-gallery"]
USES_DATA = "utils/prepare.py"  # what a script imports that reads a data set
DRIVER = """\
import sys
sys.path.insert(0, {here!r})
import lessons
lessons.run_one(*{arguments!r})
"""
FIRST_CELL = """\
# A notebook does not know where it stands: this cell finds the script that it was made
# from, here or in a folder above. Elsewhere, name the clone in TUTORIAL_HOME.
import ast
import os
import sys
from pathlib import Path

script = "{script}"
places = [Path(os.environ.get("TUTORIAL_HOME", ".")).resolve(), *Path.cwd().parents]
homes = [place for place in places if (place / script).is_file()]
if not homes:
    raise SystemExit("Put this notebook into a clone of the tutorial, in any folder.")
__file__ = str(homes[0] / script)
__doc__ = ast.get_docstring(ast.parse(Path(__file__).read_text(encoding="utf-8")))
sys.argv = [__file__]
sys.path.insert(0, str(Path(__file__).parent))
%matplotlib inline"""


class LessonFailed(SphinxError):  # noqa: N818
    """Lessons did not run to their end, or complained."""


def setup(app) -> dict:
    """Be a Sphinx extension."""
    app.connect("config-inited", arrange, priority=5)  # before sphinx-gallery
    app.connect("builder-inited", run_lessons, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def arrange(app, config) -> None:
    """Tell sphinx-gallery which galleries there are, and Sphinx which pages."""
    places = Places.of(app)
    chapters = sorted(path.name for path in places.gallery.iterdir())
    settings = config.sphinx_gallery_conf
    write_whole(places.work / "settings.json", json.dumps(settings))
    settings["examples_dirs"] = [str(places.gallery / name) for name in chapters]
    settings["gallery_dirs"] = chapters
    heads = [head.with_name("index.rst") for head in places.gallery.rglob(HEADER)]
    pages = [path.with_suffix(".rst") for path in places.gallery.rglob("*.py")] + heads
    pages = sorted(page.relative_to(places.gallery).as_posix() for page in pages)
    config.include_patterns = [*pages, *config.include_patterns]


# What a lesson depends on


def is_current(record: Path, settings: str) -> bool:
    """Say whether the lesson that left ``record`` would make the same page again."""
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
        now = {file: sha256(CODE / file) for file in before["files"]}
        return before == depends_on(now, settings)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def depends_on(files: dict[str, str], settings: str) -> dict:
    """Return all that decides on a lesson's page.

    :param files: the hashes of the files that the lesson consists of
    :param settings: those of sphinx-gallery
    """
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    return {
        "files": files,
        "data": mark_of_data() if USES_DATA in files else None,
        "versions": {"python": sys.version, **versions},
        "settings": settings,
    }


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mark_of_data() -> str:
    """Return a text that changes with the data, the index or the trained weights."""
    data = find_dataset()
    marks = [data.given, fingerprint("index", data), fingerprint("mean_std", data)]
    weights = weights_path(data)
    marks.append(sha256(weights) if weights.is_file() else None)
    return " ".join(map(str, marks))


def files_of(script: Path) -> set[Path]:
    """Return the files that this process has read to run a lesson."""
    modules = [getattr(module, "__file__", None) for module in sys.modules.values()]
    text = script.read_text(encoding="utf-8")
    helpers = [  # they run in processes of their own
        path for path in script.parent.glob("*.py") if f'"{path.name}"' in text
    ]
    files = {Path(file).resolve() for file in modules if file}
    files = {file for file in files if file.is_relative_to(CODE)}
    return files | {script, HERE / "lessons.py", *helpers}


# Running them


def run_lessons(app) -> None:
    """Run every lesson that has no page, or whose page is not what it would be now.

    :raises LessonFailed: one failed; the others have run
    """
    places = Places.of(app)
    settings = (places.work / "settings.json").read_text(encoding="utf-8")
    scripts = [
        s for s in scripts_of() if (places.gallery / f"{docname(s)}.py").is_file()
    ]
    outdated = {}
    for script in scripts:
        page = places.source / f"{docname(script)}.py"
        record = places.work / "lessons" / f"{docname(script)}.json"
        if page.with_suffix(".rst").is_file() and is_current(record, settings):
            continue
        for old in (record, page.with_name(f"{page.name}.md5")):
            old.unlink(missing_ok=True)
        # It has the script's name: those that make data run first, and alone.
        driver = places.work / "drivers" / script.relative_to(CODE)
        for folder in (record.parent, driver.parent, page.parent / "images" / "thumb"):
            make_dir(folder)
        arguments = [str(path) for path in (script, page, record, places.conf)]
        text = DRIVER.format(here=str(HERE), arguments=arguments)
        driver.write_text(text, encoding="utf-8")
        outdated[driver] = script, page, record
    if outdated:
        run_all(outdated, app, settings)
    # What has run is not run again by sphinx-gallery, whatever it finds.
    app.config.sphinx_gallery_conf["plot_gallery"] = False


def run_all(outdated: dict[Path, tuple[Path, Path, Path]], app, settings: str) -> None:
    """Run lessons by their drivers, and keep on record what each depends on.

    :raises LessonFailed: one failed; the others have run
    """
    places = Places.of(app)
    places.conf.write_bytes(pickle.dumps(app.config.sphinx_gallery_conf))
    runner.PRELOAD += [name for name in HEAVY if name not in runner.PRELOAD]
    passed, failed = [], []

    def finished(done: runner.Finished) -> None:
        script, page, record = outdated[done.script]
        name = f"{label(script)}  {done.seconds:.1f} s"
        if done.status == 0 and not done.stderr:
            print(f"✓ {name}", flush=True)
            passed.append(record)
            # Sphinx-gallery shall see what has run, should it have been edited since.
            shutil.copyfile(page, places.gallery / f"{docname(script)}.py")
            return
        failed.append(script)
        print(f"✗ {name}", flush=True)
        for line in (done.stdout + done.stderr).splitlines():
            print(f"    {line}", flush=True)

    try:
        runner.run_scripts(
            list(outdated), jobs=max(1, app.parallel), on_finish=finished
        )
    finally:  # now the data are there, which the first ones make
        for record in passed:
            files = json.loads(record.read_text(encoding="utf-8"))
            write_whole(record, json.dumps(depends_on(files, settings)))
    if failed:
        raise LessonFailed(f"failed: {', '.join(map(label, failed))}")


def run_one(script: str, page: str, record: str, conf: str) -> None:
    """Run a lesson and make its page; be called in a process of its own."""
    from sphinx_gallery.gen_rst import generate_file_rst

    script, page, record = Path(script), Path(page), Path(record)
    settings = pickle.loads(Path(conf).read_bytes())
    below = script.relative_to(ROOT).as_posix()
    settings["first_notebook_cell"] = FIRST_CELL.format(script=below)
    sys.path[0] = str(script.parent)
    sys.path.remove(str(HERE))
    generate_file_rst(script.name, page.parent, script.parent, settings)
    # Pages are the same on every machine: no path of this one's.
    text = page.with_suffix(".rst")
    text.chmod(0o644)
    own = str(ROOT) + os.sep
    write_whole(text, text.read_text(encoding="utf-8").replace(own, ""))
    files = {
        file.relative_to(CODE).as_posix(): sha256(file) for file in files_of(script)
    }
    files[script.relative_to(CODE).as_posix()] = sha256(page)  # the copy that ran
    write_whole(record, json.dumps(dict(sorted(files.items()))))


def as_script(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Be sphinx-gallery's ``reset_argv``: give a lesson what a script has.

    :return: the arguments of its command line: none
    """
    script = Path(script_vars["src_file"])
    doc = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")), clean=False)
    script_vars["example_globals"].update(
        __file__=str(script), __doc__=doc, __spec__=None
    )
    script_vars["began"] = time.time() - 2  # some disks keep even seconds only
    ours = [
        name for name in sys.modules if name.partition(".")[0] in ("utils", "layout")
    ]
    for name in ours:  # what it imports it imports itself
        del sys.modules[name]
    return []


def animations(block, script_vars: dict, gallery_conf: dict) -> str:
    """Be a scraper of sphinx-gallery: show the films that a cell has left."""
    from sphinx_gallery.scrapers import figure_rst

    folder = script_vars["example_globals"].get("RESULT")
    shown, made, names = script_vars.setdefault("films", set()), [], []
    for film in sorted(folder.glob("*.gif")) if isinstance(folder, Path) else ():
        if film not in shown and film.stat().st_mtime >= script_vars["began"]:
            shown.add(film)
            place = Path(next(script_vars["image_path_iterator"]))
            shutil.copyfile(film, place.with_suffix(".gif"))
            made.append(place.with_suffix(".gif"))
            names.append(film.stem.replace("_", " "))
    alt = ", ".join(names)
    return figure_rst(made, gallery_conf["src_dir"], alt) if made else ""
