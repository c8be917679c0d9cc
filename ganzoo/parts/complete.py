"""Completing a part that has only the methods it needs, so that whoever uses parts never asks what they have."""

from __future__ import annotations

from functools import cache
from typing import Any

from ganzoo.errors import PluginError


def complete(part: Any, base: type, name: str) -> Any:
    """``part`` as an instance of ``base`` too: what it does not have itself, it has from there.

    Args:
        part: of any class.
        base: of :mod:`ganzoo.parts`, such as ``Loss``.
        name: of the part, for messages.

    Raises:
        PluginError: its class cannot be extended, as one with ``__slots__``.
    """
    if isinstance(part, base):
        return part
    try:
        object.__setattr__(part, "__class__", _both(type(part), base))  # type: ignore[arg-type]
    except TypeError as error:
        raise PluginError(f"{name}: derive its class from ganzoo.parts.{base.__name__} ({error})") from error
    return part


@cache
def _both(own: Any, base: Any) -> Any:
    """A class that is ``own``, and ``base`` where that says nothing."""
    names = {"__module__": own.__module__, "__doc__": own.__doc__, "__reduce__": lambda self: _reduced(self, own, base)}
    return type(own.__name__, (own, base), names)


def _reduced(part: Any, own: Any, base: Any) -> tuple[Any, ...]:
    """How a completed part is pickled: no module holds its class, but the two that it is made of have names."""
    return _empty, (own, base), part.__dict__


def _empty(own: Any, base: Any) -> Any:
    """A completed part without its attributes."""
    kind = _both(own, base)
    return kind.__new__(kind)
