"""Image to image: networks, games and data sets for translation.

Builds are import strings, so that listing them imports no torch.
"""

from __future__ import annotations

import ganzoo
from ganzoo_translate.data.hooks import register_datasets as register_datasets

PAIRS = {"source", "pairs"}
UNPAIRED = {"source"}


@ganzoo.hookimpl
def register_architectures(register: ganzoo.Register) -> None:
    """Pairs: ``pix2pix``, ``esrgan``, ``compact``, ``rdn``. Two sets: ``cyclegan``, ``cartoongan``, ``simgan``."""
    register(
        "pix2pix",
        "ganzoo_translate.pix2pix:pix2pix",
        game="ganzoo_translate.pix2pix:Pix2PixGame",
        requires=PAIRS,
        provides={"features", "maps"},
        implies=("bn", "bce"),
        train={"init": "normal", "batch": 16},
        paper="arxiv:1611.07004",
    )
    register(
        "cyclegan",
        "ganzoo_translate.cyclegan:cyclegan",
        game="ganzoo_translate.cyclegan:CycleGame",
        networks={"G": "g", "F": "g", "D": "d", "E": "d"},
        requires=UNPAIRED,
        provides={"features", "maps"},
        implies=("in:affine=false", "ls"),
        train={"init": "normal", "batch": 8},
        paper="arxiv:1703.10593",
    )
    register(
        "cartoongan",
        "ganzoo_translate.cartoongan:cartoongan",
        game="ganzoo_translate.cartoongan:CartoonGame",
        requires=UNPAIRED,
        provides={"features", "maps"},
        implies=("in", "bce"),
        train={"init": "normal", "batch": 8},
        paper="doi:10.1109/CVPR.2018.00986",
    )
    register(
        "esrgan",
        "ganzoo_translate.esrgan:esrgan",
        game="ganzoo_translate.esrgan:EnlargingGame",
        requires=PAIRS,
        provides={"features", "maps"},
        implies=("bn@d", "relativistic-average"),
        train={"init": "normal", "batch": 8},
        paper="arxiv:1809.00219",
    )
    register(
        "compact",
        "ganzoo_translate.compact:compact",
        game="ganzoo_translate.esrgan:EnlargingGame",
        requires=PAIRS,
        provides={"features", "maps"},
        implies=("bn@d", "relativistic-average"),
        train={"init": "normal", "batch": 8},
        paper="arxiv:2107.10833",
    )
    register(
        "rdn",
        "ganzoo_translate.rdn:rdn",
        game="ganzoo_translate.esrgan:EnlargingGame",
        requires=PAIRS,
        provides={"features", "maps"},
        implies=("bn@d", "relativistic-average"),
        train={"init": "normal", "batch": 8},
        paper="arxiv:1802.08797",
    )
    register(
        "simgan",
        "ganzoo_translate.simgan:simgan",
        game="ganzoo_translate.simgan:RefinerGame",
        requires=UNPAIRED,
        provides={"features", "maps"},
        implies=("bce",),
        # With PyTorch's own start a critic of ReLUs without norms hardly sees its input, and G stays the identity.
        train={"init": "orthogonal/1.41", "lr.g": 5e-4, "lr.d": 5e-4, "repeat.g": 2},
        paper="arxiv:1612.07828",
    )


@ganzoo.hookimpl
def register_converters(register: ganzoo.Register) -> None:
    """Translators of other projects."""
    register("cyclegan-pix2pix", "ganzoo_translate.foreign.cyclegan:CycleGANAndPix2Pix", paper="arxiv:1703.10593")
    register("real-esrgan", "ganzoo_translate.foreign.esrgan:RealESRGAN", paper="arxiv:2107.10833")
    register("real-esrgan-compact", "ganzoo_translate.foreign.compact:RealESRGANCompact", paper="arxiv:2107.10833")
    register("upscalerjs-rdn", "ganzoo_translate.foreign.rdn:UpscalerRDN", paper="arxiv:1802.08797")
    register("cut", "ganzoo_translate.foreign.cyclegan:CUT", paper="arxiv:2007.15651")


@ganzoo.hookimpl
def register_metrics(register: ganzoo.Register) -> None:
    """What refined sources are worth as training data."""
    register(
        "refined-accuracy",
        "ganzoo_translate.refinement:RefinedAccuracy",
        requires={"model"},
        paper="arxiv:1612.07828",
    )
