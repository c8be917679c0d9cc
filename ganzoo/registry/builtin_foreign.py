"""Built-in converters, each of the files of one project."""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from ganzoo.registry.hookspecs import Register, hookimpl

CONVERTERS = {  # by name: module and class under ganzoo.foreign.converters, and the paper
    "dcgan-tutorial": ("dcgan:TutorialDCGAN", "1511.06434"),
    "mimicry": ("mimicry:Mimicry", "2005.02494"),
    "nvidia-stylegan2": ("stylegan2:StyleGAN2", "1912.04958"),
    "nvidia-stylegan3": ("stylegan3:StyleGAN3", "2106.12423"),
    "rosinality-stylegan2": ("rosinality:Rosinality", "1912.04958"),
    "studiogan-dcgan": ("studiogan_deep_conv:StudioGANDeepConv", "2206.09479"),
    "studiogan-resnet": ("studiogan_resnet:StudioGANResNet", "2206.09479"),
    "studiogan-biggan": ("studiogan_biggan:StudioGANBigGAN", "2206.09479"),
    "studiogan-biggan-deep": ("studiogan_biggan_deep:StudioGANBigGANDeep", "2206.09479"),
    "biggan-pytorch": ("biggan:BigGANPyTorch", "1809.11096"),
    "pretrained-biggan": ("pretrained_biggan:PretrainedBigGAN", "1809.11096"),
    "brownvc-r3gan": ("r3gan:R3GAN", "2501.05441"),
    "odegeasslbc-fastgan": ("fastgan:FastGAN", "2101.04775"),
    "projected-fastgan": ("fastgan:ProjectedFastGAN", "2111.01007"),
    "lucidrains-lightweight-gan": ("lightweight:LightweightGAN", "2101.04775"),
    "lucidrains-stylegan2": ("lucidrains_stylegan2:LucidrainsStyleGAN2", "1912.04958"),
    "gan-zoo": ("gan_zoo:GANZoo", "1710.10196"),
}


@hookimpl
def register_converters(register: Register) -> None:
    for name, (build, paper) in CONVERTERS.items():
        register(name, f"ganzoo.foreign.converters.{build}", paper=f"arxiv:{paper}")
