"""Run the whole tutorial, or a part of it, in chapter order.

    python Code/run.py                  all lessons and the main training
    python Code/run.py 1 3_1_07 main    chapter 1, lesson 3.1.7 and the main training
    python Code/run.py --list           what there is

Each script runs in a process of its own, as it does when you run it by hand. Those that
make the data come first, the others run side by side.
"""

import argparse
import fnmatch
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from utils import CODE, DATA_ROOT, RESULT_ROOT, BadInput
from utils.console import Parser
from utils.contents import contents, find_scripts, label, refresh_readme
from utils.runner import Finished, Stopped, run_scripts

__all__ = ["Finished", "find_scripts", "main", "run_scripts"]

KEPT_RESULTS = [".gitignore", "readme"]
MADE_DATA = [  # in Data/<data set>/; patterns, and the archives are not among them
    *("png", "split", "train.txt", "valid.txt", "test.txt"),
    *("index.json", "mean_std.json"),
]
LEFT_OVERS = [
    f"{name}{end}"
    for name in [*MADE_DATA, "index", "mean_std", "download", "*-python.tar.gz"]
    for end in (".part", ".old", ".[0-9]*.part")
] + [".lock-*", ".lock"]
MADE_ARCHIVES = {"digits": ["digits-python.tar.gz"]}
SIGNS = [  # that a folder in Data/ was filled by scripts
    *("png/manifest.json", "split/manifest.json", "index.json", "mean_std.json"),
    *LEFT_OVERS,
]


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    args = parse(arguments)
    if args.clean:
        return clean(args.yes)
    if args.readme:
        print(*refresh_readme(), sep="\n")
        return 0
    scripts = find_scripts(args.selection)
    if args.list:
        print(contents(scripts))
        return 0
    return run(scripts, args)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "selection",
        nargs="*",
        help="a chapter, section or lesson (1, 3_1, 3.1.7), a script's name, or main",
    )
    add(
        "--dataset",
        metavar="NAME",
        help="digits (the default), cifar10, or a folder with a sub-folder per class",
    )
    add("--jobs", type=int, metavar="N", help="scripts at once (default: the cores)")
    add("--keep-going", action="store_true", help="after a failure too")
    add("--list", action="store_true", help="only show number and title")
    add("--clean", action="store_true", help="remove all that scripts have made")
    add("--yes", action="store_true", help="with --clean: do not ask")
    add("--readme", action="store_true", help="renew the README's table and pictures")
    # For tests: as on Linux, or as everywhere else.
    add("--start-method", choices=["forkserver", "spawn"], help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.yes and not args.clean:
        parser.error("--yes goes with --clean")
    if args.clean + args.list + args.readme > 1 or (
        args.selection and (args.clean or args.readme)
    ):
        parser.error("--clean and --readme stand alone, --list with a selection only")
    return args


def run(scripts: list[Path], args: argparse.Namespace) -> int:
    """Run the scripts and show how they do; return the exit status."""
    display = Display(scripts)
    display.overwrite(f"0/{len(scripts)}  starting")
    try:
        run_scripts(
            scripts,
            args.jobs,
            args.dataset,
            args.start_method,
            args.keep_going,
            display.finished,
            display.running,
        )
    except Stopped as stopped:
        display.summary(stopped.number)
        return 128 + stopped.number
    display.summary()
    return 1 if display.failed else 0


class Display:
    """Shows what runs, what has run, and what came of it."""

    def __init__(self, scripts: list[Path]) -> None:
        """Begin to count the seconds."""
        self.scripts = scripts
        self.width = max(map(len, map(label, scripts)))
        self.live = sys.stdout.isatty()
        self.shown = ""
        self.began = time.perf_counter()
        self.now: dict[Path, float] = {}
        self.done: list[Finished] = []

    @property
    def failed(self) -> list[Finished]:
        """The scripts that did not end with status 0."""
        return [done for done in self.done if done.status]

    def running(self, now: dict[Path, float]) -> None:
        """Show on a terminal, in one line that is overwritten, what runs now."""
        self.now = now
        names = ", ".join(f"{label(script)} {now[script]:.0f} s" for script in now)
        self.overwrite(f"{len(self.done)}/{len(self.scripts)}  {names}")

    def overwrite(self, line: str = "") -> None:
        """Replace the live line; without a line clear it."""
        if self.live and line != self.shown:
            self.shown = line
            columns = (shutil.get_terminal_size().columns or 80) - 1  # 0: unknown
            print(f"\r{line[:columns]:{columns}}\r", end="", flush=True)

    def finished(self, done: Finished) -> None:
        """Show a line on a script, and all that it said if it failed."""
        self.overwrite()
        self.done.append(done)
        line = f"{label(done.script):{self.width}}  {done.seconds:5.1f} s"
        line += f"  {counted(done.proofs, 'proof')}" if done.proofs else ""
        if done.status:
            print(f"✗ {line}  {reason(done.status)}")
            for text in (done.stdout, done.stderr):
                for said in text.splitlines():
                    print(f"    {said}")
        else:
            print(f"✓ {line}")
        sys.stdout.flush()

    def summary(self, stopped_by: int = 0) -> None:
        """Show the last lines."""
        self.overwrite()
        ran = {done.script for done in self.done}
        skipped = [s for s in self.scripts if s not in ran]
        if stopped_by:
            ended = [label(script) for script in self.now if script not in ran]
            by = signal.Signals(stopped_by).name
            print(f"stopped by {by}; ended: {', '.join(ended) or 'nothing'}")
        elif skipped:
            what = counted(len(skipped), "script")
            print(f"- {what} skipped, the first is {label(skipped[0])}", end="")
            print("; --keep-going runs them after a failure too")
        seconds = time.perf_counter() - self.began
        proofs = sum(done.proofs for done in self.done)
        scripts = counted(len(self.scripts), "script")
        print(
            f"{len(self.done)} of {scripts}" if skipped else scripts,
            f"{counted(proofs, 'proof')} hold{'s' if proofs == 1 else ''}",
            counted(len(self.failed), "failure"),
            f"{seconds:.1f} s",
            sep=", ",
        )
        if self.failed:
            print("failed:", ", ".join(label(done.script) for done in self.failed))
        print(f"Pictures and event files: {RESULT_ROOT}", flush=True)


def counted(number: int, thing: str) -> str:
    """Return ``1 proof``, ``2,000 proofs`` or ``no proofs``."""
    return f"{f'{number:,}' if number else 'no'} {thing}{'' if number == 1 else 's'}"


def reason(status: int) -> str:
    """Say in words how a script failed."""
    if status > 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def clean(yes: bool) -> int:
    """Remove what scripts made, after asking; return the exit status."""
    made = made_things()
    if not made:
        print("nothing to remove")
        return 0
    for path in made:
        print(f"{megabytes(path):9.1f} MB  {path}")
    if not yes and not confirmed():
        print("nothing removed")
        return 0
    for path in made:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in made} - {RESULT_ROOT, DATA_ROOT}:
        if not any(folder.iterdir()):
            folder.rmdir()
    print(f"removed {counted(len(made), 'thing')}")
    return 0


def confirmed() -> bool:
    """Ask whether to remove them all.

    :raises BadInput: there is nobody to ask
    """
    if not (sys.stdin and sys.stdin.isatty()):
        raise BadInput("--clean asks on a terminal only: add --yes; nothing removed")
    try:
        return input("Remove all this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def made_things() -> list[Path]:
    """Return what scripts have made: files, folders and links, none within another.

    :raises BadInput: the places of results and data are such that this can't be told
    """
    for place in (CODE, DATA_ROOT, Path.home()):
        if place.resolve().is_relative_to(RESULT_ROOT.resolve()):
            raise BadInput(f"{RESULT_ROOT}: holds {place}, so nothing there is removed")
    made = []
    if RESULT_ROOT.is_dir():
        results = sorted(RESULT_ROOT.iterdir())
        made += [path for path in results if path.name not in KEPT_RESULTS]
    for home in sorted(DATA_ROOT.iterdir()) if DATA_ROOT.is_dir() else ():
        if home.is_dir() and not home.is_symlink() and is_ours(home):
            patterns = MADE_DATA + LEFT_OVERS + MADE_ARCHIVES.get(home.name, [])
            made += [
                path
                for path in sorted(home.iterdir())
                if any(fnmatch.fnmatchcase(path.name, p) for p in patterns)
            ]
    return made


def is_ours(home: Path) -> bool:
    """Is this folder in ``Data/`` one that scripts work in?"""
    return home.name in MADE_ARCHIVES or any(any(home.glob(sign)) for sign in SIGNS)


def megabytes(path: Path) -> float:
    """Return the space that a file, or a folder with all in it, takes; no links."""
    sizes = {}  # a file with several names counts once
    for place in [path, *path.rglob("*")] if not path.is_symlink() else [path]:
        status = place.lstat()
        if not place.is_dir():
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values()) / 1e6


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this, ``head`` for example, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 1
    sys.exit(status)
