"""Build the book: the scripts as a web site, to read along in a browser.

    python Code/book/build.py              all of it, into Result/book/index.html
    python Code/book/build.py 1_6 3.1.7    a part of it, for trying
    python Code/book/build.py --gettext    its prose, for translators

Each script is run, and must run to its end. One that has been run before is run again
only if it, what it imports, or the data have changed. The site opens from the disk: it
needs neither a server nor a network.
"""

import argparse
import importlib.util
import io
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from layout import DEFAULT, HEADER, HEADERS, Places, docname, scripts_of

from utils.console import BadInput, Parser
from utils.paths import make_dir
from utils.prepare import only_one

NEEDED = {  # module: package
    "sphinx": "sphinx",
    "sphinx_gallery": "sphinx-gallery",
    "pydata_sphinx_theme": "pydata-sphinx-theme",
    "sphinx-mathjax-offline": "sphinx-mathjax-offline",
}
FORMULAS = ("sphinx-mathjax-offline", "static/mathjax/tex-svg.js")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    args = parse(arguments)
    require_packages()
    scripts = scripts_of(args.selection)
    places = Places(args.to.expanduser().absolute())
    began = time.perf_counter()
    with only_one(places.work):
        arrange(scripts, places)
        wrong = run_sphinx(places, args)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print(f"{places.html}: not complete: see above", file=sys.stderr)
        return 1
    minutes, seconds = divmod(round(time.perf_counter() - began), 60)
    print(f"{len(scripts)} scripts, {minutes} min {seconds} s")
    print(places.gettext if args.gettext else places.html / "index.html")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("selection", nargs="*", help="as for run.py: 1, 3_1, 3.1.7, main")
    add(
        "--to",
        type=Path,
        default=DEFAULT.html,
        metavar="FOLDER",
        help="where the site goes (default: Result/book)",
    )
    add("--jobs", type=int, default=cores(), metavar="N", help="default: the cores")
    add("--gettext", action="store_true", help="write all prose as .pot files instead")
    add("--language", metavar="CODE", default="en", help="of the pages, such as zh_CN")
    add(
        "--translations",
        type=Path,
        default=HERE / "locale",
        metavar="FOLDER",
        help="where CODE/LC_MESSAGES/*.po stand (default: Code/book/locale)",
    )
    args = parser.parse_args(arguments)
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs}: give a number above zero")
    if args.to.exists() and not args.to.is_dir():
        parser.error(f"--to {args.to}: is a file: name a folder")
    translated = args.translations / args.language / "LC_MESSAGES"
    if args.language != "en" and not translated.is_dir():
        parser.error(
            f"--language {args.language}: {translated} is missing: put the translated "
            ".po files there (--gettext writes what there is to translate)"
        )
    return args


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def require_packages() -> None:
    """Refuse to begin without Sphinx.

    :raises BadInput: a package is missing
    """
    missing = [
        p for module, p in NEEDED.items() if not importlib.util.find_spec(module)
    ]
    if missing:
        raise BadInput(
            f"the book needs {', '.join(missing)}: install what requirements.txt lists "
            "under 'The book'"
        )


def arrange(scripts: list[Path], places: Places) -> None:
    """Lay out all that the pages are made from; the scripts stay as they are.

    :raises BadInput: a chapter has no introduction
    """
    shutil.rmtree(places.gallery, ignore_errors=True)
    for script in scripts:
        copy = places.gallery / f"{docname(script)}.py"
        chapter = places.gallery / copy.relative_to(places.gallery).parts[0]
        for folder in {chapter, copy.parent}:
            introduction = HEADERS / f"{folder.name}.rst"
            if not introduction.is_file():
                raise BadInput(f"{introduction}: is missing: write it first")
            if not (folder / HEADER).is_file():
                shutil.copyfile(introduction, make_dir(folder) / HEADER)
        shutil.copyfile(script, copy)
    package, file = FORMULAS
    home = importlib.util.find_spec(package).submodule_search_locations[0]
    formulas = make_dir(places.static / "mathjax") / Path(file).name
    if not formulas.is_file():
        shutil.copyfile(Path(home, file), formulas)
    first = make_dir(places.source) / "index.rst"
    if not first.is_file():
        first.touch()  # extras.py writes it


def run_sphinx(places: Places, args: argparse.Namespace) -> list[str]:
    """Run the lessons and make the pages; return lines on what is wrong."""
    from checks import problems
    from lessons import LessonFailed
    from sphinx.application import Sphinx
    from sphinx.errors import ExtensionError, SphinxError

    warnings = io.StringIO()
    settings = {
        "language": args.language,
        "locale_dirs": [str(args.translations.absolute())],
        "html_static_path": [str(places.static)],
    }
    out, builder = places.html, "html"
    if args.gettext:
        out, builder = places.gettext, "gettext"
    doctrees = places.work / f"doctrees-{builder}"
    try:
        app = Sphinx(
            places.source,
            HERE,
            out,
            doctrees,
            builder,
            settings,
            status=None,
            warning=warnings,
            parallel=args.jobs,
        )
        print(f"making {len(app.project.discover())} pages", flush=True)
        app.build()
    except LessonFailed as failed:
        return [*lines_of(warnings), str(failed)]
    except ExtensionError as error:
        if isinstance(error.__cause__, BadInput | OSError):
            raise error.__cause__ from None
        shutil.rmtree(doctrees, ignore_errors=True)
        raise
    except SphinxError as error:
        return [*lines_of(warnings), str(error)]
    wrong = lines_of(warnings)
    if not args.gettext:
        remove_old(places.html, app.env.found_docs)
        wrong += problems(places)
    if wrong:  # forget what has been read, so that a second build says it again
        shutil.rmtree(doctrees, ignore_errors=True)
    return wrong


def lines_of(warnings: io.StringIO) -> list[str]:
    """Return what Sphinx complains of, without the colours of a terminal."""
    from sphinx.util.console import strip_escape_sequences

    return strip_escape_sequences(warnings.getvalue()).splitlines()


def remove_old(html: Path, pages: set[str]) -> None:
    """Remove the pages of scripts that are not in the book any more."""
    for path in html.glob("*_*/**/*.html"):
        page = path.relative_to(html)
        if page.parts[0][0] != "_" and page.with_suffix("").as_posix() not in pages:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
