r"""
4.1.2.5 add_graph · 网络结构图
==============================

Log how the parts of a network are wired, by recording the operations of one pass.

:signature:
    ``add_graph(model, input_to_model=None, verbose=False, use_strict_trace=True)``
:input_to_model: a tensor, or a tuple of them, of the shapes that ``forward`` takes
:in the event file: one graph for the run; its nodes have a name, an operation, inputs
            and, where a tensor flows, a shape
:see it:
    ``tensorboard --logdir Result/4_viewer/4_1_tensorboardX/4_1_2_05_add_graph``, the
    panel *Graphs*; a double click opens a box
:then → now: PyTorch now calls the recorder, ``torch.jit.trace``, deprecated
"""

import io
import re
import sys
import warnings
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from tensorboardX import SummaryWriter
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, fresh_dir, read_events, refused, result_dir, warned

RESULT = result_dir(__file__)
LOG = fresh_dir(RESULT / "log")
warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)

# %%
# A network with a shortcut
# -------------------------
# ``print(net)`` lists four layers. It tells neither that x also skips ``conv2``, nor of
# the ReLU, nor that ``spare`` is never used. The graph does.


class Shortcut(nn.Module):
    """Scores, (B, 10), of images, (B, 3, 32, 32)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.spare = nn.Linear(10, 10)
        self.fc = nn.Linear(8 * 32 * 32, 10)

    def forward(self, x):  # noqa: D102
        x = torch.relu(self.conv1(x))
        return self.fc((x + self.conv2(x)).flatten(1))


net, image = Shortcut(), torch.randn(1, 3, 32, 32)
with SummaryWriter(str(LOG)) as writer:
    writer.add_graph(net, image)

# %%
# Read it back
# ------------
# Only nodes with a shape carry a tensor of the pass; others are weights, sizes, flags.


def flow(graph):
    """Return {node: label}, {node: shape} and the edges, (node, node), of a graph."""
    nodes = [node for node in graph.node if "_output_shapes" in node.attr]
    labels, shapes = {}, {}
    for node in nodes:
        layer = re.search(r"\[(\w+)\][^\[]*$", node.name)  # Shortcut/Conv2d[conv1]/…
        name = node.name.split("/")[0] if node.op == "IO Node" else node.op
        labels[node.name] = layer[1] if layer else name.removeprefix("aten::")
        shape = node.attr["_output_shapes"].list.shape[0]
        shapes[node.name] = [dimension.size for dimension in shape.dim]
    edges = [(s, node.name) for node in nodes for s in node.input if s in labels]
    return labels, shapes, edges


labels, shapes, edges = flow(read_events(LOG).Graph())
chain = ["input", "conv1", "relu", "conv2", "add", "flatten", "fc", "output"]
found = sorted((labels[a], labels[b]) for a, b in edges)
check("a chain and a shortcut", sorted([*pairwise(chain), ("relu", "add")]), found)
print("spare" in labels.values())  # → False

# %%
# By hand: a hook on each layer sees the shapes of a real pass.
seen = []
for layer in net.children():
    layer.register_forward_hook(lambda layer, given, out: seen.append([*out.shape]))
net(image)
logged = [shapes[node] for node in labels if labels[node] in dict(net.named_children())]
check("the shapes of the layers, in order", seen, logged)

# %%
# Pitfalls
# --------
# An ``if`` is decided while recording: the other branch is not in the graph. A network
# that returns a dict needs ``use_strict_trace=False``; every network needs an input.
# ``verbose`` prints the recorded program.


class Branch(nn.Module):
    """Return {"y": exp x}, or {"y": sin x}, (B,), of x, (B,)."""

    def forward(self, x):  # noqa: D102
        return {"y": x.exp() if x.sum() > 0 else x.sin()}


log, program, x = fresh_dir(RESULT / "branch"), io.StringIO(), torch.ones(1)
with SummaryWriter(str(log)) as writer, warned(torch.jit.TracerWarning, "boolean"):
    with refused(RuntimeError, "kwarg_inputs should be a dict"):
        writer.add_graph(Branch())
    with refused(RuntimeError, "a dict at the output"), redirect_stdout(program):
        writer.add_graph(Branch(), x)
    with redirect_stdout(program):
        writer.add_graph(Branch(), x, verbose=True, use_strict_trace=False)
operations = [node.op for node in read_events(log).Graph().node]
for text in (operations, program.getvalue()):
    print("aten::exp" in text, "aten::sin" in text)  # → True False

# %%
# The picture
# -----------
place = {node: chain.index(label) for node, label in labels.items()}
fig, ax = plt.subplots(figsize=(8, 2), layout="constrained")
ax.set(xlim=(-0.5, 7.5), ylim=(-0.7, 0.9), title="a shortcut leads past conv2")
ax.set_axis_off()
for node, x in place.items():
    ax.text(x, 0, labels[node], ha="center", va="center", bbox={"fc": "lightblue"})
    ax.text(x, -0.5, " x ".join(map(str, shapes[node][1:])), ha="center", fontsize=8)
for a, b in edges:
    bend = f"arc3,rad={-0.6 if place[b] > place[a] + 1 else 0}"
    arrow = {"arrowstyle": "->", "connectionstyle": bend, "shrinkA": 22, "shrinkB": 22}
    ax.annotate("", (place[b], 0), (place[a], 0), arrowprops=arrow)
fig.savefig(RESULT / "graph.png")
