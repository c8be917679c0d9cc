"""TransGAN and ViTGAN: sizes, and what their papers say of their networks, against plain forms."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from rough_weights import rough
from torch import Tensor, nn

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.layers import L2Attention, SelfModulatedLayerNorm, Windowed

B = 3
close = torch.testing.assert_close
SMALL = "transgan:ch=16,depth=1,depth.d=1,ch.d=8,heads=2"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def size(network: nn.Module) -> tuple[int, int]:
    """Parameters, and the tensors that hold them."""
    parameters = list(network.parameters())
    return sum(parameter.numel() for parameter in parameters), len(parameters)


def block_size(c: int, norms: int = 2) -> int:
    """Numbers of a transformer block of width c without what its attention knows of places."""
    return 3 * c * c + (c * c + c) + (4 * c * c + 4 * c) + (4 * c * c + c) + norms * 2 * c


# --- TransGAN ------------------------------------------------------------------------------------------------


def test_transgan_is_as_large_as_its_authors_for_cifar10() -> None:
    """The row ``transgan/cifar32`` of VITA-Group/TransGAN; D there has a strength of noise in each of 7 blocks more."""
    gan = ganzoo.build("transgan", 32, 3, device="meta")
    g, d = size(gan.G), size(gan.D)
    assert g == (83_312_495, 139) and (d[0] + 7, d[1] + 7) == (10_210_400, 101)


@pytest.mark.parametrize(
    ("pixels", "maps", "wide", "depth"),
    [
        (16, (8, 16), (64, 16), (5, 4)),
        (48, (12, 24, 48), (64, 16, 4), (5, 4, 2)),
        (64, (8, 16, 32, 64), (64, 64, 64, 16), (5, 4, 4, 4)),
        (256, (8, 16, 32, 64, 128, 256), (64, 64, 64, 16, 4, 1), (5, 4, 4, 4, 4, 4)),
    ],
)
def test_maps_of_transgan_grow_as_its_table_says(
    pixels: int, maps: tuple[int, ...], wide: tuple[int, ...], depth: tuple[int, ...]
) -> None:
    stages = ganzoo.build("transgan:ch=64", pixels, 3, device="meta").G.trunk.stages
    assert tuple(stage.size for stage in stages) == tuple((side, side) for side in maps)
    assert tuple(stage.positions.vectors.shape[1] for stage in stages) == wide
    assert tuple(len(stage.blocks) for stage in stages) == depth
    for stage in stages:
        attention = stage.blocks[0].attention
        inner = attention.attention if isinstance(attention, Windowed) else attention
        assert inner.position.size == ((16, 16) if min(stage.size) > 32 else stage.size) or pixels == 48
        assert isinstance(attention, Windowed) == (min(stage.size) > 32)


def test_the_last_number_of_blocks_is_for_those_that_come_after_it() -> None:
    stages = ganzoo.build("transgan:ch=16,depth=3/1", 32, 3, device="meta").G.trunk.stages
    assert [len(stage.blocks) for stage in stages] == [3, 1, 1]


def test_g_of_transgan_layer_by_layer() -> None:
    gan = ganzoo.build(SMALL, 32, 3, z_dim=5)
    trunk, z = rough(gan.G).trunk, torch.randn(B, 5)
    x = (z @ trunk.start.weight.T + trunk.start.bias).reshape(B, 16, 8, 8)
    for i, stage in enumerate(trunk.stages):
        if i:  # four channels of a token are its four pixels
            x = x.reshape(B, -1, 2, 2, *x.shape[2:]).permute(0, 1, 4, 2, 5, 3).reshape(B, -1, 8 << i, 8 << i)
        h = x.flatten(2).transpose(1, 2) + stage.positions.vectors
        (block,) = stage.blocks
        x = block(h).transpose(1, 2).reshape(x.shape)
    images = torch.einsum("oi,bihw->bohw", trunk.image.weight[:, :, 0, 0], x) + trunk.image.bias[:, None, None]
    close(gan.G(z, torch.zeros(B, 0)), images, rtol=1e-3, atol=1e-3)


def test_d_of_transgan_sees_patches_of_two_sizes() -> None:
    gan = ganzoo.build(SMALL, 16, 3)
    trunk, x = rough(gan.D).trunk, torch.rand(B, 3, 16, 16) * 2 - 1
    small, large = trunk.patches
    assert small.weight.shape == (6, 3, 2, 2) and large.weight.shape == (2, 3, 4, 4)  # 3/4 and 1/4 of 8
    first = trunk.stages[0](F.conv2d(x, small.weight, small.bias, stride=2))
    means = first.reshape(B, 6, 4, 2, 4, 2).mean((3, 5))
    second = trunk.stages[1](torch.cat([means, F.conv2d(x, large.weight, large.bias, stride=4)], 1))
    tokens = torch.cat([trunk.token.token.expand(B, 1, 8), second.flatten(2).transpose(1, 2)], 1)
    features = F.layer_norm(trunk.last(tokens)[:, 0], (8,), trunk.norm.weight, trunk.norm.bias)
    score = gan.D.head.score
    close(gan.D(x, torch.zeros(B, 0)).scores, features @ score.weight[0] + score.bias, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("pixels", "sides", "wide"), [(48, (2, 4), (12, 4)), (64, (2, 4, 8), (4, 4, 8))])
def test_d_of_transgan_has_more_sizes_of_patches_for_larger_images(
    pixels: int, sides: tuple[int, ...], wide: tuple[int, ...]
) -> None:
    patches = ganzoo.build("transgan:ch=64,ch.d=16", pixels, 3, device="meta").D.trunk.patches
    assert tuple((p.kernel_size[0], p.out_channels) for p in patches) == tuple(zip(sides, wide, strict=True))


def test_tokens_of_transgan_may_be_scaled_alone() -> None:
    gan = ganzoo.build(f"{SMALL},norm=pixel", 16, 3)
    norm, x = gan.G.trunk.stages[0].blocks[0].norm1, torch.randn(B, 5, 16)
    close(norm(x), x / x.square().mean(2, keepdim=True).sqrt())
    assert isinstance(gan.D.trunk.norm, nn.LayerNorm) and list(norm.parameters()) == []


@pytest.mark.parametrize("pixels", [(16, 24), (24, 16), (32, 64)], ids=str)
@pytest.mark.parametrize("recipe", [SMALL, "vitgan:ch=8,depth=1"])
def test_images_need_not_be_square(recipe: str, pixels: tuple[int, int]) -> None:
    gan = ganzoo.build(f"{recipe}+augment/none", pixels, 4)
    drawn = gan.sample(2, seed=0)
    assert drawn.shape == (2, 4, *pixels)
    close(gan.sample(1, seed=0), drawn[:1], rtol=1e-4, atol=1e-5)
    assert gan.D(drawn, torch.zeros(2, 0)).scores.shape == (2,)


@pytest.mark.parametrize(
    ("recipe", "pixels", "said"),
    [
        ("transgan:ch=10", 32, "try transgan:ch=16"),
        ("transgan:ch=6", 16, "quartered 1 times: try transgan:ch=8"),
        ("transgan", 20, "nearest sizes it can are 16 and 24"),
        ("transgan:patch=16", 16, "try transgan:patch=2"),
        ("transgan:depth=5/0", 16, "transgan:depth"),
        ("transgan:window=64", 64, "transgan:window"),
        ("transgan+bn", 32, "no place for a normalization"),
        ("vitgan:patch=3", 32, "does not divide an image of 32x32 pixels: try vitgan:patch=4"),
        ("vitgan", 28, "nearest sizes it can are 16 and 32"),
        ("vitgan:depth=0", 32, "vitgan:depth"),
        ("vitgan:overlap=99", 32, "vitgan:overlap"),
    ],
)
def test_sizes_that_do_not_work_are_refused_in_one_line(recipe: str, pixels: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        ganzoo.build(recipe, pixels, 3, device="meta")
    assert said in str(caught.value) and "\n" not in str(caught.value)


# --- ViTGAN --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pixels", "patch", "depth"), [(32, 4, 4), (64, 8, 6), (128, 16, 6)])
def test_vitgan_is_as_large_as_its_paper_says(pixels: int, patch: int, depth: int) -> None:
    """Counted by hand: width 384, 8x8 patches, layer norms that w scales and shifts, tied queries and keys."""
    c, z = 384, 512
    gan = ganzoo.build("vitgan", pixels, 3, device="meta")
    sln = 2 * c * c + 2 * c
    mapping = (z * c + c) + (c * c + c)
    painter = 2 * c + c + c * c + (c * c + c) + (3 * c + 3)
    g = mapping + 64 * c + depth * (block_size(c, norms=0) + 2 * sln) + sln + painter
    d = (2 * patch) ** 2 * 3 * c + c + c + 65 * c + depth * (block_size(c) - c * c) + 2 * c + (c + 1)
    assert (size(gan.G)[0], size(gan.D)[0]) == (g, d)


def test_g_of_vitgan_takes_a_row_of_w_for_each_block_and_paints_patches() -> None:
    gan = ganzoo.build("vitgan:ch=8,depth=2,heads=2,mapping=1", (16, 32), 3)
    trunk, w = rough(gan.G).trunk, torch.randn(B, 3, 8)
    x = trunk.positions.vectors.expand(B, 128, 8)
    for i, block in enumerate(trunk.blocks):
        x = x + block.attention(block.norm1(x, w[:, i]))
        x = x + block.mlp(block.norm2(x, w[:, i]))
    x = trunk.norm(x, w[:, 2])
    paint, images = trunk.paint, torch.zeros(B, 3, 16, 32)
    for row in range(16):
        for column in range(32):
            place = torch.tensor([-0.5, 0.5])[[row % 2, column % 2]]  # the middles of a patch's pixels
            waves = torch.sin(place @ paint.waves.frequencies + paint.waves.phases)
            token = x[:, row // 2 * 16 + column // 2]
            images[:, :, row, column] = paint.last(torch.sin(paint.place(waves) + paint.token(token)))
    close(gan.G.synthesis(w), images, rtol=1e-3, atol=1e-3)


def test_d_of_vitgan_has_overlapping_patches_and_a_class_token() -> None:
    gan = ganzoo.build("vitgan:ch=8,depth=1,heads=2+weight/none", 32, 3)
    trunk, x = rough(gan.D).trunk, torch.rand(B, 3, 32, 32) * 2 - 1
    kernel = trunk.patches.weight / math.sqrt(3 * 8 * 8)
    assert kernel.shape == (8, 3, 8, 8)  # 4 pixels, and 2 beyond each border
    h = F.conv2d(F.pad(x, (2, 2, 2, 2)), kernel, trunk.patches.bias, stride=4).flatten(2).transpose(1, 2)
    h = torch.cat([trunk.token.token.expand(B, 1, 8), h], 1) + trunk.positions.vectors
    (block,) = trunk.blocks
    assert isinstance(block.attention, L2Attention)
    features = F.layer_norm(block(h)[:, 0], (8,), trunk.norm.weight, trunk.norm.bias)
    close(gan.D(x, torch.zeros(B, 0)).features, features, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("heads", "ch"), [(6, 384), (1, 64), (16, 64)])
def test_an_untrained_d_of_vitgan_sees_the_whole_image(heads: int, ch: int) -> None:
    """Where each token sees itself alone, features of all images are the class token's, and hardly anything learns."""
    gan = ganzoo.build(f"vitgan:ch={ch},heads={heads},depth=2", 32, 3).eval()
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    features = gan.D(images, torch.zeros(4, 0)).features
    assert features.std(0).square().mean().sqrt() > 0.2 * features.square().mean().sqrt()


def test_every_weight_of_vitgans_d_keeps_its_largest_singular_value_and_g_has_no_such() -> None:
    gan = ganzoo.build("vitgan:ch=8,depth=1", 16, 3, 3)
    for network, wanted in ((gan.D, True), (gan.G, False)):
        layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.Embedding)]
        assert layers and {nn.utils.parametrize.is_parametrized(layer, "weight") for layer in layers} == {wanted}


def test_w_of_vitgan_can_be_truncated_and_mixed() -> None:
    gan = ganzoo.build("vitgan:ch=8,depth=2,mixing=0.5", 16, 1)
    gan.eval()
    mean = gan.sample(2, seed=0, truncation=0)
    close(mean[0], mean[1])
    assert sum(isinstance(module, SelfModulatedLayerNorm) for module in gan.G.modules()) == 5
    z, y = torch.randn(2, gan.z_dim), torch.zeros(2, 0)
    w: Tensor = gan.G.mapping(z, y)
    assert w.shape == (2, 3, 8) and torch.equal(w[:, 0], w[:, 2])
    gan.train()
    assert any(not torch.equal(rows[:, 0], rows[:, 2]) for rows in (gan.G.styles(z, y) for _ in range(8)))


def test_labels_steer_vitgan_and_transgan_by_a_recipe() -> None:
    for recipe in ("vitgan:ch=8,depth=1", f"{SMALL}+onehot@g+projection"):
        gan = ganzoo.build(recipe, 16, 1, 3)
        z = torch.randn(1, gan.z_dim).expand(3, -1)
        images = gan.eval().G(z, torch.eye(3))
        assert (images[0] - images[1]).abs().max() > 1e-4
        scores = gan.D(images[:1].expand(3, -1, -1, -1), torch.eye(3)).scores
        assert scores.unique().numel() == 3
