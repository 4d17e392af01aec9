"""Where everything of the book stands; which scripts it has, and what their pages are.

Needs nothing but the standard library and ``utils``.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))  # Code/

from utils import CODE, RESULT_ROOT
from utils.contents import find_scripts

HEADERS = HERE / "chapters"  # what stands at the head of each chapter
HEADER = "GALLERY_HEADER.rst"  # as sphinx-gallery wants it to be called
AFTER_SECTIONS = {  # chapters whose own scripts come after their first section
    "4_viewer": "4_2_network",
}
AFTER = {  # scripts without a number, and the ones they follow
    "1_data_prepare/loader_speed.py": "1_data_prepare/1_4_disk_to_model.py",
    "main_training/predict.py": "main_training/main.py",
}


@dataclass(frozen=True)
class Places:
    """The folders of one build.

    :ivar html: the web site, and nothing else
    """

    html: Path

    @classmethod
    def of(cls, app) -> "Places":
        """Return the folders of the build that a Sphinx application does."""
        work = Path(app.srcdir).parent
        return cls(work.with_name(work.name.removesuffix(".work")))

    @property
    def work(self) -> Path:
        """What is kept between builds."""
        return self.html.with_name(f"{self.html.name}.work")

    @property
    def gallery(self) -> Path:
        """The scripts, arranged as sphinx-gallery wants them."""
        return self.work / "gallery"

    @property
    def source(self) -> Path:
        """The pages in reStructuredText, pictures and notebooks."""
        return self.work / "source"

    @property
    def static(self) -> Path:
        """What comes from elsewhere and goes into the site as it is."""
        return self.work / "static"

    @property
    def conf(self) -> Path:
        """The settings of sphinx-gallery, for the processes that run lessons."""
        return self.work / "gallery.pickle"

    @property
    def gettext(self) -> Path:
        """All prose, one file a page, for translators."""
        return self.html.with_name(f"{self.html.name}.gettext")


DEFAULT = Places(RESULT_ROOT / "book")


def scripts_of(selection: Iterable[str] = ()) -> list[Path]:
    """Return the scripts that have a page, in the text's order.

    :param selection: as for ``run.py``; whatever has no number comes with what it
        follows
    :raises BadInput: nothing bears such a name or number
    """
    scripts = find_scripts(selection)
    for name, leader in AFTER.items():
        if CODE / leader in scripts and (CODE / name).is_file():
            scripts.insert(scripts.index(CODE / leader) + 1, CODE / name)
    return scripts


def docname(script: Path) -> str:
    """Return the name of a script's page: where it stands in ``Code/``, or nearly so.

    >>> docname(CODE / "2_model/2_1_model/2_1_3_Sequential.py")
    '2_model/2_1_model/2_1_3_Sequential'
    >>> docname(CODE / "4_viewer/4_6_grad_cam.py")
    '4_viewer/4_2_network/4_6_grad_cam'
    """
    path = script.relative_to(CODE).with_suffix("")
    if path.parent.name in AFTER_SECTIONS:
        path = path.parent / AFTER_SECTIONS[path.parent.name] / path.name
    return path.as_posix()


def reading_order(file: str) -> tuple[str, bool, str]:
    """Be sphinx-gallery's key for sorting the files of a folder."""
    for name, leader in AFTER.items():
        if Path(name).name == file:
            return Path(leader).name, True, file
    return file, False, file
