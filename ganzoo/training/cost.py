"""What a size that nobody chose costs: said before the first step, as a large one can take days without a word."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from ganzoo.distributed.batch import SINGLE_PROCESS, use_world
from ganzoo.errors import GanzooError, ResolutionError
from ganzoo.gan.builder import assemble
from ganzoo.registry.sizes import Size, closest, height_width, shorter, size_of, size_text
from ganzoo.training.bench import wait
from ganzoo.training.job import Job, config_of
from ganzoo.training.log import Log
from ganzoo.training.progress import Silence, duration
from ganzoo.training.session import Session
from ganzoo.training.setup import Setup, fresh_gan

CHEAP = 64  # shorter side of images that train soon enough to need no word, and that dearer ones are compared with
FEW = 4  # images in a batch that is timed where a step takes as long as its images together: on a CPU
EXACT = 10.0  # seconds from which on whole ones say enough


def cost_note(made: Setup) -> list[str]:
    """What images of a size that nobody chose cost, how long a step takes here, and what to type for cheaper ones.

    A few images are trained on for it, and thrown away.

    Args:
        made: the training that is about to begin.
    """
    size, native = made.data.size, made.data.native
    height, width = height_width(size)
    if height * width <= CHEAP**2:
        return []
    was = f"pictures of {native[1]}x{native[0]} pixels" if native != (height, width) else "pictures"
    shown = f"{height}x{width}{'' if height == width else ' (height first)'}"
    said = f"{made.data.name}: {was} are trained at {shown}, as no --resolution was given"
    seconds = _seconds_of_step(made)
    if seconds is not None:
        steps = made.intervals.steps
        whole = f", {steps:,} of them {_about(seconds * steps)}" if steps else ""
        said += f"; a step of {made.plan['batch']} images takes about {_about(seconds)} here{whole}"
    smaller = _smaller(made)
    if smaller is not None:
        pixels = height_width(smaller)
        share = height * width / (pixels[0] * pixels[1])
        said += (
            f"; --resolution {size_text(smaller)} has {share:.3g} times fewer pixels, and a step takes less by as much"
        )
    return [said]


def _about(seconds: float) -> str:
    return duration(seconds) if seconds >= EXACT else f"{seconds:.2g} s"


def _smaller(made: Setup) -> Size | None:
    """The size near :data:`CHEAP` that the networks can have, of the same proportions if they can; None for none."""
    height, width = height_width(made.data.size)
    factor = CHEAP / min(height, width)
    wanted = size_of(round(height * factor), round(width * factor))
    try:
        assemble(made.plan, wanted, made.data.channels, len(made.data.class_names), device="meta")
    except ResolutionError as error:
        wanted = closest(error.nearest, wanted) if error.nearest else made.data.size
    except GanzooError:
        return None
    return wanted if shorter(wanted) < min(height, width) else None


def _seconds_of_step(made: Setup) -> float | None:
    """Seconds of one step of the whole batch, from one of a few images on a CPU; None where that cannot be told."""
    batch = int(made.plan["batch"])
    few = batch if made.precision.device.type != "cpu" else min(batch, FEW)
    setting = replace(made.plan.settings["batch"], value=few)
    plan = replace(made.plan, settings={**made.plan.settings, "batch": setting})
    intervals = replace(made.intervals, steps=None, budget=None, keep=0, log=())
    try:
        with use_world(SINGLE_PROCESS):
            seconds = _step(replace(made, plan=plan, intervals=intervals, held_out=None))
    except GanzooError:  # such as a batch that cannot be cut so: the training itself has its say
        return None
    return seconds * batch / few


def _step(made: Setup) -> float:
    """Seconds of a step of a training that is thrown away: of two, as the first may hold what happens only once."""
    times = []
    with TemporaryDirectory(prefix="ganzoo-") as name:
        gan = fresh_gan(made.plan, made.data, made.seed)
        job = Job(made, Path(name), gan, config_of(gan, made.data, made.seed, license=None), {"horizon": 1})
        trainer = job.trainer()
        with closing(Session(job, trainer, Log(job.folder), Silence()).batches()) as batches:
            for _ in range(2):
                begun = perf_counter()
                trainer.train_step(list(islice(batches, trainer.batches_per_step)))
                wait(trainer.precision.device)
                times.append(perf_counter() - begun)
    return min(times)
