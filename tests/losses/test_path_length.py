"""Path length against finite differences, its mean, and where it stands."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.gan.kit import Kit
from ganzoo.gan.style import StyleGenerator
from ganzoo.layers import MappingNetwork
from ganzoo.losses.regularizers.pl import LatentPathLength, PathLength
from ganzoo.parts import TurnContext
from ganzoo.parts.update import Update
from ganzoo.testing.tiny import tiny

Z, W, LAYERS, B, SIDE = 4, 3, 2, 6, 5


class Waves(torch.nn.Module):
    """Images that are no linear function of w: sines of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (torch.nn.Linear(W, SIDE * SIDE) for _ in range(LAYERS))

    def forward(self, w: Tensor) -> Tensor:
        return (self.first(w[:, 0]).sin() * self.second(w[:, 1]).cos()).reshape(-1, 1, SIDE, SIDE)


def context() -> TurnContext:
    torch.manual_seed(0)
    kit = Kit("g", SIDE, 1, 0, Z)
    style = MappingNetwork(Z, 0, W, 2, speed=1.0)
    g = StyleGenerator(kit, style, Waves(), layers=LAYERS, w_dim=W).double().train()
    z, y = torch.randn(B, Z, dtype=torch.float64), torch.zeros(B, 0, dtype=torch.float64)
    real = torch.zeros(B, 1, SIDE, SIDE)
    common = {"batch": {}, "real": real, "z": z, "y_real": y, "y_fake": y}
    return TurnContext(Update(0, "g"), lambda *given: None, g, networks={"G": g}, **common)


def expected(ctx: TurnContext, space: str, direction: Tensor) -> Tensor:
    """Lengths of the images of every other row in w, of every row in z, by central differences."""
    g = ctx.networks["G"]
    step, lengths = 1e-5, []
    for row, z in enumerate(ctx.z[::2] if space == "w" else ctx.z):
        start = g.mapping(z[None], ctx.y_fake[:1]).detach().contiguous() if space == "w" else z[None]
        make = g.synthesis if space == "w" else lambda z: g(z, ctx.y_fake[:1])
        total = 0.0
        for place in range(start.numel()):
            moved = torch.zeros_like(start).view(-1)
            moved[place] = step
            moved = moved.view_as(start)
            slope = ((make(start + moved) - make(start - moved)) * direction[row]).sum() / (2 * step) / SIDE
            total += slope.item() ** 2
        lengths.append(math.sqrt(total / (LAYERS if space == "w" else 1)))
    return torch.tensor(lengths, dtype=torch.float64)


@pytest.mark.parametrize(("kind", "space"), [(PathLength, "w"), (LatentPathLength, "z")])
def test_lengths_are_those_of_finite_differences(kind: type, space: str) -> None:
    ctx, part = context(), kind(decay=0.9)
    torch.manual_seed(7)
    direction = torch.randn(B // 2 if space == "w" else B, 1, SIDE, SIDE).double()
    torch.manual_seed(7)
    (term,) = part.terms(ctx).values()
    with torch.no_grad():
        lengths = expected(ctx, space, direction)
    mean = 0.1 * lengths.mean()
    assert part.mean.item() == pytest.approx(mean.item(), rel=1e-5), "this update's are in it first"
    assert term.item() == pytest.approx(2 * (lengths - mean).square().mean().item(), rel=1e-4)
    assert ctx.at.reports[part.name].item() == pytest.approx(lengths.mean().item(), rel=1e-5)


def test_no_gradient_goes_through_the_mean_and_all_goes_to_g() -> None:
    ctx, part = context(), PathLength(decay=0.0)
    weight = ctx.networks["G"].trunk.first.weight
    torch.manual_seed(7)
    part.terms(ctx)["pl"].backward()
    slope = weight.grad.clone()

    def term() -> float:
        other = copy.deepcopy(part)
        other.decay = 1.0  # the mean stays what it became
        torch.manual_seed(7)
        return other.terms(ctx)["pl"].item()

    step = 1e-6
    with torch.no_grad():
        weight[0, 0] += step
        above = term()
        weight[0, 0] -= 2 * step
        below = term()
    assert slope[0, 0].item() == pytest.approx((above - below) / (2 * step), rel=1e-3)
    assert ctx.z.grad is None


def test_it_acts_by_steps_of_its_own_and_its_mean_is_resumed() -> None:
    made = tiny("stylegan2+pl:every=2")
    trainer = made.trainer()
    for _ in range(3):
        trainer.train_step(made.batches(trainer))
    report = trainer.report()
    assert report["losses"]["g/pl"] > 0 and report["reports"]["g/pl"] > 0
    part = next(part for part in trainer.gan.regularizers if isinstance(part, PathLength))
    assert part.mean > 0 and "gan/part_pl.mean" in trainer.tensors()
    assert trainer.lazy["g"] == pytest.approx(2 / 3)


def test_it_needs_w_and_the_other_any_noise() -> None:
    with pytest.raises(ganzoo.UsageError, match="pl needs 'w' \\(from stylegan, stylegan2"):
        ganzoo.build("dcgan+pl")
    gan = ganzoo.build("dcgan+pl-z", 16, 1)
    assert any(isinstance(part, LatentPathLength) for part in gan.regularizers)
    with pytest.raises(ganzoo.UsageError, match="decay"):
        PathLength(decay=1.5)
