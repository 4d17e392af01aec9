"""TensorBoard, in a real browser, shows what chapter 4 has logged.

One server reads all that the lessons of 4.1 leave; headless Chromium opens its panels.
These tests skip where there is no browser; in CI, which installs one, they fail.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from utils import CODE, read_events
from utils.contents import find_scripts
from viewer import NoBrowserError, chromium, look, tensorboard

LESSONS = [script for script in find_scripts() if "4_1_tensorboardX" in script.parts]
CURVE = "svg path, canvas"
PLACES = [  # lesson, panel, tag, what it is drawn with
    ("4_1_1_logger", "scalars", "loss", CURVE),
    ("4_1_2_01_add_scalar", "scalars", "train/loss", CURVE),
    ("4_1_2_01_add_scalar", "scalars", "train/slope", CURVE),
    ("4_1_2_02_add_scalars", "scalars", "loss", CURVE),
    ("4_1_2_03_add_histogram", "histograms", "sure", CURVE),
    ("4_1_2_03_add_histogram", "distributions", "sure", CURVE),
    ("4_1_2_04_add_image", "images", "painting", "img"),
    ("4_1_2_08_add_video", "images", "spiral", "img"),
    ("4_1_2_09_add_figure", "images", "border", "img"),
    ("4_1_2_10_add_image_with_boxes", "images", "labelled", "img"),
    ("4_1_2_07_add_text", "text", "digits/found/text_summary", "table"),
    ("4_1_2_11_add_pr_curve", "pr_curves", None, CURVE),
    ("4_1_2_12_add_pr_curve_raw", "pr_curves", "8", CURVE),
]


@pytest.fixture(scope="module")
def logs(lesson_runs, result_root, tmp_path_factory) -> Path:
    """A folder with the main log of each lesson.

    Of more than forty runs TensorBoard shows none before one selects some.
    """
    folder = tmp_path_factory.mktemp("logs")
    for script in LESSONS:
        assert lesson_runs[script].status == 0, lesson_runs[script].stderr
        log = result_root / script.relative_to(CODE).with_suffix("") / "log"
        if log.is_dir():
            shutil.copytree(log, folder / script.stem)
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
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.mark.parametrize(("lesson", "panel", "tag", "kind"), PLACES)
def test_a_panel_shows_the_lesson(server, browser, logs, lesson, panel, tag, kind):
    events = read_events(logs / lesson)
    tags = events.Tags()
    if tag is None:
        tag = tags["tensors"][0]
    query = f"#{panel}&tagFilter=%5E{tag.replace('/', '%2F')}$"
    if panel == "pr_curves":
        query = f"#{panel}"

    def found(texts, sizes):
        return tag in texts and bool(sizes)

    texts, sizes = look(browser, server + query, kind, found)
    assert found(texts, sizes), texts
    assert lesson in texts
    if panel == "images":
        logged = {(image.width, image.height) for image in events.Images(tag)}
        assert logged & set(map(tuple, sizes)), sizes


def test_what_was_not_logged_is_not_shown(server, browser):
    query = "#images&tagFilter=%5Eno_such_tag$"
    texts, _ = look(browser, server + query, "img", lambda t, _: "painting" in t)
    assert "^no_such_tag$" in texts and "no_such_tag" not in texts
    assert texts.count("painting") == 1  # the group's name, no card


def test_the_graph(server, browser, logs):
    lesson = "4_1_2_05_add_graph"
    graph = read_events(logs / lesson).Graph()
    names = {node.name.split("/")[-1] for node in graph.node}
    assert names
    query = f"#graphs&run={lesson}"
    top = {part for node in graph.node for part in node.name.split("/")}

    def found(texts, sizes):
        return len(top & set(texts)) >= 3 and len(sizes) > 10

    texts, sizes = look(browser, server + query, "svg path, svg rect", found)
    assert found(texts, sizes), (sorted(top), texts)


def test_the_projector(server, browser, logs):
    lesson = "4_1_2_06_add_embedding"
    config = (logs / lesson / "projector_config.pbtxt").read_text()
    names = re.findall(r'tensor_name: "([^"]+)"', config)
    assert names

    def found(texts, sizes):
        said = " ".join(texts)
        return "Points:" in said and any(name in said for name in names) and sizes

    texts, sizes = look(browser, server + "#projector", "canvas", found)
    assert found(texts, sizes), texts
