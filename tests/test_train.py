"""One step of training: the gradient of the mean loss, however the batch is cut."""

import errno

import pytest
import torch
from torch import nn

from utils import (
    BadInput,
    Net,
    average_weights,
    balanced_weights,
    count_predictions,
    evaluate,
    export_network,
    read_weights,
    train,
    train_epoch,
    train_step,
)


class Small(nn.Module):
    """Enough of a network, in float64."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.double()

    def forward(self, x):
        return self.layers(x)


def batch(count=10):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(count, 6, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (count,), generator=generator)


WEIGHTS = torch.tensor([1.0, 0.5, 3.0, 0.25], dtype=torch.float64)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, WEIGHTS])
@pytest.mark.parametrize("accumulate", [1, 3, 10, 50])
def test_follows_the_gradient_of_the_mean_loss(accumulate, weight, smoothing):
    x, y = batch()
    net = Small()
    options = dict(weight=weight, label_smoothing=smoothing)
    mean = nn.CrossEntropyLoss(**options)(net(x), y)
    expected = torch.autograd.grad(mean, list(net.parameters()))
    optimizer = torch.optim.SGD(net.parameters(), 1.0)
    before = [p.detach().clone() for p in net.parameters()]
    with torch.no_grad():
        right = (net(x).argmax(1) == y).sum().item()
    sums = train_step(
        net,
        x,
        y,
        nn.CrossEntropyLoss(**options, reduction="sum"),
        optimizer,
        accumulate=accumulate,
    )
    for p, old, g in zip(net.parameters(), before, expected, strict=True):
        torch.testing.assert_close(p.detach(), old - g, rtol=1e-12, atol=1e-14)
    losses, weights, hits, images = sums.tolist()
    assert losses / weights == pytest.approx(mean.item(), rel=1e-12)
    assert (hits, images) == (right, 10)


def test_a_batch_without_weight_changes_nothing():
    x, y = batch()
    net = Small()
    before = [p.detach().clone() for p in net.parameters()]
    loss = nn.CrossEntropyLoss(torch.zeros(4).double(), reduction="sum")
    sums = train_step(net, x, y, loss, torch.optim.SGD(net.parameters(), 1.0))
    assert sums[:2].tolist() == [0, 0] and sums[3] == 10
    for p, old in zip(net.parameters(), before, strict=True):
        assert torch.equal(p.detach(), old)


def test_images_are_judged_as_they_are_by_all_of_the_network():
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5)).train()
    images, labels = torch.randn(20, 3), torch.zeros(20, dtype=torch.int64)
    scores, _ = evaluate(net, [(images, labels)])
    assert torch.equal(scores, images)
    assert count_predictions(net.train(), [(images, labels)], 3).sum() == 20


@pytest.mark.parametrize("mirror", [False, True])
def test_predictions_are_counted(mirror):
    torch.manual_seed(0)
    net, images = Net(4), torch.randn(30, 3, 32, 32)
    labels = torch.randint(4, (30,))
    batches = [(images[:20], labels[:20]), (images[20:], labels[20:])]
    counts = count_predictions(net, batches, 4, mirror=mirror)
    scores, _ = evaluate(net, batches, mirror=mirror)
    by_hand = torch.zeros(4, 4, dtype=torch.int64)
    for true, found in zip(labels, scores.argmax(1), strict=True):
        by_hand[true, found] += 1
    assert torch.equal(counts, by_hand)


def test_ignored_labels_do_not_count():
    x, y = batch()
    some, one = Small(), Small()
    loss = nn.CrossEntropyLoss(reduction="sum")
    marked = y.clone()
    marked[3:] = -100
    for net, images, labels in ((some, x, marked), (one, x[:3], y[:3])):
        sums = train_step(
            net, images, labels, loss, torch.optim.SGD(net.parameters(), 1.0)
        )
        assert sums[3] == 3
    for a, b in zip(some.parameters(), one.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_the_gradient_is_clipped_as_a_whole():
    x, y = batch()
    net, free = Small(), Small()
    loss = nn.CrossEntropyLoss(reduction="sum")
    start = torch.cat([p.detach().flatten() for p in net.parameters()])
    for one, clip in ((net, 0.01), (free, None)):
        optimizer = torch.optim.SGD(one.parameters(), 1.0)
        train_step(one, x, y, loss, optimizer, clip_grad=clip)
    step, whole = (
        torch.cat([p.detach().flatten() for p in one.parameters()]) - start
        for one in (net, free)
    )
    assert whole.norm() > 0.1
    assert step.norm().item() == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(step / step.norm(), whole / whole.norm())


def test_clipping_sees_gradients_without_the_scale():
    x, y = batch()
    loss = nn.CrossEntropyLoss(reduction="sum")
    nets = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=1024.0)):
        net = Small().float()
        optimizer = torch.optim.SGD(net.parameters(), 1.0)
        train_step(net, x.float(), y, loss, optimizer, scaler=scaler, clip_grad=0.01)
        nets.append(net)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(a, b)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32():
    seen = []
    net = Small().float()
    net.layers[0].register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    x, y = batch()
    loss = nn.CrossEntropyLoss(reduction="sum")
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    train_step(net, x.float(), y, loss, optimizer, amp=torch.bfloat16)
    assert seen == [torch.bfloat16]
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in net.parameters()} == {torch.float32}


def test_steps_make_an_epoch():
    x, y = batch(30)
    one, two = Small(), Small()
    batches = [(x[i : i + 7], y[i : i + 7]) for i in range(0, 30, 7)]
    loss, share = train_epoch(
        one, batches, nn.CrossEntropyLoss(), torch.optim.SGD(one.parameters(), 0.5)
    )
    optimizer = torch.optim.SGD(two.parameters(), 0.5)
    function = nn.CrossEntropyLoss(reduction="sum")
    sums = sum(train_step(two, *some, function, optimizer) for some in batches)
    assert (sums[0] / sums[1]).item() == pytest.approx(loss, rel=1e-6)
    assert (sums[2] / sums[3]).item() == pytest.approx(share)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_balanced_weights_give_each_class_the_same_sum():
    labels = [0] * 6 + [1] * 3 + [2] * 1
    weights = balanced_weights(labels, 3)
    sums = [weight * labels.count(i) for i, weight in enumerate(weights.tolist())]
    assert sums == pytest.approx([10 / 3] * 3)
    with pytest.raises(BadInput, match="label 1 has no image"):
        balanced_weights([0, 2], 3)


def test_average_weights_by_hand():
    net = nn.Linear(2, 1)
    ema = average_weights(net, 0.75)
    by_hand = None
    for _ in range(4):
        with torch.no_grad():
            net.weight.add_(torch.randn(1, 2))
        ema.update_parameters(net)
        now = net.weight.detach().clone()
        by_hand = now if by_hand is None else 0.75 * by_hand + 0.25 * now
    torch.testing.assert_close(ema.module.weight.detach(), by_hand)


def test_an_exported_network_gives_the_same_scores(tmp_path):
    torch.manual_seed(0)
    net = Net(7).to(memory_format=torch.channels_last).train()
    images = torch.randn(5, 3, 32, 32)
    assert export_network(net, images, tmp_path / "net.pt2") < 1e-5
    assert net.training  # as it was
    program = torch.export.load(tmp_path / "net.pt2").module()
    net.eval()
    for count in (1, 4, 9):  # any size of batch
        some = torch.randn(count, 3, 32, 32)
        torch.testing.assert_close(program(some), net(some), rtol=1e-4, atol=1e-5)


def test_the_largest_difference_of_an_export_is_returned(tmp_path, monkeypatch):
    net = nn.Linear(2, 3)
    off = torch.tensor([0.0, 5e-5, -1e-5])

    class Program:
        def module(self):
            return lambda images: net(images) + off

    monkeypatch.setattr(torch.export, "load", lambda file: Program())
    images = torch.zeros(4, 2)
    found = export_network(net, images, tmp_path / "net.pt2")
    assert found == pytest.approx(5e-5, rel=0.01)
    off *= 100
    with pytest.raises(
        RuntimeError, match=r"other\.pt2: gives other scores, by 5\.0e-03"
    ):
        export_network(net, images, tmp_path / "other.pt2")
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt2"]


@pytest.mark.parametrize(
    "content",
    [
        {"net": {}, "info": {}},
        {"net": {"a": 1}, "info": {}},
        {"net": {"a": torch.ones(1)}, "info": [1]},
        {"net": {"a": torch.ones(1)}},
    ],
)
def test_weights_and_what_one_must_know_of_them_or_nothing(content, tmp_path):
    path = tmp_path / "net.pt"
    torch.save(content, path)
    with pytest.raises(BadInput, match=r"net\.pt: holds no weights of main\.py"):
        read_weights(path)
    torch.save([1], path)
    with pytest.raises(BadInput, match=r"main\.py \(it is no dictionary\)"):
        read_weights(path)
    torch.save({"net": {"a": torch.ones(1)}, "info": {}}, path)
    assert read_weights(path)[1] == {}


def test_an_export_that_differs_is_not_passed_over(tmp_path, monkeypatch):
    other = Net(7)
    save = torch.export.save

    def save_another(program, file):
        wrong = torch.export.export(other.eval(), (torch.zeros(2, 3, 32, 32),))
        save(wrong, file)

    monkeypatch.setattr(torch.export, "save", save_another)
    with pytest.raises((RuntimeError, AssertionError)):
        export_network(Net(7), torch.randn(2, 3, 32, 32), tmp_path / "net.pt2")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_cannot_be_read_now_are_not_called_damaged(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(train, "read_bounded", full)
    with pytest.raises(OSError, match="Too many open files"):
        read_weights(tmp_path / "net.pt")
