"""What draws a model's samples as one network, all of whose inputs are tensors with names: that is what is exported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, either
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import LONGEST_TEXT, encode_text
from ganzoo.gan.style import Mean, StyleGenerator, Truncation
from ganzoo.parts.context import NOISE, SOURCE, TEXT
from ganzoo.seeding import derive

LABEL, TRUNCATION, IMAGE = "label", "truncation", "image"
SHOWN = 2  # images that exporters are shown; files are for any number
PSI = 0.7  # that they are shown, where there is one


class Unlabelled(nn.Module):
    """Label vectors of a model without labels."""

    def forward(self, first: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """``(n, 0)``."""
        return first.new_zeros(first.shape[0], 0)


class Numbered(nn.Module):
    """Label vectors of class numbers.

    Args:
        classes: how many there are.
    """

    numbers: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("numbers", torch.arange(classes), persistent=False)

    def forward(self, first: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """``(n, classes)``; zeros for a number that no class has."""
        return (given[LABEL][:, None] == self.numbers).to(first.dtype)


class Vectors(nn.Module):
    """Label vectors as they are given, of a model whose labels are several classes at once, or numbers."""

    def forward(self, first: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """``(n, classes)``."""
        return given[LABEL]


class Direct(nn.Module):
    """Images of a generator that is called with all that there is.

    Args:
        generator: called ``G(first, y, **others)``.
        others: names of its further inputs.
    """

    def __init__(self, generator: nn.Module, others: Iterable[str]) -> None:
        super().__init__()
        self.G, self.others = generator, tuple(others)

    def forward(self, first: Tensor, y: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """Images ``(n, C, H, W)`` in [-1, 1]."""
        made: Tensor = self.G(first, y, **{name: given[name] for name in self.others})
        return made


class OneMean(nn.Module):
    """The mean of w that all images have.

    Args:
        mean: ``(1, w_dim)``.
    """

    mean: Tensor

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone(), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """``(1, w_dim)`` for label vectors ``(n, classes)``."""
        return self.mean


class MeanOfClass(OneMean):
    """The mean of w for an image's class.

    Args:
        mean: ``(classes, w_dim)``.
    """

    def forward(self, y: Tensor) -> Tensor:
        """``(n, w_dim)`` for label vectors ``(n, classes)``."""
        return y @ self.mean


class Truncated(nn.Module):
    """Images of a generator with w, which ψ, an input, draws towards its mean.

    The means are measured once, when it is made: a file has no noise of its own.

    Args:
        generator: with w.
        center: gives the mean of w for label vectors.
        cutoff: layers of w, from the first, that ψ holds for; None for all.
    """

    bound: Tensor

    def __init__(self, generator: StyleGenerator, center: OneMean, cutoff: int | None) -> None:
        super().__init__()
        self.G, self.center = generator, center
        bound = torch.arange(generator.layers) < (generator.layers if cutoff is None else cutoff)
        self.register_buffer("bound", bound[:, None], persistent=False)

    def forward(self, first: Tensor, y: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        """Images ``(n, C, H, W)`` in [-1, 1]."""
        w, center = self.G.mapping(first, y), self.center(y)[:, None]
        made: Tensor = self.G.synthesis(torch.where(self.bound, center + given[TRUNCATION] * (w - center), w))
        return made


class Sampler(nn.Module):
    """``GAN.sample`` without all that is no network: called by the names of its inputs, it gives images in [0, 1].

    Args:
        first: the name of what a generator takes first, the noise or source images.
        labels: makes label vectors.
        images: makes images in [-1, 1].
    """

    def __init__(self, first: str, labels: nn.Module, images: nn.Module) -> None:
        super().__init__()
        self.first, self.labels, self.images = first, labels, images

    def forward(
        self,
        z: Tensor | None = None,
        source: Tensor | None = None,
        text: Tensor | None = None,
        label: Tensor | None = None,
        truncation: Tensor | None = None,
    ) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1], of those inputs that the model has; see :attr:`Exportable.about`."""
        # By name, each in its place: the program that torch makes of ``**given`` stumbles over its own checks.
        every = {NOISE: z, SOURCE: source, TEXT: text, LABEL: label, TRUNCATION: truncation}
        seen = {name: signed(name, rows) for name, rows in every.items() if rows is not None}
        first = seen[self.first]
        images: Tensor = self.images(first, self.labels(first, seen), seen)
        return ((images + 1) * 0.5).clamp(0, 1)


def signed(name: str, rows: Tensor) -> Tensor:
    """An input as a generator takes it: source images in [-1, 1], all others as they are."""
    return rows * 2 - 1 if name == SOURCE else rows


@dataclass(frozen=True)
class Exportable:
    """A model ready to be exported.

    Attributes:
        gan: what it is of, in eval mode on the CPU.
        network: draws its samples.
        about: its inputs by name, in their order: what each holds, in words.
        cutoff: layers of w that ψ holds for; None for all.
        mean: of w.
    """

    gan: GAN
    network: Sampler
    about: Mapping[str, str]
    cutoff: int | None = None
    mean: Mean = "class"

    @property
    def truncatable(self) -> bool:
        """Whether ψ is an input."""
        return TRUNCATION in self.about

    def inputs(self, n: int, seed: int, psi: float = PSI) -> tuple[dict[str, Tensor], Tensor]:
        """Inputs of ``n`` images by name, and the images ``(n, C, H, W)`` that the model itself makes of them."""
        gan, labels = self.gan, _labels(self.gan, n, seed)
        rng = torch.Generator().manual_seed(derive("export", seed))
        columns: dict[str, Tensor] = {}
        if SOURCE in gan.input_names:
            columns[SOURCE] = torch.rand(n, *gan.image, generator=rng)
        if TEXT in gan.input_names:
            columns[TEXT] = encode_text([f"{seed + number}" for number in range(n)])
        told = Truncation(psi, self.cutoff, self.mean) if self.truncatable else None
        seen = {name: signed(name, rows) for name, rows in columns.items()}
        drawn: dict[str, Any] = gan.inputs(n, seed, labels, told, columns=seen)
        try:
            images = gan.generate(**drawn)
        finally:
            if self.truncatable:
                cast(Any, gan.G).truncate(None)
        every = {NOISE: drawn["z"], **columns, LABEL: labels, TRUNCATION: torch.tensor(psi)}
        return {name: cast(Tensor, every[name]) for name in self.about}, images


def exportable(gan: GAN, cutoff: int | None = None, mean: Mean | None = None) -> Exportable:
    """Make a model's sampler one network.

    Args:
        gan: a trained model on the CPU.
        cutoff: layers of w that its ψ is to hold for; all by default.
        mean: of w, for the label of an image, or over the whole training; the generator's own choice by default, and
            the latter where labels are no classes.

    Raises:
        UsageError: a cut-off or a mean that there cannot be; a model with inputs that are not known here.
    """
    names = gan.input_names
    if unknown := sorted(names - {NOISE, SOURCE, TEXT}):
        raise UsageError(f"this model takes {either(unknown, 'and')}, and no exported file has such inputs")
    generator, about = gan.get_submodule("G"), _about(gan)
    first = NOISE if NOISE in names else SOURCE
    labels = _label_maker(gan)
    chosen = _mean(gan, mean) if isinstance(generator, StyleGenerator) and NOISE in names else None
    if chosen is None:
        if cutoff is not None or mean is not None:
            raise UsageError(
                "this model has no mean of w to truncate to: leave --truncation-cutoff and --truncation-mean out"
            )
        return Exportable(gan, Sampler(first, labels, Direct(generator, sorted(names - {first}))).eval(), about)
    style = cast(StyleGenerator, generator)
    style.truncate(1, cutoff, chosen)  # which refuses what does not work
    style.truncate(None)
    by_class = chosen == "class" and gan.classes > 0
    rows = torch.eye(gan.classes) if by_class else torch.zeros(1, gan.classes)
    images = Truncated(style, (MeanOfClass if by_class else OneMean)(style.center(rows, chosen)), cutoff)
    where = "of all layers" if cutoff is None else f"of the first {cutoff} layers"
    about[TRUNCATION] = f"float32 (): psi {where} of w, 1 changes nothing and 0 draws the mean"
    return Exportable(gan, Sampler(first, labels, images).eval(), about, cutoff, chosen)


def _mean(gan: GAN, asked: Mean | None) -> Mean | None:
    """The mean of w that a file can have; None for none: there is no table of all label vectors.

    Raises:
        UsageError: one that was asked for cannot be had.
    """
    generator, countable = cast(StyleGenerator, gan.G), gan.classes == 0 or gan.label_kind == "class"
    if asked == "class" and not countable:
        raise UsageError(f"labels of the kind {gan.label_kind} are too many for a mean each: --truncation-mean global")
    chosen = asked or (generator.mean if countable else "global")
    return None if asked is None and chosen == "global" and not generator.w_passes else chosen


def _label_maker(gan: GAN) -> nn.Module:
    if gan.classes == 0:
        return Unlabelled()
    return Numbered(gan.classes) if gan.label_kind == "class" else Vectors()


def _labels(gan: GAN, n: int, seed: int) -> Tensor | None:
    """Labels of ``n`` images: of each a class of its own, as far as there are."""
    if gan.classes == 0:
        return None
    numbers = torch.arange(seed, seed + n) % gan.classes
    return numbers if gan.label_kind == "class" else torch.eye(gan.classes)[numbers]


def _about(gan: GAN) -> dict[str, str]:
    channels, height, width = gan.image
    about = {}
    if NOISE in gan.input_names:
        shape = gan.noise(0, 0).shape[1:]
        about[NOISE] = f"float32 (n, {', '.join(map(str, shape))}): noise, of the law {gan.plan['prior']}"
    if SOURCE in gan.input_names:
        about[SOURCE] = f"float32 (n, {channels}, {height}, {width}): source images in [0, 1]"
    if TEXT in gan.input_names:
        about[TEXT] = f"uint8 (n, {LONGEST_TEXT}): a text in UTF-8, filled up with zeros"
    if gan.classes:
        numbers = f"int64 (n): class numbers from 0 to {gan.classes - 1}"
        about[LABEL] = numbers if gan.label_kind == "class" else f"float32 (n, {gan.classes}): label vectors"
    return about
