"""TensorBoard and a browser without a window, for tests and a picture."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READ = """
// What is to be seen of the page, and of each element that the selector names: texts,
// and the sizes of what is drawn: images, as their files, curves, tables. It looks
// into shadow roots and frames. Icons, of some 24 pixels, are not counted.
const cards = [];
function read(node, texts, sizes) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.textContent.trim()) texts.push(node.textContent.trim());
    return;
  }
  if (['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE'].includes(node.nodeName)) return;
  if (node.nodeType === Node.ELEMENT_NODE) {
    const style = getComputedStyle(node);
    if (style.display === 'none' || style.visibility === 'hidden') return;
    const box = node.getBoundingClientRect();
    if (node.matches('img') && box.width)
      sizes.push([node.naturalWidth, node.naturalHeight]);
    if (node.matches('path, canvas, table') && box.width >= 40)
      sizes.push([box.width, box.height]);
    if (node.matches(arguments_[0])) {
      const card = [[], []];
      inside(node, ...card);
      cards.push(card);
    }
    inside(node, texts, sizes);
  } else inside(node, texts, sizes);
}
function inside(node, texts, sizes) {
  if (node.shadowRoot) read(node.shadowRoot, texts, sizes);
  if (node.nodeName === 'IFRAME' && node.contentDocument)
    read(node.contentDocument.body, texts, sizes);
  for (const child of node.childNodes) read(child, texts, sizes);
}
const arguments_ = arguments, texts = [], sizes = [];
read(document.body, texts, sizes);
return [texts, sizes, cards];
"""


class NoBrowserError(Exception):
    """There is no Chromium, no chromedriver or no selenium here."""


@contextmanager
def tensorboard(logs: Path, cwd: Path | None = None) -> Iterator[str]:
    """Run TensorBoard on a free port of this machine; yield its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
    command += ["--host", "127.0.0.1", "--port", "0", "--load_fast", "false"]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(
        target=lambda: [lines.put(line) for line in process.stderr], daemon=True
    )
    reader.start()
    try:
        said, deadline = "", time.monotonic() + 120
        while not (address := re.search(r"http://127\.0\.0\.1:\d+/", said)):
            assert process.poll() is None and time.monotonic() < deadline, said
            try:
                said += lines.get(timeout=0.2)
            except queue.Empty:
                continue
        yield address[0]
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def chromium(
    profile: Path, width: int = 1400, height: int = 1400, flags: Sequence[str] = ()
) -> Iterator:
    """Start a headless Chromium; yield the selenium driver.

    :param flags: more of what Chromium's command line takes
    :raises NoBrowserError: something is not installed or does not start
    """
    try:
        from selenium import webdriver
        from selenium.common import WebDriverException
    except ImportError as error:
        raise NoBrowserError("selenium is not installed") from error
    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    browser = next(filter(None, browsers), None)
    driver = shutil.which("chromedriver")
    if not (browser and driver):
        raise NoBrowserError("there is no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (
        "--headless=new",
        "--no-sandbox",  # root, as in containers, has none
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
        *flags,
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    except WebDriverException as error:
        raise NoBrowserError(f"the browser does not start: {error.msg}") from error
    try:
        started.set_page_load_timeout(60)
        yield started
    finally:
        started.quit()


def look(
    browser,
    address: str,
    card: str,
    found: Callable[[list[str], list, list], bool],
    seconds: float = 20,
) -> tuple[list[str], list, list]:
    """Open a page and wait, not for ever, until what is looked for is there.

    :param card: a CSS selector
    :param found: called with what is returned
    :return: the texts to be seen, the sizes, [width, height], of what is drawn, and
        (texts, sizes) of each element that the selector names
    """
    browser.get("about:blank")  # a change after the # alone loads nothing
    browser.get(address)
    deadline = time.monotonic() + seconds
    while True:
        seen = browser.execute_script(READ, card)
        if found(*seen) or time.monotonic() > deadline:
            return seen
        time.sleep(0.2)
