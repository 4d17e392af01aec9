"""Look at the pages of a web site on the disk, in a browser without a network.

:func:`problems` says what is wrong with a page: what the console says, pictures that
are not there, formulas that are not drawn, what is cut off or wider than the screen,
text that is hard to read.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from viewer import chromium

NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"
WIDTHS, THEMES = (400, 1400), ("light", "dark")
READY = """
// Have everything drawn, also what is further down, and say when.
const done = arguments[arguments.length - 1];
const pictures = [...document.images];
for (const picture of pictures) picture.loading = "eager";
const wait = [window.MathJax?.startup?.promise, document.fonts.ready];
wait.push(...pictures.map((picture) => picture.decode().catch(() => null)));
Promise.all(wait).then(() => requestAnimationFrame(() => done()));
"""
SEE = """
const found = [];
const name = (node) => {
  const label = node.localName + (node.id ? "#" + node.id : "");
  const text = (node.textContent || node.alt || "").trim().replace(/\\s+/g, " ");
  return `${label}.${[...node.classList].join(".")} "${text.slice(0, 60)}"`;
};
const shown = (node) => node.checkVisibility({visibilityProperty: true});

for (const picture of document.images)
  if (!picture.naturalWidth) found.push(`no picture: ${picture.getAttribute("src")}`);

for (const formula of document.querySelectorAll(".math")) {
  const box = formula.querySelector("mjx-container svg")?.getBoundingClientRect();
  if (shown(formula) && !(box?.width && box?.height))
    found.push(`not drawn: ${name(formula)}`);
  if (formula.querySelector("[data-mml-node=merror]"))
    found.push(`an error in a formula: ${name(formula)}`);
}
for (const formula of document.querySelectorAll("[data-mjx-error]"))
  found.push(`an error in a formula: ${formula.getAttribute("data-mjx-error")}`);

// Nothing is wider than the screen, but in a box of its own that scrolls.
const wide = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > wide)
  found.push(`${document.documentElement.scrollWidth} pixels wide`);
const scrolls = (node) => {
  for (let up = node.parentElement; up; up = up.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return up;
};
const spilled = [];
for (const node of document.body.querySelectorAll("*")) {
  if (!shown(node) || node.closest("svg, mjx-assistive-mml, dialog")) continue;
  const box = node.getBoundingClientRect();
  if (!box.width || !box.height || box.right <= 0) continue;
  const up = scrolls(node);
  const end = up && up !== document.body ? Infinity : wide;
  if (box.right > end + 1) spilled.push(node);
  const style = getComputedStyle(node);
  const spills = node.scrollWidth > node.clientWidth + 2 && node.clientWidth > 2;
  const text = node.matches("p, li, td, th, dt, dd, figcaption, h1, h2, h3, summary");
  if (spills && text && style.overflowX === "visible" && style.display !== "inline")
    spilled.push(node);
  if (spills && style.overflowX === "hidden" && node.matches("article *, article"))
    spilled.push(node);
}
const inner = spilled.filter((n) => !spilled.some((m) => m !== n && n.contains(m)));
for (const node of inner) found.push(`too wide: ${name(node)}`);

// The contrast of text, as WCAG counts it: 4.5, and 3 for what is large.
const pixel = document.createElement("canvas").getContext("2d",
  {willReadFrequently: true});
const known = {};
const rgba = (color) => known[color] ||= (() => {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = color;
  pixel.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
})();
const over = (top, below) => {
  const a = top[3];
  return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a));
};
const behind = (node) => {
  if (!node) return [255, 255, 255];
  const color = rgba(getComputedStyle(node).backgroundColor);
  return color[3] === 1 ? color : over(color, behind(node.parentElement));
};
const light = (color) => {
  const [r, g, b] = color.map((c) => {
    c /= 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const pale = new Map();
for (const node of document.querySelectorAll("article *")) {
  const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || !shown(node) || node.closest("svg, mjx-container, .headerlink")) continue;
  const style = getComputedStyle(node), back = behind(node);
  if (node.closest(".copy-code")) continue;  // there while one points at its block
  const color = [...rgba(style.color)];
  for (let up = node; up; up = up.parentElement)
    color[3] *= getComputedStyle(up).opacity;
  const [a, b] = [light(over(color, back)), light(back)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 600);
  const kind = `${style.color} ${node.className}`;
  if (contrast < (large ? 3 : 4.5) && !pale.has(kind))
    pale.set(kind, `hard to read, contrast ${contrast.toFixed(1)}: ${name(node)}`);
}
return [...found, ...pale.values()];
"""


@contextmanager
def offline_browser(profile: Path) -> Iterator:
    """Start Chromium with the network cut; yield the selenium driver.

    :raises NoBrowserError: see :func:`viewer.chromium`
    """
    with chromium(profile, flags=[NO_NETWORK]) as browser:
        browser.set_script_timeout(60)
        yield browser


def be_wide(browser, width: int, height: int = 1000) -> None:
    """Give the page so many pixels; a window can't be made as narrow as a telephone."""
    size = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def show(browser, page: str, theme: str | None = None) -> None:
    """Open a page, from its address, and wait until all is drawn."""
    browser.get(page)
    if theme:
        browser.execute_script(
            "document.documentElement.dataset.theme = arguments[0];"
            "document.documentElement.dataset.mode = arguments[0];",
            theme,
        )
    browser.execute_async_script(READY)


def problems(browser, page: Path, widths=WIDTHS, themes=THEMES) -> list[str]:
    """Open a page in each width and theme; return what is wrong, each once."""
    browser.get_log("browser")
    found = {}
    for width in widths:
        be_wide(browser, width)
        for theme in themes:
            show(browser, page.as_uri(), theme)
            for problem in browser.execute_script(SEE):
                found.setdefault(problem, f"{width} pixels, {theme}")
    for entry in browser.get_log("browser"):
        if entry["level"] in ("WARNING", "SEVERE"):
            found.setdefault(f"the console: {entry['message']}", entry["level"])
    return [f"{problem} ({where})" for problem, where in found.items()]


def search(browser, site: Path, word: str, seconds: float = 20) -> list[str]:
    """Return the addresses that the site's search finds, relative to the site."""
    browser.get(f"{(site / 'search.html').as_uri()}?q={word}")
    deadline = time.monotonic() + seconds
    links = "return [...document.querySelectorAll('#search-results li a')]"
    while time.monotonic() < deadline:
        over = browser.execute_script(
            "return document.querySelector('.search-summary')?.textContent.trim()"
        )
        hrefs = browser.execute_script(f"{links}.map((a) => a.href)")
        if over:
            break
        time.sleep(0.2)
    return [href.removeprefix(site.as_uri() + "/") for href in hrefs]


def notebook_program(downloads: Path, page: str) -> str:
    """Return the code cells of a page's notebook, as a program.

    :param downloads: the folder of the site with all that can be downloaded
    """
    (notebook,) = downloads.rglob(f"{Path(page).name}.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = "\n\n".join(code).splitlines()
    return "\n".join(line for line in lines if not line.startswith("%")) + "\n"


def copies(browser, selector: str) -> list[str]:
    """Press each button and paste what it copied; return the texts."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.execute_script(
        "const area = document.createElement('textarea');"
        "area.id = 'paste'; area.style = 'position:fixed;bottom:0;left:0;z-index:9999';"
        "document.body.append(area);"
    )
    area = browser.find_element(By.ID, "paste")
    texts = []
    for button in browser.find_elements(By.CSS_SELECTOR, selector):
        browser.execute_script(
            "arguments[0].style.opacity = 1;"
            "arguments[0].scrollIntoView({block: 'center'}); arguments[1].value = '';",
            button,
            area,
        )
        button.click()
        said = button.text
        area.send_keys(Keys.CONTROL, "v")
        texts.append(area.get_property("value") or f"nothing, the button says {said}")
    return texts
