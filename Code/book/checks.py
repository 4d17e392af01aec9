"""Is the book complete? What Sphinx itself does not ask."""

import functools
import html
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from layout import HEADER, Places

from utils.contents import leaves

_TAG = re.compile(r"<(?:a|img|link|script|source)\s[^>]*>")
_TARGET = re.compile(r'\s(href|src|srcset)="([^"]*)"')
_ID = re.compile(r'\sid="([^"]*)"')
_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|//")
_EXECUTED = "sphx-glr-script-out"
_PICTURE = re.compile(r"<img [^>]*\bsphx-glr-(?:single|multi)-img\b")
_DRAWN = (".png", ".gif")


def problems(places: Places) -> list[str]:
    """Return a line for each page that lacks something, and for each broken link."""
    found = []
    for script in sorted(places.gallery.rglob("*.py")):
        page = places.html / script.relative_to(places.gallery).with_suffix(".html")
        found += [f"{page}: {what}" for what in missing(script, page)]
    for head in sorted(places.gallery.rglob(HEADER)):
        page = places.html / head.relative_to(places.gallery).with_name("index.html")
        if not page.is_file():
            found.append(f"{page}: this chapter has no page")
    return found + broken_links(places.html)


def missing(script: Path, page: Path) -> list[str]:
    """Say what a script's page lacks."""
    if not page.is_file():
        return [f"{script.name} has no page"]
    text = page.read_text(encoding="utf-8")
    lacks = []
    if _EXECUTED not in text:
        lacks.append(f"{script.name} has run, and nothing that it printed is here")
    draws = any(name.endswith(_DRAWN) for name in leaves(script))
    if draws and not _PICTURE.search(text):
        lacks.append(f"{script.name} draws, and no picture is here")
    return lacks


def broken_links(site: Path) -> list[str]:
    """Return a line for each link, picture or file of a page that leads nowhere."""
    found = []
    places = functools.cache(places_in)
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    for page in sorted(pages):
        targets = set()
        for tag in _TAG.findall(page.read_text(encoding="utf-8")):
            for kind, value in _TARGET.findall(tag):
                several = value.split(",") if kind == "srcset" else [value]
                targets.update(html.unescape(one).split()[0] for one in several if one)
        found += [
            f"{page}: leads to {target}, which is not there"
            for target in sorted(targets)
            if not leads_somewhere(target, page, places)
        ]
    return found


def leads_somewhere(
    target: str, page: Path, places: Callable[[Path], frozenset[str]]
) -> bool:
    """Say whether a link from ``page`` has its file, and there its place.

    :param places: gives the names that are in a page
    """
    if _ELSEWHERE.match(target) or target in ("", "#"):
        return True
    path, _, place = target.partition("#")
    path = unquote(path.partition("?")[0])
    file = (page.parent / path).resolve() if path else page
    if not file.is_file():
        return False
    return not place or file.suffix != ".html" or unquote(place) in places(file)


def places_in(page: Path) -> frozenset[str]:
    """Return the names in a page that a link may end with, after ``#``."""
    return frozenset(map(html.unescape, _ID.findall(page.read_text(encoding="utf-8"))))
