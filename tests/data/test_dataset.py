"""Opening data: names, tensors, torch data sets; decoding; memory."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from ganzoo.data import DataRequest, open_data
from ganzoo.data.collect import natural_resolution
from ganzoo.data.decode import plain, planes
from ganzoo.data.images import LazyImages
from ganzoo.errors import DataError, UsageError


def everything(data):
    return data.images.fetch(torch.arange(data.count))


def test_digits_are_embedded_and_legible():
    data = open_data("digits")
    assert (data.count, data.channels, data.resolution, data.native) == (1438, 1, 32, (8, 8))
    assert data.class_names == tuple("0123456789") and not data.flip and data.provides >= {"image", "label-class"}
    images = everything(data).float()
    assert images.min() == 0 and images.max() == 255
    # shrunk again, each digit is the scikit-learn original (whose values are 0..16) to about one level
    from sklearn.datasets import load_digits

    original = torch.from_numpy(load_digits().images[:4]).float() * 255 / 16
    shrunk = torch.nn.functional.avg_pool2d(images[:4, 0], 4)
    assert (shrunk - original).abs().mean() < 12


def test_digits_hold_a_fifth_out_for_testing():
    counts = {
        split: open_data("digits", DataRequest(split=split, resolution=8)).count for split in ("train", "test", "all")
    }
    assert counts == {"train": 1438, "test": 359, "all": 1797}


def test_digits_as_asked_for():
    data = open_data("digits", DataRequest(resolution=16, channels=3))
    assert everything(data).shape == (1438, 3, 16, 16)
    with pytest.raises(UsageError, match="no split 'valid'; it has train, test and all"):
        open_data("digits", DataRequest(split="valid"))
    with pytest.raises(UsageError, match="takes nothing after the colon"):
        open_data("digits:odd")


@pytest.mark.parametrize("text, near", [("dgits", "digits"), ("cifar", "cifar10"), ("cifar1:x", "cifar10")])
def test_an_unknown_name_says_what_is_near_and_what_is_taken(text, near):
    with pytest.raises(DataError, match=re.escape(near)) as caught:
        open_data(text)
    for form in ("folder", ".zip", "hf:org/name"):
        assert form in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["no/such", "missing.zip", "./digits"])
def test_what_looks_like_a_path_is_one(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no folder or zip"):
        open_data(text)


def test_a_file_of_another_kind_is_refused(tmp_path):
    file = tmp_path / "data.rar"
    file.write_bytes(b"x")
    with pytest.raises(DataError, match=r"neither a folder nor a \.zip"):
        open_data(file)


def test_data_of_another_type_is_refused():
    with pytest.raises(UsageError, match="not a int"):
        open_data(3)


@pytest.mark.parametrize("wrong", [{"resolution": 0}, {"channels": 2}])
def test_impossible_requests(wrong):
    with pytest.raises(UsageError):
        DataRequest(**wrong)


# tensors


def test_a_tensor_is_used_as_it_is():
    pixels = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    data = open_data(pixels)
    assert torch.equal(everything(data), pixels)
    assert data.images.pixels.data_ptr() == pixels.data_ptr()
    assert data.labels is None and data.provides == {"image"}


def test_a_tensor_is_cropped_resized_and_converted():
    pixels = torch.full((3, 3, 8, 12), 100, dtype=torch.uint8)
    pixels[..., :2], pixels[..., -2:] = 0, 0
    data = open_data(pixels, DataRequest(channels=1, resolution=4))
    assert everything(data).shape == (3, 1, 4, 4) and (everything(data) == 100).all()
    assert data.native == (8, 12)


@pytest.mark.parametrize(
    "pixels",
    [torch.zeros(4, 3, 8, 8), torch.zeros(4, 8, 8, dtype=torch.uint8), torch.zeros(4, 8, 8, 3, dtype=torch.uint8)],
)
def test_other_tensors_are_refused_with_the_way_to_convert(pixels):
    with pytest.raises(DataError, match=r"127\.5"):
        open_data(pixels)


def test_one_image_is_refused():
    with pytest.raises(DataError, match="1 images"):
        open_data(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_the_fingerprint_is_of_pixels_and_labels():
    pixels = torch.randint(0, 256, (4, 1, 4, 4), dtype=torch.uint8)
    same = open_data(pixels.clone()).fingerprint
    assert open_data(pixels).fingerprint == same and same.startswith("sha256:")
    labelled = {
        open_data(TensorDataset(pixels, torch.tensor(labels))).fingerprint for labels in ([0, 1, 0, 1], [1, 0, 0, 1])
    }
    changed = pixels.clone()
    changed[3, 0, 3, 3] ^= 1
    assert len(labelled | {same, open_data(changed).fingerprint}) == 4


# torch data sets


class Drawn(Dataset):
    """PIL images of three colours; items are images, or pairs with what ``label`` makes of the index."""

    classes = ("red", "green", "blue")

    def __init__(self, count=6, label=None):
        self.count, self.label = count, label

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        image = Image.new("RGB", (10, 8), self.classes[index % 3])
        return (image, self.label(index)) if self.label else image


def test_a_torch_data_set_of_pictures():
    data = open_data(Drawn())
    assert data.labels is None and data.channels == 3 and data.count == 6 and data.resolution == 8


@pytest.mark.parametrize("kind", [int, torch.tensor, np.int64])
def test_a_torch_data_set_with_labels(kind):
    data = open_data(Drawn(label=lambda index: kind(index % 3)))
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2] and data.class_names == ("red", "green", "blue")
    assert everything(data)[1, :, 0, 0].tolist() == [0, 128, 0]


@pytest.mark.parametrize("label", [lambda i: i - 1, lambda i: 0.5, lambda i: "cat", lambda i: True])
def test_labels_that_are_no_class_numbers_are_refused(label):
    with pytest.raises(DataError, match="class numbers"):
        open_data(Drawn(label=label))


def test_float_tensors_in_a_torch_data_set_are_from_0_to_1():
    half = torch.full((3, 3, 4, 4), 0.5)
    assert (everything(open_data(TensorDataset(half))) == 128).all()
    with pytest.raises(DataError, match=r"in \[0, 1\]: of \[-1, 1\], give \(x \+ 1\) / 2"):
        open_data(TensorDataset(half - 1))


def test_class_names_are_numbers_where_there_are_none():
    data = open_data(TensorDataset(torch.zeros(3, 1, 4, 4), torch.tensor([0, 2, 1])))
    assert data.class_names == ("0", "1", "2") and data.channels == 1


# decoding


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, **{"format": "PNG", **options})
    return Image.open(io.BytesIO(out.getvalue()))


GREY16 = Image.fromarray(np.array([[0, 257, 65535, 32896]], dtype=np.uint16))
PALETTE = Image.new("P", (2, 1))
PALETTE.putpalette([255, 0, 0, 0, 0, 255])
PALETTE.putpixel((1, 0), 1)
CLEAR = Image.new("RGBA", (1, 1), (10, 20, 30, 0))


@pytest.mark.parametrize(
    "image, mode, pixels",
    [
        (encoded(GREY16), "L", [0, 1, 255, 128]),
        (encoded(PALETTE), "RGB", [(255, 0, 0), (0, 0, 255)]),
        (encoded(PALETTE, transparency=0), "RGB", [(255, 255, 255), (0, 0, 255)]),
        (encoded(CLEAR), "RGB", [(255, 255, 255)]),
        (encoded(Image.new("LA", (1, 1), (0, 128))), "L", [127]),
        (encoded(Image.new("1", (1, 1), 1)), "L", [255]),
        (encoded(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), format="TIFF"), "RGB", [(255, 0, 0)]),
        (Image.new("I", (1, 1), 65535), "L", [255]),
    ],
    ids=["16-bit", "palette", "clear colour", "alpha", "grey alpha", "one bit", "CMYK", "32-bit holding 16"],
)
def test_every_mode_becomes_8_bits(image, mode, pixels):
    decoded = plain(image)
    assert (
        decoded.mode == mode
        and list(decoded.get_flattened_data() if hasattr(decoded, "get_flattened_data") else decoded.getdata())
        == pixels
    )


@pytest.mark.parametrize("image", [Image.new("F", (2, 2), 0.5), Image.new("I", (2, 2), 70000)])
def test_pixels_without_an_agreed_range_are_refused(image):
    with pytest.raises(ValueError, match="no agreed range"):
        plain(image)


def test_exif_orientation_is_applied():
    image = Image.new("RGB", (4, 2), "white")
    exif = image.getexif()
    exif[0x0112] = 6
    assert plain(encoded(image, format="JPEG", exif=exif)).size == (2, 4)


def test_shrinking_antialiases():
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))
    small = planes(Image.fromarray(stripes), 8, 1)
    assert abs(small.astype(int) - 127).max() < 12


def test_the_middle_is_kept():
    wide = Image.new("RGB", (30, 10), "red")
    wide.paste("blue", (10, 0, 20, 10))
    assert planes(wide, 10, 3)[2].min() == 255 and planes(wide, 10, 3)[0].max() == 0


@pytest.mark.parametrize(
    "sizes, resolution",
    [
        ([(28, 28)] * 5, 28),
        ([(40, 30)] * 5, (40, 30)),
        ([(40, 30)] * 5 + [(40, 31)], 16),
        ([(64, 64)] * 19 + [(5, 9)], 64),
        ([(64, 64)] * 5 + [(33, 70)] * 5, 32),
        ([(4000, 3000)] * 5, 256),
        ([(1, 3)], (1, 3)),
    ],
)
def test_the_natural_resolution(sizes, resolution):
    assert natural_resolution(sizes) == resolution


# memory


def test_what_does_not_fit_is_decoded_on_demand():
    pixels = TensorDataset(torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8), torch.arange(20) % 4)
    held, lazy = open_data(pixels), open_data(pixels, DataRequest(memory=100))
    assert isinstance(lazy.images, LazyImages) and lazy.fingerprint.startswith("files-sha256:")
    assert lazy.images.shape == held.images.shape and lazy.class_names == held.class_names
    one, other = held.stream(7, seed=3).batch(5), lazy.stream(7, seed=3).batch(5)
    assert torch.equal(one["image"], other["image"]) and torch.equal(one["label"], other["label"])


def test_data_that_is_open_is_taken_as_it_is():
    data = open_data("digits")
    assert open_data(data) is open_data(data, DataRequest(resolution=32, channels=1)) is data
    with pytest.raises(UsageError, match="digits is open already, with resolution=32, not 16"):
        open_data(data, DataRequest(resolution=16))
