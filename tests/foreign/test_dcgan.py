"""The DCGAN of PyTorch's tutorial, whose network is written here as the tutorial describes it."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from tests.foreign.peers import alone, made, model, same


def generator(z, width, channels, size):
    """Transposed 4x4 convolutions: one of the noise, then doublings, each but the last with norm and ReLU."""
    wide = [width * 2**i for i in range((size // 4).bit_length() - 1)][::-1]
    layers = [nn.ConvTranspose2d(z, wide[0], 4, 1, 0, bias=False), nn.BatchNorm2d(wide[0]), nn.ReLU()]
    for a, b in pairwise(wide):
        layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(wide[-1], channels, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(width, channels, size):
    wide = [width * 2**i for i in range((size // 4).bit_length() - 1)]
    layers = [nn.Conv2d(channels, wide[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for a, b in pairwise(wide):
        layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(wide[-1], 1, 4, 1, 0, bias=False))


def named(network, prefix="main."):
    return {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("z, width, channels, size", [(100, 4, 3, 64), (5, 3, 1, 32), (8, 2, 3, 128)])
def test_it_draws_what_the_tutorials_network_draws(z, width, channels, size):
    torch.manual_seed(0)
    theirs = made(generator(z, width, channels, size))
    gan = model(alone("dcgan-tutorial", named(theirs)))
    noise = torch.randn(3, z)
    assert gan.z_dim == z and gan.resolution == size
    with torch.no_grad():
        same(gan.G(noise, torch.zeros(3, 0)), theirs(noise[:, :, None, None]))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda g, d: {"netG_state_dict": named(g), "netD_state_dict": named(d), "epoch": 3},
        lambda g, d: {"g": named(g, "module.main."), "d": named(d, "module.main.")},
        lambda g, d: {"state": {"G": named(g, "model."), "D": named(d, "model.")}},
    ],
)
def test_d_comes_along_wherever_the_tables_lie(wrap):
    torch.manual_seed(0)
    g, d = made(generator(6, 2, 3, 32)), made(discriminator(3, 3, 32))
    gan = model(alone("dcgan-tutorial", wrap(g, d)))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        same(gan.D(images, torch.zeros(2, 0)).score, d(images).flatten())
