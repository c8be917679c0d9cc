"""Folders and zips, whole and broken."""

import gc
import json
import os
import warnings
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data import DataRequest, decode, open_data
from ganzoo.data import archive as archives
from ganzoo.data.images import LazyImages
from ganzoo.errors import DataError, UsageError

COLOURS = ("red", "lime", "blue")


def picture(path, colour="red", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(path, **options)


def colours(data):
    """The colour of each image, as RGB."""
    pixels = data.images.fetch(torch.arange(data.count))[:, :, 4, 4]
    return [tuple(pixel) for pixel in pixels.tolist()]


def zipped(path, members, index=None):
    """A zip of PNGs by name and colour, with a ``dataset.json``."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, colour in members.items():
            with archive.open(name, "w") as member:
                Image.new("RGB", (8, 8), colour).save(member, format="PNG")
        if index is not None:
            archive.writestr("dataset.json", index if isinstance(index, str) else json.dumps(index))
    return path


def two(path, **options):
    return zipped(path / "two.zip", {"00000/a.png": "red", "00000/b.png": "lime"}, **options)


# folders


def test_a_flat_folder_has_no_labels(tmp_path):
    for number, suffix in enumerate(("png", "bmp", "gif", "webp", "TIF", "PNG")):
        picture(
            tmp_path / f"{number}.{suffix}", COLOURS[number % 3], **({"lossless": True} if suffix == "webp" else {})
        )
    picture(tmp_path / "photo.jpeg", "white")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not a picture either")
    picture(tmp_path / ".cache" / "x.png")
    data = open_data(tmp_path)
    assert data.count == 7 and data.labels is None and data.name == tmp_path.name and not data.flip
    assert colours(data)[:3] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_sub_folders_are_classes(tmp_path):
    for colour in COLOURS:
        picture(tmp_path / colour / "deep" / "1.png", colour)
        picture(tmp_path / colour / "2.png", colour)
    data = open_data(str(tmp_path))
    assert data.class_names == ("blue", "lime", "red") and data.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert colours(data)[0] == (0, 0, 255)


def test_a_single_sub_folder_is_looked_into(tmp_path):
    for number in range(3):
        picture(tmp_path / "images" / f"{number}.png")
    assert open_data(tmp_path).labels is None
    for number in range(3):
        picture(tmp_path / "images" / "b" / f"{number}.png")
        (tmp_path / "images" / f"{number}.png").unlink()
        picture(tmp_path / "images" / "a" / f"{number}.png")
    assert open_data(tmp_path).class_names == ("a", "b")


def test_loose_pictures_beside_sub_folders_are_refused(tmp_path):
    picture(tmp_path / "stray.png")
    picture(tmp_path / "cats" / "1.png")
    with pytest.raises(DataError, match=r"1 loose pictures, such as 'stray\.png', beside sub-folders"):
        open_data(tmp_path)


def test_a_folder_may_have_a_dataset_json(tmp_path):
    for number in range(3):
        picture(tmp_path / f"0000{number}" / "x.png", COLOURS[number])
    labels = [[f"0000{number}/x.png", number % 2] for number in range(3)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels, "classes": ["even", "odd"]}))
    data = open_data(tmp_path)
    assert data.labels.tolist() == [0, 1, 0] and data.class_names == ("even", "odd")


def test_links_that_loop_end(tmp_path):
    for number in range(2):
        picture(tmp_path / "a" / f"{number}.png")
        picture(tmp_path / "b" / f"{number}.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert open_data(tmp_path).count == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(DataError, match="cannot read the folder"):
        open_data(tmp_path)


def test_a_folder_that_vanishes_is_named(tmp_path, monkeypatch):
    def walk(path, onerror, followlinks):
        onerror(PermissionError(13, "Permission denied", str(path)))
        return []

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(DataError, match=r"cannot read the folder .*Permission denied"):
        open_data(tmp_path)


def test_no_picture_and_one_picture(tmp_path):
    with pytest.raises(DataError, match="no pictures"):
        open_data(tmp_path)
    picture(tmp_path / "only.png")
    with pytest.raises(DataError, match="only one picture"):
        open_data(tmp_path)


def test_grey_stays_grey_only_when_all_are(tmp_path):
    for number in range(3):
        picture(tmp_path / f"{number}.png", 40 * number)
    data = open_data(tmp_path)
    assert data.channels == 1 and colours(data) == [(0,), (40,), (80,)]
    assert open_data(tmp_path, DataRequest(channels=3)).channels == 3
    picture(tmp_path / "3.png", "red")
    assert open_data(tmp_path).channels == 3
    assert colours(open_data(tmp_path, DataRequest(channels=1)))[3] == (76,)


def test_mixed_sizes_are_brought_to_one(tmp_path):
    for number, size in enumerate([(40, 30), (64, 64), (35, 90)]):
        picture(tmp_path / f"{number}.png", COLOURS[number], size)
    data = open_data(tmp_path)
    assert data.resolution == 16 and data.native == (30, 40)
    assert open_data(tmp_path, DataRequest(resolution=24)).resolution == 24


# broken pictures


@pytest.fixture
def broken(tmp_path):
    """Five pictures in two classes, one of them cut short."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for number in range(5):
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        picture(path)
        Image.fromarray(noise).save(path)
    victim = tmp_path / "a" / "2.png"
    victim.write_bytes(victim.read_bytes()[:900])
    return tmp_path


@pytest.mark.parametrize("request_", [DataRequest(), DataRequest(resolution=8, channels=3), DataRequest(resolution=8)])
def test_a_broken_picture_is_named_and_refused(broken, request_):
    with pytest.raises(DataError, match=r"'a/2\.png' .* cannot be read: .*--skip-bad") as caught:
        open_data(broken, request_)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("memory", [2**30, 10])
def test_skip_bad_goes_on_and_counts(broken, memory):
    data = open_data(broken, DataRequest(skip_bad=True, memory=memory))
    assert isinstance(data.images, LazyImages) == (memory == 10)
    assert data.count == 4 and list(data.skipped) == ["a/2.png"] and data.labels.tolist() == [0, 0, 1, 1]
    assert data.stream(4, 0).batch(0)["image"].shape == (4, 3, 32, 32)


def test_on_demand_a_broken_picture_is_named_when_it_is_met(broken):
    data = open_data(broken, DataRequest(memory=10))
    with pytest.raises(DataError, match=r"'a/2\.png'"):
        data.stream(5, 0).batch(0)


def test_a_broken_first_picture_does_not_stop_skip_bad(tmp_path):
    (tmp_path / "0.png").write_text("no picture at all")
    for number in (1, 2):
        picture(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match=r"'0\.png' .* not a picture in a format"):
        open_data(tmp_path)
    assert open_data(tmp_path, DataRequest(skip_bad=True)).count == 2


def test_all_broken(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_text("no")
    with pytest.raises(DataError, match="cannot be read"):
        open_data(tmp_path, DataRequest(skip_bad=True))


def test_a_picture_that_claims_too_many_pixels_is_refused(tmp_path, monkeypatch):
    for number in range(2):
        picture(tmp_path / f"{number}.png", size=(20, 20))
    monkeypatch.setattr(decode, "MAX_PIXELS", 399)
    with pytest.raises(DataError, match="20x20 is more than"):
        open_data(tmp_path)


@pytest.mark.parametrize("kind", ["zip", "damaged zip", "large picture"])
def test_no_file_of_data_that_is_dropped_or_refused_stays_open(tmp_path, monkeypatch, kind):
    if kind == "large picture":
        path = tmp_path / "large"
        for name in ("a.png", "b.png"):
            picture(path / name, size=(20, 20))
        monkeypatch.setattr(decode, "MAX_PIXELS", 399)
    else:
        path = two(tmp_path)
        if kind == "damaged zip":
            path.write_bytes(path.read_bytes()[:-40])
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if kind == "zip":
            open_data(path)
        else:
            with pytest.raises(DataError):
                open_data(path)
        gc.collect()
    assert not [str(one.message) for one in told if str(path) in str(one.message)]


# zips


def test_a_stylegan_zip(tmp_path):
    labels = [["00000/b.png", 1], ["00000/a.png", 0]]
    data = open_data(two(tmp_path, index={"labels": labels, "classes": ["warm", "cold"]}))
    assert data.labels.tolist() == [0, 1] and data.class_names == ("warm", "cold") and data.name == "two"
    assert colours(data) == [(255, 0, 0), (0, 255, 0)]


@pytest.mark.parametrize("index", [None, {"labels": None}, {}])
def test_a_zip_without_labels(tmp_path, index):
    assert open_data(two(tmp_path, index=index)).provides == {"image"}


def test_class_names_are_optional(tmp_path):
    labels = [["00000/b.png", 3], ["00000/a.png", 0]]
    assert open_data(two(tmp_path, index={"labels": labels})).class_names == ("0", "1", "2", "3")


def test_a_zip_of_a_folder_and_what_a_mac_adds_to_it(tmp_path):
    with zipfile.ZipFile(zipped(tmp_path / "x.zip", {"top/a.png": "red", "top/sub/b.png": "blue"}), "a") as archive:
        archive.writestr("top/dataset.json", json.dumps({"labels": [["a.png", 1], ["sub/b.png", 0]]}))
        archive.writestr("__MACOSX/top/._a.png", "junk")
        archive.writestr("top/.hidden.png", "junk")
    assert open_data(tmp_path / "x.zip").labels.tolist() == [1, 0]


def test_members_are_never_unpacked(tmp_path):
    path = zipped(tmp_path / "evil.zip", {"../out.png": "red", "/abs/out.png": "blue"})
    before = sorted(tmp_path.parent.rglob("*"))
    assert open_data(path).count == 2
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "index, message",
    [
        ("{", "not JSON"),
        ("[]", "must hold an object"),
        ({"labels": {"00000/a.png": 1}}, "must be null or"),
        ({"labels": [["00000/a.png", [0.5, 0.5]], ["00000/b.png", [0, 1]]]}, "label_kind"),
        ({"labels": [["00000/a.png", -1], ["00000/b.png", 0]]}, "class numbers from 0"),
        ({"labels": [["00000/a.png", 1]]}, "no label for 1 of 2 pictures, such as '00000/b.png'"),
        ({"labels": [["00000/a.png", 1], ["00000/b.png", 0]], "classes": ["one"]}, "names 1 class"),
        ({"labels": [["00000/a.png", 1], ["00000/b.png", 0]], "classes": "ab"}, "list of names"),
    ],
)
def test_a_wrong_dataset_json(tmp_path, index, message):
    with pytest.raises(DataError, match=r"two\.zip") as caught:
        open_data(two(tmp_path, index=index))
    assert message in str(caught.value)


def test_a_truncated_zip(tmp_path):
    path = two(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="not a whole zip"):
        open_data(path)


def test_a_zip_without_pictures(tmp_path):
    with pytest.raises(DataError, match="no pictures"):
        open_data(zipped(tmp_path / "none.zip", {}, index={"labels": None}))


def test_a_damaged_member_is_named(tmp_path):
    path = two(tmp_path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"'00000/a\.png' .* CRC"):
        open_data(path)


def test_a_member_that_unpacks_to_too_much_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 50)
    with pytest.raises(DataError, match="unpacks to"):
        open_data(two(tmp_path))


def test_an_encrypted_zip(tmp_path):
    path = two(tmp_path)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        open_data(path)


def test_a_zip_on_demand_equals_one_in_memory(tmp_path):
    path = two(tmp_path, index={"labels": [["00000/a.png", 0], ["00000/b.png", 1]]})
    held, lazy = open_data(path), open_data(path, DataRequest(memory=0))
    assert colours(held) == colours(lazy) and held.fingerprint != lazy.fingerprint
    assert lazy.fingerprint == open_data(path, DataRequest(memory=0)).fingerprint


def test_a_zip_has_no_test_split(tmp_path):
    with pytest.raises(UsageError, match="no split 'test'"):
        open_data(two(tmp_path), DataRequest(split="test"))


@pytest.mark.shared
@pytest.mark.parametrize("name, count, channels", [("mnist-test", 10_000, 1), ("cifar10-test", 10_000, 3)])
def test_the_real_zips(shared_data, name, count, channels):
    data = open_data(shared_data / f"{name}.zip")
    assert (data.count, data.channels, data.resolution) == (count, channels, 28 if channels == 1 else 32)
    assert len(data.class_names) == 10 and data.labels.bincount().min() > 800
    batch = data.stream(64, seed=0).batch(0)
    assert batch["image"].shape == (64, channels, data.resolution, data.resolution)
    assert batch["image"].std() > 0.3
