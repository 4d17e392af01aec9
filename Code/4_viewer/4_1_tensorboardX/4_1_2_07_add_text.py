r"""
4.1.2.7 add_text · 记录文字
===========================

Log a text, the settings of a run, a table of results, a remark: TensorBoard shows it as
Markdown, beside the curves that it explains.

:signature: ``add_text(tag, text_string, global_step=None, walltime=None)``
:text_string: a string, in Markdown; stored as UTF-8
:in the event file: the container ``tensors``, under ``tag/text_summary``: one string
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_07_add_text``, the
    panel *Text*
"""

import sys
from pathlib import Path
from textwrap import dedent

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugin_util import markdown_to_safe_html
from tensorboardX import SummaryWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")

# %%
# Log the settings of a run, and a table at every step
# ----------------------------------------------------
# Which digits a classifier finds, and what it takes the others for, while it learns.


def markdown_table(header, rows):
    """Return a table in Markdown: its header, a line of dashes, its rows."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


digits = load_digits()
x, y = torch.tensor(digits.data / 16), torch.tensor(digits.target)
w = torch.zeros(10, 64, dtype=torch.float64, requires_grad=True)
settings = markdown_table(["setting", "value"], [["rate", 1.0], ["数据", "digits"]])
logged = {}
with SummaryWriter(str(LOG)) as writer:
    writer.add_text("settings", settings)
    for step in range(51):
        logits = x @ w.T
        if step in (1, 5, 50):
            counts = torch.zeros(10, 10)
            counts.index_put_((y, logits.argmax(1)), torch.ones(()), accumulate=True)
            found = (100 * counts.diagonal() / counts.sum(1)).round().int().tolist()
            others = counts.fill_diagonal_(0).argmax(1).tolist()
            table = [[i, f"{found[i]} %", others[i]] for i in range(10)]
            logged[step] = markdown_table(["digit", "found", "taken for"], table)
            writer.add_text("digits/found", logged[step], step)
        loss = torch.nn.functional.cross_entropy(logits, y)
        w.data -= torch.autograd.grad(loss, w)[0]

# %%
# Read it back
# ------------
# A text is a tensor of strings: look for it under ``tensors``, its tag with a suffix.
events = read_events(LOG)
print(events.Tags()["tensors"])
# → ['settings/text_summary', 'digits/found/text_summary']
found = events.Tensors("digits/found/text_summary")
check("steps", list(logged), [event.step for event in found])
for event in found:
    (text,) = event.tensor_proto.string_val
    check(f"step {event.step}: the text", logged[event.step], text.decode("utf-8"))
(event,) = events.Tensors("settings/text_summary")
expected = "| setting | value |\n| --- | --- |\n| rate | 1.0 |\n| 数据 | digits |"
check("settings, by hand", expected, event.tensor_proto.string_val[0].decode("utf-8"))
check("without global_step: step 0", 0, event.step)

# %%
# What the panel makes of it
# --------------------------
# TensorBoard's own function turns Markdown into the HTML of the page. HTML of yours is
# shown as text. Pitfalls: a line break is a blank; an indented string is taken for code
# (``dedent`` it); a table needs an empty line above it.
for text in ("**bold**, `code`", "<b>bold</b>", "    *loud*", dedent("    *loud*")):
    print(markdown_to_safe_html(text).replace("\n", ""))
# → <p><strong>bold</strong>, <code>code</code></p>
# → <p>&lt;b&gt;bold&lt;/b&gt;</p>
# → <pre><code>*loud*</code></pre>
# → <p><em>loud</em></p>
for text in ("loss 3\nrate 1", "loss 3\n\nrate 1"):
    print("paragraphs:", markdown_to_safe_html(text).count("<p>"))
# → paragraphs: 1
# → paragraphs: 2
for gap in ("\n", "\n\n"):
    html = markdown_to_safe_html(f"Found:{gap}{logged[50]}")
    print("a table:", "<table>" in html)
# → a table: False
# → a table: True

# %%
# Pitfall: readers keep ten texts of a tag
# ----------------------------------------
# And what is logged must be a string. ``walltime`` overrides the clock.
log = fresh_dir(RESULT / "many")
with SummaryWriter(str(log)) as writer:
    for step in range(30):
        writer.add_text("epoch", f"{step} is over", step, walltime=1_000_000_000 + step)
    with refused(AttributeError, "no attribute 'encode'"):
        writer.add_text("learning rate", 0.1)  # str() first
kept = EventAccumulator(str(log)).Reload().Tensors("epoch/text_summary")
print("by default:", len(kept), "of 30, the last:", kept[-1].step)
# → by default: 10 of 30, the last: 29
every = read_events(log).Tensors("epoch/text_summary")
check("utils.read_events: all", list(range(30)), [event.step for event in every])
check("at the given time", 1_000_000_029, kept[-1].wall_time, rtol=0)

# %%
# The picture
# -----------
fig, axes = plt.subplots(1, 3, figsize=(8, 3.2), layout="constrained")
for ax, event in zip(axes, found, strict=True):
    lines = event.tensor_proto.string_val[0].decode("utf-8").splitlines()
    header, _, *rows = [line.strip("| ").split(" | ") for line in lines]
    colours = [["w", plt.cm.RdYlGn(int(r[1].split()[0]) / 100, 0.6), "w"] for r in rows]
    worst = min(rows, key=lambda row: int(row[1].split()[0]))
    check(f"step {event.step}: the digit found least", "8", worst[0])
    table = ax.table(
        rows, colours, colLabels=header, cellLoc="center", bbox=[0, 0, 1, 1]
    )
    table.auto_set_font_size(False)
    ax.set_title(f"digits/found, step {event.step}", fontsize=10)
    ax.set_axis_off()
fig.suptitle("A table for every step: 8 is the hardest digit")
fig.savefig(RESULT / "texts.png")
