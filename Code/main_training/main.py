r"""
main · 模型训练
===============

Chapters 1 to 4 together: train a network on a data set, judge it, and leave pictures,
TensorBoard events and weights. Five steps: data, model, loss and optimizer, training,
evaluation.

:arguments: ``--dataset --epochs --batch-size --lr --seed --device --workers --threads
            --name``; every data set has defaults that learn.
:leaves:    ``Result/main_training/<data set>/<name>/``: ``net_params.pt`` of the epoch
            with the best validation accuracy, ``log/`` for TensorBoard, ``curves.png``,
            ``confusion_*.png``, ``mistakes.png``, ``report.json``
:the notes: linear weights from N(0, 0.01), SGD at 0.001 and a single epoch leave the
            original at 10 %, which is guessing. Here the layers keep PyTorch's own
            initial weights and SGD runs through one cycle of larger learning rates.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import torch
from sklearn.metrics import confusion_matrix
from tensorboardX import SummaryWriter
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    BadInput,
    BatchLoader,
    MyDataset,
    Net,
    accuracy,
    arguments,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    evaluate,
    fingerprint,
    fresh_dir,
    load_all,
    needs,
    only_one,
    pick_device,
    save_weights,
    train_epoch,
    weights_path,
    write_whole,
)

SETS = ("train", "valid", "test")
SIDE = 32  # pixels: what the network takes
IN_MEMORY = 2e9  # bytes: larger sets are read from the disk, image by image
DEFAULTS = {  # padding and flip: how the training images are varied
    "digits": dict(epochs=10, batch_size=32, lr=0.02, padding=2, flip=False),
    "cifar10": dict(epochs=32, batch_size=128, lr=0.05, padding=2, flip=True),
    "a folder": dict(epochs=40, batch_size=32, lr=0.02, padding=4, flip=True),
}


def settings_of(args):
    """Return the settings of this run, the data set's defaults filled in, and its name.

    :raises BadInput: a value that makes no sense, or other settings without a name
    """
    default = {**DEFAULTS.get(args.dataset.name, DEFAULTS["a folder"]), "seed": 0}
    given = {k: v for k, v in vars(args).items() if k in default and v is not None}
    settings = {**default, **given}
    for option in ("epochs", "batch_size", "lr"):
        if not 0 < settings[option] < float("inf"):
            raise BadInput(f"--{option.replace('_', '-')}: give a number above zero")
    if args.threads is None:  # small batches gain nothing from a second thread
        args.threads = (
            min(2, os.cpu_count() or 1) if settings["batch_size"] > 100 else 1
        )
    if args.threads < 1 or args.workers < 0:
        raise BadInput("--threads, --workers: give at least 1 thread and 0 workers")
    name = args.name or "default"
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise BadInput(f"--name {name}: give letters, digits, '-', '_' and '.' only")
    if name == "default" and settings != default:
        raise BadInput(
            "other settings than the default ones need a --name of their own: chapters "
            "2 and 4 look for the default weights"
        )
    return settings, name


def make_loaders(home, record, settings, workers, device):
    """Return batches to train on, varied, and {set: batches} of all as they are.

    A set that fits is kept in memory and cut into batches as a whole, which takes a
    fiftieth of the time; a larger one, or one with workers, goes image by image.
    """
    mean, std = record["mean"], record["std"]
    if not all(std):
        raise BadInput(f"{home}: all images have one colour: there is nothing to learn")
    size, seed = settings["batch_size"], settings["seed"]
    vary = dict(padding=settings["padding"], flip=settings["flip"])
    place = (SIDE + 2 * vary["padding"]) ** 2 * 3 * (1 + vary["flip"])
    if workers == 0 and record["images"] * place < IN_MEMORY:
        print("the set is kept in memory")
        images = {part: load_all(home / f"{part}.txt", SIDE) for part in SETS}
        common = dict(mean=mean, std=std, device=device)
        train = BatchLoader(
            *images["train"], size, shuffle=True, seed=seed, **vary, **common
        )
        return train, {part: BatchLoader(*images[part], 500, **common) for part in SETS}
    print(f"the set is read from the disk, by {workers or 'no'} worker processes")
    start = [v2.Resize((SIDE, SIDE)), v2.RandomCrop(SIDE, padding=vary["padding"])]
    start += [v2.RandomHorizontalFlip(0.5 if vary["flip"] else 0)]
    end = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]
    varied, plain = v2.Compose(start + end), v2.Compose(start[:1] + end)
    common = dict(num_workers=workers, persistent_workers=workers > 0)
    generator = torch.Generator().manual_seed(seed)
    dataset = MyDataset(home / "train.txt", varied)
    train = DataLoader(dataset, size, shuffle=True, generator=generator, **common)
    plain = {part: MyDataset(home / f"{part}.txt", plain) for part in SETS}
    return train, {part: DataLoader(plain[part], 500, **common) for part in SETS}


def main():
    """Read the arguments, train, judge, and leave everything in its place."""
    parser = arguments(__doc__)
    for option in ("--epochs", "--batch-size", "--seed"):
        parser.add_argument(option, type=int, metavar="N")
    parser.add_argument("--lr", type=float, help="the highest of the cycle")
    parser.add_argument("--device", help="cpu, cuda, mps … (default: the fastest)")
    parser.add_argument("--workers", type=int, default=0, help="read from the disk")
    parser.add_argument("--threads", type=int, help="default: 1, for large batches 2")
    parser.add_argument("--name", help="of the run: a folder below main_training/")
    args = parser.parse_args()
    settings, name = settings_of(args)
    data, device = args.dataset, pick_device(args.device)
    out = weights_path(data, name).parent
    with only_one(out):
        train_and_judge(data, settings, out, args.workers, args.threads, device)


def train_and_judge(data, settings, out, workers, threads, device):
    """Run the five steps; write what they leave into the folder ``out``."""
    torch.set_num_threads(threads)
    torch.manual_seed(settings["seed"])

    # 1. Data: chapter 1 makes what is missing
    record = json.loads(needs("mean_std", data).read_text(encoding="utf-8"))
    classes = data.record("index")["classes"]
    made_from = fingerprint("mean_std", data)
    batches, sets = make_loaders(data.home, record, settings, workers, device)
    print(
        f"{data.name}: {len(classes)} classes, {record['images']:,} images to train on"
    )

    # 2. Model: the same weights for the same seed
    net = Net(len(classes)).to(device, memory_format=torch.channels_last)

    # 3. Loss and optimizer: the learning rate rises from lr / 25 to lr, and falls to 0
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.SGD(
        net.parameters(), settings["lr"], momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    steps = settings["epochs"] * len(batches)
    scheduler = optim.lr_scheduler.OneCycleLR(
        optimizer, settings["lr"], steps, cycle_momentum=False
    )

    # 4. Training: keep the epoch that is best on images it has not learned from. Where
    # training mirrors images, an image is judged by itself and its mirror image.
    history, best, kept, total = [], None, None, 0.0
    with SummaryWriter(str(fresh_dir(out / "log"))) as writer:
        for epoch in range(1, settings["epochs"] + 1):
            start = time.perf_counter()
            loss, share = train_epoch(
                net, batches, loss_function, optimizer, scheduler, device
            )
            seconds = time.perf_counter() - start
            total += seconds
            if loss != loss:
                raise BadInput(f"epoch {epoch}: the loss is NaN: take a smaller --lr")
            scores, labels = evaluate(net, sets["valid"], device, settings["flip"])
            now = {"train_loss": loss, "train_accuracy": share}
            now["valid_loss"] = loss_function(scores, labels).item()
            now["valid_accuracy"] = accuracy(scores, labels)
            now["lr"] = optimizer.param_groups[0]["lr"]
            for tag, value in now.items():
                writer.add_scalar(tag.replace("_", "/"), value, epoch)
            history.append(now)
            print(one_line(epoch, now, record["images"] / seconds), flush=True)
            if best is None or goodness(now) > goodness(history[best - 1]):
                best = epoch
                kept = {k: v.clone() for k, v in net.state_dict().items()}

    print(f"{total:.1f} s of training, epoch {best} is kept")

    # 5. Evaluation: the test set is looked at here, once
    net.load_state_dict(kept)
    report = {"settings": settings, "best_epoch": best, "history": history}
    for part in SETS:
        scores, labels = evaluate(net, sets[part], device, settings["flip"])
        report[f"{part}_accuracy"] = accuracy(scores, labels)
        predicted = scores.argmax(1)
        counts = confusion_matrix(labels, predicted, labels=range(len(classes)))
        title = f"{data.name}, {part}: {100 * report[f'{part}_accuracy']:.1f} % right"
        draw_confusion(counts, classes, out / f"confusion_{part}.png", title)
    paths = MyDataset(data.home / "test.txt").paths
    probabilities = scores.softmax(1).numpy()
    draw_mistakes(
        paths, labels.numpy(), probabilities, classes, out / "mistakes.png", "test"
    )
    title = (
        f"{data.name}: {100 * report['test_accuracy']:.1f} % of the test images right"
    )
    draw_curves(history, best, out / "curves.png", title)
    write_whole(out / "report.json", json.dumps(report, indent=1) + "\n")
    info = dict(classes=classes, mean=record["mean"], std=record["std"], side=SIDE)
    info |= dict(made_from=made_from, epoch=best, mirror=settings["flip"])
    save_weights(out / "net_params.pt", net, info)
    print(
        f"test: {100 * report['test_accuracy']:.1f} % of {len(labels):,} images right"
    )
    print(f"look at {out}")


def one_line(number, epoch, speed):
    """Return what is worth seeing of an epoch, in one line."""
    parts = [f"epoch {number:3}"]
    for part in ("train", "valid"):
        share = 100 * epoch[f"{part}_accuracy"]
        parts.append(f"{part}: loss {epoch[f'{part}_loss']:.3f}, {share:5.1f} %")
    return "  ".join([*parts, f"lr {epoch['lr']:.1e}", f"{speed:,.0f} images/s"])


def goodness(epoch):
    """Return what is to grow: the validation accuracy; if equal, a smaller loss."""
    return epoch["valid_accuracy"], -epoch["valid_loss"]


if __name__ == "__main__":
    main()
