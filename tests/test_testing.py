"""``ganzoo.testing.check_component``: every built-in part passes, and what is wrong with a part is found."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.entry import Entry
from ganzoo.hookspecs import HOOKS
from ganzoo.registry import registry
from ganzoo.testing import check_component, plugin

CHECKED = [entry for entry in registry().entries() if entry.kind not in ("dataset", "metric")]


@pytest.mark.parametrize("entry", CHECKED, ids=lambda entry: entry.spelling)
def test_built_in_parts_pass(entry: Entry) -> None:
    check_component(entry.spelling)


def test_the_embedded_data_set_passes() -> None:
    check_component("dataset/digits")


def inline(kind: str, build: Any, **declarations: Any) -> Any:
    """A plugin with one part called ``wrong``."""

    @ganzoo.hookimpl
    def hook(register: ganzoo.Register) -> None:
        register("wrong", build, **declarations)

    return type("Hooks", (), {HOOKS[kind]: staticmethod(hook)})()


class UpsideDown:
    """Higher scores mean less real."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(real).mean() - critic(fake).mean()

    def g(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(fake).mean()


class NotScalar(UpsideDown):
    """A loss for each image."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(fake) - critic(real)


class Overflows:
    """Infinite at scores that happen."""

    def d(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return (critic(fake).exp() + (-critic(real)).exp()).mean()

    def g(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return (-critic(fake)).exp().mean()


class Negative:
    """A reward for steep critics."""

    def __init__(self, *, weight: float = 1.0, every: int = 1) -> None:
        self.weight, self.every = weight, every

    def __call__(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return -self.weight * critic(real).square().mean()


class Unweighted(Negative):
    """It forgets its weight."""

    def __call__(self, critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        return critic(real).square().mean()


class Deaf(nn.Module):
    """A norm that needs labels and does not listen to them."""

    def __init__(self, channels: int, y_dim: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class Shrinks(nn.Module):
    """An attention that loses pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:]


class BadMap(nn.Module):
    """An attention whose rows do not sum to one."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x

    def attention_map(self, x: Tensor) -> Tensor:
        return torch.ones(len(x), x.shape[2] * x.shape[3], 4)


def unlearnable(module: nn.Module) -> None:
    """Put the weight where no optimiser finds it."""
    weight = module.weight.detach().clone()
    del module.weight
    module.register_buffer("weight", weight)
    module.unused = nn.Parameter(torch.zeros(1))


class Undocumented:
    d = g = UpsideDown.g


@pytest.mark.parametrize(
    ("kind", "build", "declarations", "what"),
    [
        ("loss", UpsideDown, {}, "D's loss falls when the scores of real images rise"),
        ("loss", NotScalar, {}, "scalar"),
        ("loss", Overflows, {}, "finite"),
        ("loss", Undocumented, {}, "docstring"),
        ("penalty", Negative, {}, "at least 0"),
        ("penalty", Unweighted, {}, "twice the weight"),
        ("normalization", Deaf, {"requires": {"label"}}, "depends on y"),
        ("attention", Shrinks, {}, "keeps the shape"),
        ("attention", BadMap, {}, "sum to one"),
        ("weight", unlearnable, {}, "gets a gradient"),
    ],
)
def test_what_is_wrong_is_found(kind: str, build: Any, declarations: dict[str, Any], what: str) -> None:
    with plugin(inline(kind, build, **declarations)), pytest.raises(AssertionError) as caught:
        check_component("wrong")
    assert f"{kind}/wrong" in str(caught.value) and what in str(caught.value)


@pytest.mark.parametrize(
    ("declarations", "what"),
    [
        ({"implies": ("nothing-like-it",)}, "nothing-like-it"),
        ({"fallback": "nothing-like-it"}, "nothing-like-it"),
        ({"train": {"lr.gg": 1}}, "lr.g"),
        ({"train": {"lr.g": "fast"}}, "lr.g"),
    ],
)
def test_declarations_must_name_what_exists(declarations: dict[str, Any], what: str) -> None:
    with plugin(inline("loss", UpsideDown, **declarations)), pytest.raises(ganzoo.GanzooError, match=what):
        check_component("wrong")
