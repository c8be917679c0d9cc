"""Pairs made of any data, and kept in folders: what belongs together, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ganzoo_translate.data import derive
from ganzoo_translate.data.inner import DerivedImages, derived
from ganzoo_translate.data.pairs import made
from small_data import every, folder, picture, pixels
from torch import Tensor

from ganzoo import DataError, GanzooError, UsageError
from ganzoo.data import DataRequest, ImageData, LazyImages, MemoryImages, open_data

KINDS = ("gray", "edges", "inpaint", "downscale")


# --- made of any data ---------------------------------------------------------------------------------------


def test_gray_is_luma_in_three_equal_planes() -> None:
    image = torch.tensor([255, 0, 0, 0, 255, 0], dtype=torch.uint8).view(2, 3, 1, 1)
    assert derive.gray(image, torch.arange(2))[:, :, 0, 0].tolist() == [[76] * 3, [150] * 3]


def test_edges_are_black_on_white_where_brightness_jumps() -> None:
    for channels in (1, 3):
        images = torch.zeros(1, channels, 16, 16, dtype=torch.uint8)
        images[..., 8:] = 255
        found = derive.edges(images, torch.arange(1))
        assert found.shape == images.shape and set(found.unique().tolist()) == {0, 255}
        columns = (found[0, 0] == 0).any(0).nonzero().flatten().tolist()
        assert columns and set(columns) <= {6, 7, 8, 9}
    assert (derive.edges(torch.full((1, 3, 16, 16), 90, dtype=torch.uint8), torch.arange(1)) == 255).all()


def test_a_hole_stands_where_its_number_says_and_nothing_else_changes() -> None:
    images = torch.zeros(40, 3, 16, 16, dtype=torch.uint8)
    holed = derive.inpaint(images, torch.arange(40))
    assert (holed == 128).sum((1, 2, 3)).tolist() == [3 * 6 * 6] * 40 and (holed[holed != 128] == 0).all()
    places = {tuple((one[0] == 128).nonzero()[0].tolist()) for one in holed}
    assert len(places) > 20 and max(max(place) for place in places) <= 10
    assert torch.equal(derive.inpaint(images[:3], torch.tensor([7, 0, 39])), holed[[7, 0, 39]])
    assert (images == 0).all()


def test_downscaling_keeps_the_means_and_loses_the_detail() -> None:
    images = pixels(side=32)
    blurred = derive.downscale(images, torch.arange(6)).float()
    assert blurred.std() < 0.5 * images.float().std()
    assert torch.allclose(blurred.mean((2, 3)), images.float().mean((2, 3)), atol=6)
    flat = torch.full((1, 3, 16, 16), 200, dtype=torch.uint8)
    assert torch.equal(derive.downscale(flat, torch.arange(1)), flat)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_else_is_that_of_the_source(kind: str) -> None:
    inner = ImageData(
        "x", MemoryImages(pixels()), torch.arange(6) % 2, ("cat", "dog"), True, "MIT", native=(99, 98), steps=7
    )
    data, again = (made(kind, inner, 10**9) for _ in range(2))
    assert data.name == f"pairs:{kind}:x" and data.provides == {"image", "label", "label-class", "source", "pairs"}
    assert data.class_names == inner.class_names
    kept = ("images", "labels", "licence", "native", "flip", "steps", "skipped")
    assert all(getattr(data, name) is getattr(inner, name) for name in kept)
    assert again.fingerprint == data.fingerprint != inner.fingerprint
    assert isinstance(data.paired["source"], MemoryImages)
    assert torch.equal(every(again.paired["source"]), every(data.paired["source"]))
    batch = data.stream(4, 0).batch(2)
    assert batch["source"].shape == batch["image"].shape and not torch.equal(batch["source"], batch["image"])


def test_the_split_is_the_sources() -> None:
    test = open_data("pairs:edges:digits", DataRequest(split="test"))
    assert (test.count, test.split) == (359, "test")
    with pytest.raises(UsageError, match="digits has no split 'valid'"):
        open_data("pairs:edges:digits", DataRequest(split="valid"))


def test_a_folder_or_zip_is_taken_whole_and_never_named_by_its_path(tmp_path: Path) -> None:
    path = folder(tmp_path / "photos", pixels())
    for split in ("train", "test"):
        data = open_data(f"pairs:gray:{path}", DataRequest(split=split))
        assert (data.name, data.count, data.split) == ("pairs:gray:photos", 6, split)
    with pytest.raises(UsageError, match="pairs:gray:photos has no split 'valid'"):
        open_data(f"pairs:gray:{path}", DataRequest(split="valid"))


def test_pairs_can_be_made_of_pairs() -> None:
    data = open_data("pairs:inpaint:pairs:edges:digits")
    assert data.name == "pairs:inpaint:pairs:edges:digits" and set(data.paired) == {"source"}


def test_images_decoded_on_demand_have_sources_made_on_demand(tmp_path: Path) -> None:
    path = folder(tmp_path / "photos", pixels())
    lazy = open_data(f"pairs:inpaint:{path}", DataRequest(memory=100))
    assert isinstance(lazy.images, LazyImages) and isinstance(lazy.paired["source"], DerivedImages)
    assert lazy.fingerprint.startswith("files-sha256:")
    there = open_data(f"pairs:inpaint:{path}")
    assert torch.equal(every(lazy.paired["source"]), every(there.paired["source"]))
    one, other = lazy.stream(4, 3, flip=True).batch(5), there.stream(4, 3, flip=True).batch(5)
    assert torch.equal(one["source"], other["source"])


def test_sources_are_made_once_where_both_fit() -> None:
    made_of: list[int] = []

    def count(images: Tensor, numbers: Tensor) -> Tensor:
        made_of.extend(numbers.tolist())
        return images

    images = MemoryImages(pixels())
    held = derived(images, count, 2 * images.pixels.nbytes, "x")
    every(held), every(held)
    assert made_of == list(range(6))
    assert isinstance(derived(images, count, 2 * images.pixels.nbytes - 1, "x"), DerivedImages)


def test_other_columns_stay() -> None:
    inner = ImageData("x", MemoryImages(pixels()), paired={"text": torch.zeros(6, 256, dtype=torch.uint8)})
    unpaired = replace(inner, fingerprint="", unpaired={"source": inner.images, "source_label": torch.arange(6)})
    for data in (inner, unpaired):
        assert set(made("gray", data, 10**9).paired) == {"text", "source"}
        assert not made("gray", data, 10**9).unpaired


def test_grey_pictures_shown_in_three_planes_are_grey_still() -> None:
    with pytest.raises(UsageError, match="needs colour to learn, and digits is grey"):
        open_data("pairs:gray:digits", DataRequest(channels=3))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("pairs", "write pairs:KIND:SOURCE"),
        ("pairs:grey:digits", "nearest: gray"),
        ("pairs:gray", "such as pairs:gray:cifar10"),
        ("pairs:gray:digits", "digits is grey"),
        ("pairs:gray:classes:1,2:digits", "classes:1,2:digits is grey"),
        ("pairs:gray:digitz", "nearest: digits"),
        ("pairs:edges:/nowhere/at/all", "there is no folder or zip"),
        ("pairs:ab", "needs a folder"),
        ("pairs:two:/nowhere/at/all", "there is no folder"),
    ],
)
def test_what_cannot_be_meant(text: str, hint: str) -> None:
    with pytest.raises(GanzooError, match=hint) as failed:
        open_data(text)
    assert "\n" not in str(failed.value)


# --- pictures side by side ----------------------------------------------------------------------------------


def test_side_by_side(tmp_path: Path) -> None:
    a, b = pixels(), pixels(seed=1)
    path = folder(tmp_path / "maps", torch.cat([a, b], dim=3))
    for kind, source, image in (("ab", a, b), ("ba", b, a)):
        data = open_data(f"pairs:{kind}:{path}")
        assert torch.equal(every(data.paired["source"]), source) and torch.equal(every(data.images), image)
        assert (data.name, data.native, data.labels) == (f"pairs:{kind}:maps", (16, 16), None)
        lazy = open_data(f"pairs:{kind}:{path}", DataRequest(memory=100))
        assert torch.equal(every(lazy.paired["source"]), source) and torch.equal(every(lazy.images), image)


def test_side_by_side_in_splits(tmp_path: Path) -> None:
    folder(tmp_path / "train", torch.cat([pixels(), pixels()], dim=3))
    folder(tmp_path / "val", torch.cat([pixels(3), pixels(3)], dim=3))
    assert [open_data(f"pairs:ab:{tmp_path}", DataRequest(split=s)).count for s in ("train", "val")] == [6, 3]
    with pytest.raises(UsageError, match="has no split 'test'; it has train and val"):
        open_data(f"pairs:ab:{tmp_path}", DataRequest(split="test"))


def test_pictures_of_another_shape_are_named(tmp_path: Path) -> None:
    folder(tmp_path / "maps", torch.cat([pixels(), pixels()], dim=3))
    picture(tmp_path / "maps" / "odd.png", pixels(1)[0])
    with pytest.raises(DataError, match=r"'odd.png' in .* it has 16 x 16 pixels; A and B side by side"):
        open_data(f"pairs:ab:{tmp_path / 'maps'}")
    data = open_data(f"pairs:ab:{tmp_path / 'maps'}", DataRequest(skip_bad=True))
    assert data.count == 6 == data.paired["source"].shape[0] and set(data.skipped) == {"odd.png"}


# --- two folders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("A", "B"), ("source", "target"), ("trainA", "trainB"), ("A/train", "B/train")])
def test_two_folders(names: tuple[str, str], tmp_path: Path) -> None:
    a, b = pixels(12), pixels(12, seed=1)
    for name, images in zip(names, (a, b), strict=True):
        folder(tmp_path / "set" / name, images)
    data = open_data(f"pairs:two:{tmp_path / 'set'}")
    order = [int(name) for name in sorted(map(str, range(12)))]
    assert torch.equal(every(data.paired["source"]), a[order]) and torch.equal(every(data.images), b[order])
    assert data.name == "pairs:two:set" and data.provides == {"image", "source", "pairs"}
    with pytest.raises(UsageError, match="has no split 'test'"):
        open_data(f"pairs:two:{tmp_path / 'set'}", DataRequest(split="test"))


def test_endings_may_differ_and_sizes_follow_the_image(tmp_path: Path) -> None:
    folder(tmp_path / "B", pixels(4, side=16))
    for number, image in enumerate(pixels(4, channels=1, side=32)):
        picture(tmp_path / "A" / f"{number}.bmp", image)
    data = open_data(f"pairs:two:{tmp_path}")
    assert data.images.shape == data.paired["source"].shape == (4, 3, 16, 16)


def test_a_missing_partner_or_an_empty_side_is_one_line(tmp_path: Path) -> None:
    folder(tmp_path / "A", pixels(4))
    with pytest.raises(DataError, match="has A and no B"):
        open_data(f"pairs:two:{tmp_path}")
    (tmp_path / "B").mkdir()
    with pytest.raises(DataError, match=r"no pictures .* one side is empty"):
        open_data(f"pairs:two:{tmp_path}")
    folder(tmp_path / "B", pixels(3))
    with pytest.raises(DataError, match=r"has 4 and 3 pictures, and 1 have no partner .*: '3' is in A and not in B"):
        open_data(f"pairs:two:{tmp_path}")
    with pytest.raises(DataError, match="has no sub-folders A and B"):
        open_data(f"pairs:two:{tmp_path / 'A'}")


def test_a_picture_that_cannot_be_read_takes_its_partner_along(tmp_path: Path) -> None:
    a, b = pixels(5), pixels(5, seed=1)
    folder(tmp_path / "A", a), folder(tmp_path / "B", b)
    (tmp_path / "A" / "1.png").write_bytes(b"no picture")
    (tmp_path / "B" / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        open_data(f"pairs:two:{tmp_path}")
    data = open_data(f"pairs:two:{tmp_path}", DataRequest(skip_bad=True))
    assert torch.equal(every(data.paired["source"]), a[[0, 2, 4]]) and torch.equal(every(data.images), b[[0, 2, 4]])
    assert len(data.skipped) == 2


def test_numpy_is_not_written_to() -> None:
    """OpenCV works on copies: the images that sources are made from stay as they were."""
    images = pixels()
    before = images.clone()
    for kind in (derive.gray, derive.edges, derive.inpaint, derive.downscale):
        kind(images, torch.arange(6))
    assert np.array_equal(images.numpy(), before.numpy())
