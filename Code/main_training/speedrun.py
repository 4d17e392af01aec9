r"""
speedrun · 竞速训练
===================

How well can CIFAR-10 be learned in a minute? A small network and a dozen ideas that
make each second count; ``--ablate`` leaves out one at a time.

:arguments: ``--budget``: seconds of training; ``--seed``; ``--runs``: so many seeds;
            ``--validate``: judge on a tenth of the training images, to choose settings;
            ``--ablate``; ``--network``, ``--steps``: take these instead of what the
            budget allows; ``--compile``: for GPUs; ``--dataset`` (cifar10, digits),
            ``--device --threads --name``
:the clock: covers training and its preparation: padding, whitening, the timing that
            picks the network. Not reading the files, not judging, not compiling.
:the pace:  the learning rate is a function of the clock and is zero when the seconds
            end, on any machine. With ``--steps`` it is a function of the step, and the
            same seed gives the same weights.
:leaves:    ``Result/main_training/<data set>/speedrun/``: ``report.json``,
            ``seconds.png``, ``net_params.pt``; with ``--ablate``, ``ablation.md``
:measured:  on 2 cores of an AMD EPYC with AVX512-BF16, a JPEG copy of CIFAR-10, mean of
            three seeds: 83.3 % plain and 84.4 % with views in 60 s, 87.1 / 88.0 % in
            180 s, 88.6 / 90.1 % in 600 s. Not measured on a GPU.
:source:    airbench (Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024);
            Jordan et al., *Muon*, 2024; Brock et al., *FreezeOut*, 2017
"""

import copy
import itertools
import sys
import time
from collections import deque
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import accuracy, race, wait

WHITE = 24  # channels of the whitened image
NETWORKS = {  # channels of each convolution of each block
    "small": ((32, 32), (96, 96), (128, 128)),
    "medium": ((48, 48), (128, 128), (192, 192)),
    "large": ((64, 64), (128, 128), (256, 256)),
}
EPOCHS = {"small": 0, "medium": 2.5, "large": 5}  # taken if it sees all so often
RECIPE = dict(
    batch=512,
    muon=0.12,  # highest learning rates: of the convolutions, if Muon trains them,
    sgd=0.0015,  # of the convolutions otherwise,
    bias=0.053,
    head=0.67,  # and of the last layer, all for the sum of a batch's losses
    decay=2e-6,  # of all but Muon's, for each image of a batch
    falls=True,  # the learning rate falls to zero
    smoothing=0.2,
    padding=2,  # pixels by which a crop may be off,
    grow=True,  # none in the first epoch, one in the second, and so on
    flip="alternating",  # or "random", or None
    whiten=True,
    identity=True,  # at the start, blocks hand on what they get
    freeze=(0.1, 0.6),  # share of the time after which whitening, block 1 … stay
    half=True,  # bfloat16 where the processor has it
    channels_last=True,
)
LEFT_OUT = {  # what --ablate leaves out, and what it takes instead
    "Muon: Nesterov SGD": dict(muon=None),
    "whitening: a first layer that is trained": dict(whiten=False),
    "identity at the start: PyTorch's weights": dict(identity=False),
    "learning rate that falls": dict(falls=False),
    "freezing": dict(freeze=()),
    "label smoothing": dict(smoothing=0.0),
    "crops": dict(padding=0),
    "crops that grow: all at once": dict(grow=False),
    "alternating flips: random ones": dict(flip="random"),
    "flips": dict(flip=None),
    "batches of 512: 128": dict(batch=128),
    "bfloat16: float32": dict(half=None),
    "channels_last": dict(channels_last=False),
}


# --- The data: all in memory, a batch at a time


def pad(images, padding):
    """Return uint8 (N, H, W, C) with so many pixels more on each side, reflected."""
    images = images.movedim(3, 1).float()
    return F.pad(images, 4 * [padding], "reflect").byte().movedim(1, 3)


class Batches:
    """Batches of a set in memory, cropped and mirrored as a whole, without end."""

    def __init__(self, images, labels, recipe, seed, device):
        """Keep the set as uint8, padded, and its mirror images."""
        self.labels, self.flip = labels.to(device), recipe["flip"]
        self.grow = recipe["grow"]
        self.count, self.side, _, colors = images.shape
        self.size = min(recipe["batch"], self.count)
        self.padding = recipe["padding"]
        self.generator = torch.Generator(device).manual_seed(seed)
        parts = images.to(device).split(5000)
        images = torch.cat([pad(part, self.padding) for part in parts])
        images = torch.cat([images, images.flip(2)]) if self.flip else images
        n, row, column, _ = images.contiguous().stride()
        offsets = 2 * self.padding + 1
        shape = (len(images), offsets, offsets, self.side, self.side * colors)
        # All windows, as a view: (image, rows down, columns right, row, its pixels).
        strides = (n, row, column, row, 1)
        self.windows = images.contiguous().as_strided(shape, strides)
        self.turned = self.random(0, 2, self.count)  # which are mirrored at first

    def random(self, low, high, *shape):
        """Return random integers from ``low`` to ``high`` - 1."""
        options = dict(generator=self.generator, device=self.labels.device)
        return torch.randint(low, high, shape, **options)

    def batch(self, chosen, epoch):
        """Return uint8 (B, 3, H, W), channels_last, and labels of ``chosen``."""
        turned = torch.zeros_like(chosen)
        if self.flip == "alternating":  # each side every second epoch
            turned = (self.turned[chosen] + epoch) % 2
        elif self.flip:
            turned = self.random(0, 2, len(chosen))
        middle = self.padding  # what is new needs no change: crops go astray by and by
        off = min(middle, epoch) if self.grow else middle
        down, right = self.random(middle - off, middle + off + 1, 2, len(chosen))
        pixels = self.windows[chosen + self.count * turned, down, right]  # one gather
        pixels = pixels.view(len(chosen), self.side, self.side, -1).movedim(3, 1)
        return pixels, self.labels[chosen]

    def __iter__(self):
        """Yield batches; each image is in at most one of an epoch."""
        options = dict(generator=self.generator, device=self.labels.device)
        for epoch in itertools.count():
            order = torch.randperm(self.count, **options)
            for chosen in order.split(self.size)[: self.count // self.size]:
                yield self.batch(chosen, epoch)


# --- The network


def whitening(images, count):
    """Return ``count`` filters (count, 3, 2, 2) that whiten the patches of images.

    They look along the directions in which patches vary most, and divide by how much;
    then the same negated, since what follows keeps one sign only.
    """
    patches = F.unfold(images, 2).movedim(1, 2).flatten(0, 1)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + 5e-4).sqrt()).T.flip(0)[: count // 2]
    return torch.cat([filters, -filters]).view(-1, 3, 2, 2)


class Block(nn.Module):
    """Convolutions, each with BatchNorm and GELU; the first one halves the side."""

    def __init__(self, inputs, channels, identity):
        """Make a convolution for each of ``channels``."""
        super().__init__()
        pairs = list(itertools.pairwise([inputs, *channels]))
        convs = [nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in pairs]
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o, 1e-12, 0.2) for o in channels)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            norm.weight.requires_grad_(False)  # the next layer can do as much
            if identity:
                nn.init.dirac_(conv.weight[: conv.in_channels])

    def forward(self, x):
        """Return (B, outputs, H // 2, W // 2) of (B, inputs, H, W)."""
        for k, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x) if k else F.max_pool2d(conv(x), 2)
            x = F.gelu(norm(x))
        return x


class Net(nn.Module):
    """A whitening layer, blocks, the largest value of each channel, a linear layer."""

    def __init__(self, blocks, classes, images, recipe):
        """Make the layers that ``blocks`` names; ``images`` are uint8 (N, H, W, 3)."""
        super().__init__()
        images = images.movedim(3, 1).float()
        self.register_buffer("mean", images.mean())
        self.register_buffer("std", images.std() + 1e-3)
        first = nn.Conv2d(3, WHITE, 2)
        if recipe["whiten"]:
            images = (images - self.mean) / self.std
            first.weight = nn.Parameter(whitening(images, WHITE), requires_grad=False)
            nn.init.zeros_(first.bias)
        self.stages = nn.ModuleList([nn.Sequential(first, nn.GELU())])
        for inputs, channels in itertools.pairwise([(WHITE,), *blocks]):
            self.stages.append(Block(inputs[-1], channels, recipe["identity"]))
        self.head = nn.Linear(blocks[-1][-1], classes, bias=False)
        nn.init.normal_(self.head.weight)

    def forward(self, pixels):
        """Return scores (B, classes) of pixels, uint8 (B, 3, H, W)."""
        x = (pixels.float() - self.mean) / self.std
        for stage in self.stages:
            x = stage(x)
        return self.head(x.amax((2, 3))).float() / self.head.in_features

    def freeze(self, count):
        """Let the first ``count`` stages stay as they are: no gradient goes there."""
        for stage in self.stages[:count]:
            stage.requires_grad_(False)


# --- The optimizer


def orthogonal(matrix, steps=3):
    """Return ``matrix`` with singular values near 1: Newton-Schulz, lesson 3.3.12."""
    x = matrix.bfloat16() if matrix.dtype == torch.float32 else matrix
    x = x if len(x) <= x.shape[1] else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return (x if len(matrix) <= matrix.shape[1] else x.T).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal; each filter bank keeps its length."""

    def __init__(self, filters, lr, momentum=0.8):
        """Train ``filters``, each of shape (outputs, inputs, height, width)."""
        super().__init__(filters, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        """Move all that have a gradient."""
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is None:
                    continue
                b = group["momentum"] * self.state[w].get("b", 0) + w.grad
                self.state[w]["b"] = b
                update = orthogonal((w.grad + group["momentum"] * b).flatten(1))
                w.mul_(len(w) ** 0.5 / w.norm())
                w.sub_(group["lr"] * update.view_as(w))


def make_optimizers(net, recipe):
    """Return Muon for the convolutions and SGD for the rest, or SGD for all."""
    wanted = [p for p in net.parameters() if p.requires_grad]
    filters = [p for p in wanted if p.ndim == 4]
    biases = [p for p in wanted if p.ndim == 1]
    rates = [(biases, recipe["bias"]), ([net.head.weight], recipe["head"])]
    if not recipe["muon"]:
        rates.append((filters, recipe["sgd"]))
    decay = recipe["decay"] * recipe["batch"]
    groups = [dict(params=p, lr=lr, weight_decay=decay / lr) for p, lr in rates]
    sgd = torch.optim.SGD(groups, momentum=0.85, nesterov=True)
    return [sgd, Muon(filters, recipe["muon"])] if recipe["muon"] else [sgd]


# --- Training


def learn(net, pixels, labels, recipe):
    """Add the gradients of the sum of the losses of a batch."""
    half = recipe["half"]
    with torch.autocast(pixels.device.type, half, enabled=half is not None):
        scores = net(pixels)
    options = dict(label_smoothing=recipe["smoothing"], reduction="sum")
    F.cross_entropy(scores, labels, **options).backward()


def train(data, blocks, recipe, pace, seed=0, device="cpu", watch=None):
    """Return a network of ``blocks`` trained until ``pace`` ends.

    :param data: images, uint8 (N, H, W, 3), labels (N,), number of classes
    :param blocks: one of NETWORKS; None takes the largest that there is time for
    :param watch: called nine times, with the network and the seconds so far, while the
        clock is stopped
    """
    images, labels, classes = data
    torch.manual_seed(seed)
    batches = Batches(images, labels, recipe, seed, device)
    layout = torch.channels_last if recipe["channels_last"] else torch.contiguous_format
    blocks = blocks or pick_network(data, recipe, pace, device)
    net = Net(blocks, classes, images[:2000], recipe)
    net.to(device, memory_format=layout)
    optimizers = make_optimizers(net, recipe)
    groups = [group for o in optimizers for group in o.param_groups]
    highest = [group["lr"] for group in groups]
    if recipe["compile"]:
        with pace.stopped():
            warm_up(net, batches, recipe)
    fences, looks = deque(), deque(k / 10 for k in range(1, 10))
    for share, (pixels, target) in zip(pace, batches):  # noqa: B905 (one is endless)
        net.freeze(sum(share >= when for when in recipe["freeze"]))
        for group, lr in zip(groups, highest, strict=True):
            group["lr"] = lr * (1 - share if recipe["falls"] else 1)
        learn(net, pixels.contiguous(memory_format=layout), target, recipe)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if torch.device(device).type != "cpu":  # a GPU lags behind the clock: let it,
            fences.append(torch.Event(device))  # by four steps
            fences[-1].record()
            if len(fences) > 4:
                fences.popleft().synchronize()
        if watch and looks and share >= looks[0]:
            looks.popleft()
            wait(device)
            with pace.stopped():
                watch(net, pace.seconds())
    wait(device)
    return net


def work(blocks, side=31):
    """Return the multiplications that one image takes, forward."""
    total, inputs = 12 * WHITE * side**2, WHITE
    for channels in blocks:
        for k, outputs in enumerate(channels):
            total += 9 * inputs * outputs * (side if k == 0 else side // 2) ** 2
            inputs = outputs
        side //= 2
    return total


def pick_network(data, recipe, pace, device):
    """Return the largest network that sees all images as often as it has to.

    The fastest of up to six steps of the smallest one tells what the machine can do;
    they take no more than a twentieth of the time, and one step.
    """
    images, labels, classes = data
    few, smallest = slice(0, 1000), NETWORKS["small"]
    recipe = {**recipe, "batch": 128}
    batches = Batches(images[few], labels[few], recipe, 0, device)
    net = Net(smallest, classes, images[few], recipe).to(device)
    net.to(memory_format=torch.channels_last)
    times = [pace.seconds()]
    for batch in itertools.islice(batches, 6):
        learn(net, *batch, recipe)
        wait(device)
        times.append(pace.seconds())
        if times[-1] - times[0] > pace.budget / 20:
            break
    fastest = min(after - before for before, after in itertools.pairwise(times))
    speed = batches.size * work(smallest) / fastest
    seen = {k: pace.budget * speed / work(NETWORKS[k]) / len(images) for k in NETWORKS}
    return NETWORKS[[k for k in NETWORKS if seen[k] >= EPOCHS[k]][-1]]


def warm_up(net, batches, recipe):
    """Compile ``net`` and run it three times; leave its weights as they were."""
    begin, state = time.perf_counter(), copy.deepcopy(net.state_dict())
    net.compile()
    chosen = torch.arange(batches.size, device=batches.labels.device)
    for _ in range(3):
        learn(net, *batches.batch(chosen, 0), recipe)
    net.zero_grad()
    net.load_state_dict(state)
    wait(net.mean.device)
    print(f"compile and warm-up: {time.perf_counter() - begin:.1f} s, not counted")


# --- Judging


def views(images, mirror):
    """Yield windows of uint8 images (N, H, W, 3), each with its weight; the sum is 1.

    The image, half of all; one pixel up and left, one down and right, a quarter each;
    and with ``mirror`` each of the three shared with its mirror image.
    """
    height, width = images.shape[1:3]
    around = pad(images, 1)
    shifted = [around[:, k : height + k, k : width + k] for k in (0, 2)]
    for window, weight in zip([images, *shifted], (1 / 2, 1 / 4, 1 / 4), strict=True):
        yield window, weight / (1 + mirror)
        if mirror:
            yield window.flip(2), weight / 2


@torch.no_grad()
def judge(net, images, labels, recipe, plain=False):
    """Return the accuracy on the images as they are and, unless ``plain``, by views."""
    device, half = net.mean.device, recipe["half"]
    net.eval()
    scores = []
    for part in images.split(500):
        part = part.to(device)
        todo = [] if plain else views(part, bool(recipe["flip"]))
        with torch.autocast(device.type, half, enabled=half is not None):
            given = [net(part.movedim(3, 1))]
            given += [sum(weight * net(view.movedim(3, 1)) for view, weight in todo)]
        scores.append(given[: 1 if plain else 2])
    net.train()
    return [accuracy(torch.cat(s).cpu(), labels) for s in zip(*scores, strict=True)]


def run(data, blocks, recipe, pace, seed, device, looks=True):
    """Train and judge once; return what there is to report, and the network.

    :param data: images and labels to train on, to judge by, and the classes' names
    """
    (images, labels), test, classes = data
    curve = []

    def watch(net, seconds):
        curve.append((seconds, *judge(net, *test, recipe, plain=True)))

    given, watch = (images, labels, len(classes)), watch if looks else None
    net = train(given, blocks, recipe, pace, seed, device, watch)
    seconds = pace.seconds()
    plain, viewed = judge(net, *test, recipe)
    epochs = pace.step * min(recipe["batch"], len(images)) / len(images)
    blocks = [[conv.out_channels for conv in stage.convs] for stage in net.stages[1:]]
    result = dict(seed=seed, seconds=seconds, steps=pace.step, epochs=epochs)
    result |= dict(plain=plain, views=viewed, blocks=blocks)
    return {**result, "curve": [*curve, (seconds, plain)]}, net


if __name__ == "__main__":
    race(__doc__, run, NETWORKS, RECIPE, LEFT_OUT)
