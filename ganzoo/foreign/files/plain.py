"""What a pickle stood for, as plain tables, lists, numbers, texts and tensors, counted before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.opcodes import Named
from ganzoo.foreign.files.recorded import Recorded
from ganzoo.foreign.files.standins import Array, Dtype, Shell, View

DEEPEST = 120  # tables within each other; a network of torch takes three for each network within a network
MOST_ENTRIES = 2_000_000  # with what is shared counted wherever it is used, as whoever walks through it would
ALIASED = 4  # times that the tensors together may be as large as the file
SLACK = 1 << 20


class Plain:
    """Turns stand-ins and whatever torch loaded into content that can be walked through without care.

    Args:
        size: of the file, in bytes, which all tensors together may exceed only so far.
        tensor: makes a tensor of a view that was found right.
    """

    def __init__(self, size: int, tensor: Callable[[View], Any]) -> None:
        self.left, self.tensor = ALIASED * size + SLACK, tensor
        self.done: dict[int, tuple[Any, int]] = {}
        self.open: set[int] = set()
        self.kept: list[Any] = []  # what has been seen lives on, so that no two have had the same id

    def of(self, content: Any) -> Any:
        """The content, plain.

        Raises:
            ModelError: it is nested too deep, contains itself, unfolds to too much, or has a tensor that cannot be.
        """
        return self._value(content, ())[0]

    def claim(self, view: View, name: str) -> None:
        """Check one tensor and count its bytes.

        Raises:
            ModelError: naming the tensor.
        """
        if problem := view.problem():
            raise ModelError(f"the tensor {name} {problem}")
        self._take(view.count * view.storage.size, name)

    def _take(self, count: int, name: str) -> None:
        self.left -= count
        if self.left < 0:
            raise ModelError(f"with {name} its tensors are over {ALIASED} times as large as the file itself")

    def _value(self, value: Any, where: tuple[Any, ...]) -> tuple[Any, int]:
        if value is None or type(value) in (bool, int, float, str, bytes):
            return value, 1
        if id(value) in self.done:
            return self.done[id(value)]
        if id(value) in self.open:
            raise ModelError(f"{_name(where)} in it contains itself")
        if len(where) > DEEPEST:
            raise ModelError(f"it is nested more than {DEEPEST} deep")
        self.open.add(id(value))
        result = self._made(value, where)
        self.open.discard(id(value))
        if result[1] > MOST_ENTRIES:
            raise ModelError(f"it unfolds to more than {MOST_ENTRIES:,} entries; no file of weights does")
        self.kept.append(value)
        self.done[id(value)] = result
        return result

    def _made(self, value: Any, where: tuple[Any, ...]) -> tuple[Any, int]:
        if isinstance(value, dict):
            return self._table(dict.items(value), where)
        if isinstance(value, list):
            items, count = self._items(list.__iter__(value), where)
            return items, count
        if isinstance(value, tuple):
            items, count = self._items(tuple.__iter__(value), where)
            return tuple(items), count
        if isinstance(value, set | frozenset):
            return tuple(sorted(value, key=repr)), 1 + len(value)
        if isinstance(value, Shell):
            return self._recorded(value, where)
        return self._single(value, _name(where)), 1

    def _table(self, entries: Iterable[tuple[Any, Any]], where: tuple[Any, ...]) -> tuple[dict[Any, Any], int]:
        found = {key: self._value(item, (*where, key)) for key, item in entries}
        return {key: item for key, (item, _) in found.items()}, 1 + sum(count for _, count in found.values())

    def _items(self, items: Iterable[Any], where: tuple[Any, ...]) -> tuple[list[Any], int]:
        found = [self._value(item, (*where, place)) for place, item in enumerate(items)]
        return [item for item, _ in found], 1 + sum(count for _, count in found)

    def _recorded(self, value: Shell, where: tuple[Any, ...]) -> tuple[Recorded, int]:
        args, first = self._items(value.arguments, where)
        kwargs, second = self._table(value.settings.items(), where)
        state, third = self._table(value.state.items(), where)
        made = Recorded(type(value).__name__, value.module, tuple(args), kwargs, state)
        return made, first + second + third

    def _single(self, value: Any, name: str) -> Any:
        import torch

        if isinstance(value, View):
            self.claim(value, name)
            return self.tensor(value)
        if isinstance(value, Array):
            self._take(len(value.data), name)
            return _array(value)
        if isinstance(value, torch.Tensor):
            return _checked(value, name)
        if isinstance(value, Named):
            return f"{value.module}.{value.name}"
        if isinstance(value, Dtype):
            return f"numpy.{value.dtype}"
        if isinstance(value, torch.dtype | torch.device):
            return str(value)
        if isinstance(value, type) and issubclass(value, Shell):
            return f"{value.module}.{value.__name__}"
        raise ModelError(f"{name} in it is a {quoted(type(value).__name__)}, which is no part of a file of weights")


def _checked(tensor: Any, name: str) -> Any:
    """A tensor that torch loaded: plain, on the CPU, and of no history."""
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise ModelError(f"the tensor {name} is sparse, quantised or without numbers (meta)")
    return tensor.detach()


def _name(where: tuple[Any, ...]) -> str:
    return quoted(".".join(str(key)[:80] for key in where)) if where else "the whole"


def _array(array: Array) -> Any:
    """The tensor of an array, in memory of its own."""
    import torch

    if not array.data:
        return torch.empty(array.shape, dtype=getattr(torch, array.dtype))
    flat = torch.frombuffer(bytearray(array.data), dtype=getattr(torch, array.dtype))
    if not array.columns:
        return flat.reshape(array.shape)
    return flat.reshape(array.shape[::-1]).permute(*reversed(range(len(array.shape))))
