"""Arguments of the public functions: what cannot be meant is refused by name, and nothing is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError

NAN, INF = float("nan"), float("inf")
NO_NUMBERS = [-1, 1.5, 2.0, "2", True, NAN, [2]]


@pytest.fixture(scope="module")
def gan() -> ganzoo.GAN:
    """A GAN with the classes cat, dog and bird."""
    torch.manual_seed(0)
    made = ganzoo.build("dcgan:ch=4+cbn@g", resolution=16, channels=1, classes=3)
    made.class_names = ("cat", "dog", "bird")
    return made


@pytest.fixture(scope="module")
def folder(gan: ganzoo.GAN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gan.save(tmp_path_factory.mktemp("models") / "pets")


def refused(what: str, call: Any) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert what in str(caught.value) and "\n" not in str(caught.value)


# --- drawing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "n": NO_NUMBERS,
        "batch": [0, *NO_NUMBERS],
        "seed": [1.5, "a", True, NAN],
        "labels": [3.5, 3, "cat", "12", b"12", True, {0, 1}, {0: 1}, torch.tensor(1), np.array(1)],
        "truncation": [NAN, INF, -INF, 0, -1, "1", True],
        "z": [
            "a",
            [[0.0] * 128],
            np.zeros((2, 128)),
            torch.zeros(2, 128, dtype=torch.int64),
            torch.full((2, 128), NAN),
        ],
        "output": ["jpg", 3],
    }.items(),
)
def test_sample_refuses_by_name(gan: ganzoo.GAN, name: str, values: list[Any]) -> None:
    for value in values:
        refused(name, lambda value=value: gan.sample(**{"n": 2, name: value}))


@pytest.mark.parametrize("labels", [[1.5, 2], [-1, 2], [3, 0], [None, 1], [NAN, 1], ["cow", "cat"], [True, False]])
def test_labels_that_are_no_classes_are_refused(gan: ganzoo.GAN, labels: list[Any]) -> None:
    refused("no class", lambda: gan.sample(2, labels=labels))
    refused("no class", lambda: gan.read_labels(labels))
    refused("no class", lambda: gan.class_numbers(labels))


@pytest.mark.parametrize(
    "labels", [["cat", "bird"], (0, 2), range(0, 3, 2), np.array([0, 2]), torch.tensor([0, 2]), iter([0, 2])]
)
def test_labels_come_in_any_list(gan: ganzoo.GAN, labels: Any) -> None:
    assert torch.equal(gan.sample(labels=labels, seed=1), gan.sample(2, labels=["cat", 2], seed=1))


@pytest.mark.parametrize("n", [0, 1, np.int64(2), torch.tensor(2)])
def test_numbers_of_any_kind_count(gan: ganzoo.GAN, n: Any) -> None:
    assert gan.sample(n, seed=np.int64(3), batch=np.int32(2)).shape == (int(n), 1, 16, 16)
    assert gan.sample(1, seed=-1).shape == (1, 1, 16, 16)


def test_noise_of_ones_own_keeps_the_truncation_that_was_asked_for(gan: ganzoo.GAN) -> None:
    asked: list[float | None] = []
    gan.G.truncate = asked.append  # type: ignore[union-attr, assignment]
    try:
        gan.sample(z=torch.zeros(2, 128), truncation=0.5, labels=[0, 1])
    finally:
        del gan.G.truncate  # type: ignore[union-attr]
    assert asked == [0.5, None], "for these images, and for none after them"


def test_the_parts_of_drawing_refuse_too(gan: ganzoo.GAN) -> None:
    z, y = torch.zeros(2, 128), torch.zeros(2, 3)
    for n in NO_NUMBERS:
        refused("n=", lambda n=n: gan.noise(n, 0))
        refused("n=", lambda n=n: gan.default_labels(n))
        refused("start=", lambda n=n: gan.noise(1, 0, start=n))
    for seed in (1.5, "a", None):
        refused("seed=", lambda seed=seed: gan.noise(1, seed))  # type: ignore[arg-type]
    for batch in (0, *NO_NUMBERS):
        refused("batch=", lambda batch=batch: gan.generate(z, y, batch=batch))
    refused("label vectors (2, 3)", lambda: gan.generate(z, torch.zeros(3, 3)))
    refused("label vectors (2, 3)", lambda: gan.generate(z, torch.zeros(2, 2)))
    refused("z has shape", lambda: gan.generate(torch.zeros(2, 3), y))
    for t in (NAN, -0.1, 2, "a"):
        refused("t=", lambda t=t: gan.interpolate(z, z, t))  # type: ignore[arg-type]
    refused("noise of shapes", lambda: gan.interpolate(z, torch.zeros(2, 3), 0.5))
    for labels in (3, "cat"):
        refused("labels=", lambda labels=labels: gan.read_labels(labels))
        refused("labels=", lambda labels=labels: gan.class_numbers(labels))


def test_a_generator_without_truncate_bounds_its_noise(gan: ganzoo.GAN) -> None:
    from ganzoo.gan.arguments import take_truncation

    for value in (0, -1.0):
        refused("truncation=", lambda value=value: take_truncation(torch.nn.Identity(), frozenset({"z"}), value))
    refused("takes no noise", lambda: take_truncation(torch.nn.Identity(), frozenset({"source"}), 0.5))


# --- making and loading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "recipe": [3, None, b"gan", ["gan"]],
        "resolution": [0, 1.5, "a", None, NAN, True, (1, 2, 3)],
        "channels": [0, *NO_NUMBERS],
        "classes": [None, *NO_NUMBERS],
        "z_dim": [0, *NO_NUMBERS],
        "settings": [3, {3: 1}, ["lr"]],
        "device": ["gpu", "cuda:99", "", 3, True],
        "label_kind": ["x", None],
    }.items(),
)
def test_build_refuses_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        refused(name, lambda value=value: ganzoo.build(**{"recipe": "gan", "resolution": 16, name: value}))


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", "meta", 3])
def test_a_device_that_is_not_here_is_refused_before_anything_is_fetched(folder: Path, device: Any) -> None:
    refused("device", lambda: ganzoo.load(folder, device=device))
    refused("device", lambda: ganzoo.load("of-nobody/nothing", device=device)) if device != "meta" else None


@pytest.mark.parametrize("ref", [3, None, b"x", ["x"]])
def test_what_is_no_name_is_refused(ref: Any) -> None:
    refused("is no model", lambda: ganzoo.load(ref))
    refused("text=", lambda: ganzoo.list_models(ref))
    for call in (ganzoo.info, ganzoo.create):
        refused("name=", lambda call=call: call(ref))
    if ref is not None:
        refused("kind", lambda: ganzoo.list(ref))


# --- training and scoring -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    {
        **{
            number: [-1, 1.5, "2", True, NAN]
            for number in ("steps", "batch", "horizon", "workers", "save_every", "grid_every", "log_every", "channels")
        },
        "keep": [1.5, "a"],
        "seed": [1.5, "a"],
        "images": [1.5, "a"],
        "eval_n": [1.5],
        "bits": [7, "a"],
        "budget": [-1, NAN, "x"],
        "device": [3, "gpu"],
        "license": [3, ""],
        "guard": [3, "x"],
        "features": [3],
        "metrics": [3, [3]],
        "log": [3, ["x"]],
        "callback": [3],
        "settings": [3, {3: 1}],
        "recipe": [3],
        "out": [3],
        "init": [3],
        "resume": [3],
        "fork": [3],
        "resolution": [1.5],
        "skip_bad": [3],
        "quiet": ["no"],
        "deterministic": ["x"],
    }.items(),
)
def test_train_refuses_by_name_and_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, values: list[Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    length = {} if name in ("images", "budget") else {"steps": 1}
    for value in values:
        given = {"recipe": "gan", "data": torch.zeros(8, 1, 16, 16, dtype=torch.uint8), **length, name: value}
        with pytest.raises(UsageError):
            ganzoo.train(**given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "n": [0, -1, 1.5, "4"],
        "seed": [1.5, "a"],
        "seeds": [0, 1.5],
        "batch": [0, -1, 1.5],
        "device": ["gpu", 3],
        "metrics": [3, [], "", [3]],
        "features": [3],
        "weights": [3],
        "split": [3],
        "model": [3, None, b"x", ""],
    }.items(),
)
def test_evaluate_refuses_by_name(gan: ganzoo.GAN, name: str, values: list[Any]) -> None:
    real = torch.zeros(8, 1, 16, 16, dtype=torch.uint8)
    given = {"model": gan, "data": real, "metrics": "kid", "n": 4, "features": "test_efficientnet:random"}
    for value in values:
        with pytest.raises(UsageError):
            ganzoo.evaluate(**{**given, name: value})


# --- the command line ---------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("command", [("sample", "-n", 2), ("interpolate", "--rows", 1, "--steps", 2)])
@pytest.mark.parametrize(
    "words",
    [
        *(("--truncation", value) for value in ("nan", "0", "-1", "inf", "a")),
        *(("--device", value) for value in ("gpu", "cuda:99", "")),
        *(("--label", value) for value in ("cow", "3", "-1", "1.5", "")),
        *(("--seed", value) for value in ("1.5", "a")),
    ],
)
def test_commands_that_draw_refuse_in_one_line(folder: Path, tmp_path: Path, command: Any, words: Any) -> None:
    result = run(command[0], folder, *command[1:], *words, "--out", tmp_path / "a.png")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.stderr
    assert not list(tmp_path.iterdir())
