"""The layers of style-based networks against plain forms: loops over images, and scipy's own resampling."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.signal import upfirdn
from torch import Tensor, nn

from ganzoo.distributed.batch import Piece, World, enter_piece, use_world, whole_batch
from ganzoo.layers import (
    DemodulatedConv2d,
    DemodulatedUpConv2d,
    EqualizedConv2d,
    EqualizedLinear,
    Filtered,
    FilteredDown,
    FilteredUp,
    ModulatedConv2d,
    NoiseInput,
    equalize_scores,
    scaled_leaky_relu,
    upfirdn2d,
)
from ganzoo.parts import LinearHead


def along_both(row: Tensor, x: Tensor, up: int, down: int) -> Tensor:
    for axis in (2, 3):
        x = torch.from_numpy(upfirdn(row.numpy(), x.numpy(), up, down, axis=axis))
    return x


@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (4, 1), (3, 2), (2, 4)])
@pytest.mark.parametrize("taps", [4, 5, 1])
def test_resampling_is_scipys(up: int, down: int, taps: int) -> None:
    x, row = torch.randn(2, 3, 7, 5, dtype=torch.float64), torch.randn(taps, dtype=torch.float64)
    padding = (taps - 1, taps - up) * 2  # what scipy sees: nothing behind the last pixel
    made = upfirdn2d(x, torch.outer(row, row), up=up, down=down, padding=padding)
    assert torch.allclose(made, along_both(row, x, up, down))
    apart = upfirdn2d(x, row[:, None], up=1, padding=(0, 0, 2, 3))
    apart = upfirdn2d(apart, row[None], up=1, padding=(2, 3, 0, 0))
    assert torch.allclose(apart, upfirdn2d(x, torch.outer(row, row), padding=(2, 3, 2, 3)))


@pytest.mark.parametrize("padding", [(2, 1, 2, 1), (0, 3, -1, 2), (-2, -1, 0, 0)])
@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (2, 2), (1, 3)])
def test_padding_stands_around_the_zeros(padding: tuple[int, int, int, int], up: int, down: int) -> None:
    x, kernel = torch.randn(1, 2, 6, 8, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    wide = torch.zeros(1, 2, 6 * up, 8 * up, dtype=torch.float64)
    wide[:, :, ::up, ::up] = x
    plain = F.conv2d(F.pad(wide, padding), kernel.flip(0, 1).expand(2, 1, 3, 4), groups=2)[:, :, ::down, ::down]
    assert torch.allclose(upfirdn2d(x, kernel, up=up, down=down, padding=padding), plain)


@pytest.mark.parametrize(("weights", "factor"), [((1, 3, 3, 1), 2), ((1, 2, 1), 3), ((1, 4, 6, 6, 4, 1), 4)])
def test_modules_of_resampling_are_the_function(weights: tuple[float, ...], factor: int) -> None:
    x, row = torch.randn(2, 2, 12, 12), torch.tensor(weights) / sum(weights)
    kernel, rest = torch.outer(row, row), len(weights) - factor
    before, after = len(weights) - 1 - rest // 2, len(weights) - factor - rest // 2
    doubled = upfirdn2d(x, factor**2 * kernel, up=factor, padding=(before, after) * 2)
    assert torch.allclose(FilteredUp(weights, factor)(x), doubled, atol=1e-6)
    halved = upfirdn2d(x, kernel, down=factor, padding=(rest // 2,) * 4)
    assert torch.allclose(FilteredDown(weights, factor)(x), halved, atol=1e-6)
    assert torch.allclose(Filtered(weights, 1, 3.0)(x), upfirdn2d(x, 3 * kernel, padding=(1,) * 4), atol=1e-6)


def loop(layer: ModulatedConv2d, x: Tensor, w: Tensor, demodulate: bool) -> Tensor:
    """Each image by itself, with the kernel that its style makes."""
    images = []
    for image, style in zip(x, w, strict=True):
        s = layer.affine.weight @ style / math.sqrt(len(style)) + layer.affine.bias
        kernel = layer.weight * s[None, :, None, None]
        if demodulate:
            kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        else:
            kernel = kernel / math.sqrt(kernel[0].numel())
        images.append(F.conv2d(image[None], kernel, padding=kernel.shape[-1] // 2))
    return torch.cat(images)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("kind", "demodulate"), [(ModulatedConv2d, False), (DemodulatedConv2d, True)])
def test_modulated_convolutions_are_a_loop_over_images(kind: type, demodulate: bool, size: int) -> None:
    torch.manual_seed(0)
    layer = kind(6, 4, size, 5).double()
    x, w = (torch.randn(3, *shape, dtype=torch.float64, requires_grad=True) for shape in ((6, 7, 7), (5,)))
    made, plain = layer(x, w), loop(layer, x, w, demodulate)
    assert torch.allclose(made, plain, rtol=1e-6)  # but for ε, which ours adds once styles are scaled
    weights = torch.randn_like(made)
    inputs = (x, w, *layer.parameters())
    for one, other in zip(*(torch.autograd.grad((y * weights).sum(), inputs) for y in (made, plain)), strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_grouped_convolution_gives_the_same() -> None:
    layer, x, w = DemodulatedConv2d(4, 6, 3, 5), torch.randn(2, 4, 8, 8), torch.randn(2, 5)
    kernels = layer.weight[None] * layer.style(w)[:, None, :, None, None]
    kernels = kernels * kernels.square().sum((2, 3, 4), keepdim=True).rsqrt()
    grouped = F.conv2d(x.reshape(1, 8, 8, 8), kernels.reshape(12, 4, 3, 3), padding=1, groups=2)
    assert torch.allclose(layer(x, w), grouped.reshape(2, 6, 8, 8), atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_doubling_one_is_zeros_the_convolution_and_a_filter(size: int) -> None:
    layer = DemodulatedUpConv2d(3, 4, size, 5)
    plain, x, w = DemodulatedConv2d(3, 4, size, 5), torch.randn(2, 3, 8, 8), torch.randn(2, 5)
    plain.load_state_dict({k: v for k, v in layer.state_dict().items() if not k.startswith("smooth")})
    made, smooth = layer(x, w), plain(FilteredUp()(x), w)
    assert made.shape == (2, 4, 16, 16)
    inner = (..., slice(4, -4), slice(4, -4))
    assert torch.allclose(made[inner], smooth[inner], atol=1e-5)


def test_demodulated_maps_keep_their_variance_and_scales_of_styles_do_not_matter() -> None:
    torch.manual_seed(0)
    layer, x, w = DemodulatedConv2d(64, 64, 3, 8), torch.randn(4, 64, 16, 16), torch.randn(4, 8)
    assert layer(x, w)[..., 1:-1, 1:-1].var().item() == pytest.approx(1, abs=0.1)
    nn.init.zeros_(layer.affine.bias)
    assert torch.allclose(layer(x, w), layer(x, 1000 * w), atol=1e-4)
    assert layer.half()(x.half(), 1000 * w.half()).isfinite().all()
    nn.init.zeros_(layer.affine.weight)
    assert torch.equal(layer(x.half(), w.half()), torch.zeros_like(x).half()), "a style of zeros, not NaN"


def test_equalised_layers_scale_at_run_time() -> None:
    torch.manual_seed(0)
    conv, linear = EqualizedConv2d(16, 8, 3, speed=0.01), EqualizedLinear(16, 8, speed=0.01, start=1.0)
    x = torch.randn(2, 16, 9, 9)
    assert conv.weight.std().item() == pytest.approx(100, rel=0.1) and conv(x).std().item() == pytest.approx(1, rel=0.2)
    nn.init.normal_(conv.bias)
    plain = F.conv2d(x, conv.weight * 0.01 / 12, conv.bias * 0.01, padding=1)
    assert torch.allclose(conv(x), plain, atol=1e-5)
    assert torch.allclose(linear(torch.zeros(1, 16)), torch.ones(1, 8))
    strided = EqualizedConv2d(3, 4, 3, stride=2, padding=0, bias=False)
    assert strided(torch.zeros(1, 3, 9, 9)).shape == (1, 4, 4, 4) and strided.bias is None


@pytest.mark.parametrize("bias", [True, False])
def test_scores_can_be_equalised(bias: bool) -> None:
    torch.manual_seed(0)
    head = equalize_scores(nn.ModuleDict({"inner": LinearHead(256, bias)}))["inner"]
    assert isinstance(head.score, EqualizedLinear) and (head.score.bias is not None) == bias
    assert head(torch.randn(512, 256), torch.zeros(512, 0)).scores.std().item() == pytest.approx(1, rel=0.2)


def test_the_activation_keeps_the_second_moment_and_ends_in_float16() -> None:
    torch.manual_seed(0)
    x = torch.randn(100_000)
    assert scaled_leaky_relu(x).square().mean().item() == pytest.approx(1.04, rel=0.02)
    assert torch.equal(scaled_leaky_relu(torch.tensor([-1.0, 2.0]), 1.0), torch.tensor([-0.2, 2.0]))
    far = torch.tensor([6e4, -6e4])
    assert torch.allclose(scaled_leaky_relu(far.half()).float(), torch.tensor([1.0, -1.0]) * 256 * 2**0.5, rtol=1e-3)
    assert torch.allclose(scaled_leaky_relu(far), torch.tensor([6e4, -1.2e4]) * 2**0.5)


def test_noise_is_of_the_image_in_training_and_constant_otherwise() -> None:
    layer, x = NoiseInput((4, 6)), torch.zeros(3, 2, 4, 6)
    assert torch.equal(layer(x), x), "its strength starts at 0"
    nn.init.constant_(layer.strength, 2.0)
    torch.manual_seed(1)
    drawn = layer(x)
    torch.manual_seed(1)
    assert torch.equal(drawn, (2 * torch.randn(3, 1, 4, 6)).expand_as(x)) and not torch.equal(layer(x), drawn)
    layer.eval()
    assert torch.equal(layer(x), (2 * layer.constant).expand_as(x))
    assert torch.equal(layer(x[:1]), layer(x)[:1])
    assert "constant" in layer.state_dict()


def test_noise_of_an_image_is_the_same_in_slices_and_pieces() -> None:
    layer, x = NoiseInput((4, 4)), torch.zeros(4, 2, 4, 4)
    nn.init.ones_(layer.strength)
    torch.manual_seed(3)
    whole = layer(x)
    torch.manual_seed(3)
    with use_world(World(rank=1, size=2)):
        assert torch.equal(layer(x[:2]), whole[2:])
    torch.manual_seed(3)
    with whole_batch():
        enter_piece(Piece(1, 2))
        assert torch.equal(layer(x[:2]), whole[2:])
