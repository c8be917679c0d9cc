"""Style-based generators: noise is mapped to w, and each layer is told by its own w what to draw.

A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948). The
contract of what provides ``w``: ``mapping(z, y)`` gives ``w`` ``(B, layers, w_dim)``, one row for each layer,
``styles(z, y)`` the same as it is drawn, mixed or truncated, and ``synthesis(w)`` gives images. Truncation, style
mixing, path length, projection and walks in w rest on these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.distributed.batch import global_draw, global_mean
from ganzoo.errors import UsageError, whole, within
from ganzoo.gan.kit import Generator, Kit
from ganzoo.seeding import derive

MEAN_OF = 4096  # draws that the mean of w for a label is taken over, always the same ones
MEMORY = 0.995  # of the mean of w that a training keeps, for each pass; the first passes count alike
FURTHEST = 2.0  # truncation, to either side
Mean = Literal["class", "global"]


@dataclass(frozen=True)
class Truncation:
    """How w is drawn towards its mean: ``mean + psi · (w - mean)``.

    Attributes:
        psi: 1 changes nothing, 0 gives the mean, -1 its opposite.
        cutoff: layers that it holds for, from the first; None for all.
        mean: of w for the label of the image (``class``), or over all that a training saw (``global``); None for the
            generator's own choice.
    """

    psi: float
    cutoff: int | None = None
    mean: Mean | None = None


def has_w(generator: object) -> bool:
    """Whether a generator maps noise to w: it has ``mapping``, ``styles`` and ``synthesis``."""
    return all(callable(getattr(generator, name, None)) for name in ("mapping", "styles", "synthesis"))


def cross(a: Tensor, b: Tensor, start: int, stop: int | None = None) -> Tensor:
    """Style mixing by hand: ``a`` with layers ``start`` to ``stop`` of ``b``, both ``(B, layers, w_dim)``.

    Args:
        a, b: what a mapping network gives.
        start: the first layer, counted from 0, that is ``b``'s.
        stop: the first behind it that is ``a``'s again; none by default.

    Raises:
        UsageError: for layers that there are not.
    """
    layers = a.shape[1]
    last = layers if stop is None else whole("stop", stop)
    if not 0 <= whole("start", start) < last <= layers:
        raise UsageError(
            f"layers {start} to {last - 1} cannot be mixed: this model has {layers} layers of w, 0 to {layers - 1}"
        )
    return torch.cat([a[:, :start], b[:, start:last], a[:, last:]], 1)


class Unmixed:
    """Every layer of an image has the w of its own noise."""

    def __call__(self, w: Tensor, other: Callable[[], Tensor]) -> Tensor:
        """``w`` as it is."""
        return w


class Mixing:
    """Style mixing: with a probability an image's layers from a random one on have the w of other noise.

    Section 3.1 of arXiv 1812.04948; the first layer always keeps its own. Numbers are drawn for the global batch.

    Args:
        probability: in (0, 1].
        layers: how many w an image has.
    """

    def __init__(self, probability: float, layers: int) -> None:
        self.probability, self.layers = probability, layers

    def __call__(self, w: Tensor, other: Callable[[], Tensor]) -> Tensor:
        """``w`` ``(B, layers, w_dim)`` with rows of ``other()``, of the same shape."""
        crossover = global_draw(self.crossovers, len(w)).to(w.device, non_blocking=True)
        later = torch.arange(self.layers, device=w.device) >= crossover[:, None]
        return torch.where(later[:, :, None], other(), w)

    def crossovers(self, n: int) -> Tensor:
        """The first layer ``(n,)`` that is not an image's own, from 1 up; their number where all are."""
        mixed = torch.rand(n) < self.probability
        return torch.where(mixed, torch.randint(1, max(self.layers, 2), (n,)), self.layers)


class StyleGenerator(Generator):
    """A mapping network, a synthesis network, and what can be done with the w between them.

    In training each image's w may be mixed, and the mean of w is kept; otherwise w is truncated, if that was asked for.

    Args:
        kit: of side ``"g"``.
        style: the mapping network, called ``style(h, c)`` with ``h`` ``(B, kit.latent)`` and a context ``c``
            ``(B, kit.c_dim)``; returns ``(B, w_dim)``.
        trunk: the synthesis network, called ``trunk(w)`` with ``w`` ``(B, layers, w_dim)``; returns images in [-1, 1].
        layers: how many w it takes.
        w_dim: length of each.
        mixing: probability that the layers of a training's image have two w.
        mean: of w that truncation draws to unless it says: see :meth:`truncate`.

    Attributes:
        w_mean: the mean of w over the last passes of a training, ``(w_dim,)``.
    """

    w_mean: Tensor
    w_passes: Tensor

    def __init__(
        self,
        kit: Kit,
        style: nn.Module,
        trunk: nn.Module,
        *,
        layers: int,
        w_dim: int,
        mixing: float = 0.0,
        mean: Mean = "class",
    ) -> None:
        super().__init__(kit, trunk)
        within("mixing", mixing, 0, 1)
        self.style, self.layers, self.w_dim, self.mean = style, layers, w_dim, mean
        self.mix: Mixing | Unmixed = Mixing(mixing, layers) if mixing else Unmixed()
        self.truncation: Truncation | None = None
        self._means: dict[bytes, Tensor] = {}
        self._means_of: tuple[object, ...] = ()
        self.register_buffer("w_mean", torch.zeros(w_dim))
        self.register_buffer("w_passes", torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] from noise ``(B, z_dim)`` and label vectors ``(B, y_dim)``."""
        return self.synthesis(self.styles(z, y))

    def styles(self, z: Tensor, y: Tensor) -> Tensor:
        """The w ``(B, layers, w_dim)`` of images: mixed in training, else truncated as :meth:`truncate` was told."""
        if not self.training:
            return self.mapping(z, y, self.truncation)
        w = self.mapping(z, y)
        self._remember(w[:, 0])
        return self.mix(w, lambda: self.mapping(self._more_noise(z), y))

    def mapping(self, z: Tensor, y: Tensor, truncation: Truncation | float | None = None) -> Tensor:
        """The w ``(B, layers, w_dim)`` of noise ``(B, z_dim)`` and label vectors ``(B, y_dim)``; in float32.

        Args:
            z, y: what images are made of.
            truncation: a ψ, or that and what else there is to say; None for none.
        """
        w = self.mapped(z, y)[:, None].expand(-1, self.layers, -1)
        if truncation is None:
            return w
        return self.truncated(w, y, truncation if isinstance(truncation, Truncation) else Truncation(truncation))

    def mapped(self, z: Tensor, y: Tensor) -> Tensor:
        """One w ``(B, w_dim)`` of noise and label vectors."""
        with torch.autocast(z.device.type, enabled=False):  # a few small products, which all layers rest on
            weight = next(self.style.parameters())
            noise, context = self.codes(z.to(weight.dtype), self.conditioning.context(z, y.to(weight.dtype)))
            made: Tensor = self.style(self.conditioning.embed(noise, y), context)
            return made

    def synthesis(self, w: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] of ``w`` ``(B, layers, w_dim)``."""
        made: Tensor = self.trunk(w)
        return made

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """``n`` noise vectors ``(n, z_dim)``, drawn on the CPU with ``rng``; truncation is no matter of the noise."""
        return self.draw(n, self.z_dim, rng, None)

    def truncate(self, value: float | None, cutoff: int | None = None, mean: Mean | None = None) -> None:
        """Take the truncation of the images to come, None for none.

        Args:
            value: ψ, from -2 to 2: how far w keeps from its mean.
            cutoff: how many layers it holds for, from the first; all by default.
            mean: ``"class"`` for the mean of w for an image's label, ``"global"`` for that over all images of training;
                by default the generator's own choice, which is ``"class"`` unless its recipe says ``w.mean=global``.

        Raises:
            UsageError: for another ψ, a cut-off beyond the layers, another mean, or one that no training has kept.
        """
        if value is None:
            self.truncation = None
            return
        if not -FURTHEST <= value <= FURTHEST:
            raise UsageError(
                f"truncation={value:g} does not work: here it is ψ, from {-FURTHEST:g} to {FURTHEST:g}; 1 changes"
                " nothing, and 0 draws the mean of w"
            )
        if cutoff is not None and whole("cutoff", cutoff, 0) > self.layers:
            raise UsageError(f"cutoff={cutoff} does not work: this model has {self.layers} layers of w")
        mean = self.mean if mean is None else mean
        if mean not in ("class", "global"):
            raise UsageError(f"mean={mean!r} does not work: it is 'class' or 'global'")
        if mean == "global" and not self.w_passes:
            raise UsageError("mean='global' does not work: no training has kept a mean of this model's w; try 'class'")
        self.truncation = Truncation(value, cutoff, mean)

    def truncated(self, w: Tensor, y: Tensor, truncation: Truncation) -> Tensor:
        """``w`` ``(B, layers, w_dim)`` drawn towards its mean, or that of the labels ``y``, as ``truncation`` says."""
        if truncation.psi == 1:
            return w
        psi = w.new_ones(self.layers)
        psi[: truncation.cutoff] = truncation.psi
        return torch.lerp(self.center(y, truncation.mean or self.mean)[:, None].expand_as(w), w, psi[:, None])

    @torch.no_grad()
    def center(self, y: Tensor, mean: Mean = "class") -> Tensor:
        """The mean of w for label vectors ``(B, y_dim)``: ``(B, w_dim)``.

        Of a class it is taken over draws through this very network, once for the weights that it has: an average of
        networks has a mean of its own.

        Args:
            y: label vectors; of length 0 without labels.
            mean: see :meth:`truncate`.
        """
        if mean == "global":
            return self.w_mean.expand(len(y), -1)
        weights = (*self.style.parameters(), *self.conditioning.parameters(), *self.conditioning.buffers())
        known = tuple((id(weight), weight._version, weight.device, weight.dtype) for weight in weights)
        if known != self._means_of:
            self._means, self._means_of = {}, known
        rows = {row.cpu().float().numpy().tobytes(): row for row in y}
        for key in rows.keys() - self._means.keys():
            self._means[key] = self._mean_for(rows[key])
        return torch.stack([self._means[row.cpu().float().numpy().tobytes()] for row in y])

    def _mean_for(self, row: Tensor) -> Tensor:
        """The mean of w for one label vector ``(y_dim,)``."""
        rng = torch.Generator().manual_seed(derive("mean of w", 0))
        z = self.prior(MEAN_OF, rng).to(self.w_mean)
        return self.mapped(z, row.to(z).expand(MEAN_OF, -1)).mean(0)

    def _more_noise(self, z: Tensor) -> Tensor:
        """Other noise for as many images."""
        return global_draw(lambda n: self.prior(n, torch.default_generator), len(z)).to(z, non_blocking=True)

    @torch.no_grad()
    def _remember(self, w: Tensor) -> None:
        """Take the w ``(B, w_dim)`` of a training's pass into their mean."""
        self.w_passes += 1
        share = (1 / self.w_passes).clamp(min=1 - MEMORY)
        self.w_mean += share * (global_mean(w.detach(), 0).to(self.w_mean) - self.w_mean)
