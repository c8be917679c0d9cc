"""How fast a generator draws: called by hand, by ``gan.sample``, and in layouts and arithmetics that may be faster."""

from __future__ import annotations

import copy
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.machine.precision import has_bf16
from ganzoo.machine.timing import DeviceClock

WARM = 2  # rounds that do not count
LEVELS = 127.5  # of 255, in images from -1 to 1


def drawing_speed(gan: GAN, device: torch.device, batch: int, rounds: int) -> dict[str, dict[str, float]]:
    """Images per second of one batch, each way in turn; medians count.

    Args:
        gan: draws from noise; it is moved to the device.
        device: where it draws.
        batch: images at once.
        rounds: of each way.

    Returns:
        By way, ``images_per_second``, ``ratio`` to the first way, and ``levels``: how far a picture is from that of the
        first, in levels of 255. Ways: ``by hand`` (``gan.G`` without gradients, its weights laid out as they were
        made), ``gan.sample`` (with the noise and the way back to the CPU), ``channels last``, and ``bf16`` on top of
        that where the device has it.

    Raises:
        UsageError: the GAN draws from other things than noise.
    """
    if gan.input_names != {NOISE}:
        recipe = gan.plan.recipe
        raise UsageError(f"--sample times what draws from noise, and {recipe} takes something else: leave it out")
    gan.to(device).eval()
    inputs = gan.inputs(batch, seed=0, labels=gan.default_labels(batch))
    z, y = (inputs[name].to(device) for name in ("z", "y"))
    plain, wide = copy.deepcopy(gan.G), copy.deepcopy(gan.G).to(memory_format=torch.channels_last)
    ways: dict[str, Callable[[], Tensor]] = {
        "by hand": lambda: plain(z, y),
        "gan.sample": lambda: 2 * gan.sample(batch, seed=0, batch=batch) - 1,
        "channels last": lambda: wide(z, y),
    }
    if has_bf16(device):

        def in_bf16() -> Tensor:
            with torch.autocast(device.type, torch.bfloat16):
                return wide(z, y).float()

        ways["bf16"] = in_bf16
    with torch.no_grad():
        seconds, images = _timed(ways, DeviceClock(device), rounds)
    first = images["by hand"].clamp(-1, 1)
    found: dict[str, dict[str, Any]] = {}
    for way, spent in seconds.items():
        away = float((images[way].to(device).clamp(-1, 1) - first).abs().max())
        found[way] = {
            "images_per_second": round(batch / spent, 2),
            "ratio": round(seconds["by hand"] / spent, 4),
            "levels": round(LEVELS * away, 4),
        }
    return found


def _timed(
    ways: dict[str, Callable[[], Tensor]], clock: DeviceClock, rounds: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The median of each way's seconds, and what it drew."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    images: dict[str, Tensor] = {}
    for index in range(WARM + rounds):
        for way, draw in ways.items():
            begun = perf_counter()
            images[way] = draw()
            clock.wait()
            if index >= WARM:
                times[way].append(perf_counter() - begun)
    return {way: median(spent) for way, spent in times.items()}, images
