"""What a page asks of a model is what ``ganzoo sample`` draws, for every kind of input, label and truncation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import NAMES, run, saved
from torch import Tensor, nn

import ganzoo
from ganzoo.demos.model import FEW, MANY, MOST, Asked, DemoModel
from ganzoo.gan.inputs import encode_text
from ganzoo.testing import plugin


def model_of(folder: Path, recipe: str = "dcgan:ch=4", classes: int = 0, **changes: object) -> DemoModel:
    saved(folder, recipe, classes=classes, **changes)
    return DemoModel(ganzoo.load(folder), str(folder))


def typed(line: str, out: Path) -> list[np.ndarray]:
    """The pictures that a command line draws which the page shows."""
    words = shlex.split(line)
    assert words[0] == "ganzoo" and words[-2] == "--out"
    result = run(*words[1:-1], out)
    assert result.exit_code == 0, result.output
    return [np.asarray(Image.open(path)) for path in sorted(out.rglob("*.png"))]


@pytest.mark.parametrize(
    ("recipe", "classes", "asked"),
    [
        ("dcgan:ch=4", 0, Asked(3, seed=5)),
        ("dcgan:ch=4", 0, Asked(3, seed=-2, truncation=0.5)),
        ("dcgan:ch=4+onehot", 3, Asked(5, seed=1)),
        ("dcgan:ch=4+onehot", 3, Asked(5, seed=1, labels=["2", "0"])),
        ("stylegan2:ch=4", 0, Asked(2, seed=3, truncation=0.3)),
    ],
)
def test_the_same_seed_draws_what_the_command_line_draws(
    tmp_path: Path, recipe: str, classes: int, asked: Asked
) -> None:
    model = model_of(tmp_path / "m", recipe, classes)
    shown, line = model.draw(asked)
    found = typed(line, tmp_path / "out")
    assert len(shown) == asked.n == len(found)
    assert all(np.array_equal(np.asarray(picture), other) for (picture, _), other in zip(shown, found, strict=True))
    assert len({picture.tobytes() for picture, _ in shown}) == asked.n
    if asked.labels:
        assert [caption for _, caption in shown] == ["cow", "cat", "cow", "cat", "cow"] and "--label cow" in line


def test_directions_move_as_on_the_command_line(tmp_path: Path) -> None:
    from ganzoo.demos.page import demo_model

    saved(tmp_path / "m")
    file = tmp_path / "found.safetensors"
    assert run("directions", tmp_path / "m", "-n", 3, "--out", file.with_suffix(".png")).exit_code == 0
    model = demo_model(ganzoo.load(tmp_path / "m"), str(tmp_path / "m"), file)
    still, _ = model.draw(Asked(2, moves={0: 0.0}))
    shown, line = model.draw(Asked(2, moves={0: 2.0, 2: -1.5}))
    assert model.moves == 3 and "--direction d0=2 --direction d2=-1.5" in line
    found = typed(line, tmp_path / "out")
    assert all(np.array_equal(np.asarray(picture), other) for (picture, _), other in zip(shown, found, strict=True))
    assert [picture.tobytes() for picture, _ in still] != [picture.tobytes() for picture, _ in shown]
    saved(tmp_path / "other", seed=4)
    with pytest.raises(ganzoo.UsageError, match="of another model"):
        demo_model(ganzoo.load(tmp_path / "other"), "other", file)


def test_a_class_is_typed_by_its_number_where_its_name_would_be_taken_for_another(tmp_path: Path) -> None:
    model = model_of(tmp_path / "m", "dcgan:ch=4+onehot", 3)
    assert model.choices() == [(name, str(number)) for number, name in enumerate(NAMES)]
    model.gan.class_names = ("a/b", "two\nlines", "two\nlines")
    assert model.choices()[1] == ("two\\nlines", "1")
    _, line = model.draw(Asked(1, labels=["0", "2"]))
    assert "--label 0 --label 2" in line
    with pytest.raises(ganzoo.UsageError, match="no class '7'"):
        model.draw(Asked(1, labels=["7"]))


def test_several_classes_at_once_and_vectors(tmp_path: Path) -> None:
    kinds = {}
    for kind in ("multilabel", "continuous"):
        gan = ganzoo.build("dcgan:ch=4+onehot", 16, 3, classes=3, z_dim=8, label_kind=kind)
        gan.class_names, gan.label_rows = NAMES, [torch.tensor([1.0, 0.0, 1.0])]
        kinds[kind] = DemoModel(gan, "m")
    several, vector = kinds["multilabel"], kinds["continuous"]
    shown, line = several.draw(Asked(2, labels=["0", "1"]))
    assert [caption for _, caption in shown] == ["cat/dog"] * 2 and "--label cat/dog" in line
    assert several.choices()[-1] == ("(none of them)", "none")
    assert several.draw(Asked(1, labels=["none"]))[0][0][1] == "none" and several.draw(Asked(1))[0][0][1] == "cat/cow"
    assert vector.choices() == [] and vector.draw(Asked(1, labels=["0.5/-1/0"]))[0][0][1] == "0.5/-1/0"
    with pytest.raises(ganzoo.UsageError, match="a label vector of this model has 3"):
        vector.draw(Asked(1, labels=["0.5"]))


@pytest.mark.parametrize(
    ("settings", "recipe", "most", "words"),
    [
        ({}, "dcgan:ch=4", 3.0, "bound"),
        ({"prior": "uniform"}, "dcgan:ch=4", 1.0, "±1 times"),
        ({"prior": "truncated-normal"}, "dcgan:ch=4", 1.0, "±2 times"),
        ({}, "stylegan2:ch=4", 1.0, "ψ"),
    ],
)
def test_truncations_that_a_model_takes(
    tmp_path: Path, settings: dict[str, str], recipe: str, most: float, words: str
) -> None:
    model = model_of(tmp_path / "m", recipe, settings=settings)
    torch.manual_seed(1)
    for parameter in model.gan.G.parameters():  # images that are far from grey, and from each other
        parameter.data.add_(torch.randn_like(parameter), alpha=0.2)
    span = model.span()
    assert span is not None and span.most == most and words in span.about
    tame, free = (model.draw(Asked(4, truncation=bound))[0] for bound in (span.least, None))
    spread = [np.std([np.asarray(picture, float) for picture, _ in shown], axis=0).mean() for shown in (tame, free)]
    assert spread[0] < 0.6 * spread[1], "smaller is less varied"
    again = model.draw(Asked(4))[0]
    assert [one.tobytes() for one, _ in again] == [one.tobytes() for one, _ in free], "a truncation is over once drawn"


def test_how_many_are_drawn(tmp_path: Path) -> None:
    model = model_of(tmp_path / "m")
    assert model.usual == MANY
    model.gan.height = 256
    assert model.usual == FEW
    for n in (0, MOST + 1):
        with pytest.raises(ganzoo.UsageError, match=f"from 1 to {MOST}"):
            model.draw(Asked(n))


# --- pictures in, texts in --------------------------------------------------------------------------------------


class Recolour(nn.Module):
    """Images of sources ``(n, 3, 8, 8)``, twice as large, lighter the longer a text is."""

    shapes = ((3, 8, 8), (0,))

    def __init__(self, kit: ganzoo.Kit) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, source: Tensor, y: Tensor, text: Tensor | None = None) -> Tensor:
        written = 0 if text is None else (text > 0).float().mean(1)[:, None, None, None]
        return torch.tanh(self.conv(source.repeat_interleave(2, 2).repeat_interleave(2, 3)) + written)


class Translating(ganzoo.Game):
    players = {"d": ("D",), "g": ("G",)}  # noqa: RUF012
    inputs = frozenset({"source"})

    def turns(self) -> list[ganzoo.Turn]:
        return []


class Telling(Translating):
    inputs = frozenset({"source", "text"})


class Plugin:
    @ganzoo.hookimpl
    def register_architectures(self, register: ganzoo.Register) -> None:
        def networks(g: ganzoo.Kit, d: ganzoo.Kit) -> dict[str, nn.Module]:
            return {"G": Recolour(g), "D": Recolour(d)}

        register("recolour", networks, game=Translating)
        register("retell", networks, game=Telling)


@pytest.fixture
def translators() -> Iterator[None]:
    with plugin(Plugin(), "translators"):
        yield


@pytest.mark.usefixtures("translators")
def test_a_picture_goes_in_as_the_command_line_takes_it(tmp_path: Path) -> None:
    saved_by_hand = ganzoo.build("recolour", 16, 3)
    folder = saved_by_hand.save(tmp_path / "m")
    model = DemoModel(ganzoo.load(folder), str(folder))
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(photo)
    (shown,), line = model.draw(Asked(n=5, picture=photo))
    assert "--input PICTURE --resize" in line and "--seed" not in line and model.span() is None
    (found,) = typed(line.replace("PICTURE", str(photo)), tmp_path / "out")
    assert np.array_equal(np.asarray(shown[0]), found) and shown[0].size == (16, 16)
    with pytest.raises(ganzoo.UsageError, match="came without examples"):
        model.draw(Asked())
    photo.write_bytes(b"no picture")
    with pytest.raises(ganzoo.DataError, match="this picture cannot be read: not a picture"):
        model.draw(Asked(picture=photo))


@pytest.mark.usefixtures("translators")
def test_without_pictures_and_texts_there_are_the_examples(tmp_path: Path) -> None:
    model = DemoModel(ganzoo.build("retell", 16, 3), "m")
    sources = torch.arange(2 * 3 * 8 * 8).reshape(2, 3, 8, 8).remainder(256).byte()
    model.gan.examples = {"source": sources, "text": encode_text(["a cat", "a longer text"])}
    shown, line = model.draw(Asked(n=3))
    assert [caption for _, caption in shown] == ["example", "a cat", "example", "a longer text", "example", "a cat"]
    assert {picture.size for picture, _ in shown} == {(16, 16)} and line.startswith("ganzoo sample m -n 3 --out")
    assert np.array_equal(np.asarray(shown[2][0])[::2, ::2], sources[1].permute(1, 2, 0))
    assert model.usual == 2 and model.takes_picture and model.takes_text and not model.draws
