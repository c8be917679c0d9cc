"""Attention over tokens, windows, rows and columns, and the blocks around it, against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from rough_weights import rough
from torch import Tensor, nn

from ganzoo.layers import (
    AxialAttention,
    L2Attention,
    MultiHeadAttention,
    RelativeAttention,
    SelfModulatedLayerNorm,
    TransformerBlock,
    WindowAttention,
    Windowed,
    improved_spectral_norm,
)
from ganzoo.layers.equalized import EqualizedLinear
from ganzoo.layers.multi_head import fitting_heads
from ganzoo.layers.transformer import Transformer
from ganzoo.parts import exact

close = torch.testing.assert_close
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def mixed(layer: MultiHeadAttention, places: list[Tensor], bias: Tensor | None = None) -> list[Tensor]:
    """What a layer makes of tokens ``(C,)``, one after the other."""
    heads, width = layer.heads, len(places[0])
    size = width // heads
    made = []
    for i, place in enumerate(places):
        joint = []
        for head in range(heads):
            rows = [slice(part * width + head * size, part * width + (head + 1) * size) for part in range(3)]
            query = layer.qkv.weight[rows[0]] @ place
            logits = torch.stack([query @ (layer.qkv.weight[rows[1]] @ other) for other in places]) / math.sqrt(size)
            weights = (logits if bias is None else logits + bias[head, i]).softmax(0)
            values = [layer.qkv.weight[rows[2]] @ other for other in places]
            joint.append(sum(w * v for w, v in zip(weights, values, strict=True)))
        made.append(layer.out.weight @ torch.cat(joint) + layer.out.bias)
    return made


def relative(table: Tensor, places: list[tuple[int, int]], most: tuple[int, int]) -> Tensor:
    """The bias ``(heads, N, N)`` that a table gives places ``(y, x)`` of a window of at most ``most``."""
    return torch.stack(
        [
            torch.stack([table[:, a[0] - b[0] + most[0] - 1, a[1] - b[1] + most[1] - 1] for b in places], 1)
            for a in places
        ],
        1,
    )


@pytest.mark.parametrize("heads", [1, 2])
def test_each_token_gets_a_mixture_of_all(heads: int) -> None:
    layer, x = rough(MultiHeadAttention(4, heads), 0.5), torch.randn(2, 3, 4)
    for tokens, made in zip(x, layer(x), strict=True):
        close(made, torch.stack(mixed(layer, list(tokens))), rtol=1e-4, atol=1e-5)
    close(layer.attention_map(x).sum(-1), torch.ones(2, 3))


def test_places_lie_to_each_other_as_a_table_says() -> None:
    layer, x = rough(RelativeAttention(4, 2, (2, 3)), 0.5), torch.randn(1, 6, 4)
    places = [(i, j) for i in range(2) for j in range(3)]
    bias = relative(layer.position.table, places, (2, 3))
    close(layer.position(), bias)
    close(layer(x)[0], torch.stack(mixed(layer, list(x[0]), bias)), rtol=1e-4, atol=1e-5)


def test_distances_weigh_values_and_queries_are_keys() -> None:
    layer, x = rough(L2Attention(6, 2), 0.5), torch.randn(1, 4, 6)
    key, value = x[0] @ layer.key.weight.T, x[0] @ layer.value.weight.T
    made = []
    for i in range(4):
        joint = []
        for head in (slice(0, 3), slice(3, 6)):
            far = torch.stack([(key[i, head] - key[j, head]).square().sum() for j in range(4)])
            joint.append((-far / math.sqrt(3)).softmax(0) @ value[:, head])
        made.append(layer.out.weight @ torch.cat(joint) + layer.out.bias)
    close(layer(x)[0], torch.stack(made), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("heads", [1, 4, 16])
def test_two_unlike_tokens_start_at_a_logit_of_minus_one(heads: int) -> None:
    layer, x = L2Attention(256, heads, EqualizedLinear), F.layer_norm(torch.randn(64, 256), (256,))
    keys = layer.key(x).unflatten(-1, (heads, -1)).transpose(0, 1)
    logits = -torch.cdist(keys, keys).square() / math.sqrt(256 / heads)
    assert -1.1 < logits[:, ~torch.eye(64, dtype=torch.bool)].mean() < -0.9


def test_heads_are_as_many_as_divide_the_channels() -> None:
    assert [fitting_heads(*given) for given in ((64, 4), (6, 4), (7, 4), (2, 8), (1, 4))] == [4, 3, 1, 2, 1]


def test_axial_attention_goes_along_rows_then_columns() -> None:
    layer, x = rough(AxialAttention(4, heads=2), 0.5), torch.randn(1, 4, 3, 2)
    rows = [mixed(layer.rows, [x[0, :, i, j] for j in range(2)]) for i in range(3)]
    columns = [mixed(layer.columns, [rows[i][j] for i in range(3)]) for j in range(2)]
    for i in range(3):
        for j in range(2):
            close(layer(x)[0, :, i, j], x[0, :, i, j] + layer.gamma * columns[j][i], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "window"), [((4, 4), 2), ((4, 6), 2), ((4, 2), 4), ((3, 3), 3)])
@pytest.mark.parametrize("shift", [False, True])
def test_pixels_see_those_of_their_window(size: tuple[int, int], window: int, shift: bool) -> None:
    layer, x = rough(WindowAttention(4, heads=2, window=window, shift=shift), 0.5), torch.randn(1, 4, *size)
    sides = [math.gcd(pixels, window) for pixels in size]
    off = [side // 2 if shift and side < pixels else 0 for side, pixels in zip(sides, size, strict=True)]
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for i in range(size[0]):
        for j in range(size[1]):  # without wrapping around: what lies before the first whole window is one of its own
            key = tuple((at - s) // side for at, s, side in zip((i, j), off, sides, strict=True))
            groups.setdefault(key, []).append((i, j))
    assert len(groups) == 1 if size == tuple(sides) else len(groups) > 1
    for places in groups.values():
        bias = relative(layer.position.table, places, (window, window))
        made = mixed(layer.attention, [x[0, :, i, j] for i, j in places], bias)
        for (i, j), wanted in zip(places, made, strict=True):
            close(layer(x)[0, :, i, j], x[0, :, i, j] + layer.gamma * wanted, rtol=1e-4, atol=1e-4)


def test_windows_of_tokens_keep_to_themselves() -> None:
    inner = rough(RelativeAttention(4, 2, (2, 2)), 0.5)
    x = torch.randn(3, 16, 4)
    made = Windowed(inner, (4, 4), (2, 2))(x)
    places = [4 * i + j for i in (2, 3) for j in (0, 1)]
    close(made[:, places], inner(x[:, places]))


def test_a_block_norms_before_and_goes_around() -> None:
    block, x = rough(TransformerBlock(4, MultiHeadAttention(4, 2), 3), 0.5), torch.randn(2, 3, 4)
    h = x + block.attention(F.layer_norm(x, (4,), block.norm1.weight, block.norm1.bias))
    first, _, last = block.mlp
    wide = F.gelu(F.layer_norm(h, (4,), block.norm2.weight, block.norm2.bias) @ first.weight.T + first.bias)
    assert wide.shape == (2, 3, 12)
    close(block(x), h + wide @ last.weight.T + last.bias, rtol=1e-4, atol=1e-4)


def test_a_block_on_maps_opens_by_its_scale() -> None:
    layer, x = Transformer(8, heads=2), torch.randn(2, 8, 3, 5)
    assert torch.equal(layer(x), x)
    nn.init.constant_(layer.gamma, 0.5)
    flat = x.flatten(2).transpose(1, 2)
    close(layer(x).flatten(2).transpose(1, 2), (flat + layer.block(flat)) / 2)
    assert layer.attention_map(x).shape == (2, 15, 15)


def test_self_modulated_layer_norm_is_layer_norm_in_a_style() -> None:
    norm, x, w = SelfModulatedLayerNorm(4, 5), 2 + 3 * torch.randn(2, 3, 4), torch.randn(2, 5)
    nn.init.normal_(norm.style.bias)
    scale, shift = (w @ norm.style.weight.T / math.sqrt(5) + norm.style.bias).split(4, 1)
    plain = (x - x.mean(2, keepdim=True)) / (x.var(2, keepdim=True, correction=0) + 1e-5).sqrt()
    close(norm(x, w), plain * (1 + scale)[:, None] + shift[:, None], rtol=1e-4, atol=1e-5)


LAYERS = {
    "products": (lambda: MultiHeadAttention(4, 2), (1, 3, 4)),
    "relative": (lambda: RelativeAttention(4, 2, (1, 3)), (1, 3, 4)),
    "distances": (lambda: L2Attention(4, 2), (1, 3, 4)),
    "block": (lambda: TransformerBlock(4, L2Attention(4, 2), 2), (1, 2, 4)),
    "axial": (lambda: AxialAttention(4, heads=2), (1, 4, 2, 2)),
    "window": (lambda: WindowAttention(4, heads=2, window=2, shift=True), (1, 4, 2, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_both_orders_are_right(name: str) -> None:
    make, shape = LAYERS[name]
    layer, x = rough(make(), 0.5).double(), torch.randn(*shape, dtype=torch.double, requires_grad=True)
    weights = list(layer.parameters())

    def of(given: Tensor, *theirs: Tensor) -> Tensor:
        names = [known for known, _ in layer.named_parameters()]
        return torch.func.functional_call(layer, dict(zip(names, theirs, strict=True)), (given,))

    assert torch.autograd.gradcheck(of, (x, *weights), fast_mode=True)
    with exact(CPU):
        assert torch.autograd.gradgradcheck(of, (x, *weights), fast_mode=True)


@pytest.mark.parametrize("name", LAYERS)
def test_exact_passes_have_the_numbers_of_the_fused_ones(name: str) -> None:
    make, shape = LAYERS[name]
    layer, x = rough(make(), 0.5), torch.randn(*shape)
    with exact(CPU):
        plain = layer(x)
    close(layer(x), plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("module", [nn.Linear(6, 4), nn.Conv2d(3, 5, 3)], ids=["linear", "conv"])
def test_improved_spectral_norm_keeps_the_largest_singular_value(module: nn.Module) -> None:
    start = module.weight.detach().clone()
    wanted = torch.linalg.matrix_norm(start.flatten(1), 2)
    improved_spectral_norm(module)
    close(module.eval().weight, start, rtol=1e-3, atol=1e-5)
    stored = module.parametrizations.weight.original
    with torch.no_grad():
        stored.add_(torch.randn_like(stored))
    module.train()
    for _ in range(100):
        weight = module.weight
    close(torch.linalg.matrix_norm(weight.flatten(1), 2), wanted, rtol=0.02, atol=0)
    close(weight / weight.norm(), stored / stored.norm(), rtol=1e-4, atol=1e-5)


def test_a_weight_of_zeros_stays_one_under_improved_spectral_norm() -> None:
    module = nn.Linear(3, 2)
    nn.init.zeros_(module.weight)
    improved_spectral_norm(module)
    assert torch.isfinite(module(torch.ones(1, 3))).all()
