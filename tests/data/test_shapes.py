"""Data that is not square, of other channels, or of 16 bits: folders, zips, arrays and tensors."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_models import run as run_cli

from ganzoo.data import DataRequest, open_data
from ganzoo.data.decode import cut, planes
from ganzoo.errors import DataError, UsageError
from ganzoo.images import save_picture, to_bytes, to_levels, visible
from ganzoo.registry.sizes import shown_as

RNG = np.random.default_rng(0)


def everything(data) -> torch.Tensor:
    return data.images.fetch(torch.arange(data.count))


def folder_of(pictures: list[Image.Image], path: Path) -> Path:
    path.mkdir()
    for number, picture in enumerate(pictures):
        picture.save(path / f"{number}.png")
    return path


def noise(mode: str, height: int, width: int) -> Image.Image:
    shape = (height, width) if mode in ("L", "I;16") else (height, width, len(mode))
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, shape).astype(np.uint16))
    return Image.fromarray(RNG.integers(0, 256, shape).astype(np.uint8), mode=None)


@given(height=st.integers(1, 40), width=st.integers(1, 40), to=st.tuples(st.integers(1, 20), st.integers(1, 20)))
@settings(max_examples=40, deadline=None)
def test_any_picture_comes_to_any_size(height: int, width: int, to: tuple[int, int]) -> None:
    image = noise("RGB", height, width)
    assert planes(image, to, 3).shape == (3, *to)
    if height * to[1] == width * to[0]:  # of these proportions already: nothing is cut off
        assert cut(image, to).size == to[::-1]
    side = min(to)
    assert np.array_equal(planes(image, side, 3), planes(image, (side, side), 3))


def test_the_middle_is_kept() -> None:
    wide = Image.new("L", (30, 10))
    wide.paste(255, (5, 0, 25, 10))
    assert (planes(wide, (10, 20), 1) == 255).all()


def test_a_folder_of_equal_sizes_keeps_them(tmp_path: Path) -> None:
    data = open_data(folder_of([noise("RGB", 20, 36) for _ in range(3)], tmp_path / "a"))
    assert (data.size, data.resolution, data.channels, data.bits) == ((20, 36), 20, 3, 8)
    asked = open_data(tmp_path / "a", DataRequest("16x32"))
    assert everything(asked).shape == (3, 3, 16, 32)


@pytest.mark.parametrize("memory", [10**9, 0])
def test_grey_of_16_bits_keeps_them(memory: int, tmp_path: Path) -> None:
    pictures = [noise("I;16", 8, 12) for _ in range(3)]
    path = folder_of(pictures, tmp_path / "deep")
    data = open_data(path, DataRequest(memory=memory))
    assert (data.bits, data.channels, data.size) == (16, 1, (8, 12))
    assert np.array_equal(everything(data).numpy()[:, 0], np.stack([np.asarray(picture) for picture in pictures]))
    batch = data.stream(2, seed=0, flip=True).batch(0)["image"]
    assert batch.dtype == torch.float32 and batch.min() >= -1 and batch.max() <= 1 and (batch * 127.5 % 1 != 0).any()
    shallow = open_data(path, DataRequest(bits=8, memory=memory))
    assert (shallow.bits, everything(shallow).dtype) == (8, torch.uint8)
    assert torch.equal(everything(shallow), to_bytes(everything(data)))
    assert shallow.fingerprint != data.fingerprint


def test_a_mixture_of_depths_has_8_bits_and_can_be_spread(tmp_path: Path) -> None:
    path = folder_of([noise("I;16", 8, 8), noise("L", 8, 8), noise("I;16", 8, 8)], tmp_path / "mixed")
    assert open_data(path).bits == 8
    spread = everything(open_data(path, DataRequest(bits=16))).int()
    assert (spread[1] % 257 == 0).all() and (spread[0] % 257 != 0).any()


def test_colour_of_16_bits_says_where_it_can_be_had(tmp_path: Path) -> None:
    deep = torch.from_numpy(RNG.integers(0, 65536, (4, 3, 8, 8)).astype(np.uint16))
    (tmp_path / "colour").mkdir()
    for number, image in enumerate(deep):
        save_picture(image, tmp_path / "colour" / f"{number}.png")
    assert open_data(tmp_path / "colour").bits == 8  # as Pillow reads them
    with pytest.raises(DataError, match=r"Pillow reads colour of 16 bits with 8.*\.npy"):
        open_data(tmp_path / "colour", DataRequest(bits=16))
    np.save(tmp_path / "all.npy", deep.numpy())
    data = open_data(str(tmp_path / "all.npy"))
    assert (data.bits, data.channels, data.name) == (16, 3, "all") and torch.equal(everything(data), deep)


def test_a_picture_of_16_bits_in_colour_is_written_whole(tmp_path: Path) -> None:
    image = torch.from_numpy(RNG.integers(0, 65536, (4, 5, 7)).astype(np.uint16))
    save_picture(image, tmp_path / "deep.png")
    assert np.abs(np.asarray(Image.open(tmp_path / "deep.png")).transpose(2, 0, 1) - image.numpy() / 257).max() <= 1
    content = (tmp_path / "deep.png").read_bytes()
    start = content.index(b"IDAT")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8).reshape(5, 1 + 7 * 4 * 2)
    pixels = rows[:, 1:].copy().view(">u2").reshape(5, 7, 4)
    assert (rows[:, 0] == 0).all() and np.array_equal(pixels.transpose(2, 0, 1), image.numpy())


def test_transparency_is_a_channel_where_it_is_asked_for(tmp_path: Path) -> None:
    pictures = [noise("RGBA", 8, 8), noise("RGBA", 8, 8), noise("RGB", 8, 8), noise("L", 8, 8)]
    path = folder_of(pictures, tmp_path / "clear")
    assert open_data(path).channels == 3
    data = open_data(path, DataRequest(channels=4))
    assert np.array_equal(everything(data)[0].numpy(), np.asarray(pictures[0]).transpose(2, 0, 1))
    assert (everything(data)[2:, 3] == 255).all()
    with zipfile.ZipFile(tmp_path / "clear.zip", "w") as archive:
        for file in path.iterdir():
            archive.write(file, file.name)
    assert torch.equal(everything(open_data(tmp_path / "clear.zip", DataRequest(channels=4))), everything(data))
    with pytest.raises(DataError, match=r"1, 3 or 4 channels, not 8.*\.npy"):
        open_data(path, DataRequest(channels=8))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4, 8])
def test_tensors_and_arrays_are_taken_as_they_are_or_resized(channels: int, kind: type) -> None:
    array = RNG.integers(0, np.iinfo(kind).max + 1, (3, channels, 8, 12)).astype(kind)
    for value in (array, torch.from_numpy(array)):
        data = open_data(value)
        assert torch.equal(everything(data), torch.from_numpy(array)) and data.channels == channels
        smaller = open_data(value, DataRequest((4, 6)))
        assert everything(smaller).shape == (3, channels, 4, 6) and smaller.bits == data.bits
    flat = open_data(np.full((2, channels, 8, 12), 77, kind), DataRequest("4x8", bits=16))
    factor = 257 if kind is np.uint8 else 1
    assert (everything(flat).int() == 77 * factor).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 2, 8, 8), np.uint8), np.zeros((2, 3, 8, 8)), np.zeros((2, 8, 8, 3), np.uint16)]
)
def test_other_arrays_are_refused(wrong: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", wrong)
    for value in (wrong, tmp_path / "a.npy"):
        with pytest.raises(DataError, match=r"\(N, C, H, W\)"):
            open_data(value)


def test_a_file_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read"):
        open_data(tmp_path / "a.npy")


def test_digits_can_be_wide_and_deep() -> None:
    data = open_data("digits", DataRequest("16x32", bits=16))
    assert (data.size, data.bits) == ((16, 32), 16)
    square = everything(open_data("digits", DataRequest(16)))
    assert torch.equal(everything(open_data("digits", DataRequest("16x32")))[..., 8:24], square)


def test_what_is_open_already_has_the_size_that_is_asked_for() -> None:
    data = open_data(np.zeros((2, 3, 8, 16), np.uint8))
    assert open_data(data, DataRequest("8x16", bits=8)) is data
    with pytest.raises(UsageError, match="bits=8, not 16"):
        open_data(data, DataRequest(bits=16))


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 8])
@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16])
def test_what_is_visible_is_grey_or_rgb_and_says_what_it_is(channels: int, kind: torch.dtype) -> None:
    bits = 16 if kind == torch.uint16 else 8
    images = to_levels(torch.rand(2, channels, 9, 6), low=0, bits=bits)
    seen = visible(images)
    assert seen.dtype == torch.uint8 and seen.shape == (2, 1 if channels == 1 else 3, 9, 6)
    said = shown_as(channels, bits)
    assert bool(said) == (channels not in (1, 3) or bits == 16)
    if not said:
        assert seen is images
    if channels == 4:
        opaque, clear = images.clone(), images.clone()
        opaque[:, 3], clear[:, 3] = 2**bits - 1, 0
        assert torch.equal(visible(opaque), to_bytes(opaque[:, :3]))
        assert set(visible(clear).unique().tolist()) == {153, 204}


def test_data_check_knows_sizes_channels_and_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", RNG.integers(0, 65536, (4, 8, 16, 32)).astype(np.uint16))
    result = run_cli("data", "check", tmp_path / "many.npy", "--out", tmp_path / "preview.png")
    assert result.exit_code == 0 and "trained at 16x32, 8 channels, 16 bits" in result.output, result.output
    folder_of([noise("I;16", 16, 32) for _ in range(3)], tmp_path / "deep")
    told = json.loads(run_cli("data", "check", tmp_path / "deep", "--json").output)
    assert (told["resolution"], told["bits"], told["channels"]) == ([16, 32], 16, 1)
    fits = {row["recipe"]: row["resolution"] for row in told["recipes"]}
    assert fits["dcgan"] == [16, 32] and "ganzoo train" in told["next"]
