"""Sizes of StyleGAN2, to the unit, as its peers' own code has them.

Each row: the name of the network there, a recipe of ours, side in pixels, channels, classes, and parameters and tensors
of G and of D. The peers are stylegan2-ada-pytorch (sg2ada), stylegan3 (sg3), genforce, PyTorch-StudioGAN (studio) and
projected-gan (projgan, whose D is another network), each built from its public code in November 2026.
"""

from __future__ import annotations

import pytest
from torch import nn

import ganzoo

AUTO = "stylegan2:full=32,mapping=2"
CIFAR = "stylegan2-cifar10"
SMALL, LARGE = (24_767_458, 110), (30_370_060, 138)
COND, HEAD = (20_215_315, 58), (23_089_664, 38)
STUDIO = "studio/CIFAR10/StyleGAN2"
ROWS = [
    ("sg2ada/cifar-32", CIFAR, 32, 3, 0, (19_947_539, 56), (20_720_641, 20)),
    ("sg2ada/cifar-32-cond10", CIFAR, 32, 3, 10, COND, HEAD),
    ("sg2ada/auto-32", AUTO, 32, 3, 0, (19_947_539, 56), (21_507_073, 23)),
    ("sg2ada/auto-32-gray", AUTO, 32, 1, 0, (19_943_435, 56), (21_506_049, 23)),
    ("sg2ada/auto-64", AUTO, 64, 3, 0, (22_243_608, 70), (23_407_361, 28)),
    ("sg2ada/auto-64-cond10", AUTO, 64, 3, 10, (22_511_384, 72), (25_776_384, 46)),
    ("sg2ada/auto-256", AUTO, 256, 3, 0, (23_191_522, 98), (24_001_089, 38)),
    ("sg2ada/auto-256-cond3", AUTO, 256, 3, 3, (23_455_714, 100), (26_366_528, 56)),
    ("sg2ada/auto-1024", "stylegan2:mapping=2", 1024, 3, 0, (28_794_124, 126), (29_012_513, 48)),
    ("sg2ada/stylegan2-32", "stylegan2", 32, 3, 0, (21_523_475, 68), (21_507_073, 23)),
    ("sg2ada/stylegan2-64", "stylegan2", 64, 3, 0, (27_032_600, 82), (26_488_833, 28)),
    ("sg2ada/stylegan2-256", "stylegan2", 256, 3, 0, (30_034_338, 110), (28_864_129, 38)),
    ("sg2ada/stylegan2-512", "stylegan2", 512, 3, 0, (30_276_583, 124), (28_982_849, 43)),
    ("sg2ada/stylegan2-1024", "stylegan2-ffhq", 1024, 3, 0, LARGE, (29_012_513, 48)),
    ("sg2ada/paper256-256", "stylegan2:full=32", 256, 3, 0, SMALL, (24_001_089, 38)),
    ("sg2ada/paper512-512", "stylegan2", 512, 3, 0, (30_276_583, 124), (28_982_849, 43)),
    ("sg2ada/paper1024-1024", "stylegan2", 1024, 3, 0, LARGE, (29_012_513, 48)),
    ("sg3/stylegan2-256-cbase16384", "stylegan2:full=32", 256, 3, 0, SMALL, (24_001_089, 38)),
    ("sg3/stylegan2-1024", "stylegan2", 1024, 3, 0, LARGE, (29_012_513, 48)),
    ("genforce-stylegan2/32", "stylegan2", 32, 3, 0, (21_523_475, 68), (21_507_073, 23)),
    ("genforce-stylegan2/64", "stylegan2", 64, 3, 0, (27_032_600, 82), (26_488_833, 28)),
    ("genforce-stylegan2/128", "stylegan2", 128, 3, 0, (29_328_669, 96), (28_389_121, 33)),
    ("genforce-stylegan2/256", "stylegan2", 256, 3, 0, (30_034_338, 110), (28_864_129, 38)),
    ("genforce-stylegan2/512", "stylegan2", 512, 3, 0, (30_276_583, 124), (28_982_849, 43)),
    ("genforce-stylegan2/1024", "stylegan2", 1024, 3, 0, LARGE, (29_012_513, 48)),
    (STUDIO, CIFAR, 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-Uncond", f"{CIFAR}+unlabelled@g+plain@d", 32, 3, 10, (19_947_539, 56), (20_720_641, 20)),
    (f"{STUDIO}-LeCam", f"{CIFAR}+lecam", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-DiffAug", f"{CIFAR}+diffaugment", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-DiffAug-Rev", f"{CIFAR}+diffaugment", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-DiffAug-LeCam", f"{CIFAR}+diffaugment+lecam", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-ADA", "stylegan2-ada", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-APA", "stylegan2-apa", 32, 3, 10, COND, HEAD),
    (f"{STUDIO}-ADA-APA", "stylegan2-ada-apa", 32, 3, 10, COND, HEAD),
    ("studio/FFHQ/StyleGAN2", "stylegan2", 1024, 3, 0, LARGE, (29_012_513, 48)),
    ("studio/FFHQ/StyleGAN2-ADA", "stylegan2", 1024, 3, 0, LARGE, (29_012_513, 48)),
    ("studio/AFHQv2/StyleGAN2-256Res", "stylegan2:full=32", 256, 3, 3, (25_031_650, 112), (26_366_528, 56)),
    ("studio/AFHQv2/StyleGAN2-paper", "stylegan2", 512, 3, 0, (30_276_583, 124), (28_982_849, 43)),
    ("studio/ImageNet/StyleGAN2-SPD", AUTO, 128, 3, 1000, (23_723_933, 86), (26_758_272, 51)),
]
# The D of StudioGAN's StyleGAN2 with D2D-CE has one linear layer more behind that of its embedding, w wide, and a bias
# of its class proxies, which is theirs in common: two linear layers in a row are one.
DEEPER = [
    (f"{STUDIO}-D2DCE", f"{CIFAR}+d2dce", 32, 10, COND, (21_251_585, 26), 512),
    (f"{STUDIO}-D2DCE-DiffAug", "stylegan2-d2dce-diffaug", 32, 10, COND, (21_251_585, 26), 512),
    (f"{STUDIO}-D2DCE-DiffAug-Rev", f"{CIFAR}+d2dce+diffaugment", 32, 10, COND, (21_251_585, 26), 512),
    (f"{STUDIO}-D2DCE-ADA", "stylegan2-d2dce-ada", 32, 10, COND, (21_251_585, 26), 512),
    (
        "studio/ImageNet/StyleGAN2-D2DCE",
        f"{AUTO}+d2dce:width=2048",
        128,
        1000,
        (23_723_933, 86),
        (31_179_393, 39),
        2048,
    ),
]
INFO = [  # Q, which StudioGAN counts with D, is the regularizer's own
    (f"{STUDIO}-Info", f"{CIFAR}+info", 10, 20_220_435, 23_094_784),
    (f"{STUDIO}-Info-Uncond", f"{CIFAR}+info", 0, 19_952_659, 20_725_761),
]
PROJECTED = [  # G alone, from noise of 64 numbers
    ("projgan/stylegan2-64", 64, (22_203_672, 70)),
    ("projgan/stylegan2-256", 256, (24_615_586, 98)),
    ("projgan/stylegan2-1024", 1024, (24_803_852, 126)),
]


def size(network: nn.Module) -> tuple[int, int]:
    """Parameters, and the tensors that hold them."""
    parameters = list(network.parameters())
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(
    ("recipe", "side", "channels", "classes", "g", "d"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_networks_are_as_large_as_their_peers(recipe, side, channels, classes, g, d):
    gan = ganzoo.build(recipe, side, channels, classes, device="meta")
    assert (size(gan.G), size(gan.D)) == (g, d)


@pytest.mark.parametrize(
    ("recipe", "side", "classes", "g", "d", "width"), [row[1:] for row in DEEPER], ids=[r[0] for r in DEEPER]
)
def test_what_differs_on_purpose_differs_by_that(recipe, side, classes, g, d, width):
    gan = ganzoo.build(recipe, side, 3, classes, device="meta")
    more = (width * width + width + width, 3)
    assert size(gan.G) == g
    assert tuple(a + b for a, b in zip(size(gan.D), more, strict=True)) == d


@pytest.mark.parametrize(("recipe", "classes", "g", "d"), [row[1:] for row in INFO], ids=[row[0] for row in INFO])
def test_networks_with_codes_are_as_large(recipe, classes, g, d):
    gan = ganzoo.build(recipe, 32, 3, classes, device="meta")
    q = sum(size(part)[0] for part in gan.regularizers if isinstance(part, nn.Module))
    assert (size(gan.G)[0], size(gan.D)[0] + q) == (g, d)


@pytest.mark.parametrize(("side", "g"), [row[1:] for row in PROJECTED], ids=[row[0] for row in PROJECTED])
def test_w_and_noise_may_be_shorter(side, g):
    gan = ganzoo.build("stylegan2:mapping=2,w.dim=128", side, 3, z_dim=64, device="meta")
    assert size(gan.G) == g
