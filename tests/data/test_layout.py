"""What sub-folders and ``dataset.json`` mean, in folders and zips: splits are no classes, a name is a name."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch.utils.data import TensorDataset

from ganzoo.cli import main
from ganzoo.data import DataRequest, ImageData, MemoryImages, open_data
from ganzoo.data.check import check
from ganzoo.errors import DataError


def pictures(root: Path, *names: str) -> Path:
    """Bright pictures of these names, each of its own shade."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 250 - number).save(root / name)
    return root


def of(*folders: str) -> list[str]:
    return [f"{folder}/{number}.png" for folder in folders for number in range(2)]


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder.with_name("packed")), "zip", folder))


def index(root: Path, labels: Sequence[Sequence[object]], **said: object) -> Path:
    (root / "dataset.json").write_text(json.dumps({"labels": labels, **said}))
    return root


# --- splits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders, first",
    [
        (("train", "val", "test"), "train"),
        (("Training", "Testing"), "Training"),
        (("train/cat", "train/dog", "valid/cat", "valid/dog"), "train"),
        (("train2017", "val2017"), "train2017"),
        (("train_images", "test_images", "extra"), "train_images"),
        (("trainA", "trainB", "testA", "testB"), "trainA"),
        (("dev", "test"), "dev"),
    ],
)
def test_splits_are_no_classes(tmp_path: Path, folders: tuple[str, ...], first: str) -> None:
    root = pictures(tmp_path / "my photos", *of(*folders))
    for words in (("data", "check"), ("train", "dcgan:ch=4", "--steps", "1", "--out", str(tmp_path / "run"), "--data")):
        done = CliRunner().invoke(main, [*words, str(root)])
        assert done.exit_code in (1, 2) and f"--data '{root / first}'" in done.output and "splits" in done.output
    assert not (tmp_path / "run").exists()
    assert open_data(root / first).count >= 2
    with pytest.raises(DataError, match="splits and not classes: unpack it, and train on"):
        open_data(zipped(root))
    above = pictures(tmp_path / "above" / "photos", *of(*folders)).parent
    with pytest.raises(DataError, match=f"--data {above / 'photos' / first}"):
        open_data(above)


@pytest.mark.parametrize("folders", [("train", "tram"), ("bus", "car", "train"), ("test", "tests2"), ("cat", "dog")])
def test_words_of_other_meaning_stay_classes(tmp_path: Path, folders: tuple[str, ...]) -> None:
    assert open_data(pictures(tmp_path, *of(*folders))).class_names == tuple(sorted(folders))


def test_splits_that_are_classes_after_all_are_said_to_be_by_an_index(tmp_path: Path) -> None:
    root = pictures(tmp_path, *of("test", "train"))
    labels = [[name, int(name.startswith("train"))] for name in of("test", "train")]
    assert open_data(index(root, labels, classes=["test", "train"])).class_names == ("test", "train")


@pytest.mark.parametrize(
    "names, said",
    [
        (of("images", "masks"), "'images' and 'masks' are taken for classes"),
        (of("A", "B"), "'A' and 'B' are taken for classes"),
        (of("cat/train", "cat/test", "dog/train", "dog/test"), "whose pictures are all learned from alike"),
    ],
)
def test_layouts_that_may_mean_something_else_are_said(
    tmp_path: Path, names: list[str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(open_data(pictures(tmp_path, *names)).class_names) == 2
    assert any(said in text for text in caplog.messages)
    assert any(said in text for text in check(str(tmp_path)).remarks)


@pytest.mark.parametrize("packed", [False, True])
def test_shards_are_no_classes(tmp_path: Path, packed: bool, caplog: pytest.LogCaptureFixture) -> None:
    root = pictures(tmp_path / "set", *(f"0000{k}/img0000000{n}.png" for k in range(2) for n in range(2)))
    data = open_data(zipped(root) if packed else root)
    assert data.labels is None and any("taken for shards" in text for text in caplog.messages)


# --- zips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("above", ["", "photos/"])
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_a_zip_of_class_folders_has_their_labels(tmp_path: Path, above: str, separator: str) -> None:
    root = pictures(tmp_path / "set", *of(f"{above}cat", f"{above}dog"))
    (root / above / "eel").mkdir()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root)).replace("/", separator)
            archive.writestr(name + "/" if path.is_dir() else name, b"" if path.is_dir() else path.read_bytes())
    folder, packed = open_data(root), open_data(tmp_path / "x.zip")
    assert packed.class_names == folder.class_names == ("cat", "dog", "eel")
    assert packed.labels is not None and packed.labels.tolist() == [0, 0, 1, 1]
    assert packed.fingerprint == folder.fingerprint
    lazy = open_data(tmp_path / "x.zip", DataRequest(memory=1))
    assert torch.equal(lazy.images.fetch(torch.arange(4)), packed.images.fetch(torch.arange(4)))


def test_backslashes_in_a_zip_match_slashes_in_its_index(tmp_path: Path) -> None:
    pictures(tmp_path, "a/0.png", "a/1.png")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(2):
            archive.write(tmp_path / f"a/{number}.png", f"a\\{number}.png")
        archive.writestr("dataset.json", json.dumps({"labels": [["a/0.png", 1], ["a\\1.png", 0]]}))
    data = open_data(tmp_path / "x.zip")
    assert data.labels is not None and data.labels.tolist() == [1, 0]


def test_a_zip_with_loose_pictures_has_no_classes_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = pictures(tmp_path / "set", "0.png", *of("cat", "dog"))
    assert open_data(zipped(root)).labels is None
    assert any("no folder of it is taken for a class" in text for text in caplog.messages)


def test_a_name_twice_in_a_zip_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures(tmp_path, "0.png", "1.png")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for name in ("0.png", "1.png", "0.png"):
            archive.write(tmp_path / "0.png", name)
    assert open_data(tmp_path / "x.zip").count == 2
    assert any("holds '0.png' twice" in text for text in caplog.messages)


# --- dataset.json -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", ["./0.png", "0.png", ".\\0.png", "x/../0.png"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_picture_is_found_however_its_name_is_written(tmp_path: Path, spelled: str, packed: bool) -> None:
    root = index(pictures(tmp_path / "set", "0.png", "1.png"), [[spelled, 1], ["./1.png", 0]])
    data = open_data(zipped(root) if packed else root)
    assert data.labels is not None and data.labels.tolist() == [1, 0]


def test_accents_are_one_name_however_they_are_spelled(tmp_path: Path) -> None:
    root = index(pictures(tmp_path / "set", "caf\u00e9.png", "1.png"), [["cafe\u0301.png", 1], ["1.png", 0]])
    assert open_data(root).labels.tolist() == [0, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize("again", [["0.png", 2], ["./0.png", 2]])
@pytest.mark.parametrize("packed", [False, True])
def test_a_picture_with_two_labels_is_refused(tmp_path: Path, again: list[object], packed: bool) -> None:
    root = index(pictures(tmp_path / "set", "0.png", "1.png"), [["0.png", 1], ["1.png", 0], again])
    with pytest.raises(DataError, match=r"0\.png' with two labels, '1' and '2': leave one"):
        open_data(zipped(root) if packed else root)


def test_a_picture_listed_twice_alike_is_none_the_worse(tmp_path: Path) -> None:
    root = index(pictures(tmp_path, "0.png", "1.png"), [["0.png", 1], ["1.png", 0], ["./0.png", 1]])
    assert open_data(root).labels.tolist() == [1, 0]  # type: ignore[union-attr]


def test_labels_of_pictures_that_are_not_there_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_data(index(pictures(tmp_path, "0.png", "1.png"), [["0.png", 1], ["1.png", 0], ["2.png", 1]]))
    assert any("labels of 1 pictures that are not there, such as '2.png'" in text for text in caplog.messages)


@pytest.mark.parametrize("packed", [False, True])
def test_an_index_below_the_top_is_read(tmp_path: Path, packed: bool) -> None:
    root = pictures(tmp_path / "set", "photos/0.png", "photos/1.png")
    index(root / "photos", [["0.png", 1], ["1.png", 0]])
    data = open_data(zipped(root) if packed else root)
    assert data.labels is not None and data.labels.tolist() == [1, 0]


@pytest.mark.parametrize("packed", [False, True])
def test_an_index_beside_the_pictures_is_not_and_is_said(
    tmp_path: Path, packed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    root = pictures(tmp_path / "set", *of("cat", "dog"))
    index(root / "cat", [["0.png", 7], ["1.png", 7]])
    data = open_data(zipped(root) if packed else root)
    assert data.class_names == ("cat", "dog") and any("'cat/dataset.json' is not read" in t for t in caplog.messages)


# --- numbers that size memory -------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [20210517, 10**9, 10**18, 2021])
@pytest.mark.parametrize("way", ["folder", "zip", "python"])
def test_identifiers_are_asked_about_before_memory_is_taken(tmp_path: Path, label: int, way: str) -> None:
    labels = [label + number for number in range(6)]
    root = pictures(tmp_path / "set", *(f"{number}.png" for number in range(6)))
    index(root, [[f"{number}.png", own] for number, own in enumerate(labels)])
    data = {"folder": root, "zip": zipped(root)}.get(way)
    made = data or TensorDataset(torch.full((6, 1, 8, 8), 255, dtype=torch.uint8), torch.tensor(labels))
    with pytest.raises(DataError, match="are they identifiers or dates") as refused:
        open_data(made)
    assert f"labels up to {label + 5:,} on 6 pictures" in str(refused.value) and "\n" not in str(refused.value)
    if data:
        assert CliRunner().invoke(main, ["data", "check", str(data)]).exit_code == 1


def test_few_pictures_of_many_named_or_numbered_classes_are_all_right(tmp_path: Path) -> None:
    root = pictures(tmp_path, "0.png", "1.png")
    assert len(open_data(index(root, [["0.png", 999], ["1.png", 0]])).class_names) == 1000
    names = [str(number) for number in range(5000)]
    assert len(open_data(index(root, [["0.png", 4999], ["1.png", 0]], classes=names)).class_names) == 5000


@pytest.mark.parametrize("labels", [[0, 2], [-1, 0], [0, 10**9]])
def test_labels_beyond_the_names_of_classes_are_refused(labels: list[int]) -> None:
    with pytest.raises(DataError, match=f"labels from {min(labels)} to {max(labels)}, and names of 2 classes"):
        ImageData("made", MemoryImages(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)), torch.tensor(labels), ("a", "b"))


# --- values -------------------------------------------------------------------------------------------------


def deep(root: Path, top: int) -> Path:
    """Four grey pictures of 16 bits that differ in their low bytes alone."""
    root.mkdir()
    for number in range(4):
        pixels = np.full((8, 8), top, np.uint16)
        pixels[0, 0] = number
        Image.fromarray(pixels).save(root / f"{number}.png")
    return root


@pytest.mark.parametrize("top, used", [(4095, 12), (1023, 10), (16383, 14)])
def test_data_of_fewer_bits_in_16_is_said_to_be_dark_and_is_no_duplicate(
    tmp_path: Path, top: int, used: int, caplog: pytest.LogCaptureFixture
) -> None:
    root = deep(tmp_path / "deep", top)
    said = f"no value is above {top:,} of 65,535, as {used}-bit data has"
    open_data(root)
    assert any(said in text and f"by {2 ** (16 - used)} beforehand" in text for text in caplog.messages)
    report = check(str(root))
    assert not report.duplicates and any(said in text for text in report.remarks)
    caplog.clear()
    open_data(root, DataRequest(bits=8))
    assert any("of 255" in text for text in caplog.messages)
    caplog.clear()
    array = tmp_path / "deep.npy"
    np.save(array, np.full((4, 1, 8, 8), top, np.uint16))
    open_data(array)
    assert any(said in text for text in caplog.messages)


@pytest.mark.parametrize("top", [65535, 40000])
def test_data_that_uses_its_range_needs_no_word(tmp_path: Path, top: int, caplog: pytest.LogCaptureFixture) -> None:
    open_data(deep(tmp_path / "deep", top))
    open_data(pictures(tmp_path / "plain", "0.png", "1.png"))
    assert not caplog.messages


def test_masks_that_show_as_black_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_data(torch.randint(0, 2, (4, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))
    assert any("no value is above 1 of 255" in text for text in caplog.messages)
