"""Checks of losses and penalties, against critics small enough to need no network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.parts.context import TurnContext
from ganzoo.parts.output import Output
from ganzoo.parts.penalty import of_penalty
from ganzoo.parts.update import Update
from ganzoo.registry.entry import Entry
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect, expect_scalar

BATCH = 6


def check_loss(entry: Entry) -> None:
    """Finite scalars of finite gradient, for one score an image and for several, at scores of any size."""
    for options in variants(entry):
        loss = entry.load()(**options)
        for side, patches, size in itertools.product(("d", "g"), ((), (3,)), (1.0, 100.0)):
            _slopes(entry, getattr(loss, side), side, size, patches)
        if hasattr(loss, "after"):
            _check_after(entry, loss)


def check_loss_teaches(entry: Entry) -> None:
    """Gradients reach the scores, and say that higher scores mean more real."""
    for options in variants(entry):
        loss = entry.load()(**options)
        for patches in ((), (3,)):
            d_real, d_fake = _slopes(entry, loss.d, "d", 1.0, patches)
            _, g_fake = _slopes(entry, loss.g, "g", -1.0, patches)
            expect(d_real < 0, entry, f"D's loss falls when the scores of real images rise (with {options})")
            expect(d_fake > 0, entry, f"D's loss falls when the scores of fakes fall (with {options})")
            expect(g_fake < 0, entry, f"G's loss falls when the scores of fakes rise (with {options})")


def _slopes(
    entry: Entry, turn: Callable[..., Tensor], side: str, size: float, patches: tuple[int, ...]
) -> tuple[float, float]:
    """Mean slopes of a loss in the scores of real and fake images: D gets all wrong, or right if ``size`` is < 0."""
    spread = torch.linspace(0.2, 0.9, BATCH).reshape(BATCH, *[1] * len(patches)).expand(BATCH, *patches)
    real, fake = (-size * spread).clone().requires_grad_(), (size * spread).clone().requires_grad_()
    value = turn(_scores, real, fake)
    expect_scalar(value, entry, f"{side}(critic, real, fake)")
    slopes = torch.autograd.grad(value, (real, fake), allow_unused=True)
    for slope in slopes:
        expect(
            slope is None or torch.isfinite(slope).all(),
            entry,
            f"the gradient of {side} is finite at scores of ±{abs(size)}",
        )
    real_slope, fake_slope = (0.0 if slope is None else slope.mean().item() for slope in slopes)
    return real_slope, fake_slope


def _scores(x: Tensor) -> Tensor:
    """A critic whose images are their own scores."""
    return x


def _check_after(entry: Entry, loss: Any) -> None:
    net = nn.Linear(4, 4)
    loss.after(net)
    finite = all(torch.isfinite(parameter).all() for parameter in net.parameters())
    expect(finite, entry, "after(net) leaves the parameters finite")


def check_penalty(entry: Entry) -> None:
    """A finite scalar from 0 up, that its weight multiplies."""
    for options in variants(entry):
        value, _ = _penalty(entry, options)
        expect_scalar(value, entry, "the penalty")
        expect(value >= 0, entry, f"the penalty is at least 0, not {value}")
    for name in {"weight", "gamma"} & entry.options().keys():
        factor = entry.options()[name].default
        once, twice = (_penalty(entry, {name: factor * times})[0].item() for times in (1, 2))
        expect(abs(twice - 2 * once) <= 1e-3 * abs(twice), entry, f"twice the {name} is twice the penalty")


def check_penalty_learns(entry: Entry) -> None:
    """Its gradient reaches D's parameters, and is finite."""
    for options in variants(entry):
        value, net = _penalty(entry, options)
        expect_scalar(value, entry, "the penalty")
        value.backward()
        slopes = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
        expect(any(slope.any() for slope in slopes), entry, "the penalty's gradient reaches D's parameters")
        expect(all(torch.isfinite(slope).all() for slope in slopes), entry, "the penalty's gradient is finite")


def _penalty(entry: Entry, options: dict[str, Any]) -> tuple[Tensor, nn.Module]:
    part = entry.load()(**options)
    every = getattr(part, "every", None)
    expect(isinstance(every, int) and every >= 1, entry, f"has an attribute every, a whole number, not {every!r}")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 16), nn.Softplus(), nn.Linear(16, 1, bias=False))
    terms = of_penalty(part, entry.name).terms(sample_context("d", lambda x: net(x).squeeze(1)))
    return sum(terms.values(), torch.zeros(())), net


def sample_context(side: str, scores: Callable[[Tensor], Tensor]) -> TurnContext:
    """An update with small random images under a critic that scores them so."""

    def discriminate(ctx: TurnContext, x: Tensor, precisely: bool, conditions: Mapping[str, Tensor]) -> Output:
        return Output(scores(x), x.flatten(1))

    def generate(z: Tensor, y: Tensor) -> Tensor:
        return z.reshape(-1, 3, 8, 8).tanh()

    y, z = torch.zeros(BATCH, 0), torch.randn(BATCH, 3 * 8 * 8)
    real = torch.rand(BATCH, 3, 8, 8) * 2 - 1
    ctx = TurnContext(
        Update(0, side),
        discriminate,
        generate,
        batch={"image": real},
        real=real,
        z=z,
        y_real=y,
        y_fake=y,
        networks={},
    )
    ctx.fake = generate(z, y)
    return ctx
