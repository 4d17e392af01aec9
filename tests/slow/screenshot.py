"""Make the README's picture of TensorBoard, from what lesson 4.1.2.4 has logged.

Run the lesson first; needs Chromium, chromedriver and selenium.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "Code")]
from utils import RESULT_ROOT
from viewer import chromium, look, tensorboard


def main() -> None:
    """Write ``Result/readme/tensorboard.png``."""
    log = Path("Result/4_viewer/4_1_tensorboardX/4_1_2_04_add_image")
    with (
        tempfile.TemporaryDirectory() as profile,
        tensorboard(log, RESULT_ROOT.parent) as address,
        chromium(Path(profile), 1200, 760) as browser,
    ):
        look(browser, f"{address}#images", "img", lambda _, sizes, __: len(sizes) > 1)
        screen = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
    target = RESULT_ROOT / "readme" / "tensorboard.png"
    screen.convert("RGB").resize((900, 900 * screen.height // screen.width)).quantize(
        128
    ).save(target, optimize=True)
    print(target)


if __name__ == "__main__":
    main()
