"""The learning rates that the scheduler lessons look at."""

import warnings

import torch
from torch.optim import lr_scheduler

from utils import learning_rates, make_sgd


def test_the_rate_is_that_of_the_epoch():
    scheduler = lr_scheduler.StepLR(make_sgd(1.0, 0.5), step_size=2)
    rates = learning_rates(scheduler, 3)
    expected = torch.tensor([[1, 0.5], [1, 0.5], [0.1, 0.05]], dtype=torch.float64)
    torch.testing.assert_close(rates, expected)
    assert scheduler.last_epoch == 3


def test_a_metric_is_handed_on():
    scheduler = lr_scheduler.ReduceLROnPlateau(make_sgd(1.0), patience=0)
    assert learning_rates(scheduler, [1.0, 2.0, 3.0])[:, 0].tolist() == [1, 1, 0.1]


def test_steps_move_nothing():
    optimizer = make_sgd(1.0)
    (weight,) = optimizer.param_groups[0]["params"]
    assert weight.grad.tolist() == [0]  # there is a step to make
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a scheduler without steps of the optimizer
        learning_rates(lr_scheduler.ConstantLR(optimizer), 3)
    assert optimizer.param_groups[0]["params"][0].item() == 0
