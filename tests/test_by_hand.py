"""What a reader copies from the optimizer lessons: the same settings as PyTorch's."""

import ast
import inspect

import pytest
from torch import optim

from places import CODE

LESSONS = sorted((CODE / "3_optimizer" / "3_3_optimizers").glob("3_3_*.py"))


def classes() -> list[tuple[str, dict]]:
    """Return the classes written by hand, each with the default values it has."""
    found = []
    for lesson in LESSONS:
        for node in ast.parse(lesson.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("ByHand"):
                (init,) = (f for f in node.body if getattr(f, "name", "") == "__init__")
                values = [ast.literal_eval(value) for value in init.args.defaults]
                names = [arg.arg for arg in init.args.args][-len(values) :]
                values = dict(zip(names, values, strict=True))
                found.append((node.name.removesuffix("ByHand"), values))
    return found


@pytest.mark.parametrize(("name", "defaults"), classes(), ids=lambda v: str(v)[:12])
def test_default_values_are_those_of_torch(name, defaults):
    if not hasattr(optim, name):
        pytest.skip(f"torch has no optim.{name} yet")
    theirs = inspect.signature(getattr(optim, name)).parameters
    shared = defaults.keys() & theirs.keys()
    assert "lr" in shared
    assert {n: theirs[n].default for n in shared} == {n: defaults[n] for n in shared}


def test_there_is_a_class_for_most_optimizers():
    assert {"SGD", "Adam", "Rprop", "LBFGS"} <= {name for name, _ in classes()}
