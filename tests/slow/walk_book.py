"""Build the whole book and walk every page, in a browser without a network.

    python tests/slow/walk_book.py                builds it anew, elsewhere
    python tests/slow/walk_book.py --site FOLDER  walks one that is built

Each page at 400 and 1400 pixels, light and dark: see tests/walk.py for what is looked
at. All copied snippets run, and so does the code of all notebooks; the cheat sheet has
every row, and is printed, as a PDF.
"""

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "Code")]
from book.definitions import Lesson, source_alone
from utils.contents import find_scripts, number_of
from walk import copies, notebook_program, offline_browser, problems, search, show

RUN = """
import contextlib, io, runpy, sys
for path in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(path)
"""


def main() -> int:
    """Return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", type=Path, help="a book that build.py has built")
    parser.add_argument("--only", default="", help="pages with this in their address")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        site = args.site.resolve() if args.site else Path(place, "book", "site")
        if not args.site:
            script = ROOT / "Code" / "book" / "build.py"
            subprocess.run([sys.executable, script, "--to", site], check=True)
        with offline_browser(Path(place, "chromium")) as browser:
            wrong = walk(browser, site, args.only)
            if not args.only:
                wrong += extra_pages(browser, site, Path(place))
                wrong += notebooks(site, Path(place))
    print(f"{len(wrong)} things are wrong")
    return int(bool(wrong))


def walk(browser, site: Path, only: str) -> list[str]:
    """Return what is wrong with the pages."""
    began, wrong, count = time.monotonic(), [], 0
    for page in sorted(site.rglob("*.html")):
        address = page.relative_to(site).as_posix()
        if not address.startswith("_") and only in address:
            found = [f"{address}: {what}" for what in problems(browser, page)]
            print(*found, sep="\n", end="\n" * bool(found), flush=True)
            wrong += found
            count += 1
    print(f"{count} pages, {time.monotonic() - began:.0f} s")
    return wrong + ["there is no page"] * (not count)


def extra_pages(browser, site: Path, place: Path) -> list[str]:
    """Return what is wrong with search, the snippets, and the sheet on paper."""
    wrong = []
    for word in ("KLDivLoss", "权值初始化", "CosineAnnealingLR"):
        found = search(browser, site, word)
        print(f"search: {word}: {len(found)} pages, first {found[:1]}")
        wrong += [f"search finds no {word}"] * (not found)

    show(browser, (site / "snippets.html").as_uri())
    texts = [text.strip("\n") for text in copies(browser, "button.copy-code")]
    lessons = [Lesson.read(path) for path in find_scripts() if number_of(path)]
    expected = [source_alone(n, d) for n in lessons for d in n.definitions]
    if texts != expected:
        wrong.append(f"copied {len(texts)} snippets, not the {len(expected)} expected")
    files = [place / f"{i}.py" for i in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN, *files],
        cwd=place,
        capture_output=True,
        encoding="utf-8",
    )
    print(f"{len(texts)} snippets copied, {'run' if not done.stderr else 'do not run'}")
    wrong += [done.stderr] * bool(done.stderr)

    show(browser, (site / "cheatsheet.html").as_uri())
    rows = browser.execute_script(
        "return document.querySelectorAll('table.then-and-now tbody tr').length"
    )
    paper = dict(printBackground=False, preferCSSPageSize=True, paperWidth=8.27)
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {**paper, "paperHeight": 11.69})
    data = base64.b64decode(pdf["data"])
    target = site.parent / "cheatsheet.pdf"
    target.write_bytes(data)
    print(f"the sheet: {rows} rows, {len(data) // 1000} kB: {target}")
    wrong += ["the sheet has no table"] * (rows < 300)
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return wrong


def notebooks(site: Path, place: Path) -> list[str]:
    """Run what is in the notebooks, from another folder; return what fails."""
    began = time.monotonic()
    names = sorted(path.stem for path in (site / "_downloads").rglob("*.ipynb"))
    own = {"TUTORIAL_HOME": str(ROOT), "TUTORIAL_RESULT": str(place / "Result")}
    env = {**os.environ, **own, "MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"}

    def run(name: str) -> list[str]:
        program = place / f"{name}_notebook.py"
        text = notebook_program(site / "_downloads", name)
        program.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, program],
            cwd=place,
            env=env,
            capture_output=True,
            encoding="utf-8",
        )
        well = done.returncode == 0 and not done.stderr
        return [] if well else [f"{name}.ipynb: {done.stderr[-500:]}"]

    with ThreadPoolExecutor(2) as pool:
        wrong = [line for found in pool.map(run, names) for line in found]
    print(f"{len(names)} notebooks run, {time.monotonic() - began:.0f} s")
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return wrong + ["there is no notebook"] * (not names)


if __name__ == "__main__":
    sys.exit(main())
