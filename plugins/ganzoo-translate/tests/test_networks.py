"""The networks of the four papers: their sizes, what they refuse, and critics of patches."""

import pytest
import torch
import torch.nn.functional as F
from ganzoo_translate.patches import patch

import ganzoo
from ganzoo import RecipeError, ResolutionError, UsageError

SYSTEMS = ("pix2pix", "cyclegan", "cartoongan", "simgan")
SMALL = {name: f"{name}:ch=4" + ("" if name == "pix2pix" else ",blocks=1") for name in SYSTEMS}


def parameters(gan, name):
    return sum(parameter.numel() for parameter in getattr(gan, name).parameters())


@pytest.mark.parametrize(
    ("system", "millions"),
    [
        ("pix2pix", {"G": 54.41, "D": 2.77}),
        ("cyclegan", {"G": 11.38, "F": 11.38, "D": 2.76, "E": 2.76}),
    ],
)
def test_the_papers_networks_have_the_papers_sizes(system, millions):
    gan = ganzoo.build(system, 256, 3, device="meta")
    assert {name: round(parameters(gan, name) / 1e6, 2) for name in millions} == millions


def test_networks_of_cyclegan_are_those_of_the_authors_to_the_last_parameter():
    gan = ganzoo.build("cyclegan", 256, 3, device="meta")
    assert [parameters(gan, name) for name in ("G", "D")] == [11_378_179, 2_764_737]


@pytest.mark.parametrize("antialias", ["down", "both"])
def test_smooth_halving_and_doubling_learn_nothing_and_keep_sizes(antialias):
    plain, smooth = (
        ganzoo.build(f"{SMALL['cyclegan']}{more}", 32, 3) for more in ("", f",antialias={antialias},antialias.d=true")
    )
    assert [parameters(gan, "G") for gan in (plain, smooth)] == [parameters(plain, "G")] * 2
    assert smooth.sample(source=torch.rand(2, 3, 32, 32)).shape == (2, 3, 32, 32)
    x, y = torch.rand(2, 3, 32, 32), torch.zeros(2, 0)
    assert smooth.D(x, y).scores.shape == plain.D(x, y).scores.shape


def test_a_unet_halves_as_often_as_it_is_told():
    assert len(ganzoo.build("pix2pix:depth=3", 64, device="meta").G.trunk.up) == 2
    with pytest.raises(ResolutionError, match="multiple of 128"):
        ganzoo.build("pix2pix:depth=7", 64, device="meta")


def test_depth_and_width_follow_the_size():
    depths = {r: len(ganzoo.build("pix2pix", r, device="meta").G.trunk.up) + 1 for r in (16, 32, 48, 64, 96, 128, 256)}
    assert depths == {16: 4, 32: 5, 48: 4, 64: 6, 96: 5, 128: 7, 256: 8}
    halves = {r: len(ganzoo.build("pix2pix", r, device="meta").D.trunk.convs) - 1 for r in (32, 64, 128, 256)}
    assert halves == {32: 1, 64: 2, 128: 3, 256: 3}
    blocks = {r: len(ganzoo.build("cyclegan", r, device="meta").G.trunk.layers) - 8 for r in (32, 64, 128, 256)}
    assert blocks == {32: 3 - 1, 64: 6 - 1, 128: 6 - 1, 256: 9 - 1}
    firsts = [ganzoo.build("cyclegan", r, device="meta").G.trunk.image.in_channels for r in (64, 128)]
    assert firsts == [32, 64]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("resolution", "channels"), [(32, 3), (48, 1), (64, 3)])
def test_images_in_images_out(system, resolution, channels):
    gan = ganzoo.build(SMALL[system], resolution, channels)
    images = gan.sample(source=torch.rand(2, channels, resolution, resolution))
    assert images.shape == (2, channels, resolution, resolution)
    assert 0 <= images.min() <= images.max() <= 1 and images.std() > 0


@pytest.mark.parametrize(
    ("system", "resolution", "near"),
    [
        ("pix2pix", 40, (32, 48)),
        ("pix2pix", 8, (16,)),
        ("cyclegan", 30, (28, 32)),
        ("cartoongan", 33, (32, 36)),
        ("simgan", 35, (32, 36)),
        ("simgan", 4, (8,)),
        ("pix2pix:layers=4", 32, (64,)),
    ],
)
def test_a_size_that_cannot_be_is_refused_with_the_nearest(system, resolution, near):
    with pytest.raises(ResolutionError, match=rf"{resolution}") as caught:
        ganzoo.build(system, resolution, 3)
    assert caught.value.nearest == near
    ganzoo.build(system, near[-1], 3, device="meta")


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("pix2pix:ch=0", "pix2pix:ch=0 does not work: it is 1 or more"),
        ("pix2pix:l1=-1", "pix2pix:l1=-1 does not work"),
        ("pix2pix:dropout=2", "from 0 to 1"),
        ("pix2pix:layers=0", "from 1 to 6"),
        ("pix2pix:depth=1", "from 2 to 16"),
        ("cyclegan:antialias=up", "cyclegan:antialias"),
        ("cyclegan:dropout=2", "from 0 to 1"),
        ("cyclegan:pool=-1", "cyclegan:pool=-1"),
        ("cyclegan:cylce=3", "no option 'cylce'; nearest: cycle"),
        ("cyclegan:identity=-0.5", "cyclegan:identity"),
        ("cartoongan:warmup=-1", "cartoongan:warmup"),
        ("cartoongan:edges=x", "edges takes a number"),
        ("simgan:warmup.d=-1", "simgan:warmup.d=-1"),
        ("simgan:reg=-1", "simgan:reg"),
    ],
)
def test_options_that_cannot_be_are_refused(recipe, said):
    with pytest.raises(UsageError, match=said):
        ganzoo.build(recipe, 32, 3)


def test_data_without_sources_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(RecipeError, match="pix2pix needs 'pairs'"):
        ganzoo.train("pix2pix", data=torch.zeros(8, 3, 32, 32, dtype=torch.uint8), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- critics of patches -------------------------------------------------------------------------------------


def test_plain_head_of_patches_is_the_papers_last_convolution():
    critic = ganzoo.build("pix2pix:ch=4", 32, 3).D
    x, source, y = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32), torch.zeros(2, 0)
    said = critic(x, y, source)
    score = critic.head.score
    kernel = score.weight.reshape(1, 4, 4, critic.trunk.features).permute(0, 3, 1, 2)
    expected = F.conv2d(said.features, kernel, score.bias, padding=1).flatten(1)
    assert said.scores.shape == (2, 196)
    assert torch.allclose(said.scores, expected, atol=1e-6)


@pytest.mark.parametrize(("layers", "resolution"), [(1, 32), (2, 64), (3, 128)])
def test_a_patch_has_as_many_pixels_as_it_is_said_to(layers, resolution):
    critic = ganzoo.build(f"cyclegan:ch=2,layers={layers}+normalization/none", resolution, 1).D
    x = torch.randn(1, 1, resolution, resolution, requires_grad=True)
    scores = critic(x, torch.zeros(1, 0)).scores[0]
    scores[(len(scores) + int(len(scores) ** 0.5)) // 2].backward()  # the one in the middle
    rows = x.grad[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch(layers) == {1: 16, 2: 34, 3: 70}[layers]


@pytest.mark.parametrize("head", ["projection", "ac", "onehot"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_head_judges_each_patch(system, head):
    gan = ganzoo.build(f"{SMALL[system]}+{head}+in", 32, 3, classes=3).eval()
    x, y = torch.randn(3, 3, 32, 32), torch.eye(3)
    sources = (x.flip(3),) if system == "pix2pix" else ()
    plain, other = gan.D(x, y, *sources), gan.D(x, y.flip(0), *sources)
    assert plain.scores.shape == other.scores.shape and plain.scores.shape[0] == 3 and plain.scores.shape[1] > 1
    assert plain.extras.keys() == ({"class_logits"} if head == "ac" else set())
    assert all(extra.shape == (3, 3) for extra in plain.extras.values())
    if head != "ac":
        changed = (plain.scores - other.scores).abs().amax(1) > 0
        assert changed.tolist() == [True, False, True]  # the middle label stayed


def test_critic_of_pairs_looks_at_the_source():
    critic = ganzoo.build("pix2pix:ch=4+in", 32, 3).D
    x, y = torch.randn(2, 3, 32, 32), torch.zeros(2, 0)
    assert not torch.allclose(critic(x, y, x).scores, critic(x, y, x.flip(3)).scores)


def test_critic_of_sources_is_told_no_labels():
    gan = ganzoo.build("cyclegan:ch=4,blocks=1+projection", 32, 3, classes=3)
    x = torch.randn(2, 3, 32, 32)
    one, two = (gan.E(x, F.one_hot(torch.tensor([k, k]), 3).float()).scores for k in (0, 1))
    assert torch.equal(one, two)


@pytest.mark.parametrize("system", SYSTEMS)
def test_attention_stands_at_sites_of_its_own_and_where_it_is_asked_for(system):
    gan = ganzoo.build(f"{SMALL[system]}+sa", 32, 3, device="meta")
    assert any(type(module).__name__ == "SelfAttention" for module in gan.G.modules())
    ganzoo.build(f"{SMALL[system]}+sa@d,16", 32, 3, device="meta")
    with pytest.raises(RecipeError, match="none at 11"):
        ganzoo.build(f"{SMALL[system]}+sa@11", 32, 3, device="meta")


def test_spectral_norm_reaches_every_layer_of_both_critics():
    gan = ganzoo.build("cyclegan:ch=4,blocks=1+sn@d", 32, 3)
    for critic in (gan.D, gan.E):
        layers = [m for m in critic.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
        assert len(layers) == 3 and all(hasattr(layer, "parametrizations") for layer in layers)


def test_dropout_acts_in_training_only():
    gan = ganzoo.build("pix2pix:ch=4", 32, 3)
    source = torch.rand(2, 3, 32, 32)
    assert torch.equal(gan.sample(source=source), gan.sample(source=source))
    gan.train()
    assert not torch.equal(gan.G(source, torch.zeros(2, 0)), gan.G(source, torch.zeros(2, 0)))
