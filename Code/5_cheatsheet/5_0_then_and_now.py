r"""
5.0 then and now · 新旧对照表
=============================

Every form of the notes that has changed, or never was right, is run beside today's.

:a row:     a heading of the notes; code as they write it, what happens to it today, and
            code to write instead, with a proof that it does what it should
:happens:   ``works``: as it did, though there may be a better way; ``warns`` and
            ``raises``, with a class and words of the message; ``silently wrong``: it
            runs, and the result is not what the notes say
:holds from: the oldest version for which the row makes a promise. On one that the rows
            were not run on, older, between or newer, a row that differs says so.
:returns:   the table, as ``then_and_now.md`` and, to look things up, as the page
            ``then_and_now.html``, where buttons choose what happens
:use it:    read the forms that are silently wrong first: nothing else will tell you
:the notes: contradict themselves: six optimizers in the preface, ten in chapter 3
:then → now: PyTorch 1.0 of 2018 → this torch. Rows that begin "Since then" name what
            there was nothing of.
:source:    the rows stand in ``rows/``, ``utils.migration`` runs them
"""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torchvision

sys.path.insert(0, str(Path(__file__).resolve().parent))  # rows/
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from rows import ROWS

from utils import check, check_less, proof, refused, result_dir, write_whole
from utils.migration import KINDS, SNIPPETS_KNOW, as_html, as_markdown, prove, works

RESULT = result_dir(__file__)

# %%
# A row
# -----
# It is code, kept as text. Both forms run, each as a program of its own, in an empty
# folder and with the same seed; the proof knows their values as ``old`` and ``new``.
row = next(row for row in ROWS if "RandomRotation's `resample`" in row.about)
print(row.old)  # → transforms.RandomRotation(30, resample=False)(image)
print(row.happens)  # → raises TypeError: unexpected keyword argument 'resample'
print(row.new)
# → transforms.RandomRotation(30, interpolation=Mode.NEAREST)(image)
print(row.proof)  # → new.size == (40, 48)
print(row.since)  # → torchvision 0.21
prove(row)
# → ✓ 1.6.8       raises TypeError           RandomRotation's resample is called …

# %%
# A row that promises something else fails, and so does one whose proof does not hold.
# These two make their promise for every torchvision.
row = replace(row, since="pillow 9")
with refused(AssertionError, "by hand:  works"):
    prove(replace(row, happens=works()))
with refused(AssertionError, "new.size == (48, 40) is False"):
    prove(replace(row, proof="new.size == (48, 40)"))

# %%
# On a version that a row makes no promise for, it says what happens there.
promised = prove(replace(row, since="torchvision 99")).promised
check("a row for torchvision 99 promises nothing today", False, promised)

# %%
# All of them
# -----------
# One line each, in the order of the notes; every ✓ is a proof.
before = proof.held
results = [prove(row) for row in ROWS]
# → ✓ preface     silently wrong             The preface promises …, chapter 3 ten
# → ✓ 1.3         raises AttributeError      COncatDataset is a typing error for …
# → ✓ 2.2.3       raises NameError           nn,Conv2d is a typing error: …
# → ✓ 2.3.1       silently wrong             Weights saved from DataParallel are …
kept = sum(result.promised for result in results)
check("every row that promises something is a proof", kept, proof.held - before)
check_less("rows, more than 300", 300, len(results))
counts = Counter(result.happens.kind for result in results)
print(*(f"{kind} {counts[kind]}" for kind in KINDS), sep=", ")
# → works …, warns …, raises …, wrong …

# %%
# The table
# ---------
versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
title = f"Then and now: the notes' PyTorch 1.0 against {versions}"
known = ", ".join(f"`{name}`" for name in sorted(SNIPPETS_KNOW, key=str.lower))
text = f"""Each row was run: the old form, the new one, and the proof, which is shown in
then_and_now.html. Snippets know {known}; `Mode` is `InterpolationMode`. What comes
before a snippet runs before both. Some import `read_events` from this book's `utils`:
it is TensorBoard's `EventAccumulator` of a folder, loaded, with nothing left out."""
write_whole(RESULT / "then_and_now.md", as_markdown(results, f"# {title}\n\n{text}"))
write_whole(RESULT / "then_and_now.html", as_html(results, title, text))
lines = (RESULT / "then_and_now.md").read_text(encoding="utf-8").splitlines()
table = [line for line in lines if line.startswith("| ")]
check("Markdown: a head, and a line for each row", 1 + len(ROWS), len(table))
page = (RESULT / "then_and_now.html").read_text(encoding="utf-8")
check("HTML: a line for each row", len(ROWS), page.count("<tr class="))

# %%
# The picture
# -----------
# What raises is found on the first run. What is silently wrong has to be known.
names = [
    "preface",
    "1 data",
    "2 models",
    "3 losses, optimizers",
    "4 viewer",
    "cheat sheet",
]
colors = dict(wrong="#8250df", raises="#e5534b", warns="#e0a82e", works="#8bbf9a")
labels = dict(zip(KINDS, ("works", "warns", "raises", "silently wrong"), strict=True))
cells = Counter((result.row.chapter, result.happens.kind) for result in results)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
left = [0] * len(names)
for kind, color in colors.items():
    width = [cells[chapter, kind] for chapter in range(len(names))]
    bars = ax.barh(names, width, left=left, color=color, label=labels[kind])
    ax.bar_label(
        bars, [n if n > 3 else "" for n in width], label_type="center", color="white"
    )
    left = [a + b for a, b in zip(left, width, strict=True)]
ax.invert_yaxis()
ax.set_xlabel("rows of the table")
fig.legend(loc="outside right center", frameon=False)
wrong = f"{counts['wrong']} of {len(results)} forms go wrong and nothing says so"
ax.set_title(f"{wrong}; {counts['raises']} more raise an error")
fig.savefig(RESULT / "what_happens.png", dpi=100)
