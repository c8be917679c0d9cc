"""For authors of plugins: the checks that built-in parts pass, and plugins that need no installation.

``pytest --ganzoo NAME`` runs every check of a part, or of all that a package registers, as a test of its own; the
same inside a test file, in one or in many:

    >>> from ganzoo.testing import check_component, conformance
    >>> def test_softhinge() -> None:
    ...     check_component("softhinge")
    >>> @conformance("softhinge")
    ... def test_each(check) -> None:
    ...     check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import SkipTest

from ganzoo.errors import UsageError
from ganzoo.registry import loading
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Registry
from ganzoo.testing.suite import Check, checks, checks_of

__all__ = ["Check", "check_component", "checks", "conformance", "plugin"]


def check_component(name: str, *, everything: bool = False) -> None:
    """Check a registered part as the built-in ones are checked.

    What it declares must resolve, its options must be readable and refuse nonsense; what it computes must have the
    right shapes, finite values and gradients; a training with it must be a function of its seed, resume exactly, hold
    everything in its state and stand bf16; and it must work, or be refused with a reason, with every other part
    of ganzoo, of its own package and of the packages that this requires. :func:`checks` has the same as a list.

    Args:
        name: such as ``"softhinge"`` or ``"loss/softhinge"``.
        everything: with the parts of every other plugin that is installed, too.

    Raises:
        AssertionError: naming the part and what does not hold.
        UsageError: for a name that nothing provides.
    """
    for check in checks_of(registry().find(name), everything):
        with suppress(SkipTest):
            check.run()


def conformance(*names: str, everything: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator of a test function that pytest then calls once for each check, with ``check`` to be called.

    Args:
        names: of parts, distributions or entry points; see :func:`checks`.
        everything: as in :func:`check_component`.

    Raises:
        GanzooError: for a name that nothing installed has.
    """
    import pytest

    found = {check.id: check.run for name in names for check in checks(name, everything)}
    return pytest.mark.parametrize("check", list(found.values()), ids=list(found))


@contextmanager
def plugin(hooks: object, name: str = "inline") -> Iterator[Registry]:
    """Register an object or module with hooks for the time of a ``with`` block.

    Args:
        hooks: has methods or functions such as ``register_losses``, marked with ``ganzoo.hookimpl``.
        name: what stands for its distribution.

    Raises:
        PluginError: if it cannot be registered.
    """
    if any(name == other for _, other in loading.inline):
        raise UsageError(f"a plugin called {name!r} is registered already; give another name")
    loading.inline.append((hooks, name))
    loading.installed.cache_clear()
    try:
        yield registry()
    finally:
        loading.inline.remove((hooks, name))
        loading.installed.cache_clear()
