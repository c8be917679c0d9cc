"""Each of ADA's transforms against a plain implementation, at p = 0 and 1, and its derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from torch import Tensor

from ganzoo.augments.ada import geometry, pixels
from ganzoo.augments.ada.draws import Draws
from ganzoo.augments.ada.pipe import ADA, GROUPS

SIZES = [(1, 16, 16), (3, 16, 16), (3, 12, 20)]


def images(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def seen(x: Tensor, p: float, *pipe: str, seed: int = 0, **options: float) -> Tensor:
    torch.manual_seed(seed)
    return ADA(pipe=pipe, **options).transformed(x, p, Draws(len(x), x))  # type: ignore[arg-type]


class Set(Draws):
    """Draws that are set: which transforms act, and numbers in the order in which they are asked for."""

    def __init__(self, n: int, acts: list[bool], uniform: list[float] = [], normal: list[float] = []) -> None:  # noqa: B006
        self._n = n
        self._acting = iter(acts)
        self._uniform, self._normal = (iter([torch.full((n,), float(v)) for v in vs]) for vs in (uniform, normal))

    def acts(self, p: Tensor | float) -> Tensor:
        return torch.full((self._n,), next(self._acting))


def smooth(height: int, width: int, channels: int = 1) -> Tensor:
    """A picture without fine detail, which any good interpolation reads alike."""
    noise = np.random.default_rng(0).normal(size=(channels, height, width))
    blurred = np.stack([scipy.ndimage.gaussian_filter(plane, 2.5, mode="mirror") for plane in noise])
    return torch.tensor(blurred / np.abs(blurred).max(), dtype=torch.float32)[None]


# --- all of them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [*GROUPS, "bgcfnc"])
@pytest.mark.parametrize("shape", SIZES)
def test_at_0_nothing_changes_to_the_bit_and_at_1_everything_does(group: str, shape: tuple[int, ...]) -> None:
    x = images(64, *shape)
    x[0] = -0.0
    same = seen(x, 0.0, group)
    assert same.numpy().tobytes() == x.numpy().tobytes()
    assert seen(x, torch.zeros(()), group).numpy().tobytes() == x.numpy().tobytes()  # type: ignore[arg-type]
    changed = (seen(x, 1.0, group) != x).flatten(1).any(1).float().mean()
    assert changed > (0.9 if group == "blit" else 0.98)


@pytest.mark.parametrize("group", [*GROUPS, "bgcfnc"])
def test_each_image_has_draws_of_its_own_and_does_not_depend_on_the_others(group: str) -> None:
    x = images(1, 3, 16, 16).expand(16, -1, -1, -1)
    once = seen(x, 1.0, group)
    assert len({picture.numpy().tobytes() for picture in once}) > 12
    other = torch.cat([x[:8], images(8, 3, 16, 16, seed=5)])
    torch.testing.assert_close(seen(other, 1.0, group)[:8], once[:8])


def test_p_is_the_share_of_images_that_each_transform_acts_on() -> None:
    x = images(4000, 1, 4, 4)
    for group, transforms in {"noise": 1, "filter": 4}.items():
        acted = (seen(x, 0.3, group) != x).flatten(1).any(1).float().mean()
        assert float(acted) == pytest.approx(1 - 0.7**transforms, abs=0.03)
    rotated = (seen(x, 0.3, "geom") != x).flatten(1).any(1).float().mean()
    assert float(rotated) == pytest.approx(1 - 0.7**4, abs=0.03)  # the two rotations act with p together


def test_colours_of_half_the_probability() -> None:
    x = images(4000, 3, 2, 2)
    acted = (seen(x, 0.4, "color", color=0.5) != x).flatten(1).any(1).float().mean()
    assert float(acted) == pytest.approx(1 - 0.8**4 * 0.9, abs=0.03)  # half of the luma flips flip


@pytest.mark.parametrize("group", [*GROUPS])
def test_derivatives_of_both_orders(group: str) -> None:
    x = images(1, 3, 3, 4).double().requires_grad_()

    def shown(x: Tensor) -> Tensor:
        return seen(x, 1.0, group)

    assert torch.autograd.gradcheck(shown, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: shown(x).pow(3), x, fast_mode=True)


def test_a_penalty_of_gradients_goes_through_all_of_them() -> None:
    x = images(4, 3, 8, 8).requires_grad_()
    weight = torch.randn(3 * 64, requires_grad=True)
    score = (seen(x, 1.0, "bgcfnc").flatten(1).tanh() @ weight).sum()
    (slope,) = torch.autograd.grad(score, x, create_graph=True)
    slope.square().sum().backward()
    assert weight.grad is not None and weight.grad.isfinite().all() and weight.grad.any()


def test_images_of_one_pixel_and_smaller_than_filters() -> None:
    for shape in ((1, 1), (1, 3), (2, 2), (5, 3)):
        assert seen(images(4, 3, *shape), 1.0, "bgcfnc").isfinite().all()


# --- blits ------------------------------------------------------------------------------------------------------


def blitted(x: Tensor, *draws: float, acts: tuple[bool, bool, bool] = (True, True, True)) -> Tensor:
    g = torch.eye(3).expand(len(x), 3, 3)
    g, acting = geometry.blits(g, Set(len(x), list(acts), list(draws)), 1.0, (x.shape[2], x.shape[3]))
    assert bool(acting.all()) == any(acts)
    return geometry.copied(x, g)


@pytest.mark.parametrize("turns", range(4))
def test_turns_and_flips_are_those_of_numpy_to_the_bit(turns: int) -> None:
    x = images(2, 3, 16, 16)
    none = 0.5  # of a shift
    turned = blitted(x, 0.0, turns / 4, none, none)
    assert any(torch.equal(turned, torch.rot90(x, turns * way, (2, 3))) for way in (1, -1))
    assert torch.equal(blitted(x, 0.9, 0.0, none, none), x.flip(3))


def test_shifts_by_whole_pixels_bring_in_the_mirror_image() -> None:
    x = images(1, 2, 16, 24)
    moved = blitted(x, 0.0, 0.0, 1.0, 0.0)  # right by 3 of 24 pixels, up by 2 of 16
    wide = np.pad(x[0].numpy(), ((0, 0), (3, 3), (3, 3)), mode="reflect")
    np.testing.assert_array_equal(moved[0].numpy(), wide[:, 3 + 2 : 3 + 2 + 16, 0:24])


def test_blits_of_all_kinds_only_move_pixels() -> None:
    x = torch.arange(256.0).reshape(1, 1, 16, 16).expand(64, -1, -1, -1)
    moved = seen(x, 1.0, "blit")
    assert torch.equal(moved, moved.round())


# --- geometry ---------------------------------------------------------------------------------------------------


def test_sym6_is_the_wavelet_that_its_definition_says() -> None:
    """Orthonormal to its own even shifts, six vanishing moments, and nearest to linear phase among those filters."""
    h = np.array(geometry.SYM6)
    assert h.sum() == pytest.approx(math.sqrt(2), abs=1e-12)
    for shift in range(0, 12, 2):
        assert np.dot(h[shift:], h[: 12 - shift]) == pytest.approx(float(shift == 0), abs=1e-11)
    for moment in range(6):
        assert sum((-1) ** k * k**moment * tap for k, tap in enumerate(h)) == pytest.approx(0, abs=1e-6)
    w = np.linspace(0.001, 2.8, 200)
    phase = np.unwrap(np.angle(np.exp(-1j * np.outer(w, np.arange(12))) @ h))
    assert np.abs(phase - np.polyval(np.polyfit(w, phase, 1), w)).max() < 0.2  # 0.5 for the next filter
    assert abs(geometry.CENTRE - np.dot(np.arange(12), h) / h.sum()) < 1e-12


def test_doubling_is_scipys_and_halving_undoes_it() -> None:
    x = images(2, 3, 7, 9).double()
    taps = torch.tensor(geometry.SYM6, dtype=torch.float64)
    wide = geometry.doubled(x, taps)
    rows = scipy.signal.upfirdn(taps.numpy(), x.numpy(), up=2, axis=2)
    expected = scipy.signal.upfirdn(taps.numpy(), rows, up=2, axis=3)
    np.testing.assert_allclose(wide.numpy(), expected, atol=1e-12)
    torch.testing.assert_close(geometry.halved(wide, taps), x)


def test_warping_by_nothing_changes_nothing() -> None:
    x = images(3, 3, 12, 10)
    torch.testing.assert_close(geometry.warped(x, torch.eye(3).expand(3, 3, 3)), x, atol=1e-5, rtol=0)


# The draws of one transform alone: which of the five act, uniform numbers, normal numbers (scale, aspect, x, y).
ANGLE = 0.6
MOVES = {
    "scale": ([True, False, False, False, False], [0.5, 0.5], [1.5, 0, 0, 0]),
    "before": ([False, True, False, False, False], [ANGLE, 0.5], [0, 0, 0, 0]),
    "aspect": ([False, False, True, False, False], [0.5, 0.5], [0, -1.2, 0, 0]),
    "after": ([False, False, False, True, False], [0.5, ANGLE], [0, 0, 0, 0]),
    "shift": ([False, False, False, False, True], [0.5, 0.5], [0, 0, 0.7, -0.3]),
    "all": ([True] * 5, [0.55, 0.4], [0.4, 0.6, 0.2, 0.3]),
}


def matrix_of(name: str, height: int, width: int) -> np.ndarray:
    """The paper's G of a row of ``MOVES``, from places (x, y) in the image to places in what is made."""
    acts, angles, normal = MOVES[name]
    octave = 0.2 * math.log(2)

    def turn(u: float) -> np.ndarray:
        angle = -(u * 2 - 1) * math.pi
        return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])

    size, aspect = math.exp(normal[0] * octave), math.exp(normal[1] * octave)
    shift = np.array([[1, 0, 0.125 * normal[2] * width], [0, 1, 0.125 * normal[3] * height], [0, 0, 1.0]])
    steps = [np.diag([size, size, 1]), turn(angles[0]), np.diag([aspect, 1 / aspect, 1]), turn(angles[1]), shift]
    g = np.eye(3)
    for step, act in zip(steps, acts, strict=True):
        g = step @ g if act else g
    return g


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("size", [(24, 24), (20, 32)])
def test_geometry_is_an_affine_transform_about_the_middle(name: str, size: tuple[int, int]) -> None:
    x = smooth(*size)
    acts, uniform, normal = MOVES[name]
    order = [acts[0], acts[1], acts[2], acts[3], acts[4]]
    g, acting = geometry.geometry(torch.eye(3)[None], Set(1, order, uniform, normal), 1.0, size)
    assert acting.all()
    inverse = np.linalg.inv(matrix_of(name, *size))
    np.testing.assert_allclose(g[0].numpy(), inverse, atol=1e-5)
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])  # scipy's places are (y, x)
    linear = (swap @ inverse @ swap)[:2, :2]
    middle = (np.array(size) - 1) / 2
    offset = middle - linear @ middle + (swap @ inverse)[:2, 2]
    expected = scipy.ndimage.affine_transform(x[0, 0].numpy(), linear, offset, order=3, mode="mirror")
    made = geometry.warped(x, g)[0, 0].numpy()
    assert np.abs(made - expected).max() < 0.06 and np.abs(made - expected).mean() < 0.006


def test_a_ramp_stays_one() -> None:
    """Bilinear reading and a filter with vanishing moments have no error on it, away from the mirrors."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    x = (rows - 2 * columns)[None, None]
    g, _ = geometry.geometry(torch.eye(3)[None], Set(1, *MOVES["before"]), 1.0, (32, 32))
    y, across = geometry.placed(g, [torch.arange(32.0), torch.arange(32.0)], (32, 32))
    inner = (y - 15.5).abs().maximum((across - 15.5).abs()) < 8
    made = geometry.warped(x, g)[0, 0]
    assert (made - (y - 2 * across)[0])[inner[0]].abs().max() < 1e-3


# --- colours ----------------------------------------------------------------------------------------------------


def coloured(x: Tensor, acts: list[bool], uniform: tuple[float, float] = (0.9, 0.3)) -> Tensor:
    """With brightness 0.2·0.7, contrast 2^(0.5·0.6), and saturation 2^-0.8."""
    return pixels.recolored(x, Set(len(x), acts, list(uniform), [0.7, 0.6, -0.8]), 1.0)


V = np.ones(3) / math.sqrt(3)


def hue(u: float) -> np.ndarray:
    """A rotation about the luma axis, by its definition through the matrix exponential."""
    angle = (u * 2 - 1) * math.pi
    generator = np.array([[0, -V[2], V[1]], [V[2], 0, -V[0]], [-V[1], V[0], 0]])
    return scipy.linalg.expm(angle * generator)


PLAIN = {
    0: lambda c: c + 0.14,
    1: lambda c: c * 2**0.3,
    2: lambda c: c - 2 * V * (V @ c),
    3: lambda c: hue(0.3) @ c,
    4: lambda c: np.outer(V, V) @ c + 2**-0.8 * (c - np.outer(V, V) @ c),
}


@pytest.mark.parametrize("acting", [(0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4), (0, 3)])
def test_colours_are_the_papers_matrices_one_after_the_other(acting: tuple[int, ...]) -> None:
    x = images(2, 3, 4, 5)
    made = coloured(x, [k in acting for k in range(5)])
    for image, shown in zip(x.numpy(), made.numpy(), strict=True):
        for place in np.ndindex(4, 5):
            colour = image[(slice(None), *place)]
            for k in acting:
                colour = PLAIN[k](colour)
            np.testing.assert_allclose(shown[(slice(None), *place)], colour, atol=1e-5)


def test_grey_has_brightness_contrast_and_luma_flip_alone() -> None:
    x = images(2, 1, 4, 4)
    torch.testing.assert_close(coloured(x, [True, True, True, True, True]), -(x + 0.14) * 2**0.3)
    assert torch.equal(coloured(x, [False, False, False, True, True]), x)
    grey = x.expand(-1, 3, -1, -1)
    torch.testing.assert_close(coloured(grey, [True] * 5)[:, :1], coloured(x, [True] * 5))


# --- bands, noise, holes ----------------------------------------------------------------------------------------


def test_sym2_and_its_bands() -> None:
    h = np.array(pixels.SYM2)
    assert h.sum() == pytest.approx(math.sqrt(2)) and np.dot(h, h) == pytest.approx(1)
    assert np.dot(h[2:], h[:2]) == pytest.approx(0, abs=1e-12)
    bands = pixels.bandpasses().numpy()
    assert bands.shape == (4, 43)
    whole = np.zeros(43)
    whole[21] = 1
    np.testing.assert_allclose(bands.sum(0), whole, atol=1e-12)
    np.testing.assert_allclose(bands, bands[:, ::-1], atol=1e-12)
    middles = [0.0, 3 / 16, 3 / 8, 1.0]  # of the bands, in π
    for band, middle in zip(bands, middles, strict=True):
        gains = [abs((other * np.cos(np.arange(-21, 22) * np.pi * middle)).sum()) for other in bands]
        own = abs((band * np.cos(np.arange(-21, 22) * np.pi * middle)).sum())
        assert own == max(gains) and own > 0.6


def test_bands_are_amplified_at_equal_power() -> None:
    """A gain of one band, by a plain convolution with mirrored borders; all are scaled to keep 1/f power."""
    x = images(1, 2, 20, 18)
    acts = [False, True, False, True]
    made = pixels.equalized(x, Set(1, acts, [], [9.0, 1.3, 9.0, -0.7]), 1.0)
    power, gains = np.array([10, 1, 1, 1]) / 13, np.ones(4)
    for band, octaves in ((1, 1.3), (3, -0.7)):
        own = np.ones(4)
        own[band] = 2**octaves
        gains *= own / math.sqrt((power * own**2).sum())
    taps = gains @ pixels.bandpasses().numpy()
    for plane, shown in zip(x[0].numpy(), made[0].numpy(), strict=True):
        rows = scipy.ndimage.correlate1d(plane, taps, axis=1, mode="mirror")
        expected = scipy.ndimage.correlate1d(rows, taps, axis=0, mode="mirror")
        np.testing.assert_allclose(shown, expected, atol=1e-5)


def test_noise_has_a_half_normal_spread() -> None:
    x = torch.zeros(3000, 1, 8, 8)
    spreads = seen(x, 1.0, "noise").flatten(1).std(1)
    assert float(spreads.square().mean().sqrt()) == pytest.approx(0.1, rel=0.05)
    assert float((spreads < 0.1).float().mean()) == pytest.approx(0.683, abs=0.04)  # as |N(0, 1)| < 1


def test_a_hole_is_half_as_wide_and_high_and_lies_anywhere() -> None:
    gone = seen(torch.ones(2000, 2, 8, 16), 1.0, "cutout") == 0
    assert torch.equal(gone[:, 0], gone[:, 1])
    gone = gone[:, 0]
    heights, widths = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(gone.sum((1, 2)), heights * widths)
    assert heights.max() == 4 and widths.max() == 8 and heights.min() >= 2 and widths.min() >= 4
    one = pixels.holed(torch.ones(1, 1, 8, 16), Set(1, [True], [0.25, 0.5]), 1.0)[0, 0]
    expected = torch.ones(8, 16)
    expected[2:6, 0:8] = 0
    assert torch.equal(one, expected)
