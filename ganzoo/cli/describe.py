"""What ``ganzoo info`` shows of a trained model: facts of its folder, and what to type to use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.show import say, show_facts, show_json, show_table
from ganzoo.errors import command, counted

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder

SHOWN_CLASSES = 20


def show_model(folder: ModelFolder, name: str, as_json: bool) -> None:
    """Print all that is known of a trained model.

    Args:
        folder: of it; a stranger's, so that its texts are printed without what a terminal would obey.
        name: what a person calls it.
        as_json: print JSON: ``config``, the content of its config.json, ``scores``, by key, ``ref`` and ``folder``.

    Raises:
        ModelError: the folder is no model, or does not hold together.
    """
    from ganzoo.files.untrusted import printable

    scores = folder.own_scores
    if as_json:
        found = {score.key: score.value for score in scores}
        show_json({"ref": name, "folder": str(folder), "config": folder.config, "scores": found})
        return
    say(f"{printable(name)}: a trained model", "")
    show_facts({title: printable(text) for title, text in _facts(folder, name).items()})
    if scores:
        say("", "Scores of these weights:")
        rows = [(score.key, f"{score.value:.4g}", score.dataset["name"]) for score in scores]
        show_table(("score", "value", "data"), [tuple(map(printable, row)) for row in rows])


def _facts(folder: ModelFolder, name: str) -> dict[str, str]:
    """The facts of a model by title; those that it does not have are left out."""
    from ganzoo.folder.config import resolution_of
    from ganzoo.folder.layout import CARD
    from ganzoo.registry.sizes import pixels_text

    config, given = folder.config, Path(name)
    ref = name if folder.path != given or given.is_absolute() else f"./{given}"
    values = f"{counted(config['channels'], 'channel')} of {config['bits']} bits"
    facts = {
        "recipe": config["recipe"],
        "images": f"{pixels_text(resolution_of(config))}, {values}",
        "labels": _labels(config),
        "trained on": str(config["dataset"].get("name") or ""),
        "steps": f"{config['step']:,}" if config["step"] else "",
        "packages": ", ".join(f"{package} {version}" for package, version in config["plugins"].items()),
        "licence": config["license"] or "not stated",
        "folder": str(folder),
        "card": str(folder.path / CARD) if folder.has(CARD) else "",
        "draw": command("sample", name, "-n", 16, "--out", "grid.png"),
        "in Python": f"ganzoo.load({ref!r}).sample(16, seed=0, output='pil')",
    }
    return {title: text for title, text in facts.items() if text}


def _labels(config: Mapping[str, Any]) -> str:
    """What the labels are, and the names of the first ones; nothing for an unconditional model."""
    if not config["classes"]:
        return ""
    names = config["class_names"]
    more = f", … ({len(names)})" if len(names) > SHOWN_CLASSES else ""
    return f"{config['label_kind'] or 'class'}: {', '.join(names[:SHOWN_CLASSES])}{more}"
