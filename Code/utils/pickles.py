"""Pickles from strangers, read as data.

A pickle is a program: ``pickle.load`` imports and calls whatever it names. A few bytes
of it can also fill the memory, or make a key that takes for ever to hash. Here each
step is looked at, and only those that build plain data are taken.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pickle import UnpicklingError

MOST_STEPS = 1_000_000  # a batch with CIFAR-10's 10,000 images has 30,000

_LARGEST_KEY = 1 << 32
_NEW = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}


class Name(str):
    """What a pickle names, ``module.name``: it is not imported."""

    __slots__ = ()


def read_pickle(
    content: bytes,
    known: dict[str, Callable],
    refer: Callable[[object], object] | None = None,
) -> object:
    """Return what a pickle holds: numbers, texts, lists, tuples, dicts.

    Time and memory are bounded by the length of ``content`` and by ``MOST_STEPS``.

    :param known: for "module.name" what is called where the pickle calls it; an object
        that it returns may have a method ``build``, which is given the object's state
    :param refer: called with what refers to something outside of the pickle
    :raises UnpicklingError: there is anything else in it, or it is damaged
    """
    machine = _Machine(known, refer)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count == MOST_STEPS:
                raise UnpicklingError(f"it has more than {MOST_STEPS:,} steps")
            machine.step(opcode.name, argument)
        (result,) = machine.stack
        return result
    except UnpicklingError:
        raise
    except Exception as error:  # whatever a damaged pickle leads to
        raise UnpicklingError(f"{type(error).__name__}: {error}") from error


class _Machine:
    """What a pickle's steps work on: a stack, the stacks below it, a memory."""

    def __init__(self, known: dict, refer: Callable | None) -> None:
        self.known, self.refer = known, refer
        self.stack, self.below, self.memo = [], [], {}

    def step(self, name: str, argument: object) -> None:
        """Take a step; its name and argument are those of :mod:`pickletools`."""
        if name in _VALUES:
            self.stack.append(argument)
            return
        if name in _NEW:
            self.stack.append(_NEW[name]())
            return
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "PUT" | "BINPUT" | "LONG_BINPUT" if 0 <= argument < _LARGEST_KEY:
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = self.pop(int(name[-1]))
                self.stack.append(tuple(items))
            case "TUPLE":
                items = self.pop_to_mark()
                self.stack.append(tuple(items))
            case "LIST":
                items = self.pop_to_mark()
                self.stack.append(items)
            case "DICT":
                items = self.pop_to_mark()
                self.stack.append({})
                self.set_items(items)
            case "APPEND":
                self.extend(self.pop(1))
            case "APPENDS":
                self.extend(self.pop_to_mark())
            case "SETITEM":
                self.set_items(self.pop(2))
            case "SETITEMS":
                self.set_items(self.pop_to_mark())
            case "GLOBAL":
                self.name(*argument.split(" ", 1))
            case "STACK_GLOBAL":
                self.name(*self.pop(2))
            case "REDUCE":
                function, arguments = self.pop(2)
                if type(function) is not Name or type(arguments) is not tuple:
                    raise UnpicklingError("it calls what can't be called")
                self.stack.append(self.known[function](*arguments))
            case "BUILD":
                target, state = self.pop(2)
                target.build(state)
                self.stack.append(target)
            case "BINPERSID" if self.refer:
                self.stack.append(self.refer(*self.pop(1)))
            case _:
                raise UnpicklingError(f"it has the step {name}, no step of plain data")

    def pop(self, count: int) -> list:
        """Take the last things from the stack."""
        if len(self.stack) < count:
            raise UnpicklingError("it takes what is not there")
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def pop_to_mark(self) -> list:
        """Take all that came after the last mark."""
        taken, self.stack = self.stack, self.below.pop()
        return taken

    def extend(self, items: list) -> None:
        """Append to the list that is the last thing on the stack."""
        if type(self.stack[-1]) is not list:
            raise UnpicklingError("it appends to what is no list")
        self.stack[-1].extend(items)

    def set_items(self, items: list) -> None:
        """Add keys and values, in turns, to the dictionary that is the last thing."""
        if not isinstance(self.stack[-1], dict):
            raise UnpicklingError("it gives items to what is no dictionary")
        if not all(map(_is_key, items[::2])):
            raise UnpicklingError("it has a key that is no text and no small number")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def name(self, module: str, name: str) -> None:
        """Put a name on the stack."""
        full = f"{module}.{name}"
        if full not in self.known:
            raise UnpicklingError(f"it asks for {full[:60]}, which is code")
        self.stack.append(Name(full))


def _is_key(key: object) -> bool:
    """Say whether it is hashed fast and apart from others: not tuples, huge numbers."""
    return type(key) is str or (type(key) is int and 0 <= key < _LARGEST_KEY)
