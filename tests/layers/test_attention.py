"""Attention of linear cost, attention within windows and global context, against sums over pixels."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.layers.attention import ChannelNorm, GlobalMix, LinearAttention, LocalMix
from ganzoo.layers.timm_attention import global_context

HEADS, WIDTH, H, W = 2, 3, 4, 5
close = torch.testing.assert_close


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def of_pixel(maps: Tensor, head: int) -> Tensor:
    """Of one image: the vectors ``(H, W, WIDTH)`` of a head."""
    return maps[head * WIDTH : (head + 1) * WIDTH].permute(1, 2, 0)


def test_linear_attention_is_softmax_of_queries_times_keys_and_values_of_all_pixels():
    layer, x = GlobalMix(6, HEADS, WIDTH), torch.randn(2, 6, H, W)
    out = layer(x)
    smooth = F.conv2d(x, layer.around.weight, padding=1, groups=6)
    for image, head in itertools.product(range(2), range(HEADS)):
        q = of_pixel(layer.query(x)[image], head).softmax(2) / math.sqrt(WIDTH)
        key, value = (of_pixel(maps[image], head) for maps in layer.key_value(smooth).chunk(2, 1))
        weights = key.exp() / key.exp().sum((0, 1))
        similar = torch.einsum("hwd,ijd->hwij", q, weights)  # the square of the pixels, which the layer never makes
        mixed = torch.einsum("hwij,ijd->hwd", similar, value)
        close(of_pixel(out[image], head), F.gelu(mixed))


@pytest.mark.parametrize("window", [1, 3, 5])
def test_local_attention_sees_the_window_and_nothing_beyond_the_border(window):
    layer, x = LocalMix(6, HEADS, WIDTH, window), torch.randn(2, 6, H, W)
    out, edge = layer(x), window // 2
    for head, i, j in itertools.product(range(HEADS), range(H), range(W)):
        rows = slice(max(0, i - edge), i + edge + 1), slice(max(0, j - edge), j + edge + 1)
        q = of_pixel(layer.query(x)[1], head)[i, j]
        key, value = (of_pixel(maps[1], head)[rows].flatten(0, 1) for maps in layer.key_value(x).chunk(2, 1))
        weights = (key @ q / math.sqrt(WIDTH)).softmax(0)
        close(of_pixel(out[1], head)[i, j], weights @ value)


@pytest.mark.parametrize("local", [0, 3])
def test_both_are_added_to_the_input_after_a_norm_over_channels(local):
    layer, x = LinearAttention(6, heads=HEADS, width=WIDTH, local=local), 3 + 2 * torch.randn(2, 6, H, W)
    norm = ChannelNorm(6)
    close(norm(x), F.layer_norm(x.permute(0, 2, 3, 1), (6,)).permute(0, 3, 1, 2))
    mixed = torch.cat([mix(norm(x)) for mix in layer.mixes], 1)
    assert mixed.shape[1] == HEADS * WIDTH * (2 if local else 1)
    close(layer(x), x + layer.out(mixed))


def test_the_linear_one_is_as_large_as_its_source_and_cheap():
    layer = LinearAttention(256, heads=8, width=64, local=3)
    assert sum(parameter.numel() for parameter in layer.parameters()) == 1_051_648  # lightweight-gan's, 256 channels
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 256, 4, 4)).isfinite().all()


def test_global_context_adds_one_vector_to_all_pixels():
    layer, x = global_context(16), torch.randn(2, 16, H, W)
    assert layer.mlp_add.fc2.weight.any()  # or spectral norm would divide by 0
    weights = layer.conv_attn(x).flatten(1).softmax(1)
    context = torch.einsum("bcp,bp->bc", x.flatten(2), weights)
    hidden = layer.mlp_add.fc1(context[:, :, None, None])[:, :, 0, 0]
    vector = layer.mlp_add.fc2(F.relu(F.layer_norm(hidden, (2,), eps=1e-6))[:, :, None, None])
    close(layer(x), x + vector)
    gate = global_context(16, fuse="scale")
    close(gate(x) / x, (gate(x) / x)[:, :, :1, :1].expand_as(x), atol=1e-4, rtol=1e-4)
