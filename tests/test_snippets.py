"""The tool that takes definitions out of lessons must see every rule that one breaks.

Each case is a small lesson; it runs in a child, as the real ones do.
"""

import ast
import json
import os
import textwrap

import pytest

import snippets
from book.definitions import Lesson, source_alone, take_out
from places import away
from snippets import borrowed
from utils.contents import find_scripts

HEAD = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
"""
UTILS = """
def check(claim, by_hand, by_torch):
    assert by_hand == by_torch
"""


def lesson(text: str) -> str:
    return HEAD + textwrap.dedent(text)


STATIC = {
    "fine": (
        """
        import math
        import os.path as path
        from collections import Counter as Bag
        import xml.dom
        from utils import check
        factor = 2

        def area(r, scale=math.pi):
            return scale * r**2

        class Shape(Bag):
            sides = 4
            other = [0 for _ in range(sides)]

            def __init__(self, factor, *rest, key=None, **named):
                super().__init__()
                self.factor = factor
                check = [factor for factor in rest if factor]
                try:
                    import json
                except ImportError as error:
                    print(error, __class__, path.sep, xml.dom, check, key, named)
                with open(__name__) as file:
                    self.text = {line: i for i, line in enumerate(file)}

                def inner(x):
                    nonlocal factor
                    if (wide := area(x)) > 1:
                        factor = wide
                    return lambda y: y + x + factor + json.loads("1") + Shape.sides

                self.inner = inner
        """,
        [],
    ),
    "a global": (
        """
        factor = 2

        def double(x):
            return factor * x
        """,
        ["double uses the global variable factor"],
    ),
    "utils": (
        """
        from utils import check as prove

        def f(x):
            prove("x", x, x)
        """,
        ["f uses prove from utils"],
    ),
    "utils, imported inside": (
        """
        def f(x):
            from utils import check
            check("x", x, x)
        """,
        ["f imports from utils"],
    ),
    "an unknown name": (
        """
        def f(x):
            return y
        """,
        ["f uses y, which is defined nowhere"],
    ),
    "in a default": (
        """
        LIMIT = 3

        def f(x=LIMIT, *, g=lambda: LIMIT):
            return x
        """,
        ["f uses the global variable LIMIT"],
    ),
    "in a decorator, a base and an annotation": (
        """
        import functools
        Base, mark, Kind = object, functools.cache, int

        @mark
        def f(x: Kind):
            return x

        class A(Base):
            pass
        """,
        [
            "f uses the global variable Kind",
            "f uses the global variable mark",
            "A uses the global variable Base",
        ],
    ),
    "in a comprehension's own scope": (
        """
        values = [1]
        total = 0

        def f(items):
            return [values for values in items] + [total for _ in items]
        """,
        ["f uses the global variable total"],
    ),
    "a class's name, seen from a method": (
        """
        class A:
            size = 3

            def get(self):
                return size
        """,
        ["A uses size, which is defined nowhere"],
    ),
    "a global statement": (
        """
        count = 0

        def f():
            global count
            count += 1
        """,
        ["f uses the global variable count"],
    ),
    "set by for, with, except, :=": (
        """
        import io
        for a in range(2):
            with io.StringIO() as b:
                try:
                    print(c := 1, file=b)
                except ValueError as d:
                    pass

        def f():
            return a, b, c, d
        """,
        [f"f uses the global variable {name}" for name in "abcd"],
    ),
    "an import that a global replaces": (
        """
        import math
        math = 3

        def f():
            return math
        """,
        ["f uses the global variable math"],
    ),
    "an import that may fail": (
        """
        try:
            import tomllib
        except ImportError:
            tomllib = None

        def f():
            return tomllib
        """,
        [],
    ),
    "within an if": (
        """
        import sys
        x = 1
        if sys.version_info > (3, 0):
            def f():
                return x
        """,
        ["f uses the global variable x"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), STATIC.values(), ids=STATIC)
def test_what_is_borrowed(text, expected, tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(lesson(text), encoding="utf-8")
    found = [problem.partition(": ")[2] for problem in borrowed(Lesson.read(path))]
    assert found == expected


def test_what_is_taken_out(tmp_path):
    path = tmp_path / "lesson.py"
    text = """
        import math, json
        from collections import Counter as Bag, deque
        from utils import check
        try:
            from tomllib import loads
        except ImportError:
            loads = None
        x = 1

        def used(y):
            # The root, and nothing else.
            return math.sqrt(y +
                             Bag("a")["a"])

        def not_used():
            return json, deque

        if sys.version_info > (3,):
            @loads.__class__
            class Wanted:
                def get(self):
                    return used(4)

        print(Wanted, not_used())
        """
    path.write_text(lesson(text), encoding="utf-8")
    read = Lesson.read(path)
    (wanted,) = [d for d in read.definitions if d.name == "Wanted"]
    expected = """
        import math
        from collections import Counter as Bag
        try:
            from tomllib import loads
        except ImportError:
            loads = None


        def used(y):
            # The root, and nothing else.
            return math.sqrt(y +
                             Bag("a")["a"])


        @loads.__class__
        class Wanted:
            def get(self):
                return used(4)"""
    assert source_alone(read, wanted) == textwrap.dedent(expected).strip("\n")


def test_what_is_shown_is_what_runs():
    shown = 0
    for script in find_scripts():
        read = Lesson.read(script)
        for definition in read.definitions:
            runs = ast.dump(take_out(read, [definition]))
            assert ast.dump(ast.parse(source_alone(read, definition))) == runs
            shown += 1
    assert shown > 50


# Each with what must be found: the beginnings of the problems.
DYNAMIC = {
    "functions": (
        """
        import random
        import warnings
        import numpy as np
        import torch
        from PIL import Image
        from utils import check
        torch.manual_seed(0)

        def add(a, b=1, *rest, **named):
            return a + b + sum(rest) + named.get("c", 0)

        def noise(n):
            return torch.randn(n), np.random.rand(n), random.random()

        def fill_(tensor):
            tensor.fill_(3)

        def picture(size):
            return Image.new("RGB", (size, size), "red")

        def recurse(n):
            return 1 if n == 0 else n * recurse(n - 1)

        def add_gradient(layer):
            for p in layer.parameters():
                p.grad += 1

        def gradient(x):
            with torch.enable_grad():
                y = x.square().sum()
            return torch.autograd.grad(y, x)[0], torch.is_grad_enabled()

        def call(f, x):
            return f(x)

        def squares(x):
            return (x * x).sum()

        class Traced(torch.nn.Module):
            def forward(self, x):
                return x + 1

        def fails(x):
            raise ValueError(x)

        print(add(1, 2, 3, c=4))
        torch.randn(5)
        noise(3)
        x = torch.zeros(3)
        fill_(x)
        x.fill_(7)
        picture(20).putpixel((0, 0), (1, 2, 3))
        check("1, 4", [1.0, 4.0], torch.vmap(squares)(torch.tensor([1.0, 2])).tolist())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            graph = torch.jit.trace(Traced(), torch.ones(1)).graph
        check("one +", 1, str(graph).count("aten::add"))
        check("and nothing else", 1, str(graph).count("aten::"))
        check("3!", 6, recurse(3))
        layer = torch.nn.Linear(2, 1)
        layer(torch.ones(2)).backward()
        add_gradient(layer)
        inner = torch.ones(3, requires_grad=True) * 2
        with torch.no_grad():
            gradient(inner)
        call(lambda y: y + len(x), 2)
        try:
            fails(3)
        except ValueError:
            pass
        """,
        [],
    ),
    "classes": (
        """
        import abc
        import enum
        from dataclasses import dataclass, field
        from typing import NamedTuple

        import torch
        from torch import nn, optim
        from torch.utils.data import DataLoader, Dataset
        from torchvision.transforms import v2
        torch.manual_seed(0)

        class Block(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.line = nn.Linear(n, n)
                self.drop = nn.Dropout(0.5)

            def forward(self, x):
                return self.drop(self.line(x))

        class Net(nn.Module):
            def __init__(self, n=4):
                super().__init__()
                self.layers = nn.Sequential(Block(n), nn.ReLU(), Block(n))

            def forward(self, x):
                return self.layers(x)

        class Plain(nn.Module):
            def forward(self, x):
                return 2 * x

        class Noise(v2.Transform):
            def __init__(self, width):
                super().__init__()
                self.width = width

            def transform(self, inpt, params):
                return inpt + self.width * torch.rand_like(inpt)

            def make_params(self, flat):
                return {}

            _transform = transform

        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor):
                ctx.save_for_backward(x)
                ctx.factor = factor
                return factor * x * x

            @staticmethod
            def backward(ctx, grad):
                (x,) = ctx.saved_tensors
                return ctx.factor * 2 * x * grad, None

        class Later(torch.autograd.Function):
            @staticmethod
            def forward(x):
                return x.exp()

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(output)

            @staticmethod
            def backward(ctx, grad):
                return grad * ctx.saved_tensors[0]

        @dataclass
        class Point:
            x: float
            y: float = 0.0
            seen: list = field(default_factory=list)

            @property
            def length(self):
                return (self.x**2 + self.y**2) ** 0.5

            @classmethod
            def diagonal(cls, size):
                return cls(size, size)

        class Pair(NamedTuple):
            left: int
            right: int

            def total(self):
                return self.left + self.right

        class Color(enum.Enum):
            RED = 1

            def shout(self):
                return self.name + "!"

        class Base(abc.ABC):
            def __init__(self, n):
                self.n = self.twice(n)

            @abc.abstractmethod
            def twice(self, n): ...

            def both(self):
                return self.n, self.twice(3), super().__doc__

        class Child(Base):
            def twice(self, n):
                return 2 * n

        class Mistake(ValueError):
            pass

        class Squares(Dataset):
            def __init__(self, n):
                self.n = n

            def __len__(self):
                return self.n

            def __getitem__(self, i):
                if i >= self.n:
                    raise IndexError(i)
                return torch.tensor(i) ** 2

        class MySGD(optim.Optimizer):
            def __init__(self, params, lr):
                super().__init__(params, {"lr": lr})

            def step(self):
                for group in self.param_groups:
                    for p in group["params"]:
                        p.data -= group["lr"] * p.grad

        class Adam:
            def __init__(self):
                self.t, self.m = 0, 0.0

            def step(self, w, g):
                self.t += 1
                self.m = 0.9 * self.m + g
                return w - self.m

        net, plain = Net(), Plain()
        out = net(plain(torch.randn(2, 4)))
        noise = Noise(0.1)(torch.zeros(3))
        x = torch.ones(3, requires_grad=True)
        Twice.apply(x, 3.0).sum().backward()
        Later.apply(x).sum().backward()
        print(Point.diagonal(2.0).length, Pair(1, 2).total(), Color.RED.shout())
        print(Child(3).both())
        try:
            raise Mistake("x")
        except Mistake:
            pass
        print(list(Squares(3)), list(DataLoader(Squares(4), 2, shuffle=True)))
        optimizer = MySGD(net.parameters(), lr=0.1)
        net(torch.randn(2, 4)).sum().backward()
        optimizer.step()
        adam = Adam()
        for g in (1.0, 2.0):
            adam.step(torch.ones(2), g)
        """,
        [],
    ),
    "generators": (
        """
        import contextlib
        import torch
        from torch import nn
        torch.manual_seed(0)

        def endless(n):
            while True:
                yield torch.randn(n)

        def three():
            for i in range(3):
                yield i

        def total(numbers, twice):
            return sum(numbers) + sum(twice)

        @contextlib.contextmanager
        def frozen(net):
            net.requires_grad_(False)
            yield net
            net.requires_grad_(True)

        numbers = endless(2)
        next(numbers), torch.randn(9), next(numbers)
        print(list(three()))
        print(total((n * n for n in range(4)), twice=map(lambda n: 2 * n, [1, 2])))
        with frozen(nn.Linear(2, 2)) as net:
            print(net)
        """,
        [],
    ),
    "files and pictures": (
        """
        import os
        from concurrent.futures import ThreadPoolExecutor
        import matplotlib.pyplot as plt
        FOLDER = Path(os.environ["TUTORIAL_RESULT"], "part")
        FOLDER.mkdir(parents=True)

        def write_new(paths, folder):
            for path in paths:
                with open(path, "x") as file:
                    file.write("text")
            (folder / "sub").mkdir()
            return folder / "sub"

        def draw(values, path):
            fig, ax = plt.subplots()
            ax.plot(values)
            fig.savefig(path)
            return fig

        def add_line(ax, y):
            ax.axhline(y)

        def parallel(n):
            return n + 1

        write_new([f"{FOLDER}/{name}" for name in "ab"], FOLDER)
        FOLDER.rename(FOLDER.with_name("whole"))
        figure = draw([1, 2, 3], FOLDER.with_name("picture.png"))
        add_line(figure.axes[0], 2)
        with ThreadPoolExecutor(2) as pool:
            print(list(pool.map(parallel, range(4))))
        """,
        [],
    ),
    "times": (
        """
        import time

        def seconds(n):
            begin = time.perf_counter()
            sum(range(n))
            return time.perf_counter() - begin, n

        seconds(1000)
        """,
        [],
    ),
    "a global": (
        """
        factor = 2

        def double(x):
            return factor * x

        double(3)
        """,
        ["double: raises NameError: name 'factor' is not defined"],
    ),
    "utils": (
        """
        from utils import check

        class A:
            def f(self, x):
                check("x", x, x)

        A().f(3)
        """,
        ["A.f: raises NameError: name 'check' is not defined"],
    ),
    "a hidden state": (
        """
        import math

        def count(seen=[]):
            seen.append(1)
            return len(seen), math.pi

        class A:
            made = 0

            def __init__(self):
                A.made += 1
                self.number = A.made

            def area(self, r):
                return math.pi * r * self.scale

        A.scale = 2.0
        A()
        math.pi = 3.0
        count()
        A().area(1.0)
        math.pi = 3.1
        """,
        [
            "count: the result[1] is 3.0 in the lesson, 3.1 alone",
            "A.area: raises AttributeError: 'A' object has no attribute 'scale'",
        ],
    ),
    "another result": (
        """
        import os
        import torch
        os.environ["MODE"] = "lesson"

        def set_gradient(weight):
            weight.grad = torch.full((1,), float(len(os.environ["MODE"])))

        def mode(box):
            box["mode"] = os.environ["MODE"]
            return 1

        class Box:
            def __init__(self):
                self.mode = os.environ["MODE"]

            def get(self):
                return self.mode + os.environ["MODE"]

        def items():
            yield 1
            yield os.environ["MODE"]

        set_gradient(torch.nn.Parameter(torch.zeros(1)))
        mode({}), Box().get(), list(items())
        os.environ["MODE"] = "afterwards"
        """,
        [
            "set_gradient: afterwards, its arguments[0][0].grad is array([6.]",
            "mode: afterwards, its arguments[0][0]['mode'] is 'lesson'",
            "Box.__init__: the new object.mode is 'lesson' in the lesson",
            "Box.get: the result is 'lessonlesson' in the lesson, 'lessonafterwards'",
            "items: value 1 is 'lesson' in the lesson, 'afterwards' alone",
        ],
    ),
    "never called": (
        """
        import sys

        def f():
            pass

        class A:
            def g(self):
                pass

        if sys.version_info < (3, 0):
            def only_there():
                pass
        if not f:
            def nowhere():
                pass
        """,
        [
            "f is never called in the lesson",
            "A is never called in the lesson",
            "nowhere is never defined",
        ],
    ),
    "redefined": (
        """
        def f(x):
            return x

        f(1)

        def f(x):
            return y * x

        y = 2
        f(1)
        """,
        ["f: raises NameError: name 'y' is not defined"],
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, object]:
    """Run all cases of DYNAMIC; return what is found in each."""
    from run import run_scripts

    root = tmp_path_factory.mktemp("snippets")
    (root / "utils.py").write_text(UTILS, encoding="utf-8")
    drivers = {}
    for name, (text, _) in DYNAMIC.items():
        folder = root / name
        folder.mkdir()
        path = folder / "lesson.py"
        path.write_text(lesson(text), encoding="utf-8")
        driver, report = folder / "driver.py", folder / "report.json"
        own = {"TUTORIAL_RESULT": str(folder / "Result")}
        driver.write_text(snippets.driver(path, report, own), encoding="utf-8")
        drivers[driver] = name
    with away(root / "away") as fresh:
        done = run_scripts(list(drivers))
    assert fresh.left() == []
    return {drivers[finished.script]: finished for finished in done}


@pytest.mark.parametrize("name", DYNAMIC)
def test_what_differs(name, found):
    done = found[name]
    assert (done.status, done.stderr) == (0, "")
    report = json.loads(done.script.with_name("report.json").read_text("utf-8"))
    problems = [problem.partition(": ")[2] for problem in report]
    expected = DYNAMIC[name][1]
    assert len(problems) == len(expected), problems
    for problem, beginning in zip(problems, expected, strict=True):
        assert problem.startswith(beginning)


def test_the_environment_reaches_the_lesson(tmp_path):
    text = snippets.driver(tmp_path / "a.py", tmp_path / "b.json", {"A": os.sep})
    compile(text, "driver.py", "exec")
    assert repr({"A": os.sep}) in text
