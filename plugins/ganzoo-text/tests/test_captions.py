import pytest
import torch
from ganzoo_text.captions import TEMPLATES, thing
from PIL import Image

from ganzoo import DataError, UsageError
from ganzoo.data import DataRequest, decode_text, open_data


@pytest.fixture
def folder(tmp_path):
    """Two classes of two pictures, with a caption each."""
    for number, name in enumerate(("cats/a", "cats/b", "dogs/c", "dogs/d")):
        path = tmp_path / "pets" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number * 60,) * 3).save(path)
        path.with_suffix(".txt").write_text(f"caption  of {name[-1]}\n", encoding="utf-8")
    return tmp_path / "pets"


def captions_of(data):
    return decode_text(data.paired["text"])


def test_captions_name_the_class_and_are_the_same_each_time():
    data, again = (open_data("captions:digits", DataRequest(resolution=16)) for _ in range(2))
    said = captions_of(data)
    assert said == captions_of(again) and data.fingerprint == again.fingerprint
    assert data.name == "captions:digits" and data.class_names == tuple("0123456789")
    assert {"image", "label", "text"} <= data.provides
    for text, label in zip(said, data.labels.tolist(), strict=True):
        assert text.endswith((f" a {label}", f" an {label}")) or text in (f"a {label}", f"an {label}")
    assert len({text.rpartition(" ")[0] for text in said}) > len(TEMPLATES)
    assert data.fingerprint != open_data("digits", DataRequest(resolution=16)).fingerprint


@pytest.mark.parametrize(
    "name, said", [("frog", "a frog"), ("airplane", "an airplane"), ("sea_lion", "a sea lion"), ("8", "an 8"),
                   ("11", "an 11"), ("110", "a 110"), ("great-auk", "a great auk")]
)  # fmt: skip
def test_names_get_an_article(name, said):
    assert thing(name) == said


def test_a_batch_has_the_captions_of_its_images(folder):
    data = open_data(f"captioned:{folder}", DataRequest())
    batch = data.stream(4, seed=3).batch(0)
    shown = ((batch["image"][:, 0, 0, 0] + 1) * 127.5 / 60).round().long()
    assert decode_text(batch["text"]) == [f"caption of {'abcd'[number]}" for number in shown]


def test_a_folder_keeps_labels_and_names(folder):
    data = open_data(f"captioned:{folder}", DataRequest())
    assert data.class_names == ("cats", "dogs") and data.labels.tolist() == [0, 0, 1, 1]
    assert data.name == "captioned:pets"


def test_of_several_lines_each_image_has_one_that_stays(folder):
    for path in folder.rglob("*.txt"):
        path.write_text("one\n\ntwo\r\nthree\n")
    said = captions_of(open_data(f"captioned:{folder}", DataRequest()))
    assert said == captions_of(open_data(f"captioned:{folder}", DataRequest()))
    assert len(set(said)) > 1 and set(said) <= {"one", "two", "three"}


def test_a_picture_that_is_skipped_takes_its_caption_with_it(folder):
    (folder / "cats" / "a.png").write_bytes(b"no picture")
    data = open_data(f"captioned:{folder}", DataRequest(skip_bad=True))
    assert captions_of(data) == [f"caption of {letter}" for letter in "bcd"]


def test_images_decoded_on_demand_are_not_read_for_a_fingerprint(folder):
    data = open_data(f"captioned:{folder}", DataRequest(memory=10))
    assert data.fingerprint.startswith("files-sha256:")
    (folder / "cats" / "a.txt").write_text("other")
    assert open_data(f"captioned:{folder}", DataRequest(memory=10)).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "has no caption: write one into 'a.txt'"),
        (b" \n\n", "is empty: write a caption"),
        (b"x" * 300, "has 300 bytes; a caption has at most 256"),
        (b"\xff\xfe\xff", "cannot be read"),
        (b"x\n" * 40_000, "is larger than 64 kB"),
    ],
)
def test_what_is_no_caption_is_one_clear_line(folder, content, said):
    path = folder / "cats" / "a.txt"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=said) as refused:
        open_data(f"captioned:{folder}", DataRequest())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "value, error, said",
    [
        ("captions:", UsageError, "captions:SOURCE"),
        ("captioned:", UsageError, "captioned:FOLDER"),
        ("captioned:/no/such/folder", DataError, "no folder"),
        ("captions:/no/such/folder", DataError, "no folder or zip"),
    ],
)
def test_what_is_no_data_is_one_clear_line(value, error, said):
    with pytest.raises(error, match=said):
        open_data(value, DataRequest())


def test_data_without_labels_has_no_captions(tmp_path):
    for number in range(2):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="has none: give labelled data"):
        open_data(f"captions:{tmp_path}", DataRequest())


def test_a_folder_is_taken_whole_as_train_or_test(folder):
    whole, tests = (open_data(f"captioned:{folder}", DataRequest(split=split)) for split in ("all", "test"))
    assert tests.count == whole.count and tests.fingerprint == whole.fingerprint
    assert open_data(f"captions:{folder}", DataRequest(split="test")).count == whole.count
    for value in (f"captioned:{folder}", f"captions:{folder}"):
        with pytest.raises(UsageError, match="no split 'val'"):
            open_data(value, DataRequest(split="val"))


def test_rows_are_bytes(folder):
    text = open_data(f"captioned:{folder}", DataRequest()).paired["text"]
    assert text.dtype == torch.uint8 and text.shape == (4, 256)
