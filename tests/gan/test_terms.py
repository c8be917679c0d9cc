"""A part that misreads what it is given, or gives what is no term, is told so in one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ganzoo
from ganzoo import PluginError
from ganzoo.parts import Conditioning, Output
from ganzoo.testing import plugin


class Whole:
    """A loss whose two methods are functions of ``ctx``."""

    def __init__(self, compute: Any) -> None:
        self.compute = compute

    def discriminator(self, ctx: Any) -> Any:
        return self.compute(ctx)

    def generator(self, ctx: Any) -> Any:
        return self.compute(ctx)


class Simple:
    """A loss in the simple form."""

    def __init__(self, compute: Any) -> None:
        self.compute = compute

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Any:
        return self.compute(critic, fake)

    def g(self, critic: Any, real: Tensor, fake: Tensor) -> Any:
        return self.compute(critic, fake)


class Penalty:
    """A regularizer whose terms are a function of ``ctx``."""

    def __init__(self, compute: Any) -> None:
        self.compute = compute

    def terms(self, ctx: Any) -> Any:
        return self.compute(ctx)


class TwoHeads(torch.nn.Linear):
    """A score of features, and another of some of them."""

    def forward(self, features: Tensor, y: Tensor) -> Output:
        scores = super().forward(features.flatten(1))
        return Output((scores[:, 0], scores), features)


class Spread(Conditioning):
    """D ends in two heads."""

    def head(self, features: int, bias: bool) -> torch.nn.Module:
        return TwoHeads(features, 3, bias)


def unpacked(critic: Any, fake: Tensor) -> Tensor:
    first, second = critic(fake)
    return first.mean() - second.mean()


HEADS = "D has 2 heads, of which ctx.critic(x) and ctx.discriminate(x).scores give a tuple of tensors"
ORDINARY, TWO = "dcgan:ch=4", "dcgan:ch=4+spread@d"
ONE = "critic(x) gives it one tensor of scores, of shape (4,)"
WRONG = {
    "a tuple in arithmetic": (
        "loss",
        Whole,
        lambda ctx: (1 - ctx.critic(ctx.fake)).mean(),
        TWO,
        HEADS,
    ),
    "a tuple in torch": ("loss", Whole, lambda ctx: F.relu(ctx.critic(ctx.fake)).mean(), TWO, HEADS),
    "a tuple's method": ("loss", Whole, lambda ctx: ctx.critic(ctx.fake).mean(), TWO, HEADS),
    "one read as two": ("loss", Simple, unpacked, ORDINARY, ONE),
    "a tuple given": ("loss", Simple, lambda critic, x: (critic(x).mean(), 0.0), ORDINARY, "gives a tuple, where"),
    "nothing given": ("loss", Whole, lambda ctx: None, ORDINARY, "gives a NoneType, where a scalar"),
    "one an image": ("loss", Simple, lambda critic, x: critic(x), ORDINARY, "a tensor of shape (4,), where"),
    "a tuple in a term": (
        "regularizer",
        Penalty,
        lambda ctx: {"p": -ctx.critic(ctx.real)},
        TWO,
        HEADS,
    ),
    "a bare term": ("regularizer", Penalty, lambda ctx: ctx.real.mean(), ORDINARY, "gives a tensor of shape ()"),
    "a term an image": ("regularizer", Penalty, lambda ctx: {"p": ctx.critic(ctx.real)}, ORDINARY, "term 'p', a"),
}


@pytest.mark.parametrize(("kind", "form", "compute", "recipe", "said"), WRONG.values(), ids=WRONG)
def test_the_part_is_named_with_what_it_was_given(
    tmp_path: Path, kind: str, form: Any, compute: Any, recipe: str, said: str
) -> None:
    class Bringing:
        @ganzoo.hookimpl
        def register_losses(self, register: ganzoo.Register) -> None:
            register("odd", lambda: form(compute)) if kind == "loss" else None

        @ganzoo.hookimpl
        def register_regularizers(self, register: ganzoo.Register) -> None:
            register("odd", lambda: form(compute), family="odd") if kind == "regularizer" else None

        @ganzoo.hookimpl
        def register_conditionings(self, register: ganzoo.Register) -> None:
            register("spread", Spread)

    with plugin(Bringing(), "bringing"), pytest.raises(PluginError) as caught:
        ganzoo.train(f"{recipe}+odd", data="digits", out=tmp_path / "run", steps=1, batch=4, quiet=True)
    message = str(caught.value)
    assert message.startswith(f"{kind}/odd ") and said in message and "\n" not in message, message


def test_an_error_of_a_network_stays_what_it_is(tmp_path: Path) -> None:
    class Mistaken(TwoHeads):
        def forward(self, features: Tensor, y: Tensor) -> Output:
            raise TypeError("a mistake of its own")

    class Broken(Spread):
        def head(self, features: int, bias: bool) -> torch.nn.Module:
            return Mistaken(features, 3, bias)

    class Bringing:
        @ganzoo.hookimpl
        def register_conditionings(self, register: ganzoo.Register) -> None:
            register("broken", Broken)

    with plugin(Bringing(), "bringing"), pytest.raises(TypeError, match="a mistake of its own"):
        ganzoo.train("dcgan:ch=4+broken@d", data="digits", out=tmp_path / "run", steps=1, batch=4, quiet=True)
