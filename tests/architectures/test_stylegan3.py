"""StyleGAN3: its sizes to the unit, the paper's table of layers, and pictures that move as one.

Each row of sizes: the name of the network there, a recipe of ours, side in pixels, classes, and parameters and tensors
of G and of D. The peers are stylegan3 (sg3) and PyTorch-StudioGAN (studio), built from their public code in November
2026; the names of layers there say the size and the channels of each map.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.errors import ResolutionError, UsageError
from ganzoo.layers import FourierInput, Magnitude, moved
from ganzoo.testing.tiny import tiny

ROWS = [
    ("sg3/t-32", "stylegan3-t", 32, 0, (37_768_199, 67), (21_507_073, 23)),
    ("sg3/t-32-cond10", "stylegan3-t", 32, 10, (38_035_975, 69), (23_876_096, 41)),
    ("sg3/t-64", "stylegan3-t:full=32", 64, 0, (32_300_555, 67), (23_407_361, 28)),
    ("sg3/t-64-cbase32768", "stylegan3-t", 64, 0, (37_768_199, 67), (26_488_833, 28)),
    ("sg3/t-128-cbase16384", "stylegan3-t:full=32", 128, 0, (27_034_685, 67), (23_882_369, 33)),
    ("sg3/t-256-cbase16384", "stylegan3-t:full=32", 256, 0, (23_320_443, 67), (24_001_089, 38)),
    ("sg3/t-256", "stylegan3-t", 256, 0, (28_472_133, 67), (28_864_129, 38)),
    ("sg3/t-1024", "stylegan3-t", 1024, 0, (22_313_167, 67), (29_012_513, 48)),
    ("sg3/r-32", "stylegan3-r", 32, 0, (24_153_095, 67), (21_507_073, 23)),
    ("sg3/r-32-cond10", "stylegan3-r", 32, 10, (24_420_871, 69), (23_876_096, 41)),
    ("sg3/r-64", "stylegan3-r:full=32", 64, 0, (21_076_940, 67), (23_407_361, 28)),
    ("sg3/r-64-cbase32768", "stylegan3-r", 64, 0, (24_153_095, 67), (26_488_833, 28)),
    ("sg3/r-128-cbase16384", "stylegan3-r:full=32", 128, 0, (18_019_940, 67), (23_882_369, 33)),
    ("sg3/r-256-cbase16384", "stylegan3-r:full=32", 256, 0, (15_779_565, 67), (24_001_089, 38)),
    ("sg3/r-256", "stylegan3-r", 256, 0, (18_816_387, 67), (28_864_129, 38)),
    ("sg3/r-1024", "stylegan3-r", 1024, 0, (15_093_151, 67), (29_012_513, 48)),
    ("studio/CIFAR10/StyleGAN3-t-ADA", "stylegan3-t-ada", 32, 10, (38_035_975, 69), (23_089_664, 38)),
    ("studio/CIFAR10/StyleGAN3-r-ADA", "stylegan3-r-ada", 32, 10, (24_420_871, 69), (23_089_664, 38)),
    ("studio/AFHQv2/StyleGAN3-t-paper", "stylegan3-t", 512, 0, (24_873_519, 67), (28_982_849, 43)),
    ("studio/AFHQv2/StyleGAN3-r-paper", "stylegan3-r", 512, 0, (16_665_594, 67), (28_982_849, 43)),
    ("studio/ImageNet/StyleGAN3-t-SPD", "stylegan3-t", 128, 1000, (33_608_179, 69), (31_265_024, 51)),
]
# Their buffers, but for a count of passes that the mean of w has here: three of the input, three of each of 14 layers,
# one of the last convolution, and that mean.
BUFFERS = 3 + 3 * 14 + 1 + 1 + 1
LAYERS = {  # sides and channels of the maps, and taps of the first filter
    "stylegan3-t": [
        *[(36, 512, 12)] * 3,
        *[(52, 512, 24), (52, 512, 12), (84, 512, 24), (84, 512, 12), (148, 512, 24), (148, 512, 12), (148, 362, 12)],
        *[(276, 256, 24), (276, 181, 12), (276, 128, 12), (256, 128, 12)],
    ],
    "stylegan3-r": [
        *[(36, 1024, 12)] * 3,
        *[(52, 1024, 24), (52, 1024, 12), (84, 1024, 24), (84, 1024, 12)],
        *[(148, 1024, 24), (148, 1024, 12), (148, 724, 12)],
        *[(276, 512, 24), (276, 362, 12), (276, 256, 12), (256, 256, 12)],
    ],
}


def size(network: nn.Module) -> tuple[int, int]:
    """Parameters, and the tensors that hold them."""
    parameters = list(network.parameters())
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(("recipe", "side", "classes", "g", "d"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_networks_are_as_large_as_their_peers(recipe, side, classes, g, d) -> None:
    gan = ganzoo.build(recipe, side, 3, classes, device="meta")
    assert (size(gan.G), size(gan.D)) == (g, d)
    assert len(list(gan.G.buffers())) == BUFFERS


@pytest.mark.parametrize("recipe", LAYERS)
def test_layers_are_those_of_the_papers_table(recipe: str) -> None:
    trunk = ganzoo.build(recipe, 256, 3, device="meta").G.trunk
    assert isinstance(trunk.input, FourierInput) and trunk.input.size == (36, 36) and trunk.count == 16
    found = [(layer.act.size[0], layer.conv.out_channels, len(layer.act.up_filter)) for layer in trunk.layers]
    assert found == LAYERS[recipe]
    assert {layer.conv.kernel_size for layer in trunk.layers} == {(3, 3) if recipe == "stylegan3-t" else (1, 1)}
    radial = [layer.act.down_filter.dim() == 2 for layer in trunk.layers]
    assert radial == [recipe == "stylegan3-r"] * 12 + [False] * 2


def motion(angle: float = 0.0, x: float = 0.0, y: float = 0.0) -> Tensor:
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def decibels(a: Tensor, b: Tensor) -> float:
    """How like two pictures are, against their own range."""
    return float(10 * torch.log10((b.max() - b.min()).square() / (a - b).square().mean()))


@pytest.mark.parametrize(("recipe", "turning"), [("stylegan3-t", False), ("stylegan3-r", True)])
@torch.no_grad()
def test_pictures_move_and_turn_as_one(recipe: str, turning: bool) -> None:
    torch.manual_seed(0)
    gan = ganzoo.build(f"{recipe}:ch=8,layers=8", 32, 1, z_dim=8).eval()
    w = gan.G.mapping(torch.randn(4, 8), torch.zeros(4, 0))
    still = gan.G.synthesis(w)
    with moved(gan.G, motion(x=5 / 32, y=-3 / 32)):
        assert decibels(gan.G.synthesis(w)[:, :, :-3, 5:], still[:, :, 3:, :-5]) > 45
    with moved(gan.G, motion(math.pi / 2)):
        assert (decibels(gan.G.synthesis(w), still.rot90(-1, (2, 3))) > 45) == turning
    assert torch.equal(gan.G.synthesis(w), still)


def test_a_wide_image_is_as_a_square_one_and_other_sizes_are_refused() -> None:
    gan = ganzoo.build("stylegan3:ch=4,layers=4,margin=2", (16, 32), 1)
    assert gan.sample(2, seed=0).shape == (2, 1, 16, 32)
    assert [layer.act.up for layer in gan.G.trunk.layers] == [2] * 4
    with pytest.raises(ResolutionError, match="33x33"):
        ganzoo.build("stylegan3:ch=4", 33, 1)
    for option in ("layers=2", "margin=-1", "config=x", "ch=0", "mapping=0"):
        with pytest.raises(UsageError, match=option.partition("=")[0]):
            ganzoo.build(f"stylegan3:{option}", 16, 1)


@pytest.mark.parametrize("margin", [0, 3])
def test_margins_are_an_option(margin: int) -> None:
    gan = ganzoo.build(f"stylegan3:ch=4,layers=5,margin={margin}", 32, 1)
    assert gan.sample(2, seed=0).shape == (2, 1, 32, 32)


def test_each_layer_takes_its_row_of_w() -> None:
    gan = ganzoo.build("stylegan3:ch=4,layers=4,margin=2", 16, 1)
    trunk, taken = gan.G.trunk, []
    assert gan.G.layers == 6
    trunk.input.register_forward_hook(lambda m, given, out: taken.append(given[0][0, 0].item()))
    for module in [*trunk.layers, trunk.image]:
        module.register_forward_hook(lambda m, given, out: taken.append(given[1][0, 0].item()))
    gan.G.eval().synthesis(torch.arange(6.0)[None, :, None].expand(1, 6, gan.G.w_dim).contiguous())
    assert taken == [0, 1, 2, 3, 4, 5]


def test_samples_do_not_depend_on_their_batch_and_truncation_is_psi() -> None:
    gan = ganzoo.build("stylegan3:ch=8,layers=4,margin=2", 16, 3, 4)
    images = gan.sample(3, seed=0, truncation=0.7)
    torch.testing.assert_close(gan.sample(3, seed=0, truncation=0.7, batch=1), images, atol=1e-5, rtol=0)
    one = gan.sample(2, seed=0, labels=[1, 1], truncation=0.0)
    torch.testing.assert_close(one[0], one[1])
    assert not torch.allclose(one[0], gan.sample(1, seed=0, labels=[2], truncation=0.0)[0], atol=1e-3)
    assert torch.equal(gan.sample(2, seed=0, truncation=1.0), gan.sample(2, seed=0))


def test_magnitudes_are_averaged_in_both_players_updates_and_come_to_the_average_g() -> None:
    made = tiny("stylegan3:ch=8,layers=4,margin=2")
    trainer = made.trainer()
    trainer.train_step(made.batches(trainer))
    magnitudes = [m.mean_square.item() for m in trainer.gan.G.modules() if isinstance(m, Magnitude)]
    assert len(magnitudes) == 5 and all(abs(value - 1) > 1e-5 for value in magnitudes)


@torch.no_grad()
def test_bf16_keeps_the_waves_and_scores_are_finite() -> None:
    torch.manual_seed(0)
    gan = ganzoo.build("stylegan3:ch=16,layers=5,margin=2", 16, 3)
    z = torch.randn(4, gan.z_dim)
    exact = gan.G.eval()(z, torch.zeros(4, 0))
    with torch.autocast("cpu", torch.bfloat16):
        rough = gan.G(z, torch.zeros(4, 0))
    assert decibels(rough.float(), exact) > 30
