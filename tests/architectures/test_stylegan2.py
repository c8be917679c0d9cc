"""StyleGAN2: which w each layer takes, what it starts from, and its life in half precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.architectures.stylegan2 import Layer, Residual, ToImage
from ganzoo.layers import NoiseInput
from ganzoo.testing.tiny import tiny

ROWS = {  # the first row of w behind which each layer stands, for 32 pixels
    "layers.0": 0,
    "images.0": 1,
    "ups.0": 1,
    "layers.1": 2,
    "images.1": 3,
    "ups.1": 3,
    "layers.2": 4,
    "images.2": 5,
    "ups.2": 5,
    "layers.3": 6,
    "images.3": 7,
}


def test_each_layer_takes_its_row_of_w() -> None:
    gan = ganzoo.build("stylegan2:ch=8", 32, 3)
    trunk, taken = gan.G.trunk, {}
    assert gan.G.layers == 8
    for name, module in trunk.named_modules():
        if isinstance(module, (Layer, ToImage)):
            module.register_forward_hook(lambda m, given, out, name=name: taken.update({name: given[1][0, 0].item()}))
    w = torch.arange(8.0)[None, :, None].expand(1, 8, gan.G.w_dim).contiguous()
    gan.G.eval().synthesis(w)
    assert taken == {name: float(row) for name, row in ROWS.items()}


@pytest.mark.parametrize(("side", "layers"), [(32, 8), (256, 14), (1024, 18)])
def test_layers_of_w_go_with_the_size(side: int, layers: int) -> None:
    gan = ganzoo.build("stylegan2", side, 3, device="meta")
    assert gan.G.layers == layers
    noises = [m.constant.shape for m in gan.G.modules() if isinstance(m, NoiseInput)]
    assert sorted(noises)[-2:] == [(side, side)] * 2 and len(noises) == layers - 1


def test_layers_of_a_map_have_one_name_whatever_the_size_of_the_images() -> None:
    small, large = (ganzoo.build("stylegan2:ch=8,full=512", side, 3, device="meta") for side in (32, 64))
    for name in "GD":
        shapes = [{k: v.shape for k, v in getattr(gan, name).state_dict().items()} for gan in (small, large)]
        assert shapes[0].items() <= shapes[1].items()


@pytest.mark.parametrize(("recipe", "classes"), [("stylegan2:ch=64", 0), ("stylegan2:ch=64,form=plain", 3)])
def test_scores_and_images_start_at_the_scale_of_one(recipe: str, classes: int) -> None:
    torch.manual_seed(0)
    gan = ganzoo.build(recipe, 32, 3, classes)
    y = torch.eye(3)[torch.arange(32) % 3][:, :classes]
    fake = gan.G(torch.randn(32, gan.z_dim), y)
    assert 0.3 < fake.std() < 3
    assert 0.1 < gan.D(fake, y).scores.std() < 3


def test_residual_blocks_keep_the_variance() -> None:
    torch.manual_seed(0)
    flat = torch.randn(64, 64, 1, 1).expand(-1, -1, 16, 16)  # maps that a filter leaves alone
    assert Residual(64, 64)(flat)[..., 3:-3, 3:-3].square().mean().item() == pytest.approx(1.02, abs=0.15)


def test_layers_keep_the_mean_square_of_their_maps() -> None:
    torch.manual_seed(0)
    trunk = ganzoo.build("stylegan2:ch=64", 16, 3).G.trunk
    x, w = torch.randn(4, 64, 8, 8), torch.randn(4, 64)
    for layer, rim in ((trunk.layers[1], 1), (trunk.ups[1], 3)):  # what lies at the borders has less to sum
        made = layer(x, w)[:, :, rim:-rim, rim:-rim].square().mean().item()
        expected = 1.04 if layer is trunk.layers[1] else 1.04 * 0.39  # the filter smooths white noise
        assert made == pytest.approx(expected, rel=0.15)


def test_init_leaves_it_alone_and_weight_parts_do_not() -> None:
    gan = ganzoo.build("stylegan2:ch=32", 16, 3, settings={"init": "orthogonal"})
    layer = gan.G.trunk.layers[0].conv
    assert layer.weight.std().item() == pytest.approx(1, abs=0.05) and torch.equal(layer.affine.bias, torch.ones(32))
    normed = ganzoo.build("stylegan2:ch=16+sn", 16, 3)
    assert nn.utils.parametrize.is_parametrized(normed.G.trunk.layers[0].conv, "weight")


def test_samples_do_not_depend_on_their_batch_and_truncation_is_psi() -> None:
    gan = tiny("stylegan2:ch=8").build()
    for noise in (m for m in gan.G.modules() if isinstance(m, NoiseInput)):
        nn.init.constant_(noise.strength, 0.3)
    seven = gan.sample(7, seed=1)
    assert torch.allclose(gan.sample(7, seed=1, batch=2), seven, atol=1e-5)
    assert torch.allclose(gan.sample(3, seed=1), seven[:3], atol=1e-5)
    assert torch.equal(gan.sample(7, seed=1, truncation=1), seven)
    means = gan.sample(7, seed=1, truncation=0)
    assert torch.allclose(means[0], means[3], atol=1e-5) and not torch.allclose(means[0], means[1], atol=1e-3)
    with pytest.raises(ganzoo.UsageError, match="ψ, from -2 to 2"):
        gan.sample(1, truncation=5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_it_draws_in_half_precision(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    gan = ganzoo.build("stylegan2:ch=16", 32, 3, 3)
    z, y = torch.randn(4, gan.z_dim), torch.eye(3)[[0, 1, 2, 0]]
    plain = gan.G.eval()(z, y)
    with torch.no_grad():
        half: Tensor = gan.G.to(dtype)(z.to(dtype), y.to(dtype)).float()
    assert half.isfinite().all() and (half - plain).abs().max() < 0.15 * plain.abs().max()


def test_r1_takes_a_step_of_its_own_every_16_updates() -> None:
    trainer = tiny("stylegan2:ch=8").trainer()
    assert trainer.lazy == {"d": pytest.approx(16 / 17), "g": 1}
    (r1,) = trainer.gan.regularizers
    assert (r1.every, r1.own_step, r1.gamma) == (16, True, 10)


def test_pieces_of_a_batch_are_refused() -> None:
    with pytest.raises(ganzoo.UsageError, match="accumulate"):
        ganzoo.build("stylegan2:ch=8", 16, 3, settings={"accumulate.d": 2})


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("stylegan2:ch=0", "stylegan2:ch=0"),
        ("stylegan2:mixing=2", "stylegan2:mixing=2"),
        ("stylegan2:mapping=0", "stylegan2:mapping=0"),
        ("stylegan2:group=-1", "group=-1"),
        ("stylegan2:form=skip", "residual"),
        ("stylegan2+bn@g", "bn"),
    ],
)
def test_wrong_use_is_refused(recipe: str, said: str) -> None:
    with pytest.raises(ganzoo.UsageError, match=said):
        ganzoo.build(recipe, 16, 3, device="meta")


@pytest.mark.parametrize("head", ["plain", "projection", "ac", "spd", "bilinear", "tac", "mh", "md", "2c", "d2dce"])
def test_every_head_stands_on_its_features(head: str) -> None:
    gan = ganzoo.build(f"stylegan2:ch=8+{head}@d", 16, 3, 4)
    y = torch.eye(4)
    gan.D(torch.randn(4, 3, 16, 16), y).score.sum().backward()


def test_images_are_as_high_and_wide_as_asked() -> None:
    gan = ganzoo.build("stylegan2:ch=8", (16, 32), 4)
    assert gan.sample(2, seed=0).shape == (2, 4, 16, 32)
    assert gan.D(torch.randn(2, 4, 16, 32), torch.zeros(2, 0)).score.shape == (2,)
