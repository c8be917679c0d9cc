"""Convolutions with kernel gradients as matrix products: the numbers of torch's, to any order, and no needless work."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.layers import conv
from ganzoo.losses.gradient import gradient

SHAPES = [(3, 1, 1, 6), (4, 2, 1, 8), (5, 1, 2, 5)]  # kernel, stride, padding, side


@pytest.fixture(autouse=True)
def everywhere(monkeypatch):
    """Use the products whatever the device and the sizes."""
    torch.manual_seed(0)
    monkeypatch.setattr(conv, "products_pay", lambda x, kernel, side: True)


def operands(size: int, side: int, dtype: torch.dtype, transposed: bool = False, maps: int = 6) -> list[Tensor]:
    x = torch.randn(3, 5 if transposed else maps, side, side, dtype=dtype).to(memory_format=torch.channels_last)
    kernel, bias = torch.randn(5, maps, size, size, dtype=dtype), torch.randn(5, dtype=dtype)
    return [t.requires_grad_() for t in (x, kernel, bias)]


def pairs(size: int, stride: int, padding: int):
    yield (
        False,
        lambda x, k, b: conv.conv2d(x, k, b, stride, padding),
        lambda x, k, b: F.conv2d(x, k, b, stride, padding),
    )
    yield (
        True,
        lambda x, k, b: conv.conv_transpose2d(x, k, stride, padding),
        lambda x, k, b: F.conv_transpose2d(x, k, None, stride, padding),
    )


@pytest.mark.parametrize(("size", "stride", "padding", "side"), SHAPES)
def test_values_and_gradients_are_torchs(size, stride, padding, side):
    for transposed, ours, theirs in pairs(size, stride, padding):
        x, kernel, bias = operands(size, side, torch.float32, transposed)
        wanted = (x, kernel) if transposed else (x, kernel, bias)
        a, b = ours(x, kernel, bias), theirs(x, kernel, bias)
        assert torch.equal(a, b)
        probe = torch.randn_like(a)
        for one, other in zip(
            torch.autograd.grad(a, wanted, probe), torch.autograd.grad(b, wanted, probe), strict=True
        ):
            assert one.shape == other.shape and (one - other).abs().max() < 1e-5 * (1 + other.abs().max())


@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize("maps", range(1, conv.THIN + 1))
def test_an_images_few_maps_are_torchs_too(maps: int, learns: bool, monkeypatch) -> None:
    monkeypatch.undo()
    for transposed, ours, theirs in pairs(4, 2, 1):
        x, kernel, bias = operands(4, 8, torch.float32, transposed, maps)
        kernel.requires_grad_(learns)
        wanted = (x, kernel) if learns else (x,)
        a, b = ours(x, kernel, bias), theirs(x, kernel, bias)
        assert a.shape == b.shape and (a - b).abs().max() < 1e-5 * (1 + b.abs().max())
        probe = torch.randn_like(a)
        for one, other in zip(
            torch.autograd.grad(a, wanted, probe), torch.autograd.grad(b, wanted, probe), strict=True
        ):
            assert one.shape == other.shape and (one - other).abs().max() < 1e-5 * (1 + other.abs().max())
    with torch.no_grad():
        x, kernel, bias = operands(4, 8, torch.float32, True, maps)
        wanted = F.conv_transpose2d(x, kernel, None, 2, 1)
        assert (conv.conv_transpose2d(x, kernel, 2, 1) - wanted).abs().max() < 1e-5 * (1 + wanted.abs().max())


@pytest.mark.parametrize("maps", [3, 6])
@pytest.mark.parametrize(("size", "stride", "padding", "side"), SHAPES[:2])
def test_second_derivatives_are_torchs(size, stride, padding, side, maps):
    for transposed, ours, theirs in pairs(size, stride, padding):
        x, kernel, bias = operands(size, side, torch.float64, transposed, maps)
        seconds = []
        for layer in (ours, theirs):
            out = layer(x, kernel, bias)
            weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
            first = torch.autograd.grad((out.square() * weight).sum(), (x, kernel), create_graph=True)
            penalty = first[0].pow(2).sum() + first[1].pow(3).sum()
            seconds.append(torch.autograd.grad(penalty, (x, kernel)))
        for one, other in zip(*seconds, strict=True):
            assert torch.allclose(one, other, rtol=1e-9, atol=1e-9)


def test_patches_in_several_pieces_give_the_same_gradient(monkeypatch):
    image, map = torch.randn(5, 6, 6, 6), torch.randn(5, 3, 6, 6)
    whole = conv.match(image, map, 3, 1, 1)
    monkeypatch.setattr(conv, "PATCHES", 1)
    assert torch.allclose(conv.match(image, map, 3, 1, 1), whole, atol=1e-5)


def test_a_gradient_penalty_lays_out_no_patches_until_its_own_backward(monkeypatch):
    calls: list[int] = []
    plain = conv.match
    monkeypatch.setattr(conv, "match", lambda *a: (calls.append(1), plain(*a))[1])
    first, second = conv.Conv2d(3, 6, 3, padding=1), conv.Conv2d(6, 4, 4, stride=2, padding=1)
    slope = gradient(lambda x: second(F.softplus(first(x))), torch.randn(2, 3, 6, 6))
    assert not calls
    slope.square().sum().backward()
    assert calls and first.weight.grad.abs().sum() > 0 and second.weight.grad.abs().sum() > 0


def test_without_learning_and_with_odd_borders_it_is_torchs_own(monkeypatch):
    monkeypatch.setattr(conv, "match", lambda *a: pytest.fail("patches were laid out"))
    frozen = conv.Conv2d(2, 3, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 2, 6, 6, requires_grad=True)
    frozen(x).sum().backward()
    odd = conv.Conv2d(2, 3, 4, stride=2, padding=1)  # 7 pixels leave a rest of 1
    odd(torch.randn(1, 2, 7, 7)).sum().backward()
    assert x.grad is not None and odd.weight.grad is not None


def test_autocast_is_followed():
    layer = conv.Conv2d(4, 5, 3, padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(torch.randn(2, 4, 4, 4))
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16 and layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("maps", [3, 6])
def test_a_backward_pass_under_autocast_is_in_the_arithmetic_of_its_forward_pass(maps: int) -> None:
    layer, x = conv.Conv2d(maps, 5, 4, stride=2, padding=1), torch.randn(2, maps, 8, 8, requires_grad=True)
    second = conv.Conv2d(5, 5, 4, stride=2, padding=1)
    scores = second(layer(x)).sum()
    with torch.autocast("cpu", torch.bfloat16):
        (slope,) = torch.autograd.grad(scores, x, create_graph=True)
        slope.square().sum().backward()
    (wanted,) = torch.autograd.grad(second(layer(x)).sum(), x)
    assert torch.equal(slope, wanted) and layer.weight.grad.dtype == torch.float32


def test_it_is_chosen_by_device_arithmetic_and_size(monkeypatch):
    monkeypatch.undo()
    wide, thin = torch.empty(64, 64, 4, 4), torch.empty(3, 64, 4, 4)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    single, half = torch.empty(1), torch.empty(1, dtype=torch.bfloat16)
    assert conv.products_pay(single, wide, 32) and not conv.products_pay(single, thin, 32)
    assert conv.products_pay(half, wide, 8) and not conv.products_pay(half, wide, 16)
    with torch.no_grad():
        assert not conv.products_pay(single, wide, 32)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert not conv.products_pay(single, wide, 32)
    assert not conv.products_pay(torch.empty(1, device="meta"), wide, 32)


@pytest.mark.parametrize("maps", [1, 3, conv.THIN])
@pytest.mark.parametrize("size", [(8, 8), (6, 10), (7, 8)])
@pytest.mark.parametrize("biased", [True, False])
def test_an_image_is_drawn_four_pixels_at_once_with_torchs_numbers(maps, size, biased):
    x = torch.randn(3, 20, *size).to(memory_format=torch.channels_last)
    layer = conv.Conv2d(20, maps, 3, padding=1, bias=biased)
    torch.nn.init.normal_(layer.weight)
    with torch.no_grad():
        assert conv.few(x, layer.weight, 1, 1) == (size[0] % 2 == 0)
        made = layer(x)
    expected = F.conv2d(x, layer.weight, layer.bias, padding=1)
    assert made.shape == expected.shape and (made - expected).abs().max() < 1e-5 * expected.abs().max()
    assert not conv.few(x, torch.zeros(conv.THIN + 1, 20, 3, 3), 1, 1)
