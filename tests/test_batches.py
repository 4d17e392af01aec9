"""The batches of a training do not depend on who makes them, or since when."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from utils import (
    BatchLoader,
    DiskLoader,
    MyDataset,
    count_predictions,
    evaluate,
    seed_of,
    share_of,
)
from utils.batches import NOBODY, EpochOrder

IMAGES = torch.randint(
    0, 256, (45, 12, 12, 3), dtype=torch.uint8, generator=torch.Generator()
)
LABELS = torch.arange(45)
LOOK = dict(mean=[0.4, 0.5, 0.6], std=[0.2, 0.2, 0.3])


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    lines = []
    for i, pixels in enumerate(IMAGES.numpy()):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{i}.png")
        lines.append(f"{i}.png\t{i}\n")
    path = folder / "train.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def in_memory(index, batch=8, **options):
    return BatchLoader(
        IMAGES, LABELS, batch, padding=2, flip=True, shuffle=True, **LOOK, **options
    )


def from_disk(index, batch=8, **options):
    vary = [v2.RandomCrop(12, padding=2), v2.RandomHorizontalFlip()]
    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    dataset = MyDataset(index, v2.Compose(vary + tensor))
    return DiskLoader(dataset, batch, shuffle=True, **options)


both = pytest.mark.parametrize("make", [in_memory, from_disk])


def same(one, other):
    return len(one) == len(other) and all(
        torch.equal(x, u) and torch.equal(y, v)
        for (x, y), (u, v) in zip(one, other, strict=True)
    )


@both
def test_any_step_can_be_the_first(make, index):
    loader = make(index)
    first, second = list(loader), list(loader)
    assert len(first) == len(loader) == 6
    assert not same(first, second)
    again = make(index)
    again.set_epoch(1, start=4)
    assert same(list(again), second[4:])
    assert same(list(again), list(loader))  # both go on with the third epoch


@both
@pytest.mark.parametrize("processes", [2, 3, 5])
def test_together_they_make_the_batches_of_one(make, index, processes):
    alone = list(make(index, batch=11, seed=3))
    parts = [
        list(make(index, batch=11, seed=3, rank=rank, processes=processes))
        for rank in range(processes)
    ]
    assert {len(part) for part in parts} == {len(alone)} == {5}
    for step, (images, labels) in enumerate(alone):  # the last batch has one image
        mine = [part[step] for part in parts]
        real = [(x[y != NOBODY], y[y != NOBODY]) for x, y in mine]
        assert torch.equal(torch.cat([x for x, _ in real]), images)
        assert torch.equal(torch.cat([y for _, y in real]), labels)
        assert all(len(y) for _, y in mine)  # nobody stands aside


def test_worker_processes_change_nothing(index):
    alone = list(from_disk(index))
    loader = from_disk(index, workers=2)
    assert same(list(loader), alone)
    loader.set_epoch(0, start=3)
    assert same(list(loader), alone[3:])


def test_draws_do_not_touch_the_generator_of_all(index):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(in_memory(index))
    assert torch.equal(torch.rand(3), expected)
    dataset = from_disk(index).loader.dataset
    torch.manual_seed(5)
    one, two = dataset[3, 7, True][0], dataset[3, 8, True][0]
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, dataset[3, 7, True][0]) and not torch.equal(one, two)


def test_shares_are_all_and_nearly_alike():
    for count in (0, 1, 5, 128, 131):
        for processes in (1, 2, 3, 7):
            parts = [
                range(count)[share_of(count, r, processes)] for r in range(processes)
            ]
            assert [i for part in parts for i in part] == list(range(count))
            sizes = [len(part) for part in parts]
            assert max(sizes) - min(sizes) <= 1


def test_seeds_are_many_and_known():
    seeds = {seed_of(a, b, c) for a in range(20) for b in range(20) for c in range(5)}
    assert len(seeds) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, 23) != seed_of(12, 3)
    assert seed_of(0, 1) == 6096812863120040317  # on every machine


def test_a_set_smaller_than_the_number_of_processes():
    nothing = BatchLoader(IMAGES[:0], LABELS[:0], 8, **LOOK)
    assert list(nothing) == [] and len(nothing) == 0
    scores, labels = evaluate(torch.nn.Flatten(), nothing)
    assert scores.numel() == len(labels) == 0
    assert count_predictions(torch.nn.Flatten(), nothing, 3).tolist() == [[0] * 3] * 3


def test_an_order_without_shuffling():
    order = EpochOrder(7, 3)
    assert [share.chosen.tolist() for share in order] == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_label_of_nobody_is_the_one_that_cross_entropy_ignores():
    assert torch.nn.CrossEntropyLoss().ignore_index == NOBODY


@both
def test_what_nobody_names(make, index):
    plain = list(make(index))
    named = dict(seed=0, rank=0, processes=1)
    assert same(plain, list(make(index, **named)))
    again = make(index)
    again.set_epoch(0)  # from its first batch on
    assert same(plain, list(again))
    assert all((y != NOBODY).all() for _, y in plain)


def test_unless_told_images_are_neither_varied_nor_shuffled(index):
    loaders = [BatchLoader(IMAGES, LABELS, 8, **LOOK)]
    loaders.append(DiskLoader(MyDataset(index, v2.ToImage()), 8))
    for loader in loaders:
        labels = torch.cat([y for _, y in loader])
        assert torch.equal(labels, LABELS)
    pixels = torch.cat([x for x, _ in loaders[0]]).permute(0, 2, 3, 1)
    expected = (IMAGES / 255 - torch.tensor(LOOK["mean"])) / torch.tensor(LOOK["std"])
    torch.testing.assert_close(pixels, expected, rtol=1e-5, atol=1e-5)
    (share,) = EpochOrder(3, 5)
    assert share.chosen.tolist() == [0, 1, 2]
    assert (share.part, share.counts) == (slice(0, 3), True)


def test_workers_stay_unless_told_otherwise(index):
    loader = from_disk(index, workers=1).loader
    assert (loader.num_workers, loader.persistent_workers) == (1, True)
    assert len(loader) == 6
    assert not loader.pin_memory
    loader = from_disk(index, workers=2, keep_workers=False, pin_memory=True).loader
    assert (loader.persistent_workers, loader.pin_memory) == (False, True)
    assert not from_disk(index).loader.persistent_workers
    assert len(loader.dataset) == 45
