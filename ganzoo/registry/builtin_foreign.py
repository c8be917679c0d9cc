"""Built-in converters, each of the files of one project."""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from ganzoo.registry.hookspecs import Register, hookimpl


@hookimpl
def register_converters(register: Register) -> None:
    register("dcgan-tutorial", "ganzoo.foreign.dcgan:TutorialDCGAN", paper="arxiv:1511.06434")
    register("mimicry", "ganzoo.foreign.mimicry:Mimicry", paper="arxiv:2005.02494")
    register("nvidia-stylegan2", "ganzoo.foreign.stylegan2:StyleGAN2", paper="arxiv:1912.04958")
    register("studiogan-resnet", "ganzoo.foreign.studiogan_resnet:StudioGANResNet", paper="arxiv:2206.09479")
    register("studiogan-biggan", "ganzoo.foreign.studiogan_biggan:StudioGANBigGAN", paper="arxiv:2206.09479")
    register("pretrained-biggan", "ganzoo.foreign.pretrained_biggan:PretrainedBigGAN", paper="arxiv:1809.11096")
    register("brownvc-r3gan", "ganzoo.foreign.r3gan:R3GAN", paper="arxiv:2501.05441")
    register("studiogan-dcgan", "ganzoo.foreign.studiogan_deep_conv:StudioGANDeepConv", paper="arxiv:2206.09479")
    register(
        "studiogan-biggan-deep", "ganzoo.foreign.studiogan_biggan_deep:StudioGANBigGANDeep", paper="arxiv:2206.09479"
    )
    register("rosinality-stylegan2", "ganzoo.foreign.rosinality:Rosinality", paper="arxiv:1912.04958")
    register("nvidia-stylegan3", "ganzoo.foreign.stylegan3:StyleGAN3", paper="arxiv:2106.12423")
    register("odegeasslbc-fastgan", "ganzoo.foreign.fastgan:FastGAN", paper="arxiv:2101.04775")
    register("projected-fastgan", "ganzoo.foreign.fastgan:ProjectedFastGAN", paper="arxiv:2111.01007")
    register("biggan-pytorch", "ganzoo.foreign.biggan:BigGANPyTorch", paper="arxiv:1809.11096")
    register("lucidrains-lightweight-gan", "ganzoo.foreign.lightweight:LightweightGAN", paper="arxiv:2101.04775")
    register("gan-zoo", "ganzoo.foreign.gan_zoo:GANZoo", paper="arxiv:1710.10196")
