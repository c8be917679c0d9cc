"""What is public says what it is: every argument typed and explained, shapes of tensors, the errors that are raised."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

import ganzoo

PUBLIC = (
    "ganzoo",
    "ganzoo.parts",
    "ganzoo.layers",
    "ganzoo.data",
    "ganzoo.metrics",
    "ganzoo.foreign",
    "ganzoo.testing",
    "ganzoo.cli.kit",
)
TENSORS = {"Tensor", "Tensor | None", "tuple[Tensor, Tensor]", "tuple[Tensor, ...]"}
SHAPE = re.compile(r"``?\(|scalar|shape|noise|images? |\bB\b")  # how docstrings write one


def ours(thing: object) -> bool:
    return (getattr(thing, "__module__", "") or "").split(".")[0] == "ganzoo"


def functions() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """Every public function and method: its name, itself, and what the class around it says."""
    seen = set()
    for module in PUBLIC:
        public = import_module(module)
        for name in public.__all__:
            thing = getattr(public, name)
            if inspect.isclass(thing) and ours(thing) and thing not in seen:
                seen.add(thing)
                yield from methods(thing)
            elif inspect.isfunction(thing) and ours(thing) and thing not in seen:
                seen.add(thing)
                yield f"{module}.{name}", thing, ""


def methods(kind: type) -> Iterator[tuple[str, Callable[..., Any], str]]:
    around = "\n".join(base.__doc__ or "" for base in kind.__mro__ if ours(base))
    for base in filter(ours, kind.__mro__):
        for name, found in vars(base).items():
            made = getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__func__", found)
            theirs = any(name in vars(other) for other in kind.__mro__ if not ours(other) and other is not object)
            if inspect.isfunction(made) and made.__module__ == base.__module__:
                if theirs and name not in ("__init__", "forward"):
                    continue  # what a library that calls it wants it to be
                if not name.startswith("_") or (name in ("__init__", "__call__") and "dataclass" not in repr(found)):
                    yield f"{base.__module__}.{base.__qualname__}.{name}", made, around


FUNCTIONS = {name: (made, around) for name, made, around in functions()}


def tree(made: Callable[..., Any]) -> ast.FunctionDef | None:
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(made)))).body[0]
    except (OSError, TypeError, SyntaxError):  # made by a dataclass
        return None
    return node if isinstance(node, ast.FunctionDef) else None


def own_raises(node: ast.FunctionDef) -> set[str]:
    """Names of ganzoo's errors that a function raises itself."""
    found = {
        name.id
        for raised in ast.walk(node)
        if isinstance(raised, ast.Raise) and raised.exc is not None
        for name in ast.walk(raised.exc)
        if isinstance(name, ast.Name)
    }
    return {name for name in found if name in ganzoo.__all__ and name.endswith(("Error", "Hub", "Part", "Unreachable"))}


def test_there_is_something_to_look_at() -> None:
    assert len(FUNCTIONS) > 250
    for name in ("GAN.turns", "Sampled.sample", "Run.log", "train", "load", "push"):
        assert any(found.endswith(f".{name}") for found in FUNCTIONS), name


@pytest.mark.parametrize("room", sorted({name.split(".")[1] for name in FUNCTIONS}))
def test_all_is_typed_and_explained(room: str) -> None:
    for name, (made, around) in FUNCTIONS.items():
        if name.split(".")[1] == room:
            check(name, made, around)


def check(name: str, made: Callable[..., Any], around: str) -> None:
    """One function: its types, and what its docstring and that of its class say."""
    node = tree(made)
    if node is None:
        return
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra is not None]
    if arguments and arguments[0].arg in ("self", "cls"):
        arguments = arguments[1:]
    assert [a.arg for a in arguments if a.annotation is None] == [], f"{name}: an argument has no type"
    assert node.returns is not None, f"{name}: nothing says what it returns"
    text = inspect.getdoc(made) or ""
    said = f"{text}\n{around}"
    assert text or node.name in ("__init__", "__repr__"), f"{name}: no docstring"
    unsaid = [a.arg for a in arguments if not re.search(rf"\b{a.arg.strip('_')}\b", said)]
    assert unsaid == [] or len(arguments) < 3, f"{name}: arguments that its docstring does not speak of"
    types = {ast.unparse(part) for part in (node.returns, *(a.annotation for a in arguments)) if part is not None}
    assert not types & TENSORS or SHAPE.search(said), f"{name}: no shape of its tensors"
    errors = own_raises(node)
    assert not errors or "Raises:" in said, f"{name}: {errors} are raised and not told of"
