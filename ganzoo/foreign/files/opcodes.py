"""A pickle read one operation at a time: nothing is imported, called or enlarged but by what the caller names.

Python's own unpickler looks only at names of classes. A pickle without a single name can still nest tuples until the
hash of the outermost overflows the stack, or repeat a long list until memory ends. So each operation is done here, with
its arguments read by :mod:`pickletools`, and whatever no file of weights needs is refused.
"""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted

MOST_OPERATIONS = 500_000
MOST_CALLS = 100_000
MOST_WORK = 1_000_000  # entries that calls may copy
LONGEST_NAME = 256
WIDEST_NUMBER = 1 << 127
KEYS = (str, int, float, bool, bytes, type(None))


class Source:
    """Part of a file, from where it stands on: never more is asked of it than it has."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self.file, self.left = file, left

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes."""
        data = self.file.read(count if 0 <= count <= self.left else max(0, min(count, self.left)))
        self.left -= len(data)
        return data

    def readline(self) -> bytes:
        """A line with its end, which the name of a class or module is not longer than."""
        data = self.file.readline(min(LONGEST_NAME, self.left))
        self.left -= len(data)
        if not data.endswith(b"\n"):
            raise ModelError("a name in it does not end")
        return data

    def skip(self, count: int) -> None:
        """Pass over ``count`` bytes.

        Raises:
            ModelError: there are not so many.
        """
        if not 0 <= count <= self.left:
            raise ModelError(f"it is torn: {count:,} bytes should follow where {self.left:,} do")
        self.file.seek(count, 1)
        self.left -= count


class Limits:
    """What one file may ask for, whatever pickles lie in it."""

    def __init__(self) -> None:
        self.operations, self.calls, self.work = MOST_OPERATIONS, MOST_CALLS, MOST_WORK

    def spend(self, work: int) -> None:
        """Count entries that are about to be copied.

        Raises:
            ModelError: when there were too many.
        """
        self.work -= work
        if self.work < 0:
            raise ModelError("it copies its own entries over and over; no file of weights does")

    def call(self) -> None:
        """Count one call, as :meth:`spend` counts entries."""
        self.calls -= 1
        if self.calls < 0:
            raise ModelError(f"it makes more than {MOST_CALLS:,} objects; no file of weights does")


@dataclass(frozen=True, eq=False)
class Named:
    """A class or function that a pickle names, and what stands in for it.

    Attributes:
        module, name: as the pickle has them.
        make: is called with the arguments that the pickle gives; no code of the pickle's.
        recorded: whether it is a class whose objects are kept by name.
    """

    module: str
    name: str
    make: Callable[..., Any]
    recorded: bool = False


class Machine:
    """The stack and the memory of one pickle.

    Args:
        source: where the pickle starts.
        find: what stands in for a module and a name; raises for what is not allowed.
        limits: shared by all pickles of a file.
        stored: what stands in for a persistent identity; None refuses them.
    """

    def __init__(
        self,
        source: Source,
        find: Callable[[str, str], Named],
        limits: Limits,
        stored: Callable[[Any], Any] | None = None,
    ) -> None:
        self.source, self.find, self.limits, self.stored = source, find, limits, stored
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0

    def run(self) -> Any:
        """What the pickle stands for.

        Raises:
            ModelError: it does what no file of weights needs, or asks for too much.
            ValueError, IndexError, KeyError, TypeError: it is broken.
        """
        source, limits = self.source, self.limits
        while code := source.read(1):
            limits.operations -= 1
            if limits.operations < 0:
                raise ModelError(f"it has more than {MOST_OPERATIONS:,} operations; no file of weights has")
            if code == pickle.STOP:
                return self.stack.pop()
            if code not in STEPS:
                raise ModelError(_unknown(code))
            do, reader = STEPS[code]
            do(self, reader(source) if reader else None)
        raise ModelError("it is torn: it ends in the middle")

    def after_mark(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        items, self.stack = self.stack, self.marked.pop()
        return items

    def top(self, *kinds: type) -> Any:
        """The uppermost entry, of exactly one of ``kinds``."""
        value = self.stack[-1]
        if type(value) not in kinds:
            raise ModelError(f"it adds entries to a {type(value).__name__}")
        return value

    def named(self) -> Named:
        """The uppermost entry, taken away: something that can be called."""
        named = self.stack.pop()
        if type(named) is not Named:
            raise ModelError(f"it calls a {type(named).__name__}")
        return named


def shown(value: object) -> str:
    """A value out of a pickle as an error may show it: lists within lists could be endless, as text."""
    return quoted(value) if type(value) in KEYS else f"a {type(value).__name__}"


def check_key(key: object) -> Any:
    """A key as tables of weights have them; tuples, whose hashes can be chosen or without end, are none.

    Raises:
        ModelError: for another.
    """
    if type(key) not in KEYS or (type(key) is int and abs(key) >= 1 << 63):
        raise ModelError(f"a table in it has a {type(key).__name__} for a key")
    return key


def _unknown(code: bytes) -> str:
    name = next((known.name for known in pickletools.opcodes if known.code == code.decode("latin-1")), None)
    if name is None:
        return f"its byte 0x{code.hex()} is no operation of a pickle"
    return f"it uses the operation {name}, which no file of weights needs"


def _push(machine: Machine, value: Any) -> None:
    machine.stack.append(value)


def _number(machine: Machine, value: int) -> None:
    if abs(value) >= WIDEST_NUMBER:
        raise ModelError("a whole number in it has more than 38 digits")
    machine.stack.append(value)


def _protocol(machine: Machine, version: int) -> None:
    if not 2 <= version <= 5:
        raise ModelError(f"it is a pickle of protocol {version}; weights come in 2 to 5")
    machine.protocol = version


def _nothing(machine: Machine, length: int) -> None:
    """A frame says how much may be read at once, which the file's own buffer does as well."""


def _mark(machine: Machine, _: None) -> None:
    machine.marked.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine, _: None) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.after_mark()


def _put(machine: Machine, place: int) -> None:
    machine.memo[place] = machine.stack[-1]


def _remember(machine: Machine, _: None) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _get(machine: Machine, place: int) -> None:
    machine.stack.append(machine.memo[place])


def _tuple(machine: Machine, _: None) -> None:
    items = machine.after_mark()
    machine.stack.append(tuple(items))


def _tuple_of(count: int) -> Callable[[Machine, None], None]:
    def put(machine: Machine, _: None) -> None:
        if len(machine.stack) < count:
            raise IndexError
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return put


def _append(machine: Machine, _: None) -> None:
    item = machine.stack.pop()
    machine.top(list).append(item)


def _appends(machine: Machine, _: None) -> None:
    items = machine.after_mark()
    machine.top(list).extend(items)


def _set(machine: Machine, _: None) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.top(dict, OrderedDict)[check_key(key)] = value


def _sets(machine: Machine, _: None) -> None:
    items = machine.after_mark()
    table = machine.top(dict, OrderedDict)
    for key, value in zip(items[::2], items[1::2], strict=True):
        table[check_key(key)] = value


def _add(machine: Machine, _: None) -> None:
    items = machine.after_mark()
    machine.top(set).update(map(check_key, items))


def _frozen(machine: Machine, _: None) -> None:
    items = machine.after_mark()
    machine.stack.append(frozenset(map(check_key, items)))


def _global(machine: Machine, _: None) -> None:
    module, name = (machine.source.readline()[:-1].decode("utf-8") for _ in range(2))
    machine.stack.append(machine.find(module, name))


def _stack_global(machine: Machine, _: None) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str or max(len(name), len(module)) > LONGEST_NAME:
        raise ModelError("a name in it is no text")
    machine.stack.append(machine.find(module, name))


def _reduce(machine: Machine, _: None) -> None:
    """A call of a function, for which a class that is merely recorded is none."""
    named = machine.stack[-2]
    if type(named) is Named and named.recorded:
        raise ModelError(f"it calls {quoted(f'{named.module}.{named.name}')}, which ganzoo does not run")
    _call(machine, None)


def _call(machine: Machine, _: None) -> None:
    """A stand-in and a tuple of arguments become what the stand-in makes of them."""
    arguments = machine.stack.pop()
    named = machine.named()
    if type(arguments) is not tuple:
        raise ModelError(f"it calls {quoted(f'{named.module}.{named.name}')} with a {type(arguments).__name__}")
    machine.limits.call()
    machine.stack.append(named.make(*arguments))


def _build(machine: Machine, _: None) -> None:
    state = machine.stack.pop()
    made = machine.stack[-1]
    machine.limits.call()
    parts = state if type(state) is tuple else (state,)
    machine.limits.spend(sum(len(part) for part in parts if isinstance(part, dict)))
    if type(made) is OrderedDict:
        return  # the versions that torch keeps beside the tensors, as an attribute: not an entry of the table
    if not hasattr(type(made), "__setstate__"):
        raise ModelError(f"it sets the state of a {type(made).__name__}")
    made.__setstate__(state)


def _persistent(machine: Machine, _: None) -> None:
    identity = machine.stack.pop()
    if machine.stored is None:
        raise ModelError("it refers to something outside of it (a persistent id)")
    machine.stack.append(machine.stored(identity))


OPERATIONS: Mapping[str, Callable[[Machine, Any], None]] = {
    "PROTO": _protocol,
    "FRAME": _nothing,
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), _number),
    **dict.fromkeys(("BINFLOAT", "SHORT_BINSTRING", "BINSTRING"), _push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"), _push),
    "BYTEARRAY8": lambda machine, data: _push(machine, bytes(data)),
    "NONE": lambda machine, _: _push(machine, None),
    "NEWTRUE": lambda machine, _: _push(machine, True),
    "NEWFALSE": lambda machine, _: _push(machine, False),
    "EMPTY_TUPLE": lambda machine, _: _push(machine, ()),
    "EMPTY_LIST": lambda machine, _: _push(machine, []),
    "EMPTY_DICT": lambda machine, _: _push(machine, {}),
    "EMPTY_SET": lambda machine, _: _push(machine, set()),
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.after_mark().clear(),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _put),
    "MEMOIZE": _remember,
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _get),
    "TUPLE": _tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set,
    "SETITEMS": _sets,
    "ADDITEMS": _add,
    "FROZENSET": _frozen,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _call,
    "BUILD": _build,
    "BINPERSID": _persistent,
}
STEPS: Mapping[bytes, tuple[Callable[[Machine, Any], None], Callable[[Any], Any] | None]] = {
    known.code.encode("latin-1"): (
        OPERATIONS[known.name],
        known.arg.reader if known.arg and known.name != "GLOBAL" else None,  # a name's length is limited here
    )
    for known in pickletools.opcodes
    if known.name in OPERATIONS
}
