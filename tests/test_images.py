"""Pictures: values, layout, and files that are the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from ganzoo.errors import RunError
from ganzoo.images import (
    LARGEST_PROGRESS,
    Animation,
    convert,
    fitting,
    grid,
    magnify,
    save_gif,
    save_png,
    save_progress,
    tile,
    to_pil,
    to_uint8,
)


def noise(n: int = 6, channels: int = 3, height: int = 8, width: int = 8) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, channels, height, width), generator=rng, dtype=torch.uint8)


def test_bytes_of_both_ranges() -> None:
    inside = torch.tensor([-1.0, -0.5, 0.0, 1.0, 1.7, -3.0])
    assert to_uint8(inside, low=-1).tolist() == [0, 64, 128, 255, 255, 0]
    assert to_uint8((inside + 1) / 2, low=0).tolist() == [0, 64, 128, 255, 255, 0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=20))
def test_every_byte_survives_both_ranges(values: list[int]) -> None:
    exact = torch.tensor(values, dtype=torch.uint8)
    assert torch.equal(to_uint8(exact / 255, low=0), exact)
    assert torch.equal(to_uint8(exact / 127.5 - 1, low=-1), exact)


def test_convert_gives_the_three_outputs() -> None:
    images = noise() / 255
    assert convert(images, "pt") is images
    array = convert(images, "np")
    assert array.shape == (6, 8, 8, 3) and array.dtype == np.float32 and array.max() <= 1
    pictures = convert(images, "pil")
    assert [picture.mode for picture in pictures] == ["RGB"] * 6
    assert np.array_equal(np.asarray(pictures[2]), noise()[2].permute(1, 2, 0).numpy())


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (5, "RGB")])
def test_planes_decide_the_mode(channels: int, mode: str) -> None:
    images = noise(channels=channels)
    picture = to_pil(images)[0]
    assert picture.mode == mode and picture.size == (8, 8)
    first = images[0, :channels] if channels in (3, 4) else images[0, : 3 if channels > 3 else 1]
    assert np.array_equal(np.asarray(picture).reshape(8, 8, -1), first.permute(1, 2, 0).numpy())


def test_grid_puts_every_image_in_its_place_on_white() -> None:
    images = noise(n=5, height=6, width=9)
    sheet = grid(images, columns=3, pad=2, scale=2)
    assert sheet.size == (3 * (18 + 2) + 2, 2 * (12 + 2) + 2)
    assert sheet.getpixel((0, 0)) == (255, 255, 255)
    for index in range(5):
        left, top = 2 + index % 3 * 20, 2 + index // 3 * 14
        cell = np.asarray(sheet.crop((left, top, left + 18, top + 12)))
        assert np.array_equal(cell[::2, ::2], images[index].permute(1, 2, 0).numpy())
    assert sheet.getpixel((50, 20)) == (255, 255, 255)


def test_few_images_make_a_narrow_grid() -> None:
    assert grid(noise(n=2), pad=0, scale=1).size == (16, 8)


@pytest.mark.parametrize(("width", "factor"), [(8 * 32, 2), (8 * 8, 8), (8 * 64, 1), (8 * 256, 1), (8 * 28, 2), (4, 8)])
def test_small_pictures_are_magnified_by_whole_factors(width: int, factor: int) -> None:
    assert fitting(width) == factor


def test_magnifying_invents_no_colours() -> None:
    picture = to_pil(noise())[0]
    large = np.asarray(magnify(picture, 3))
    assert np.array_equal(large, np.asarray(picture).repeat(3, 0).repeat(3, 1))


def test_tile_keeps_grey_pictures_grey() -> None:
    assert tile(to_pil(noise(channels=1)), 2).mode == "L"


def test_files_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    sheets = [grid(noise(), scale=1), grid(255 - noise(), scale=1)]
    for name in ("a", "b"):
        save_png(sheets[0], tmp_path / f"{name}.png")
        save_gif(sheets, tmp_path / f"{name}.gif")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(sheets[0])) and not image.info
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.gif", "a.png", "b.gif", "b.png"]


def test_a_failing_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "old.png"
    save_png(to_pil(noise())[0], path)
    before = path.read_bytes()
    with pytest.raises(RunError, match=r"old\.png"):
        save_png(Image.new("CMYK", (4, 4)), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def shade(level: int) -> Image.Image:
    return Image.new("L", (8, 8), level)


def test_animation_orders_frames_and_ends_with_the_last(tmp_path: Path) -> None:
    animation = Animation(tmp_path / "frames", most=4)
    animation.write(tmp_path / "none.gif")
    assert not (tmp_path / "none.gif").exists()
    for step in (1000, 0, 20, 100, 50, 7):
        animation.add(shade(step // 4), step)
    animation.add(shade(250), 1000)
    names = [file.name for file in animation.frames()]
    assert len(names) == 4 and names[0] == "00000000.png" and names[-1] == "00001000.png"
    animation.write(tmp_path / "animation.gif")
    with Image.open(tmp_path / "animation.gif") as gif:
        assert gif.n_frames == 4 and gif.info["loop"] == 0
        gif.seek(3)
        assert gif.convert("L").getpixel((4, 4)) == 250
        assert gif.info["duration"] == 1500


def test_animation_goes_on_where_it_stood(tmp_path: Path) -> None:
    Animation(tmp_path).add(shade(1), 1)
    animation = Animation(tmp_path)
    animation.add(shade(2), 2)
    assert [file.stem for file in animation.frames()] == ["00000001", "00000002"]


@pytest.mark.parametrize(("size", "frames"), [((530, 266), 40), ((2066, 1034), 3)])
def test_the_animation_of_a_training_is_small_whatever_it_shows(
    tmp_path: Path, size: tuple[int, int], frames: int
) -> None:
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)) for _ in range(frames)]
    save_progress(pictures, tmp_path / "progress.gif")
    assert (tmp_path / "progress.gif").stat().st_size <= LARGEST_PROGRESS <= 1_000_000
    with Image.open(tmp_path / "progress.gif") as gif:
        assert 2 <= gif.n_frames <= 16 and gif.width <= 640 and gif.height <= 400
        assert gif.width / gif.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_frames_of_an_older_version_are_cut_to_those_of_this_one(tmp_path: Path) -> None:
    old = Image.new("L", (20, 40), 9)
    old.paste(200, (0, 20, 20, 40))
    save_progress([old, Image.new("L", (20, 20), 9)], tmp_path / "progress.gif")
    with Image.open(tmp_path / "progress.gif") as gif:
        assert gif.size == (20, 20) and np.unique(np.asarray(gif.convert("L"))).tolist() == [9]
