"""The contract of w: mapping and synthesis, truncation towards the mean of w, style mixing."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.distributed.batch import World, use_world
from ganzoo.gan.kit import Kit
from ganzoo.gan.style import MEAN_OF, StyleGenerator, Truncation, cross
from ganzoo.layers import MappingNetwork
from ganzoo.training.ema import EMA

LAYERS, W = 5, 6


class Stack(nn.Module):
    """Images ``(B, 1, layers, w_dim)``: each row of pixels is the w of a layer."""

    def forward(self, w: Tensor) -> Tensor:
        return w[:, None]


def made(classes: int = 0, mixing: float = 0.0) -> StyleGenerator:
    torch.manual_seed(0)
    kit = Kit("g", (LAYERS, W), 1, classes, 8)
    style = MappingNetwork(kit.latent, kit.c_dim, W, 2, speed=1.0)
    return StyleGenerator(kit, style, Stack(), layers=LAYERS, w_dim=W, mixing=mixing)


def inputs(n: int, classes: int = 0) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 8), torch.eye(classes)[torch.arange(n) % classes] if classes else torch.zeros(n, 0)


@pytest.mark.parametrize("classes", [0, 3])
def test_forward_is_mapping_and_synthesis(classes: int) -> None:
    g, (z, y) = made(classes).eval(), inputs(4, classes)
    w = g.mapping(z, y)
    assert w.shape == (4, LAYERS, W)
    assert torch.equal(w, w[:, :1].expand_as(w)) and torch.equal(g.synthesis(w), g(z, y))
    assert not torch.allclose(w[0], w[1])
    if classes:
        assert not torch.allclose(w, g.mapping(z, y.roll(1, 0)))


@pytest.mark.parametrize("classes", [0, 3])
def test_truncation_at_1_changes_nothing_and_at_0_gives_the_mean_of_the_label(classes: int) -> None:
    g, (z, y) = made(classes).eval(), inputs(6, classes)
    plain = g(z, y)
    assert torch.equal(g.mapping(z, y, 1.0), g.mapping(z, y))
    center = g.center(y)
    g.truncate(0)
    assert torch.allclose(g(z, y), center[:, None, None].expand_as(plain))
    g.truncate(0.5)
    assert torch.allclose(g(z, y), (plain + center[:, None, None]) / 2, atol=1e-6)
    g.truncate(None)
    assert torch.equal(g(z, y), plain)
    many = g.mapped(torch.randn(20_000, 8), y[:1].expand(20_000, -1))
    assert torch.allclose(center[0], many.mean(0), atol=6 * many.std(0).max().item() / MEAN_OF**0.5)
    if classes:
        assert not torch.allclose(center[0], center[1], atol=0.05) and torch.equal(center[0], center[3])


def test_a_generator_may_choose_the_mean_of_the_training() -> None:
    gan = ganzoo.build("stylegan2:ch=4,w.mean=global", 8, 1, z_dim=3).eval()
    z, y = torch.randn(2, 3), torch.zeros(2, 0)
    with pytest.raises(ganzoo.UsageError, match="no training has kept"):
        gan.G.truncate(0.5)
    gan.G.w_mean.fill_(2.0)
    gan.G.w_passes.fill_(1)
    w = gan.G.mapped(z, y)
    for told in ({}, {"mean": "global"}, {"cutoff": 1}):
        gan.G.truncate(0.25, **told)
        assert torch.allclose(gan.G.styles(z, y)[:, 0], 2 + 0.25 * (w - 2))
    gan.G.truncate(0.25, mean="class")
    assert not torch.allclose(gan.G.styles(z, y)[:, 0], 2 + 0.25 * (w - 2))


def test_a_cut_off_leaves_later_layers_alone() -> None:
    g, (z, y) = made().eval(), inputs(2)
    w = g.mapping(z, y)
    cut = g.mapping(z, y, Truncation(0.0, cutoff=2))
    assert torch.equal(cut[:, 2:], w[:, 2:]) and torch.allclose(cut[:, :2], g.center(y)[:, None].expand(-1, 2, -1))
    assert torch.equal(g.mapping(z, y, Truncation(0.3, cutoff=0)), w)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"value": 2.5}, "from -2 to 2; 1 changes nothing"),
        ({"value": 0.5, "cutoff": 6}, "5 layers of w"),
        ({"value": 0.5, "cutoff": -1}, "cutoff=-1"),
        ({"value": 0.5, "mean": "median"}, "'class' or 'global'"),
        ({"value": 0.5, "mean": "global"}, "no training has kept a mean"),
    ],
)
def test_other_truncations_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ganzoo.UsageError, match=said):
        made().truncate(**given)


def test_the_mean_is_that_of_the_weights_that_are_sampled() -> None:
    g, (_, y) = made(), inputs(1)
    ema = EMA({"G": g}, 0.5)
    before = ema.averages["G"].center(y)
    assert torch.equal(before, g.center(y))
    assert ema.averages["G"].center(y) is not before and len(ema.averages["G"]._means) == 1, "taken once"
    with torch.no_grad():
        for parameter in g.parameters():
            parameter.add_(0.3)
    ema.update(100)
    average = ema.averages["G"]
    moved = average.center(y)
    assert not torch.allclose(moved, before) and not torch.allclose(moved, g.center(y))
    assert torch.equal(moved, copy.deepcopy(average).center(y))


def test_a_training_keeps_the_mean_of_w() -> None:
    g, (z, y) = made().train(), inputs(8)
    first = g.mapped(z, y).mean(0)
    g(z, y)
    assert torch.allclose(g.w_mean, first)
    other = torch.randn(8, 8)
    g(other, y)
    assert torch.allclose(g.w_mean, (first + g.mapped(other, y).mean(0)) / 2)
    kept = g.w_mean.clone()
    g.eval()(z, y)
    assert torch.equal(g.w_mean, kept)
    assert torch.equal(g.center(y, "global"), kept.expand(8, -1))
    g.w_passes.fill_(10_000)
    g.train()(z, y)
    assert torch.allclose(g.w_mean, kept + 0.005 * (first - kept))
    assert {"w_mean", "w_passes"} <= set(g.state_dict())


def test_mixing_takes_later_layers_from_other_noise() -> None:
    g, (z, y) = made(3, mixing=1.0).train(), inputs(64, 3)
    own, mixed = g.mapped(z, y), g.styles(z, y)
    same = (mixed == own[:, None]).all(2)
    assert same[:, 0].all() and not same[:, -1].any(), "the first layer is its own; all images are mixed"
    assert (same.int().diff(dim=1) <= 0).all(), "one crossover"
    assert set(same.sum(1).tolist()) == set(range(1, LAYERS)), "every crossover comes up"
    other = mixed[:, -1]
    assert torch.equal(mixed, torch.where(same[:, :, None], own[:, None], other[:, None])), "two w, no more"
    assert torch.equal(g.eval().styles(z, y), own[:, None].expand(-1, LAYERS, -1)), "none when sampling"
    half = made(3, mixing=0.5).train()
    share = (half.styles(z.repeat(20, 1), y.repeat(20, 1)).diff(dim=1) != 0).any(2).any(1).float().mean()
    assert share.item() == pytest.approx(0.5, abs=0.06)


def test_mixing_is_of_the_image_whatever_the_processes() -> None:
    g, (z, y) = made(mixing=0.7).train(), inputs(6)
    torch.manual_seed(5)
    w = g.mapping(z, y)
    whole = g.mix(w, lambda: g.mapping(g._more_noise(z), y))
    torch.manual_seed(5)
    with use_world(World(rank=1, size=2)):
        part = g.mix(w[3:], lambda: g.mapping(g._more_noise(z[3:]), y[3:]))
    assert torch.allclose(part, whole[3:])


def test_mixing_by_hand() -> None:
    a, b = torch.zeros(2, LAYERS, W), torch.ones(2, LAYERS, W)
    assert cross(a, b, 1, 3)[0, :, 0].tolist() == [0, 1, 1, 0, 0]
    assert cross(a, b, 4)[0, :, 0].tolist() == [0, 0, 0, 0, 1]
    for start, stop in ((-1, 2), (5, None), (2, 6), (3, 3)):
        with pytest.raises(ganzoo.UsageError, match="5 layers of w"):
            cross(a, b, start, stop)


@pytest.mark.parametrize("mixing", [-0.1, 1.1])
def test_mixing_is_a_probability(mixing: float) -> None:
    with pytest.raises(ganzoo.UsageError, match="from 0 to 1"):
        made(mixing=mixing)


def test_truncation_is_no_matter_of_the_noise() -> None:
    g = made()
    draws = [g.prior(3, torch.Generator().manual_seed(1), truncation) for truncation in (None, 0.5)]
    assert torch.equal(*draws)


def test_w_is_float32_under_autocast() -> None:
    g, (z, y) = made(2).eval(), inputs(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(g.mapping(z, y), made(2).eval().mapping(z, y))
