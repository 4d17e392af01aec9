"""What the book adds to Sphinx and sphinx-gallery.

In lessons: the header's fields as a table, what it says of the notes and of the changes
since as boxes, proofs (``✓``) apart from other output. Beside them four pages, written
before Sphinx reads: the first of all, all snippets, all pictures, the sheet to print.
"""

import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po
from definitions import Lesson, source_alone
from docutils import nodes
from layout import Places, docname, scripts_of
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.i18n import CatalogInfo

from utils.contents import heading, number_of, title_and_summary
from utils.paths import CODE, write_whole

_ = get_translation("extras")
BOXES = {"the notes": "the-notes", "then → now": "then-now"}  # field: class
PAGES = ("snippets", "pictures", "cheatsheet")  # and the first page of all
MANY = 8  # proofs that a page shows unfolded
TABLE = "5_0_then_and_now"
OUTPUT = "sphx-glr-script-out"
OPENING = {  # page: which of its pictures the first page of all shows
    "1_data_prepare/1_6_transforms/1_6_00_overview": 0,
    "2_model/2_2_weight_init/2_2_0_overview": 0,
    "3_optimizer/3_3_optimizers/3_3_00_overview": -1,
    "4_viewer/4_2_network/4_6_grad_cam": 0,
    "5_cheatsheet/5_2_nn": 0,
    "main_training/main": -1,
}
CATALOG = "extras"  # the words below, for translators


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of it."""
    app.add_node(Details, html=(open_details, close_details))
    app.add_node(Summary, html=(open_summary, close_summary))
    app.add_transform(MarkFields)
    app.add_post_transform(ShowFields)
    app.add_post_transform(SetProofsApart)
    app.add_post_transform(SayWhereFileIs)
    app.add_css_file("book.css")
    app.add_js_file("book.js", loading_method="defer")
    for folder in app.config.locale_dirs:
        add_translation(app, folder)
    app.connect("config-inited", add_static_files)
    app.connect("builder-inited", write_pages, priority=900)  # after the gallery
    app.connect("build-finished", write_words)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_static_files(app: Sphinx, config) -> None:
    """Have the style and the script copied; pages of their own need no sidebar."""
    config.html_sidebars = {**{p: [] for p in PAGES}, **config.html_sidebars}
    own = [str(HERE / "book.css"), str(HERE / "book.js")]
    config.html_static_path = [*config.html_static_path, *own]
    words = {name: str(word) for name, word in words_of_script().items()}
    text = json.dumps(words, ensure_ascii=False)
    app.add_js_file(None, body=f"window.BOOK_WORDS = {text};", priority=400)


# Words that are in no page


def words_of_script() -> dict[str, str]:
    """Return what ``book.js`` says: name and words."""
    return {
        "copy": _("copy"),
        "copied": _("copied ✓"),
        "refused": _("not allowed"),
        "filter": _("filter: a name, or a word of the code"),
    }


def add_translation(app: Sphinx, folder: str) -> None:
    """Have these words translated, if ``folder`` has them in the book's language."""
    catalog = CatalogInfo(
        Path(folder, app.config.language, "LC_MESSAGES"), CATALOG, "utf-8"
    )
    if Path(catalog.po_path).is_file() and catalog.is_outdated():
        catalog.write_mo(app.config.language)  # Sphinx does so, but later
    app.add_message_catalog(CATALOG, folder)


def write_words(app: Sphinx, error: Exception | None) -> None:
    """Give translators these words beside those of the pages."""
    if error or app.builder.name != "gettext":
        return
    catalog = Catalog(project=app.config.project, charset="utf-8")
    for _line, text, _comments, _context in extract_from_file(
        "python", __file__, keywords={"_": None}
    ):
        catalog.add(text)
    with Path(app.outdir, f"{CATALOG}.pot").open("wb") as file:
        write_po(file, catalog, omit_header=False)


# The header's fields


class MarkFields(SphinxTransform):
    """Note which fields become boxes, as long as their names are not translated."""

    default_priority = 5

    def apply(self, **_kwargs) -> None:
        """Give the fields of the header a class."""
        for fields in self.document.findall(nodes.field_list):
            if not isinstance(fields.parent, nodes.section):
                continue
            fields["classes"].append("facts")
            for field in fields:
                if mark := BOXES.get(field[0].astext()):
                    field["classes"].append(mark)


class ShowFields(SphinxPostTransform):
    """Make boxes of the fields that are marked; the table is left to the style."""

    default_priority = 50
    formats = ("html",)

    def run(self, **_kwargs) -> None:
        """Put the boxes after the other fields."""
        for fields in list(self.document.findall(nodes.field_list)):
            if "facts" not in fields["classes"]:
                continue
            boxes = [
                field for field in fields if set(BOXES.values()) & set(field["classes"])
            ]
            for field in boxes:
                fields.remove(field)
            name_and_body = [(field, *field.children) for field in boxes]
            made = [
                nodes.admonition(
                    "",
                    nodes.title("", "", *name.children),
                    *body.children,
                    classes=field["classes"],
                )
                for field, name, body in name_and_body
            ]
            fields.replace_self([fields, *made] if len(fields) else made)


# Output


class Details(nodes.General, nodes.Element):
    """What a reader may fold."""


class Summary(nodes.General, nodes.TextElement):
    """The line that stays when it is folded."""


def open_details(writer, node: Details) -> None:
    """Write the tag."""
    attributes = {"open": "open"} if node["open"] else {}
    writer.body.append(writer.starttag(node, "details", **attributes))


def close_details(writer, _node: Details) -> None:
    """Write the tag."""
    writer.body.append("</details>\n")


def open_summary(writer, node: Summary) -> None:
    """Write the tag."""
    writer.body.append(writer.starttag(node, "summary", ""))


def close_summary(writer, _node: Summary) -> None:
    """Write the tag."""
    writer.body.append("</summary>\n")


class SetProofsApart(SphinxPostTransform):
    """Show what a cell prints first, and the proofs that held under it."""

    default_priority = 50
    formats = ("html",)

    def run(self, **_kwargs) -> None:
        """Divide each block of output."""
        for block in list(self.document.findall(nodes.literal_block)):
            if OUTPUT not in block["classes"]:
                continue
            lines = block.astext().splitlines()
            proofs = [line[1:].strip() for line in lines if line.startswith("✓")]
            others = [line for line in lines if not line.startswith("✓")]
            parts = []
            if any(line.strip() for line in others):
                text = "\n".join(others).strip("\n")
                other = nodes.literal_block(text, text, **block.attributes)
                parts.append(other)
            if proofs:
                parts.append(proof_list(proofs))
            if parts:  # replace_self would hand on the classes
                block.parent.replace(block, parts)


def proof_list(proofs: list[str]) -> Details:
    """Return the claims as a list that folds, folded where it is long."""
    if len(proofs) == 1:
        said = _("1 claim proven")
    else:
        said = _("{} claims proven").format(len(proofs))
    claims = [nodes.list_item("", nodes.paragraph(claim, claim)) for claim in proofs]
    return Details(
        "",
        Summary("", "", nodes.inline("", "✓ "), nodes.Text(said)),
        nodes.bullet_list("", *claims),
        classes=["proofs"],
        open=len(proofs) <= MANY,
    )


class SayWhereFileIs(SphinxPostTransform):
    """Have copied code know its ``__file__``, which it lacks in a console."""

    default_priority = 50
    formats = ("html",)

    def run(self, **_kwargs) -> None:
        """Leave what ``book.js`` puts before code that asks for it."""
        script = self.env.book_scripts.get(self.env.docname)
        if script:
            line = f'__file__ = "{script}"  # in a console, in a clone of the tutorial'
            text = f"<template id='file'>{line}\n</template>"
            self.document.append(nodes.raw("", text, format="html"))


# Pages beside the lessons


def write_pages(app: Sphinx) -> None:
    """Write the pages, of the lessons that this build shows."""
    source = Path(app.srcdir)
    gallery = Places.of(app).gallery
    scripts = [s for s in scripts_of() if (gallery / f"{docname(s)}.py").is_file()]
    pages = {
        "snippets": snippets(scripts),
        "pictures": pictures(scripts, source),
        "cheatsheet": cheatsheet(scripts, source),
        "index": opening(scripts, source),
    }
    app.env.book_scripts = {
        docname(script): script.relative_to(CODE.parent).as_posix()
        for script in scripts
    }
    for name, lines in pages.items():
        path, text = source / f"{name}.rst", "\n".join(lines) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)


def opening(scripts: list[Path], source: Path) -> Iterator[str]:
    """Yield the first page: what the book is, and a picture of each chapter."""
    chapters = {docname(script).partition("/")[0] for script in scripts}
    for line in (HERE / "index.rst").read_text(encoding="utf-8").splitlines():
        chapter = re.search(r"<(\w+)/index>", line)  # that may not be in this build
        if not chapter or chapter[1] in chapters:
            yield line
        if line == ".. The pictures.":
            some = [script for script in scripts if docname(script) in OPENING]
            yield from [".. container:: pictures", ""] if some else []
            for script in some:
                file, alt = shown(script, source)[OPENING[docname(script)]]
                yield from figure(script, file, alt, named=False)


def snippets(scripts: list[Path]) -> Iterator[str]:
    """Yield the page of all functions and classes that lessons define."""
    yield from (".. rst-class:: all-snippets", "")
    yield from title("Snippets · 代码片段", "#")
    yield (
        "Every function and class that a lesson defines, with the imports that it "
        "needs and whatever else of the lesson it uses. Copy it, and it works: the "
        "tests take each one out and call it alone."
    )
    last = None
    for script in scripts:
        if not number_of(script):
            continue  # a script that stands on utils is no quarry
        lesson = Lesson.read(script)
        for definition in lesson.definitions:
            if heading(script) != last:
                last = heading(script)
                yield from title(last, "=")
            yield from title(f"``{definition.name}``", "-")
            yield from (link(script), "")
            yield from code(source_alone(lesson, definition))


def pictures(scripts: list[Path], source: Path) -> Iterator[str]:
    """Yield the page of all pictures."""
    yield from title("Pictures · 图片", "#")
    yield "All that the lessons draw. A picture leads to its lesson."
    last = None
    for script in scripts:
        for file, alt in shown(script, source):
            if heading(script) != last:
                last = heading(script)
                yield from title(last, "=")
                yield from (".. container:: pictures", "")
            yield from figure(script, file, alt)


def figure(script: Path, file: str, alt: str, named: bool = True) -> Iterator[str]:
    """Yield a picture that leads to its lesson.

    :param named: write its own title below it, above the lesson's
    """
    yield f"   .. figure:: {file}"
    yield f"      :alt: {alt}"
    yield f"      :target: {docname(script)}.html"
    yield "      :loading: lazy"
    yield ""
    if named:
        yield f"      {literal_text(alt)}"
        yield ""
    yield f"      {link(script)}"
    yield ""


def shown(script: Path, source: Path) -> list[tuple[str, str]]:
    """Return the pictures of a lesson's page: file, from the root of all, and title."""
    page = (source / f"{docname(script)}.rst").read_text(encoding="utf-8")
    found = re.findall(
        r"^ *\.\. (?:image-sg|image|figure):: (/\S+)\n((?: +:[\w-]+:.*\n)*)", page, re.M
    )
    pairs = []
    for file, options in found:
        alt = re.search(r":alt: *(.+)", options)
        pairs.append((file, alt[1].strip() if alt else plain_title(script)))
    return pairs


def cheatsheet(scripts: list[Path], source: Path) -> Iterator[str]:
    """Yield chapter 5 as one page: its prose, its calls, its pictures, its table."""
    yield from (".. rst-class:: cheatsheet", "")
    yield from title("To print · 速查表", "#")
    chapter = [script for script in scripts if script.parts[-2] == "5_cheatsheet"]
    if not chapter:
        yield "This part of the book has nothing of chapter 5."
        return
    yield (
        "Chapter 5 on one page, for paper: print it from the browser. What a call "
        "prints stands behind the arrow."
    )
    # The table last: it is longer than all the rest.
    for script in sorted(chapter, key=lambda s: s.stem == TABLE):
        yield from sheet(script, source)
        if script.stem == TABLE:
            yield from table()


def sheet(script: Path, source: Path) -> Iterator[str]:
    """Yield a lesson without what is there for its run: imports, drawing, results."""
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    blocks = split_code_and_text_blocks(str(script))[1]
    cells: list[list[str]] = []  # text, code
    for kind, content, *_line in blocks:
        if kind == "text":
            cells.append([content, ""])
        else:
            cells[-1][1] += content.strip("\n")
    (header, _imports), *cells = cells
    yield from ("", header, "", f"{link(script)}", "")
    if script.stem == TABLE:
        cells = []
    for text, program in cells:
        if not text.startswith("The picture"):
            yield from ("", text, "")
            yield from code(program)
    for file, alt in shown(script, source):
        yield from ("", f".. image:: {file}", f"   :alt: {alt}", "")


def table() -> Iterator[str]:
    """Yield the rows of lesson 5.0, under the chapters of the notes."""
    from utils.migration import KINDS

    sys.path.insert(0, str(CODE / "5_cheatsheet"))
    rows = importlib.import_module("rows").ROWS
    for kind in (*KINDS, "unknown"):
        yield from (f".. role:: {kind}", f"   :class: outcome {kind}", "")
    for chapter, name in enumerate(("the preface", *"1234", "the cheat sheet")):
        number = f"chapter {name}" if name.isdecimal() else name
        yield from title(f"Then and now: {number}", "-")
        yield from (".. list-table::", "   :header-rows: 1", "   :class: then-and-now")
        yield from ("   :widths: 30 28 14 28", "")
        yield from ("   * - what changed", "     - the notes write")
        yield from ("     - today", "     - write instead")
        for row in rows:
            if row.chapter == chapter:
                yield from table_row(row)


def table_row(row) -> Iterator[str]:
    """Yield one row of the table."""
    outcome = row.expected()
    happens = literal_text(outcome.label) if outcome else "not promised"
    kind = outcome.kind if outcome else "unknown"
    where = "" if row.chapter in (0, 5) else f"**{row.where}** "
    given = [f"# before both\n{row.given}\n"] if row.given else []
    yield f"   * - {where}{markdown(row.about)}"
    yield from indented(code("\n".join([*given, row.old])), "     - ")
    yield f"     - :{kind}:`{happens}`"
    if row.new:
        yield from indented(code(row.new), "     - ")
    else:
        yield "     -"


# reStructuredText


def title(text: str, line: str) -> tuple[str, ...]:
    """Return a heading; a Chinese character is two columns wide."""
    return ("", text, line * (len(text) + sum(ord(c) > 0x2E7F for c in text)), "")


def code(text: str) -> Iterator[str]:
    """Yield a block of Python; what the notes misspell is shown as far as it is."""
    yield from (".. code-block:: python", "   :force:", "")
    yield from indented(text.splitlines(), "   ")
    yield ""


def indented(lines: Iterable[str], first: str) -> Iterator[str]:
    """Yield lines, the first behind what is given, the others as far to the right."""
    before = first
    for line in lines:
        yield f"{before}{line}" if line else ""
        before = " " * len(first)


def plain_title(script: Path) -> str:
    """Return ``3.1.6 KLDivLoss · KL散度``."""
    return title_and_summary(script)[0].replace("\\_", "_")


def link(script: Path) -> str:
    """Return a link to a lesson's page."""
    said = plain_title(script).replace("`", "").replace("<", r"\<")
    return f":doc:`{said} </{docname(script)}>`"


def literal_text(text: str) -> str:
    """Return text that reStructuredText leaves as it is."""
    return re.sub(r"([\\`*_|<>:])", r"\\\1", text)


def markdown(text: str) -> str:
    """Return text in which single backticks mean code."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    parts[::2] = map(literal_text, parts[::2])
    parts[1::2] = (rf"\ ``{part}``\ " for part in parts[1::2])
    return "".join(parts)
