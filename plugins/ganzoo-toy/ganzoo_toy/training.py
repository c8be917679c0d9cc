"""The zoo's losses and penalties at work where everything can be seen, on ganzoo's own loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

import ganzoo
from ganzoo import RecipeError, UsageError
from ganzoo_toy.mixtures import Found, Mixture, found

COUNTED = 2500  # points that modes are counted in
SHOWN = 1000  # points in a picture


def recipe_of(head: str, text: str) -> str:
    """``text`` as a whole recipe: parts alone, such as ``wgan+gp``, stand behind ``head``."""
    return text if text.split("+")[0].split(":")[0] == head else f"{head}+{text}" if text else head


def _build(head: str, text: str, channels: int, z_dim: int, settings: Mapping[str, object] | None) -> ganzoo.GAN:
    gan = ganzoo.build(recipe_of(head, text), 1, channels, 0, z_dim, settings)
    if gan.plan.head.name != head:
        raise RecipeError(f"ganzoo toy trains {head} here; {text} is of {gan.plan.head.name}: name parts only")
    return gan


# --- mixtures -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A mixture's training at one step.

    Attributes:
        step: rounds taken.
        points: ``(SHOWN, 2)`` that G makes of fixed noise.
        found: modes among more of them.
    """

    step: int
    points: Tensor
    found: Found


@dataclass
class Lesson:
    """A GAN that learns a mixture, and what it has shown so far."""

    gan: ganzoo.GAN
    mixture: Mixture
    looks: list[Look] = field(default_factory=list)


def learn(
    recipe: str,
    mixture: Mixture,
    steps: int = 4000,
    *,
    looks: int = 40,
    seed: int = 0,
    settings: Mapping[str, object] | None = None,
    progress: Callable[[Look], None] = lambda look: None,
) -> Lesson:
    """Train ``points`` with the parts of ``recipe`` on a mixture.

    Args:
        recipe: parts such as ``wgan+gp``, or all of it, ``points+wgan+gp``.
        mixture: to be learned.
        steps: rounds.
        looks: how often to look, besides at the start.
        seed: of everything drawn.
        settings: as ``--set`` takes them; the batch is 256 unless one says otherwise.
        progress: called with every look.

    Raises:
        UsageError: for a recipe that does not resolve, or fewer than one step.
        RunError: a loss diverged; the text names it.
    """
    if steps < 1 or looks < 1:
        raise UsageError("a lesson takes at least one step and one look")
    torch.manual_seed(seed)
    gan = _build("points", recipe, 2, 16, {"batch": 256, **(settings or {})})
    trainer = ganzoo.Trainer(gan, seed, steps)
    lesson = Lesson(gan, mixture)
    batches = _batches(mixture, int(gan.plan["batch"]), seed)
    due = {round(k * steps / looks) for k in range(looks + 1)}
    for step in range(steps + 1):
        if step in due:
            lesson.looks.append(look(gan, mixture, step, seed))
            progress(lesson.looks[-1])
        if step < steps:
            trainer.train_step([next(batches) for _ in range(trainer.batches_per_step)])
    return lesson


def _batches(mixture: Mixture, size: int, seed: int) -> Iterator[ganzoo.Batch]:
    rng = torch.Generator().manual_seed(seed)
    while True:
        yield {"image": mixture.draw(size, rng)[:, :, None, None]}


@torch.no_grad()
def look(gan: ganzoo.GAN, mixture: Mixture, step: int, seed: int) -> Look:
    """What G makes of fixed noise now."""
    z, y = gan.noise(COUNTED, seed), torch.zeros(COUNTED, 0)
    gan.G.eval()
    points = gan.G(z, y).flatten(1)
    gan.G.train()
    return Look(step, points[:SHOWN].clone(), found(mixture, points))


def scores(gan: ganzoo.GAN, places: Tensor) -> tuple[Tensor, Tensor]:
    """What D thinks of places ``(n, 2)``: scores ``(n,)``, and their slopes ``(n, 2)``, which G follows."""
    x = places[:, :, None, None].clone().requires_grad_(True)
    gan.D.eval()
    output = gan.D(x, torch.zeros(len(x), 0)).scores.reshape(len(x), -1).mean(1)
    (slopes,) = torch.autograd.grad(output.sum(), x)
    gan.D.train()
    return output.detach(), slopes.flatten(1)


# --- Dirac-GAN ------------------------------------------------------------------------------------------------


class Dirac:
    """Dirac-GAN under a recipe: its field of directions, and the path that the loop takes through it.

    Args:
        recipe: parts such as ``wgan+gp`` or ``hinge+r1:gamma=1``.
        start: θ and ψ.
        settings: as ``--set`` takes them.
    """

    def __init__(
        self, recipe: str, start: tuple[float, float] = (1.0, 1.0), settings: Mapping[str, object] | None = None
    ) -> None:
        self.gan = _build("dirac", recipe, 1, 1, {"batch": 2, "repeat.d": 1, **(settings or {})})
        self.parameters = {"g": next(self.gan.G.parameters()), "d": next(self.gan.D.parameters())}
        self.batch = {"image": torch.zeros(int(self.gan.plan["batch"]), 1, 1, 1)}
        self.move(*start)

    @torch.no_grad()
    def move(self, theta: float, psi: float) -> None:
        """Put G at ``theta`` and D at ``psi``."""
        self.parameters["g"].fill_(theta)
        self.parameters["d"].fill_(psi)

    def place(self) -> tuple[float, float]:
        """Where G and D are."""
        return float(self.parameters["g"].detach()), float(self.parameters["d"].detach())

    def direction(self, theta: float, psi: float) -> tuple[float, float]:
        """Where both want to go from a place: minus the gradients of their turns."""
        self.move(theta, psi)
        slopes = dict.fromkeys(self.parameters, 0.0)
        for turn in self.gan.turns():
            loss = torch.stack(list(turn.loss(self.batch, 0).values())).sum()
            (slope,) = torch.autograd.grad(loss, self.parameters[turn.player], allow_unused=True)
            slopes[turn.player] -= 0.0 if slope is None else float(slope)
        return slopes["g"], slopes["d"]

    def path(self, steps: int, seed: int = 0) -> Tensor:
        """The places ``(steps + 1, 2)`` that ganzoo's loop comes through from here."""
        trainer = ganzoo.Trainer(self.gan, seed, steps)
        places = [self.place()]
        for _ in range(steps):
            trainer.train_step([self.batch] * trainer.batches_per_step)
            places.append(self.place())
        return torch.tensor(places)
