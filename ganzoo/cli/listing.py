"""``ganzoo list`` and ``ganzoo info``: the registered parts, and all that is known of one."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli.show import show_json, show_table
from ganzoo.errors import UsageError, nearest


@click.command("list")
@click.argument("kind", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_parts(kind: str | None, as_json: bool) -> None:
    """List the parts of recipes, all or of one KIND such as loss."""
    from ganzoo.registry.loading import registry

    known = registry()
    contested = {entry.spelling for entries in known.contested.values() for entry in entries}
    entries = known.entries(_kind(kind) if kind else None)
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


def _kind(given: str) -> str:
    """The kind meant, also by its plural."""
    from ganzoo.registry.hookspecs import HOOKS

    kinds = {hook.removeprefix("register_"): kind for kind, hook in HOOKS.items()} | {kind: kind for kind in HOOKS}
    if given not in kinds:
        raise UsageError(f"there is no kind called {given!r}; nearest: {', '.join(nearest(given, HOOKS))}")
    return kinds[given]


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, as_json: bool) -> None:
    """Show one part: options (its hyperparameters), needs, paper, published scores."""
    from ganzoo.gan.catalogue import describe_part
    from ganzoo.registry.loading import registry

    known = describe_part(registry().find(name))
    if as_json:
        show_json(known)
        return
    click.echo(f"{known['name']}: {known['kind']} of {known['distribution']} {known['version']}".rstrip())
    click.echo(f"\n{known['about'] or known['summary']}\n")
    if known["options"]:
        show_table(
            ("option", "default", "takes"),
            [(option["name"], option["default"], option["takes"]) for option in known["options"]],
        )
        click.echo()
    facts = _facts(known)
    width = max(map(len, facts))
    for title, text in facts.items():
        click.echo(f"{title.ljust(width)}  {text}")
    if known["published"]:
        click.echo("\nPublished by others, each under its own protocol; not measured by ganzoo:")
        keys = ("score", "value", "data", "protocol", "source")
        show_table(keys, [[str(score[key]) for key in keys] for score in known["published"]])


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
        "settings": ", ".join(f"{name}={value}" for name, value in known["train"].items()),
        "family": known["flavour"],
        "stands on": ", ".join(known["sides"]) if len(known["sides"]) == 1 else "",
        "networks": ", ".join(known["networks"]),
        "attention sites": f"{sites} at 32 pixels" if sites else "",
        "comes from": f"{known['distribution']} {known['version']}, entry point {known['entry_point']}",
    }
    return {title: text for title, text in facts.items() if text}
