"""Finding what an old name means now.

A module that is gone is found by :class:`OldModules`, a finder that Python asks last; a module that is still there, but
lost a name, asks :func:`old_names` for it; an object whose methods were renamed asks :func:`old_attribute`.

The warnings are DeprecationWarnings that name the line which asked: Python shows them to whoever runs that line as a
script, and pytest to the author of a plugin, but not to a person who merely has the plugin installed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from ganzoo.compat.table import ATTRIBUTES, MODULES, NAMES

seen: set[str] = set()  # old names that were warned of


def old_names(module: str, depth: int = 3) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module of 0.1.0: what it had under a name that is elsewhere now.

    Args:
        module: as 0.1.0 called it.
        depth: of the code to blame, seen from :func:`warn`; one more for each function between.
    """

    def find(name: str) -> Any:
        found = None if name.startswith("_") or _is_module(module, name) else _found(module, name)
        if found is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, new, value = found
        warn(f"{module}.{name}", f"from {place} import {new}", depth)
        return value

    return find


def _is_module(package: str, name: str) -> bool:
    """Whether Python only wants to know if it has to import a module: then what it was called is no question."""
    path = getattr(sys.modules[package], "__path__", None)
    return path is not None and PathFinder.find_spec(f"{package}.{name}", path) is not None


def _found(module: str, name: str) -> tuple[str, str, Any] | None:
    """Where a name is, what it is called there, and what it is; None if the table does not lead to it."""
    if new := NAMES.get(f"{module}.{name}"):
        place, _, name = new.rpartition(".")
        return place, name, getattr(import_module(place), name)
    for place in MODULES.get(module, "").split():
        home = import_module(place)
        if name in getattr(home, "__all__", vars(home)) and not isinstance(value := getattr(home, name), ModuleType):
            return place, name, value
    return None


def old_attribute(owner: object, name: str) -> Any:
    """What an object has now under the new name of an attribute that 0.1.0 called ``name``.

    Raises:
        AttributeError: it never had one.
    """
    for kind in type(owner).__mro__:
        if new := ATTRIBUTES.get(f"{kind.__name__}.{name}"):
            warn(f"{kind.__name__}.{name}", f"{kind.__name__}.{new}", depth=4)
            return getattr(owner, new)
    raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")


def warn(old: str, new: str, depth: int) -> None:
    """Say once what to write in place of an old name.

    Args:
        old: as it was found.
        new: what to write.
        depth: of the code to blame: 2 is what calls this, 3 what calls that.
    """
    if old not in seen:
        seen.add(old)
        text = f"{old} is a name of ganzoo 0.1.0 that will go; write: {new}"
        warnings.warn(text, DeprecationWarning, stacklevel=depth)


class OldModules:
    """Finds modules that 0.1.0 had: empty ones, whose names are looked up where they are now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :class:`importlib.abc.MetaPathFinder`: asked only when no other finder has the module."""
        if fullname not in MODULES:
            return None
        package = any(module.startswith(f"{fullname}.") for module in MODULES)
        return ModuleSpec(fullname, self, is_package=package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """See :class:`importlib.abc.Loader`: an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """See :class:`importlib.abc.Loader`."""
        module.__doc__ = f"A module of ganzoo 0.1.0; what it had is in {MODULES[module.__name__]}."
        vars(module)["__getattr__"] = old_names(module.__name__)


def install() -> None:
    """Let Python ask for the modules of 0.1.0, after all else."""
    if not any(isinstance(finder, OldModules) for finder in sys.meta_path):
        sys.meta_path.append(OldModules())  # type: ignore[arg-type]
