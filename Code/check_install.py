"""Does this machine have all that the scripts need?

Each library is tried for what the scripts want of it. A line for each; ✗ says what to
do. The exit status is 0 if all is well, otherwise 1.
"""

import contextlib
import importlib.metadata
import io
import platform
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 (nothing below would even load)
    print("Python 3.10 or newer is needed, this is", sys.version.split()[0])
    sys.exit(1)

from utils.paths import CODE, DATA_ROOT, RESULT_ROOT, make_dir

REQUIREMENTS = CODE.parent / "requirements.txt"
NOT_NEEDED = ("tests", "book")  # headings there
ENOUGH_SPACE = 0.2  # GB


def need(condition: bool, otherwise: str) -> None:
    """Raise RuntimeError if the condition does not hold."""
    if not condition:
        raise RuntimeError(otherwise)


# Each of these uses a library, and says what it did. Another exception than
# ModuleNotFoundError means that the library is there, but broken.


def try_torch(folder: Path) -> str:
    """Let a straight line learn from 64 points."""
    import torch

    x = torch.linspace(-1, 1, 64)[:, None]
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(2):
        loss = (model(x) - (3 * x + 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    need(losses[1] < losses[0], f"the loss does not fall: {losses}")
    return "a training step lowers the loss"


def try_torchvision(folder: Path) -> str:
    """Cut a picture, and call what was compiled for one torch."""
    import torch
    from torchvision import ops
    from torchvision.transforms import v2

    image = torch.arange(3 * 8 * 8, dtype=torch.uint8).reshape(3, 8, 8)
    crop = v2.CenterCrop(4)(image)
    need(torch.equal(crop, image[:, 2:6, 2:6]), "a crop is wrong")
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 5], [6, 6, 8, 8]])
    kept = ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    need(kept.tolist() == [0, 2], f"nms keeps {kept.tolist()}")
    return "transforms an image, and fits this torch"


def try_pillow(folder: Path) -> str:
    """Write pictures and read them back."""
    from PIL import Image

    image = Image.frombytes("RGB", (16, 16), bytes(range(256)) * 3)
    image.save(folder / "image.png")
    with Image.open(folder / "image.png") as read_back:
        need(read_back.tobytes() == image.tobytes(), "a PNG comes back changed")
    image.save(folder / "image.jpg")
    with Image.open(folder / "image.jpg") as read_back:
        need(read_back.convert("RGB").size == image.size, "a JPEG can't be read")
    return "writes and reads PNG, without loss, and JPEG"


def try_numpy(folder: Path) -> str:
    """Change an array through torch."""
    import numpy as np

    array = np.zeros(3)
    try:
        import torch
    except Exception:  # said in torch's own line
        return "makes arrays"
    torch.from_numpy(array)[1] = 7
    need(array.tolist() == [0, 7, 0], "torch does not see numpy's memory")
    return "shares memory with torch"


def try_matplotlib(folder: Path) -> str:
    """Draw a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    FigureCanvasAgg(figure)
    figure.add_subplot(title="title").plot([1, 2, 4])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    need(file.getvalue().startswith(b"\x89PNG"), "a figure is no PNG")
    return "draws a figure"


def try_scikit_learn(folder: Path) -> str:
    """Load the data set that the scripts use by default."""
    from sklearn.datasets import load_digits

    shape = load_digits().data.shape
    need(shape == (1797, 64), f"its digits have the shape {shape}")
    return "brings 1,797 handwritten digits along"


def try_tqdm(folder: Path) -> str:
    """Show a bar to nobody."""
    from tqdm import tqdm

    bar = io.StringIO()
    need(sum(tqdm(range(5), file=bar)) == 10, "a bar changes what it shows")
    need("5/5" in bar.getvalue(), "a bar does not show where it is")
    return "shows a bar"


def try_filelock(folder: Path) -> str:
    """Take a lock twice."""
    from filelock import FileLock, Timeout

    with FileLock(folder / "lock"):
        try:
            with FileLock(folder / "lock", timeout=0):
                raise RuntimeError("two hold the same lock")
        except Timeout:
            return "lets one in and keeps others out"


def try_tensorboardx(folder: Path) -> str:
    """Log a number."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder / "log")) as writer:
        writer.add_scalar("loss", 0.5, 3)
    need(any((folder / "log").iterdir()), "it wrote no file")
    return "writes an event"


def try_tensorboard(folder: Path) -> str:
    """Read the number that tensorboardX has logged."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    if not (folder / "log").is_dir():  # said in tensorboardX's own line
        return "got nothing to read"
    (event,) = EventAccumulator(str(folder / "log")).Reload().Scalars("loss")
    need((event.value, event.step) == (0.5, 3), f"reads {event}")
    return "reads it back"


def try_device(folder: Path) -> str:
    """Multiply matrices on the accelerator, if there is one."""
    import torch

    threads = f"CPU, {torch.get_num_threads()} threads"
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = torch.accelerator.is_available()
    if not found:
        why = f" (torch says: {brief(heard[0].message)})" if heard else ""
        return f"{threads}: enough for all scripts{why}"
    device = torch.accelerator.current_accelerator()
    matrix = torch.rand(64, 64)
    product = (matrix.to(device) @ matrix.to(device)).cpu()
    need(torch.allclose(product, matrix @ matrix, rtol=0.01), f"{device} miscalculates")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "works"
    return f"{device.type.upper()}, {name}; {threads}"


def try_folder(root: Path) -> str:
    """Write into ``root``; return how much space is left."""
    with tempfile.TemporaryFile(dir=make_dir(root)) as file:
        file.write(b"x" * 100_000)
        file.flush()
    free = shutil.disk_usage(root).free / 1e9
    need(free >= ENOUGH_SPACE, f"{root}: only {free:.2f} GB are free")
    return f"{root} can be written, {free:.1f} GB are free"


TRIES = {
    "torch": try_torch,
    "torchvision": try_torchvision,
    "pillow": try_pillow,
    "numpy": try_numpy,
    "matplotlib": try_matplotlib,
    "scikit-learn": try_scikit_learn,
    "tqdm": try_tqdm,
    "filelock": try_filelock,
    "tensorboardx": try_tensorboardx,
    "tensorboard": try_tensorboard,
}


def requirements(text: str) -> dict[str, str]:
    """Return {package: its lowest version, or ""} of requirements, as the file says.

    Those under the headings of the tests and of the book are left out: the scripts do
    without.
    """
    found, needed = {}, True
    for line in text.splitlines():
        if heading := re.fullmatch(r"#\s*The\s+(\w+)\b.*", line, re.IGNORECASE):
            needed = heading[1].lower() not in NOT_NEEDED
        package = re.match(
            r"([A-Za-z][\w.-]*)[^#;]*?(?:>=\s*([\d.]+))?\s*(?:[#;,]|$)", line
        )
        if package and needed:
            found[package[1]] = package[2] or ""
    return found


def older(version: str, bound: str) -> bool:
    """Is ``version`` older than ``bound``? What follows the numbers does not count."""

    def numbers(text: str) -> list[int]:
        found = [int(n) for n in re.match(r"[\d.]*", text)[0].split(".") if n]
        return found + [0] * (4 - len(found))

    return numbers(version) < numbers(bound)


def installed(package: str) -> str:
    """Return the version of a package; "" if there is no note of it."""
    try:
        return importlib.metadata.version(package) or ""
    except Exception:  # not installed, or what is noted there is damaged
        return ""


def brief(error: object) -> str:
    """Return what an error says in one line that is not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:199] + "…"


def trial(name: str, attempt, remedy: str) -> bool:
    """Try something, print how it went in a line; return whether it went well."""
    try:
        silent = io.StringIO()  # what libraries say while they are loaded
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            line = f"✓ {name}: {attempt()}"
    except (Exception, SystemExit) as error:
        what = brief(error)
        if not isinstance(error, RuntimeError):
            what = f"{type(error).__name__}: {what}"
        line = f"✗ {name}: {what.rstrip('.')}. {remedy}"
    print(line, flush=True)
    return line.startswith("✓")


def package_trial(package: str, bound: str, folder: Path) -> bool:
    """Try a package: is it there, is it new enough, does it work?"""
    version = installed(package)
    attempt = TRIES.get(package.lower())

    def whole() -> str:
        need(not (bound and version) or not older(version, bound), f"is below {bound}")
        try:
            return attempt(folder) if attempt else "is installed"
        except ModuleNotFoundError as error:
            if version:
                raise
            raise RuntimeError("is not installed") from error

    advice = install(package, bound, again=bool(version))
    return trial(f"{package} {version}".strip(), whole, advice)


def install(package: str, bound: str, again: bool) -> str:
    """Return the advice how to install a package, or to install it again."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    if package in ("torch", "torchvision"):  # each is made for one version of the other
        return (
            f"Run: {python} -m pip install --upgrade torch torchvision, or the command "
            "that https://pytorch.org/get-started/locally gives for this machine"
        )
    options = "--upgrade --force-reinstall " if again else ""
    wanted = f'"{package}>={bound}"' if bound else package
    return f"Run: {python} -m pip install {options}{wanted}"


def main() -> int:
    """Try everything; return the exit status."""
    results = {
        "Python": trial(
            f"Python {platform.python_version()}", lambda: "is new enough", ""
        )
    }
    listed = dict.fromkeys(TRIES, "")
    try:
        listed = requirements(REQUIREMENTS.read_text(encoding="utf-8"))
    except OSError as error:
        print(f"✗ {REQUIREMENTS}: {error.strerror}. Get it again with the scripts")
        results["requirements"] = False
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for package, bound in listed.items():
            results[package] = package_trial(package, bound, Path(folder))
        if results.get("torch"):
            advice = "Update its driver, or do without: main.py --device cpu"
            results["device"] = trial(
                "device", lambda: try_device(Path(folder)), advice
            )
    for name, root in (("DATA", DATA_ROOT), ("RESULT", RESULT_ROOT)):
        advice = f"Free some space there, or name a folder in TUTORIAL_{name}"
        results[name] = trial(root.name, lambda root=root: try_folder(root), advice)
    bad = list(results.values()).count(False)
    print(f"{bad} of {len(results)} failed: see ✗" if bad else "all is well")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
