"""Which scripts there are, what they are called, and the README's account of them."""

import ast
import io
import re
from collections.abc import Iterable
from pathlib import Path

from utils.console import BadInput
from utils.paths import CODE, RESULT_ROOT, make_dir, write_whole

CHAPTERS = {
    1: "1 Data · 数据",
    2: "2 Models · 模型",
    3: "3 Loss functions and optimizers · 损失函数与优化器",
    4: "4 Looking inside · 监控模型-可视化",
    5: "5 Cheat sheet · 速查表",
}
MAIN = "The main training · 模型训练"
READ_ME_PICTURES = {  # name in Result/readme: where it is made, below Result
    "transforms.png": "1_data_prepare/1_6_transforms/1_6_00_overview/transforms.png",
    "curves.png": "main_training/digits/default/curves.png",
    "optimizers.png": ("3_optimizer/3_3_optimizers/3_3_00_overview/ten_optimizers.png"),
}
PICTURE_WIDTH = 900  # pixels
ALSO_LEAVES = {  # what a search for ``RESULT / "…"`` does not find
    "1_1_cifar10_to_png": ["Data/…/png/"],
    "1_2_split_dataset": ["Data/…/split/"],
    "1_3_1_generate_txt": ["Data/…/train.txt", "valid.txt", "test.txt"],
    "1_5_1_compute_mean": ["Data/…/mean_std.json"],
    "predict": ["predictions.png"],
    "speedrun": ["net_params.pt", "seconds.png", "report.json", "ablation.md"],
    "main": [
        *("net_params.pt", "log/", "curves.png", "confusion_*.png", "mistakes.png"),
        "report.json",
        "checkpoints/",
    ],
}
_LESSON = re.compile(r"(\d+(?:_\d+)+)_(\w+)\.py")
_BEGIN, _END = "<!-- contents -->", "<!-- /contents -->"


def number_of(script: Path) -> tuple[int, ...]:
    """Return (3, 1, 7) of ``3_1_07_BCELoss.py``; nothing of what is no lesson."""
    match = _LESSON.fullmatch(script.name)
    return tuple(map(int, match[1].split("_"))) if match else ()


def label(script: Path) -> str:
    """Return ``3.1.7 BCELoss`` of a lesson, ``main_training/main`` of the other."""
    if number := number_of(script):
        return f"{'.'.join(map(str, number))} {_LESSON.fullmatch(script.name)[2]}"
    return f"{script.parent.name}/{script.stem}"


def heading(script: Path) -> str:
    """Return the title of the script's chapter."""
    number = number_of(script)
    return CHAPTERS.get(number[0], f"Chapter {number[0]}") if number else MAIN


def find_scripts(selection: Iterable[str] = (), code: Path = CODE) -> list[Path]:
    """Return the lessons in chapter order, then ``main_training/main.py``.

    :param selection: only these: ``3``, ``3_1``, ``3.1.7`` for a chapter, section or
        lesson, ``main``, or the name of a script, API or folder, also as a path
    :raises BadInput: nothing bears such a name or number
    """
    lessons = [path for path in code.rglob("*.py") if number_of(path)]
    scripts = sorted(lessons, key=lambda path: (number_of(path), path.name))
    scripts += [path for path in [code / "main_training" / "main.py"] if path.is_file()]
    if not scripts:
        raise BadInput(f"{code}: has no scripts: is the tutorial complete?")
    wanted = [(given, _selected(given, scripts, code)) for given in selection]
    for given, found in wanted:
        if not found:
            raise BadInput(
                f"{given}: no such chapter, section or script: --list shows them all"
            )
    if not wanted:
        return scripts
    return [script for script in scripts if any(script in found for _, found in wanted)]


def _selected(given: str, scripts: list[Path], code: Path) -> list[Path]:
    if re.fullmatch(r"\d+([._]\d+)*[._]?", given):
        first = tuple(map(int, re.findall(r"\d+", given)))
        return [
            script for script in scripts if number_of(script)[: len(first)] == first
        ]
    name = Path(given).name.removesuffix(".py")
    return [
        script
        for script in scripts
        if name in script.relative_to(code).parts[:-1]
        or name in (script.stem, label(script).rpartition(" ")[2])
    ]


def contents(scripts: list[Path]) -> str:
    """Return a line for each script, number and title, under the chapters' titles."""
    lines, last = [], None
    for script in scripts:
        if heading(script) != last:
            last = heading(script)
            lines += ["", last]
        lines.append("  " + title_and_summary(script)[0].replace("\\_", "_"))
    return "\n".join(lines[1:])


def title_and_summary(script: Path) -> tuple[str, str]:
    """Return the first line of a script's docstring and the paragraph under it."""
    doc = (ast.get_docstring(_parsed(script)) or "").strip()
    title, *rest = doc.splitlines() or [label(script)]
    text = "\n".join(line for line in rest if not re.fullmatch(r"=+", line)).strip("\n")
    summary = " ".join(text.split("\n\n")[0].split())
    if summary.startswith((":", ".. ")):  # the fields have begun
        summary = ""
    return title, re.sub(r"\s*:$", ".", summary)


def _parsed(script: Path) -> ast.Module:
    try:
        return ast.parse(script.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def leaves(script: Path) -> list[str]:
    """Return the names of what a script writes: those after ``RESULT /`` in it."""
    nodes = [node for node in ast.walk(_parsed(script)) if isinstance(node, ast.BinOp)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset, -node.end_col_offset))
    found = ALSO_LEAVES.get(script.stem, []) + [_below_result(node) for node in nodes]
    found = [name for name in dict.fromkeys(found) if name]
    return [n for n in found if not any(m.startswith(f"{n}/") for m in found)]


def _below_result(node: ast.expr) -> str | None:
    """Return ``a/b.png`` of the expression ``RESULT / "a" / "b.png"``."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return None
    if isinstance(node.right, ast.JoinedStr):  # f"{name}.png"
        parts = [getattr(part, "value", None) for part in node.right.values]
        name = "".join(part if isinstance(part, str) else "…" for part in parts)
    elif isinstance(node.right, ast.Constant) and isinstance(node.right.value, str):
        name = node.right.value
    else:
        return None
    if isinstance(node.left, ast.Name) and node.left.id == "RESULT":
        return name
    folder = _below_result(node.left)
    return f"{folder}/{name}" if folder else None


def refresh_readme(readme: Path | None = None, code: Path = CODE) -> list[str]:
    """Renew the README's table of scripts, and its pictures in ``Result/readme/``.

    :return: lines that say what was done, and which pictures could not be made
    :raises BadInput: there is no README, or it lacks the marks of the table
    """
    readme = readme or code.parent / "README.md"
    if not readme.is_file():
        raise BadInput(f"{readme}: is missing: write it first")
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise BadInput(f"{readme}: has no place for the table: {_BEGIN} and {_END}")
    scripts = find_scripts(code=code)
    more = [code / "main_training" / name for name in ("predict.py", "speedrun.py")]
    scripts += [path for path in more if path.is_file()]
    table = "\n\n".join(_tables(scripts, readme.absolute().parent))
    write_whole(readme, f"{before}{begin}\n\n{table}\n\n{end}{after}")
    return [f"{readme}: {len(scripts)} scripts", *_pictures()]


def _tables(scripts: list[Path], home: Path) -> Iterable[str]:
    """Yield a table in Markdown for each chapter, with links relative to ``home``."""
    for title in dict.fromkeys(map(heading, scripts)):
        rows = [_row(s, home) for s in scripts if heading(s) == title]
        head = ["| | script | what it is about | leaves |", "|---|---|---|---|"]
        yield "\n".join([f"### {title}", "", *head, *rows])


def _row(script: Path, home: Path) -> str:
    title, summary = title_and_summary(script)
    number = ".".join(map(str, number_of(script)))
    name = title.removeprefix(number).strip() or label(script)
    link = script.relative_to(home).as_posix().replace(" ", "%20")
    files = ", ".join(f"`{name}`" for name in leaves(script))
    cells = [f"[{number or script.stem}]({link})", markdown(name), markdown(summary)]
    return f"| {' | '.join(cells)} | {files} |"


def markdown(text: str) -> str:
    """Turn a line of reStructuredText into Markdown that may stand in a table."""
    text = re.sub(
        r":math:`([^`]+)`", lambda m: f"${m[1]}$".replace("|", r"\vert "), text
    )
    text = re.sub(r":[a-z:]+:`~?([^`<]+?)(?:\s*<[^>]*>)?`", r"`\1`", text)
    text = re.sub(r"`([^`<]+?)\s*<([^>]+)>`__?", r"[\1](\2)", text)
    return text.replace("``", "`").replace("|", r"\|")


def _pictures() -> Iterable[str]:
    """Make the README's pictures; yield a line on each."""
    folder = make_dir(RESULT_ROOT / "readme")
    for name, below in READ_ME_PICTURES.items():
        source = RESULT_ROOT / below
        if source.is_file():
            small = _small_png(source)
            write_whole(folder / name, small)
            yield f"{folder / name}: {len(small) / 1000:.0f} kB"
        else:
            yield f"{folder / name}: left as it is, {source} has not been made yet"


def _small_png(source: Path) -> bytes:
    """Return the picture as PNG, as small as it gets without looking worse."""
    from PIL import Image

    with Image.open(source) as opened:
        picture = opened.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB")
    if picture.width > PICTURE_WIDTH:
        height = round(picture.height * PICTURE_WIDTH / picture.width)
        picture = picture.resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS)
    files = []
    for version in (picture, picture.quantize(256)):
        file = io.BytesIO()
        version.save(file, "PNG", optimize=True)
        files.append(file.getvalue())
    return min(files, key=len)
