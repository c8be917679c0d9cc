"""``ganzoo train``: from a recipe and data to a run folder."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli import Together
from ganzoo.cli.about import about
from ganzoo.cli.names import RECIPE
from ganzoo.cli.options import options, read_settings, set_threads
from ganzoo.cli.show import say
from ganzoo.distributed.launch import said_elsewhere
from ganzoo.errors import command, counted
from ganzoo.files.waiting import doing, no_status
from ganzoo.folder.layout import SAMPLES
from ganzoo.training.config import FACTS
from ganzoo.training.suggest import no_recipe

# "recipe" is the command's argument, and a callback cannot be written on a command line.
FIELDS = (*(name for name in FACTS if name not in ("recipe", "callback")), "threads", "compiled")


@about(
    "train",
    """
    A first GAN: real digits, no download, about a minute on two cores:
    ganzoo train dcgan+sn+hinge --data digits --out runs/first
    Go on with it, to more steps:
    ganzoo train --resume runs/first --steps 400
    Go on in another folder, with another learning rate of D:
    ganzoo train --resume runs/first --fork runs/slower --set lr.d=1e-4 --steps 400
    For twenty seconds, with a learning rate that falls, and a guard against collapse:
    ganzoo train wgan-gp --data digits --set lr=cosine/2e-4/0 --guard rollback --budget 20s
    """,
)
@click.command(cls=Together, short_help="Train a GAN by name and write a run folder.")
@click.argument("recipe", type=RECIPE, required=False)
@options(*FIELDS)
@click.pass_context
def train(ctx: click.Context, pairs: tuple[str, ...], threads: int | None, compiled: bool, **given: Any) -> None:
    """Train RECIPE, such as dcgan+sn+hinge, on images, and write a run folder.

    Without RECIPE it suggests one that fits the data, as the study on docs/study.md found. Ctrl-C saves and says how
    to go on; a resumed run takes the very steps that an unbroken one would have taken.
    'ganzoo help settings' lists what --set sets, 'ganzoo help recipes' says how recipes are written. On several GPUs:

    \b
      torchrun --nproc-per-node 8 -m ganzoo train sngan --data cifar10 --batch 512
    """
    given["settings"] = read_settings((*pairs, "compile=on") if compiled else pairs)
    given["resume"] = False if given["resume"] is None else given["resume"]
    given["log"] = given["log"] or None
    if given["recipe"] is None and given["resume"] is False and given["fork"] is None:
        with doing("looking at the data"):
            raise no_recipe(given["data"])
    set_threads(threads)

    import ganzoo
    from ganzoo.training.signals import Interrupted

    try:
        with no_status() if given["quiet"] else doing("opening data and building networks"):
            run = ganzoo.train(**given)
    except Interrupted as stop:
        if not said_elsewhere(stop):
            say(str(stop), err=True)
        ctx.exit(stop.status)
    if not said_elsewhere():
        ended = "" if run.verdict is None else f", and {run.verdict.text}"
        say(f"{run.folder}: {counted(run.step, 'step')}{ended}. See {run.folder / SAMPLES}; more of them:")
        say(command("sample", run.folder, "-n", 64, "--out", "grid.png"))
