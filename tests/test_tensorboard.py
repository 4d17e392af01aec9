"""TensorBoard, in a real browser, shows what chapter 4 has logged.

One server reads all that the lessons of 4.1 leave; headless Chromium opens its panels.
These tests skip where there is no browser; in CI, which installs one, they fail.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from places import away, missing
from run import run_scripts
from utils import CODE, read_events
from utils.contents import find_scripts
from viewer import NoBrowserError, chromium, look, tensorboard

LESSONS = [script for script in find_scripts() if "4_1_tensorboardX" in script.parts]
CARDS = {  # panel: what stands around each thing that it shows
    "scalars": "tf-scalar-card",
    "images": "tf-image-loader",
    "histograms": "tf-histogram-loader",
    "distributions": "tf-distribution-loader",
    "text": "tf-text-loader",
    "pr_curves": "tf-pr-curve-card",
}
PLACES = [  # lesson, panel, tag
    ("4_1_1_logger", "scalars", "loss"),
    ("4_1_2_01_add_scalar", "scalars", "train/loss"),
    ("4_1_2_01_add_scalar", "scalars", "train/slope"),
    ("4_1_2_02_add_scalars", "scalars", "loss"),
    ("4_1_2_03_add_histogram", "histograms", "sure"),
    ("4_1_2_03_add_histogram", "distributions", "sure"),
    ("4_1_2_04_add_image", "images", "painting"),
    ("4_1_2_08_add_video", "images", "spiral"),
    ("4_1_2_09_add_figure", "images", "border"),
    ("4_1_2_10_add_image_with_boxes", "images", "labelled"),
    ("4_1_2_07_add_text", "text", "digits/found/text_summary"),
    ("4_1_2_11_add_pr_curve", "pr_curves", None),
    ("4_1_2_12_add_pr_curve_raw", "pr_curves", "8"),
]


@pytest.fixture(scope="module")
def logs(result_root, tmp_path_factory) -> Path:
    """A folder with the main log of each lesson.

    Of more than forty runs TensorBoard shows none before one selects some.
    """
    folder = tmp_path_factory.mktemp("logs")
    with away(tmp_path_factory.mktemp("lessons") / "away"):
        done = run_scripts(LESSONS)
    for script in LESSONS:
        log = result_root / script.relative_to(CODE).with_suffix("") / "log"
        if log.is_dir():
            shutil.copytree(log, folder / script.stem)
    assert [finished.stderr for finished in done if finished.status] == []
    return folder


@pytest.fixture(scope="module")
def server(logs):
    """The address of a TensorBoard that has read them."""
    with tensorboard(logs) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    try:
        with chromium(tmp_path_factory.mktemp("chromium")) as started:
            yield started
    except NoBrowserError as error:
        missing(str(error))


def page(panel: str, tag: str) -> str:
    """Return what follows the server's address: a panel, filtered for one tag."""
    return f"#{panel}&tagFilter=%5E{quote(tag, safe='')}%24"


@pytest.mark.parametrize(("lesson", "panel", "tag"), PLACES)
def test_a_panel_shows_the_lesson(server, browser, logs, lesson, panel, tag):
    events = read_events(logs / lesson)
    tag = tag or events.Tags()["tensors"][0]
    end = tag.rpartition("/")[2]  # pr_curves and text break a tag at its slashes

    def shown(texts):
        return tag in texts or end in " ".join(texts).replace("/", " ").split()

    def found(_texts, _sizes, cards):
        return any(shown(texts) and drawn for texts, drawn in cards)

    texts, _, cards = look(browser, server + page(panel, tag), CARDS[panel], found)
    assert found(None, None, cards), cards
    assert lesson in texts
    if panel == "images":
        logged = [[image.width, image.height] for image in events.Images(tag)]
        drawn = [size for texts, sizes in cards if lesson in texts for size in sizes]
        assert any(size in logged for size in drawn), drawn


@pytest.mark.parametrize("panel", ["scalars", "images", "histograms", "distributions"])
def test_what_was_not_logged_has_no_card(server, browser, panel):
    def opened(texts, _sizes, _cards):
        return "^no_such_tag$" in texts

    address = server + page(panel, "no_such_tag")
    texts, _, cards = look(browser, address, CARDS[panel], opened)
    assert opened(texts, None, None)
    assert not [texts for texts, _ in cards if "no_such_tag" in texts]


def test_the_graph(server, browser, logs):
    lesson = "4_1_2_05_add_graph"
    graph = read_events(logs / lesson).Graph()
    parts = {part for node in graph.node for part in node.name.split("/")}

    def found(texts, sizes, _cards):
        return len(parts & set(texts)) >= 3 and bool(sizes)

    seen = look(browser, f"{server}#graphs&run={lesson}", "tf-graph-scene", found)
    assert found(*seen), (sorted(parts), seen[0])


def test_the_projector(server, browser, logs):
    config = (logs / "4_1_2_06_add_embedding" / "projector_config.pbtxt").read_text()
    names = re.findall(r'tensor_name: "([^"]+)"', config)

    def found(texts, sizes, _cards):
        said = " ".join(texts)
        return "Points:" in said and any(name in said for name in names) and bool(sizes)

    seen = look(browser, f"{server}#projector", "canvas", found)
    assert found(*seen), seen[0]
