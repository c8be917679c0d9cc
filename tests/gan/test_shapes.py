"""Images that are not square, and of other channels and bits, through networks, training, folders and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_models import run as run_cli

import ganzoo
from ganzoo.errors import ResolutionError, UsageError
from ganzoo.registry.sizes import closest, height_width, read_size, size_of, size_text

RECIPES = {"gan": "gan:ch=4", "dcgan": "dcgan:ch=4", "sngan": "sngan:ch=4", "sagan": "sagan:ch=8"}
SHAPES = [(16, 32), (48, 16), (32, 32), (64, 80), (128, 64), (16, 24)]
CHANNELS = [1, 3, 4, 8]


def images(count: int, channels: int, height: int, width: int, bits: int = 8) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(
        rng.integers(0, 2**bits, (count, channels, height, width)).astype(np.uint8 if bits == 8 else np.uint16)
    )


@pytest.mark.parametrize("size", SHAPES, ids=str)
@pytest.mark.parametrize("name", RECIPES)
def test_both_networks_have_the_shape_that_is_asked_for(name: str, size: tuple[int, int]) -> None:
    if name in ("sngan", "sagan") and size == (64, 80):  # D halves once more than 80 pixels allow
        with pytest.raises(ResolutionError) as caught:
            ganzoo.build(RECIPES[name], size, device="meta")
        assert all(ganzoo.build(RECIPES[name], near, device="meta") for near in caught.value.nearest)
        return
    for channels in CHANNELS:
        gan = ganzoo.build(RECIPES[name], size, channels, classes=3)
        drawn = gan.sample(2, seed=0)
        assert drawn.shape == (2, channels, *size) and gan.image == (channels, *size)
        y = gan.one_hot(torch.tensor([0, 2]), 2)
        assert gan.D(drawn * 2 - 1, y).scores.shape == (2,)
        torch.testing.assert_close(gan.sample(1, seed=0), drawn[:1], atol=1e-5, rtol=1e-5)


@given(
    short=st.sampled_from([16, 32, 64]),
    times=st.integers(1, 6),
    tall=st.booleans(),
    channels=st.integers(1, 9),
    name=st.sampled_from(["gan", "dcgan"]),
)
@settings(max_examples=25, deadline=None)
def test_any_multiple_of_the_smallest_map_fits(short: int, times: int, tall: bool, channels: int, name: str) -> None:
    size = (short, short + times * short // 4)
    size = size[::-1] if tall else size
    gan = ganzoo.build(RECIPES[name], size, channels)
    drawn = gan.sample(1, seed=0)
    drawn.requires_grad_()
    gan.D(drawn, torch.zeros(1, 0)).scores.sum().backward()
    assert drawn.shape == (1, channels, *size) and drawn.grad is not None and drawn.grad.abs().sum() > 0


def test_a_size_that_does_not_divide_is_refused_with_those_that_do() -> None:
    with pytest.raises(
        ResolutionError, match=r"dcgan cannot make images of 30x100 pixels.*--resolution 32x104"
    ) as said:
        ganzoo.build("dcgan", (30, 100))
    assert "\n" not in str(said.value) and all(ganzoo.build("dcgan", n, device="meta") for n in said.value.nearest)


def test_an_architecture_that_does_not_say_that_it_can_refuses_in_one_line() -> None:
    from ganzoo.gan.refusals import NON_SQUARE
    from ganzoo.registry.loading import registry

    others = [e.name for e in registry().entries("architecture") if NON_SQUARE not in e.provides]
    for name in others:
        with pytest.raises(UsageError) as said:
            ganzoo.build(name, (32, 64), device="meta")
        assert "\n" not in str(said.value)
    assert {"gan", "dcgan", "sngan", "sagan"}.isdisjoint(others)


def test_attention_sites_are_named_by_height() -> None:
    gan = ganzoo.build("sagan:ch=8", (64, 128), device="meta")
    assert set(gan.sites["g"]) == {8, 16, 32, 64} and gan.sites["g"][32]
    tall = ganzoo.build("dcgan:ch=4+sa@64", (128, 16), device="meta")
    assert 64 in tall.sites["g"]
    with pytest.raises(UsageError, match="none at 5"):
        ganzoo.build("dcgan+sa@5", (64, 128), device="meta")


@pytest.mark.parametrize("size", SHAPES, ids=str)
def test_sizes_are_read_as_they_are_written(size: tuple[int, int]) -> None:
    read = read_size(size)
    assert read_size(size_text(read)) == read == read_size(list(size)) == size_of(*size)
    assert height_width(read) == size and closest([read, 1], read) == read


@pytest.mark.parametrize("wrong", ["", "0", "64x", "x64", "64x0", "64x64x3", "-4", "6.5", (1, 2, 3), [0, 4], True, "a"])
def test_what_is_no_size_is_refused(wrong: object) -> None:
    with pytest.raises(UsageError):
        read_size(wrong)  # type: ignore[arg-type]


CASES = [(1, 8), (3, 8), (4, 8), (8, 8), (1, 16), (3, 16), (4, 16)]


@pytest.mark.parametrize(("channels", "bits"), CASES)
def test_a_run_of_any_shape_trains_resumes_samples_and_tells_of_itself(
    channels: int, bits: int, tmp_path: Path
) -> None:
    data, shape = images(12, channels, 16, 32, bits), {"batch": 4, "device": "cpu", "quiet": True}
    for folder, steps in (("straight", 4), ("broken", 2)):
        ganzoo.train("dcgan:ch=4", data, tmp_path / folder, steps, **shape)
    ganzoo.train(data=data, out=tmp_path / "broken", resume=True, steps=4, device="cpu", quiet=True)
    model = tmp_path / "straight"
    for name in ("model.safetensors", "config.json", "samples.png"):
        assert (model / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()
    config = json.loads((model / "config.json").read_text())
    assert [config[name] for name in ("height", "width", "channels", "bits")] == [16, 32, channels, bits]
    gan = ganzoo.load(model)
    assert (gan.image, gan.bits, gan.size) == ((channels, 16, 32), bits, (16, 32))
    assert Image.open(model / "samples.png").mode == ("L" if channels == 1 else "RGB")
    card = (model / "README.md").read_text()
    assert "16 \N{MULTIPLICATION SIGN} 32" in card and "--resolution 16x32" in card
    assert ("checkerboard" in card) == (channels == 4) and ("the first three" in card) == (channels == 8)
    assert not (result := run_cli("sample", model, "-n", "3", "--out", tmp_path / "pictures")).exit_code, result.output
    assert not (result := run_cli("sample", model, "-n", "3", "--out", tmp_path / "all.npz")).exit_code, result.output
    array = np.load(tmp_path / "all.npz")["images"]
    assert array.shape == (3, 16, 32, channels) and array.dtype == (np.uint8 if bits == 8 else np.uint16)
    png = (tmp_path / "pictures" / "00000.png").read_bytes()
    assert png[24] == bits and png[25] == {1: 0, 3: 2, 4: 6, 8: 2}[channels]  # depth and colour type of the header
    if bits == 8 or channels == 1:
        shown = np.asarray(Image.open(tmp_path / "pictures" / "00000.png")).reshape(16, 32, -1)
        assert np.array_equal(shown, array[0][..., : min(channels, 3 if channels > 4 else channels)])
