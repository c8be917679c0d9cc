"""Presets: names for recipes, and where their published scores come from.

Published scores are those of the named sources under their own protocols; none was measured here.
"""

# ruff: noqa: D103 - the hook is documented where it is specified
from __future__ import annotations

from typing import Any

from ganzoo.registry.hookspecs import Register, hookimpl

STUDIOGAN = {"source": "PyTorch-StudioGAN 0.4.0, benchmark figure", "protocol": "TF Inception, 50k fakes, 50k train"}
MIMICRY = {"source": "torch-mimicry 0.1.16, README", "protocol": "TF Inception, 50k fakes, 50k train, 3 seeds"}


def fid(value: float, origin: dict[str, str], data: str = "CIFAR-10") -> dict[str, Any]:
    return {"score": "FID", "value": value, "data": data, **origin}


def _r3gan(
    images: str, gamma: str, halflife: str, p: str, networks: str = "", **more: Any
) -> tuple[str, dict[str, Any]]:
    """A configuration of R3GAN: cosine schedules over the first images, then held. Learning rates are CIFAR's.

    Augmentation is ADA's with a p that no overfitting moves, and colours half as often.
    """
    penalties = "+".join(f"{name}:gamma=cosine/{gamma}/{images}" for name in ("r1", "r2"))
    settings = {f"lr.{player}": f"cosine/2e-4/5e-5/{images}" for player in "gd"}
    schedules = {"beta2": f"cosine/0.9/0.99/{images}", "ema.halflife": f"cosine/0/{halflife}/{images}"}
    augment = f"ada:pipe=blit/geom/color/cutout,color=0.5,p=cosine/0/{p}/{images}"
    return f"r3gan{networks}+{penalties}+{augment}", {**settings, **schedules, **more}


def _register_r3gan(register: Register) -> None:
    """The paper's five configurations."""
    r3gan = {
        "cifar10": (_r3gan("20M", "0.05/0.005", "5M", "0.55", batch=512), 1.96, "CIFAR-10"),
        "ffhq64": (_r3gan("20M", "2/0.2", "0.5M", "0.3"), 1.95, "FFHQ, 64 pixels"),
        "ffhq256": (_r3gan("20M", "150/15", "0.5M", "0.3"), 2.75, "FFHQ, 256 pixels"),
        "imagenet32": (_r3gan("200M", "0.5/0.05", "50M", "0.5", ":ch=1536,group=32"), 1.27, "ImageNet, 32 pixels"),
        "imagenet64": (_r3gan("200M", "1/0.1", "50M", "0.4", ":ch=1536,full=64,group=32"), 2.09, "ImageNet, 64 pixels"),
    }
    paper = {"source": "R3GAN, paper", "protocol": "the paper's"}
    for name, ((recipe, settings), value, data) in r3gan.items():
        scores = (fid(value, paper, data),)
        register(f"r3gan-{name}", recipe, train=settings, paper="arxiv:2501.05441", published=scores)


def _register_stylegan2(register: Register) -> None:
    """The paper's, StudioGAN's for CIFAR-10, and what it combines with that."""
    cifar = "stylegan2:mapping=2,form=plain,group=32,mixing=0+r1:gamma=0.01,every=16,own.step=true"
    slow = {"ema.halflife": "500k", "ema.ramp": 0.05}
    register("stylegan2-cifar10", cifar, train=slow, paper="arxiv:2006.06676", published=(fid(3.78, STUDIOGAN),))
    variants = {
        "diffaug": ("diffaugment", "2006.10738"),
        "lecam": ("lecam", "2104.03310"),
        "diffaug-lecam": ("diffaugment+lecam", "2104.03310"),
        "infogan": ("info", "1606.03657"),
    }
    variants |= {"apa": ("apa", "2111.06849"), "ada-apa": ("apa+ada", "2111.06849")}
    for name, (parts, number) in variants.items():
        register(f"stylegan2-{name}", f"stylegan2-cifar10+{parts}", paper=f"arxiv:{number}")
    contrast = {"train": {"repeat.d": 2}, "paper": "arxiv:2111.01118"}
    near = "stylegan2-cifar10+d2dce:weight=0.25,temperature=0.25"
    register("stylegan2-d2dce", near, **contrast)
    scores = (fid(2.31, STUDIOGAN),)
    register("stylegan2-ada", "stylegan2-cifar10+ada", paper="arxiv:2006.06676", published=scores)
    register("stylegan2-d2dce-ada", f"{near}+ada:target=0.8", **contrast)
    register("stylegan2-d2dce-diffaug", f"{near}+diffaugment", published=(fid(2.24, STUDIOGAN),), **contrast)
    register("stylegan2-ffhq", "stylegan2+pl", train={"batch": 32}, paper="arxiv:1912.04958")


def _register_stylegan3(register: Register) -> None:
    """Both configurations: the paper's, StudioGAN's for CIFAR-10, and those with ADA, as all of its runs have it."""
    cifar = "form=plain,group=32+r1:gamma=0.01,every=16,own.step=true"
    recipes = {
        "t": ("stylegan3", f"stylegan3:{cifar}"),
        "r": ("stylegan3:config=r+blur", f"stylegan3:config=r,{cifar}+blur"),
    }
    slow = {"ema.halflife": "500k", "ema.ramp": 0.05, "lr.d": 2.5e-3}
    scores = {"t": (), "r": (fid(10.83, STUDIOGAN),)}
    for name, (plain, small) in recipes.items():
        register(f"stylegan3-{name}", plain, train={"batch": 32}, paper="arxiv:2106.12423")
        register(f"stylegan3-{name}-cifar10", small, train=slow, paper="arxiv:2106.12423")
        more: dict[str, Any] = {"paper": "arxiv:2106.12423", "published": scores[name]}
        register(f"stylegan3-{name}-ada", f"{small}+ada", train=slow, **more)


def _register_biggan(register: Register) -> None:
    """BigGAN with other heads and regularizers."""
    register("biggan-uncond", "biggan+unlabelled@g+plain@d", paper="arxiv:1809.11096")
    register("biggan-deep-studiogan", "biggan-deep:form=studiogan", train={"repeat.d": 2}, paper="arxiv:1809.11096")
    register("crgan", "biggan+cr", paper="arxiv:1910.12027", published=(fid(3.16, STUDIOGAN),))
    register("icrgan", "biggan+bcr+zcr", paper="arxiv:2002.04724", published=(fid(3.54, STUDIOGAN),))
    register("contragan", "biggan+2c", paper="arxiv:2006.12681", published=(fid(6.01, STUDIOGAN),))
    register(
        "reacgan",
        "biggan+d2dce",
        train={"batch": 128, "lr.g": 2.8284271e-4, "lr.d": 2.8284271e-4},
        paper="arxiv:2111.01118",
        published=(fid(3.87, STUDIOGAN),),
    )
    register("mhgan", "biggan+mh+fm:norm=l1", paper="arxiv:1912.04216", published=(fid(3.95, STUDIOGAN),))
    register("mdgan", "biggan+md+bce+r1:gamma=1", paper="arxiv:1905.01723")
    register("adcgan", "biggan+adc", paper="arxiv:2107.10060", published=(fid(3.93, STUDIOGAN),))


def _register_adaptive(register: Register) -> None:
    """Other networks than StyleGAN2 with ADA and APA."""
    adaptive = {"ada": "2006.06676", "apa": "2111.06849"}
    for name, number in adaptive.items():
        register(f"sngan-{name}", f"sngan-cond+{name}", paper=f"arxiv:{number}")
        register(f"biggan-{name}", f"biggan+logistic+{name}", paper=f"arxiv:{number}")
    register("reacgan-ada", "reacgan+logistic+ada:target=0.7", paper="arxiv:2111.01118")


@hookimpl
def register_presets(register: Register) -> None:
    register("lsgan", "dcgan+ls", paper="arxiv:1611.04076", published=(fid(40.22, STUDIOGAN),))
    register("ggan", "dcgan+hinge", paper="arxiv:1705.02894", published=(fid(43.16, STUDIOGAN),))
    register("dragan", "dcgan+regularizer/dragan", paper="arxiv:1705.07215")
    register("rgan", "dcgan+relativistic", paper="arxiv:1807.00734")
    register("ragan", "dcgan+relativistic-average", paper="arxiv:1807.00734")
    register("ralsgan", "dcgan+relativistic-average:form=ls", paper="arxiv:1807.00734")
    register("rahinge", "dcgan+relativistic-average:form=hinge", paper="arxiv:1807.00734")
    register("cgan", "dcgan+onehot", paper="arxiv:1411.1784")
    register("wgan-gp", "sngan+weight/none+wgan+gp", paper="arxiv:1704.00028", published=(fid(22.29, MIMICRY),))
    register(
        "wgan-wc",
        "sngan+weight/none+wgan-clip",
        paper="arxiv:1701.07875",
        published=(fid(107.68, STUDIOGAN),),
    )
    register("sngan-cond", "sngan+cbn+projection", paper="arxiv:1802.05957", published=(fid(9.01, STUDIOGAN),))
    register("cgan-pd", "sngan+cbn+projection", paper="arxiv:1802.05637", published=(fid(10.84, MIMICRY),))
    register("sngan-r1", "sngan+r1", paper="arxiv:1801.04406")
    register("sngan-lecam", "sngan+lecam", paper="arxiv:2104.03310")
    register("acgan", "sngan+cbn+ac", paper="arxiv:1610.09585", published=(fid(33.39, STUDIOGAN),))
    _register_biggan(register)
    plain = "sngan+weight/none@d+bn@d+cbn@g"  # StudioGAN's ResNet without spectral norm, whose D has batch norm
    tuned = {"betas": "0.5/0.999"}
    register("acgan-mod", f"{plain}+ac:bias=false,weight.fake=0", train=tuned, paper="arxiv:1610.09585")
    register("tacgan", f"{plain}+tac", train=tuned, paper="arxiv:1907.02690", published=(fid(29.51, STUDIOGAN),))
    register("lgan", "sngan+weight/none@d+bn+bce+maxgp", paper="arxiv:1902.05687")
    register(
        "logan",
        "sngan+lo:bound=1",
        train={"prior": "uniform", **tuned},
        paper="arxiv:1912.00953",
        published=(fid(20.45, STUDIOGAN),),
    )
    _register_r3gan(register)
    _register_stylegan2(register)
    _register_adaptive(register)
    register("ssgan", "sngan+rotation", paper="arxiv:1811.11212", published=(fid(14.65, MIMICRY),))
    register("infomax-gan", "sngan+infomax", paper="arxiv:2007.04589", published=(fid(15.12, MIMICRY),))
    register("began", "autoencoder+began", paper="arxiv:1703.10717")
    register("ebgan", "dcgan+autoencoder@d:error=l2+energy+pull-away", paper="arxiv:1609.03126")
    register(
        "unet-gan",
        "biggan:ch=64+attention/none+unet@d+bce+cutmix",
        train={"lr.g": 1e-4, "betas": "0/0.999", "z-dim": 128, "ema.start": "21000", "batch": 20},
        paper="arxiv:2002.12655",
    )
    _register_stylegan3(register)
    few = {"batch": 8}
    register("fastgan-diffaug", "fastgan+diffaugment", train=few, paper="arxiv:2101.04775")
    seen = {"lr.g": 2e-4, "betas": "0/0.99", "z-dim": 256, "batch": 64}
    for name, form in {"projected-gan": "double", "projected-gan-lite": "lite"}.items():
        projected = f"fastgan:ch=128,form={form}+projected@d+hinge+diffaugment"
        register(name, projected, train=seen, paper="arxiv:2111.01007")
    forty = {"batch": 40}  # the repository's 10 in four pieces
    register("lightweight-gan-aug", "lightweight-gan+diffaugment:color=0", train=forty, paper="arxiv:2101.04775")
    register("fastgan-lite", "fastgan:form=lite+diffaugment", train=few, paper="arxiv:2111.01007")
    register(
        "transgan-celebahq256",
        "transgan:norm=pixel",
        train={"z-dim": 512, "ema": 0.995},
        paper="arxiv:2102.07074",
    )
    register("infogan", "dcgan+info", paper="arxiv:1606.03657")
    register("sagan-uncond", "sagan+bn@g+plain", paper="arxiv:1805.08318")
    register(
        "csnsagan",
        "sagan+sn+cbn+projection+hinge",
        train={"lr.g": 1e-3, "lr.d": 4e-3},
        paper="arxiv:1805.08318",
    )
