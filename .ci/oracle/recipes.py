"""What is tried: recipes that come by every part at least once, at sizes that take a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HEADS = {  # the smallest form of each architecture that does not take noise alone, and data that it can learn from
    "pix2pix": ("pix2pix:ch=4", "pairs:edges:digits"),
    "cyclegan": ("cyclegan:blocks=1,ch=4,pool=6", "classes:3,8:digits"),
    "cartoongan": ("cartoongan:blocks=1,ch=4,warmup=2", "cartoon:digits"),
    "simgan": ("simgan:blocks=1,ch=6,pool=6,warmup=1,warmup.d=1", "rendered-digits:digits"),
    "stackgan": ("stackgan:ch=4,condition=8,blocks=1,stage=2", "captions:digits"),
}
TOYS = ("points", "dirac")  # architectures that make no images: `ganzoo toy` plays them
PARTS = {  # every loss, penalty, norm, weight, attention, conditioning, augmentation and law, in few recipes
    "bce-smooth": "dcgan:ch=4+bce:smooth=0.9",
    "minimax-dropout": "dcgan:ch=4,dropout=0.3+minimax",
    "ls-onehot-sa": "dcgan:ch=4+ls+onehot+sa@8",
    "hinge-sn": "dcgan:ch=4+sn+hinge",
    "logistic-r1": "dcgan:ch=4+logistic+r1:every=2,gamma=0.123456789",
    "wgan-gp-eqlr": "dcgan:ch=4+eqlr@d+wgan+gp:every=2",
    "wgan-clip-ln": "dcgan:ch=4+ln+wgan-clip",
    "relativistic-r1-r2": "dcgan:ch=4+relativistic+r1+r2:gamma=0.5",
    "relativistic-average": "dcgan:ch=4+relativistic-average+in@d",
    "relativistic-average-ls": "dcgan:ch=4+relativistic-average:form=ls+pixelnorm@g",
    "relativistic-average-hinge": "dcgan:ch=4+relativistic-average:form=hinge+gn",
    "dragan-diffaugment": "dcgan:ch=4+penalty/dragan+diffaugment",
    "lecam-r1": "dcgan:ch=4+lecam+r1:every=3",
    "cbn-ac": "dcgan:ch=4+cbn+ac",
    "cbn-projection-wn": "dcgan:ch=4+cbn+projection+wn@d+relativistic",
    "nothing": "dcgan:ch=4+normalization/none",
    "softhinge": "dcgan:ch=4+softhinge",
    "se-cbam": "sngan:ch=4+se@g,8+cbam@d,8",
    "eca-nl": "sngan:ch=4+eca@g,8+nl@d,8",
    "bilinear-rectify": "sngan:ch=4,ch.d=6,upsample=bilinear,rectify=true",
    "sagan-sites": "sagan:ch=4+sa@8+diffaugment:color=0.5,cutout=0.25",
    "sagan-empty": "sagan:ch=4+attention/none+weight/none+hinge",
    "gan-deep": "gan:ch=16,ch.d=8,depth=3,dropout=0.2+bn@g+ac",
}
SETTINGS: dict[str, dict[str, object]] = {  # with which some of them are trained
    "minimax-dropout": {"lr.g": "cosine/1e-3/1e-5", "init": "xavier"},
    "hinge-sn": {"lr.d": 1.23456789e-4, "flip": "on", "repeat.d": 2},
    "wgan-gp-eqlr": {"optimizer": "rmsprop", "ema": 0.99, "repeat.d": 2},
    "nothing": {"optimizer": "sgd", "lr.d": "linear/0.02/0.01", "init": "orthogonal/0.5", "repeat.g": 2},
    "gan-deep": {"prior": "uniform", "ema": 0.0, "standing": 0},
    "lecam-r1": {"betas": "0/0.9", "sync": "on"},
}


@dataclass(frozen=True)
class Trial:
    """A recipe to train for a few steps.

    Attributes:
        name: what it is called in reports.
        recipe: at a tiny size.
        data: ``noise``, the labelled images of :func:`oracle.measure.noise`, or what ``--data`` takes.
        settings: as ``--set`` takes them; arithmetic is fp32 unless they say otherwise.
        full: the recipe whose plan is explained, at its own size.
    """

    name: str
    recipe: str
    data: str = "noise"
    settings: dict[str, Any] = field(default_factory=dict)
    full: str = ""


def trials(architectures: list[str], presets: list[str]) -> list[Trial]:
    """One trial of each architecture and preset, and those of ``PARTS``."""
    heads = [name for name in architectures if name not in TOYS]
    tried = [Trial(name, *HEADS.get(name, (f"{name}:ch=4", "noise")), full=name) for name in heads]
    tried += [Trial(name, f"{name}:ch=4", full=name) for name in presets]
    return tried + [Trial(name, text, "noise", SETTINGS.get(name, {}), text) for name, text in PARTS.items()]
