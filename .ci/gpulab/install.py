"""The checkout as installed packages, without an index: metadata beside sources, as ``pip install -e`` has it.

A machine with a GPU may reach no index, and its torch is the one that its driver fits. So nothing is resolved: what
the checkout asks for and the machine has not is fetched if that is possible, and named if not.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from gpulab.clock import Clock

try:
    import tomllib
except ImportError:  # Python 3.10; pip brings it
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef, import-not-found]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT, ROOT / "plugins" / "ganzoo-peers")
NAME = re.compile(r"[A-Za-z0-9._-]+")
ABOUT = ROOT / "ganzoo" / "registry" / "about.py"


def install(clock: Clock, site: Path, wheels: Path | None) -> dict[str, Any]:
    """Make the checkout importable by the commands of a clock, as an installed package.

    Args:
        clock: whose environment is changed.
        site: a new folder for metadata, and for what has to be fetched.
        wheels: a folder of wheels that what is missing may come from.

    Returns:
        ``missing`` and ``older``: what the checkout asks for and the machine has not, or has in a version that is too
        old; ``fetched``: what came from wheels or the index.
    """
    for package in PACKAGES:
        _link(package, site)
    paths = [str(site), *map(str, PACKAGES), *filter(None, [clock.environment.get("PYTHONPATH")])]
    clock.environment["PYTHONPATH"] = os.pathsep.join(paths)
    missing, older = requirements()
    fetched = [name for name in missing if _fetch(clock, site, name, wheels)] if missing else []
    left = [name for name in missing if name not in fetched]
    for name in left:
        clock.say(f"missing: {name}; put its wheel into a folder and give that with --wheels, or pip install {name}")
    for what in older:
        clock.say(f"older than asked for: {what}; tried as it is")
    return {"missing": left, "older": older, "fetched": fetched}


def _project(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def _version(project: dict[str, Any]) -> str:
    """The version that a project has, or that ganzoo's own file says."""
    said = re.search(r'^VERSION = "([^"]+)"', ABOUT.read_text(encoding="utf-8"), re.MULTILINE)
    if said is None:
        raise ValueError(f"{ABOUT} has no VERSION")
    return str(project.get("version", said[1]))


def _link(package: Path, site: Path) -> None:
    """Write the metadata of a package: its name, version and entry points."""
    project = _project(package)
    name, version = project["name"], _version(project)
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    extras = "".join(f"Provides-Extra: {extra}\n" for extra in project.get("optional-dependencies", {}))
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extras}"
    (folder / "METADATA").write_text(head, encoding="utf-8")
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "RECORD").write_text("", encoding="utf-8")


def requirements() -> tuple[list[str], list[str]]:
    """What ganzoo asks for: names that are not installed, and what is installed in too old a version."""
    missing, older = [], []
    for name, least in _asked():
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if least is not None and _numbers(have) < _numbers(least):
            older.append(f"{name} {have}, and {least} is asked for")
    return missing, older


def _asked() -> Iterator[tuple[str, str | None]]:
    """Names and least versions of ganzoo's requirements, and of what its tests need."""
    for text in [*_project(ROOT)["dependencies"], "pytest>=8.4", "hypothesis>=6.130"]:
        found, least = NAME.match(text), re.search(r">=\s*([0-9.]+)", text)
        if found is not None:
            yield found[0], least and least[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _fetch(clock: Clock, site: Path, name: str, wheels: Path | None) -> bool:
    """Whether what is missing could be had, from wheels or from the index; what it asks for in turn stays as it is."""
    source = ["--no-index", "--find-links", str(wheels)] if wheels else ["--timeout", "5", "--retries", "0"]
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), *source, name]
    return clock.run(words, 60).status == 0
