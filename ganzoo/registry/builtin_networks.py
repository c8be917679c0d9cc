"""The networks that ganzoo ships: a page of :mod:`ganzoo.registry.builtin`."""

# ruff: noqa: D103 - each hook is documented where it is specified
from __future__ import annotations

from ganzoo.registry.hookspecs import Register, hookimpl
from ganzoo.registry.presets import MIMICRY, STUDIOGAN, fid


def _sides(module: str) -> dict[str, str]:
    """What makes G and D, each by itself."""
    return {side: f"ganzoo.architectures.{module}:{side}" for side in ("generator", "discriminator")}


def _register_biggan(register: Register) -> None:
    """BigGAN and its deeper form, which share their training."""
    large = {
        "lr.g": 2e-4,
        "lr.d": 2e-4,
        "betas": "0.5/0.999",
        "repeat.d": 5,
        "init": "orthogonal",
        "ema": 0.9999,
        "ema.start": "1000",
    }
    register(
        "biggan",
        **_sides("biggan"),
        provides={"features", "maps", "non-square", "context"},
        implies=("ccbn@g", "sn", "sa", "projection@d", "hinge"),
        train=large | {f"z-dim@{4 << k}": 20 * (k + 1) for k in range(2, 8)},
        paper="arxiv:1809.11096",
        published=(fid(4.16, STUDIOGAN),),
    )
    register(
        "biggan-deep",
        **_sides("biggan_deep"),
        provides={"features", "maps", "non-square", "context"},
        implies=("ccbn@g", "sn", "sa", "projection@d", "hinge"),
        train=large,
        paper="arxiv:1809.11096",
    )


def _register_style_line(register: Register) -> None:
    """Progressive growing, and what grew out of it."""
    register(
        "pggan",
        **_sides("pggan"),
        game="ganzoo.gan.growing:GrowingGame",
        provides={"features", "maps", "non-square"},
        implies=("pixelnorm@g", "wgan", "drift"),
        train={"lr.g": 1e-3, "lr.d": 1e-3, "betas": "0/0.99", "repeat.d": 1, "z-dim": 512, "ema": 0.999},
        across_batch=True,
        paper="arxiv:1710.10196",
    )
    register(
        "stylegan",
        **_sides("stylegan"),
        game="ganzoo.architectures.stylegan:GrowingStyleGame",
        provides={"features", "maps", "non-square", "w", "context"},
        implies=("adain@g", "projection@d", "logistic", "r1:gamma=10"),
        train={"lr.g": 1e-3, "lr.d": 1e-3, "betas": "0/0.99", "z-dim": 512, "ema.halflife": "10k"},
        across_batch=True,
        paper="arxiv:1812.04948",
    )
    register(
        "stylegan2",
        **_sides("stylegan2"),
        provides={"features", "maps", "non-square", "w"},
        implies=("spd@d", "logistic", "r1:gamma=10,every=16,own.step=true"),
        train={
            "lr.g": 2.5e-3,
            "lr.d": 2.5e-3,
            "betas": "0/0.99",
            "z-dim": 512,
            "ema.halflife": "10k",
            "ema.ramp": 0.05,
        },
        across_batch=True,
        paper="arxiv:1912.04958",
    )
    register(
        "stylegan3",
        generator="ganzoo.architectures.stylegan3:generator",
        discriminator="ganzoo.architectures.stylegan2:discriminator",
        provides={"features", "maps", "non-square", "w"},
        implies=("spd@d", "logistic", "r1:gamma=2,every=16,own.step=true"),
        train={"lr.g": 2.5e-3, "lr.d": 2e-3, "betas": "0/0.99", "z-dim": 512, "ema.halflife": "10k", "ema.ramp": 0.05},
        across_batch=True,
        paper="arxiv:2106.12423",
    )


def _register_transformers(register: Register) -> None:
    """Networks of tokens."""
    register(
        "transgan",
        **_sides("transgan"),
        provides={"features", "maps", "non-square"},
        implies=("wgan", "gp", "drift", "diffaugment"),
        train={
            "lr.g": 1e-4,
            "lr.d": 1e-4,
            "betas": "0/0.99",
            "repeat.d": 4,
            "z-dim": 256,
            "init": "xavier",
            "ema.halflife": "500k",
            "ema.ramp": 0.1,
        },
        paper="arxiv:2102.07074",
        published=(fid(9.26, {"source": "TransGAN, paper", "protocol": "the paper's"}),),
    )
    register(
        "vitgan",
        **_sides("vitgan"),
        provides={"features", "maps", "non-square", "w"},
        implies=("isn@d", "projection@d", "logistic", "bcr", "diffaugment"),
        train={
            "lr.g": 2e-3,
            "lr.d": 2e-3,
            "betas": "0/0.99",
            "batch": 128,
            "z-dim": 512,
            "ema.halflife": "10k",
            "ema.ramp": 0.05,
        },
        paper="arxiv:2107.04589",
    )


def _register_few_images(register: Register) -> None:
    """FastGAN and what came of it."""
    register(
        "fastgan",
        **_sides("fastgan"),
        provides={"features", "maps", "non-square", "encoding"},
        implies=("bn", "sn", "hinge", "reconstruction"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.999", "z-dim": 256, "ema": 0.999},
        paper="arxiv:2101.04775",
    )
    register(
        "lightweight-gan",
        **_sides("lightweight_gan"),
        provides={"features", "maps", "non-square", "encoding"},
        implies=(
            "bn@g",
            "linear:heads=8,width=64,local=3",
            "hinge",
            "regularizer/dragan:weight=2.5,c=0,every=4",
            "reconstruction:form=shuffled,distance=l2",
        ),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.9", "z-dim": 256, "ema": 0.995},
        paper="arxiv:2101.04775",
    )


def _register_other_discriminators(register: Register) -> None:
    """What judges images by other means than one score of the whole."""
    register(
        "autoencoder",
        **_sides("autoencoder"),
        provides={"reconstruction", "maps", "non-square"},
        implies=("began",),
        train={"z-dim": 64, "prior": "uniform", "betas": "0.5/0.999", "lr.g": 1e-4, "lr.d": 1e-4},
        paper="arxiv:1703.10717",
    )
    register(
        "projected",
        discriminator="ganzoo.architectures.projected:discriminator",
        provides={"features", "maps", "patches"},
        implies=("bn@d", "sn@d", "spd@d:width=64,layers=0"),
        train={"lr.d": 2e-4, "betas.d": "0/0.99", "repeat.d": 1},
        paper="arxiv:2111.01007",
    )
    register(
        "unet",
        discriminator="ganzoo.architectures.unet:discriminator",
        provides={"features", "maps", "non-square", "patches", "pixels"},
        implies=("sn@d", "projection@d"),
        train={"lr.d": 5e-4, "betas.d": "0/0.999", "repeat.d": 1},
        paper="arxiv:2002.12655",
    )


@hookimpl
def register_architectures(register: Register) -> None:
    register(
        "gan",
        **_sides("gan"),
        provides={"features", "non-square"},
        paper="arxiv:1406.2661",
    )
    register(
        "dcgan",
        **_sides("dcgan"),
        provides={"features", "maps", "non-square"},
        implies=("bn",),
        train={"init": "normal"},
        paper="arxiv:1511.06434",
        published=(fid(48.29, STUDIOGAN),),
    )
    register(
        "sngan",
        **_sides("sngan"),
        provides={"features", "maps", "non-square"},
        implies=("bn@g", "sn@d", "hinge"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0/0.9", "repeat.d": 5},
        paper="arxiv:1802.05957",
        published=(fid(16.77, MIMICRY),),
    )
    register(
        "sndcgan",
        **_sides("sndcgan"),
        provides={"features", "maps", "non-square"},
        implies=("bn@g", "sn@d", "hinge"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0.5/0.999", "init": "normal"},
        paper="arxiv:1802.05957",
    )
    register(
        "sagan",
        **_sides("sagan"),
        provides={"features", "maps", "non-square"},
        implies=("cbn@g", "sn", "sa", "projection", "hinge"),
        train={"lr.g": 1e-4, "lr.d": 4e-4, "betas": "0/0.9"},
        paper="arxiv:1805.08318",
        published=(fid(10.35, STUDIOGAN),),
    )
    _register_biggan(register)
    register(
        "r3gan",
        **_sides("r3gan"),
        provides={"features", "maps", "non-square"},
        implies=("bilinear@d", "relativistic", "r1:gamma=0.5", "r2:gamma=0.5"),
        train={"lr.g": 2e-4, "lr.d": 2e-4, "betas": "0/0.99", "z-dim": 64, "ema": 0.999},
        paper="arxiv:2501.05441",
    )
    _register_style_line(register)
    _register_transformers(register)
    _register_few_images(register)
    _register_other_discriminators(register)
