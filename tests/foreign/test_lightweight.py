"""Checkpoints of lightweight-gan, whose own classes are the reference."""

import importlib.machinery
import importlib.util
import sys
import types

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganzoo import ModelError
from tests.foreign.peers import alone, converter, made, model, same

NAME = "lucidrains-lightweight-gan"
Z = 8


def filter2d(x, kernel, normalized=False):
    """kornia's, which takes seconds to import: a correlation of each map, reflected at the border."""
    assert normalized and tuple(kernel.shape) == (1, 3, 3)
    return F.conv2d(
        F.pad(x, (1, 1, 1, 1), "reflect"),
        (kernel / kernel.sum())[None].expand(x.shape[1], -1, -1, -1),
        groups=x.shape[1],
    )


@pytest.fixture(scope="module")
def peer():
    """Its module, which asks for a GPU and for an optimiser's package when it is imported."""
    for name in ("lightweight_gan", "einops"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"pip install --no-deps {name.replace('_', '-')}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(nn.Module, "cuda", lambda self, device=None: self)
        fakes = {"kornia": {}, "kornia.filters": {"filter2d": filter2d}, "adabelief_pytorch": {"AdaBelief": None}}
        package = importlib.machinery.PathFinder.find_spec("lightweight_gan").submodule_search_locations
        fakes["lightweight_gan"] = {"__path__": list(package)}  # without its __init__, which imports a command line
        for name, attributes in fakes.items():
            module = types.ModuleType(name)
            vars(module).update(attributes)
            patch.setitem(sys.modules, name, module)
        found = importlib.import_module("lightweight_gan.lightweight_gan")
        yield found
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightweight_gan"]:
        del sys.modules[name]


def network(peer, side, coef, most, attention=(), antialias=True, **more):
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        if not antialias:
            patch.setattr(peer, "Blur", nn.Identity)  # as its trainer does, by default
        made_ = peer.Generator(
            image_size=side,
            latent_dim=more.pop("latent_dim", Z),
            fmap_max=most,
            fmap_inverse_coef=coef,
            attn_res_layers=list(attention),
            **more,
        )
    return made(made_)


def same_noise(theirs, gan):
    for layer, stage in zip(theirs.layers, gan.G.trunk.stages, strict=True):
        noise = layer[0][3]
        noise.forward = lambda x, noise=noise, stage=stage: x + noise.weight * stage.noise.constant


@pytest.mark.parametrize(
    ("side", "coef", "most", "attention", "antialias", "more"),
    [
        (64, 6, 8, (32,), True, {}),
        (32, 9, 8, (8, 16), False, {"greyscale": True}),
        (256, 9, 16, (32,), False, {"latent_dim": 5}),
        pytest.param(512, 8, 16, (), True, {}, marks=pytest.mark.slow),
        pytest.param(1024, 8, 8, (16,), True, {}, marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_it_draws_what_its_own_network_draws(peer, side, coef, most, attention, antialias, more):
    theirs = network(peer, side, coef, most, attention, antialias, **more)
    state = {f"GE.{name}": tensor for name, tensor in theirs.state_dict().items()}
    gan = model(alone(NAME, {"GAN": {**state, **{f"G.{n[3:]}": 0 * t for n, t in state.items()}}, "version": "1.2.1"}))
    same_noise(theirs, gan)
    noise = torch.randn(2, theirs.initial_conv[0].in_channels)
    drawn = 2 * theirs(noise) - 1
    assert (gan.resolution, gan.channels) == (side, drawn.shape[1])
    same(gan.G(noise, torch.zeros(2, 0)) / drawn.abs().max(), drawn / drawn.abs().max())


def test_of_its_own_checkpoint_the_moving_average_is_taken(peer):
    torch.manual_seed(0)
    gan = peer.LightweightGAN(latent_dim=Z, image_size=32, fmap_max=8, fmap_inverse_coef=7, attn_res_layers=[32])
    gan.G.out_conv.bias.data += 1
    scaler = {"scale": 65536.0, "growth_factor": 2.0, "_growth_tracker": 0}
    content = {"GAN": gan.state_dict(), "version": "1.2.1", "G_scaler": scaler, "D_scaler": scaler}
    converted = alone(NAME, content)
    assert set(converted.networks) == {"G"} and "D was left out" in converted.notes[-1]
    same(converted.networks["G"]["trunk.image.bias"], 2 * gan.GE.out_conv.bias - 1)
    model(converted)


def test_what_it_cannot_be_is_refused(peer):
    with pytest.raises(ModelError, match=r"layers\.0\.2\.fn\.to_q\.weight"):
        converter(NAME).convert(network(peer, 32, 7, 8, (4,)).state_dict())
    with pytest.raises(ModelError, match=r"no place for 'layers\.1\.1\.dct_weights'"):
        converter(NAME).convert(network(peer, 128, 8, 32, freq_chan_attn=True).state_dict())
    with pytest.raises(ModelError, match="maps of 16, 4, 16 channels"):
        state = network(peer, 32, 8, 16).state_dict()
        converter(NAME).convert({**state, "layers.1.0.2.1.weight": torch.zeros(8, 16, 4, 4)})
