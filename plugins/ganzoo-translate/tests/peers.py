"""What converters are held to, and networks of other projects as their papers and lists of names describe them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

import ganzoo
from ganzoo.registry.loading import registry


def alone(name, content):
    """The conversion of a content that the named converter takes, and no other."""
    fitting = [entry.name for entry in registry().entries("converter") if entry.load()().fits(content)]
    assert fitting == [name]
    return registry().find(name, ("converter",)).load()().convert(content)


def model(converted):
    """The model with every tensor in its place, those of networks that the file does not have apart."""
    gan = ganzoo.build(converted.recipe, **converted.size).eval()
    for name, tensors in converted.networks.items():
        gan.get_submodule(name).load_state_dict(dict(tensors))
    return gan


def same(ours, theirs, tolerance=1e-4):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < tolerance, float((ours - theirs).abs().max())


@torch.no_grad()
def made(network, seed=0):
    """A network in eval mode whose norms have statistics and affine parameters that are not those of the start."""
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=rng) + 0.5)
        elif tensor.is_floating_point() and tensor.ndim <= 1:
            tensor.add_(torch.randn(tensor.shape, generator=rng) * 0.2)
    return network.eval()


NORMS = {
    "batch": nn.BatchNorm2d,
    "instance": nn.InstanceNorm2d,
    "affine": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "none": lambda channels: nn.Identity(),
}
BIASED = ("instance", "affine")  # norms that leave the convolution in front of them its bias


class Smooth(nn.Module):
    """A map filtered by a binomial: halved, or doubled."""

    def __init__(self, channels, up):
        super().__init__()
        taps = [1, 3, 3, 1] if up else [1, 2, 1]
        kernel = [[a * b / sum(taps) ** 2 * (4 if up else 1) for a in taps] for b in taps]
        self.register_buffer("filt", torch.tensor([[kernel]] * channels))
        self.up = up

    def forward(self, x):
        groups = len(self.filt)
        if self.up:
            wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
            return F.conv_transpose2d(wide, self.filt, stride=2, padding=2, groups=groups)[:, :, 1:-1, 1:-1]
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.filt, stride=2, groups=groups)


class Residual(nn.Module):
    def __init__(self, width, norm, bias, dropout):
        super().__init__()
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), NORMS[norm](width), nn.ReLU()]
        layers += [nn.Dropout(0.5)] if dropout else []
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), NORMS[norm](width)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class ResNet(nn.Module):
    """Two halvings, residual blocks, two doublings; edges are mirrored but for those of the strided convolutions."""

    def __init__(self, width, blocks, norm="instance", planes=(3, 3), dropout=False, down=False, up=False):
        super().__init__()
        bias, norms = norm in BIASED, NORMS[norm]
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(planes[0], width, 7, bias=bias), norms(width), nn.ReLU()]
        for a, b in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(a, b, 3, stride=1 if down else 2, padding=1, bias=bias), norms(b), nn.ReLU()]
            layers += [Smooth(b, up=False)] if down else []
        layers += [Residual(4 * width, norm, bias, dropout) for _ in range(blocks)]
        for a, b in ((4 * width, 2 * width), (2 * width, width)):
            if up:
                layers += [Smooth(a, up=True), nn.Conv2d(a, b, 3, padding=1, bias=bias)]
            else:
                layers += [nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1, bias=bias)]
            layers += [norms(b), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, planes[1], 7), nn.Tanh())

    def forward(self, x):
        return self.model(x)


class Level(nn.Module):
    """A level of a U-Net: what comes in, beside what the levels below make of it."""

    def __init__(self, outer, inner, below, norm, bias):
        super().__init__()
        layers = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)]
        layers += [NORMS[norm](inner), below] if below is not None else []
        wide = inner if below is None else 2 * inner
        layers += [nn.ReLU(), nn.ConvTranspose2d(wide, outer, 4, 2, 1, bias=bias), NORMS[norm](outer)]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return torch.cat([x, self.model(x)], 1)


class UNet(nn.Module):
    def __init__(self, width, depth, norm="batch", planes=(3, 3)):
        super().__init__()
        bias, wide = norm in BIASED, [width * min(1 << k, 8) for k in range(depth)]
        below = None
        for k in range(depth - 1, 0, -1):
            below = Level(wide[k - 1], wide[k], below, norm, bias)
        layers = [nn.Conv2d(planes[0], width, 4, 2, 1, bias=bias), below, nn.ReLU()]
        self.model = nn.Module()
        self.model.model = nn.Sequential(*layers, nn.ConvTranspose2d(2 * width, planes[1], 4, 2, 1), nn.Tanh())

    def forward(self, x):
        return self.model.model(x)


class PatchGAN(nn.Module):
    def __init__(self, planes, width, layers=3, norm="instance", smooth=False):
        super().__init__()
        wide = [width * min(1 << k, 8) for k in range(layers + 1)]
        stride, bias = 1 if smooth else 2, norm in BIASED
        found = [nn.Conv2d(planes, width, 4, stride, 1), nn.LeakyReLU(0.2)]
        found += [Smooth(width, up=False)] if smooth else []
        for k in range(1, layers + 1):
            inner = k < layers
            found += [nn.Conv2d(wide[k - 1], wide[k], 4, stride if inner else 1, 1, bias=bias), NORMS[norm](wide[k])]
            found += [nn.LeakyReLU(0.2)] + ([Smooth(wide[k], up=False)] if smooth and inner else [])
        self.model = nn.Sequential(*found, nn.Conv2d(wide[-1], 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)
