"""Another package called ``ganzoo``: PyPI has one, a stranger's, and it writes into the folder that is imported."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from ganzoo.registry.about import DISTRIBUTION, FORMER, requirement

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Namesake:
    """An installed distribution called ``ganzoo``.

    Attributes:
        version: of it.
        folder: where it is installed.
        ours: whether it is an installation of this library under its former name, and no stranger's.
    """

    version: str
    folder: Path
    ours: bool

    def __str__(self) -> str:
        """One line: what it is, why it matters and what to type."""
        what, away = f"the package {FORMER} {self.version} in {self.folder}", f"pip uninstall {FORMER}"
        if self.ours:
            return (
                f"{what} is this library under its former name: it is called {DISTRIBUTION} now, and pip would keep"
                f" both; type, in the checkout: {away} && pip install -e ."
            )
        # Its uninstallation takes files of ours with it, so ours is installed again; what that depends on is untouched.
        return (
            f"{what} is not this library, which pip knows as {DISTRIBUTION}: both write into one folder, {FORMER}, and"
            f" what is imported may be either's; type: {away} && pip install --force-reinstall --no-deps"
            f" '{requirement()}' (in a checkout: pip install -e .)"
        )


def namesake() -> Namesake | None:
    """The installed distribution called ``ganzoo``, whoever's it is; None if there is none. A look at file names."""
    for found in metadata.distributions(name=FORMER):
        ours = any(point.group == "ganzoo.commands" for point in found.entry_points)
        if ours and found.read_text("METADATA") is None:
            continue  # what a build of 0.1.0 left in the checkout, ganzoo.egg-info: nothing is installed by it
        return Namesake(str(found.version), Path(str(found.locate_file(""))), ours)
    return None


@cache
def warn_of_namesake() -> None:
    """Log one warning in a process if another package called ``ganzoo`` is installed."""
    found = namesake()
    if found is not None:
        log.warning("%s", found)
