"""What more than one script of the tutorial uses.

Every name in the table can be imported from ``utils``. A module is loaded when one of
its names is first asked for: a script that needs no torch does not wait for it.
"""

import functools
import importlib
import io
import sys
import warnings
from pathlib import Path

from utils import console

_HOME = {
    "archive": ["OFFICIAL_MD5", "fetch_archive", "read_batches", "write_digits"],
    "console": ["BadInput"],
    "events": ["read_events"],
    "batches": ["BatchLoader", "DiskLoader", "seed_of", "share_of"],
    "checkpoint": [
        "clear_checkpoints",
        "newest_checkpoint",
        "read_checkpoint",
        "write_checkpoint",
    ],
    "dataset": ["MyDataset", "load_all"],
    "images": [
        "SAMPLE_CREDIT",
        "sample_image",
        "show_classes",
        "show_grid",
        "show_row",
        "to_pixels",
    ],
    "index": ["fit", "load_image", "read_index"],
    "model": ["Net"],
    "pace": ["Pace", "half_precision", "keep_memory", "wait"],
    "paths": [
        "CODE",
        "DATA_ROOT",
        "RESULT_ROOT",
        "fresh_dir",
        "result_dir",
        "write_whole",
    ],
    "prepare": [
        "DataSet",
        "arguments",
        "class_folders",
        "find_dataset",
        "fingerprint",
        "make",
        "needs",
        "only_one",
        "weights_path",
    ],
    "processes": [
        "device_of_this",
        "do_first",
        "from_first",
        "gather_rows",
        "join_processes",
        "process_count",
        "share_buffers",
        "total",
        "train_together",
        "was_restarted",
    ],
    "proof": ["check", "check_less", "refused", "warned"],
    "racing": ["ablate", "draw_seconds", "race", "read_all"],
    "report": ["draw_confusion", "draw_curves", "draw_mistakes"],
    "schedule": ["learning_rates", "make_sgd"],
    "signal": ["activations_through", "signal_through"],
    "surface": [
        "animate_paths",
        "descend",
        "descend_by_hand",
        "draw_map",
        "draw_paths",
        "rosenbrock",
    ],
    "train": [
        "accuracy",
        "average_weights",
        "balanced_weights",
        "count_predictions",
        "evaluate",
        "export_network",
        "pick_device",
        "read_weights",
        "save_weights",
        "slowest_stage",
        "train_epoch",
        "train_step",
    ],
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    """Load the module that defines ``name``, and return what it names."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'utils' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"utils.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    settle()
    return value


def settle() -> None:
    """One thread, so that a seed gives the same numbers everywhere; no windows."""
    global _one_thread, _no_window
    if not _one_thread and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        _one_thread = True
    if (
        not _no_window
        and "matplotlib" in sys.modules
        and "ipykernel" not in sys.modules
    ):
        sys.modules["matplotlib"].use("agg")
        _let_pictures_show_chinese(sys.modules["matplotlib"])
        _save_pictures_whole()
        _no_window = True


def _let_pictures_show_chinese(matplotlib) -> None:
    """Fall back on a Chinese font where there is one; no warning where there is none.

    Titles of lessons are English, but classes have the names of a user's own folders.
    """
    from matplotlib import font_manager

    known = ("Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "Heiti SC", "SimHei")
    there = set(font_manager.get_font_names())
    fonts = ["DejaVu Sans", *(font for font in known if font in there)]
    matplotlib.rcParams["font.family"] = fonts
    warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)


def _save_pictures_whole() -> None:
    """Let ``savefig`` write the whole picture, or leave the old one.

    A lesson that is killed, or meets a full disk, leaves no half of a picture.
    """
    from matplotlib.figure import Figure

    from utils.paths import write_whole

    plain = Figure.savefig

    @functools.wraps(plain)
    def savefig(self: Figure, fname: object, **options: object) -> None:
        ending = Path(fname).suffix[1:] if isinstance(fname, str | Path) else ""
        if not ending:  # a file that is open, or a name for matplotlib to complete
            plain(self, fname, **options)
            return
        picture = io.BytesIO()
        plain(self, picture, **{"format": ending, **options})
        write_whole(fname, picture.getvalue())

    Figure.savefig = savefig


_one_thread = _no_window = False
console.prepare()
for kind in (UserWarning, RuntimeWarning):  # of odd images, which load_image judges
    warnings.filterwarnings("ignore", category=kind, module=r"PIL\.")
settle()
