"""JSON that nobody vouches for: UTF-8, shallow, and of numbers that are numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

DEEPEST = 32  # mappings and lists within each other; what ganzoo writes has eight at most
MOST_DIGITS = 40  # of a whole number, which then is small enough for a float as well


def parse_json(data: bytes) -> Any:
    """The value that JSON in UTF-8 stands for, with or without a byte order mark.

    Raises:
        ValueError: for any other encoding, for NaN, for numbers that no float holds, and for what is nested more than
            :data:`DEEPEST` deep.
    """
    text = data.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_real)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} deep") from None
    # Looked for only where it can be: a log has a hundred thousand lines, and hardly one with so many brackets.
    if text.count("[") + text.count("{") > DEEPEST:
        _refuse_deep(value)
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:MOST_DIGITS]} is no finite number")
    return value


def _refuse_deep(value: object) -> None:
    """Refuse deep nesting, without recursion."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        inner: list[object] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level, depth = inner, depth + 1


# --- dataclasses ------------------------------------------------------------------------------------------------


def fields_of(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make a dataclass of a JSON object, each checked against its annotation.

    Fields with a default may be missing. Lists become tuples where the field is one, and objects become dataclasses.

    Raises:
        ValueError: naming the field that is missing, unknown, or of another type.
    """
    hints = get_type_hints(kind)
    needed = {one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING}  # type: ignore[arg-type]
    for name in [*(values.keys() - hints.keys()), *(needed - values.keys())]:
        raise ValueError(f"{name[:MOST_DIGITS]!r} is {'missing' if name in needed else 'unknown'}")
    return {name: _fitted(value, hints[name], name) for name, value in values.items()}


def _fitted(value: Any, hint: Any, name: str) -> Any:
    """``value`` as a field of the type ``hint`` has it."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        options = [one for one in inner if value is None or one is not type(None)]
        return None if value is None and type(None) in inner else _fitted(value, options[0], name)
    if origin is tuple and isinstance(value, list):
        return tuple(_fitted(one, inner[0], name) for one in value)
    if origin is dict and isinstance(value, dict):
        return {key: _fitted(one, inner[1], name) for key, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        return hint(**fields_of(hint, value))
    if hint is Any or (hint is float and type(value) is int) or (isinstance(hint, type) and type(value) is hint):
        return value
    raise ValueError(f"{name} is {json.dumps(value)[:MOST_DIGITS]}, of the wrong type")
