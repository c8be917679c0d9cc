"""``ganzoo plan``: what a training would take on this machine."""

from __future__ import annotations

import json
from typing import Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import RECIPE
from ganzoo.cli.options import option, options, read_settings, set_threads
from ganzoo.cli.show import say
from ganzoo.files.waiting import doing
from ganzoo.registry.sizes import pixels_text


@about(
    "train",
    """
    How long this training would take:
    ganzoo plan dcgan+sn+hinge --data digits
    How many steps fit into twenty minutes:
    ganzoo plan sngan --data digits --budget 20m --json
    """,
)
@click.command(short_help="Say how long a training would take, and how much memory.")
@click.argument("recipe", type=RECIPE)
@option("data", required=True)
@options("budget", "clock", "steps", "images")
@options("batch", "resolution", "channels", "bits", "settings")
@options("save_every", "grid_every", "device", "skip_bad", "threads")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(recipe: str, pairs: tuple[str, ...], threads: int | None, as_json: bool, **given: Any) -> None:
    """Say how many steps, how much time and memory 'ganzoo train' with the same words would take here.

    A few steps are taken on the real data, timed and thrown away.

    JSON: recipe, data, resolution, channels, batch, budget (seconds or null), clock, steps, images, seconds, step_ms,
    grid_ms, save_ms, images_per_second, memory_mb, parameters (by network), measured_steps, notes, machine (device,
    precision, threads).
    """
    settings = read_settings(pairs)
    set_threads(threads)

    from ganzoo.training.config import TrainConfig
    from ganzoo.training.estimate import plan_run

    with doing("taking a few steps"):
        result = plan_run(TrainConfig(recipe, settings=settings, **given))
    say(*(json.dumps(result, indent=2) if as_json else text(result)).split("\n"))


def text(result: dict[str, Any]) -> str:
    """The result in lines for a person."""
    from ganzoo.training.clocks import of_clock
    from ganzoo.training.progress import duration

    machine, networks = result["machine"], result["parameters"]
    where = f"{machine['precision']} on {machine['device']} with {machine['threads']} threads"
    size = pixels_text(result["resolution"])
    lines = [
        f"{result['recipe']} on {result['data']}, batch {result['batch']} at {size}, {where}",
        f"  steps       {result['steps']:,} ({result['images']:,} images)",
        f"  time        {duration(result['seconds'])}{of_clock(result['clock'])}: {result['step_ms']:,.1f} ms a step, "
        f"{result['images_per_second']:,.1f} images/s with grids and checkpoints",
        f"  memory      {result['memory_mb']:,} MB",
        f"  parameters  {', '.join(f'{name} {count:,}' for name, count in networks.items())}",
    ]
    return "\n".join([*(f"note: {note}" for note in result["notes"]), *lines])
