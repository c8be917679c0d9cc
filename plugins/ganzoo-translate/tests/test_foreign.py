"""Translators of other projects compute as they did: networks written here as their lists of names describe them."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from peers import PatchGAN, ResNet, UNet, alone, made, model, same

from ganzoo import ModelError
from ganzoo.cli.kit import main
from ganzoo.foreign import read_foreign

NAMES = json.loads((Path(__file__).parent / "data" / "names-translators.json").read_text())
PUBLISHED = {
    "cyclegan": lambda: (ResNet(64, 9), PatchGAN(3, 64)),
    "cut": lambda: (ResNet(64, 9, down=True, up=True), PatchGAN(3, 64, smooth=True)),
    "pix2pix": lambda: (UNet(64, 8), PatchGAN(6, 64, norm="batch")),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_networks_of_these_tests_have_the_published_names_and_shapes(kind):
    with torch.device("meta"):
        networks = PUBLISHED[kind]()
    found = [{name: list(t.shape) for name, t in network.state_dict().items()} for network in networks]
    assert found == [NAMES[kind]["G"], NAMES[kind]["D"]]


@torch.no_grad()
def translated(converter, theirs, planes=3, side=32):
    gan = model(alone(converter, theirs.state_dict()))
    x = torch.rand(2, planes, side, side) * 2 - 1
    same(gan.G(x, torch.zeros(2, 0)), theirs(x))
    return gan


@pytest.mark.parametrize("norm", ["instance", "affine", "batch", "none"])
@pytest.mark.parametrize("dropout", [False, True])
def test_a_resnet_translates_alike(norm, dropout):
    torch.manual_seed(0)
    gan = translated("cyclegan-pix2pix", made(ResNet(3, 2, norm, dropout=dropout)))
    assert gan.resolution == 256
    assert any(type(module).__name__ == "Dropout" for module in gan.G.modules()) == dropout


@pytest.mark.parametrize(("width", "blocks", "planes"), [(2, 6, 1), (5, 1, 4)])
def test_any_width_depth_and_planes(width, blocks, planes):
    torch.manual_seed(0)
    translated("cyclegan-pix2pix", made(ResNet(width, blocks, planes=(planes, planes))), planes)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_cut_translates_alike(norm, up):
    torch.manual_seed(0)
    translated("cut", made(ResNet(2, 2, norm, down=True, up=up)))


@pytest.mark.parametrize(("norm", "depth"), [("batch", 5), ("batch", 6), ("instance", 5), ("affine", 5), ("none", 6)])
def test_a_unet_translates_alike(norm, depth):
    torch.manual_seed(0)
    gan = translated("cyclegan-pix2pix", made(UNet(2, depth, norm)), side=1 << depth)
    assert gan.resolution == 1 << depth


def test_a_unet_of_more_levels_than_usual():
    gan = translated("cyclegan-pix2pix", made(UNet(1, 9)), side=512)
    assert gan.resolution == 512


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_both_directions_and_their_critics_come_along(norm):
    torch.manual_seed(0)
    nets = {name: made(ResNet(2, 1, norm), seed) for seed, name in enumerate(("G_B", "G_A"))}
    nets |= {name: made(PatchGAN(3, 3, 2, norm), seed) for seed, name in enumerate(("D_B", "D_A"))}
    gan = model(alone("cyclegan-pix2pix", {name: net.state_dict() for name, net in nets.items()}))
    x, y = torch.rand(2, 3, 64, 64), torch.zeros(2, 0)
    with torch.no_grad():
        for ours, theirs in {"G": "G_A", "F": "G_B"}.items():
            same(getattr(gan, ours)(x, y), nets[theirs](x))
        for ours, theirs in {"D": "D_A", "E": "D_B"}.items():
            same(getattr(gan, ours)(x, y).scores, nets[theirs](x).flatten(1))


@pytest.mark.parametrize("norm", ["batch", "instance", "affine", "none"])
def test_a_critic_of_pairs_comes_along(norm):
    torch.manual_seed(0)
    g, d = made(UNet(2, 5, norm)), made(PatchGAN(6, 3, 1, norm))
    gan = model(alone("cyclegan-pix2pix", {"netG": g.state_dict(), "netD": d.state_dict()}))
    x, source = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        same(gan.D(x, torch.zeros(2, 0), source).scores, d(torch.cat([source, x], 1)).flatten(1))


def test_the_critic_of_cut_comes_along():
    torch.manual_seed(0)
    g, d = made(ResNet(2, 1, down=True, up=True)), made(PatchGAN(3, 2, smooth=True))
    gan = model(alone("cut", {"G": g.state_dict(), "D": d.state_dict()}))
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        same(gan.D(x, torch.zeros(2, 0)).scores, d(x).flatten(1))


def test_statistics_of_instance_norms_in_old_files_are_left():
    theirs = made(ResNet(2, 1))
    old = {**theirs.state_dict(), "model.2.running_mean": torch.ones(2), "model.2.running_var": torch.ones(2)}
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        same(model(alone("cyclegan-pix2pix", old)).G(x, torch.zeros(1, 0)), theirs(x))


def test_what_is_not_there_is_said():
    converted = alone("cyclegan-pix2pix", ResNet(2, 1).state_dict())
    assert converted.networks.keys() == {"G"}
    assert "start anew" in " ".join(converted.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state | {"model.1.weight": torch.zeros(2, 1, 7, 7)}, "'model.1.weight' images of 1 planes"),
        (lambda state: state | {"model.99.weight": torch.zeros(2)}, "no place for 'model.99.weight'"),
        (lambda state: state | {"model.7.filt": torch.rand(8, 1, 3, 3)}, "different filters"),
    ],
)
def test_variants_are_refused_by_the_tensor_that_tells(change, said):
    state = ResNet(2, 1, down=True, up=True).state_dict()
    with pytest.raises(ModelError, match=said):
        alone("cut", change(dict(state)))


@torch.no_grad()
def test_a_resnet_translates_pictures_of_any_size():
    torch.manual_seed(0)
    theirs = made(ResNet(2, 1))
    gan, x = model(alone("cyclegan-pix2pix", theirs.state_dict())), torch.rand(1, 3, 40, 24)
    same(gan.sample(source=x), (theirs(x * 2 - 1) + 1) / 2)
    assert gan.sample(source=x[..., :37, :21]).shape == (1, 3, 37, 21)


def test_half_precision_becomes_single():
    half = {name: tensor.half() for name, tensor in made(UNet(1, 5)).state_dict().items()}
    tensors = alone("cyclegan-pix2pix", half).networks["G"].values()
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}


def test_its_card_says_how_a_picture_of_ones_own_is_translated(tmp_path):
    torch.save(made(UNet(1, 5)).state_dict(), tmp_path / "latest_net_G.pth")
    for words in (
        ("import", tmp_path / "latest_net_G.pth", "--out", tmp_path / "maps"),
        ("card", tmp_path / "maps", "--check"),
    ):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == 0, done.output
    card = (tmp_path / "maps" / "README.md").read_text("utf-8")
    assert "--input photo.png" in card and "source=Image.open" in card and "sample(16" not in card


@pytest.mark.slow
def test_a_published_resnet_translates_alike():
    spec = importlib.util.find_spec("vintagify")
    if spec is None:
        pytest.skip("vintagify is not here")
    folder = Path(spec.submodule_search_locations[0])
    state = read_foreign(folder / "resources" / "G_A2B_epoch33.pth").content
    theirs = ResNet(64, 9, "affine")
    theirs.load_state_dict({name.replace(".block.", ".conv_block."): tensor for name, tensor in state.items()})
    gan = model(alone("cyclegan-pix2pix", state))
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        same(gan.G(x, torch.zeros(1, 0)), theirs.eval()(x))
