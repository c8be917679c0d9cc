"""``compile=auto``: whichever way of running the networks takes the shortest steps here, measured once and kept."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from hashlib import sha256
from statistics import median
from time import perf_counter

import torch

from ganzoo.distributed.batch import SINGLE_PROCESS, use_world
from ganzoo.errors import GanzooError
from ganzoo.files.kept import keep_json, kept_json
from ganzoo.files.write import make_folder
from ganzoo.gan.gan import GAN
from ganzoo.machine.compiled import AUTO, GRAPHS, OFF, ON, compile_networks, turn_marker
from ganzoo.machine.precision import Precision
from ganzoo.machine.randomness import preserved_randomness
from ganzoo.machine.timing import DeviceClock
from ganzoo.parts.context import Batch
from ganzoo.registry.about import VERSION
from ganzoo.registry.cache import cache_for
from ganzoo.training.loop import Trainer

WARM, TIMED = 3, 5  # steps of each way; the first compiles, and the third is the first that replays a graph
GAIN = 0.95  # of the time of a step as written that compiled steps take at most, or they are not worth their start


def fastest(gan: GAN, precision: Precision, batch: Callable[[], Batch], seed: int = 0) -> tuple[str, list[str]]:
    """How the networks are to run: what the setting ``compile`` says, or for ``auto`` what is the fastest here.

    Steps of a copy of the GAN are timed, by this process alone: the GAN, its random numbers and its data stay as they
    are. What came of it is kept in the cache for this recipe, these sizes, this device and these versions.

    Args:
        gan: placed on the device, and not compiled.
        precision: of the training.
        batch: makes a batch of it, on the device.
        seed: of the steps.

    Returns:
        ``off``, ``on`` or ``graphs``; and sentences for the user about a choice.
    """
    setting = str(gan.plan["compile"])
    if setting != AUTO:
        return setting, []
    path = cache_for("compile") / f"{_key(gan, precision)}.json"
    with suppress(GanzooError):
        kept = kept_json(path)
        return str(kept["chosen"]), [f"{kept['said']} (measured {kept['date']}, kept in {path})"]
    ways = [OFF, ON, *([GRAPHS] if precision.device.type == "cuda" else [])]
    with preserved_randomness(), use_world(SINGLE_PROCESS):
        chosen, said, lasting = _compared(gan, precision, batch(), seed, ways)
    if lasting:
        with suppress(GanzooError, OSError):  # a cache that cannot be written costs a measurement, and no training
            make_folder(path.parent)
            keep_json(path, {"chosen": chosen, "said": said, "date": f"{datetime.now(timezone.utc):%Y-%m-%d}"})
    return chosen, [said]


def _compared(gan: GAN, precision: Precision, batch: Batch, seed: int, ways: Sequence[str]) -> tuple[str, str, bool]:
    """The way to take, a sentence about it, and whether it holds until something changes."""
    seconds: dict[str, float] = {}
    for way in ways:
        try:
            found = _seconds_of(gan, precision, batch, seed, way)
        except (RuntimeError, ImportError, OSError) as error:
            if way == OFF:
                raise
            return (
                OFF,
                f"compile={AUTO}: {way} fails here, so nothing is compiled ({str(error).splitlines()[0]})",
                False,
            )
        if isinstance(found, str):
            return OFF, found, False
        seconds[way] = found
    best = min(seconds, key=seconds.__getitem__)
    chosen = best if seconds[best] < GAIN * seconds[OFF] else OFF
    times = ", ".join(f"{way} {1e3 * each:,.1f} ms" for way, each in seconds.items())
    return chosen, f"compile={AUTO}: {chosen}; a step took {times}", True


def _seconds_of(gan: GAN, precision: Precision, batch: Batch, seed: int, way: str) -> float | str:
    """The median of a step's time; or why the networks do not run that way."""
    other, clock = copy.deepcopy(gan), DeviceClock(precision.device)
    if notes := compile_networks(other, precision.device, way):
        return notes[0]
    trainer = Trainer(other, seed, 1, precision)
    trainer.begin = turn_marker(gan.plan, precision.device, way)
    times = []
    for _ in range(WARM + TIMED):
        begun = perf_counter()
        trainer.train_step([batch] * trainer.batches_per_step)
        clock.wait()
        times.append(perf_counter() - begun)
    return median(times[WARM:])


def _key(gan: GAN, precision: Precision) -> str:
    """A digest of all that a step's time depends on, as far as it is known."""
    device = precision.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    settings = {setting: str(gan.plan[setting]) for setting in sorted(gan.plan.settings)}
    sizes = [gan.plan.recipe, *gan.image, gan.classes, gan.z_dim, settings]
    versions = [VERSION, torch.__version__, torch.version.cuda, torch.get_num_threads()]
    return sha256(json.dumps([sizes, precision.name, device.type, name, versions]).encode()).hexdigest()[:32]


def _processor() -> str:
    """What the CPU can do: its capabilities, as far as torch tells them."""
    return json.dumps({key: str(value) for key, value in sorted(torch.cpu.get_capabilities().items())})
