"""Architectures: the sizes of the papers, every size of image, and what a size that cannot be is answered with."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo.errors import ResolutionError, UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.kit import Unchanged

TINY = {
    "gan": "gan:ch=8",
    "dcgan": "dcgan:ch=2",
    "sngan": "sngan:ch=4",
    "sagan": "sagan:ch=8",
}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def step(model, size: int = 3):
    """One image batch through both networks: images, D's output."""
    y = torch.eye(max(1, model.classes))[torch.arange(size) % max(1, model.classes)][:, : model.classes]
    images = model.G(torch.randn(size, model.z_dim), y)
    return images, model.D(images, y)


SIZES = [
    ("sngan", {}, 4_276_739, 1_053_825),
    ("sngan+cbn+projection", {"classes": 10}, 4_304_387, 1_055_105),
    ("sagan", {"classes": 10}, 4_386_308, 1_075_586),
    ("dcgan", {"z_dim": 100}, 1_068_928, 663_296 + 64),  # the biases of D's first convolution are ours
    ("dcgan", {"z_dim": 100, "resolution": 64}, 3_576_704, 2_765_568 + 64),
]


@pytest.mark.parametrize(("recipe", "shape", "g", "d"), SIZES)
def test_sizes_are_those_of_the_papers(recipe, shape, g, d):
    model = build(recipe, device="meta", **shape)
    assert (count(model.G), count(model.D)) == (g, d)


def test_batch_norm_does_not_hide_the_contrast_of_a_batch_from_d():
    judge = build("dcgan:ch=4").D
    with torch.no_grad():
        for name, parameter in judge.named_parameters():
            if name.endswith("conv.weight"):
                parameter.mul_(100)  # as large as training makes them, so that what keeps norms from 1 / 0 is nothing
            elif name.endswith("bias"):
                parameter.normal_()
    images, y = torch.rand(16, 3, 32, 32) * 2 - 1, torch.zeros(16, 0)
    full, half = judge(images, y).scores, judge(images / 2, y).scores
    assert (full - half).abs().mean() > 0.01 * full.std()


@pytest.mark.parametrize("classes", [0, 10])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resolution", [16, 32, 64])
@pytest.mark.parametrize("name", TINY)
def test_images_are_made_and_judged(name, resolution, channels, classes):
    model = build(TINY[name], resolution=resolution, channels=channels, classes=classes, z_dim=5)
    images, output = step(model)
    assert images.shape == (3, channels, resolution, resolution)
    assert images.abs().max() <= 1 and output.scores.shape == (3,)
    (output.scores.sum() + images.square().sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


@pytest.mark.parametrize(
    ("name", "resolution"),
    [
        ("gan", 28),
        ("gan", 7),
        ("dcgan", 128),
        ("dcgan", 256),
        ("sngan", 24),
        ("sngan", 48),
        ("sngan", 128),
        ("sagan", 256),
    ],
)
def test_other_sizes_of_images(name, resolution):
    recipe = {"sngan": "sngan:ch=1", "sagan": "sagan:ch=1", "dcgan": "dcgan:ch=1"}.get(name, TINY[name])
    model = build(recipe, resolution=resolution, z_dim=5)
    images, output = step(model, 2)
    assert images.shape == (2, 3, resolution, resolution) and output.scores.isfinite().all()


@pytest.mark.parametrize(
    ("name", "resolution", "nearest"),
    [
        ("dcgan", 8, (16,)),
        ("dcgan", 48, (32, 64)),
        ("sngan", 28, (24, 32)),
        ("sagan", 100, (96, 128)),
        ("sngan", 12, (16,)),
    ],
)
def test_an_impossible_size_names_the_nearest_that_work(name, resolution, nearest):
    with pytest.raises(ResolutionError, match=rf"{name} .*{resolution}x{resolution}.*{nearest[-1]}") as caught:
        build(name, resolution=resolution)
    assert caught.value.nearest == nearest


@pytest.mark.parametrize(
    "recipe", ["dcgan:ch=0", "dcgan:dropout=2", "dcgan:ch.d=0", "sngan:ch=-1", "gan:depth=0", "gan:ch=0"]
)
def test_options_that_cannot_work_are_refused_by_name(recipe):
    with pytest.raises(UsageError, match=f"{recipe} does not work"):
        build(recipe)


@pytest.mark.parametrize("name", TINY)
def test_networks_can_be_built_on_meta(name):
    model = build(name, classes=10, device="meta")
    assert all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


@pytest.mark.parametrize("name", TINY)
def test_channels_last_and_bf16_autocast_change_nothing_but_precision(name):
    model = build(TINY[name], resolution=16, z_dim=5).eval()
    z, y = torch.randn(4, 5), torch.zeros(4, 0)
    wanted = model.G(z, y)
    scores = model.D(wanted, y).scores
    model.to(memory_format=torch.channels_last)
    assert torch.allclose(model.G(z, y), wanted, atol=1e-5)
    assert torch.allclose(model.D(wanted, y).scores, scores, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        images = model.G(z, y)
        assert (images.float() - wanted).abs().max() < 0.1
        assert (model.D(wanted, y).scores.float() - scores).abs().max() < 0.1 * (1 + scores.abs().max())


def test_layers_before_a_norm_have_a_bias_only_where_there_is_no_norm():
    normed, bare = build("dcgan:ch=2"), build("dcgan:ch=2+normalization/none")
    biased = [name for name, _ in normed.D.named_parameters() if name.endswith("conv.bias")]
    assert biased == ["trunk.stages.0.conv.bias"]
    convs = [m for m in bare.modules() if isinstance(m, nn.Conv2d)]
    assert all(conv.bias is not None for conv in convs)
    assert isinstance(normed.D.trunk.stages[0].norm, Unchanged)


@pytest.mark.parametrize(
    ("recipe", "g", "d"),
    [
        ("dcgan", {8: False, 16: True}, {16: True, 8: False}),
        ("sngan", {8: False, 16: True, 32: False}, {16: False, 8: True}),
    ],
)
def test_attention_sites(recipe, g, d):
    model = build(recipe, device="meta")
    assert model.sites == {"g": g, "d": d}


def test_sagan_of_the_paper_has_attention_at_32_pixels_of_128():
    model = build("sagan", resolution=128, classes=10, device="meta")
    assert {side: [s for s, own in sites.items() if own] for side, sites in model.sites.items()} == {
        "g": [32],
        "d": [32],
    }


def test_sngan_follows_the_tables_of_the_paper():
    def widths(resolution):
        model = build("sngan", resolution=resolution, device="meta")
        g, d = model.G.trunk.blocks, model.D.trunk.blocks
        return [b.conv1.out_channels for b in g], [b.conv2.out_channels for b in d]

    assert widths(32) == ([256] * 3, [128] * 4)
    assert widths(48) == ([256, 128, 64], [64, 128, 256, 512, 1024])
    assert widths(64) == ([512, 256, 128, 64], [64, 128, 256, 512, 1024])
    assert widths(128) == ([1024, 512, 256, 128, 64], [64, 128, 256, 512, 1024, 1024])


def test_widths_of_g_and_d_are_options():
    model = build("sngan:ch=16", device="meta")
    assert model.G.trunk.image.in_channels == 16 and model.D.trunk.features == 8
    assert build("sngan:ch=16,ch.d=24", device="meta").D.trunk.features == 24
    assert build("gan:ch=6,depth=3", device="meta").D.trunk.hidden[2].linear.out_features == 6


def test_dropout_stands_in_d_alone():
    for recipe in ("gan:ch=4,dropout=0.3", "dcgan:ch=2,dropout=0.3"):
        model = build(recipe)
        assert {m.p for m in model.D.modules() if isinstance(m, nn.Dropout)} == {0.3}
        assert not [m for m in model.G.modules() if isinstance(m, nn.Dropout)]


def test_g_last_norm_of_sngan_never_sees_labels():
    model = build("sngan:ch=4+cbn", classes=10)
    assert model.G.trunk.norm.weight.numel() == 4


@pytest.mark.parametrize("attention", ["sa", "se", "cbam", "eca", "nl"])
def test_attention_stands_at_the_named_sites(attention):
    model = build(f"dcgan:ch=4+{attention}@8,16")
    assert [type(s.attention).__name__ for s in model.D.trunk.stages[:2]] == [
        type(model.G.trunk.stages[0].attention).__name__
    ] * 2
    assert not isinstance(model.G.trunk.stages[0].attention, nn.Identity)
    _, output = step(model)
    assert output.scores.isfinite().all()
