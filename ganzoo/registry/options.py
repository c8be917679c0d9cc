"""Options of parts: the keyword-only arguments of a part's ``build``, read from text by their annotations."""

from __future__ import annotations

import functools
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from ganzoo.errors import PluginError, UsageError, either, nearest
from ganzoo.registry.leads import lead
from ganzoo.registry.recipe import NUMBER, VALUE, canonical
from ganzoo.schedules import FORM, NUMBER_MARK, Range, is_schedule, read_number

NONE = "none"
BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Option:
    """One option of one part.

    Attributes:
        name: the keyword argument, ``ch_d``; recipes write it ``ch.d``.
        default: its default.
        annotation: int, float, bool, str, a Literal, a tuple of those, ``ganzoo.Number``, or ``X | None``; numbers may
            have a :class:`ganzoo.parts.Range`.
        part: the part it belongs to, for messages.
    """

    name: str
    default: Any
    annotation: Any
    part: str = ""

    @property
    def key(self) -> str:
        """How recipes write the name."""
        return self.name.replace("_", ".")

    @property
    def form(self) -> str:
        """What its values look like, in words."""
        return _form(self.annotation)

    @property
    def schedulable(self) -> bool:
        """Whether a value may be a schedule: the annotation is ``ganzoo.Number``, or that or None."""
        return any(map(_is_number, (self.annotation, *typing.get_args(self.annotation))))

    def parse(self, text: str) -> Any:
        """The value that ``text`` means.

        Raises:
            UsageError: naming the option and what would work.
        """
        try:
            return _value_of(self.annotation, text)
        except ValueError:
            raise UsageError(
                f"{self.part}:{self.key}={text} does not work: {self.key} takes {self.form}{self._no_schedule(text)},"
                f" and is {self.format(self.default)} by default"
            ) from None

    def _no_schedule(self, text: str) -> str:
        return " and no schedule" if is_schedule(text) and not self.schedulable else ""

    def format(self, value: Any) -> str:
        """The canonical text of ``value``, which :meth:`parse` reads back."""
        if value is None or value == ():
            return NONE
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (tuple, list)):
            return "/".join(map(self.format, value))
        if isinstance(value, float):
            return _float_text(value)
        return canonical(str(value))


def _float_text(value: float) -> str:
    return canonical(repr(value).replace("e+", "e"))


def _is_number(annotation: Any) -> bool:
    """Whether an annotation is :data:`ganzoo.Number`."""
    return NUMBER_MARK in getattr(annotation, "__metadata__", ())


def _ranges(annotation: Any) -> list[Range]:
    """The ranges that an ``Annotated[...]`` says its numbers lie in; the inner ones first."""
    return [said for said in getattr(annotation, "__metadata__", ()) if isinstance(said, Range)]


def _inside(value: float, ranges: list[Range]) -> float:
    """``value``, once it lies in every range; ValueError where it does not."""
    if not all(value in each for each in ranges):
        raise ValueError(value)
    return value


def read_options(part: str, options: Mapping[str, Option], given: Mapping[str, object]) -> dict[str, Any]:
    """The keyword arguments that ``given`` means; its keys are spelled as in recipes or as in Python.

    Args:
        part: the part's name, for messages.
        options: what the part has, by keyword.
        given: text as a recipe has it, or values, which are checked as their text would be.

    Raises:
        UsageError: for an option that the part does not have, one given twice, or a value it cannot take.
    """
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace(".", "_")
        if name not in options:
            raise UsageError(_unknown(part, key, options))
        if name in values:
            raise UsageError(f"{part}: the option {options[name].key!r} is given twice; give it once")
        option = options[name]
        values[name] = option.parse(value if isinstance(value, str) else option.format(value))
    return values


def _unknown(part: str, key: str, options: Mapping[str, Option]) -> str:
    if not options:
        return f"{part} has no option {key!r}, and no others{lead(key, 'part option')}"
    keys = [option.key for option in options.values()]
    near = f"; nearest: {', '.join(nearest(key, keys))}"
    return f"{part} has no option {key!r}{lead(key, 'part option', keys) or near}"


def options_of(build: Callable[..., Any], part: str) -> Mapping[str, Option]:
    """The keyword-only arguments of ``build`` by name.

    Raises:
        PluginError: if one has no default, or no annotation that text can be read by.
    """
    known = isinstance(build, (type, types.FunctionType))  # others may change, or have no hash
    return _options_once(build, part) if known else _options_of(build, part)


def _options_of(build: Callable[..., Any], part: str) -> Mapping[str, Option]:
    """See :func:`options_of`."""
    keywords = [
        parameter
        for parameter in inspect.signature(build).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    hints = _resolved(build, {parameter.name: parameter.annotation for parameter in keywords}, part)
    for parameter in keywords:
        if parameter.default is inspect.Parameter.empty:
            raise PluginError(f"{part}: its option {parameter.name!r} has no default; every option needs one")
        if not _readable(hints[parameter.name]):
            raise PluginError(
                f"{part}: its option {parameter.name!r} is annotated {parameter.annotation!r};"
                f" options are int, float, bool, str, Literal[...], X | None, ganzoo.Number, a tuple of those,"
                " or Annotated[float, ganzoo.parts.Range(0)]"
            )
    return {
        parameter.name: Option(parameter.name, parameter.default, hints[parameter.name], part) for parameter in keywords
    }


_options_once = functools.lru_cache(maxsize=1024)(_options_of)  # reading annotations is what a plan would spend time on


def _resolved(build: Callable[..., Any], annotations: dict[str, Any], part: str) -> dict[str, Any]:
    """Annotations as types. Only those of options: the others may name what is imported for type checkers."""
    function: Any = build
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):
        function = function.__init__
    elif not inspect.isroutine(function):
        function = type(function).__call__
    function = inspect.unwrap(function)
    holder = type("Options", (), {"__annotations__": annotations})
    try:
        return typing.get_type_hints(holder, globalns=getattr(function, "__globals__", {}), include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise PluginError(f"{part}: an annotation of its options cannot be read: {error}") from error


def _readable(annotation: Any) -> bool:
    if _is_number(annotation) or annotation in (int, float, bool, str, type(None)):
        return True
    if _ranges(annotation):
        return typing.get_args(annotation)[0] in (int, float)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return all(isinstance(choice, (int, float, bool, str)) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return all(map(_readable, arguments))
    return origin is tuple and all(inner is Ellipsis or _readable(inner) for inner in arguments)


def _value_of(annotation: Any, text: str) -> Any:
    """``text`` read by an annotation; ValueError where it cannot be."""
    ranges = _ranges(annotation)
    if _is_number(annotation):
        return read_number(text, lambda end: _inside(_read_float(end), ranges), _float_text)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if ranges:
        return _inside(_value_of(arguments[0], text), ranges)
    if origin in (typing.Union, types.UnionType):
        return _read_any(arguments, text)
    if origin is Literal:
        return _read_choice(arguments, text)
    if origin is tuple:
        return _read_tuple(arguments, text)
    return _SIMPLE[annotation](text)


def _read_choice(choices: tuple[Any, ...], text: str) -> Any:
    for choice in choices:
        written = str(choice).lower() if isinstance(choice, bool) else str(choice)
        if canonical(written) == canonical(text):
            return choice
    raise ValueError(text)


def _read_any(members: tuple[Any, ...], text: str) -> Any:
    # None first, so that "none" of a `str | None` is None; text last, because everything is text.
    for member in sorted(members, key=lambda member: (member is not type(None), member is str)):
        try:
            return _value_of(member, text)
        except ValueError:
            continue
    raise ValueError(text)


def _read_tuple(members: tuple[Any, ...], text: str) -> tuple[Any, ...]:
    if members[-1:] == (Ellipsis,):
        return () if text == NONE else tuple(_value_of(members[0], item) for item in text.split("/"))
    return tuple(_value_of(member, item) for member, item in zip(members, text.split("/"), strict=True))


def _read_int(text: str) -> int:
    if not NUMBER.fullmatch(text) or Decimal(text) != Decimal(text).to_integral_value():
        raise ValueError(text)
    return int(Decimal(text))


def _read_float(text: str) -> float:
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _read_bool(text: str) -> bool:
    if text not in BOOLEANS:
        raise ValueError(text)
    return BOOLEANS[text]


def _read_text(text: str) -> str:
    if not VALUE.fullmatch(text):
        raise ValueError(text)
    return text


def _read_none(text: str) -> None:
    if text != NONE:
        raise ValueError(text)


_SIMPLE: dict[Any, Callable[[str], Any]] = {
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    str: _read_text,
    type(None): _read_none,
}
_FORMS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): NONE}


def _form(annotation: Any) -> str:
    ranges = "".join(f" {each}" for each in _ranges(annotation))
    if _is_number(annotation):
        return f"a number{ranges}, or {FORM}"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if ranges:
        return f"{_form(arguments[0])}{ranges}"
    if origin in (typing.Union, types.UnionType):
        return either(sorted(map(_form, arguments), key=lambda form: form == NONE))
    if origin is Literal:
        return either(str(choice).lower() if isinstance(choice, bool) else choice for choice in arguments)
    if origin is tuple and arguments[-1:] == (Ellipsis,):
        return f"a list with '/' of which each is {_form(arguments[0])}"
    if origin is tuple:
        return f"{len(arguments)} values with '/': {either(map(_form, arguments), 'and')}"
    return _FORMS.get(annotation, str(annotation))
