"""Two sets without pairs: two classes, two folders, photos and cartoons, rendered and real digits."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest
import torch
from ganzoo_translate.data.cartoon import cartoonised
from ganzoo_translate.data.digits import render
from ganzoo_translate.data.fonts import fonts, glyph
from small_data import every, folder, pixels

import ganzoo
from ganzoo import DataError, GanzooError, UsageError
from ganzoo.data import DataRequest, ImageData, MemoryImages, open_data

# --- two classes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["3,8", "8,3"])
def test_two_classes(given: str) -> None:
    inner, data = open_data("digits"), open_data(f"classes:{given}:digits")
    first, second = map(int, given.split(","))
    assert inner.labels is not None
    assert torch.equal(every(data.unpaired["source"]), every(inner.images)[inner.labels == first])
    assert torch.equal(every(data.images), every(inner.images)[inner.labels == second])
    assert (data.name, data.labels, data.licence) == (f"classes:{given}:digits", None, inner.licence)
    assert data.provides == {"image", "source"}
    assert data.fingerprint == open_data(f"classes:{given}:digits").fingerprint


def test_names_of_classes_lazily_decoded(tmp_path: Path) -> None:
    for name, seed in (("deer", 0), ("horse", 1), ("ship", 2)):
        folder(tmp_path / "animals" / name, pixels(4, seed=seed))
    data = open_data(f"classes:horse,deer:{tmp_path / 'animals'}", DataRequest(memory=100))
    assert data.name == "classes:horse,deer:animals" and data.fingerprint.startswith("files-")
    assert torch.equal(every(data.unpaired["source"]), pixels(4, seed=1)) and torch.equal(every(data.images), pixels(4))
    assert open_data(f"classes:1,deer:{tmp_path / 'animals'}").name == "classes:horse,deer:animals"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("classes", "names no two classes"),
        ("classes:3:digits", "names no two classes"),
        ("classes:3,4,5:digits", "names no two classes"),
        ("classes:3,8", "such as classes:3,8:cifar10"),
        ("classes:3,3:digits", "name two classes"),
        ("classes:3,three:digits", "has no class 'three'; nearest: "),
        ("classes:3,10:digits", "a number below 10"),
    ],
)
def test_classes_that_cannot_be_meant(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        open_data(text)


def test_classes_need_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="photos has no labels"):
        open_data(f"classes:a,b:{folder(tmp_path / 'photos', pixels())}")


# --- two folders --------------------------------------------------------------------------------------------


def test_two_folders_without_pairs(tmp_path: Path) -> None:
    for name, count, seed in (("trainA", 5, 0), ("trainB", 3, 1), ("testA", 2, 2), ("testB", 4, 3)):
        folder(tmp_path / "zebras" / name, pixels(count, seed=seed))
    train, test = (open_data(f"folders:{tmp_path / 'zebras'}", DataRequest(split=s)) for s in ("train", "test"))
    assert (train.name, train.count, train.unpaired["source"].shape[0]) == ("folders:zebras", 3, 5)
    assert torch.equal(every(test.unpaired["source"]), pixels(2, seed=2)) and test.count == 4
    with pytest.raises(UsageError, match="has no split 'val'; it has test and train"):
        open_data(f"folders:{tmp_path / 'zebras'}", DataRequest(split="val"))
    (tmp_path / "zebras" / "valA").mkdir()
    with pytest.raises(DataError, match="has valA and no valB"):
        open_data(f"folders:{tmp_path / 'zebras'}", DataRequest(split="val"))


def test_pictures_that_cannot_be_read_are_left_out_of_their_side_alone(tmp_path: Path) -> None:
    folder(tmp_path / "A", pixels(4)), folder(tmp_path / "B", pixels(3))
    (tmp_path / "A" / "2.png").write_bytes(b"no picture")
    data = open_data(f"folders:{tmp_path}", DataRequest(skip_bad=True))
    assert (data.count, data.unpaired["source"].shape[0], set(data.skipped)) == (3, 3, {"2.png"})


# --- cartoons -----------------------------------------------------------------------------------------------


def test_photos_and_cartoons_are_of_different_photos() -> None:
    inner, data = open_data("digits"), open_data("cartoon:digits")
    assert torch.equal(every(data.unpaired["source"]), every(inner.images)[::2])
    assert data.count == inner.count // 2 and data.labels is not None and inner.labels is not None
    assert torch.equal(data.labels, inner.labels[1::2])
    assert torch.equal(every(data.images), cartoonised(every(inner.images)[1::2], torch.arange(data.count)))
    assert data.name == "cartoon:digits" and "not drawn" in data.licence and inner.licence in data.licence
    assert data.fingerprint == open_data("cartoon:digits").fingerprint


def test_cartoons_have_few_colours_and_dark_lines() -> None:
    ramp = torch.linspace(0, 255, 32).byte().expand(1, 3, 32, 32).clone()
    drawn = cartoonised(ramp, torch.arange(1))
    assert drawn.shape == ramp.shape and len(drawn.unique()) <= 16 < len(ramp.unique())
    edge = torch.full((1, 3, 32, 32), 200, dtype=torch.uint8)
    edge[..., 16:] = 120
    assert cartoonised(edge, torch.arange(1)).min() < 60


# --- digits -------------------------------------------------------------------------------------------------


def test_fonts_are_those_of_packages_alone() -> None:
    own, *others = fonts(56)
    assert own.getname()[0] == "Aileron"
    assert {"DejaVu Sans", "STIXGeneral"} <= {font.getname()[0] for font in others}
    assert all(Path(str(font.path)).is_relative_to(matplotlib.get_data_path()) for font in others)


def test_fonts_show_ten_different_digits() -> None:
    for font in fonts(56):
        assert len({glyph(font, digit, 56).tobytes() for digit in "0123456789"}) == 10, font.getname()


def test_rendered_digits_are_labelled_and_repeat() -> None:
    images, labels = render(30, 28)
    assert images.shape == (30, 1, 28, 28) and labels.tolist() == [k % 10 for k in range(30)]
    again, _ = render(20, 28)
    other, _ = render(20, 28, seed=1)
    assert torch.equal(images[:20], again) and not torch.equal(again, other)
    assert all((image > 128).sum() > 10 for image in images) and (images[:, 0, 0, 0] == 0).all()
    assert not torch.equal(images[0], images[10])


def test_rendered_digits_beside_real_ones() -> None:
    request = DataRequest(split="test", channels=3)
    data = open_data("rendered-digits:digits", request)
    assert (
        data.provides == {"image", "label", "label-class", "source", "source_label"}
        and data.name == "rendered-digits:digits"
    )
    assert data.images.shape[1:] == data.unpaired["source"].shape[1:] == (3, 32, 32)
    batch = data.stream(8, 0).batch(0)
    assert batch["source_label"].dtype == torch.int64 and batch["source_label"].shape == (8,)
    assert data.fingerprint == open_data("rendered-digits:digits", request).fingerprint
    pixels, labels = render(20, 32, seed=1)  # other splits have other digits than train
    assert torch.equal(every(data.unpaired["source"])[:20], pixels.repeat(1, 3, 1, 1))
    assert torch.equal(data.unpaired["source_label"][:20], labels)


@pytest.mark.parametrize("name", ["cartoon", "rendered-digits", "folders"])
def test_without_an_argument_they_say_what_to_type(name: str) -> None:
    with pytest.raises(GanzooError, match=f"{name} needs"):
        open_data(name)


def test_every_set_passes_what_the_built_in_ones_pass() -> None:
    from ganzoo.testing import checks

    for name in ("pairs", "classes", "folders", "cartoon", "rendered-digits"):
        assert ganzoo.info(f"dataset/{name}").distribution == "ganzoo-translate"
        (refusal,) = [one for one in checks(f"dataset/{name}") if one.id.endswith("refusal")]
        refusal.run()


def test_too_few_photos() -> None:
    from ganzoo.testing import plugin

    class Hooks:
        @staticmethod
        def three(argument: str, request: DataRequest) -> ImageData:
            return ImageData("three", MemoryImages(pixels(3)))

    class Plugin:
        @ganzoo.hookimpl
        def register_datasets(self, register: ganzoo.Register) -> None:
            register("three", Hooks.three, provides={"image"})

    with plugin(Plugin()), pytest.raises(DataError, match="three has 3 images"):
        open_data("cartoon:three")
