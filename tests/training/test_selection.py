"""The images that choose the best step: held out of training, and the same ones wherever they are asked for again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from eval_runs import ganzoo as typed
from tiny_runs import Labelled, contents, resume, tiny

import ganzoo
from ganzoo.data import ImageData, LazyImages, MemoryImages, open_data
from ganzoo.data.holdout import HoldOut
from ganzoo.errors import DataError, GanzooError, RunError, UsageError
from ganzoo.folder.scores import read_scores
from ganzoo.scoring.verify import ScoreVerifier, verify

NETWORK = "test_efficientnet:random"
SCORED: dict[str, Any] = {"eval_every": 2, "eval_n": 10, "features": NETWORK}


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    tiny(out, seed=3, **SCORED)
    return out


def numbers(count: int) -> torch.Tensor:
    """Images of which each shows its own number."""
    return torch.arange(count, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()


def shown(data: ImageData) -> list[int]:
    return data.images.fetch(torch.arange(data.count))[:, 0, 0, 0].tolist()


# --- what is held out ---------------------------------------------------------------------------------------


def test_no_image_held_out_is_in_a_batch() -> None:
    pixels, far = numbers(60), numbers(40) + 100
    lazy = LazyImages((60, 1, 4, 4), lambda index: pixels[index].numpy())
    for images in (MemoryImages(pixels), lazy):
        column = torch.arange(60)
        pairs = {"source": MemoryImages(pixels), "row": column}
        others = {"b": MemoryImages(far), "b_row": torch.arange(40) + 100}
        data = ImageData("numbers", images, labels=column, paired=pairs, unpaired=others)  # type: ignore[arg-type]
        train, valid = HoldOut.drawn(data, seed=5).divide(data)
        assert sorted(shown(train) + shown(valid)) == list(range(60)) and valid.count == 6
        assert (valid.split, train.split) == ("valid", data.split)
        for part in (train, valid):
            assert part.labels is not None and part.labels.tolist() == shown(part)
            assert part.paired["row"].tolist() == shown(part)  # type: ignore[union-attr]
            assert part.unpaired["b_row"].tolist() == (  # type: ignore[union-attr]
                part.unpaired["b"].fetch(torch.arange(part.unpaired["b"].shape[0]))[:, 0, 0, 0].tolist()  # type: ignore[union-attr]
            )
        assert (train.unpaired["b"].shape[0], valid.unpaired["b"].shape[0]) == (36, 4)
        stream = train.stream(8, 0)
        seen = {number for index in range(40) for number in stream.batch(index)["label"].tolist()}
        assert seen == set(shown(train))


def test_it_is_drawn_by_the_seed_and_has_a_bound() -> None:
    data = open_data(numbers(200))
    parts = {seed: HoldOut.drawn(data, seed).divide(data) for seed in (0, 1)}
    assert shown(parts[0][1]) != shown(parts[1][1]) and shown(parts[0][1]) == shown(
        HoldOut.drawn(data, 0).divide(data)[1]
    )
    assert len({part.fingerprint for both in parts.values() for part in both} | {data.fingerprint}) == 5
    many = ImageData("many", LazyImages((70_000, 1, 4, 4), lambda index: numbers(1)[0].numpy()), fingerprint="sha256:0")
    assert HoldOut.drawn(many, 0).count == 5_000
    few = open_data(numbers(3))
    with pytest.raises(UsageError, match="3 images, too few to hold any out for --eval-every: name others"):
        HoldOut.drawn(few, 0)
    with pytest.raises(DataError, match="not the data that 20 images were held out of"):
        HoldOut.drawn(data, 0).divide(many)


# --- runs ---------------------------------------------------------------------------------------------------


def test_a_run_says_what_it_held_out_and_what_chose_its_step(run: Path) -> None:
    whole, config = open_data(Labelled()), config_of(run)
    train, valid = HoldOut(4, 3, whole.fingerprint).divide(whole)
    assert config["dataset"]["valid"] == {"count": 4, "seed": 3, "of": whole.fingerprint}
    assert (config["dataset"]["fingerprint"], config["dataset"]["count"]) == (train.fingerprint, 44)
    (best,) = [score for score in read_scores(run) if score.step == config["step"]]
    assert config["selection"] == {"chosen": "best", "key": best.key, **best.dataset}
    assert best.dataset["split"] == "valid" and best.dataset["fingerprint"] == valid.fingerprint
    assert best.key == f"fd10-valid@{NETWORK}-64"


def test_valid_is_scored_and_verified_on_the_very_same_images(run: Path) -> None:
    (recorded,) = [score for score in read_scores(run) if score.step == config_of(run)["step"]]
    options: dict[str, Any] = {"n": 10, "features": NETWORK, "save": False}
    (again,) = ganzoo.evaluate(run, Labelled(), split="valid", **options)
    assert (again.key, again.dataset, again.value) == (recorded.key, recorded.dataset, recorded.value)
    assert all(one.holds for one in verify(run, ScoreVerifier(Labelled())))
    with pytest.raises(UsageError, match="not the data that the training held images out of"):
        ganzoo.evaluate(run, Labelled(40), split="valid", **options)


@pytest.mark.parametrize("split", ["test", "valid"])
def test_what_was_learned_from_is_not_recorded_as_unseen(split: str, run: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"n": 10, "features": NETWORK, "save": False}
    learned = tiny(tmp_path / "all").folder
    with pytest.raises(
        UsageError, match=f"--split {split}: these images of Labelled are what the model was trained on"
    ):
        ganzoo.evaluate(learned, Labelled(), split=split, **options)
    if split == "test":
        with pytest.raises(UsageError, match="give --split train, or other images"):
            ganzoo.evaluate(run, Labelled(), split=split, **options)
    assert ganzoo.evaluate(learned, Labelled(), split="train", **options)[0].key.startswith("fd10-train@")
    assert ganzoo.evaluate(learned, Labelled(40), split=split, **options)[0].key.startswith(f"fd10-{split}@")


def test_named_images_that_are_trained_on_are_not_called_test(tmp_path: Path) -> None:
    from ganzoo.images import to_pil

    for index, image in enumerate(to_pil(Labelled(20).images)):
        image.save(tmp_path / f"{index}.png")
    made = tiny(tmp_path / "run", data=tmp_path, eval_data=tmp_path, **SCORED)
    assert {score.key.partition("@")[0] for score in read_scores(made.folder)} == {"fd10-train"}
    assert "valid" not in config_of(made.folder)["dataset"]


def test_a_resume_holds_out_the_same_with_and_without_scores(run: Path, tmp_path: Path) -> None:
    whole = tiny(tmp_path / "whole", seed=3, steps=8, **SCORED)
    tiny(tmp_path / "parts", seed=3, steps=3, **SCORED)
    resume(tmp_path / "parts", steps=8)
    files = [contents(folder) for folder in (tmp_path / "parts", whole.folder)]
    scores = [
        [replace(one, seconds=0.0) for one in read_scores(folder)] for folder in (tmp_path / "parts", whole.folder)
    ]
    assert scores[0] == scores[1] and all(found.pop("metrics.json") for found in files) and files[0] == files[1]
    with pytest.raises(RunError, match="these 47 images are others"):
        resume(tmp_path / "parts", steps=9, data=Labelled(47))
    assert resume(tmp_path / "parts", steps=9, eval_every=0).step == 9
    assert config_of(tmp_path / "parts")["dataset"] == config_of(run)["dataset"]


def test_a_fork_goes_on_to_hold_out_what_its_networks_have_not_seen(run: Path, tmp_path: Path) -> None:
    forked = resume(run, fork=tmp_path / "fork", steps=6, seed=9).folder
    assert config_of(forked)["dataset"] == config_of(run)["dataset"]
    other = resume(run, fork=tmp_path / "other", steps=6, data=Labelled(40)).folder
    assert config_of(other)["dataset"]["valid"]["of"] == open_data(Labelled(40)).fingerprint
    learned = tiny(tmp_path / "all").folder
    late = resume(learned, fork=tmp_path / "late", steps=6, **SCORED).folder
    assert "valid" not in config_of(late)["dataset"]


def test_a_run_that_learned_from_all_goes_on_to_be_scored_as_in_0_1_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"resolution": 16, "data": "digits"}
    made = tiny(tmp_path / "run", steps=2, **options).folder
    resume(made, data="digits", steps=4, quiet=False, **SCORED)
    assert "this run holds no images out: the test split chooses its best step" in capsys.readouterr().err
    (score,) = read_scores(made)
    assert score.dataset["split"] == "test" and score.dataset["count"] == 359
    assert config_of(made)["selection"]["split"] == "test" and "valid" not in config_of(made)["dataset"]


def test_too_few_images_are_said_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name others with --eval-data"):
        tiny(tmp_path / "run", data=numbers(3).repeat(1, 1, 4, 4), batch=2, **SCORED)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "broken", [3, {"count": 4}, {"count": 4, "seed": "x", "of": "y"}, {"count": 0, "seed": 0, "of": ""}]
)
def test_a_folder_that_makes_no_sense_there_is_refused(broken: object, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    config = config_of(run)
    config["dataset"]["valid"] = broken
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    with pytest.raises(GanzooError, match=r"config\.json"):
        ganzoo.evaluate(folder, Labelled(), split="valid", n=10, features=NETWORK)


# --- the card -----------------------------------------------------------------------------------------------


def test_the_card_says_when_the_scored_images_chose_the_step(run: Path, tmp_path: Path) -> None:
    typed("card", run)
    held = (run / "README.md").read_text()
    assert f"the folder holds the best step, chosen by `fd10-valid@{NETWORK}-64`" in held
    assert "44 images, and 4 held out to choose the step" in held
    assert "(split valid) **flatter the model**; they were held out of training for that choice" in held
    made = tiny(tmp_path / "named", data=Labelled(30), eval_data="digits", resolution=16, **SCORED).folder
    typed("card", made)
    assert "(split test) **flatter the model**: none were held out for that choice" in (made / "README.md").read_text()
    last = tiny(tmp_path / "last").folder
    typed("card", last)
    assert "flatter" not in (last / "README.md").read_text()
