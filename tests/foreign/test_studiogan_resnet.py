"""PyTorch-StudioGAN's residual networks: names and shapes as its files have them, and the same numbers."""

import json
from pathlib import Path

import pytest
import torch

from ganzoo import ModelError
from ganzoo.foreign.converters.studiogan import codes
from ganzoo.registry.loading import registry
from tests.foreign import studiogan
from tests.foreign.peers import converter
from tests.foreign.studiogan import (
    NETWORKS,
    Config,
    ConvDiscriminator,
    ConvGenerator,
    DeepDiscriminator,
    DeepGenerator,
    Discriminator,
    Generator,
    but,
    compared,
)

KEYS = json.loads((Path(__file__).parent / "data" / "studiogan.json").read_text("utf-8"))
NUMBERS = "info_conti_mu_linear.weight"
SKIPPED = ("weight_u", "weight_v", "num_batches_tracked", "running_mean", "running_var")
SN = Config()
SA = Config(g_sn=True, g_attention=(2,), d_attention=(1,))
AC = Config(d_sn=False, head="AC")
BIG = Config(ch=96, z=80, g_sn=True, g_attention=(2,), d_attention=(1,), hierarchical=True)
DC = Config(labelled=False, d_sn=False, head="W/O")
DEEP = Config(ch=128, g_sn=True, g_attention=(2,), d_attention=(1,))


def listed(network):
    state = network.state_dict().items()
    return {f"{name}:{'x'.join(map(str, t.shape))}" for name, t in state if not name.endswith(SKIPPED)}


@pytest.mark.parametrize(
    "name, network, config",
    [
        ("CIFAR10/SNGAN/G", Generator, SN),
        ("CIFAR10/SNGAN/D", Discriminator, SN),
        ("CIFAR10/SAGAN/G", Generator, SA),
        ("CIFAR10/SAGAN/D", Discriminator, SA),
        ("CIFAR10/ACGAN-Mod/D", Discriminator, AC),
        ("CIFAR10/BigGAN/G", Generator, BIG),
        ("CIFAR10/BigGAN/D", Discriminator, BIG),
        ("CIFAR10/BigGAN-Uncond/G", Generator, but(BIG, labelled=False)),
        ("CIFAR10/BigGAN-Uncond/D", Discriminator, but(BIG, head="W/O")),
        ("CIFAR10/ReACGAN/D", Discriminator, but(BIG, head="2C")),
        ("CIFAR10/MHGAN/D", Discriminator, but(BIG, head="MH")),
        ("CIFAR10/DCGAN/G", ConvGenerator, DC),
        ("CIFAR10/DCGAN/D", ConvDiscriminator, DC),
        ("CIFAR10/BigGAN-Deep/G", DeepGenerator, DEEP),
        ("CIFAR10/BigGAN-Deep/D", DeepDiscriminator, DEEP),
        ("CIFAR10/BigGAN-Deep-StudioGAN/G", DeepGenerator, but(DEEP, form="own")),
        ("CIFAR10/BigGAN-Deep-StudioGAN/D", DeepDiscriminator, but(DEEP, form="own")),
        ("ImageNet/BigGAN-256/G", Generator, but(BIG, size=128, z=120, classes=1000, g_attention=(4,))),
        ("ImageNet/BigGAN-256/D", Discriminator, but(BIG, size=128, classes=1000)),
    ],
)
def test_these_networks_have_the_names_and_shapes_of_its_files(name, network, config, monkeypatch):
    monkeypatch.setattr(studiogan, "spectral_norm", renamed)  # this, and normal numbers, take seconds on that device
    monkeypatch.setattr(torch.nn.Embedding, "reset_parameters", lambda self: None)
    with torch.device("meta"):
        assert listed(network(config)) == set(KEYS[name].split())


def renamed(module, eps):
    module.register_parameter("weight_orig", module._parameters.pop("weight"))
    return module


TINY = but(SN, ch=8, z=6, classes=3, shared=5, codes=4, width=7)


@pytest.mark.parametrize(
    "config, within",
    [
        (TINY, "cbn@g"),
        (but(TINY, labelled=False, d_sn=False, head="W/O"), "bn@d"),
        (but(TINY, d_sn=False, head="AC"), "ac:"),
        (but(TINY, ch=16, g_sn=True, g_attention=(2,), d_attention=(1,)), "sa@d,16"),
        (but(TINY, ch=4, size=64, head="W/O", labelled=False, d_sn=False, d_attention=()), "widths=studiogan"),
        (but(TINY, ch=1, size=64, head="MD"), "md"),
        (but(TINY, ch=1, size=128, head="MH"), "mh"),
        (but(TINY, ch=1, size=256, d_sn=False), "projection"),
        (but(TINY, info="cBN"), "info-context"),
        (but(TINY, info="cBN", labelled=False, head="W/O"), "info-context"),
        (but(TINY, info="concat", g_sn=True), "inject=concat"),
    ],
    ids=str,
)
def test_it_computes_what_theirs_does(config, within):
    converted = compared("studiogan-resnet", config)
    assert within in converted.recipe


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda g: {**g, "blocks.1.0.conv2d2.weight": torch.zeros(5, 32, 3, 3)}, "blocks.1.0.conv2d2.weight makes 5"),
        (lambda g: {**g, "blocks.1.0.extra": torch.zeros(2)}, "no place for 'blocks.1.0.extra'"),
        (lambda g: {**g, "linear0.weight": torch.zeros(32 * 36, 6)}, "linear0.weight makes 72"),
    ],
)
def test_what_ours_cannot_compute_is_named(spoil, message):
    state = Generator(TINY).state_dict()
    with pytest.raises(ModelError, match=message):
        converter("studiogan-resnet").convert({"state_dict": spoil(state)})


def test_the_average_g_is_taken_wherever_it_lies():
    first, second = (Generator(TINY) for _ in range(2))
    for content in ({"G": first.state_dict(), "G_ema": second.state_dict()}, {"state_dict": second.state_dict()}):
        networks = converter("studiogan-resnet").convert(content).networks
        assert networks.keys() == {"G"}
        assert torch.equal(networks["G"]["trunk.image.bias"], second.conv2d5.bias)


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - {"studiogan-biggan"}))
def test_a_d_alone_is_told_and_refused(name):
    d = NETWORKS[name][1](TINY).state_dict()
    assert [entry.name for entry in registry().entries("converter") if entry.load()().fits({"state_dict": d})] == [name]
    with pytest.raises(ModelError, match="this is a discriminator; give the file of G"):
        converter(name).convert({"state_dict": d})


@pytest.mark.parametrize(
    "d, part",
    [
        ({}, "info-context:width=5,categorical=1,continuous=0,classes=14"),
        (
            {"info_conti_mu_linear.weight": torch.zeros(4, 8)},
            "info-context:width=5,categorical=1,continuous=4,classes=10",
        ),
        ({"info_conti_mu_linear.weight": torch.zeros(14, 8)}, "info-context:width=5,categorical=0,continuous=14"),
    ],
)
def test_d_says_which_codes_are_continuous(d, part):
    found, width, notes = codes({"info_proj_linear.weight": torch.zeros(5, 14)}, d)
    assert (found, width, len(notes)) == ([part], 5, int("classes" in part))
