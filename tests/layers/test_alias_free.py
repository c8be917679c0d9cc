"""Low-pass filters, nonlinearities between them, and pictures of waves that can be moved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn

from ganzoo.errors import UsageError
from ganzoo.layers import AliasFreeLeakyReLU, Band, FourierInput, Magnitude, low_pass, moved
from ganzoo.layers.filters import upfirdn2d

BANDS = [(Band(16, 2.0, 6.0), 32, 12), (Band(64, 22.6, 12.1), 256, 24), (Band(128, 64.0, 14.8), 256, 12)]


def response(kernel: torch.Tensor, rate: int, frequency: float, angle: float = 0.0) -> float:
    """How much of a wave a filter ``(k, k)`` lets through."""
    at = (torch.arange(len(kernel), dtype=torch.float64) - (len(kernel) - 1) / 2) / rate
    along = at[:, None] * np.sin(angle) + at * np.cos(angle)
    return float((kernel.double() * torch.cos(2 * torch.pi * frequency * along)).sum())


@pytest.mark.parametrize(("band", "rate", "taps"), BANDS)
def test_a_filter_is_designed_by_kaisers_method(band, rate, taps):
    wanted = signal.firwin(taps, band.cutoff, width=2 * band.transition, fs=rate)
    np.testing.assert_allclose(low_pass(band, rate, taps), wanted, atol=1e-7)


@pytest.mark.parametrize(("attenuation", "transition"), [(9, 0.3), (33, 5.0), (59, 10.4)])
def test_every_branch_of_kaisers_formulas(attenuation, transition):
    band = Band(32, 8.0, transition)
    found = signal.kaiser_atten(12, 2 * transition / 32)
    assert abs(found - attenuation) < 1
    wanted = signal.firwin(12, 8.0, width=2 * transition, fs=64)
    np.testing.assert_allclose(low_pass(band, 64, 12), wanted, atol=1e-7)


@pytest.mark.parametrize("taps", [12, 13, 24])
def test_a_radial_filter_is_the_same_in_all_directions(taps):
    band = Band(32, 8.0, 8.0)
    radial, plain = low_pass(band, 64, taps, radial=True), low_pass(band, 64, taps)
    assert float(radial.sum()) == pytest.approx(1) and torch.equal(radial, radial.t())
    axes = torch.outer(plain, plain)
    for frequency in (8.0, 12.0):
        spread = [
            max(r) - min(r)
            for r in ([response(k, 64, frequency, a) for a in (0, 0.4, np.pi / 4)] for k in (radial, axes))
        ]
        assert spread[0] < 0.02 < spread[1]
    assert abs(response(radial, 64, 20.0, 0.7)) < 0.02 and response(radial, 64, 1.0) > 0.95


def test_a_step_of_each_axis_by_itself_is_one_of_both():
    x = torch.randn(2, 3, 6, 9, dtype=torch.float64)
    a, b = torch.randn(5, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    once = upfirdn2d(x, torch.outer(a, b), up=(2, 3), down=(3, 2), padding=(1, 2, 4, 0))
    rows = upfirdn2d(x, a[:, None], up=(2, 1), down=(3, 1), padding=(0, 0, 4, 0))
    torch.testing.assert_close(upfirdn2d(rows, b[None], up=(1, 3), down=(1, 2), padding=(1, 2, 0, 0)), once)
    assert once.shape == (2, 3, 4, 14)


def act(before: int, after: int, radial: bool = False, grown: int = 0, around: int = 10) -> AliasFreeLeakyReLU:
    bands = [Band(rate, rate / 4, rate / 4) for rate in (before, after)]
    sizes = before + 2 * around + grown, after + 2 * around
    return AliasFreeLeakyReLU(
        *bands, size_before=(sizes[0],) * 2, size_after=(sizes[1], sizes[1] + 4), radial=radial
    ).double()


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "grown"), [(16, 16, 0), (16, 16, 2), (16, 32, 2), (32, 16, 0), (16, 16, 1)]
)
def test_maps_keep_their_middle_and_their_mean(before, after, grown, radial):
    module = act(before, after, radial, grown)
    size = before + 20 + grown
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    made = module(x)
    assert made.shape == (2, 3, after + 20, after + 24)
    for axes in ((2,), (3,), (2, 3)):
        torch.testing.assert_close(module(x.flip(axes)), made.flip(axes))
    for value, slope in ((3.0, 1.0), (-3.0, 0.2)):
        middle = module(torch.full_like(x, value))[:, :, 10:-10, 12:-12]
        torch.testing.assert_close(middle, torch.full_like(middle, value * slope * 2**0.5), rtol=0.02, atol=0)


def test_what_a_nonlinearity_makes_does_not_depend_on_where_pixels_lie():
    """A wave that moves by half a pixel: resampling it before and after gives the same, other than by a plain ReLU."""
    at = (torch.arange(36, dtype=torch.float64) + 0.5) / 16
    waves = [torch.sin(2 * torch.pi * 3 * (at + shift)).expand(1, 1, 36, 36) for shift in (0, 1 / 32)]
    module = AliasFreeLeakyReLU(
        Band(16, 4.0, 4.0), Band(16, 4.0, 4.0), size_before=(36, 36), size_after=(36, 36)
    ).double()

    def away(function) -> float:
        """How far the results are from each other once the second is moved back by a phase of its spectrum."""
        a, b = (function(wave)[0, 0, 18, 10:26] for wave in waves)  # three periods
        back = torch.exp(-2j * torch.pi * torch.fft.fftfreq(16, 1 / 16, dtype=torch.float64) / 32)
        return float((torch.fft.ifft(torch.fft.fft(b) * back).real - a).abs().max())

    assert away(module) < 0.01 < 0.05 < away(nn.LeakyReLU(0.2))


@pytest.mark.parametrize("rates", [(16, 24), (24, 40)])
def test_rates_without_a_whole_factor_are_refused(rates):
    with pytest.raises(UsageError, match="whole factor"):
        act(*rates)


def waves(size: tuple[int, int] = (16, 16), rate: int = 16) -> FourierInput:
    torch.manual_seed(0)
    return FourierInput(8, 5, size, rate, 2.0)


def motion(angle: float = 0.0, x: float = 0.0, y: float = 0.0) -> torch.Tensor:
    cos, sin = np.cos(angle), np.sin(angle)
    return torch.tensor([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def test_waves_move_as_they_are_told():
    network, w = waves(), torch.randn(3, 5)
    still = network(w)
    assert still.shape == (3, 8, 16, 16) and float(network.frequencies.norm(dim=1).max()) <= 2
    with moved(network, motion(x=3 / 16, y=-2 / 16)):
        torch.testing.assert_close(network(w)[:, :, :-2, 3:], still[:, :, 2:, :-3], rtol=0, atol=1e-4)
    with moved(network, motion(np.pi / 2)):  # from x to y, which points down
        torch.testing.assert_close(network(w), still.rot90(-1, (2, 3)), rtol=0, atol=1e-4)
    each = torch.stack([motion(), motion(x=1 / 16), motion(np.pi)])
    with moved(network, each):
        made = network(w)
    torch.testing.assert_close(made[1, :, :, 1:], still[1, :, :, :-1], rtol=0, atol=1e-4)
    torch.testing.assert_close(made[2], still[2].rot90(2, (1, 2)), rtol=0, atol=1e-4)
    assert torch.equal(network(w), still)


def test_what_was_moved_lies_where_it_was_even_after_an_error():
    network = waves()
    with pytest.raises(ValueError, match="on purpose"), moved(network, motion(x=0.5)):
        raise ValueError("on purpose")
    assert torch.equal(network.transform, torch.eye(3))


def test_a_wider_canvas_shows_the_same_in_its_middle():
    network, w = waves(), torch.randn(1, 5)
    wide = waves((24, 36))
    torch.testing.assert_close(wide(w)[:, :, 4:-4, 10:-10], network(w), rtol=0, atol=1e-4)


def test_a_style_turns_and_shifts_its_own_picture():
    network, w = waves(), torch.randn(2, 5)
    still = network(w)
    with torch.no_grad():
        network.affine.bias.copy_(torch.tensor([0.0, 3.0, 6 / 16, 0.0]))  # all of it over the length of the turn, 3
    turned = network(w)
    # R (u - t): what is at the right goes up, for y points down, and then all of it moves to the right by 2 pixels.
    expected = still.rot90(1, (2, 3))[:, :, :, :-2]
    torch.testing.assert_close(turned[:, :, :, 2:], expected, rtol=0, atol=1e-4)


def test_waves_are_computed_in_float32_under_autocast_and_their_transform_is_kept():
    network, w = waves(), torch.randn(2, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(w), network(w.float())) and network(w).dtype == torch.float32
    assert {"transform", "frequencies", "phases"} <= network.state_dict().keys()


def test_magnitudes_are_followed_in_training_alone():
    module, x = Magnitude(rate=0.25), torch.full((2, 3, 4, 4), 3.0)
    assert torch.equal(module(x), x)  # used as it was, then moved
    assert float(module.mean_square) == 1 + 0.25 * (9 - 1)
    torch.testing.assert_close(module.eval()(x), x / 3**0.5)
    assert float(module.mean_square) == 3 and list(module.state_dict()) == ["mean_square"]
