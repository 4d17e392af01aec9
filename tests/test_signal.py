"""The signal that the init lessons send through a deep network."""

import torch
from torch import nn

from utils import activations_through, signal_through


def identity(x):
    return x


def test_identity_passes_the_noise_unchanged():
    outputs = activations_through(nn.init.eye_, identity, layers=3, width=8, samples=5)
    assert [tuple(output.shape) for output in outputs] == [(5, 8)] * 3
    assert torch.equal(outputs[0], outputs[2])


def test_follows_its_definition():
    def init(weight):
        weight.normal_(std=0.3)

    outputs = activations_through(init, torch.tanh, layers=2, width=4, samples=3)
    torch.manual_seed(0)
    signal = torch.randn(3, 4)
    for output in outputs:
        signal = torch.tanh(nn.functional.linear(signal, torch.randn(4, 4) * 0.3))
        assert torch.allclose(signal, output)
    rms = signal_through(init, torch.tanh, layers=2, width=4, samples=3)
    expected = [output.pow(2).mean().sqrt() for output in outputs]
    assert torch.allclose(rms, torch.stack(expected))


def test_a_scaled_identity_scales_the_rms():
    def half(weight):
        nn.init.eye_(weight).mul_(0.5)

    rms = signal_through(half, identity, layers=4)
    assert torch.allclose(rms / rms[0], torch.tensor([1, 1 / 2, 1 / 4, 1 / 8]))
    assert abs(rms[0].item() - 0.5) < 0.01


def test_leaves_the_random_numbers_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = signal_through(nn.init.normal_, torch.tanh, layers=2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, signal_through(nn.init.normal_, torch.tanh, layers=2))
    other = signal_through(nn.init.normal_, torch.tanh, layers=2, seed=1)
    assert not torch.equal(first, other)


def test_sizes_that_nobody_names():
    outputs = activations_through(nn.init.eye_, identity)
    assert [tuple(output.shape) for output in outputs] == [(128, 512)] * 20
    rms = signal_through(nn.init.eye_, identity)
    expected = outputs[0].square().mean().sqrt()
    assert torch.equal(rms, expected.expand(20))


def test_the_weight_is_zero_where_init_leaves_it():
    outputs = activations_through(lambda weight: weight, identity, layers=1)
    assert outputs[0].count_nonzero() == 0
