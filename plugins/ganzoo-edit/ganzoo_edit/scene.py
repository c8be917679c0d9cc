"""What stands on the canvas at one moment, and how it goes on from there: values that undo can return to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzoo.data import derive
from ganzoo_edit.constraints import Constraints, Strokes
from ganzoo_edit.manifold import Manifold

STEPS = 60  # of Adam for a stroke
RATE, BETAS = 0.06, (0.9, 0.99)
SPREAD = 0.8  # of the way to another image that the last candidate starts from
SMOOTH, PRIOR = 0.005, 0.1  # what it costs to leave the picture drawn on, and the prior


@dataclass(frozen=True)
class Scene:
    """Candidates side by side, one of them chosen.

    Attributes:
        z: ``(K, z_dim)``.
        label: number of the class, None for a model without classes.
        chosen: row of ``z`` that is shown large.
        origin: ``(1, z_dim)``: what the slider goes back to.
        anchor: ``(1, z_dim)``: the picture that the strokes were drawn on.
        layers: the strokes as the page sent them, for the page alone.
        strokes: the same, as a loss needs them; None while nothing is drawn.
        hold: how much of the picture outside of the strokes is held fast.
    """

    z: Tensor
    label: int | None
    chosen: int
    origin: Tensor
    anchor: Tensor
    layers: dict[str, str]
    strokes: Strokes | None = None
    hold: float = 0.3

    @property
    def row(self) -> Tensor:
        """The chosen noise ``(1, z_dim)``."""
        return self.z[self.chosen : self.chosen + 1]

    def labels(self, manifold: Manifold, n: int) -> Tensor:
        """Label vectors ``(n, classes)`` of its class."""
        return manifold.labels(None if self.label is None else torch.full((n,), self.label), n)

    def blended(self, manifold: Manifold, t: float) -> Tensor:
        """The noise ``(1, z_dim)`` that is ``t`` of the way from the original to the chosen one."""
        return self.row if t == 1 else manifold.between(self.origin, self.row, t)

    def choose(self, row: int) -> Scene:
        """Another candidate; while nothing is drawn, it is what will be drawn on."""
        scene = replace(self, chosen=row)
        return scene if self.strokes else replace(scene, origin=scene.row, anchor=scene.row)

    def settle(self) -> Scene:
        """The chosen picture without its strokes: what is drawn next starts from here."""
        return replace(self, anchor=self.row, strokes=None, layers={})


def fresh(manifold: Manifold, count: int, seed: int, label: int | None, hold: float = 0.3) -> Scene:
    """Random images to choose from; the first is chosen."""
    z = manifold.noise(count, seed)
    return Scene(z, label, 0, z[:1], z[:1], {}, hold=hold)


def at(manifold: Manifold, z: Tensor, label: int | None, count: int, seed: int, hold: float = 0.3) -> Scene:
    """An image that was found, and random ones of its class beside it."""
    others = manifold.noise(count - 1, seed) if count > 1 else z[:0]
    return Scene(torch.cat([z, others]), label, 0, z, z, {}, hold=hold)


def draw_on(scene: Scene, manifold: Manifold, strokes: Strokes, layers: dict[str, str], seed: int) -> Scene:
    """The scene with strokes; with the first of them the candidates gather around the chosen picture."""
    if scene.strokes is not None:
        return replace(scene, strokes=strokes, layers=layers)
    others = manifold.noise(len(scene.z) - 1, derive(seed, 1)) if len(scene.z) > 1 else scene.z[:0]
    away = [manifold.between(scene.row, other[None], SPREAD * (k + 1) / len(others)) for k, other in enumerate(others)]
    z = torch.cat([scene.row, *away])
    return replace(scene, z=z, chosen=0, anchor=scene.row, strokes=strokes, layers=layers)


@dataclass(frozen=True)
class Seen:
    """Candidates on their way: noise ``(K, z_dim)``, their images ``(K, C, R, R)`` in [0, 1], the best loss."""

    z: Tensor
    images: Tensor
    loss: float


def follow_strokes(scene: Scene, manifold: Manifold, steps: int = STEPS) -> Iterator[Seen]:
    """Move every candidate toward what was drawn, by Adam."""
    if scene.strokes is None or not scene.strokes.wanted:
        return
    before = manifold.look(scene.anchor, scene.labels(manifold, 1))[0]
    constraints = Constraints(scene.strokes, before, scene.hold)
    y = scene.labels(manifold, len(scene.z))
    free = manifold.free(scene.z).requires_grad_(True)
    optimizer = torch.optim.Adam([free], RATE, BETAS)
    for _ in range(steps):
        z = manifold.bound(free)
        images = manifold.draw(z, y)
        losses = constraints(images) + PRIOR * manifold.strain(z) + SMOOTH * (z - scene.anchor).square().mean(1)
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        yield Seen(z.detach().clone(), images.detach().clamp(0, 1), float(losses.detach().min()))
        optimizer.step()
