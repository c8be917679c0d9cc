"""R3GAN's layers against plain forms, and what it starts from."""

from __future__ import annotations

import pytest
import torch
from scipy.signal import convolve2d
from torch import nn

import ganzoo
from ganzoo.architectures.r3gan import Block
from ganzoo.layers.filters import FilteredDown, FilteredUp
from ganzoo.plan.resolver import make_plan

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def test_doubling_is_zeros_and_a_filter():
    x = torch.randn(2, 3, 5, 4)
    wide = torch.zeros(2, 3, 10, 8)
    wide[:, :, ::2, ::2] = x
    made = FilteredUp()(x)
    for b in range(2):
        for c in range(3):
            full = torch.from_numpy(convolve2d(wide[b, c].numpy(), 4 * FILTER.numpy()))
            assert torch.allclose(made[b, c], full[1:11, 1:9], atol=1e-5)
    flat = FilteredUp()(torch.ones(1, 1, 6, 6))
    assert torch.allclose(flat[..., 2:-2, 2:-2], torch.ones(8, 8))
    smooth = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(made[..., 1:-1, 1:-1], smooth[..., 1:-1, 1:-1], atol=1e-5), "[1, 2, 1] doubled is bilinear"


def test_halving_is_a_filter_and_every_other_pixel():
    x = torch.randn(1, 2, 8, 6)
    made = FilteredDown()(x)
    for c in range(2):
        full = torch.from_numpy(convolve2d(x[0, c].numpy(), FILTER.numpy()))
        assert torch.allclose(made[0, c], full[2:-1:2, 2:-1:2], atol=1e-5)


def test_blocks_start_as_the_identity():
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(Block(8, 2, 4, 6)(x), x)
    block = Block(256, 2, 16, blocks=16)
    assert block.first.weight.std().item() == pytest.approx((2 / 1.04 / 256) ** 0.5 / 2, rel=0.05)


@pytest.mark.parametrize("classes", [0, 3])
def test_scores_start_at_the_scale_of_one(classes):
    torch.manual_seed(0)
    gan = ganzoo.build("r3gan:ch=64", 32, 3, classes)
    y = torch.eye(3)[torch.arange(64) % 3][:, :classes]
    fake = gan.G(torch.randn(64, gan.z_dim), y)
    assert 0.1 < fake.std() < 10
    assert 0.05 < gan.D(fake, y).scores.std() < 10


def test_widths_halve_beyond_full():
    gan = ganzoo.build("r3gan:ch=64", 128, 3, device="meta")
    assert [stage[0].first.in_channels for stage in gan.G.trunk.stages] == [64, 64, 64, 64, 32, 16]
    assert [stage[0].first.in_channels for stage in gan.D.trunk.stages] == [16, 32, 64, 64, 64, 64]
    assert [stage[0].grouped.groups for stage in gan.G.trunk.stages] == [8, 8, 8, 8, 4, 2]


def test_sizes_and_channels_are_checked_when_it_is_built():
    with pytest.raises(ganzoo.UsageError, match="group=24 does not divide the 128 channels"):
        ganzoo.build("r3gan:ch=64,group=24", 32, 3)
    with pytest.raises(ganzoo.ResolutionError, match="33x33"):
        ganzoo.build("r3gan:ch=64", 33, 3)


@pytest.mark.parametrize("part", ["sn", "wn", "eqlr", "mp"])
def test_what_starts_at_zero_is_left_alone_by_weight_parts(part):
    gan = ganzoo.build(f"r3gan:ch=16+{part}", 16, 1)
    scores = gan.D(gan.G(torch.randn(2, gan.z_dim), torch.zeros(2, 0)), torch.zeros(2, 0)).scores
    scores.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in gan.parameters())


@pytest.mark.parametrize(
    ("name", "p", "images"),
    [
        ("cifar10", 0.55, "20M"),
        ("ffhq64", 0.3, "20M"),
        ("ffhq256", 0.3, "20M"),
        ("imagenet32", 0.5, "200M"),
        ("imagenet64", 0.4, "200M"),
    ],
)
def test_presets_augment_by_a_schedule_with_colours_half_as_often(name: str, p: float, images: str) -> None:
    (augment,) = make_plan(f"r3gan-{name}", {"image"}).parts("augment")
    assert (augment.name, augment.options["p"]) == ("ada", f"cosine/0/{p}/{images}")
    assert augment.options["pipe"] == ("blit", "geom", "color", "cutout") and augment.options["color"] == 0.5
