"""The fast path varies images exactly as the lesson's pipeline does."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from utils import BatchLoader

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def loader(images, **options):
    labels = torch.arange(len(images))
    return BatchLoader(
        images, labels, mean=MEAN, std=STD, **{"batch_size": 7, **options}
    )


def variants(image, padding, flip):
    """All pictures (H, W, C) that crop and flip can make of one, as bytes."""
    height, width, _ = image.shape
    padded = torch.nn.functional.pad(image, (0, 0, *[padding] * 4))
    found = {}
    for mirrored in (0, 1) if flip else (0,):
        for top in range(2 * padding + 1):
            for left in range(2 * padding + 1):
                window = padded[top : top + height, left : left + width]
                window = window.flip(1) if mirrored else window
                found[window.contiguous().numpy().tobytes()] = (top, left, mirrored)
    return found


def pixels_of(batch):
    """Undo the normalisation: (B, C, H, W) floats to uint8 (B, H, W, C)."""
    mean, std = (torch.tensor(x).view(-1, 1, 1) for x in (MEAN, STD))
    return ((batch * std + mean) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def draws_of_loader(image, padding, flip, count):
    images = image.expand(count, *image.shape).contiguous()
    found = loader(images, batch_size=500, padding=padding, flip=flip, shuffle=True)
    return torch.cat([pixels_of(batch) for batch, _ in found])


def draws_of_transforms(image, padding, flip, count):
    torch.manual_seed(0)
    vary = v2.Compose(
        [
            v2.RandomCrop(tuple(image.shape[:2]), padding=padding),
            v2.RandomHorizontalFlip(0.5 if flip else 0),
        ]
    )
    picture = image.permute(2, 0, 1)
    return torch.stack([vary(picture).permute(1, 2, 0) for _ in range(count)])


@pytest.mark.parametrize("draws", [draws_of_loader, draws_of_transforms])
@pytest.mark.parametrize(("padding", "flip"), [(1, True), (2, False), (0, True)])
def test_same_distribution_of_crops_and_flips(draws, padding, flip):
    image = torch.randint(
        1, 256, (6, 5, 3), dtype=torch.uint8, generator=torch.Generator()
    )
    ways = variants(image, padding, flip)
    expected = 150
    drawn = draws(image, padding, flip, expected * len(ways))
    counts = dict.fromkeys(ways.values(), 0)
    for one in drawn:
        counts[ways[one.contiguous().numpy().tobytes()]] += 1  # KeyError: no such crop
    # Chi-squared against equal shares: its mean is ``degrees``, its variance twice that
    chi = sum((n - expected) ** 2 / expected for n in counts.values())
    degrees = len(ways) - 1
    assert abs(chi - degrees) < 5 * (2 * degrees) ** 0.5 + 3


def test_normalised_as_the_transforms_do():
    images = torch.randint(0, 256, (20, 32, 32, 3), dtype=torch.uint8)
    prepare = v2.Compose(
        [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    )
    by_transforms = prepare(images.permute(0, 3, 1, 2))
    got = torch.cat([batch for batch, _ in loader(images)])
    torch.testing.assert_close(got, by_transforms, rtol=1e-5, atol=1e-5)
    assert got[:7].is_contiguous(memory_format=torch.channels_last)


def test_every_image_once_an_epoch_with_its_label():
    images = torch.arange(50, dtype=torch.uint8).view(50, 1, 1, 1).expand(50, 4, 4, 3)
    batches = loader(images.contiguous(), shuffle=True, seed=3)
    orders = []
    for _ in range(2):
        labels = torch.cat([y for _, y in batches])
        values = torch.cat([pixels_of(x)[:, 0, 0, 0] for x, _ in batches])
        assert sorted(labels.tolist()) == list(range(50))
        assert len(values) == 50
        orders.append(labels.tolist())
    assert orders[0] != orders[1] != sorted(orders[1])
    pairs = [(int(pixels_of(x)[0, 0, 0, 0]), int(y[0])) for x, y in batches]
    assert all(value == label for value, label in pairs)
    assert len(batches) == 8 == len(list(DataLoader(TensorDataset(images), 7)))


def test_the_seed_decides():
    images = torch.randint(0, 256, (30, 8, 8, 3), dtype=torch.uint8)
    options = dict(padding=2, flip=True, shuffle=True)
    one, two, other = (
        torch.cat([x for x, _ in loader(images, seed=seed, **options)])
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_the_set_itself_is_never_changed():
    images = torch.randint(0, 256, (10, 8, 8, 3), dtype=torch.uint8)
    before = images.clone()
    batches = loader(images, padding=0)
    first = [x.clone() for x, _ in batches]
    for x, _ in batches:
        x.zero_()
    assert torch.equal(images, before)
    assert all(torch.equal(a, x) for a, (x, _) in zip(first, batches, strict=True))
