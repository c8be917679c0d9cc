"""Arguments that a function does not have: what other libraries call so, and what is spelled alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from ganzoo.registry.leads import argument_lead

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def known_arguments(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, which says of an argument that it does not have what is meant, as Python's own error does not.

    Raises:
        TypeError: when the function is called with such an argument.
    """
    names = [name for name in inspect.signature(function).parameters if name != "self"]

    @wraps(function)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for name in kwargs:
            if name not in names:
                raise TypeError(f"{function.__name__}() has no argument {name!r}{argument_lead(name, names)}")
        return function(*args, **kwargs)

    return checked
