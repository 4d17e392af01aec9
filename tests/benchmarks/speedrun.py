"""What is a minute worth? CIFAR-10 learned in three ways, in the same seconds.

    python tests/benchmarks/speedrun.py            60 seconds each
    python tests/benchmarks/speedrun.py 180

The tutorial's LeNet with main.py's settings, a plain ResNet-18 with the usual ones
(batch 128, SGD 0.1, cosine), and speedrun.py. All three train on the 50,000 images and
are judged on the 10,000, as they are, without further views (along the way on 1,000 of
them); judging stops the clock.
The learning rates follow it, so that each way comes to its end in time. Prints what
each reaches, and draws ``Result/benchmarks/speedrun.png``. On an idle machine only.
"""

import importlib.util
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

CODE = Path(__file__).resolve().parents[2] / "Code"
sys.path.insert(0, str(CODE))

from utils import (
    RESULT_ROOT,
    BatchLoader,
    Net,
    Pace,
    accuracy,
    evaluate,
    find_dataset,
    half_precision,
    keep_memory,
    read_all,
)

spec = importlib.util.spec_from_file_location(
    "speedrun", CODE / "main_training" / "speedrun.py"
)
speedrun = importlib.util.module_from_spec(spec)
spec.loader.exec_module(speedrun)

MEAN, STD = [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]
LOOKS = 10


def one_cycle(share):
    """Return main.py's learning rate, as a part of the highest."""
    if share < 0.3:
        return 1 / 25 + (1 - 1 / 25) * (1 - cosine(share / 0.3))
    return cosine((share - 0.3) / 0.7)


def cosine(share):
    """Return 1 to 0, along half a cosine."""
    return (1 + torch.cos(torch.tensor(share * torch.pi)).item()) / 2


def resnet18():
    """Return the ResNet-18 that is usual for CIFAR-10: no stride, no pool at first."""
    from torchvision.models import resnet18

    net = resnet18(num_classes=10)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def usual(net, lr, schedule, padding, data, budget):
    """Train by SGD with batches of 128; return [(seconds, accuracy)]."""
    train, test, _ = data
    net = net.to(memory_format=torch.channels_last)
    common = dict(mean=MEAN, std=STD)
    batches = BatchLoader(
        *train, 128, padding=padding, flip=True, shuffle=True, **common
    )
    few = [part[:1000] for part in test]  # along the way: judging takes its time, too
    judged_on = BatchLoader(*test, 500, **common)
    glance = BatchLoader(*few, 500, **common)
    optimizer = torch.optim.SGD(
        net.parameters(), lr, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    loss_function = nn.CrossEntropyLoss()
    curve, seen = [], 0

    def endless():
        while True:
            yield from batches

    pace = Pace(budget)
    for share, (images, labels) in zip(pace, endless()):  # noqa: B905
        if share >= (len(curve) + 1) / LOOKS:
            with pace.stopped():
                curve.append((pace.seconds(), accuracy(*evaluate(net, glance))))
                net.train()
        optimizer.param_groups[0]["lr"] = lr * schedule(share)
        optimizer.zero_grad()
        loss_function(net(images), labels).backward()
        optimizer.step()
        seen += len(labels)
    seconds = pace.seconds()
    curve.append((seconds, accuracy(*evaluate(net, judged_on))))
    return curve, seen / len(train[0])


def fast(data, budget):
    """Train by speedrun.py; return [(seconds, accuracy)]."""
    (images, labels), test, classes = data
    half = half_precision(torch.device("cpu"))
    recipe = {**speedrun.RECIPE, "half": half, "compile": False}
    curve, pace = [], Pace(budget)

    def watch(net, seconds):
        few = [part[:1000] for part in test]
        curve.append((seconds, *speedrun.judge(net, *few, recipe, plain=True)))

    net = speedrun.train(
        (images, labels, len(classes)), None, recipe, pace, watch=watch
    )
    seconds = pace.seconds()
    plain, views = speedrun.judge(net, *test, recipe)
    epochs = pace.step * recipe["batch"] / len(images)
    return [*curve, (seconds, plain)], epochs, views


def main():
    """Run the three; print and draw."""
    budget = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    keep_memory()
    torch.set_num_threads(os.cpu_count() or 1)
    data = read_all(find_dataset("cifar10"), False)
    ways = {
        "LeNet, main.py's settings": (Net, 0.05, one_cycle, 2),
        "ResNet-18, the usual settings": (resnet18, 0.1, cosine, 4),
    }
    curves = {}
    print(f"{budget:g} s of training each, {torch.get_num_threads()} threads")
    for name, (make, lr, schedule, padding) in ways.items():
        torch.manual_seed(0)
        curves[name], epochs = usual(make(), lr, schedule, padding, data, budget)
        seconds, reached = curves[name][-1]
        print(
            f"{name}: {epochs:.2f} epochs in {seconds:.1f} s, {reached:.2%}", flush=True
        )
    curves["speedrun.py"], epochs, views = fast(data, budget)
    seconds, reached = curves["speedrun.py"][-1]
    print(
        f"speedrun.py: {epochs:.2f} epochs in {seconds:.1f} s, {reached:.2%}; "
        f"{views:.2%} with test-time views"
    )
    fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    for name, curve in curves.items():
        (line,) = ax.plot(*zip(*[(0, 0.1), *curve], strict=True), ".-")
        seconds, reached = curve[-1]
        text = dict(color=line.get_color(), va="center", fontsize=9)
        ax.text(seconds * 1.02, reached, f"{name}: {reached:.1%}", **text)
    ax.set(xlabel="seconds of training", ylabel="test images right", ylim=(0, 1))
    ax.set_xlim(0, 1.6 * budget)
    ax.set_xticks([budget * k / 4 for k in range(5)])
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    ax.spines[["top", "right"]].set_visible(False)
    cores = torch.get_num_threads()
    ax.set_title(f"What {budget:g} seconds on {cores} cores teach about CIFAR-10")
    path = RESULT_ROOT / "benchmarks" / "speedrun.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=120)
    print(f"look at {path}")


if __name__ == "__main__":
    main()
