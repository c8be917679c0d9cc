"""Whoever comes from another library, or misspells, reads what would work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import GanzooError

ANY: Any = ganzoo  # what type checkers would find, too
REFUSALS = (GanzooError, AttributeError, TypeError)
MODULE: dict[str, Callable[[], object]] = {
    "ganzoo.build.*ganzoo.load": lambda: ANY.create_model("dcgan"),  # timm
    "here it is ganzoo.load": lambda: ANY.from_pretrained("dcgan-mnist"),  # diffusers
    "ganzoo.list_models": lambda: ANY.models,  # torchvision
    "ganzoo.train": lambda: ANY.fit,  # Keras
    "nearest: evaluate": lambda: ANY.evaluat,
    "num_classes.*classes": lambda: ANY.build("sngan", num_classes=10),
    "here it is resolution": lambda: ANY.build("dcgan", img_size=64),
    "ganzoo.load.name. loads": lambda: ANY.build("dcgan", pretrained=True),
    "steps=N, or images=N": lambda: ANY.train("dcgan", data="digits", epochs=3),
    "settings={'lr': VALUE}": lambda: ANY.train("dcgan", data="digits", lr=1e-4),
    "here it is save_every": lambda: ANY.train("dcgan", data="digits", snap=5),
    "nearest: revision": lambda: ANY.load("dcgan-mnist", revison="v1"),
    "here it is metrics": lambda: ANY.evaluate("./a", "digits", metric="fid"),
    "ganzoo.build.'dcgan'.": lambda: ganzoo.create("dcgan"),
    "channels.*ganzoo.create": lambda: ganzoo.create("bn"),
    "ganzoo.load.'dcgan-mnist'. in Python": lambda: ganzoo.build("dcgan-mnist"),
    "architecture dcgan: ganzoo.build": lambda: ganzoo.load("dcgan"),
    "nearest: mdgan, dcgan": lambda: ganzoo.build("dgan"),
}


@pytest.mark.parametrize("words", MODULE)
def test_the_module_says_what_would_work(words: str, hub: object) -> None:
    with pytest.raises(REFUSALS, match=words):
        MODULE[words]()


def test_python_itself_still_asks_in_vain() -> None:
    assert not hasattr(ganzoo, "__wrapped__") and not hasattr(ganzoo, "create_model")
    with pytest.raises(AttributeError, match=r"has no attribute '_nothing'$"):
        _ = ANY._nothing


@pytest.fixture(scope="module")
def gan() -> ganzoo.GAN:
    made = ganzoo.build("dcgan:ch=4+cbn@g", 16, 1, classes=3, z_dim=8)
    made.class_names = ("cat", "dog", "cow")
    return made


MODEL: dict[str, Callable[[Any], object]] = {
    "gan.sample.16. draws": lambda gan: gan(torch.zeros(1, 8)),
    "no 'D2'; nearest: D": lambda gan: gan.D2,
    "here it is n$": lambda gan: gan.sample(num_images=4),
    "here it is seed$": lambda gan: gan.sample(4, generator=torch.Generator()),
    "here it is output$": lambda gan: gan.sample(4, output_type="pil"),
    "'pt', 'np' or 'pil'": lambda gan: gan.sample(4, output="PIL"),
    r"labels=\['cat'\] \* 4": lambda gan: gan.sample(4, labels=["cat"]),
    r"labels=\[1\] \* 4": lambda gan: gan.sample(4, labels=[1]),
    "nearest: cow, cat": lambda gan: gan.sample(labels=["caw"]),
    "from 0 to 2": lambda gan: gan.sample(labels=[3]),
    r"shape \(4, 100\); 4 images of this model take \(4, 8\)": lambda gan: gan.sample(z=torch.zeros(4, 100)),
    r"take label vectors \(4, 3\)": lambda gan: gan.generate(torch.zeros(4, 8), torch.zeros(4, 2)),
}


@pytest.mark.parametrize("words", MODEL)
def test_a_model_says_what_would_work(words: str, gan: ganzoo.GAN) -> None:
    with pytest.raises(REFUSALS, match=words):
        MODEL[words](gan)


def test_a_model_without_labels_says_so_first() -> None:
    with pytest.raises(GanzooError, match="unconditional: it takes no labels"):
        ganzoo.build("dcgan:ch=4", 16).sample(4, labels=[1])


def test_a_model_to_sample_says_how_to_have_its_discriminator(model: Path) -> None:
    gan = ganzoo.load(model)
    assert not hasattr(gan, "D") and hasattr(gan, "G")
    with pytest.raises(AttributeError, match="discriminator=True"):
        _ = gan.D


def test_a_model_says_where_it_is_and_what_it_computes_in(gan: ganzoo.GAN) -> None:
    assert (gan.device, gan.dtype) == (torch.device("cpu"), torch.float32)
    assert ganzoo.build("dcgan:ch=4", 16, device="meta").device.type == "meta"
    assert ganzoo.build("dcgan:ch=4", 16).to(torch.bfloat16).dtype is torch.bfloat16


def test_devices_are_torchs_too(tmp_path: Path, model: Path) -> None:
    cpu = torch.device("cpu")
    assert ganzoo.load(model, device=cpu).device == ganzoo.build("dcgan:ch=4", 16, device=cpu).device == cpu
    data = torch.randint(0, 256, (8, 1, 16, 16), dtype=torch.uint8)
    run = ANY.train("gan:ch=4", data, tmp_path / "run", 1, batch=4, device=cpu, quiet=True)
    assert run.step == 1
