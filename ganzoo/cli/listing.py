"""``ganzoo list`` and ``ganzoo info``: the registered parts, and all that is known of one, or of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.describe import show_model
from ganzoo.cli.names import LISTED, PART_OR_MODEL
from ganzoo.cli.search import models
from ganzoo.cli.show import say, show_facts, show_json, show_table
from ganzoo.registry.docstrings import prose

if TYPE_CHECKING:
    from ganzoo.registry.entry import Entry


@about(
    "build",
    """
    The losses that a recipe can name:
    ganzoo list loss
    The trained models on this machine, for a script:
    ganzoo list models --json
    """,
)
@click.command("list", short_help="List the parts that recipes are made of.")
@click.argument("kind", type=LISTED, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_parts(ctx: click.Context, kind: str | None, as_json: bool) -> None:
    """List the parts of recipes, all or of one KIND such as loss; KIND models lists trained models."""
    from ganzoo.registry.loading import registry
    from ganzoo.registry.lookup import MODELS, read_kind

    if kind in (MODELS, MODELS.removesuffix("s")):
        ctx.invoke(models, text="", as_json=as_json)
        return
    known = registry()
    contested = {entry.spelling for entries in known.contested.values() for entry in entries}
    entries = known.entries(None if kind is None else read_kind(kind))
    if as_json:
        show_json(
            [
                {
                    "kind": entry.kind,
                    "name": entry.name,
                    "summary": entry.summary,
                    "aliases": list(entry.aliases),
                    "paper": entry.paper,
                    "distribution": entry.distribution,
                    "version": entry.version,
                    "contested": entry.spelling in contested,
                }
                for entry in entries
            ]
        )
        return
    rows = []
    for entry in entries:
        origin = "" if entry.built_in else f"{entry.distribution} {entry.version}"
        if entry.spelling in contested:
            origin = f"{entry.distribution} {entry.version} (contested)"
        rows.append((entry.name, entry.kind, origin, entry.summary))
    show_table(("name", "kind", "from", "what it is"), rows)


@about(
    "build",
    """
    A part: what it does, its options, its paper:
    ganzoo info r1
    A trained model: its recipe, data and scores:
    ganzoo info dcgan-cifar10
    """,
)
@click.command(short_help="Show all that is known of a part, or of a model.")
@click.argument("name", type=PART_OR_MODEL)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, as_json: bool) -> None:
    """Show one part: options (its hyperparameters), needs, paper, published scores; or one trained model.

    NAME is a part, a trained model on this machine, as 'ganzoo models' lists them, or a folder.
    """
    from ganzoo.errors import RecipeError
    from ganzoo.hub.known import find
    from ganzoo.registry.loading import registry

    try:
        entry = registry().find(name)
    except RecipeError:  # an unknown part, or an unknown kind: runs/first is no part of the kind runs
        if (folder := find(name)) is None:
            _refuse_nearly(name)
            raise
        show_model(folder, name, as_json)
    else:
        _show_part(entry, as_json)


def _refuse_nearly(name: str) -> None:
    """Raise UsageError where a trained model on this machine is among what is spelled most like ``name``."""
    from ganzoo.errors import UsageError, nearest
    from ganzoo.hub.search import Question, on_this_machine
    from ganzoo.registry.loading import registry

    models = {hit.ref for hit in on_this_machine(Question())}
    near = nearest(name, [*models, *(entry.name for entry in registry().entries())])
    if models & set(near):
        raise UsageError(f"no part or model is called {name!r}; nearest: {', '.join(near)}")


def _show_part(entry: Entry, as_json: bool) -> None:
    from ganzoo.gan.catalogue import describe_part
    from ganzoo.hub.known import known as known_models
    from ganzoo.hub.search import Question, on_this_machine

    known = describe_part(entry)
    models = [hit.ref for hit in on_this_machine(Question(part=entry.name))]
    namesake = [model.ref for model in known_models() if model.ref == entry.name]
    known["models"] = list(dict.fromkeys([*namesake, *models]))
    if as_json:
        show_json(known)
        return
    say(f"{known['name']}: {known['kind']} of {known['distribution']} {known['version']}".rstrip())
    say("", *_text(known).split("\n"), "")
    if known["options"]:
        columns = ("default", "takes", "meaning")
        rows = [(option["name"], *(option[column] for column in columns)) for option in known["options"]]
        show_table(("option", *columns), rows)
        say()
    show_facts(_facts(known))
    if known["published"]:
        say("", "Published by others, each under its own protocol; not measured by ganzoo:")
        keys = ("score", "value", "data", "protocol", "source")
        show_table(keys, [[str(score[key]) for key in keys] for score in known["published"]])


def _seen(known: dict[str, Any]) -> str:
    """What a part sees besides each image by itself."""
    within = ", at images of one class: at least two in a batch" if known["within_class"] else ""
    return f"the batch{within}" if known["across_batch"] else ""


def _text(known: dict[str, Any]) -> str:
    """What is said of a part; of a preset its recipe first. What its options mean, the table of options says."""
    if known["kind"] == "preset":
        return f"{known['summary']}\n\n{known['about']}"
    return prose(known["about"]) or str(known["summary"])


def _facts(known: dict[str, Any]) -> dict[str, str]:
    """The facts of a part by title; those that it does not have are left out."""
    sites = "; ".join(f"{side}: {', '.join(map(str, where))}" for side, where in known["attention_sites"].items())
    facts = {
        "example": known["example"],
        "paper": known["link"],
        "also called": ", ".join(known["aliases"]),
        "brings": ", ".join(known["implies"]),
        "needs": ", ".join(known["requires"]),
        "provides": ", ".join(known["provides"]),
        "without its needs": known["fallback"],
        "works only with": ", ".join(known["works_with"]),
        "looks across": _seen(known),
        "settings": ", ".join(f"{name}={value}" for name, value in known["train"].items()),
        "family": known["flavour"],
        "stands on": ", ".join(known["sides"]) if len(known["sides"]) == 1 else "",
        "networks": ", ".join(known["networks"]),
        "attention sites": f"{sites} at 32 pixels" if sites else "",
        "trained models": ", ".join(known["models"]),
        "comes from": f"{known['distribution']} {known['version']}, entry point {known['entry_point']}",
    }
    return {title: text for title, text in facts.items() if text}
