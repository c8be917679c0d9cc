"""Samples whose noise a sampler chooses, such as ``ddls:steps=200``, by what the model's discriminator says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import PluginError, UsageError, read_text
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.priors import LAWS
from ganzoo.parts.complete import complete
from ganzoo.parts.sampler import Sampler, ScoredGenerator
from ganzoo.registry.entry import resolve
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Part
from ganzoo.seeding import derive

OF_PRIOR = "noise"  # what an architecture provides whose G is given noise of the model's prior, and no codes of a game
REALS = "ganzoo.scoring.reals:real_images"
COMPARED = 4  # images by which it is known whether D compares those of a batch


def read_sampler(word: str, data: object = None) -> Sampler:
    """A sampler that was asked for, such as ``ddls`` or ``ddls:steps=200,step=0.005``; nothing is loaded for it.

    Args:
        word: its name in the registry, with options.
        data: the real images that were given with it; None for none.

    Raises:
        UsageError: there is none of that name or with such options, it needs real images and has none, or needs none.
    """
    part = Part.parse(read_text("sampler", word, "ddls"))
    if part.places:
        raise UsageError(f"{word!r}: a sampler has no places; write {part.spelling}, and options behind a ':'")
    entry = registry().find(part.spelling, ("sampler",), what="sampler")
    made: Sampler = complete(entry.load()(**entry.read_options(dict(part.options))), Sampler, entry.name)
    if type(made).noise is Sampler.noise:
        raise PluginError(f"{entry.spelling} does nothing: it has no noise(model, z, y, rngs)")
    if made.reals and data is None:
        raise UsageError(f"{entry.name} is calibrated with real images: give it data, such as --data cifar10")
    if not made.reals and data is not None:
        raise UsageError(f"{entry.name} needs no real images: leave the data out")
    return made


@dataclass(frozen=True)
class Sampling:
    """A sampler at work on a model.

    Attributes:
        sampler: calibrated, where it is one that needs that.
        model: the generator and the discriminator.
    """

    sampler: Sampler
    model: ScoredGenerator

    @torch.no_grad()
    def __call__(self, inputs: dict[str, Tensor], seed: int, start: int = 0, batch: int = 64) -> dict[str, Tensor]:
        """The inputs of samples ``start`` and following, as :meth:`GAN.inputs` gives them, with other noise.

        Args:
            inputs: noise ``z`` and label vectors ``y``.
            seed: of the samples.
            start: number of the first.
            batch: how many are worked on at once, which changes nothing in them.
        """
        z, y = inputs["z"], inputs["y"]
        made = []
        for i in range(0, len(z), batch):
            rows = z[i : i + batch]
            rngs = [_rng("sampler", seed, start + i + k) for k in range(len(rows))]
            made.append(self.sampler.noise(self.model, rows, y[i : i + batch], rngs))
        return {**inputs, "z": torch.cat([z[:0], *made])}


@torch.no_grad()
def sampling(
    gan: GAN, sampler: Sampler, *, seed: int = 0, data: Any = None, split: str | None = None, batch: int = 64
) -> Sampling:
    """Put a sampler to work on a model, calibrated with real images where it wants some.

    Args:
        gan: loaded with its discriminator.
        sampler: as :func:`read_sampler` gives it, new.
        seed: of all that calibration draws.
        data: real images, as ``--data`` takes them.
        split: of them.
        batch: images computed at once.

    Raises:
        UsageError: the model has no discriminator, or draws from other things than noise and labels.
        DataError: there is no such data.
    """
    model = scored_generator(gan, batch)
    if sampler.reals:
        images, y = resolve(REALS)(gan, data, sampler.reals, split, seed)
        judge = Judge(gan, batch)
        real = torch.cat([judge(a, b) for a, b in zip(images.split(batch), y.split(batch), strict=True)])
        sampler.calibrate(model, real, _rng("calibration", seed))
    return Sampling(sampler, model)


def scored_generator(gan: GAN, batch: int = 64) -> ScoredGenerator:
    """A model as samplers see it.

    Raises:
        UsageError: it has no discriminator, or draws from other things than noise and labels.
    """
    if gan.input_names != {NOISE}:
        raise UsageError("samplers choose noise, and this model draws from other things: leave the sampler out")
    judge, generator = Judge(gan, batch), gan.get_submodule("G").eval()
    law, draw = LAWS[str(gan.plan["prior"])], generator.prior
    weights = next(generator.parameters())
    architecture = gan.plan.architecture("g").entry
    if architecture is None or OF_PRIOR not in architecture.provides:
        raise UsageError(
            f"samplers choose noise of the prior {gan.plan['prior']}, and {gan.plan.architecture('g').name} draws"
            " otherwise: leave the sampler out"
        )

    def one(z: Tensor, y: Tensor) -> Tensor:
        return judge(generator(z.to(weights), y.to(weights)), y)

    def scores(z: Tensor, y: Tensor) -> Tensor:
        return torch.cat([one(a, b) for a, b in zip(z.split(batch), y.split(batch), strict=True)])

    def labels(n: int) -> Tensor:
        return gan.label_vectors(gan.default_labels(n), n)

    if callable(truncate := getattr(generator, "truncate", None)):
        truncate(None)
    return ScoredGenerator(lambda rng: draw(1, rng), labels, scores, law.energy, law.fold, gan.z_dim)


class Judge:
    """The first discriminator of a model, in eval mode: scores ``(B,)``, float32 on the CPU, each of its image alone.

    Args:
        gan: loaded with its discriminator.
        batch: images that it sees at once.

    Raises:
        UsageError: the model has none.
    """

    def __init__(self, gan: GAN, batch: int = 64) -> None:
        name = next(iter(gan.critics))
        if name not in dict(gan.named_children()):
            raise UsageError(
                "samplers ask the discriminator, and this model was loaded without it:"
                " ganzoo.load(..., discriminator=True)"
            )
        self.network: nn.Module = gan.get_submodule(name).eval()
        shapes = getattr(self.network, "shapes", None)  # a network need not tell them
        if shapes is not None and shapes != (gan.image, (gan.classes,)):
            raise UsageError(
                "samplers ask the discriminator of images, and that of this model judges other things, or more: leave"
                " the sampler out"
            )
        self.weights = next(self.network.parameters())
        self.at_once = 1 if self._compares(gan) else batch

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of images ``(B, C, H, W)`` in [-1, 1] under label vectors ``(B, classes)``."""
        rows = zip(x.split(self.at_once), y.split(self.at_once), strict=True)
        return torch.cat([self._score(a, b) for a, b in rows])

    def _score(self, x: Tensor, y: Tensor) -> Tensor:
        said: Tensor = self.network(x.to(self.weights), y.to(self.weights)).score
        return said.float().cpu()

    @torch.no_grad()
    def _compares(self, gan: GAN) -> bool:
        """Whether it says other things of an image beside others, as minibatch statistics do, than of it alone."""
        rng = _rng("compared")
        x = 2 * torch.rand(COMPARED, *gan.image, generator=rng) - 1
        y = gan.label_vectors(gan.default_labels(COMPARED), COMPARED)
        rows = zip(x.split(1), y.split(1), strict=True)
        beside, alone = self._score(x, y), torch.cat([self._score(a, b) for a, b in rows])
        return not torch.allclose(beside, alone, rtol=1e-2, atol=1e-3 * float(beside.abs().max()))


def _rng(*names: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*names))


def check_sampler(sampler: object, truncation: object, data: object) -> None:
    """Refuse what does not go with a sampler, or not without one.

    Args:
        sampler, truncation, data: as they were given; None for none.

    Raises:
        UsageError: there is a truncation too, which says what noise is drawn as well; or data alone.
    """
    if sampler is not None and truncation is not None:
        raise UsageError("a truncation and a sampler both say what noise is drawn: give one of them")
    if sampler is None and data is not None:
        raise UsageError("data is what a sampler is calibrated with: give one too, such as drs")


def asked_for(gan: GAN, word: str | None, *, truncation: object, **given: Any) -> Sampling | None:
    """The sampler that a person asked for, at work on a model; None for none.

    Args:
        gan: the model.
        word: as :func:`read_sampler` takes it; None for none.
        truncation: that was asked for beside it.
        given: as :func:`sampling` takes it.

    Raises:
        UsageError: as :func:`check_sampler`, :func:`read_sampler` and :func:`sampling`.
    """
    data = given.get("data")
    check_sampler(word, truncation, data)
    return None if word is None else sampling(gan, read_sampler(word, data), **given)
