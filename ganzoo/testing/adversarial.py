"""Checks of losses and regularizers, against critics small enough to need no network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.parts.complete import complete
from ganzoo.parts.context import TurnContext
from ganzoo.parts.loss import Loss
from ganzoo.parts.output import Output
from ganzoo.parts.penalty import of_penalty
from ganzoo.parts.regularizer import Regularizer
from ganzoo.parts.update import Update
from ganzoo.registry.entry import Entry
from ganzoo.testing import whole
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect, expect_scalar
from ganzoo.testing.tiny import subject

BATCH = 6
PENALTIES = ("gradient", "scores")  # families of what can be tried on a critic without networks


def check_loss(entry: Entry) -> None:
    """Finite scalars of finite gradient, for one score an image and for several, at scores of any size."""
    for options in variants(entry):
        loss = _simple(entry, options)
        if loss is None:
            continue
        for side, patches, size in itertools.product(("d", "g"), ((), (3,)), (1.0, 100.0)):
            _slopes(entry, getattr(loss, side), side, size, patches)
        _check_after(entry, loss)


def check_loss_teaches(entry: Entry) -> None:
    """Gradients reach the scores, and say that higher scores mean more real."""
    for options in variants(entry):
        loss = _simple(entry, options)
        if loss is None:
            continue
        for patches in ((), (3,)):
            d_real, d_fake = _slopes(entry, loss.d, "d", 1.0, patches)
            _, g_fake = _slopes(entry, loss.g, "g", -1.0, patches)
            expect(d_real < 0, entry, f"D's loss falls when the scores of real images rise (with {options})")
            expect(d_fake > 0, entry, f"D's loss falls when the scores of fakes fall (with {options})")
            expect(g_fake < 0, entry, f"G's loss falls when the scores of fakes rise (with {options})")


def _simple(entry: Entry, options: dict[str, Any]) -> Loss | None:
    """The loss; None if it is not in the simple form, since then it may look at more than scores."""
    loss: Loss = complete(entry.load()(**options), Loss, entry.name)
    return None if type(loss).d is Loss.d or type(loss).g is Loss.g else loss


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


def check_regularizer(entry: Entry) -> None:
    """What acts in turns is a finite scalar; a penalty of scores or gradients is at least 0, and has a weight."""
    made = subject(entry)
    for turn in made.build().turns():
        for name, term in turn.loss(made.batch(), 0).items():
            expect_scalar(term, entry, f"the term {name} of turn {turn.name}")
    if _is_penalty(entry):
        _check_penalty(entry)


def check_regularizer_learns(entry: Entry) -> None:
    """Every parameter of its own and of the networks gets a finite gradient; that of a penalty reaches D."""
    whole.check_reach(entry)
    if _is_penalty(entry):
        _check_penalty_learns(entry)


def _is_penalty(entry: Entry) -> bool:
    return entry.form == "penalty" or entry.family in PENALTIES


def _check_penalty(entry: Entry) -> None:
    for options in variants(entry):
        value, _ = _penalty(entry, options)
        expect_scalar(value, entry, "the penalty")
        expect(value >= 0, entry, f"the penalty is at least 0, not {value}")
    for name in {"weight", "gamma"} & entry.options().keys():
        factor = entry.options()[name].default
        once, twice = (_penalty(entry, {name: factor * times})[0].item() for times in (1, 2))
        expect(abs(twice - 2 * once) <= 1e-3 * abs(twice), entry, f"twice the {name} is twice the penalty")


def _check_penalty_learns(entry: Entry) -> None:
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
    made: Regularizer = of_penalty(part, entry.name) if entry.form else complete(part, Regularizer, entry.name)
    terms = made.terms(sample_context("d", lambda x: net(x).squeeze(1)))
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
