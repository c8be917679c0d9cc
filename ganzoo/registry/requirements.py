"""What to install for a module that is missing: Python names the module, pip wants the package that brings it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions, requires
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ganzoo.registry.about import DISTRIBUTION, install

if TYPE_CHECKING:  # read when something is missing, and not before each command
    from packaging.requirements import Requirement

KNOWN: Mapping[str, tuple[str, ...]] = {  # modules that are not called like the package that brings them
    "Crypto": ("pycryptodome",),
    "OpenEXR": ("openexr",),
    "PIL": ("pillow",),
    "bs4": ("beautifulsoup4",),
    "clip": ("openai-clip",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python"),
    "dateutil": ("python-dateutil",),
    "fitz": ("pymupdf",),
    "google": ("protobuf",),
    "hf_xet": ("hf-xet",),
    "markdown_it": ("markdown-it-py",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "yaml": ("pyyaml",),
}


def missing_package(error: BaseException, *distributions: str) -> str | None:
    """What package is missing and what to type, where an error says that a module is; None for any other error.

    Args:
        error: as it was raised, or one that another was raised from.
        distributions: the packages whose code wanted the module; those in the error's traceback by default.

    Returns:
        Such as ``it needs opencv-python-headless (the module cv2), which is not installed: pip install '…>=4.12'``.
    """
    found = _not_found(error)
    if found is None:
        return None
    module = str(found.name).partition(".")[0]
    for distribution in dict.fromkeys(distributions or (*_in_traceback(found), DISTRIBUTION)):
        for wanted in _requirements(distribution):
            if _plain(wanted.name) in _packages(module):
                return _said(module, wanted, distribution)
    if module in KNOWN:
        name = KNOWN[module][0]
        return f"it needs {name} (the module {module}), which is not installed: pip install {name}"
    whose = " or ".join(distributions) or "what imports it"
    return f"No module named {module!r}, and {whose} does not say which package brings it"


def _not_found(error: BaseException | None) -> ModuleNotFoundError | None:
    """The error, or what it was raised from, that says that a whole package is not there."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__
    if error is None or not error.name:
        return None
    module = error.name.partition(".")[0]
    try:
        there = module in sys.modules or find_spec(module) is not None
    except (ImportError, ValueError):
        there = False
    return None if there else error  # a part of an installed package is missing: of another version of it, say


def _plain(name: str) -> str:
    """A package's name as the index compares it, ``scikit-image`` for ``Scikit_Image``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _packages(module: str) -> tuple[str, ...]:
    """What a package that brings a module may be called, normalised."""
    return (*KNOWN.get(module, ()), _plain(module))


def _requirements(distribution: str) -> Iterator[Requirement]:
    """What a package says that it needs, also for its extras; nothing of one that is not installed."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return
    for line in lines:
        try:
            yield Requirement(line)
        except InvalidRequirement:
            continue


def _extra(wanted: Requirement, distribution: str) -> str | None:
    """The extra that a requirement is of; None for what is needed in any case."""
    if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
        return None
    extras = metadata(distribution).get_all("Provides-Extra") or []
    return next((extra for extra in extras if wanted.marker.evaluate({"extra": extra})), None)


def _said(module: str, wanted: Requirement, distribution: str) -> str:
    extra = _extra(wanted, distribution)
    same = _plain(module) == _plain(wanted.name)
    called = wanted.name if same else f"{wanted.name} (the module {module})"
    bare = f"pip install '{wanted.name}{wanted.specifier}'"
    if extra is None:
        return f"it needs {called}, which is not installed: {bare}"
    if _plain(distribution) == DISTRIBUTION:
        return f"it needs {called}, which is not installed: {install(extra)}"
    return f"it needs {called}, of the extra {extra} of {distribution}, which is not installed: {bare}"


def _in_traceback(error: BaseException) -> Iterator[str]:
    """The packages whose code was running when an error arose, the innermost first."""
    names, trace = list[str](), error.__traceback__
    while trace is not None:
        names.append(str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0])
        trace = trace.tb_next
    owners = packages_distributions()
    for name in dict.fromkeys(reversed(names)):
        yield from owners.get(name, ())
