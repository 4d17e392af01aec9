r"""
4.4 hist grad weight · 梯度及权值分布可视化
===========================================

Watch how weights, gradients and activations spread while a network trains. The accuracy
says that a network is sick, these say what it suffers from.

:signature: ``add_histogram(tag, values, global_step=None, bins="tensorflow")``
:bands:     quantiles over time. The line is the median; the palest band holds all
            values, darker ones the middle 87, 68 and 38 %.
:see it:    ``tensorboard --logdir Result/4_viewer/4_4_hist_grad_weight/log``, the
            panels *Histograms* and *Distributions*
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from tensorboardX import SummaryWriter
from torch import nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import check, fresh_dir, read_events, result_dir

RESULT = result_dir(__file__)

# %%
# What to look at
# ---------------
# A small network, on handwritten digits of 8 x 8 pixels; gradients over all of them.


def make_net(gain):
    """Return a network of tanhs, its weights gain times Xavier's (lesson 2.2.2.2)."""
    layers = []
    for inputs, outputs in ((64, 32), (32, 32), (32, 32), (32, 10)):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.Tanh()]
        nn.init.xavier_normal_(layers[-2].weight, gain)
    return nn.Sequential(*layers[:-1])


def look(net, images, labels):
    """Return {tag: array}: weights, gradients, the tanhs' outputs for 200 images."""
    found, signal = {}, images
    for i, layer in enumerate(net):
        signal = layer(signal)
        if i % 2:  # a tanh
            found[f"activations/{i // 2 + 1}"] = signal[:200].detach().numpy()
    weights = list(net.parameters())
    gradients = torch.autograd.grad(cross_entropy(signal, labels), weights)
    for i, (weight, gradient) in enumerate(zip(weights, gradients, strict=True), 1):
        found[f"weights/{i}"] = weight.detach().clone().numpy()
        found[f"gradients/{i}"] = gradient.numpy()
    return found


# %%
# Four runs: one healthy, three sick
# ----------------------------------
pixels, labels = map(torch.tensor, load_digits(return_X_y=True))
images = ((pixels - pixels.mean()) / pixels.std()).float()
runs = {"healthy": (0.1, 1.0), "rate too high": (2.0, 1.0)}  # learning rate, gain
runs |= {"tiny weights": (0.1, 0.05), "saturated": (0.1, 6.0)}
history, right, log = {run: [] for run in runs}, [], fresh_dir(RESULT / "log")
for run, (rate, gain) in runs.items():
    torch.manual_seed(0)
    net = make_net(gain)
    optimizer = torch.optim.SGD(net.parameters(), rate)
    with SummaryWriter(str(log / run.replace(" ", "_"))) as writer:
        for epoch in range(11):  # 0: before the first step
            for batch in torch.randperm(len(images)).split(64) if epoch else ():
                optimizer.zero_grad()
                cross_entropy(net(images[batch]), labels[batch]).backward()
                optimizer.step()
            history[run].append(look(net, images, labels))
            for tag, values in history[run][-1].items():
                writer.add_histogram(tag, values, epoch)
    right.append((net(images).argmax(1) == labels).double().mean().item())
check("only the healthy one gets above 95 %", [1, 0, 0, 0], np.array(right) > 0.95)
outputs = [v for tag, v in history[run][-1].items() if tag.startswith("act")]
check("what the tanhs give", [net[:i](images[:200]) for i in (2, 4, 6)], outputs)

# %%
# What TensorBoard has is what was logged
# ---------------------------------------
# It draws the quantiles from counts, exact to a bucket's width: a tenth of a value.
for run, found in history.items():
    events, by_hand, logged = read_events(log / run.replace(" ", "_")), [], []
    for tag in found[0]:
        for epoch, event in enumerate(events.Histograms(tag)):
            kept, v = event.histogram_value, found[epoch][tag].astype(float)
            logged.append([event.step, kept.num, kept.min, kept.max, kept.sum])
            by_hand.append([epoch, v.size, v.min(), v.max(), v.sum()])
    check(f"{run}: {len(logged)} histograms", by_hand, logged, rtol=1e-9, atol=1e-12)
    bands = events.CompressedHistograms("weights/2")[-1].compressed_histogram_values
    weights, (shares, bands) = found[-1]["weights/2"], np.transpose(bands)
    by_hand = np.quantile(weights, shares / 10000)
    check(f"{run}: bands", by_hand, bands, rtol=0.1, atol=0.01 * weights.std())

# %%
# A sign of each sickness
# -----------------------
# Steps that are too large widen the weights in the first epoch. Tiny weights start with
# gradients of almost nothing. A tanh beyond ±0.99 is full: it hardly reacts any more.
for run, (start, later, *_) in history.items():
    growth = later["weights/2"].std() / start["weights/2"].std()
    gradient = np.median(np.abs(start["gradients/2"]))
    full = np.mean(np.abs(start["activations/2"]) > 0.99)
    print(f"{run:13} growth {growth:.2f}, gradient {gradient:.6f}, full {full:.2f}")
    sick = {"rate too high": growth > 1.3, "tiny weights": gradient < 1e-4}
    sick["saturated"] = full > 0.5
    check(f"{run}: its sign, no other", {name: name == run for name in sick}, sick)
# → healthy       growth 1.02, gradient 0.0090…, full 0.00
# → tiny weights  growth 1.00, gradient 0.00000…, full 0.00
# → saturated     growth 1.00, gradient 0.0305…, full 0.64

# %%
# The picture
# -----------
messages = "healthy:\nwide and steady", "rate too high:\nthe weights leap"
messages += "tiny weights:\nnothing moves", "saturated:\nmost tanhs at ±1"
fig, axes = plt.subplots(3, 4, figsize=(8, 6), sharex=True, sharey="row")
for row, kind in zip(axes, ("weights", "activations", "gradients"), strict=True):
    row[0].set_ylabel(f"{kind}, layer 2")
    for ax, found, message in zip(row, history.values(), messages, strict=True):
        values = np.array([now[f"{kind}/2"].ravel() for now in found])
        values = np.abs(values) if kind == "gradients" else values
        bands = np.quantile(values, shares / 10000, axis=1)
        for low, high in zip(bands[:4], bands[:4:-1], strict=True):
            ax.fill_between(range(len(values)), low, high, color="C0", alpha=0.25, lw=0)
        ax.plot(bands[4], "k", lw=1)
        ax.set_title(message if kind == "weights" else "", fontsize=11)
axes[2, 0].set(yscale="log", ylim=(1e-9, 1), ylabel="|gradients|, layer 2")
fig.supxlabel("epoch")
fig.set_layout_engine("constrained")
fig.savefig(RESULT / "bands.png")
