"""PyTorch-StudioGAN's networks, written here after their papers and the lists of their names and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import spectral_norm

from tests.foreign.peers import alone, model, same

G_WIDTHS = {32: (4, 4, 4, 4), 64: (16, 8, 4, 2, 1), 128: (16, 16, 8, 4, 2, 1), 256: (16, 16, 8, 8, 4, 2, 1)}
D_WIDTHS = {32: (2, 2, 2, 2), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16), 256: (1, 2, 4, 8, 8, 16, 16)}
HALVINGS = {32: 2, 64: 4, 128: 5, 256: 6}


@dataclass(frozen=True)
class Config:
    """One configuration; the first letters say whose a number is."""

    size: int = 32
    ch: int = 64
    z: int = 128
    classes: int = 10
    labelled: bool = True  # G
    shared: int = 128
    g_sn: bool = False
    d_sn: bool = True
    g_attention: tuple[int, ...] = ()
    d_attention: tuple[int, ...] = ()
    head: str = "PD"
    aux: str = ""
    width: int = 512
    info: str = ""
    codes: int = 10
    depth: int = 2
    form: str = "legacy"  # of big_resnet_deep
    hierarchical: bool = False  # big_resnet, as opposed to resnet


def layer(made: nn.Module, sn: bool) -> nn.Module:
    return spectral_norm(made, eps=1e-6) if sn else made


def conv(a, b, size, sn, bias=True, **options):
    return layer(nn.Conv2d(a, b, size, padding=size // 2, bias=bias, **options), sn)


def norm(channels, affine=True):
    return nn.BatchNorm2d(channels, eps=1e-4, affine=affine)


class ConditionalNorm(nn.Module):
    def __init__(self, channels, context, sn):
        super().__init__()
        self.bn = norm(channels, affine=False)
        self.gain = layer(nn.Linear(context, channels, bias=False), sn)
        self.bias = layer(nn.Linear(context, channels, bias=False), sn)

    def forward(self, x, context):
        return self.bn(x) * (1 + self.gain(context))[..., None, None] + self.bias(context)[..., None, None]


class Attention(nn.Module):
    def __init__(self, channels, sn):
        super().__init__()
        self.sigma = nn.Parameter(torch.zeros(1))
        for name, (a, b) in {
            "theta": (channels, channels // 8),
            "phi": (channels, channels // 8),
            "g": (channels, channels // 2),
            "attn": (channels // 2, channels),
        }.items():
            self.add_module(f"conv1x1_{name}", conv(a, b, 1, sn, bias=False))

    def forward(self, x, context=None):
        query = self.conv1x1_theta(x).flatten(2)
        key, value = (F.max_pool2d(f(x), 2).flatten(2) for f in (self.conv1x1_phi, self.conv1x1_g))
        weights = torch.einsum("bcq,bck->bqk", query, key).softmax(-1)
        mixed = torch.einsum("bqk,bck->bcq", weights, value)
        return x + self.sigma * self.conv1x1_attn(mixed.unflatten(2, x.shape[2:]))


class UpBlock(nn.Module):
    def __init__(self, a, b, context, sn):
        super().__init__()
        of = (lambda c: ConditionalNorm(c, context, sn)) if context else norm
        self.context = bool(context)
        self.bn1, self.bn2 = of(a), of(b)
        self.conv2d0, self.conv2d1, self.conv2d2 = conv(a, b, 1, sn), conv(a, b, 3, sn), conv(b, b, 3, sn)

    def forward(self, x, context):
        more = (context,) if self.context else ()
        h = F.relu(self.bn1(x, *more))
        h = self.conv2d1(F.interpolate(h, scale_factor=2))
        h = self.conv2d2(F.relu(self.bn2(h, *more)))
        return h + self.conv2d0(F.interpolate(x, scale_factor=2))


class DownBlock(nn.Module):
    """The first has no norm and no ReLU in front; without spectral norm there are batch norms, on shortcuts too."""

    def __init__(self, a, b, sn, first, down):
        super().__init__()
        self.sn, self.first, self.down, self.shortcut = sn, first, down, first or down or a != b
        self.conv2d1, self.conv2d2 = conv(a, b, 3, sn), conv(b, b, 3, sn)
        if self.shortcut:
            self.conv2d0 = conv(a, b, 1, sn)
        if not sn:
            self.bn1 = norm(b if first else a)
            if not first:
                self.bn2 = norm(b)
            if self.shortcut:
                self.bn0 = norm(a)

    def forward(self, x, context=None):
        if not self.first and self.sn:
            x = F.relu(x)  # in place there, so that the shortcut sees it too
        h = x if self.first else x if self.sn else F.relu(self.bn1(x))
        h = self.conv2d1(h)
        if not self.sn:
            h = self.bn1(h) if self.first else self.bn2(h)
        h = self.conv2d2(F.relu(h))
        if self.shortcut:
            x = self.conv2d0(x if self.sn else self.bn0(x))
        return F.avg_pool2d(h + x, 2) if self.down else h + x


def wrapped(blocks):
    return nn.ModuleList(nn.ModuleList([block]) for block in blocks)


class Labelled(nn.Module):
    """What G's share: codes and labels on their way to the norms."""

    def __init__(self, config, embedded):
        super().__init__()
        self.config, self.embedded, self.length, self.first = config, embedded, 0, config.z
        if config.info == "concat":
            self.info_mix_linear = layer(nn.Linear(config.z + config.codes, config.z), config.g_sn)
        elif config.info:
            self.info_proj_linear = layer(nn.Linear(config.codes, config.shared), config.g_sn)
            self.length += config.shared
        if config.labelled and embedded:
            self.shared = nn.Embedding(config.classes, config.shared)
            self.length += config.shared
        elif config.labelled:
            self.length += config.classes

    def pieces(self, z, labels):
        """Noise, and the pieces of a context."""
        found = []
        if self.config.info == "concat":
            z = self.info_mix_linear(z)
        elif self.config.info:
            z, codes = z.split([self.config.z, self.config.codes], 1)
            found.append(self.info_proj_linear(codes))
        if self.config.labelled:
            hot = F.one_hot(labels, self.config.classes).float()
            found.append(self.shared(labels) if self.embedded else hot)
        return z, found


class Generator(Labelled):
    """``resnet`` and ``big_resnet``."""

    def __init__(self, config):
        super().__init__(config, config.hierarchical)
        wide, sn = [config.ch * times for times in G_WIDTHS[config.size]], config.g_sn
        self.piece = config.z // len(wide) if config.hierarchical else 0
        self.linear0 = layer(nn.Linear(self.piece or config.z, wide[0] * 16), sn)
        blocks = []
        for i, (a, b) in enumerate(pairwise(wide), 1):
            blocks.append(UpBlock(a, b, self.length + self.piece, sn))
            blocks += [Attention(b, sn)] if i in config.g_attention else []
        self.blocks, self.bn4 = wrapped(blocks), norm(wide[-1])
        self.conv2d5 = conv(wide[-1], 3, 3, sn)

    def forward(self, z, labels):
        z, context = self.pieces(z, labels)
        chunks = list(z.split(self.piece, 1)) if self.piece else [z]
        x = self.linear0(chunks.pop(0)).unflatten(1, (-1, 4, 4))
        for (block,) in self.blocks:
            if isinstance(block, Attention):
                x = block(x)
            else:
                own = [*context, *(chunks[:1])]
                del chunks[:1]
                x = block(x, torch.cat(own, 1) if own else None)
        return torch.tanh(self.conv2d5(F.relu(self.bn4(x))))


class Headed(nn.Module):
    """What D's share: their heads."""

    def finish(self, config, features):
        self.config = config
        outputs = {"MH": config.classes + 1, "MD": config.classes}.get(config.head, 1)
        linear = lambda out, bias=True: layer(nn.Linear(features, out, bias=bias), config.d_sn)  # noqa: E731
        table = lambda rows, width: layer(nn.Embedding(rows, width), config.d_sn)  # noqa: E731
        self.linear1 = linear(outputs)
        rows = config.classes * (2 if config.aux == "ADC" else 1)
        if config.head == "AC":
            self.linear2 = linear(rows, False)
            if config.aux == "TAC":
                self.linear_mi = linear(rows, False)
        elif config.head == "PD":
            self.embedding = table(rows, features)
        elif config.head == "2C":
            self.linear2, self.embedding = linear(config.width), table(rows, config.width)
            if config.aux == "TAC":
                self.linear_mi, self.embedding_mi = linear(config.width), table(rows, config.width)
        if config.info:
            self.info_discrete_linear = linear(config.codes, False)

    def said(self, h, labels):
        """What is said of features, by our names of it."""
        unit = lambda x: F.normalize(x, dim=1)  # noqa: E731
        split = 2 if self.config.aux == "ADC" else 1
        scores = self.linear1(h)
        if self.config.head == "AC":
            more = {"twin_logits": self.linear_mi(h)} if self.config.aux == "TAC" else {}
            return {"score": scores[:, 0], "class_logits": self.linear2(h), **more}
        if self.config.head == "PD":
            return {"score": scores[:, 0] + (self.embedding(labels) * h).sum(1)}
        if self.config.head == "2C":
            found = {"embedding": unit(self.linear2(h)), "proxy": unit(self.embedding(labels * split))}
            if self.config.aux == "TAC":
                found |= {"twin_embedding": unit(self.linear_mi(h)), "twin_proxy": unit(self.embedding_mi(labels))}
            if self.config.aux == "ADC":
                found["fake_proxy"] = unit(self.embedding(labels * 2 + 1))
            return {"score": scores[:, 0], **found}
        if self.config.head == "MD":
            return {"score": scores.gather(1, labels[:, None])[:, 0]}
        return {"class_logits": scores} if self.config.head == "MH" else {"score": scores[:, 0]}


class Discriminator(Headed):
    """That of ``resnet`` and ``big_resnet``."""

    def __init__(self, config):
        super().__init__()
        wide, sn = [3, *(config.ch * times for times in D_WIDTHS[config.size])], config.d_sn
        blocks = []
        for i, (a, b) in enumerate(pairwise(wide), 1):
            blocks.append(DownBlock(a, b, sn, i == 1, i <= HALVINGS[config.size]))
            blocks += [Attention(b, sn)] if i in config.d_attention else []
        self.blocks = wrapped(blocks)
        self.finish(config, wide[-1])

    def forward(self, x, labels):
        for (block,) in self.blocks:
            x = block(x)
        return self.said(F.relu(x).sum((2, 3)), labels)


class ConvGenerator(Labelled):
    """``deep_conv``."""

    def __init__(self, config):
        super().__init__(config, embedded=False)
        wide, sn = [config.ch * times for times in (8, 4, 2, 1)], config.g_sn
        self.linear0 = layer(nn.Linear(config.z, wide[0] * 16), sn)
        blocks = []
        for a, b in pairwise(wide):
            block = nn.Module()
            block.deconv0 = layer(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1), sn)
            block.bn0 = ConditionalNorm(b, self.length, sn) if self.length else norm(b)
            blocks.append(block)
        self.blocks, self.conv4 = wrapped(blocks), conv(wide[-1], 3, 3, sn)

    def forward(self, z, labels):
        z, context = self.pieces(z, labels)
        more = (torch.cat(context, 1),) if context else ()
        x = self.linear0(z).unflatten(1, (-1, 4, 4))
        for (block,) in self.blocks:
            x = F.relu(block.bn0(block.deconv0(x), *more))
        return torch.tanh(self.conv4(x))


class ConvDiscriminator(Headed):
    """That of ``deep_conv``."""

    def __init__(self, config):
        super().__init__()
        wide, sn, blocks = [3, *(config.ch * times for times in (1, 2, 4, 8))], config.d_sn, []
        for a, b in pairwise(wide[:-1]):
            block = nn.Module()
            block.conv0, block.conv1 = conv(a, b, 3, sn), layer(nn.Conv2d(b, b, 4, stride=2, padding=1), sn)
            if not sn:
                block.bn0, block.bn1 = norm(b), norm(b)
            blocks.append(block)
        self.blocks, self.conv1, self.sn = wrapped(blocks), conv(*wide[-2:], 3, sn), sn
        if not sn:
            self.bn1 = norm(wide[-1])
        self.finish(config, wide[-1])

    def forward(self, x, labels):
        same_map = nn.Identity()
        for (block,) in self.blocks:
            for name in "01":
                normed = same_map if self.sn else getattr(block, f"bn{name}")
                x = F.relu(normed(getattr(block, f"conv{name}")(x)))
        x = F.relu((same_map if self.sn else self.bn1)(self.conv1(x)))
        return self.said(x.sum((2, 3)), labels)


class Bottleneck(nn.Module):
    """Four convolutions; ``form`` says what the shortcut is where the number of maps changes, or the size."""

    def __init__(self, a, b, config, context=0, up=False, down=False):
        super().__init__()
        self.up, self.down, self.g, self.legacy = up, down, bool(context), config.form == "legacy"
        sn, hidden = (config.g_sn, a // 4) if self.g else (config.d_sn, b // 4)
        for i, (m, n, size) in enumerate([(a, hidden, 1), (hidden, hidden, 3), (hidden, hidden, 3), (hidden, b, 1)], 1):
            self.add_module(f"conv2d{i}", conv(m, n, size, sn))
            if self.g:
                self.add_module(f"bn{i}", ConditionalNorm(m, context, sn))
        if self.g and not self.legacy:
            self.conv2d0 = conv(a, b, 1, sn)
        if not self.g and (a != b or (down and not self.legacy)):
            self.conv2d0 = conv(a, b - a if self.legacy else b, 1, sn)

    def forward(self, x, context=None):
        def doubled(x):
            return F.interpolate(x, scale_factor=2) if self.up else x

        def halved(x):
            return F.avg_pool2d(x, 2) if self.down else x

        x = x if self.g else F.relu(x)  # in place there
        h = x
        for i in range(1, 5):
            h = F.relu(getattr(self, f"bn{i}")(h, context) if self.g else h)
            h = getattr(self, f"conv2d{i}")(doubled(h) if i == 2 else halved(h) if i == 4 else h)
        x = halved(doubled(x))
        made = self.conv2d0(x) if hasattr(self, "conv2d0") else None
        if self.legacy:
            x = x[:, : h.shape[1]] if made is None else torch.cat([x, made], 1)
        else:
            x = x if made is None else made
        return h + x


class DeepGenerator(Labelled):
    """``big_resnet_deep`` of both forms."""

    def __init__(self, config):
        super().__init__(config, embedded=True)
        wide, sn, context = [config.ch * times for times in G_WIDTHS[config.size]], config.g_sn, self.length + config.z
        self.linear0 = layer(nn.Linear(context, wide[0] * 16), sn)
        blocks = []
        for i, (a, b) in enumerate(pairwise(wide), 1):
            for j in range(1, config.depth + 1):
                last = j == config.depth
                blocks.append(Bottleneck(a, b if last else a, config, context, up=last))
            blocks += [Attention(b, sn)] if i in config.g_attention else []
        self.blocks, self.bn4, self.conv2d5 = wrapped(blocks), norm(wide[-1]), conv(wide[-1], 3, 3, sn)

    def forward(self, z, labels):
        z, context = self.pieces(z, labels)
        context = torch.cat([*context, z], 1)
        x = self.linear0(context).unflatten(1, (-1, 4, 4))
        for (block,) in self.blocks:
            x = block(x, context)
        return torch.tanh(self.conv2d5(F.relu(self.bn4(x))))


class DeepDiscriminator(Headed):
    """That of ``big_resnet_deep`` of both forms."""

    def __init__(self, config):
        super().__init__()
        small = (4 if config.form == "legacy" else 1, 4, 4, 4)
        wide = [config.ch * times for times in (small if config.size == 32 else D_WIDTHS[config.size])]
        self.input_conv, blocks = conv(3, wide[0], 3, config.d_sn), []
        for i, (a, b) in enumerate(pairwise(wide), 1):
            for j in range(config.depth):
                down = j == 0 and i <= HALVINGS[config.size]
                blocks.append(Bottleneck(b if j else a, b, config, down=down))
            blocks += [Attention(b, config.d_sn)] if i in config.d_attention else []
        self.blocks = wrapped(blocks)
        self.finish(config, wide[-1])

    def forward(self, x, labels):
        x = self.input_conv(x)
        for (block,) in self.blocks:
            x = block(x)
        return self.said(F.relu(x).sum((2, 3)), labels)


NETWORKS = {
    "studiogan-resnet": (Generator, Discriminator),
    "studiogan-biggan": (Generator, Discriminator),
    "studiogan-biggan-deep": (DeepGenerator, DeepDiscriminator),
    "studiogan-dcgan": (ConvGenerator, ConvDiscriminator),
}


@torch.no_grad()
def rough(network, seed=0):
    """A network in eval mode as if trained: statistics, affine numbers, gates, and spectral vectors not yet there."""
    rng = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=rng) * 0.3)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=rng) + 0.5)
            if module.affine:
                module.weight.copy_(torch.rand(module.weight.shape, generator=rng) + 0.5)
        if hasattr(module, "sigma"):
            module.sigma.fill_(0.7)
        if hasattr(module, "weight_u"):
            outputs = 1 if isinstance(module, nn.ConvTranspose2d) else 0
            matrix = module.weight_orig.movedim(outputs, 0).flatten(1)
            v = F.normalize(matrix.T @ torch.randn(len(matrix), generator=rng), dim=0)
            module.weight_v.copy_(v)
            module.weight_u.copy_(F.normalize(matrix @ v, dim=0))
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            module.bias.copy_(torch.randn(module.bias.shape, generator=rng) * 0.2)
    return network.eval()


def but(config, **changes):
    return Config(**{**vars(config), **changes})


def checkpoint(network):
    return {"state_dict": network.state_dict(), "optimizer": {"state": {0: {"step": 3}}}, "step": 7, "best_fid": None}


def peers(name, config):
    torch.manual_seed(0)
    return tuple(rough(network(config), seed) for seed, network in enumerate(NETWORKS[name]))


def compared(name, config):
    """The conversion of a configuration's two files, found to compute the same."""
    g, d = peers(name, config)
    converted = alone(name, {"G_ema": checkpoint(g), "D": checkpoint(d)})
    gan = model(converted)
    assert gan.resolution == config.size and gan.z_dim == config.z
    labels = torch.arange(3) % config.classes
    hot = torch.nn.functional.one_hot(labels, config.classes).float()[:, : gan.classes]
    z = torch.randn(3, config.z + (config.codes if config.info else 0))
    images = torch.randn(3, 3, config.size, config.size)
    with torch.no_grad():
        drawn, said, ours = g(z, labels), d(images, labels), gan.D(images, hot)
        assert 0.02 < drawn.std() < 0.9
        same(gan.G(z, hot), drawn)
        for key, value in said.items():
            mine = ours.score if key == "score" else ours.extras[key]
            scale = max(1.0, float(value.abs().max()))
            same(mine / scale, value / scale)
    return converted
