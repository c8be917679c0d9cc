"""The layers of BigGAN, BigGAN-deep, R3GAN and self-modulation against plain forms, written by their papers."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from rough_weights import rough
from torch import Tensor, nn

import ganzoo
from ganzoo.architectures.r3gan import Block, End, Start
from ganzoo.layers.batch_norm import ContextBatchNorm
from ganzoo.layers.bottleneck import d_bottleneck, g_bottleneck
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock

B, C_DIM = 4, 6
close = torch.testing.assert_close


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def normalised(x: Tensor, norm: nn.Module, c: Tensor) -> Tensor:
    """Conditional batch norm of BigGAN: statistics of the batch, gain ``1 + W c``, shift ``V c``."""
    centred = x - x.mean((0, 2, 3), keepdim=True)
    unit = centred / (centred.square().mean((0, 2, 3), keepdim=True) + norm.eps).sqrt()
    gain, shift = 1 + c @ norm.gain.weight.T, c @ norm.shift.weight.T
    return unit * gain[:, :, None, None] + shift[:, :, None, None]


def doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def halved(x: Tensor) -> Tensor:
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def conv(x: Tensor, layer: nn.Module, groups: int = 1) -> Tensor:
    """A convolution that keeps the map's size, whatever else the layer itself does besides."""
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2, groups=groups)


def only(module: nn.Module) -> nn.Module:
    """The one convolution in a shortcut."""
    (layer,) = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    return layer


# --- BigGAN: figure 15 of the paper --------------------------------------------------------------------------


def test_g_block_of_biggan():
    block = rough(GBlock(6, 4, lambda maps: ContextBatchNorm(maps, C_DIM), "nearest"))
    x, c = torch.randn(B, 6, 4, 4), torch.randn(B, C_DIM)
    h = conv(doubled(F.relu(normalised(x, block.norm1, c))), block.conv1)
    h = conv(F.relu(normalised(h, block.norm2, c)), block.conv2)
    close(block(x, c), h + conv(doubled(x), only(block.shortcut)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("widths", [(4, 6), (4, 4)])
def test_d_block_of_biggan_widens_by_its_first_convolution(down, widths):
    block = rough(DBlock(*widths, lambda maps: ganzoo.gan.kit.Unchanged(), down, wide=True))
    x = torch.randn(B, widths[0], 4, 4)
    pool = halved if down else torch.Tensor.clone
    assert block.conv1.out_channels == block.conv2.in_channels == widths[1]
    h = pool(conv(F.relu(conv(F.relu(x), block.conv1)), block.conv2))
    shortcut = x if widths == (4, 4) and not down else pool(conv(x, only(block.shortcut)))
    close(block(x, torch.zeros(B, 0)), h + shortcut, rtol=1e-4, atol=1e-4)


def test_first_d_block_of_biggan_rectifies_nothing_before_its_first_convolution():
    block, x = rough(FirstDBlock(3, 6, lambda maps: ganzoo.gan.kit.Unchanged())), torch.randn(B, 3, 8, 8)
    h = halved(conv(F.relu(conv(x, block.conv1)), block.conv2))
    close(block(x, torch.zeros(B, 0)), h + conv(halved(x), only(block.shortcut)), rtol=1e-4, atol=1e-4)


def test_g_of_biggan_cuts_its_noise_and_shares_an_embedding():
    """The first piece goes in, each other one into a block's norms beside the class; the last norm sees neither."""
    gan = ganzoo.build("biggan:ch=2+weight/none+attention/none", 16, 3, 3, z_dim=11)
    trunk = gan.G.trunk
    for module in trunk.modules():
        if isinstance(module, ContextBatchNorm):
            rough(module)
    z, y = torch.randn(B, 11), torch.eye(3)[[0, 2, 1, 2]]
    pieces = [z[:, :5], z[:, 5:8], z[:, 8:]]  # of 11 numbers three each, and the first takes what is left
    label = trunk.shared.embedding.weight.T[[0, 2, 1, 2]]
    assert label.shape == (B, 128)
    x = (pieces[0] @ trunk.project.weight.T + trunk.project.bias).reshape(B, 8, 4, 4)
    for block, piece in zip(trunk.blocks, pieces[1:], strict=True):
        c = torch.cat([piece, label], 1)
        h = conv(doubled(F.relu(normalised(x, block.norm1, c))), block.conv1)
        h = conv(F.relu(normalised(h, block.norm2, c)), block.conv2)
        x = h + conv(doubled(x), only(block.shortcut))
    plain = F.batch_norm(x, None, None, trunk.norm.weight, trunk.norm.bias, training=True)
    close(gan.G(z, y), torch.tanh(conv(F.relu(plain), trunk.image)), rtol=1e-3, atol=1e-4)


def test_d_of_biggan_sums_over_pixels_and_projects():
    gan = ganzoo.build("biggan:ch=2+weight/none+attention/none", 16, 3, 3)
    trunk, head = gan.D.trunk, gan.D.head
    x, y = torch.rand(B, 3, 16, 16), torch.eye(3)[[0, 2, 1, 2]]
    h = x
    for block in trunk.blocks:
        h = block(h, y)
    features = F.relu(h).sum((2, 3))
    plain = features @ head.score.weight[0] + head.score.bias
    match = (head.embedding.weight.T[[0, 2, 1, 2]] * features).sum(1)
    close(gan.D(x, y).scores, plain + match, rtol=1e-4, atol=1e-3)


def test_spectral_norm_of_biggan_reaches_norms_and_d_embedding():
    """All layers but the embedding that norms share; a weight as used has a largest singular value of 1."""
    gan = ganzoo.build("biggan:ch=4", 16, 3, 3).eval()
    blocks = gan.G.trunk.blocks
    for layer in (blocks[0].norm1.gain, blocks[1].norm2.shift, gan.D.head.embedding, gan.G.trunk.project):
        assert nn.utils.parametrize.is_parametrized(layer, "weight")
        original = layer.parametrizations.weight.original
        close(layer.weight, original / torch.linalg.matrix_norm(original, 2), rtol=0.05, atol=1e-3)
    assert not nn.utils.parametrize.is_parametrized(gan.G.trunk.shared.embedding)


# --- BigGAN-deep: figure 16 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("out", [8, 4])
def test_g_block_of_biggan_deep_drops_channels(up, out):
    block = rough(g_bottleneck(8, out, lambda maps: ContextBatchNorm(maps, C_DIM), up, convolve=False))
    x, c = torch.randn(B, 8, 4, 4), torch.randn(B, C_DIM)
    grow = doubled if up else torch.Tensor.clone
    assert [layer.weight.shape[:2] for layer in block.convs] == [(2, 8), (2, 2), (2, 2), (out, 2)]
    h = conv(F.relu(normalised(x, block.norms[0], c)), block.convs[0])
    h = conv(grow(F.relu(normalised(h, block.norms[1], c))), block.convs[1])
    h = conv(F.relu(normalised(h, block.norms[2], c)), block.convs[2])
    h = conv(F.relu(normalised(h, block.norms[3], c)), block.convs[3])
    close(block(x, c), h + grow(x)[:, :out], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("out", [4, 8])
def test_d_block_of_biggan_deep_concatenates_what_its_shortcut_lacks(down, out):
    block = rough(d_bottleneck(4, out, lambda maps: ganzoo.gan.kit.Unchanged(), down, convolve=False))
    x = torch.randn(B, 4, 4, 4)
    pool = halved if down else torch.Tensor.clone
    h = conv(F.relu(x), block.convs[0])
    h = conv(F.relu(h), block.convs[1])
    h = conv(F.relu(h), block.convs[2])
    h = conv(pool(F.relu(h)), block.convs[3])
    passed = pool(x)
    if out > 4:
        passed = torch.cat([passed, conv(passed, only(block.shortcut))], 1)
    close(block(x, torch.zeros(B, 0)), h + passed, rtol=1e-4, atol=1e-4)


def test_g_of_biggan_deep_gives_all_of_the_noise_to_every_norm():
    gan = ganzoo.build("biggan-deep:ch=8,depth=1+weight/none+attention/none", 16, 3, 3, z_dim=5)
    trunk = gan.G.trunk
    for module in trunk.modules():
        if isinstance(module, ContextBatchNorm):
            rough(module)
    z, y = torch.randn(B, 5), torch.eye(3)[[0, 2, 1, 2]]
    c = torch.cat([z, trunk.shared.embedding.weight.T[[0, 2, 1, 2]]], 1)
    x = (c @ trunk.project.weight.T + trunk.project.bias).reshape(B, -1, 4, 4)
    for stage in trunk.stages:
        for block in stage:
            x = block(x, c)
    plain = F.batch_norm(x, None, None, trunk.norm.weight, trunk.norm.bias, training=True)
    close(gan.G(z, y), torch.tanh(conv(F.relu(plain), trunk.image)), rtol=1e-3, atol=1e-4)


# --- R3GAN: section 4 ----------------------------------------------------------------------------------------


def test_block_of_r3gan_convolves_each_group_by_itself():
    block, x = rough(Block(4, expand=2, group=2, blocks=4)), torch.randn(B, 4, 5, 5)
    assert all(layer.bias is None for layer in (block.first, block.grouped, block.last))
    act = lambda h, bias: F.leaky_relu(h + bias[:, None, None], 0.2)  # noqa: E731
    h = act(torch.einsum("oi,bihw->bohw", block.first.weight[:, :, 0, 0], x), block.acts[0].bias)
    h = torch.cat(
        [F.conv2d(h[:, at : at + 2], block.grouped.weight[at : at + 2], padding=1) for at in range(0, 8, 2)], 1
    )
    h = torch.einsum("oi,bihw->bohw", block.last.weight[:, :, 0, 0], act(h, block.acts[1].bias))
    close(block(x), x + h, rtol=1e-4, atol=1e-5)


def test_basis_of_r3gan_is_scaled_in_g_and_an_inner_product_in_d():
    start, end = rough(Start(5, 3, (4, 4))), rough(End(3, (4, 4)))
    h, x = torch.randn(B, 5), torch.randn(B, 3, 4, 4)
    scaled = start(h)
    for i in range(B):
        for channel in range(3):
            close(scaled[i, channel], (start.scale.weight[channel] @ h[i]) * start.basis[channel])
            close(end(x)[i, channel], (x[i, channel] * end.basis[channel]).sum())


def resampled(x: Tensor, factor: int) -> Tensor:
    """Doubled or halved by [1, 2, 1], which is bilinear, pixel by pixel: zeros lie beyond the border."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    side = x.shape[2]
    made = (
        torch.zeros(*x.shape[:2], side * 2, side * 2)
        if factor == 2
        else torch.zeros(*x.shape[:2], side // 2, side // 2)
    )
    for a in range(made.shape[2]):
        for b in range(made.shape[3]):
            for i, p in enumerate(taps):
                for j, q in enumerate(taps):
                    at = (a + i - 2, b + j - 2) if factor == 2 else (2 * a + i - 1, 2 * b + j - 1)
                    if factor == 2:
                        if at[0] % 2 or at[1] % 2:
                            continue
                        at = (at[0] // 2, at[1] // 2)
                    if 0 <= at[0] < side and 0 <= at[1] < side:
                        made[:, :, a, b] += (4 if factor == 2 else 1) * p * q * x[:, :, at[0], at[1]]
    return made


def test_both_networks_of_r3gan_layer_by_layer():
    gan = ganzoo.build("r3gan:ch=8,full=8,group=4", 16, 3, 3, z_dim=5)
    g, d = gan.G.trunk, gan.D.trunk
    for network in (gan.G, gan.D):
        assert [
            n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and m.bias is not None
        ] == []
        assert all(block.last.weight.eq(0).all() for block in network.modules() if isinstance(block, Block))
        rough(network)
    z, classes = torch.randn(B, 5), [0, 2, 1, 2]
    y = torch.eye(3)[classes]
    h = torch.cat([z, g.embedding.embedding.weight.T[classes]], 1)
    x = (h @ g.start.scale.weight.T)[:, :, None, None] * g.start.basis
    for up, stage in zip(g.ups, g.stages, strict=True):
        convs = [m for m in up.modules() if isinstance(m, nn.Conv2d)]
        x = x if isinstance(up, nn.Identity) else resampled(x, 2)
        for layer in (*convs, *stage):
            x = layer(x)
    images = torch.einsum("oi,bihw->bohw", g.image.weight[:, :, 0, 0], x)
    close(gan.G(z, y), images, rtol=1e-3, atol=1e-3)
    x = torch.einsum("oi,bihw->bohw", d.image.weight[:, :, 0, 0], images)
    for down, stage in zip(d.downs, d.stages, strict=True):
        convs = [m for m in down.modules() if isinstance(m, nn.Conv2d)]
        x = x if isinstance(down, nn.Identity) else resampled(x, 0)
        for layer in (*convs, *stage):
            x = layer(x)
    features = (x * d.end.basis).sum((2, 3))
    scores = ((features @ gan.D.head.map.weight.T) * gan.D.head.embedding.weight.T[classes]).sum(1)
    close(gan.D(images, y).scores, scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 3), nn.Linear(6, 4)])
def test_spectral_norm_moves_its_vectors_as_torchgan_does(layer):
    other = pytest.importorskip("torchgan.layers", reason="pip install --no-deps torchgan==0.1.0")
    theirs = other.SpectralNorm2d(copy.deepcopy(layer))
    ganzoo.layers.spectral_norm(layer)
    own = layer.parametrizations.weight[0]
    theirs.u.data.copy_(own.u)
    x = torch.randn(2, *([3, 5, 5] if isinstance(layer, nn.Conv2d) else [6]))
    for _ in range(3):
        close(layer(x), theirs(x))
        close(own.u, theirs.u)


# --- conditioning of G ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 3])
def test_self_modulation_is_a_hidden_layer_of_noise_and_labels(classes):
    recipe = "dcgan:ch=4+selfmod:hidden=7" + ("+projection" if classes else "")
    own = ganzoo.build(recipe, 16, 1, classes, z_dim=5).G.conditioning
    z, y = torch.randn(B, 5), torch.eye(3)[[0, 2, 1, 2]][:, :classes]
    made = z
    if classes:
        shift, scale = (layer.weight.T[[0, 2, 1, 2]] for layer in (own.labelled.shift, own.labelled.scale))
        made = z + shift + z * scale
    close(own.context(z, y), F.relu(made @ own.modulate.weight.T + own.modulate.bias))


@pytest.mark.parametrize(
    "recipe", ["sngan:ch=8+cbn", "sagan:ch=8", "biggan:ch=8", "biggan-deep:ch=8", "dcgan:ch=64+selfmod"]
)
def test_conditional_norms_start_around_a_gain_of_one_and_a_shift_of_nothing_for_every_class(recipe):
    """A gain that is not centred on 1 starts G near 0: that alone kept another library's BigGAN from learning."""
    gan = ganzoo.build(recipe, 16, 1, 10, settings={"init": "orthogonal"})
    y = torch.eye(10)[:, : gan.classes] if gan.classes else torch.zeros(10, 0)
    seen = []

    def watch(norm: nn.Module, given: tuple[Tensor, Tensor], out: Tensor) -> None:
        c = given[1]
        norm.eval()  # statistics 0 and 1: what is left of it is gain and shift
        flat = torch.zeros(len(c), len(norm.running_mean), 1, 1)
        shift = norm.forward(flat, c)[:, :, 0, 0]
        seen.append((norm.forward(flat + 1, c)[:, :, 0, 0] - shift, shift))
        norm.train()

    named = ("ConditionalBatchNorm", "ContextBatchNorm")
    norms = [module for module in gan.G.modules() if type(module).__name__ in named]
    for norm in norms:
        norm.register_forward_hook(watch)
    z = gan.G.prior(10, torch.Generator().manual_seed(0))
    gan.G(0 * z if recipe.startswith("biggan") else z, y)  # what the noise adds is centred, too
    assert len(seen) == len(norms) > 1
    gains, shifts = (torch.cat([pair[i].flatten() for pair in seen]) for i in (0, 1))
    assert gains.mean().item() == pytest.approx(1, abs=0.1) and shifts.mean().item() == pytest.approx(0, abs=0.1)
    for i in range(10):
        own = torch.cat([gain[i] for gain, _ in seen])
        assert own.mean().item() == pytest.approx(1, abs=0.25) and own.std() < 0.6
