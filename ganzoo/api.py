"""The small functions behind ``import ganzoo``: list, look up, make and load parts and models by name."""

from __future__ import annotations

import builtins
from os import PathLike
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ModelError
from ganzoo.recipe import KINDS
from ganzoo.registry import Entry, registry

if TYPE_CHECKING:
    from ganzoo.gan import GAN


def list(kind: str | None = None) -> builtins.list[str]:
    """Names of every registered part, or of those of one kind, such as ``"loss"``."""
    return [entry.name for entry in registry().entries(kind)]


def info(name: str) -> Entry:
    """What is registered as ``name`` (or ``kind/name``): its build, declarations, options and origin.

    Raises:
        UnknownPart: with the nearest names.
    """
    return registry().find(name, KINDS)


def create(name: str, *context: Any, **options: Any) -> Any:
    """One part by name.

    Args:
        name: such as ``"hinge"`` or ``"normalization/gn"``.
        context: what ganzoo would hand it: nothing for losses and penalties, ``channels, y_dim`` for a
            normalization, ``channels`` for an attention, ``y_dim`` for a conditioning, a module for a weight.
        options: the part's own.

    Raises:
        UnknownPart: with the nearest names.
        UsageError: for an option that the part does not have or a value that it cannot take.

    Example:
        >>> ganzoo.create("hinge").d(critic, real, fake)
    """
    entry = registry().find(name, KINDS)
    known = entry.options()
    texts = {key: known[key].format(value) if key in known else str(value) for key, value in options.items()}
    return entry.load()(*context, **entry.read_options(texts))


def load(ref: str | PathLike[str], device: str = "cpu") -> GAN:
    """A trained model, ready to sample.

    Args:
        ref: a model's folder: a path, or text with ``.``, ``/`` or ``~`` in front.
        device: where the weights go.

    Raises:
        ModelError: for a folder that is missing, torn or not to be trusted.
    """
    from pathlib import Path

    from ganzoo.checkpoint import load_folder

    path = Path(ref).expanduser()
    if isinstance(ref, str) and not ref.startswith((".", "/", "~")) and not path.is_dir():
        raise ModelError(f"no folder {ref!r}; models of the Hub cannot be loaded yet: give a folder such as ./{ref}")
    return load_folder(path, device=device)
