r"""
main · 模型训练
===============

Chapters 1 to 4 together: train a network on a data set, judge it, and leave pictures,
TensorBoard events and weights. Five steps: data, model, loss and optimizer, training,
evaluation.

:arguments: ``--help`` lists them; every data set has defaults that learn
:leaves:    ``Result/main_training/<data set>/<name>/``: ``net_params.pt`` of the epoch
            with the best validation accuracy, ``log/`` for TensorBoard, ``curves.png``,
            ``confusion_*.png``, ``mistakes.png``, ``report.json``, and ``checkpoints/``
            for ``--resume``
:interrupt: it as you like. ``--resume`` goes on from the last checkpoint, and ends with
            the same weights and curves, bit for bit on a CPU, as a run that nobody
            interrupted.
:several:   ``torchrun --nproc-per-node=2 Code/main_training/main.py`` trains in two
            processes, which share every batch: the same training, in parallel
:the notes: linear weights from N(0, 0.01), SGD at 0.001 and a single epoch leave the
            original at 10 %, which is guessing. Here the layers keep PyTorch's own
            initial weights and SGD runs through one cycle of larger learning rates.
"""

import argparse
import json
import os
import re
import sys
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's own remarks

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import nn, optim
from torch.profiler import ProfilerActivity, record_function
from torch.utils.data import Subset
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # Code/
from utils import (
    BadInput,
    BatchLoader,
    DiskLoader,
    MyDataset,
    Net,
    accuracy,
    arguments,
    average_weights,
    balanced_weights,
    clear_checkpoints,
    count_predictions,
    device_of_this,
    do_first,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    evaluate,
    export_network,
    fingerprint,
    fresh_dir,
    from_first,
    gather_rows,
    join_processes,
    load_all,
    needs,
    newest_checkpoint,
    only_one,
    pick_device,
    save_weights,
    seed_of,
    share_buffers,
    share_of,
    slowest_stage,
    total,
    train_step,
    train_together,
    was_restarted,
    weights_path,
    write_checkpoint,
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
FOR_ALL = dict(
    seed=0,
    warmup=None,
    patience=None,
    label_smoothing=0.0,
    class_weights=None,
    clip_grad=None,
    accumulate=1,
    ema=None,
    amp=False,
)


def read_arguments():
    """Return what the command line says."""
    parser = arguments(__doc__)
    group = parser.add_argument_group("what is learned, and how (with a --name)")
    for option in ("--epochs", "--batch-size", "--seed"):
        group.add_argument(option, type=int, metavar="N")
    group.add_argument("--lr", type=float, help="the highest of the cycle")
    group.add_argument(
        "--warmup",
        type=float,
        metavar="EPOCHS",
        help="the learning rate rises for so long (default: 0.3 of all)",
    )
    group.add_argument(
        "--patience", type=int, metavar="EPOCHS", help="stop after so many, none better"
    )
    group.add_argument("--label-smoothing", type=float, metavar="SHARE")
    group.add_argument(
        "--class-weights",
        metavar="LIST",
        help="in the loss: balanced, or one number a class, with commas",
    )
    group.add_argument("--clip-grad", type=float, metavar="LENGTH")
    group.add_argument(
        "--accumulate", type=int, metavar="N", help="step after N batches"
    )
    group.add_argument(
        "--ema", type=float, metavar="DECAY", help="judge and keep the mean weights"
    )
    group.add_argument(
        "--amp",
        action="store_true",
        default=None,
        help="mixed precision: bfloat16, or float16 on GPUs without it",
    )
    group = parser.add_argument_group("where and how it runs")
    group.add_argument("--name", help="of the run: a folder below main_training/")
    group.add_argument("--resume", action="store_true", help="from the last checkpoint")
    group.add_argument(
        "--checkpoint-every", type=int, metavar="STEPS", help="not after epochs alone"
    )
    group.add_argument("--device", help="cpu, cuda, mps … (default: the fastest)")
    group.add_argument(
        "--workers", type=int, help="processes that read images from the disk"
    )
    group.add_argument("--threads", type=int, help="default: 1, for large batches 2")
    group.add_argument("--compile", action="store_true", help="with torch.compile")
    group.add_argument(
        "--channels-last",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the order in memory that convolutions like (default: yes)",
    )
    group.add_argument("--export", action="store_true", help="write net.pt2 as well")
    group.add_argument(
        "--profile", action="store_true", help="write trace.json, name the slowest part"
    )
    return parser.parse_args()


def settings_of(args):
    """Return the settings of this run, the data set's defaults filled in, and its name.

    :raises BadInput: a value that makes no sense, or other settings without a name
    """
    own = DEFAULTS.get(args.dataset.name, DEFAULTS["a folder"])
    default = {**own, **FOR_ALL}
    given = {k: v for k, v in vars(args).items() if k in default and v is not None}
    settings = {**default, **given}
    for option in ("epochs", "batch_size", "lr", "patience", "clip_grad", "accumulate"):
        value = settings[option]
        if value is not None and not 0 < value < float("inf"):
            raise BadInput(f"--{option.replace('_', '-')}: give a number above zero")
    for option in ("label_smoothing", "ema"):
        if not 0 <= (settings[option] or 0) < 1:
            raise BadInput(
                f"--{option.replace('_', '-')}: give a number from 0 below 1"
            )
    if not 0 <= (settings["warmup"] or 0) < settings["epochs"]:
        raise BadInput("--warmup: give a number of epochs from 0, below --epochs")
    counts = (args.threads or 1, (args.workers or 0) + 1, args.checkpoint_every or 1)
    if min(counts) < 1 or 0 in (args.threads, args.checkpoint_every):
        raise BadInput(
            "--threads, --checkpoint-every: give at least 1; --workers: at least 0"
        )
    name = args.name or "default"
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise BadInput(f"--name {name}: give letters, digits, '-', '_' and '.' only")
    if name == "default" and settings != default:
        raise BadInput(
            "other settings than the default ones need a --name of their own: chapters "
            "2 and 4 look for the default weights"
        )
    return settings, name


def main():
    """Read the arguments, then train in one process or in many."""
    args = read_arguments()
    settings, name = settings_of(args)
    device = device_of_this(pick_device(args.device), args.device is not None)
    out = weights_path(args.dataset, name).parent
    with join_processes(device) as together, ExitStack() as until_the_end:
        if together.first:
            until_the_end.enter_context(only_one(out))
        Training(args, settings, out, device, together).run()


class Training:
    """A run: five steps, in the order of :meth:`run`."""

    def __init__(self, args, settings, out, device, together):
        """Keep what was asked for; write into the folder ``out``."""
        self.args, self.settings, self.out = args, settings, out
        self.device, self.together, self.say = device, together, together.say
        cores = max(1, (os.cpu_count() or 1) // together.local_count)
        large = settings["batch_size"] > 100  # small ones gain nothing from a second
        torch.set_num_threads(args.threads or (min(2, cores) if large else 1))
        self.workers = min(8, cores) if args.workers is None else args.workers
        self.epoch, self.step = 1, 0  # of the epoch: steps that are done
        self.history, self.best, self.kept = [], None, None
        self.totals = None  # of the epoch: losses, weights, right ones, images
        self.exact = torch.float32 if device.type == "mps" else torch.float64

    def run(self):
        """Take the five steps; between the third and the fourth one may resume."""
        self.prepare_data()
        self.build()
        self.resume()
        self.train()
        self.judge()

    # 1. Data: chapter 1 makes what is missing

    def prepare_data(self):
        """Make the loaders: of batches to train on, varied, and of all sets as is.

        A set that fits is kept in memory and cut into batches as a whole, which takes a
        fiftieth of the time; a larger one, or one with workers, goes image by image.
        """
        data, together, settings = self.args.dataset, self.together, self.settings
        do_first(lambda: needs("mean_std", data), together.local_rank == 0)
        self.record = data.record("mean_std")
        mean, std = self.record["mean"], self.record["std"]
        if not all(std):
            raise BadInput(
                f"{data.home}: all images have one colour: there is nothing to learn"
            )
        self.classes = data.record("index")["classes"]
        self.made_from = fingerprint("mean_std", data)
        size = settings["batch_size"] * settings["accumulate"]
        rank = dict(rank=together.rank, processes=together.count)
        train = dict(shuffle=True, seed=settings["seed"], **rank)
        vary = dict(padding=settings["padding"], flip=settings["flip"])
        place = (SIDE + 2 * vary["padding"]) ** 2 * 3 * (1 + vary["flip"])
        place *= self.record["images"]
        self.in_memory = not self.args.workers and place < IN_MEMORY
        if self.in_memory:
            self.say(f"the set is kept in memory, {place / 1e6:,.0f} MB")
            images = {part: load_all(data.home / f"{part}.txt", SIDE) for part in SETS}
            self.labels = images["train"][1]
            common = dict(mean=mean, std=std, device=self.device)
            self.batches = BatchLoader(
                *images["train"], size, **train, **vary, **common
            )
            self.sets = {}
            for part in SETS:
                mine = share_of(len(images[part][1]), together.rank, together.count)
                some = (tensor[mine] for tensor in images[part])
                self.sets[part] = BatchLoader(*some, 500, **common)
        else:
            self.say(
                f"the set is read from the disk, by {self.workers or 'no'} worker "
                f"processes: {place / 1e6:,.0f} MB would be needed to keep it in memory"
            )
            start = [v2.Resize((SIDE, SIDE))]
            varied = [v2.RandomCrop(SIDE, padding=vary["padding"])]
            varied += [v2.RandomHorizontalFlip(0.5 if vary["flip"] else 0)]
            end = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
            end += [v2.Normalize(mean, std)]
            common = dict(workers=self.workers, pin_memory=self.device.type == "cuda")
            dataset = MyDataset(
                data.home / "train.txt", v2.Compose(start + varied + end)
            )
            self.labels = np.asarray(dataset.labels)
            self.batches = DiskLoader(dataset, size, **train, **common)
            self.sets, common["keep_workers"] = {}, False
            for part in SETS:
                plain = MyDataset(data.home / f"{part}.txt", v2.Compose(start + end))
                mine = share_of(len(plain), together.rank, together.count)
                some = Subset(plain, range(mine.start, mine.stop))
                self.sets[part] = DiskLoader(some, 500, **common)
        self.say(
            f"{data.name}: {len(self.classes)} classes, {self.record['images']:,} "
            "images to train on"
        )

    # 2. Model, and 3. loss and optimizer

    def build(self):
        """Make the network, and all that changes its weights."""
        settings, device, args = self.settings, self.device, self.args
        torch.manual_seed(settings["seed"])  # the same weights for the same seed
        self.net = Net(len(self.classes)).to(device)
        if args.channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.loss_function = nn.CrossEntropyLoss(
            self.class_weights(),
            reduction="sum",
            label_smoothing=settings["label_smoothing"],
        ).to(device)
        self.optimizer = optim.SGD(
            self.net.parameters(),
            settings["lr"],
            momentum=0.9,
            weight_decay=5e-4,
            nesterov=True,
        )
        # The learning rate rises from lr / 25 to lr, and falls to 0.
        steps = settings["epochs"] * len(self.batches)
        rise = 0.3
        if settings["warmup"] is not None:
            rise = settings["warmup"] / settings["epochs"]
        if abs(rise * steps - 1) < 1e-6:  # OneCycleLR would divide by zero
            rise = 1.001 / steps
        self.scheduler = optim.lr_scheduler.OneCycleLR(
            self.optimizer, settings["lr"], steps, pct_start=rise, cycle_momentum=False
        )
        self.ema = settings["ema"] and average_weights(self.net, settings["ema"])
        self.amp = None
        if settings["amp"]:
            half = device.type == "cuda" and not torch.cuda.is_bf16_supported(False)
            self.amp = torch.float16 if half else torch.bfloat16
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=self.amp == torch.float16
        )
        self.trained = self.net  # the same weights, perhaps compiled and shared
        if args.compile:
            self.trained = self.compiled(self.trained)
        self.trained = train_together(self.trained, device)

    def class_weights(self):
        """Return the weights of the classes in the loss; None if all are alike."""
        given = self.settings["class_weights"]
        if given is None:
            return None
        if given == "balanced":
            return balanced_weights(self.labels, len(self.classes))
        try:
            weights = torch.tensor([float(number) for number in given.split(",")])
        except ValueError:
            weights = torch.empty(0)
        fine = weights.isfinite().all() and (weights >= 0).all() and weights.any()
        if len(weights) != len(self.classes) or not fine:
            raise BadInput(
                f"--class-weights {given}: give balanced, or {len(self.classes)} "
                "numbers, none below zero and not all zero, with commas between them"
            )
        return weights

    def compiled(self, net):
        """Return the network, compiled: the first batch shows whether that works."""
        begin = time.perf_counter()
        compiled = torch.compile(net)
        try:
            compiled(torch.zeros(2, 3, SIDE, SIDE, device=self.device)).sum().backward()
        except Exception as error:  # it calls a compiler, or lacks one
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(
                f"--compile: does not work here ({reason[0][:80]}): leave it out"
            ) from error
        self.optimizer.zero_grad()
        self.say(f"compiled in {time.perf_counter() - begin:.1f} s")
        return compiled

    # Checkpoints: all that the next step depends on. What is random comes from the
    # seed and the numbers of epoch and step: of generators there is nothing to keep.

    def state(self):
        """Return all that the rest of the training depends on."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "totals": self.totals,
            "history": self.history,
            "best": self.best,
            "kept": self.kept,
        }

    def belongs_to(self):
        """Return the settings that a checkpoint belongs to.

        Images from memory are varied in another way than those from the disk.
        """
        place = {"data": self.made_from, "in_memory": self.in_memory}
        return {**self.settings, **place}

    def checkpoint(self):
        """Write a checkpoint; the last two are kept."""
        rows = None
        if self.totals is not None:  # those of each process
            rows = gather_rows(self.totals.cpu()[None])
        if self.together.first:
            done = (self.epoch - 1) * len(self.batches) + self.step
            state = {**self.state(), "totals": rows}
            folder = self.out / "checkpoints"
            write_checkpoint(folder, done, state, self.belongs_to())

    def resume(self):
        """With --resume, take up the training where the newest checkpoint left it.

        Without it, the checkpoints of an earlier run are deleted. What torchrun starts
        again after a failure is resumed in any case.
        """
        folder, found = self.out / "checkpoints", [None]
        again = self.args.resume or was_restarted()

        def look():
            for left_over in self.out.rglob("*.part"):  # of a process that was killed
                left_over.unlink()
            if not again:
                clear_checkpoints(folder)
            found[0] = newest_checkpoint(folder, self.belongs_to(), self.say)

        do_first(look, self.together.first)
        state = from_first(found[0])
        if state is None:
            if again:
                self.say(f"{folder}: no checkpoint: starting from the beginning")
            return
        try:
            self.take_up(state)
        except Exception as error:  # whatever a state of another kind leads to
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadInput(
                f"{folder}: what the newest checkpoint holds is not what this program "
                f"keeps ({reason[:80]}): leave --resume out and start afresh"
            ) from error
        self.say(f"resuming: epoch {self.epoch}, {self.step} steps of it done")

    def take_up(self, state):
        """Go on with what :meth:`state` returned."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        if self.ema:
            self.ema.load_state_dict(state["ema"])
        for name in ("epoch", "step", "history", "best", "kept"):
            setattr(self, name, state[name])
        if state["totals"] is not None:
            rows, mine = state["totals"].to(self.exact), self.together
            same = len(rows) == mine.count  # else the first one goes on with the sum
            row = rows[mine.rank] if same else rows.sum(0) * mine.first
            self.totals = row.to(self.device)

    # 4. Training: keep the epoch that is best on images it has not learned from. Where
    # training mirrors images, an image is judged by itself and its mirror image.

    def train(self):
        """Train the epochs that are left; log, print and keep what they bring."""
        seconds = 0.0
        with ExitStack() as until_the_end:
            self.writer = None
            if self.together.first:
                log = str(fresh_dir(self.out / "log"))
                self.writer = until_the_end.enter_context(SummaryWriter(log))
                for number, epoch in enumerate(self.history, 1):
                    self.log(epoch, number)
            self.watch = self.profiler()
            until_the_end.enter_context(self.watch or nullcontext())
            while self.epoch <= self.settings["epochs"] and not self.is_enough():
                start, done = time.perf_counter(), self.step
                self.train_epoch()
                spent = time.perf_counter() - start
                seconds += spent
                steps = len(self.batches) - done
                speed = self.record["images"] * steps / len(self.batches) / spent
                self.finish_epoch(speed)
        self.say(f"{seconds:.1f} s of training, epoch {self.best} is kept")

    def is_enough(self):
        """Return whether --patience is over."""
        patience = self.settings["patience"]
        return bool(patience and self.best and self.epoch - self.best > patience)

    def train_epoch(self):
        """Train on every batch once: those that are left of the epoch."""
        settings, device = self.settings, self.device
        self.trained.train()
        self.batches.set_epoch(self.epoch, self.step)
        if self.totals is None:
            self.totals = torch.zeros(4, dtype=self.exact, device=device)
        batches, every = iter(self.batches), self.args.checkpoint_every
        while self.step < len(self.batches):
            seed = seed_of(settings["seed"], self.epoch, self.step, self.together.rank)
            torch.manual_seed(seed)  # of what draws inside the network, as dropout does
            with record_function("data"):
                images, labels = (
                    t.to(device, non_blocking=device.type == "cuda")
                    for t in next(batches)
                )
            self.totals += train_step(
                self.trained,
                images,
                labels,
                self.loss_function,
                self.optimizer,
                amp=self.amp,
                scaler=self.scaler,
                clip_grad=settings["clip_grad"],
                accumulate=settings["accumulate"],
            )
            self.scheduler.step()
            if self.ema:
                self.ema.update_parameters(self.net)
            self.step += 1
            if self.watch:
                self.watch.step()
            if every and self.step % every == 0 and self.step < len(self.batches):
                self.refuse_nan(total(self.totals))
                self.checkpoint()

    def refuse_nan(self, totals):
        """End the run if the loss is no number any more."""
        if not totals.isfinite().all():
            self.together.refuse(
                f"epoch {self.epoch}: the loss is NaN: take a smaller --lr"
            )

    def finish_epoch(self, speed):
        """Judge the epoch on the validation set; log, print and keep it."""
        totals = total(self.totals)
        self.refuse_nan(totals)
        losses, weights, right, images = totals.tolist()
        now = {"train_loss": losses / weights, "train_accuracy": right / images}
        scores, labels = self.scores_of("valid")
        now["valid_loss"] = self.mean_loss(scores, labels)
        now["valid_accuracy"] = accuracy(scores, labels)
        now["lr"] = self.optimizer.param_groups[0]["lr"]
        now = from_first(now)  # other processors may round in another way
        self.history.append(now)
        if self.best is None or goodness(now) > goodness(self.history[self.best - 1]):
            self.best = self.epoch
            state = self.judged().state_dict()
            self.kept = {name: value.clone().cpu() for name, value in state.items()}
        if self.writer:
            self.log(now, self.epoch)
            self.writer.flush()
        self.say(one_line(self.epoch, now, speed))
        self.epoch, self.step, self.totals = self.epoch + 1, 0, None
        self.checkpoint()

    def log(self, epoch, number):
        """Log what is known of an epoch."""
        for tag, value in epoch.items():
            self.writer.add_scalar(tag.replace("_", "/"), value, number)

    def judged(self):
        """Return the network that is judged and kept: with --ema the mean one."""
        return self.ema.module if self.ema else self.net

    def scores_of(self, part):
        """Return scores and labels of all images of a set, from all processes."""
        net, mirror = self.judged(), self.settings["flip"]
        share_buffers(net)
        scores, labels = evaluate(net, self.sets[part], self.device, mirror)
        scores = scores.view(len(labels), len(self.classes))
        return gather_rows(scores), gather_rows(labels)

    def mean_loss(self, scores, labels):
        """Return the mean loss, weighted as in training."""
        function = nn.CrossEntropyLoss(
            self.loss_function.weight,
            label_smoothing=self.loss_function.label_smoothing,
        )
        return function.cpu()(scores, labels).item()

    def profiler(self):
        """Return what watches ten steps, after five others, with --profile."""
        if not self.args.profile or not self.together.first:
            return None
        kinds = [ProfilerActivity.CPU]
        if self.device.type == "cuda":
            kinds.append(ProfilerActivity.CUDA)

        def report(profiler):
            part = self.out / f"trace.json.{os.getpid()}.part"
            profiler.export_chrome_trace(str(part))
            part.replace(self.out / "trace.json")
            name, stages = slowest_stage(profiler)
            if not any(stages.values()):
                return  # the training ended before the ten steps
            shares = ", ".join(
                f"{stage} {time / sum(stages.values()):.0%}"
                for stage, time in stages.items()
            )
            print(f"slowest: {name} ({shares}); {self.out / 'trace.json'}", flush=True)

        schedule = torch.profiler.schedule(wait=3, warmup=2, active=10, repeat=1)
        return torch.profiler.profile(
            activities=kinds, schedule=schedule, on_trace_ready=report
        )

    # 5. Evaluation: the test set is looked at here, once

    def judge(self):
        """Judge the kept weights on all sets; leave pictures, report and weights."""
        data, out, classes = self.args.dataset, self.out, self.classes
        net, mirror = self.judged(), self.settings["flip"]
        net.load_state_dict(self.kept)
        counts = {}
        for part in SETS:
            some = count_predictions(
                net, self.sets[part], len(classes), self.device, mirror
            )
            counts[part] = total(some.to(self.device)).cpu()
        scores, labels = self.scores_of("test")
        if not self.together.first:
            return
        report = {"settings": self.settings, "best_epoch": self.best}
        report["history"] = self.history
        for part, table in counts.items():
            share = (table.diagonal().sum() / table.sum().double()).item()
            report[f"{part}_accuracy"] = share
            title = f"{data.name}, {part}: {100 * share:.1f} % right"
            picture = out / f"confusion_{part}.png"
            draw_confusion(table.numpy(), classes, picture, title)
        paths = MyDataset(data.home / "test.txt").paths
        chances = scores.softmax(1).numpy()
        picture = out / "mistakes.png"
        draw_mistakes(paths, labels.numpy(), chances, classes, picture, "test")
        right = f"{100 * report['test_accuracy']:.1f} %"
        title = f"{data.name}: {right} of the test images right"
        draw_curves(self.history, self.best, out / "curves.png", title)
        write_whole(out / "report.json", json.dumps(report, indent=1) + "\n")
        info = dict(classes=classes, mean=self.record["mean"], std=self.record["std"])
        info |= dict(side=SIDE, made_from=self.made_from, epoch=self.best)
        info |= dict(mirror=self.settings["flip"])
        save_weights(out / "net_params.pt", net, info)
        for name in ("net.pt2", "trace.json"):  # those of an earlier run
            if not (self.args.profile and name == "trace.json"):
                (out / name).unlink(missing_ok=True)
        if self.args.export:
            images = next(iter(self.sets["test"]))[0].cpu()[:16]
            difference = export_network(net, images, out / "net.pt2")
            print(f"{out / 'net.pt2'}: scores differ by {difference:.0e} at most")
        print(f"test: {right} of {len(labels):,} images right")
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
