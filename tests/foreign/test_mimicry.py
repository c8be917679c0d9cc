"""Checkpoints of torch-mimicry, written by its own code, and its own networks as the reference."""

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo import ModelError
from tests.foreign.peers import alone, converter, made, model, same

Z = 5


@pytest.fixture(scope="module")
def mimicry():
    """Its classes by name; without its __init__, which imports TensorFlow."""
    found = importlib.util.find_spec("torch_mimicry")
    if found is None or found.origin is None:
        pytest.skip("pip install --no-deps torch-mimicry")
    root, names = Path(found.origin).parent, set(sys.modules)
    try:
        for name in ("torch_mimicry", "torch_mimicry.nets"):
            package = types.ModuleType(name)
            package.__path__ = [str(root / name.partition(".")[2])]
            sys.modules[name] = package
        families = ["sngan", "ssgan", "infomax_gan", "wgan_gp", "dcgan", "cgan_pd", "sagan"]
        yield {name: importlib.import_module(f"torch_mimicry.nets.{name}") for name in families}
    finally:
        for name in set(sys.modules) - names:
            if name.partition(".")[0] == "torch_mimicry":
                del sys.modules[name]


def pair(mimicry, family, size, ngf, ndf, classes=0):
    """A G and a D of a family, whose vectors of spectral norm have not converged."""
    torch.manual_seed(0)
    prefix = {"sngan": "SNGAN", "ssgan": "SSGAN", "infomax_gan": "InfoMaxGAN", "wgan_gp": "WGANGP", "dcgan": "DCGAN"}
    prefix |= {"cgan_pd": "CGANPD", "sagan": "SAGAN"}
    labels = {"num_classes": classes} if classes else {}
    extra = {"nrkhs": 6} if family == "infomax_gan" else {}
    g = getattr(mimicry[family], f"{prefix[family]}Generator{size}")(nz=Z, ngf=ngf, **labels)
    d = getattr(mimicry[family], f"{prefix[family]}Discriminator{size}")(ndf=ndf, **labels, **extra)
    for network in (g, d):
        for module in network.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight_orig if hasattr(module, "weight_orig") else module.weight)
        made(network)
    calm(g, labels)
    return g, d


@torch.no_grad()
def calm(g, labels):
    """Scale what G's last convolution sees: else every pixel would be -1 or 1, and equal to any other network's."""
    last = 2 + sum(name.startswith("block") for name, _ in g.named_children())
    norm, found = g.get_submodule(f"b{last}"), []
    hook = g.get_submodule(f"c{last}").register_forward_hook(lambda _, __, made: found.append(made.std()))
    g(torch.randn(2, Z), *(torch.zeros(2, dtype=torch.long) for _ in labels))
    hook.remove()
    norm.weight /= found[0]
    norm.bias /= found[0]


def saved(folder, network, name, optimizer=None):
    """What mimicry's own code saves of a network, as it is read here."""
    network.save_checkpoint(str(folder), 7, optimizer, name)
    return torch.load(folder / name, weights_only=True)


def near(ours, theirs):
    """Whether two tensors agree, for the largest of their numbers."""
    same(ours / theirs.abs().max(), theirs / theirs.abs().max())


QUICK = [
    ("sngan", 32, 4, 6, 0),
    ("sngan", 48, 8, 16, 0),
    ("ssgan", 32, 4, 6, 0),
    ("infomax_gan", 32, 4, 6, 0),
    ("wgan_gp", 32, 4, 6, 0),
    ("cgan_pd", 32, 4, 6, 3),
    ("sagan", 32, 8, 8, 3),
]
SLOW = [
    ("sngan", 64, 32, 16, 0),
    ("sngan", 128, 16, 32, 0),
    ("ssgan", 48, 16, 16, 0),
    ("infomax_gan", 48, 16, 16, 0),
    ("infomax_gan", 64, 16, 16, 0),
    ("infomax_gan", 128, 16, 16, 0),
    ("wgan_gp", 48, 16, 16, 0),
    ("dcgan", 32, 4, 6, 0),
    ("dcgan", 64, 16, 16, 0),
    ("dcgan", 128, 16, 16, 0),
    ("sagan", 128, 32, 64, 3),
]
CASES = [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]


@pytest.mark.parametrize("family, size, ngf, ndf, classes", CASES)
@torch.no_grad()
def test_it_draws_and_judges_as_mimicrys_own_networks(mimicry, tmp_path, family, size, ngf, ndf, classes):
    g, d = pair(mimicry, family, size, ngf, ndf, classes)
    content = {"g": saved(tmp_path, g, "netG.pth"), "d": saved(tmp_path, d, "netD.pth")}
    converted = alone("mimicry", content)
    gan = model(converted)
    assert (gan.resolution, gan.z_dim, gan.channels) == (size, Z, 3)
    y = torch.arange(2) % max(classes, 1)
    vectors = nn.functional.one_hot(y, classes).float() if classes else torch.zeros(2, 0)
    labels = (y,) if classes else ()
    noise, images = torch.randn(2, Z), torch.randn(2, 3, size, size)
    drawn = g(noise, *labels)
    assert 0.1 < drawn.abs().mean() < 0.8
    same(gan.G(noise, vectors), drawn)
    if family in ("wgan_gp", "dcgan"):  # one sums over pixels, one takes the mean, and nothing tells which
        assert set(converted.networks) == {"G"} and "left out" in converted.notes[0]
        return
    theirs = d(images, *labels)
    score = theirs[0] if isinstance(theirs, tuple) else theirs
    near(gan.D(images, vectors).score, score.flatten())
    if family == "ssgan":
        features = gan.D(images, vectors).features
        near(gan.get_submodule("part_rotation").reader(features), theirs[1])
    if family == "infomax_gan":
        part = gan.get_submodule("part_infomax")
        seen = [feature.clone() for feature in theirs[1:]]  # its activations write over what they get
        places, whole = d.project_features(*theirs[1:])
        near(part.local(seen[0].flatten(2).transpose(1, 2)), places.flatten(2).transpose(1, 2))
        near(part.whole(seen[1]), whole.flatten(1))


def test_g_alone_is_enough(mimicry, tmp_path):
    g, _ = pair(mimicry, "cgan_pd", 32, 4, 4, 3)
    optimizer = torch.optim.Adam(g.parameters())
    for parameter in g.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    converted = alone("mimicry", saved(tmp_path, g, "netG.pth", optimizer))
    assert set(converted.networks) == {"G"} and converted.size["classes"] == 3


def test_d_alone_is_no_model(mimicry, tmp_path):
    _, d = pair(mimicry, "sngan", 32, 4, 4)
    assert not converter("mimicry").fits(saved(tmp_path, d, "netD.pth"))


def test_what_its_networks_cannot_be_is_refused(mimicry):
    g, d = (network.state_dict() for network in pair(mimicry, "sngan", 32, 4, 4))
    with pytest.raises(ModelError, match=r"l1\.weight makes a map of 64 pixels"):
        converter("mimicry").convert({**g, "l1.weight": torch.zeros(4 * 64, Z)})
    with pytest.raises(ModelError, match=r"block3.c1.weight is \(4, 6\)"):
        converter("mimicry").convert({**g, "block3.c1.weight": torch.zeros(6, 4, 3, 3)})
    with pytest.raises(ModelError, match=r"no place for .block2\.c\.weight."):
        converter("mimicry").convert({"g": {**g, "block2.c.weight": torch.zeros(1)}, "d": d})


def test_its_files_are_imported_and_broken_ones_refused(mimicry, tmp_path):
    g, d = pair(mimicry, "ssgan", 32, 4, 4)
    saved(tmp_path, g, "netG.pth")
    assert ganzoo.load_foreign(tmp_path / "netG.pth").resolution == 32
    for name, shape in {"block2.c1.weight": (3,), "block2.c1.bias": (), "c5.weight": (3, 0, 3, 3)}.items():
        torch.save({**g.state_dict(), name: torch.zeros(shape)}, tmp_path / "broken.pth")
        with pytest.raises(ModelError):
            ganzoo.load_foreign(tmp_path / "broken.pth")
    broken = {**d.state_dict(), "l5.sn_u": torch.zeros(1, 3)}
    torch.save({"g": g.state_dict(), "d": broken}, tmp_path / "broken.pth")
    with pytest.raises(ModelError, match=r"'l5\.sn_u' has 3 numbers"):
        ganzoo.load_foreign(tmp_path / "broken.pth")
