"""lightweight-gan: sizes of its source, gates, blocks against plain forms, and what is refused."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganzoo
from ganzoo.architectures.lightweight_gan import DBlock
from ganzoo.layers import GlobalContextExcitation, ShuffledUp

close = torch.testing.assert_close
LIGHT, BARE = "lightweight-gan", "+attention/none"
WINDOWS = f"{LIGHT}:decisions=windows"
SIZES = [  # lucidrains/lightweight-gan, as built in November 2026: G, and D with its decoders
    (f"{LIGHT}{BARE}", 128, (22_909_865, 47), (11_279_080, 72)),
    (LIGHT, 128, (23_961_513, 56), (11_804_904, 81)),
    (f"{WINDOWS}{BARE}", 256, (22_996_283, 60), (9_201_000, 78)),
    (WINDOWS, 256, (24_047_931, 69), (9_726_824, 87)),
    (f"{WINDOWS}{BARE}", 1024, (23_003_970, 86), (10_330_417, 98)),
    (WINDOWS, 1024, (24_055_618, 95), (10_856_241, 107)),
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def size(*modules: object) -> tuple[int, int]:
    parameters = [p for module in modules if isinstance(module, nn.Module) for p in module.parameters()]
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(("recipe", "side", "g", "d"), SIZES)
def test_networks_are_as_large_as_their_source(recipe, side, g, d):
    gan = ganzoo.build(recipe, side, 3, device="meta")
    assert (size(gan.G), size(gan.D, *gan.regularizers)) == (g, d)


def test_maps_from_128_pixels_up_are_gated_from_an_eighth_of_their_size():
    trunk = ganzoo.build(f"{LIGHT}:ch=4", 1024, 3, device="meta").G.trunk
    pairs = enumerate(zip(trunk.gates, trunk.sources, strict=True), start=1)
    found = {4 << i: 4 << source for i, (gate, source) in pairs if isinstance(gate, GlobalContextExcitation)}
    assert found == {128: 16, 256: 32, 512: 64, 1024: 128}


def blurred(x: Tensor) -> Tensor:
    kernel = torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 1.0])) / 16
    return F.conv2d(F.pad(x, (1, 1, 1, 1)), kernel.expand(x.shape[1], 1, 3, 3), groups=x.shape[1])


def test_a_block_of_d_adds_what_is_shuffled_and_what_is_pooled():
    block, x = DBlock(3, 5), torch.randn(2, 3, 8, 8)
    smooth = blurred(x)
    shuffled = smooth.reshape(2, 3, 4, 2, 4, 2).permute(0, 1, 3, 5, 2, 4).reshape(2, 12, 4, 4)
    main = F.leaky_relu(F.conv2d(shuffled, block.shuffled.weight, block.shuffled.bias), 0.1)
    main = F.leaky_relu(F.conv2d(main, block.again.weight, block.again.bias, padding=1), 0.1)
    pooled = F.conv2d(smooth.reshape(2, 3, 4, 2, 4, 2).mean((3, 5)), block.pooled.weight, block.pooled.bias)
    close(block(x), main + F.leaky_relu(pooled, 0.1))


def test_shuffled_doubling_starts_without_a_checkerboard():
    layer, x = ShuffledUp(6), torch.randn(2, 6, 3, 5)
    made = layer(x)
    assert made.shape == (2, 6, 6, 10) and made.std() > 0.1
    close(made, made[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize(("decisions", "count"), [("one", 1), ("windows", 25)])
def test_d_decides_at_full_size_and_by_a_small_image(decisions, count):
    gan = ganzoo.build(f"{LIGHT}:ch=4,decisions={decisions}{BARE}", 64, 3)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    said = gan.D(x, torch.zeros(2, 0))
    assert [tuple(scores.shape) for scores in said.scores] == [(2, count), (2, 1)]
    assert said.features.shape == (2, gan.D.features)
    for name, encoding in gan.D.encodings.items():
        maps = said.extras["encodings"][name]
        assert maps.shape[1:3] == (encoding.channels, 64 // encoding.scale)
    assert said.extras["seen"] is x


def test_a_part_is_decoded_of_images_of_512_pixels_and_more():
    for side, wanted in ((256, {"whole"}), (512, {"whole", "part"})):
        gan = ganzoo.build(f"{LIGHT}:ch=4", side, 3, device="meta")
        (part,) = [own for own in gan.regularizers if isinstance(own, nn.Module)]
        assert set(part.decoders) == wanted


def test_labels_reach_both_networks():
    gan = ganzoo.build(f"{LIGHT}:ch=4{BARE}+cbn@g+ac", 16, 1, 3)
    said = gan.D(gan.sample(3, seed=0) * 2 - 1, torch.eye(3))
    assert said.extras["class_logits"].shape == (3, 3)


@pytest.mark.parametrize(
    ("recipe", "side", "says"),
    [
        (LIGHT, 2048, "lightweight-gan makes images of up to 1024 pixels"),
        (LIGHT, 20, "lightweight-gan cannot make images of 20x20 pixels"),
        (f"{LIGHT}:ch=0", 16, "lightweight-gan:ch"),
        (f"{LIGHT}:ch.d=0", 16, "lightweight-gan:ch.d"),
        (f"{LIGHT}:decisions=none", 16, "decisions"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line(recipe, side, says):
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, side, 1)
    assert says in str(caught.value) and "\n" not in str(caught.value)
