"""What packages need whose own imports no longer work, and whose networks draw in eval mode."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder

import torch
from torch import Tensor, nn

from ganzoo import UsageError


@contextmanager
def bare_package(name: str, command: str) -> Iterator[None]:
    """Let submodules of a package be imported without running the package's own ``__init__``.

    torch-mimicry's imports TensorFlow, and the requirements of both libraries can no longer be met: without this
    neither could be measured. Modules stay usable after the block, which leaves ``sys.modules`` as it was.

    Args:
        name: of the package, as it is imported.
        command: what installs it, for the message.

    Raises:
        UsageError: it is not installed.
    """
    spec = PathFinder.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise UsageError(f"{name} is not installed: {command}")
    before = {key: module for key, module in sys.modules.items() if key.split(".")[0] == name}
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    try:
        yield
    finally:
        for key in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[key]
        sys.modules.update(before)


@contextmanager
def stand_ins(names: Iterable[str]) -> Iterator[None]:
    """Let modules be imported that are not needed: whatever is taken of one that is not installed is None.

    Args:
        names: of packages; one that can be found is taken as it is.
    """
    absent = [name for name in names if name not in sys.modules and PathFinder.find_spec(name) is None]
    for name in absent:
        sys.modules[name] = _Empty(name)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


class _Empty(types.ModuleType):
    """A module that has every name, as None."""

    def __getattr__(self, name: str) -> None:
        """None, but for what the import system looks for itself."""
        if name.startswith("__"):
            raise AttributeError(name)


@torch.no_grad()
def in_eval_mode(network: nn.Module, draw: Callable[[], Tensor]) -> Tensor:
    """What ``draw`` gives while ``network`` is in eval mode; it is in training mode afterwards."""
    network.eval()
    try:
        return draw()
    finally:
        network.train()
