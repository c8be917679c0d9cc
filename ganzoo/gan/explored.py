"""What a GAN shows of its latents: walks, style mixing, sweeps of the truncation."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError, whole
from ganzoo.gan.arguments import real_number, truncation_of
from ganzoo.gan.labels import Label, one_for_each
from ganzoo.gan.steering import Directions, Moves, Ranges
from ganzoo.registry.entry import resolve

if TYPE_CHECKING:
    from ganzoo.gan.latents import Latents

# By their names: these rest on the folder of files of directions, which stands above this room.
WALK, TIMING, MIX = "ganzoo.visual.interpolation:walked", "ganzoo.visual.timing:Timing", "ganzoo.visual.mixing:mix"


class Explored:
    """Pictures of many samples that belong together."""

    sample: Any
    read_labels: Any

    def walk(
        self,
        rows: int = 1,
        *,
        stops: int | None = None,
        steps: int = 8,
        frames: int | None = None,
        ending: str = "stop",
        easing: str = "linear",
        seed: int = 0,
        labels: Sequence[Label] | None = None,
        through: Sequence[Label] | None = None,
        latents: Sequence[str | PathLike[str] | Latents] = (),
        direction: Ranges | None = None,
        directions: str | PathLike[str] | Directions | None = None,
        space: str | None = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
        truncation_mean: str | None = None,
        layer_noise: int | None = None,
    ) -> Tensor:
        """Interpolate between samples, between classes, along directions, or between pictures that were projected.

        In w the way is straight; in z it is an arc where the noise is normal, and straight where it is uniform.

        Args:
            rows: walks side by side; each begins with a sample of its own.
            stops: samples that each goes through; by default 2, or 4 in a loop, and 1 with ``through`` or a range of a
                direction.
            steps: images from one stop to the next, both counted.
            frames: images in all, in place of ``steps``.
            ending: ``"stop"`` at the last stop; ``"back"`` the same way, or ``"loop"`` on to the first one, both
                without the image that would be the first again.
            easing: ``"linear"``, or slower near the stops: ``"smooth"`` (3t² - 2t³) or ``"cosine"``.
            seed: of the samples.
            labels: of the rows; the model's own by default.
            through: labels to go through with the noise of one sample: two at least.
            latents: in the place of samples, files of ``ganzoo project`` or what is in them; from a single one the walk
                goes to the sample of the seed.
            direction: along what, such as ``"d3=-2..2"`` or ``{"d3": (-2, 2)}``; a single number moves all images.
            directions: the file that ``ganzoo directions`` wrote for this model.
            space: ``"w"`` or ``"z"``; w where there is one by default.
            truncation, truncation_cutoff, truncation_mean, layer_noise: as :meth:`sample` takes them.

        Returns:
            Images ``(rows, frames, C, H, W)``, float32 in [0, 1], of 256 levels.

        Raises:
            UsageError: for what the model does not take, a walk on which nothing changes, or a generator that draws
                the same for every class.

        Example:
            >>> ganzoo.load("sngan-cond-mnist").walk(4, through=[0, 1, 2], ending="loop").shape
            torch.Size([4, 21, 1, 32, 32])
        """
        asked = {
            "rows": whole("rows", rows, 1),
            "stops": None if stops is None else whole("stops", stops, 1),
            "seed": whole("seed", seed),
            "labels": None if labels is None else self._in_turn(labels, rows),
            "through": None if through is None else self.read_labels(one_for_each(through)),
            "truncation": truncation_of(truncation, truncation_cutoff, truncation_mean),
            "space": space,
            "layer_noise": layer_noise,
        }
        if labels is None:
            asked["labels"] = self.default_labels(rows)  # type: ignore[attr-defined]
        timing = resolve(TIMING)(steps, frames, ending, easing)
        latents = [latents] if isinstance(latents, (str, PathLike)) else latents  # type: ignore[list-item]
        along = {"direction": direction, "directions": directions, "latents": latents}
        images: Tensor = resolve(WALK)(self, asked, timing, **along)
        return images

    def _in_turn(self, labels: Sequence[Label], n: int) -> Tensor:
        """Labels of ``n`` images: those given, in a cycle."""
        given: Tensor = self.read_labels(one_for_each(labels))
        return given[torch.arange(n) % len(given)]

    def mix(
        self,
        rows: int = 4,
        columns: int = 6,
        *,
        layers: str | tuple[int, int] | None = None,
        seed: int = 0,
        labels: Sequence[Label] | None = None,
        direction: Moves | None = None,
        directions: str | PathLike[str] | Directions | None = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
        truncation_mean: str | None = None,
        layer_noise: int | None = None,
    ) -> Tensor:
        """Style mixing (arXiv 1812.04948): images of which some layers take the w of other images.

        Args:
            rows: images that are changed.
            columns: images to take layers from.
            layers: which: ``"coarse"``, ``"middle"``, ``"fine"``, the first and the last, or a text as ``"0-3"``; the
                coarser half by default.
            seed: of the noise: rows have its first samples, columns the next.
            labels: of the images, rows first, in a cycle; the model's own by default.
            direction, directions, truncation, truncation_cutoff, truncation_mean, layer_noise: as :meth:`sample` takes
                them.

        Returns:
            Images ``(rows + 1, columns + 1, C, H, W)``, float32 in [0, 1]: the first row and column what is mixed, and
            white where they meet.

        Raises:
            UsageError: the generator has no w, or not these layers.
        """
        count = whole("rows", rows, 1) + whole("columns", columns, 1)
        numbers = self.default_labels(count) if labels is None else self._in_turn(labels, count)  # type: ignore[attr-defined]
        told = truncation_of(truncation, truncation_cutoff, truncation_mean)
        along = {"direction": direction, "directions": directions, "layer_noise": layer_noise}
        table: Tensor = resolve(MIX)(self, (rows, columns), layers, whole("seed", seed), numbers, told, **along)
        return table

    def sweep(self, truncations: Sequence[float], n: int = 8, *, seed: int = 0, **given: Any) -> Tensor:
        """The same samples at several truncations.

        Args:
            truncations: in rows: ψ where the generator has w, else bounds on the noise, or factors of it.
            n: how many samples.
            seed: of their noise.
            given: as :meth:`sample` takes it: ``labels``, ``truncation_cutoff``, ``truncation_mean`` and more.

        Returns:
            Images ``(len(truncations), n, C, H, W)``, float32 in [0, 1].

        Raises:
            UsageError: for a truncation that the model does not take, or none at all.
        """
        values = [real_number("truncation", one) for one in truncations]
        if not values:
            raise UsageError("truncations=[] does not work: give some, such as [0.3, 0.7, 1.0]")
        return torch.stack([self.sample(n, seed=seed, truncation=value, **given) for value in values])
