"""``ganzoo build``: the networks, parts and hyperparameters of a recipe, and why; nothing is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import DATA, RECIPE, SETTING
from ganzoo.cli.options import read_settings
from ganzoo.cli.paths import PathType
from ganzoo.cli.show import say, show_json, show_table
from ganzoo.errors import UsageError, counted, either
from ganzoo.files.waiting import doing
from ganzoo.registry.labels import LABEL_KINDS

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.plan.plan import Slot
    from ganzoo.visual.anatomy import Call, LayerRow

COUNTING = "Multiply-accumulates are those of convolutions and matrix products for one image, as computed."


@about(
    "build",
    """
    Every part and hyperparameter of a recipe, each with the reason for it:
    ganzoo build sagan+sn+hinge --explain
    The same as a training on that data has it: its size, its labels, its settings:
    ganzoo build sagan+sn+hinge --data digits --explain
    Another size, other hyperparameters, and a drawing of both networks:
    ganzoo build stylegan2 --resolution 64 --set lr.d=1e-3 --draw stylegan2.svg
    """,
)
@click.command()
@click.argument("recipe", type=RECIPE)
@click.option("--data", type=DATA, metavar="D", help="As for a training on D, which is opened as train opens it.")
@click.option("--resolution", help="Of the images: 64, or 64x128, height first.  [default: 32, or D's]")
@click.option("--channels", type=int, help="Of the images: 3 for RGB, 1 for grey, 4 for RGBA.  [default: 3, or D's]")
@click.option("--classes", type=int, help="Number of labels; 0 for data without labels.  [default: 0, or D's]")
@click.option("--label-kind", help=f"Of labels: {either(LABEL_KINDS)}.  [default: {LABEL_KINDS[0]}, or D's]")
@click.option("--z-dim", type=int, help="Length of the noise; by default the architecture's, or 128.")
@click.option(
    "--set", "settings", type=SETTING, multiple=True, metavar="NAME=VALUE", help="A hyperparameter, such as lr.g=1e-4."
)
@click.option("--explain", is_flag=True, help="Every part and hyperparameter with the reason for it.")
@click.option("--layers", "with_layers", is_flag=True, help="A table of every layer.")
@click.option("--draw", type=PathType(dir_okay=False), metavar="FILE.svg", help="Draw both networks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def build(
    recipe: str,
    data: str | None,
    resolution: str | None,
    channels: int | None,
    classes: int | None,
    label_kind: str | None,
    z_dim: int | None,
    settings: tuple[str, ...],
    explain: bool,
    with_layers: bool,
    draw: Path | None,
    as_json: bool,
) -> None:
    """Show the networks, parts, settings and sizes of RECIPE.

    Nothing is allocated, so any size can be asked for. With --data, sizes and labels are those of the data, and parts
    and settings those that a training on it would have. The keys that --json prints are stable: recipe, slug, hash,
    head, resolution, channels, classes, z_dim, networks, slots, settings, notes, layers with --layers, and data
    with --data.
    """
    if draw is not None and draw.suffix.lower() != ".svg":
        raise UsageError(f"--draw {draw} does not work: the drawing is SVG, so name it {draw.with_suffix('.svg')}")
    given, on_data = read_settings(settings), dict[str, Any]()
    if data is not None:
        for option, value in {"--classes": classes, "--label-kind": label_kind}.items():
            if value is not None:
                raise UsageError(f"{option} {value} does not work with --data: {data} has labels of its own, or none")
        gan, on_data = _on_data(recipe, data, resolution, channels, z_dim, given)
    else:
        from ganzoo.gan.builder import build as assemble

        gan = assemble(
            recipe,
            "32" if resolution is None else resolution,
            3 if channels is None else channels,
            classes or 0,
            z_dim,
            given,
            device="meta",
            label_kind=LABEL_KINDS[0] if label_kind is None else label_kind,
        )
    if draw is not None:
        _draw(gan, draw)
    if as_json:
        show_json({**describe_gan(gan, with_layers), **({"data": on_data} if on_data else {})})
        return
    _show(gan, explain, with_layers, on_data)
    if draw is not None:
        say("", f"Drawn as {draw}")


def _on_data(
    recipe: str, data: str, resolution: str | None, channels: int | None, z_dim: int | None, given: dict[str, str]
) -> tuple[GAN, dict[str, Any]]:
    """The GAN that a training on the data would begin with, without its weights, and what the data is."""
    from ganzoo.data import DataRequest
    from ganzoo.gan.builder import assemble
    from ganzoo.training.setup import plan_and_data

    notes = list[str]()
    with doing(f"opening {data}"):
        plan, opened = plan_and_data(recipe, data, DataRequest(resolution=resolution, channels=channels), given, notes)
    gan = assemble(plan, opened.size, opened.channels, len(opened.class_names), z_dim, device="meta")
    labels = {} if opened.labels is None else {"label_kind": opened.label_kind}
    about = {"name": opened.name, "count": opened.count, "steps": opened.steps, "notes": notes, **labels}
    return gan, about


def _draw(gan: GAN, path: Path) -> None:
    from ganzoo.files.write import write_text
    from ganzoo.visual.diagram import draw

    write_text(path, draw(gan))


def describe_gan(gan: GAN, with_layers: bool = False) -> dict[str, Any]:
    """A GAN as plain data: networks, slots and settings with their reasons, as ``--json`` prints it."""
    from ganzoo.visual.anatomy import anatomy, layers

    plan, calls = gan.plan, anatomy(gan)
    described: dict[str, Any] = {
        "recipe": plan.recipe,
        "slug": plan.slug,
        "hash": plan.hash,
        "head": plan.head.name,
        "resolution": gan.size,
        "channels": gan.channels,
        "classes": gan.classes,
        "z_dim": gan.z_dim,
        "networks": {name: _network(gan, name, calls.get(name)) for name in _names(gan)},
        "slots": [_slot(gan, slot) for slot in (plan.head, *plan.slots)],
        "settings": {
            name: {"value": setting.value, "because": setting.reason, "overrides": list(setting.overrides)}
            for name, setting in plan.settings.items()
        },
        "notes": list(plan.notes),
    }
    if with_layers:
        described["layers"] = [_layer(row) for row in layers(gan, calls)]
    return described


def _names(gan: GAN) -> list[str]:
    from ganzoo.visual.anatomy import networks

    return list(networks(gan))


def _network(gan: GAN, name: str, call: Call | None) -> dict[str, Any]:
    """Side, parameters and multiply-accumulates; null for none, and where a network does not declare its inputs."""
    from ganzoo.gan.builder import side_of

    parameters = sum(parameter.numel() for parameter in gan.get_submodule(name).parameters())
    return {"side": side_of(gan.plan, name), "parameters": parameters, "macs": call.macs if call else None}


def _slot(gan: GAN, slot: Slot) -> dict[str, Any]:
    return {
        "kind": slot.kind,
        "side": slot.side,
        "resolutions": _resolutions(gan, slot),
        "part": slot.name,
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in slot.options.items()},
        "because": slot.reason,
        "distribution": slot.entry.distribution if slot.entry else None,
        "version": slot.entry.version if slot.entry else None,
    }


def _resolutions(gan: GAN, slot: Slot) -> list[int]:
    """Where an attention stands: the numbers of the recipe, else the sites that the architecture calls its own."""
    if slot.kind != "attention" or slot.resolutions:
        return sorted(slot.resolutions)
    return sorted(site for site, own in gan.sites[str(slot.side)].items() if own)


def _layer(row: LayerRow) -> dict[str, Any]:
    return {
        "network": row.network,
        "name": row.name,
        "type": row.type,
        "shape": list(row.shape),
        "parameters": row.parameters,
        "macs": row.macs,
    }


def _show(gan: GAN, explain: bool, with_layers: bool, on_data: dict[str, Any]) -> None:
    described = describe_gan(gan, with_layers)
    size = f"{gan.height} x {gan.width} x {gan.channels}, {counted(gan.classes, 'class')}, z {gan.z_dim}"
    say(f"{described['recipe']}  ({size})", "")
    rows = [
        (name, f"{network['parameters']:,}", "unknown" if network["macs"] is None else f"{network['macs']:,}")
        for name, network in described["networks"].items()
    ]
    show_table(("network", "parameters", "multiply-accumulates"), rows)
    say()
    _show_slots(described["slots"], explain)
    _show_settings(described["settings"], explain)
    notes = described["notes"] + _said_of(on_data)
    if notes:
        say()
    for note in notes:
        say(f"Note: {note}")
    if with_layers:
        say()
        _show_layers(described["layers"])
    if not explain:
        say("", "--explain shows every setting, --layers every layer.")


def _said_of(on_data: dict[str, Any]) -> list[str]:
    """What a person should know of the data that a GAN was built for, a sentence each."""
    if not on_data:
        return []
    length = (
        f", on which {on_data['steps']:,} steps are taken unless --steps says otherwise" if on_data["steps"] else ""
    )
    return [f"{on_data['name']} has {on_data['count']:,} images{length}", *on_data["notes"]]


def _show_slots(slots: list[dict[str, Any]], explain: bool) -> None:
    rows = []
    for slot in slots:
        places = [slot["side"]] if slot["side"] else []
        places += map(str, slot["resolutions"])
        where = slot["kind"] + (f"@{','.join(places)}" if places else "")
        options = ",".join(f"{name.replace('_', '.')}={_plain(value)}" for name, value in slot["options"].items())
        origin = f"{slot['distribution']} {slot['version']}".strip() if slot["distribution"] else ""
        rows.append((where, slot["part"], slot["because"], *((options, origin) if explain else ())))
    show_table(("slot", "part", "because", *(("options", "from") if explain else ())), rows)


def _show_settings(settings: dict[str, dict[str, Any]], explain: bool) -> None:
    from ganzoo.plan.settings import EXCLUDES, PER_PLAYER, SETTINGS, candidates, spec_of

    rows: list[tuple[str, ...]] = []
    for name, setting in settings.items():
        row = (name, _plain(setting["value"]), setting["because"])
        if explain:
            spec = spec_of(name)
            rows.append((*row, ", ".join(setting["overrides"]), spec.about if spec else ""))
        elif setting["because"] != "default":
            rows.append(row)
    if explain:  # what nothing asks for
        for name, spec in {**SETTINGS, **PER_PLAYER}.items():
            said = any(mine in candidates(name) or mine.startswith(f"{name}.") for mine in settings)
            if not said and EXCLUDES.get(name) not in settings:
                rows.append((name, _plain(spec.default), "default", "", spec.about))
    if rows:
        say()
        show_table(("setting", "value", "because", *(("instead of", "what it is") if explain else ())), rows)


def _show_layers(layers: list[dict[str, Any]]) -> None:
    rows = [
        (
            row["network"],
            row["name"],
            row["type"],
            "x".join(map(str, row["shape"])) or "1",
            f"{row['parameters']:,}",
            f"{row['macs']:,}",
        )
        for row in layers
    ]
    show_table(("network", "layer", "type", "output", "parameters", "multiply-accumulates"), rows)
    say("", COUNTING)


def _plain(value: Any) -> str:
    from ganzoo.plan.settings import write

    if value is None or isinstance(value, bool):
        return str(value).lower()
    return write(tuple(value) if isinstance(value, list) else value)
