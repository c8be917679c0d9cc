"""``ganzoo train``: from a recipe and data to a run folder."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli import Together
from ganzoo.distributed.launch import said_elsewhere
from ganzoo.errors import UsageError
from ganzoo.folder.layout import SAMPLES

# Options that `ganzoo plan` has too, as it measures what the same words would train.
BATCH = click.option("--batch", type=int, metavar="N", help="Images in a batch; 64 by default.")
RESOLUTION = click.option("--resolution", type=int, metavar="R", help="Of the images; the data's own by default.")
SETTINGS = click.option(
    "--set", "pairs", multiple=True, metavar="K=V", help="A setting that 'ganzoo build --explain' shows."
)
SAVE_EVERY = click.option("--save-every", type=int, metavar="N", help="Steps between checkpoints; 250.")
DEVICE = click.option("--device", metavar="D", help="Such as cpu or cuda; the GPU if there is one.")
THREADS = click.option("--threads", type=int, metavar="N", help="Threads of the CPU to use.")


def read_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """``K=V`` words as settings.

    Raises:
        UsageError: for a word without ``=``, or a setting given twice.
    """
    settings: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"--set {pair} is no setting: write --set NAME=VALUE, such as --set lr.g=1e-4")
        if name in settings:
            raise UsageError(f"--set {name} is given twice: keep one of {settings[name]} and {value}")
        settings[name] = value
    return settings


def set_threads(threads: int | None) -> None:
    """Let torch use so many threads; None leaves it the choice.

    Raises:
        UsageError: for fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"--threads {threads} does not work: it is a whole number from 1 up")
    import torch

    torch.set_num_threads(threads)


@click.command(cls=Together, short_help="Train a GAN by name and write a run folder.")
@click.argument("recipe", required=False)
@click.option("--data", metavar="D", help="A data set's name, a folder, a .zip, or hf:org/name.")
@click.option("--out", metavar="DIR", help="Folder to make; runs/RECIPE by default.")
@click.option("--steps", type=int, metavar="N", help="Stop after N rounds.")
@click.option("--images", type=int, metavar="N", help="Stop after N real images.")
@click.option("--budget", metavar="T", help="Stop after so much training time, such as 20m or 1h30m.")
@BATCH
@click.option("--seed", type=int, metavar="N", help="Of everything drawn; 0 by default.")
@RESOLUTION
@SETTINGS
@click.option("--resume", is_flag=False, flag_value="", metavar="[DIR]", help="Go on with DIR, or with --out.")
@click.option("--fork", metavar="NEWDIR", help="With --resume: go on in NEWDIR, with what else is given changed.")
@click.option("--horizon", type=int, metavar="N", help="Steps that a schedule spreads over; the first --steps.")
@click.option("--init", metavar="REF", help="First weights, to fine-tune: a folder, or org/name of the Hub.")
@SAVE_EVERY
@click.option("--grid-every", type=int, metavar="N", help="Steps between grids and frames of progress.gif; 100.")
@click.option("--log-every", type=int, metavar="N", help="Steps between lines of log.jsonl; 10.")
@click.option("--keep", type=int, metavar="K", help="Keep the weights of the last K checkpoints, for sample --step.")
@click.option("--guard", metavar="WHAT", help="On collapse or divergence: warn (default), stop, rollback or off.")
@click.option("--eval-every", type=int, metavar="N", help="Steps between scores; the best step becomes the model.")
@click.option("--metrics", metavar="M", help="What to score, such as fid,kid; the first chooses the best; fid.")
@click.option("--eval-n", type=int, metavar="N", help="Samples to score; 10000.")
@click.option("--features", metavar="NAME", help="Feature network of the metrics; each one's own.")
@click.option("--eval-data", metavar="D", help="Real images to score against; the data's own test split.")
@DEVICE
@THREADS
@click.option("--workers", type=int, metavar="N", help="Threads that decode pictures; no result depends on them.")
@click.option("--compile", "compiled", is_flag=True, help="Run the networks compiled: --set compile=on.")
@click.option("--deterministic/--no-deterministic", default=None, help="Only operations that repeat bit for bit.")
@click.option("--license", metavar="ID", help="Licence of the model, such as cc-by-4.0.")
@click.option("--log", multiple=True, metavar="WHERE", help="Also log to tensorboard, trackio or wandb.")
@click.option("--skip-bad", is_flag=True, help="Leave out pictures that cannot be read.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def train(ctx: click.Context, pairs: tuple[str, ...], threads: int | None, resume: str | None, **options: Any) -> None:
    """Train RECIPE, such as dcgan+sn+hinge, on images, and write a run folder.

    Ctrl-C saves and says how to go on; a resumed run takes the very steps that an unbroken one would have taken.

    \b
    ganzoo train dcgan+sn+hinge --data digits --out runs/first
    ganzoo train --resume runs/first --steps 2000
    ganzoo train sngan --data cifar10 --budget 1h30m
    ganzoo train --resume runs/first --fork runs/second --set lr.d=1e-4
    torchrun --nproc-per-node 8 -m ganzoo train sngan --data cifar10 --batch 512
    ganzoo train dcgan --data cifar10 --guard rollback --eval-every 5000 --metrics fid,kid
    """
    options["settings"] = read_settings((*pairs, "compile=on") if options.pop("compiled") else pairs)
    options["resume"] = False if resume is None else (resume or True)
    options["log"] = options["log"] or None
    options["metrics"] = None if options["metrics"] is None else options["metrics"].split(",")
    set_threads(threads)

    import ganzoo
    from ganzoo.training.signals import Interrupted

    try:
        run = ganzoo.train(**options)
    except Interrupted as stop:
        if not said_elsewhere(stop):
            click.echo(str(stop), err=True)
        ctx.exit(stop.status)
    if not said_elsewhere():
        click.echo(f"{run.folder}: {run.step:,} steps. See {run.folder / SAMPLES}; more of them:")
        click.echo(f"ganzoo sample {run.folder} -n 64 --out grid.png")
