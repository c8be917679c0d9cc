"""For authors of plugins: the checks that built-in parts pass, and plugins that need no installation.

Example:
    >>> from ganzoo.testing import check_component
    >>> def test_softhinge() -> None:
    ...     check_component("softhinge")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ganzoo import plugins
from ganzoo.entry import Entry
from ganzoo.errors import UsageError
from ganzoo.registry import Registry, registry
from ganzoo.testing.adversarial import check_loss, check_penalty
from ganzoo.testing.declared import check_declarations, check_options
from ganzoo.testing.layers import check_attention, check_conditioning, check_normalization, check_weight
from ganzoo.testing.metrics import check_metric
from ganzoo.testing.whole import (
    check_architecture,
    check_augment,
    check_dataset,
    check_preset,
    check_training,
)

__all__ = ["check_component", "plugin"]

_CHECKS: Mapping[str, tuple[Callable[[Entry], None], ...]] = {
    "architecture": (check_architecture,),
    "normalization": (check_normalization, check_training),
    "weight": (check_weight, check_training),
    "attention": (check_attention, check_training),
    "conditioning": (check_conditioning, check_training),
    "loss": (check_loss, check_training),
    "penalty": (check_penalty, check_training),
    "auxiliary": (check_training,),
    "augment": (check_augment, check_training),
    "dataset": (check_dataset,),
    "metric": (check_metric,),
    "preset": (check_preset,),
}


def check_component(name: str) -> None:
    """Check a registered part as the built-in ones are checked.

    What it declares must resolve, its options must be readable and refuse nonsense, what it computes must have the
    right shapes, finite values and gradients, and two steps of training with it must work.

    Args:
        name: such as ``"softhinge"`` or ``"loss/softhinge"``.

    Raises:
        AssertionError: naming the part and what does not hold.
        UsageError: for a name that nothing provides.
    """
    entry = registry().find(name)
    check_declarations(entry)
    if entry.kind != "preset":
        check_options(entry)
    for check in _CHECKS[entry.kind]:
        check(entry)


@contextmanager
def plugin(hooks: object, name: str = "inline") -> Iterator[Registry]:
    """Register an object or module with hooks for the time of a ``with`` block.

    Args:
        hooks: has methods or functions such as ``register_losses``, marked with ``ganzoo.hookimpl``.
        name: what stands for its distribution.

    Raises:
        PluginError: if it cannot be registered.
    """
    if any(name == other for _, other in plugins.inline):
        raise UsageError(f"a plugin called {name!r} is registered already; give another name")
    plugins.inline.append((hooks, name))
    plugins.installed.cache_clear()
    try:
        yield registry()
    finally:
        plugins.inline.remove((hooks, name))
        plugins.installed.cache_clear()
