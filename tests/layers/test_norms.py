"""Layers: the arithmetic of the papers, and the same numbers by a faster way."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from ganzoo.errors import UsageError
from ganzoo.layers import batch_norm, norm, resample, timm_attention, weight
from ganzoo.layers.attention import LinearAttention, SelfAttention
from ganzoo.layers.conditioning import AuxiliaryClassifier, OneHot, Projection
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock
from ganzoo.parts.output import Output

NORMS = {
    "bn": batch_norm.BatchNorm,
    "cbn": batch_norm.conditional_batch_norm,
    "in": norm.InstanceNorm,
    "ln": norm.LayerNorm,
    "gn": norm.GroupNorm,
    "pixelnorm": norm.PixelNorm,
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def onehot(n: int, k: int) -> torch.Tensor:
    return F.one_hot(torch.arange(n) % k, k).float()


# Resampling folded into convolutions


def pooled(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.conv2d(x, conv.weight, conv.bias, padding=1), 2)


def doubled(mode: str):
    corners = {"bilinear": {"align_corners": False}}.get(mode, {})

    def plain(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.interpolate(x, scale_factor=2, mode=mode, **corners), conv.weight, conv.bias, padding=1)

    return plain


FOLDED = [
    (resample.DownConv2d, pooled),
    (resample.NearestUpConv2d, doubled("nearest")),
    (resample.BilinearUpConv2d, doubled("bilinear")),
    (
        resample.TransposedConv2d,
        lambda conv, x: F.conv_transpose2d(x, conv.weight, conv.bias, stride=2, padding=1),
    ),
]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("layer", "plain"), FOLDED)
def test_folded_convolution_equals_the_plain_layers_with_its_gradients(layer, plain, bias):
    conv = layer(5, 7, bias=bias)
    x = torch.randn(2, 5, 8, 6, requires_grad=True)
    ours, theirs = conv(x), plain(conv, x)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 6e-6
    probe = torch.randn_like(theirs)
    wanted = [x, *conv.parameters()]
    for a, b in zip(torch.autograd.grad(ours, wanted, probe), torch.autograd.grad(theirs, wanted, probe), strict=True):
        assert (a - b).abs().max() < 1e-5 * (1 + b.abs().max())


@pytest.mark.parametrize(("layer", "plain"), FOLDED)
def test_folded_convolution_can_be_differentiated_twice(layer, plain):
    conv = layer(2, 2).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(
        lambda x, w: torch.func.functional_call(conv, {"weight": w}, x), (x, conv.weight)
    )


def test_folding_is_done_in_float32_under_autocast():
    conv = resample.DownConv2d(3, 4)
    seen = []
    conv.weight.register_hook(lambda grad: seen.append(grad.dtype))
    x = torch.randn(1, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert resample.widened(conv.weight, 4).dtype == torch.float32
        out = conv(x)
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16 and seen == [torch.float32]


# Residual blocks


def plain_norm(channels: int) -> nn.Module:
    return batch_norm.BatchNorm(channels, 0)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_g_block_equals_the_papers_order_of_layers(mode):
    block, x, y = GBlock(4, 6, plain_norm, mode), torch.randn(3, 4, 4, 4), torch.zeros(3, 0)
    up = doubled(mode)
    h = block.conv2(F.relu(block.norm2(up(block.conv1, F.relu(block.norm1(x, y))), y)))
    corners = {"bilinear": {"align_corners": False}}.get(mode, {})
    shortcut = block.shortcut[0](F.interpolate(x, scale_factor=2, mode=mode, **corners))
    assert torch.allclose(block(x, y), h + shortcut, atol=6e-6)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("rectify", [True, False])
def test_d_block_equals_the_papers_order_of_layers(down, rectify):
    from ganzoo.gan.kit import Unchanged

    block, x = DBlock(4, 6, lambda c: Unchanged(), down, rectify), torch.randn(3, 4, 4, 4)
    one_by_one = block.shortcut[1] if down else block.shortcut
    h = F.conv2d(F.relu(block.conv1(F.relu(x))), block.conv2.weight, block.conv2.bias, padding=1)
    whole = h + one_by_one(F.relu(x) if rectify else x)
    before = x.clone()
    assert torch.allclose(block(x, torch.zeros(3, 0)), F.avg_pool2d(whole, 2) if down else whole, atol=6e-6)
    assert torch.equal(x, before)


def test_d_block_of_one_shape_passes_its_input_on():
    block = DBlock(4, 4, plain_norm, down=False)
    assert isinstance(block.shortcut, nn.Identity)


def test_first_d_block_sees_the_raw_image():
    from ganzoo.gan.kit import Unchanged

    block, x = FirstDBlock(3, 6, lambda c: Unchanged()), torch.randn(2, 3, 8, 8)
    plain = F.conv2d(F.relu(block.conv1(x)), block.conv2.weight, block.conv2.bias, padding=1) + block.shortcut[1](x)
    assert torch.allclose(block(x, torch.zeros(2, 0)), F.avg_pool2d(plain, 2), atol=6e-6)


# Normalizations


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 4, 4)])
@pytest.mark.parametrize("name", NORMS)
def test_norm_keeps_shape_dtype_and_learns(name, shape):
    if name == "in" and len(shape) == 2:
        pytest.skip("instance norm needs pixels")
    layer = NORMS[name](8, 3)
    x = (3 + 5 * torch.randn(shape)).requires_grad_()
    out = layer(x, onehot(6, 3))
    assert out.shape == x.shape
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())
    assert 0.7 < out.detach().square().mean().sqrt() < 1.3


@pytest.mark.parametrize("name", NORMS)
def test_norm_under_bf16_keeps_memory_format_and_float32_statistics(name):
    layer = NORMS[name](8, 3)
    x = (100 + torch.randn(6, 8, 4, 4)).bfloat16().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x, onehot(6, 3))
    exact = NORMS[name](8, 3)
    exact.load_state_dict(layer.state_dict())
    assert out.dtype == torch.bfloat16
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert (out.float() - exact(x.float(), onehot(6, 3))).abs().max() < 0.05
    assert all(buffer.dtype == torch.float32 for buffer in layer.buffers())


@pytest.mark.parametrize("name", ["in", "ln", "gn"])
def test_norm_of_bf16_is_that_of_its_numbers_in_float32(name):
    layer = NORMS[name](8, 0)
    nn.init.normal_(layer.weight)
    told, probe = [], torch.randn(6, 8, 4, 4).bfloat16()
    for dtype in (torch.bfloat16, torch.float32):
        x = torch.linspace(-2, 40, 6 * 8 * 16).bfloat16().view(6, 8, 4, 4).to(dtype).requires_grad_()
        out = layer(x, torch.zeros(6, 0))
        (slope,) = torch.autograd.grad(out, x, probe.to(dtype))
        told.append((out.bfloat16(), slope.bfloat16()))
    assert all(torch.equal(ours, wanted) for ours, wanted in zip(*told, strict=True))


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 4, 4)])
def test_bn_equals_torch_in_training_and_evaluation(shape):
    ours, theirs = batch_norm.BatchNorm(8, 0), (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(8)
    for _ in range(3):
        x = 2 + torch.randn(shape)
        assert torch.allclose(ours(x, x), theirs(x))
    assert torch.allclose(ours.eval()(x, x), theirs.eval()(x))
    assert {"running_mean", "running_var"} <= set(ours.state_dict())


def test_cbn_chooses_scale_and_shift_by_label_and_mixes_them_linearly():
    layer = batch_norm.conditional_batch_norm(4, 3)
    assert sum(p.numel() for p in layer.parameters()) == 2 * 4 * 3
    assert abs(layer.gain.mean() - 1) < 0.05 and layer.shift.abs().max() == 0
    nn.init.normal_(layer.shift)
    x, labels = torch.randn(6, 4, 5, 5), torch.arange(6) % 3
    normal = F.batch_norm(x, None, None, training=True)
    wanted = normal * layer.gain[labels][:, :, None, None] + layer.shift[labels][:, :, None, None]
    assert torch.allclose(layer(x, onehot(6, 3)), wanted, atol=1e-5)
    half = torch.full((6, 3), 1 / 3)
    mixed = normal * layer.gain.mean(0)[:, None, None] + layer.shift.mean(0)[:, None, None]
    assert torch.allclose(layer(x, half), mixed, atol=1e-5)


def test_cbn_without_labels_is_bn():
    layer = batch_norm.conditional_batch_norm(4, 0)
    x = torch.randn(6, 4)
    assert torch.allclose(layer(x, torch.zeros(6, 0)), F.batch_norm(x, None, None, training=True), atol=1e-6)
    assert sum(p.numel() for p in layer.parameters()) == 8


def test_in_on_a_vector_says_what_to_use():
    with pytest.raises(UsageError, match="use bn, ln or gn"):
        norm.InstanceNorm(4, 0)(torch.randn(2, 4), torch.zeros(2, 0))


@pytest.mark.parametrize(
    ("channels", "groups", "got"), [(64, 32, 32), (32, 32, 16), (48, 32, 24), (3, 32, 1), (1, 4, 1)]
)
def test_gn_fits_its_groups_to_the_width(channels, groups, got):
    layer = norm.GroupNorm(channels, 0, groups=groups)
    assert layer.groups == got
    x = torch.randn(2, channels, 3, 3)
    assert torch.allclose(layer(x, x), F.group_norm(x, got), atol=1e-6)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: norm.GroupNorm(4, 0, groups=0), "gn:groups=0 .*1 or more"),
        (lambda: batch_norm.BatchNorm(4, 0, momentum=7), "momentum=7 .*from 0 to 1"),
        (lambda: weight.spectral_norm(nn.Linear(2, 2), iterations=0), "sn:iterations=0"),
        (lambda: weight.equalized_lr(nn.Linear(2, 2), gain=0), "eqlr:gain=0"),
        (lambda: weight.magnitude_preserving(nn.Linear(2, 2), gain=-1), "mp:gain=-1"),
        (lambda: timm_attention.squeeze_excite(8, ratio=-1), "se:ratio=-1"),
        (lambda: timm_attention.global_context(8, ratio=2), "gc:ratio=2"),
        (lambda: LinearAttention(8, local=2), "linear:local=2 .*odd"),
        (lambda: LinearAttention(8, heads=0), "linear:heads=0"),
        (lambda: timm_attention.cbam(8, kernel=4), "cbam:kernel=4 .*odd"),
    ],
)
def test_numbers_that_cannot_work_are_refused_by_name(attempt, words):
    with pytest.raises(UsageError, match=words):
        attempt()


def test_pixelnorm_gives_unit_mean_square():
    out = norm.PixelNorm(8, 0)(torch.randn(2, 8, 3, 3) * 7, torch.zeros(2, 0))
    assert torch.allclose(out.square().mean(1), torch.ones(2, 3, 3), atol=1e-4)


# Weights


LAYERS = {
    "linear": lambda: nn.Linear(6, 9),
    "conv": lambda: nn.Conv2d(4, 7, 3),
    "folded": lambda: resample.DownConv2d(4, 7),
    "transposed": lambda: resample.TransposedConv2d(4, 7),
    "embedding": lambda: nn.Embedding(10, 5),
}
APPLY = {
    "sn": weight.spectral_norm,
    "wn": weight.weight_norm,
    "eqlr": weight.equalized_lr,
    "mp": weight.magnitude_preserving,
}


def true_sigma(module: nn.Module, tensor: torch.Tensor) -> float:
    return torch.linalg.matrix_norm(tensor.detach().movedim(weight.output_dim(module), 0).flatten(1), 2).item()


@pytest.mark.parametrize("layer", LAYERS)
def test_sn_divides_by_the_largest_singular_value(layer):
    module = LAYERS[layer]()
    sigma = true_sigma(module, module.weight)
    before = module.weight.detach().clone()
    weight.spectral_norm(module)
    for _ in range(60):
        _ = module.weight
    assert true_sigma(module, module.weight) == pytest.approx(1, abs=2e-4)
    assert torch.allclose(module.weight, before / sigma, rtol=1e-3)
    assert set(module.state_dict()) >= {f"parametrizations.weight.0.{v}" for v in "uv"}


@pytest.mark.parametrize("layer", ["linear", "conv", "transposed"])
def test_sn_agrees_with_torch_and_in_its_gradient(layer):
    ours = LAYERS[layer]()
    theirs = LAYERS[layer]()
    theirs.load_state_dict(ours.state_dict())
    weight.spectral_norm(ours)
    parametrizations.spectral_norm(theirs)
    for _ in range(60):
        _ = ours.weight, theirs.weight
    ours.eval()
    theirs.eval()
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-3, atol=1e-5)
    probe = torch.randn_like(ours.weight)
    a, b = (
        torch.autograd.grad((m.weight * probe).sum(), m.parametrizations.weight.original)[0] for m in (ours, theirs)
    )
    assert torch.allclose(a, b, rtol=1e-2, atol=1e-3)


def vectors(module: nn.Module) -> torch.Tensor:
    parametrization = module.parametrizations.weight[0]
    return torch.cat([parametrization.u, parametrization.v]).clone()


def test_sn_iterates_once_per_cached_turn_and_only_where_the_weight_learns():
    module = nn.Linear(20, 30)
    weight.spectral_norm(module)
    start = vectors(module)
    single = module.parametrizations.weight[0]
    steps = []
    plain, single.iterate = single.iterate, lambda *a: (steps.append(1), plain(*a))
    with parametrize.cached():
        first, second = module.weight, module.weight
    assert first is second and len(steps) == 1 and not torch.equal(start, vectors(module))
    held = vectors(module)
    module.requires_grad_(False)
    _ = module.weight
    module.requires_grad_(True).eval()
    _ = module.weight
    assert len(steps) == 1 and torch.equal(held, vectors(module))


def test_sn_backward_survives_a_later_iteration():
    module = nn.Linear(6, 9)
    weight.spectral_norm(module)
    x = torch.randn(4, 6)
    (module(x).sum() + module(x).sum()).backward()
    assert module.parametrizations.weight.original.grad.isfinite().all()


def test_sn_can_be_differentiated_twice():
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Softplus(), nn.Flatten(), nn.Linear(16, 1))
    for layer in (net[0], net[3]):
        weight.spectral_norm(layer)
    net.eval()
    x = torch.randn(3, 2, 4, 4, requires_grad=True)
    (grad,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    grad.square().sum().backward()
    assert net[0].parametrizations.weight.original.grad.abs().sum() > 0


def test_sn_keeps_float32_under_autocast():
    module = nn.Linear(6, 9)
    weight.spectral_norm(module)
    with torch.autocast("cpu", torch.bfloat16):
        assert module.weight.dtype == torch.float32
    assert vectors(module).dtype == torch.float32


def test_sn_of_a_zero_weight_is_finite():
    module = nn.Linear(3, 4)
    nn.init.zeros_(module.weight)
    weight.spectral_norm(module)
    assert module.weight.isfinite().all()


@pytest.mark.parametrize("kind", APPLY)
@pytest.mark.parametrize("layer", LAYERS)
def test_weight_parts_work_on_meta_and_bake_into_plain_weights(kind, layer):
    with torch.device("meta"):
        ghost = LAYERS[layer]()
        APPLY[kind](ghost)
    module = LAYERS[layer]()
    APPLY[kind](module)
    assert {k: v.shape for k, v in ghost.state_dict().items()} == {k: v.shape for k, v in module.state_dict().items()}
    module.eval()
    used = module.weight.detach().clone()
    parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    assert torch.equal(module.weight, used)
    assert "weight" in module.state_dict()


@pytest.mark.parametrize("kind", ["wn", "eqlr"])
@pytest.mark.parametrize("layer", LAYERS)
def test_wn_and_eqlr_start_at_the_initial_weights(kind, layer):
    module = LAYERS[layer]()
    before = module.weight.detach().clone()
    APPLY[kind](module)
    assert torch.allclose(module.weight, before, atol=1e-6)


def test_wn_keeps_a_length_per_output():
    module = nn.ConvTranspose2d(4, 7, 3)
    weight.weight_norm(module)
    assert module.parametrizations.weight.original0.numel() == 7


def test_eqlr_scales_by_gain_over_root_fan_in():
    for layer, inputs in (("linear", 6), ("conv", 36), ("transposed", 64), ("embedding", 1)):
        module = LAYERS[layer]()
        weight.equalized_lr(module, gain=3.0)
        stored = module.parametrizations.weight.original
        assert torch.allclose(module.weight, stored * 3 / inputs**0.5)


@pytest.mark.parametrize("layer", LAYERS)
def test_mp_keeps_directions_and_one_length(layer):
    module = LAYERS[layer]()
    rows = module.weight.detach().movedim(weight.output_dim(module), 0).flatten(1)
    inputs = weight.fan_in(module)
    weight.magnitude_preserving(module, gain=3.0)
    used = module.weight.movedim(weight.output_dim(module), 0).flatten(1)
    assert torch.allclose(F.cosine_similarity(used, rows), torch.ones(len(rows)), atol=1e-5)
    assert torch.allclose(used.square().mean(1).sqrt(), torch.full((len(rows),), 3 / inputs**0.5), rtol=1e-3)


def test_mp_neither_enlarges_nor_shrinks_what_it_gets():
    layers = [weight.magnitude_preserving(layer, gain=1.0) or layer for layer in (nn.Linear(256, 256) for _ in "abcd")]
    x = torch.randn(64, 256)
    for layer in layers:
        nn.init.zeros_(layer.bias)
        x = layer(x)
    assert x.square().mean().sqrt().item() == pytest.approx(1, abs=0.05)


def test_mp_forces_what_is_stored_back_to_its_length_where_it_is_trained_and_nowhere_else():
    module = nn.Linear(6, 9)
    weight.magnitude_preserving(module)
    stored = module.parametrizations.weight.original
    with torch.no_grad():
        stored.mul_(7)
    used = module.eval().weight
    assert stored.square().mean().item() == pytest.approx(49, rel=1e-3)
    assert torch.allclose(module.train().requires_grad_(False).weight, used)
    assert stored.square().mean().item() == pytest.approx(49, rel=1e-3)
    assert torch.allclose(module.requires_grad_(True).weight, used, atol=1e-3)
    assert stored.square().mean().item() == pytest.approx(1, rel=1e-3)


def test_mp_turns_by_the_same_angle_however_large_its_gradient_and_lets_two_passes_learn():
    module = nn.Linear(64, 1, bias=False)
    weight.magnitude_preserving(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    angles = []
    for number in range(40):
        before = module.weight.detach().clone()
        passes = [module(torch.randn(8, 64, generator=torch.Generator().manual_seed(number))) for _ in "ab"]
        optimizer.zero_grad()
        (passes[0].mean() + passes[1].square().mean()).backward()
        stored = module.parametrizations.weight.original
        assert abs((stored * stored.grad).sum()) < 1e-3 * stored.norm() * stored.grad.norm()  # across, never along
        optimizer.step()
        angles.append(F.cosine_similarity(module.weight, before).acos().item())
    assert max(angles[5:]) < 0.15 and module.parametrizations.weight.original.norm() < 9


# Attention


def test_sa_starts_as_the_identity_and_its_map_rows_sum_to_one():
    layer, x = SelfAttention(16), torch.randn(2, 16, 8, 6)
    assert torch.equal(layer(x), x)
    rows = layer.attention_map(x)
    assert rows.shape == (2, 48, 12) and rows.dtype == torch.float32
    assert torch.allclose(rows.sum(2), torch.ones(2, 48), atol=1e-5)
    assert sum(p.numel() for p in layer.parameters()) == 16 * 2 * 2 + 16 * 8 * 2 + 1


def test_sa_is_the_sum_written_in_the_paper():
    layer, x = SelfAttention(16), torch.randn(2, 16, 4, 4)
    nn.init.ones_(layer.gamma)
    f, g, h = layer.query(x), F.max_pool2d(layer.key(x), 2), F.max_pool2d(layer.value(x), 2)
    beta = torch.einsum("bchw,bcij->bhwij", f, g).flatten(3).softmax(3).unflatten(3, (2, 2))
    wanted = x + layer.out(torch.einsum("bhwij,bcij->bchw", beta, h))
    for memory in (torch.contiguous_format, torch.channels_last):
        assert torch.allclose(layer(x.to(memory_format=memory)), wanted, atol=1e-5)


def test_sa_keeps_channels_last_and_runs_in_bf16():
    layer = SelfAttention(16)
    x = torch.randn(2, 16, 4, 4).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.attention_map(x).dtype == torch.float32
        assert layer(x).is_contiguous(memory_format=torch.channels_last)


TIMM = [
    timm_attention.squeeze_excite,
    timm_attention.cbam,
    timm_attention.eca,
    timm_attention.non_local,
    timm_attention.global_context,
]


@pytest.mark.parametrize("channels", [4, 32])
@pytest.mark.parametrize("build", TIMM)
def test_timm_attention_keeps_the_shape_and_learns(build, channels):
    layer = build(channels)
    x = torch.randn(2, channels, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    out = layer(x)
    assert out.shape == x.shape
    out.square().sum().backward()
    assert x.grad.abs().sum() > 0 and any(p.grad.abs().sum() > 0 for p in layer.parameters())


# Conditioning


def test_projection_adds_the_inner_product_with_the_labels_vector():
    head = Projection(3).head(5, bias=True)
    features, y = torch.randn(6, 5), onehot(6, 3)
    out = head(features, y)
    vector = head.embedding.weight.t()[torch.arange(6) % 3]
    assert torch.allclose(out.scores, head.score(features)[:, 0] + (vector * features).sum(1), atol=1e-6)
    assert sum(p.numel() for p in head.parameters()) == 5 + 1 + 3 * 5
    maps = torch.randn(6, 5, 1, 1)
    assert torch.allclose(head(maps, y).scores, head(maps.flatten(1), y).scores)


def test_onehot_lays_labels_beside_vectors_and_images():
    part = OneHot(3)
    assert part.added() == 3
    y = onehot(4, 3)
    assert torch.equal(part.embed(torch.zeros(4, 2), y)[:, 2:], y)
    image = part.embed(torch.zeros(4, 2, 5, 6), y)
    assert image.shape == (4, 5, 5, 6)
    assert torch.equal(image[:, 2:], y[:, :, None, None].expand(4, 3, 5, 6))


def test_ac_pays_each_player_for_what_the_classifier_can_name():
    part = AuxiliaryClassifier(3, weight=2.0, weight_fake=0.0, weight_g=0.5)
    head = part.head(5, bias=False)
    real, fake, y = torch.randn(6, 5), torch.randn(6, 5), onehot(6, 3)
    other = y.flip(0)
    ctx = SimpleNamespace(player="d", real=real, fake=fake, y_real=y, y_fake=other, discriminate=lambda x: head(x, y))
    labels = torch.arange(6) % 3
    terms = part.terms(ctx)
    assert set(terms) == {"class_real"}
    assert torch.allclose(terms["class_real"], 2 * F.cross_entropy(head.classifier(real), labels))
    ctx.player = "g"
    terms = part.terms(ctx)
    assert set(terms) == {"class_fake"}
    assert torch.allclose(terms["class_fake"], F.cross_entropy(head.classifier(fake), labels.flip(0)) / 2)
    assert isinstance(head(real, y), Output) and head(real, y).scores.shape == (6,)


def test_ac_as_in_the_paper_learns_from_real_and_fake():
    assert AuxiliaryClassifier(3).weights == {"d": {"real": 1.0, "fake": 1.0}, "g": {"fake": 1.0}}


def test_instance_norm_without_scale_and_shift_learns_nothing():
    x, y = torch.randn(2, 3, 4, 4), torch.zeros(2, 0)
    plain, bare = norm.InstanceNorm(3, 0), norm.InstanceNorm(3, 0, affine=False)
    assert torch.allclose(plain(x, y), bare(x, y), atol=1e-6)
    assert not list(bare.parameters()) and not bare.state_dict()
