"""What ``GAN.sample`` can be told, for type checkers: the type of what it returns follows from ``output``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, TypedDict

from torch import Tensor

from ganzoo.gan.labels import Label
from ganzoo.gan.latents import Latents
from ganzoo.gan.steering import Directions, Moves


class SampleOptions(TypedDict, total=False):
    """The arguments of :meth:`GAN.sample` other than ``n`` and ``output``; each is explained there."""

    labels: Sequence[Label] | Tensor | None
    source: Any
    text: str | Sequence[str] | None
    z: Tensor | None
    seed: int | None
    truncation: float | None
    truncation_cutoff: int | None
    truncation_mean: str | None
    layer_noise: int | None
    sampler: str | None
    data: Any
    direction: Moves | None
    directions: str | PathLike[str] | Directions | None
    latents: str | PathLike[str] | Latents | None
    batch: int
