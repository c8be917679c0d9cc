"""The tables of ``docs/zoos.md``: every number is in the plan of its recipe, and every name in the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ganzoo.plan.resolver import make_plan
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import known_provider

TEXT = (Path(__file__).parents[2] / "docs" / "zoos.md").read_text("utf-8")
ROW = re.compile(r"^\| ([\w-]+) \| ([^|]+) \| `([^`]+)` \| ([\d,]+|-) \| `([^`]+)` \|$", re.MULTILINE)
ROWS = {f"{zoo}: {name}": (recipe, settings.split()) for zoo, name, recipe, _, settings in ROW.findall(TEXT)}
NAMES = re.compile(r"^\| [^|`]+ \| ((?:`[^`]+` ?)*)(\(ganzoo-[a-z]+\))? ?\| ([A-Z ]*)\| ([^|]*)\|$", re.MULTILINE)
LIBRARIES = {"torch-mimicry": 8, "mmgeneration": 12, "compare_gan": 5, "torchgan": 5}
COLUMNS = {"image", "label", "label-class"}

# What the sources say besides the settings, where that is a part: by configuration, parts that the plan has to have.
PARTS = {
    "torch-mimicry: InfoMax-GAN, CIFAR-10": {"infomax", "hinge", "sn"},
    "torch-mimicry: SSGAN, CIFAR-10": {"rotation", "hinge", "sn"},
    "torch-mimicry: WGAN-GP, CIFAR-10": {"wgan", "gp"},
    "torch-mimicry: cGAN-PD, CIFAR-10": {"projection", "cbn", "hinge"},
    "mmgeneration: wgangp_GN_celeba-cropped_128_b64x1_160kiter": {"gn", "wgan", "gp"},
    "mmgeneration: sagan_32_woReLUinplace_lr-2e-4_ndisc5_cifar10_b64x1": {"sa", "sn", "projection", "hinge"},
    "mmgeneration: stylegan2_base": {"logistic", "r1", "pl"},
    "compare_gan: resnet_cifar10": {"bce", "sn", "bn"},
    "compare_gan: dcgan_celeba64": {"bce", "bn"},
    "compare_gan: sndcgan_celebahq128": {"bce", "sn", "bn"},
    "compare_gan: resnet_lsun-bedroom128": {"wgan", "gp", "bn"},
    "compare_gan: biggan_imagenet128": {"hinge", "sn", "projection"},
    "torchgan: AutoEncoding": {"energy", "autoencoder"},
}

MIMICRY = {"betas": (0.0, 0.9), "batch": 64, "repeat.d": 5, "z-dim": 128}
HALF = {"lr.g": 2e-4, "lr.d": 2e-4, "betas": (0.5, 0.999), "batch": 64}
FAST = {"lr.g": 1e-3, "lr.d": 1e-3, "betas": (0.5, 0.99), "batch": 128, "repeat.d": 1}
# The numbers of the sources, as they have them; of configurations that are not here, those of their library.
SHARED: dict[str, dict[str, object]] = {"torch-mimicry": MIMICRY, "mmgeneration": {}, "torchgan": {"z-dim": 100}}
SHARED["compare_gan"] = {**HALF, "z-dim": 128}
FACTS: dict[str, dict[str, object]] = {
    "torch-mimicry: InfoMax-GAN, CelebA 128": {**MIMICRY, "lr.g": 2e-4, "lr.d": 2e-4, "repeat.d": 2},
    "torch-mimicry: DCGAN": {"z-dim": 128},
    "torch-mimicry: SAGAN": {"z-dim": 128},
    "mmgeneration: dcgan_celeba-cropped_64_b128x1_300k": {**HALF, "batch": 128, "repeat.d": 1},
    "mmgeneration: lsgan_dcgan-archi_lr-1e-3_celeba-cropped_64_b128x1_12m": FAST,
    "mmgeneration: ggan_celeba-cropped_dcgan-archi_lr-1e-3_64_b128x1_12m": FAST,
    "mmgeneration: wgangp_GN_celeba-cropped_128_b64x1_160kiter": {"batch": 64, "repeat.d": 5, "z-dim": 128},
    "mmgeneration: sngan_proj_32_woReLUinplace_lr-2e-4_ndisc5_cifar10_b64x1": {**HALF, "repeat.d": 5},
    "mmgeneration: sngan_proj_32_wReLUinplace_lr-2e-4_ndisc5_cifar10_b64x1": {**HALF, "repeat.d": 5},
    "mmgeneration: sngan_proj_128_woReLUinplace_Glr-2e-4_Dlr-5e-5_ndisc5_imagenet1k_b128x2": {
        "lr.g": 2e-4,
        "lr.d": 5e-5,
        "batch": 256,
        "repeat.d": 5,
    },
    "mmgeneration: sagan_32_woReLUinplace_lr-2e-4_ndisc5_cifar10_b64x1": {**HALF, "repeat.d": 5},
    "mmgeneration: sagan_128_woReLUinplace_Glr-1e-4_Dlr-4e-4_ndisc1_imagenet1k_b64x4": {
        "lr.g": 1e-4,
        "lr.d": 4e-4,
        "betas": (0.0, 0.999),
        "batch": 256,
        "repeat.d": 1,
    },
    "mmgeneration: biggan_cifar10_32x32_b25x2_500k": {"batch": 50, "repeat.d": 4, "z-dim": 128, "ema": 0.9999},
    "mmgeneration: pggan_1024": {"z-dim": 512},
    "mmgeneration: stylegan2_base": {"z-dim": 512},
    "compare_gan: resnet_cifar10": {**SHARED["compare_gan"], "repeat.d": 5},
    "compare_gan: dcgan_celeba64": {**SHARED["compare_gan"], "repeat.d": 1},
    "compare_gan: sndcgan_celebahq128": {**SHARED["compare_gan"], "repeat.d": 1},
    "compare_gan: resnet_lsun-bedroom128": {"lr.g": 1e-4, "lr.d": 1e-4, "betas": (0.5, 0.9), "repeat.d": 5},
    "compare_gan: biggan_imagenet128": {
        "lr.g": 1e-4,
        "lr.d": 5e-4,
        "betas": (0.0, 0.999),
        "batch": 2048,
        "repeat.d": 2,
        "init": "orthogonal",
        "z-dim": 120,
    },
}


def test_every_library_is_there() -> None:
    found = [name.partition(":")[0] for name in ROWS]
    assert {library: found.count(library) for library in LIBRARIES} == LIBRARIES
    assert len(ROWS) == sum(LIBRARIES.values()) and PARTS.keys() <= ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_plan_with_its_numbers(name: str) -> None:
    recipe, settings = ROWS[name]
    plan = make_plan(recipe, COLUMNS, dict(one.split("=", 1) for one in settings))
    assert {slot.name for slot in plan.slots} >= PARTS.get(name, set())
    library = name.partition(":")[0]
    facts = FACTS.get(name, SHARED[library])
    for key, value in facts.items():
        found = plan["betas"] if key == "betas" else plan[key]
        assert found == value, f"{key} is {found}"
    told = {one.partition("=")[0] for one in settings}
    assert facts.keys() <= told | {f"lr.{side}" for side in "gd" if "lr" in told}, "the page has every number"


def test_every_name_of_the_page_is_registered() -> None:
    rows = NAMES.findall(TEXT.partition("## Every GAN")[2])
    assert len(rows) >= 30
    for names, plugin, libraries, remark in rows:
        words = re.findall(r"`([^`]+)`", names)
        assert words or remark.strip(), f"nothing is said of {libraries}"
        for word in words:
            if plugin:
                assert known_provider("architecture", word), f"{word} is said to come with {plugin}"
            else:
                registry().find(word)
