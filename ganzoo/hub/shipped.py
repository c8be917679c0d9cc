"""Models that are on this machine because a package ships them: found by bare name, without the network.

A package ships models by an entry point of the group ``ganzoo.models`` whose value is a Python package with one
folder for each model. Those of ``model_cards/`` are in the package ``ganzoo-models``; a checkout has them beside it.
"""

from __future__ import annotations

from pathlib import Path

from ganzoo.errors import PluginError, either
from ganzoo.folder.layout import CONFIG, MODEL
from ganzoo.registry.loading import model_places


def shipped() -> dict[str, list[tuple[str, Path]]]:
    """Every whole model that is shipped: by name, who ships it and its folder."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for who, place in model_places():
        for config in sorted(place.glob(f"*/{CONFIG}")):
            if (config.parent / MODEL).is_file():
                found.setdefault(config.parent.name, []).append((who, config.parent))
    return found


def shipped_folder(name: str) -> Path | None:
    """The folder of the shipped model called ``name``; None if nothing ships one.

    Raises:
        PluginError: two packages ship it.
    """
    found = shipped().get(name, [])
    if len(found) > 1:
        who = either((distributor for distributor, _ in found), "and")
        raise PluginError(f"the model {name} comes from {who}, and ganzoo does not choose; give a folder of one")
    return found[0][1] if found else None
