"""Copies of what a function is called with, and whether two results are the same.

A :class:`Snapshot` copies by pickling, so that a copy can be made of the classes of
another module: the lesson's own ``Net`` becomes the ``Net`` that was taken out of it.
"""

import copy
import io
import itertools
import math
import os
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path, PurePath

_AS_IT_IS = (
    types.ModuleType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MappingProxyType,
)
_TORCH_CONSTANTS = ("dtype", "device", "layout", "memory_format")
_HELD_PACKAGES = ("matplotlib", "mpl_toolkits", "tensorboardX", "tensorboard")
_ONE_WAY = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    *(t for t in vars(itertools).values() if isinstance(t, type)),
)


class Snapshot:
    """A copy of ``value`` as it is now.

    Tensors, arrays, images, containers and objects are copied. What can't be copied
    (functions, modules, figures, writers, locks) is kept itself.

    :param value: a tuple; an item that can't be pickled is kept as it is
    :param roots: paths below these folders are looked up now: those that are missing,
        or empty folders, lead into a sandbox when the copy is loaded
    """

    def __init__(self, value: tuple, roots: tuple[str, ...] = ()) -> None:
        self.roots = roots
        self.missing: dict[str, str] = {}  # path → what was there, see _state_of
        try:
            self._dump(value, ())
        except Exception:  # whatever a class of somebody else's raises
            self._dump(value, self._stubborn(value))

    def _dump(self, value: tuple, kept: tuple) -> None:
        self.kept: list[object] = []
        buffer = io.BytesIO()
        _Pickler(buffer, self, kept).dump(value)
        self.content = buffer.getvalue()

    def _stubborn(self, value: object) -> tuple:
        """Find the smallest parts of tuples, lists and dicts that can't be pickled."""
        try:
            self._dump((value,), ())
        except Exception:
            parts = ()
            if type(value) in (tuple, list):
                parts = value
            elif type(value) is dict:
                parts = value.values()
            found = tuple(part for item in parts for part in self._stubborn(item))
            return found or (value,)
        return ()

    def load(self, module=None, lesson=None, sandbox: Path | None = None) -> tuple:
        """Return the copy: once, as copies of tensors are not copied again.

        :param module: classes and functions of ``__main__`` come from here,
        :param lesson: or else from here
        :param sandbox: a folder for paths that were missing
        """
        for path, what in self.missing.items() if sandbox is not None else ():
            place = Path(in_sandbox(path, sandbox))
            if what == "empty":
                place.mkdir(parents=True, exist_ok=True)
            elif what == "missing, parent there":
                place.parent.mkdir(parents=True, exist_ok=True)
        return _Unpickler(
            io.BytesIO(self.content), self, module, lesson, sandbox
        ).load()


def in_sandbox(path: str, sandbox: Path) -> str:
    """Return where ``path``, an absolute one, lies in the sandbox."""
    return f"{sandbox}{os.path.splitdrive(path)[1]}"


class _Pickler(pickle.Pickler):
    def __init__(self, file, snapshot: Snapshot, kept: tuple) -> None:
        super().__init__(file, protocol=4)
        self.snapshot = snapshot
        self.as_it_is = {id(item) for item in kept}
        self.seen: dict[int, tuple[str, int]] = {}
        self.alive: list[object] = []  # or an id might be used twice

    def persistent_id(self, thing: object) -> tuple[str, int] | None:
        if isinstance(thing, str | PurePath):
            return self._path(thing)
        if id(thing) in self.seen:
            return self.seen[id(thing)]
        if id(thing) in self.as_it_is:
            return self._keep(thing, thing)
        torch = sys.modules.get("torch")
        if torch is not None:
            if isinstance(thing, torch.Tensor):
                return self._keep(thing, _copy_of_tensor(torch, thing))
            if isinstance(thing, torch.autograd.function.FunctionCtx):
                return self._keep(thing, Context(thing))
            if isinstance(thing, torch.Generator):
                return self._keep(thing, thing.clone_state())
            if isinstance(thing, tuple(getattr(torch, n) for n in _TORCH_CONSTANTS)):
                return self._keep(thing, thing)
        if isinstance(thing, type | types.FunctionType):
            return None if _by_name(thing) else self._keep(thing, thing)
        held = type(thing).__module__.partition(".")[0] in _HELD_PACKAGES
        if held or isinstance(thing, _AS_IT_IS):
            return self._keep(thing, thing)
        return None

    def _keep(self, thing: object, copied: object) -> tuple[str, int]:
        self.alive.append(thing)
        self.snapshot.kept.append(copied)
        number = len(self.snapshot.kept) - 1
        self.seen[id(thing)] = "thing", number
        return self.seen[id(thing)]

    def _path(self, thing: str | PurePath) -> tuple[str, int] | None:
        text = str(thing)
        if not self.snapshot.roots or not text.startswith(self.snapshot.roots):
            return None
        what = _state_of(text)
        if what == "there":
            return None
        self.snapshot.missing[text] = what
        self.snapshot.kept.append(thing)
        return "path", len(self.snapshot.kept) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, snapshot: Snapshot, module, lesson, sandbox) -> None:
        super().__init__(file)
        self.snapshot, self.sandbox = snapshot, sandbox
        self.modules = [m for m in (module, lesson) if m is not None]

    def find_class(self, module_name: str, name: str) -> object:
        if module_name == "__main__":
            for module in self.modules:
                if name in vars(module):
                    return vars(module)[name]
        return super().find_class(module_name, name)

    def persistent_load(self, key: tuple[str, int]) -> object:
        kind, number = key
        thing = self.snapshot.kept[number]
        if kind == "thing" or self.sandbox is None:
            return thing
        return type(thing)(in_sandbox(str(thing), self.sandbox))


def _state_of(path: str) -> str:
    place = Path(path)
    try:
        if place.is_dir():
            return "there" if any(place.iterdir()) else "empty"
        if place.exists():
            return "there"
        return "missing, parent there" if place.parent.is_dir() else "missing"
    except (OSError, ValueError):
        return "there"


def _by_name(thing: type | types.FunctionType) -> bool:
    """Is it a class or function of the lesson itself, to be found by its name?"""
    if thing.__module__ != "__main__":
        return False
    return vars(sys.modules["__main__"]).get(thing.__qualname__) is thing


def _copy_of_tensor(torch, tensor):
    with torch.enable_grad():
        if not tensor.is_leaf:
            return tensor.detach().clone().requires_grad_().clone()
        try:
            copied = copy.deepcopy(tensor)
        except Exception:
            return tensor.detach().clone()
        if tensor.grad is not None:
            copied.grad = tensor.grad.detach().clone()
        return copied


class Context:
    """Stands in for the ``ctx`` that torch gives to an ``autograd.Function``."""

    def __init__(self, ctx) -> None:
        try:
            self.saved_tensors = tuple(t.detach().clone() for t in ctx.saved_tensors)
        except (AttributeError, RuntimeError):
            self.saved_tensors = ()
        self.needs_input_grad = getattr(ctx, "needs_input_grad", ())
        for name, value in vars(ctx).items():
            try:
                setattr(self, name, copy.deepcopy(value))
            except Exception:
                setattr(self, name, value)

    def save_for_backward(self, *tensors) -> None:
        self.saved_tensors = tensors

    def mark_dirty(self, *tensors) -> None:
        pass

    def mark_non_differentiable(self, *tensors) -> None:
        pass

    def set_materialize_grads(self, value: bool) -> None:
        pass


class Tape:
    """An iterator that remembers copies of what it gave, to give them once more."""

    def __init__(self, iterator: Iterator, roots: tuple[str, ...] = ()) -> None:
        self.iterator, self.roots = iterator, roots
        self.items: list[Snapshot] = []

    def __iter__(self) -> "Tape":
        return self

    def __next__(self) -> object:
        item = next(self.iterator)
        self.items.append(Snapshot((item,), self.roots))
        return item

    @staticmethod
    def is_for(thing: object) -> bool:
        """Say whether ``thing`` can be read once only, and not be copied."""
        return isinstance(thing, _ONE_WAY)

    def again(self, module=None, lesson=None, sandbox=None) -> Iterator:
        """Give it all once more."""
        for item in self.items:
            yield item.load(module, lesson, sandbox)[0]


# Comparing


def difference(
    lesson: object,
    alone: object,
    sandbox: Path | None = None,
    loose: bool = False,
    place: str = "it",
) -> str | None:
    """Say where two results differ, or return None.

    Numbers, tensors, arrays and images are compared by value, containers and objects of
    the lesson's own classes by what they hold, everything else by its type.

    :param sandbox: taken off all paths first
    :param loose: floats are times: they only have to be floats
    """
    return _Comparison(sandbox, loose).find(lesson, alone, place)


class _Comparison:
    rtol, atol = 1e-5, 1e-6

    def __init__(self, sandbox: Path | None, loose: bool) -> None:
        self.sandbox, self.loose = sandbox, loose
        self.seen: set[tuple[int, int]] = set()

    def find(self, a: object, b: object, place: str) -> str | None:
        if (id(a), id(b)) in self.seen:
            return None
        if not isinstance(a, int | float | str | bytes | None):
            self.seen.add((id(a), id(b)))
        if type(a).__qualname__ != type(b).__qualname__:
            return (
                f"{place} is of type {type(a).__qualname__} in the lesson, "
                f"{type(b).__qualname__} alone"
            )
        if isinstance(a, bool | bytes | type(None)):
            return None if a == b else self.say(place, a, b)
        if isinstance(a, str | PurePath):
            a, b = self.plain_path(a), self.plain_path(b)
            return None if a == b else self.say(place, a, b)
        if isinstance(a, int):
            return None if a == b else self.say(place, a, b)
        if isinstance(a, float | complex):
            return None if self.close(a, b) else self.say(place, a, b)
        if isinstance(a, list | tuple):
            return self.sequences(a, b, place)
        if isinstance(a, dict):
            return self.mappings(a, b, place)
        if isinstance(a, set | frozenset):
            return None if a == b or not _plain(a) else self.say(place, a, b)
        arrays = _arrays(a, b)
        if arrays is not None:
            found = self.arrays(*arrays, place)
            return found or self.find(_gradient(a), _gradient(b), f"{place}.grad")
        if _is_image(a):
            same = (a.mode, a.size, a.tobytes()) == (b.mode, b.size, b.tobytes())
            return None if same else f"{place}: the images differ"
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(a, torch.nn.Module):
            return self.mappings(
                a.state_dict(), b.state_dict(), f"{place}.state_dict()"
            )
        if hasattr(a, "__dict__") and _of_the_lesson(a):
            return self.mappings(vars(a), vars(b), place, attributes=True)
        return None

    def sequences(self, a: list | tuple, b: list | tuple, place: str) -> str | None:
        if len(a) != len(b):
            return f"{place} has {len(a)} items in the lesson, {len(b)} alone"
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            if found := self.find(x, y, f"{place}[{i}]"):
                return found
        return None

    def mappings(
        self, a: dict, b: dict, place: str, attributes: bool = False
    ) -> str | None:
        what = "attributes" if attributes else "keys"
        by_key = _plain(a) and _plain(b)
        if len(a) != len(b) or (by_key and a.keys() != b.keys()):
            return f"{place}: {what} {list(a)} in the lesson, {list(b)} alone"
        for (key, x), y in zip(a.items(), b.values(), strict=True):
            y = b[key] if by_key else y
            name = f"{place}.{key}" if attributes else f"{place}[{key!r}]"
            if found := self.find(x, y, name):
                return found
        return None

    def arrays(self, a, b, place: str) -> str | None:
        import numpy as np

        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return (
                f"{place}: {a.dtype} {a.shape} in the lesson, {b.dtype} {b.shape} alone"
            )
        if a.dtype.kind == "O":
            return self.sequences(a.ravel().tolist(), b.ravel().tolist(), place)
        if a.dtype.kind in "fc":
            if self.loose:
                return None
            same = np.allclose(a, b, self.rtol, self.atol, equal_nan=True)
        else:
            same = np.array_equal(a, b)
        return None if same else self.say(place, a, b)

    def close(self, a: complex, b: complex) -> bool:
        if self.loose or a == b or (a != a and b != b):
            return True
        if isinstance(a, complex):
            return abs(a - b) <= self.atol + self.rtol * abs(a)
        return math.isclose(a, b, rel_tol=self.rtol, abs_tol=self.atol)

    def plain_path(self, thing: str | PurePath) -> str:
        text = str(thing)
        if self.sandbox is None or str(self.sandbox) not in text:
            return os.path.splitdrive(text)[1] if self.sandbox is not None else text
        return text.replace(str(self.sandbox), "")

    @staticmethod
    def say(place: str, a: object, b: object) -> str:
        return f"{place} is {_short(a)} in the lesson, {_short(b)} alone"


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else f"{text[:77]}..."


def _plain(keys) -> bool:
    return all(isinstance(key, str | bytes | int | float | tuple) for key in keys)


def _is_image(thing: object) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(thing, image.Image)


def _arrays(a: object, b: object) -> tuple | None:
    """Return tensors and arrays as arrays, other things as None."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if torch is not None and isinstance(a, torch.Tensor):
        return _array_of(torch, a), _array_of(torch, b)
    if numpy is not None and isinstance(a, numpy.ndarray | numpy.generic):
        return numpy.asarray(a), numpy.asarray(b)
    return None


def _gradient(thing: object) -> object:
    return thing.grad if getattr(thing, "is_leaf", False) else None


def _array_of(torch, tensor):
    tensor = tensor.detach().cpu()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.double()
    return tensor.resolve_conj().resolve_neg().numpy()


def _of_the_lesson(thing: object) -> bool:
    return type(thing).__module__ in ("__main__", ALONE)


ALONE = "taken_out"  # the name of the module that holds one definition
