"""Training by the clock: it ends in time, and asks the machine what it can do."""

import types

import pytest
import torch

from utils import Pace, half_precision, keep_memory, pace, wait


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self, seconds=1.0):
        self.now, self.by = 0.0, seconds

    def __call__(self):
        self.now += self.by
        return self.now


def test_it_stops_in_time():
    clock = Clock()
    pace = Pace(20, clock=clock)  # a step takes a second
    shares = list(pace)
    assert len(shares) == 18  # the clock is read twice before the first
    assert shares == sorted(shares)
    assert shares[-1] < 1
    assert pace.seconds() <= 21  # it is read once more here


def test_a_step_that_would_end_late_is_not_begun():
    clock = Clock(0)
    pace = Pace(10, clock=clock)
    took = []
    for _ in pace:
        took.append(3)
        clock.now += 3
    assert sum(took) == 9


def test_what_runs_while_the_clock_is_stopped_does_not_count():
    clock = Clock(0)
    pace = Pace(10, clock=clock)
    steps = 0
    for _ in pace:
        steps += 1
        clock.now += 2
        with pace.stopped():
            clock.now += 100
    assert (steps, pace.seconds()) == (5, 10)


def test_steps_are_counted_where_they_are_given():
    assert list(Pace(10, steps=4)) == [0, 0.25, 0.5, 0.75]
    clock = Clock()
    by_step = Pace(3, 5, clock)
    assert len(list(by_step)) == by_step.step == 5  # however late it is
    assert Pace(1).clock() > 0


@pytest.mark.parametrize(
    ("durations", "begun"),
    [
        ([6, 1, 1, 1, 1, 1], 5),  # the first step foretells nothing:
        ([9.5, 1], 2),  # it takes longer than those to come
        ([4, 4, 4], 2),  # the second one does: a third would end late
        ([2, 2, 2, 2, 2, 2], 5),  # one that ends at the very end is begun
        ([1, 1, 7, 1, 1], 3),  # it is the last step that counts,
        ([1, 1, 3, 1, 1, 1, 1, 1], 8),  # not the longest
    ],
)
def test_a_step_is_begun_if_the_last_one_would_fit(durations, begun):
    clock = Clock(0)
    steps = 0
    for _, duration in zip(Pace(10, clock=clock), durations, strict=False):
        steps += 1
        clock.now += duration
    assert steps == begun


def test_bfloat16_where_the_processor_has_it(monkeypatch):
    for flags, expected in (
        ("flags: avx512f avx512_bf16", torch.bfloat16),
        ("flags: amx_bf16 amx_tile", torch.bfloat16),
        ("flags: avx2 avx512f", None),
    ):
        monkeypatch.setattr("utils.pace.Path.read_text", lambda _, f=flags: f)
        monkeypatch.setattr("utils.pace.Path.is_file", lambda _: True)
        assert half_precision(torch.device("cpu")) is expected


def test_bfloat16_of_other_devices(monkeypatch):
    asked = []

    def is_supported(emulated):
        asked.append(emulated)
        return len(asked) == 1

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    found = [half_precision(torch.device("cuda")) for _ in range(2)]
    assert found == [torch.bfloat16, None]
    assert asked == [False, False]  # one that only seems so is slow
    monkeypatch.setattr("utils.pace.Path.read_text", lambda _: "flags: amx_bf16")
    monkeypatch.setattr("utils.pace.Path.is_file", lambda _: True)
    assert half_precision(torch.device("mps")) is None
    monkeypatch.setattr("utils.pace.Path.is_file", lambda _: False)
    assert half_precision(torch.device("cpu")) is None


def test_only_others_than_the_cpu_are_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: waited.append(1))
    wait("cpu")
    wait(torch.device("cpu"))
    assert waited == []
    wait("cuda:0")
    wait(torch.device("mps"))
    assert waited == [1, 1]


def test_the_c_library_is_told_to_keep_memory(monkeypatch):
    told = []
    libc = types.SimpleNamespace(mallopt=lambda *args: told.append(args))
    monkeypatch.setattr(pace.ctypes, "CDLL", lambda name: libc if name is None else 0)
    monkeypatch.setattr(pace.sys, "platform", "darwin")
    keep_memory()
    assert told == []
    monkeypatch.setattr(pace.sys, "platform", "linux")
    keep_memory()
    assert told == [(-4, 0), (-1, 2147483647)]  # M_MMAP_MAX, M_TRIM_THRESHOLD
    del libc.mallopt  # a C library that knows no such thing
    keep_memory()
    assert len(told) == 2
