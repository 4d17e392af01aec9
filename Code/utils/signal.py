"""A signal on its way through a deep network, for the lessons on initial weights."""

from __future__ import annotations

from collections.abc import Callable

import torch


def activations_through(
    init: Callable[[torch.Tensor], object],
    activation: Callable[[torch.Tensor], torch.Tensor],
    *,
    layers: int = 20,
    width: int = 512,
    samples: int = 128,
    seed: int = 0,
) -> list[torch.Tensor]:
    """Send noise through ``layers`` linear layers without bias.

    The noise is normal, of mean 0 and standard deviation 1. The caller's random numbers
    are left as they were.

    :param init: fills a weight of shape (width, width) in place
    :param activation: follows each layer
    :return: for each layer what comes after its activation, float (samples, width)
    """
    outputs = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        signal = torch.randn(samples, width)
        for _ in range(layers):
            weight = torch.zeros(width, width)
            init(weight)
            signal = activation(signal @ weight.T)
            outputs.append(signal)
    return outputs


def signal_through(
    init: Callable[[torch.Tensor], object],
    activation: Callable[[torch.Tensor], torch.Tensor],
    *,
    layers: int = 20,
    width: int = 512,
    samples: int = 128,
    seed: int = 0,
) -> torch.Tensor:
    """Return the root mean square of the activations after each layer, (layers,).

    The signal sets out at 1. The arguments are those of :func:`activations_through`.
    """
    outputs = activations_through(
        init, activation, layers=layers, width=width, samples=samples, seed=seed
    )
    return torch.stack([output.square().mean().sqrt() for output in outputs])
