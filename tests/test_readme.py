"""The README says what is there: scripts, pictures, commands, links."""

import re
import shutil

import pytest

from places import ROOT
from utils.contents import find_scripts, refresh_readme

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt "
    "&& .venv/bin/python Code/run.py",
    ".venv/bin/python -m pytest tests",
]


def test_the_contents_are_those_of_the_scripts(tmp_path, monkeypatch):
    """``run.py --readme`` would change nothing."""
    monkeypatch.setattr("utils.contents._pictures", lambda: [])
    shutil.copytree(ROOT / "Code", tmp_path / "Code", ignore=ignore_caches)
    shutil.copy(ROOT / "README.md", tmp_path)
    refresh_readme(tmp_path / "README.md", tmp_path / "Code")
    again = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert again == TEXT, "run Code/run.py --readme"


def ignore_caches(_, names):
    return [name for name in names if name == "__pycache__"]


def test_every_script_has_its_line():
    for script in find_scripts():
        assert TEXT.count(f"({script.relative_to(ROOT).as_posix()})") == 1


def test_the_two_commands_stand_there():
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.S)
    assert [block.strip() for block in blocks[:2]] == COMMANDS


def test_the_tests_are_run_as_the_readme_says():
    ci = ROOT / ".ci" / "run"
    if not ci.is_file():
        pytest.skip("a copy without .ci")
    assert r"\.venv/bin/python -m pytest tests" in ci.read_text(encoding="utf-8")


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 30
    for link in links:
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_pictures_are_small_and_credited():
    pictures = re.findall(r"!\[[^]]+\]\((Result/readme/[^)]+)\)", TEXT)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 300_000
    assert "flickr.com/photos/vultilion/6056698931" in TEXT and "CC BY 2.0" in TEXT


def test_every_flag_that_it_names_exists():
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "Code").rglob("*.py")
    )
    from torch.distributed.run import get_args_parser

    torchrun = get_args_parser().format_help()
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - {"--logdir"}:
        ours = f'"{flag.replace("--no-", "--")}"' in code
        assert ours or re.search(rf"{flag}\b", torchrun), flag
