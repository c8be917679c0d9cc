"""Norms that a context steers, against torch's own instance norm and plain loops."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.layers import AdaIN, NoiseInput, StyleNorm

SIZES = {"resolution": 16, "channels": 1}


def of_linear(norm: AdaIN | StyleNorm, c: Tensor) -> Tensor:
    """What an equalised linear layer makes of a context."""
    return c @ norm.style.weight.T / c.shape[1] ** 0.5 + norm.style.bias


def test_adain_is_instance_norm_in_a_style() -> None:
    norm, x, c = AdaIN(3, 5), 2 + 3 * torch.randn(4, 3, 6, 5), torch.randn(4, 5)
    torch.nn.init.normal_(norm.style.bias)
    scale, shift = of_linear(norm, c).split(3, 1)
    plain = F.instance_norm(x, eps=1e-8)
    torch.testing.assert_close(norm(x, c), plain * (1 + scale)[:, :, None, None] + shift[:, :, None, None])


def test_style_keeps_means_and_divides_by_deviations() -> None:
    norm, x, c = StyleNorm(3, 5), 2 + 3 * torch.randn(4, 3, 6, 5), torch.randn(4, 5)
    scale = 1 + of_linear(norm, c)
    made = norm(x, c)
    for image in range(4):
        for channel in range(3):
            plain = x[image, channel] / x[image, channel].std(correction=0)
            torch.testing.assert_close(made[image, channel], plain * scale[image, channel])


@pytest.mark.parametrize("kind", [AdaIN, StyleNorm])
def test_without_a_context_numbers_are_learnt(kind: type[AdaIN | StyleNorm]) -> None:
    norm, x = kind(3, 0), torch.randn(4, 3, 6, 5)
    norm(x, torch.zeros(4, 0)).square().sum().backward()
    assert [len(parameter.grad.flatten()) for parameter in norm.parameters()] == [6 if kind is AdaIN else 3]


@pytest.mark.parametrize("kind", [AdaIN, StyleNorm])
def test_what_has_no_pixels_is_refused(kind: type[AdaIN | StyleNorm]) -> None:
    with pytest.raises(UsageError, match="normalises maps over their pixels"):
        kind(3, 2)(torch.randn(4, 3), torch.randn(4, 2))


@pytest.mark.parametrize("name", ["adain", "style"])
@pytest.mark.parametrize("head", ["stylegan:ch=4,mapping=1", "biggan:ch=4", "dcgan:ch=4+selfmod"])
def test_every_architecture_with_a_context_takes_them(head: str, name: str) -> None:
    gan = ganzoo.build(f"{head}+{name}@g", **SIZES, classes=3)
    assert any(isinstance(module, (AdaIN, StyleNorm)) for module in gan.G.modules())
    images = gan.sample(3, seed=0)
    assert not torch.equal(images[0], images[1])


@pytest.mark.parametrize("name", ["adain", "style"])
def test_without_a_context_they_are_refused_by_name(name: str) -> None:
    with pytest.raises(ganzoo.RecipeError, match=f"{name} needs 'context'"):
        ganzoo.build(f"dcgan+{name}@g", **SIZES)


def test_noise_may_have_a_strength_for_each_map() -> None:
    layer, x = NoiseInput((4, 3), channels=2), torch.zeros(1, 2, 4, 3)
    with torch.no_grad():
        layer.strength.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1))
    made = layer.eval()(x)
    assert torch.equal(made[0, 1], -2 * made[0, 0]) and torch.equal(made[0, 0], layer.constant)
