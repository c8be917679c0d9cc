"""Finding the w, and the noise of layers, whose image is nearest to a photo: StyleGAN2's projector (arXiv 1912.04958).

As in its appendix D: Adam from the mean of w, noise on w that fades, a speed that rises and falls, and noise inputs
that are held or found too, kept white by a penalty. Ours differs in that the speed is in units of w's spread, so that
it fits any mapping network; that random draws compete with the mean, several starts are refined a little and the best
one to the end; and that in w+, where each layer has a w of its own (Abdal et al. 2019, arXiv 1904.03189), the way leads
through w first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo import UsageError
from ganzoo.cli.kit import Latents, noise_maps, noise_modules
from ganzoo_edit.manifold import PIECE, Manifold
from ganzoo_edit.nearness import Nearness

SPACES = ("w", "w+")
MEAN_OF = 4096  # draws that the mean of w and its spread are of
RATE = 0.15  # of Adam, in standard deviations of a number of w
MAP_RATE = 0.1  # of Adam, for noise, whose standard deviation is 1
RISE, FALL = 0.05, 0.25  # of the steps: those in which the speed rises, and falls
SHAKE, CALM = 0.05, 0.75  # noise on w, of its spread, and the share of the steps in which it fades
WHITE = 1e5  # weight of the penalty on noise that is not white
SMALLEST = 8  # pixels of noise at which that penalty looks
LOOK = 10  # steps between two looks


@dataclass(frozen=True)
class StyleSearch:
    """How to look for the nearest image in w.

    Attributes:
        space: ``"w"``, one for all layers, or ``"w+"``, one for each.
        steps: of Adam from the best start; each start first gets a quarter as many.
        starts: how many are refined.
        draws: random images that the starts are chosen from, beside the mean of each class.
        seed: of those, and of the noise on w.
        prior: weight of staying where the mapping network's w are; 0 lets w go anywhere.
        noise: whether the pictures of the noise inputs are looked for, too.
    """

    space: str = "w"
    steps: int = 500
    starts: int = 2
    draws: int = 512
    seed: int = 0
    prior: float = 0.1
    noise: bool = False

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UsageError(f"space={self.space!r} does not work: it is 'w' or 'w+'")


@dataclass(frozen=True)
class StylePlace:
    """A w, a class, noise of layers, and how far their image is from the photo.

    Attributes:
        w: ``(1, layers, w_dim)``.
        label: number of the class, None for a model without classes.
        kind: ``mean`` or ``random``: where it started.
        loss: the distance, with what staying near the mean costs.
        evaluations: times that the generator was asked.
        noise: pictures of the noise inputs, by name; empty for the model's own.
    """

    w: Tensor
    label: int | None
    kind: str
    loss: float
    evaluations: int = 0
    noise: Mapping[str, Tensor] = field(default_factory=dict)

    def look(self, manifold: Manifold) -> Tensor:
        """Its image ``(C, H, W)`` in [0, 1]."""
        with torch.no_grad(), noise_maps(manifold.G, self.noise):
            return manifold.draw_w(self.w).clamp(0, 1)[0]

    def latents(self, model: str = "") -> Latents:
        """What draws its image again."""
        labels = None if self.label is None else torch.tensor([self.label])
        noise = {name: picture.cpu() for name, picture in self.noise.items()}
        return Latents("w", self.w.detach().float().cpu(), labels, noise, model)


@dataclass(frozen=True)
class Cloud:
    """Where w of one class are: their mean ``(w_dim,)`` and spread, the root of their mean squared distance from it."""

    mean: Tensor
    spread: float

    @property
    def step(self) -> float:
        """The standard deviation of one number."""
        return self.spread / math.sqrt(len(self.mean))

    def strain(self, w: Tensor) -> Tensor:
        """How far each w ``(n, layers, w_dim)`` is outside of it, ``(n,)``; 0 inside."""
        away = (w - self.mean).square().sum(2) / self.spread**2
        return (away - 1).clamp_min(0).square().mean(1)


def refuse_without_w(manifold: Manifold) -> None:
    """Refuse a model without w.

    Raises:
        UsageError: naming the way that it has.
    """
    if not manifold.gan.has_w:
        raise UsageError(f"{manifold.name} has no w, as its generator draws from its noise at once: take --space z")


def refuse_without_noise(manifold: Manifold) -> None:
    """Refuse a model whose layers have no noise inputs.

    Raises:
        UsageError: with what to do.
    """
    if not noise_modules(manifold.G):
        raise UsageError(f"{manifold.name} has no noise inputs in its layers: leave --find-noise out")


@torch.no_grad()
def cloud_of(manifold: Manifold, label: int | None) -> Cloud:
    """The w of one class."""
    z = manifold.noise(MEAN_OF, 0)
    w = manifold.G.mapping(z, _labels(manifold, label, MEAN_OF))[:, 0].float()
    mean = w.mean(0)
    return Cloud(mean, max(float((w - mean).square().sum(1).mean().sqrt()), 1e-8))


def look_for_w(
    manifold: Manifold, near: Nearness, search: StyleSearch, label: int | None = None
) -> Iterator[tuple[StylePlace, str, int]]:
    """The places on the way, what is being done, and how often the generator was asked; the last place is the result.

    Args:
        manifold: the model.
        near: the distance from the photo.
        search: how long to look.
        label: the class; by default every class takes part and the best one is kept.

    Raises:
        UsageError: the model has no w, or no noise inputs where they are to be found.
    """
    refuse_without_w(manifold)
    if search.noise:
        refuse_without_noise(manifold)
    clouds = {one: cloud_of(manifold, one) for one in ([label] if label is not None else [*manifold.learned] or [None])}
    begun = starts(manifold, near, search, clouds)
    best, spent = begun[0], 0
    if len(begun) > 1:
        tried = []
        for number, start in enumerate(begun, 1):
            for place in descend(manifold, near, search, clouds, start, math.ceil(search.steps / 4)):
                yield place, f"start {number} of {len(begun)}, {start.kind}", spent + place.evaluations
                last = place
            tried.append(last)
            spent += last.evaluations
        best = min(tried, key=lambda place: place.loss)
    last = best
    for each, steps in stages(search):
        begin = replace(last, evaluations=0)
        for place in descend(manifold, near, search, clouds, begin, steps, each=each, noise=search.noise):
            yield place, f"{'each layer of ' if each else ''}w, from the {best.kind} start", spent + place.evaluations
            last = place
        spent += last.evaluations


def stages(search: StyleSearch) -> list[tuple[bool, int]]:
    """For each stage of the way from the best start: whether each layer has a w of its own, and its steps."""
    if search.space == "w":
        return [(False, search.steps)]
    half = math.ceil(search.steps / 2)
    return [(False, half), (True, max(1, search.steps - half))]


@torch.no_grad()
def starts(
    manifold: Manifold, near: Nearness, search: StyleSearch, clouds: Mapping[int | None, Cloud]
) -> list[StylePlace]:
    """Where to start: the mean of the class whose mean is nearest, then the nearest of many random images."""
    layers = manifold.G.mapping(manifold.noise(1, 0), _labels(manifold, None, 1)).shape[1]
    means = [(cloud.mean.expand(1, layers, -1), label, "mean") for label, cloud in clouds.items()]
    known = [*clouds]
    z = manifold.noise(max(search.draws, search.starts), search.seed)
    which = torch.arange(len(z)) % len(known)
    numbers = None if known == [None] else torch.tensor([int(str(one)) for one in known])[which]
    w = torch.cat([manifold.G.mapping(a, b) for a, b in _pieces(z, manifold.labels(numbers, len(z)))])
    drawn = [(w[row : row + 1], known[int(which[row])], "random") for row in range(len(w))]
    places = []
    for group, count in ((means, 1), (drawn, search.starts - 1)):
        rows = torch.cat([one[0] for one in group])
        losses = torch.cat([near(manifold.draw_w(piece)) for piece in rows.split(PIECE)])
        order = losses.argsort()[:count].tolist()
        places += [StylePlace(group[row][0].clone(), group[row][1], group[row][2], float(losses[row])) for row in order]
    return places


def descend(
    manifold: Manifold,
    near: Nearness,
    search: StyleSearch,
    clouds: Mapping[int | None, Cloud],
    start: StylePlace,
    steps: int,
    each: bool = False,
    noise: bool = False,
) -> Iterator[StylePlace]:
    """Go down from a start by Adam; yields the best place so far, the start first, then after every few steps.

    Args:
        manifold, near, search, clouds: as :func:`look_for_w` has them.
        start: where from.
        steps: of Adam.
        each: whether each layer gets a w of its own.
        noise: whether the noise inputs move, too.
    """
    cloud, layers = clouds[start.label], start.w.shape[1]
    w = (start.w if each else start.w[:, :1]).clone().requires_grad_(True)
    modules = noise_modules(manifold.G) if noise else {}
    maps = {
        name: start.noise.get(name, module.constant).clone().requires_grad_(True) for name, module in modules.items()
    }
    groups = [{"params": [w], "unit": RATE * cloud.step}, {"params": [*maps.values()], "unit": MAP_RATE}]
    optimizer = torch.optim.Adam(groups[: 1 + bool(maps)])
    rng = torch.Generator().manual_seed(search.seed)
    best = start
    yield best
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["unit"] * speed(step, steps)
        shaken = w + _shake(step, steps) * cloud.spread / math.sqrt(w.shape[2]) * torch.randn(
            w.shape, generator=rng
        ).to(w)
        loss = _objective(manifold, near, search, cloud, shaken.expand(-1, layers, -1), maps) + WHITE * whiteness(maps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        _normalise(maps)
        if (step + 1) % LOOK and step + 1 < steps:
            continue
        at = w.detach().expand(-1, layers, -1).clone()
        with torch.no_grad():
            found = float(_objective(manifold, near, search, cloud, at, maps))
        kept = {name: picture.detach().clone() for name, picture in maps.items()}
        asked = start.evaluations + step + 1 + (step + 1) // LOOK
        if found < best.loss:
            best = StylePlace(at, start.label, start.kind, found, asked, kept)
        best = replace(best, evaluations=asked)
        yield best


def speed(step: int, steps: int) -> float:
    """The share of the full speed at a step: it rises linearly, and falls as a cosine does."""
    done = (step + 1) / steps
    fall = min(1.0, (1 - step / steps) / FALL)
    return min(1.0, done / RISE) * (1 - math.cos(math.pi * fall)) / 2


def _shake(step: int, steps: int) -> float:
    return SHAKE * max(0.0, 1 - step / steps / CALM) ** 2


def _objective(
    manifold: Manifold, near: Nearness, search: StyleSearch, cloud: Cloud, w: Tensor, maps: Mapping[str, Tensor]
) -> Tensor:
    with noise_maps(manifold.G, maps):
        return (near(manifold.draw_w(w)) + search.prior * cloud.strain(w)).sum()


def whiteness(maps: Mapping[str, Tensor]) -> Tensor:
    """How much the neighbours in pictures of noise have to do with each other, at their size and at halves of it.

    Appendix D of arXiv 1912.04958: the squared mean products of each pixel and its right or lower neighbour.
    """
    total = torch.zeros(())
    for picture in maps.values():
        level = picture[None, None]
        while True:
            total = total.to(level) + sum((level * level.roll(1, side)).mean().square() for side in (2, 3))
            if min(level.shape[2:]) <= SMALLEST:
                break
            level = 2 * functional.avg_pool2d(level, 2)  # of white noise white again, of the same strength
    return total


@torch.no_grad()
def _normalise(maps: Mapping[str, Tensor]) -> None:
    """Bring pictures of noise back to mean 0 and standard deviation 1."""
    for picture in maps.values():
        picture.sub_(picture.mean()).mul_(picture.square().mean().rsqrt())


def _labels(manifold: Manifold, label: int | None, n: int) -> Tensor:
    return manifold.labels(None if label is None else torch.full((n,), label), n)


def _pieces(*columns: Tensor) -> Iterator[tuple[Tensor, ...]]:
    yield from zip(*(column.split(PIECE) for column in columns), strict=True)
