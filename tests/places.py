"""Where tests run things: far from the user's files, and with nothing to hide in."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ROOT / "Code"
TESTS = ROOT / "tests"
_HIDDEN = {"__pycache__", ".git", ".venv", ".pytest_cache", ".hypothesis"}
_CACHES = _HIDDEN | {".ruff_cache", ".DS_Store"}
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
DEVICES |= {f"{kind}{i}" for kind in ("com", "lpt") for i in "0123456789¹²³"}
LONGEST = 150  # characters below the checkout: Windows takes 260 in all


@dataclass(frozen=True)
class Away:
    """Fresh folders, to be empty again when all has run."""

    cwd: Path
    home: Path
    temp: Path

    def left(self) -> list[str]:
        """Return what lies there."""
        folders = {"the working directory": self.cwd, "HOME": self.home}
        folders["the folder for temporary files"] = self.temp
        return [
            f"{path.relative_to(folder)} in {name}"
            for name, folder in folders.items()
            for path in sorted(folder.rglob("*"))
        ]


@contextlib.contextmanager
def away(folder: Path) -> Iterator[Away]:
    """Go to a fresh working directory; HOME and temporary files get fresh folders too.

    What is started meanwhile inherits all three.
    """
    fresh = Away(folder / "cwd", folder / "home", folder / "temp")
    for path in (fresh.cwd, fresh.home, fresh.temp):
        path.mkdir(parents=True)
    keep_caches()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, str(fresh.home))
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(fresh.temp))
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            patch.delenv(name)
        # torch makes this folder, a cache, with the first optimizer.
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder / "torch"))
        patch.chdir(fresh.cwd)
        yield fresh


def keep_caches() -> None:
    """Let matplotlib keep its list of fonts, and write it now if there is none."""
    if not os.environ.get("MPLCONFIGDIR"):
        import matplotlib

        os.environ["MPLCONFIGDIR"] = matplotlib.get_cachedir()
    import matplotlib.font_manager


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of all files in a folder, caches apart, by relative path."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _CACHES]
        for name in files:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                key = path.relative_to(folder).as_posix()
                if name not in _CACHES:
                    found[key] = status.st_size, status.st_mtime_ns
    return found


def changes(before: dict, after: dict) -> list[str]:
    """Name what is new, changed or gone between two listings."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def unfit(name: str) -> bool:
    """Say whether Windows has trouble with a file or folder of this name."""
    return (
        name.split(".")[0].strip().lower() in DEVICES
        or name[-1] in ". "
        or re.search(r'[<>:"\\|?*\x00-\x1f]', name) is not None
    )


def missing(why: str) -> None:
    """Skip the test for want of something; fail it in CI, where nothing is wanting."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
