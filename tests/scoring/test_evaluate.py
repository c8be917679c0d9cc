"""Scoring models and images: one pass, cached references, complete records, nothing disturbed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import Labelled, tiny
from torch import Tensor

import ganzoo
from ganzoo.data import ImageData, open_data
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Score
from ganzoo.gan.gan import GAN
from ganzoo.metrics import FeatureNetwork, Metric, Sample, check, evaluate, open_network
from ganzoo.metrics.subjects import Generated
from ganzoo.scoring.score import open_split
from ganzoo.testing import plugin

NETWORK = "test_efficientnet:random"
ALL = ("fid", "clean-fid", "intra-fid", "fid-infinity", "kid", "is", "prdc")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "scores"


@pytest.fixture(scope="module")
def gan() -> GAN:
    torch.manual_seed(0)
    return ganzoo.build("dcgan:ch=4+cbn@g", resolution=16, channels=1, classes=3)


@pytest.fixture(scope="module")
def real() -> ImageData:
    return open_data(Labelled(90))


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return open_network(NETWORK, 16)


def values(scores: list[Score]) -> dict[str, float]:
    return {score.metric: score.value for score in scores}


# --- records ------------------------------------------------------------------------------------------------


def test_every_metric_from_one_pass(
    gan: GAN, real: ImageData, network: FeatureNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    generate = gan.generate
    monkeypatch.setattr(gan, "generate", lambda z, y, batch=64: drawn.append(len(z)) or generate(z, y, batch))
    scores = evaluate(gan, real, metrics=ALL, n=60, features=network, batch=16)
    assert sum(drawn) == 60
    names = ["fd", "clean-fd", "intra-fd", "fd-infinity", "kid", "is", "precision", "recall", "density", "coverage"]
    assert [score.metric for score in scores] == names
    assert all(score.key == f"{score.metric}60-all@{NETWORK}-64" for score in scores)
    assert {score.metric for score in scores if score.higher_is_better} == set(names[5:])
    assert {score.metric for score in scores if score.resize == "clean"} == {"clean-fd"}
    assert set(scores[2].details["by_class"]) == {"0", "1", "2"}


def test_a_record_is_complete(gan: GAN, real: ImageData) -> None:
    (score,) = evaluate(gan, real, n=40, features=NETWORK, seed=3, step=7, digest="c" * 64, split="test")
    assert score.key == f"fd40-test@{NETWORK}-64" and score.samples == 40
    assert score.dataset == {"name": "Labelled", "fingerprint": real.fingerprint, "split": "test", "count": 90}
    assert score.network["name"] == NETWORK and score.network["input"] == 64 and not score.network["pretrained"]
    assert (score.seed, score.seeds, score.step, score.weights, score.resize) == (3, 1, 7, "c" * 64, "bilinear")
    assert score.seconds > 0 and score.std is None and score.floor is None
    json.dumps(score.to_json(), allow_nan=False)


def test_mean_and_std_over_seeds(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    each = [evaluate(gan, real, n=30, features=network, seed=seed)[0].value for seed in (5, 6, 7)]
    (score,) = evaluate(gan, real, n=30, features=network, seed=5, seeds=3)
    assert score.value == pytest.approx(np.mean(each)) and score.std == pytest.approx(np.std(each, ddof=1))
    assert score.details["values"] == pytest.approx(each) and score.seeds == 3
    assert len(set(each)) == 3


def test_the_batch_changes_nothing(gan: GAN, real: ImageData, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for batch in (7, 64):
        monkeypatch.setenv("GANZOO_CACHE", str(cache / str(batch)))
        found.append(values(evaluate(gan, real, metrics=("fid", "kid", "is"), n=40, features=NETWORK, batch=batch)))
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_the_number_of_processes_changes_nothing(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    from ganzoo.distributed.batch import World, use_world

    alone = evaluate(gan, real, metrics=("fid", "kid"), n=30, features=network)
    with use_world(World(1, 4)):
        assert values(evaluate(gan, real, metrics=("fid", "kid"), n=30, features=network)) == values(alone)


def test_nothing_is_disturbed(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    gan.train()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    state = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    first = evaluate(gan, real, metrics=ALL, n=30, features=network)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
    assert gan.training and gan.G.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in gan.state_dict().items())
    torch.manual_seed(2)
    assert values(evaluate(gan, real, metrics=ALL, n=30, features=network)) == values(first)


# --- what is compared ---------------------------------------------------------------------------------------


def test_images_in_place_of_a_model(gan: GAN, real: ImageData, network: FeatureNetwork, tmp_path: Path) -> None:
    from ganzoo.images import to_pil

    images, _ = next(Generated(gan, real).batches(40, 0, 40))
    for index, picture in enumerate(to_pil(images)):
        picture.save(tmp_path / f"{index:03d}.png")
    drawn = evaluate(gan, real, n=40, features=network)[0]
    stored = evaluate(tmp_path, real, features=network)[0]
    assert stored.value == pytest.approx(drawn.value, rel=1e-4)
    assert stored.samples == 40 and stored.weights == "" and stored.key == drawn.key


def test_fewer_of_the_images_are_drawn_from_all_of_them(real: ImageData, network: FeatureNetwork) -> None:
    from ganzoo.metrics.subjects import Pictured

    ((_, first),) = Pictured(real).batches(30, 0, 30)
    ((_, again),) = Pictured(real).batches(20, 0, 30)
    ((_, other),) = Pictured(real).batches(30, 1, 30)
    assert first is not None and again is not None and other is not None
    assert torch.equal(first[:20], again) and not torch.equal(first, other)
    assert len(set(first.tolist())) == 3
    assert evaluate(real, real, n=30, features=network)[0].samples == 30


def test_real_images_score_best(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    theirs, ours = (evaluate(one, real, n=90, features=network)[0] for one in (real, gan))
    assert theirs.value == pytest.approx(0, abs=1e-3 * ours.value) and theirs.better_than(ours)


# --- the cache ----------------------------------------------------------------------------------------------


class Counted:
    """A feature network that counts the images it sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen, look = 0, FeatureNetwork.__call__

        def counting(network: FeatureNetwork, images: Tensor, resize: str | None = None) -> Any:
            self.seen += len(images)
            return look(network, images, resize)

        monkeypatch.setattr(FeatureNetwork, "__call__", counting)


def test_real_images_are_looked_at_once(
    gan: GAN, real: ImageData, network: FeatureNetwork, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    options: dict[str, Any] = {"n": 20, "features": network}
    evaluate(gan, real, metrics=("fid", "prdc", "intra-fid"), **options)
    assert counted.seen == 90 + 20
    first = values(evaluate(gan, real, metrics=("fid", "prdc", "intra-fid"), **options))
    assert counted.seen == 90 + 20 + 20
    evaluate(gan, real, metrics=("clean-fid",), **options)
    assert counted.seen == 90 + 3 * 20 + 90
    for file in cache.iterdir():
        file.write_bytes(b"torn")
    assert values(evaluate(gan, real, metrics=("fid", "prdc", "intra-fid"), **options)) == pytest.approx(first)
    assert {file.suffix for file in cache.iterdir()} == {".safetensors"}


def spoil(file: Path) -> None:
    """Change numbers of a file in place, and nothing of its length."""
    data = bytearray(file.read_bytes())
    for place in range(len(data) * 3 // 4, len(data), 97):
        data[place] ^= 1 << 4
    file.write_bytes(data)


@pytest.mark.parametrize("metric", ["fid", "kid", "prdc", "intra-fid"])
def test_a_cache_that_is_damaged_changes_no_score(
    gan: GAN, real: ImageData, network: FeatureNetwork, cache: Path, metric: str, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"n": 20, "features": network, "metrics": (metric,)}
    first = values(evaluate(gan, real, **options))
    for file in cache.iterdir():
        spoil(file)
    assert values(evaluate(gan, real, **options)) == first
    assert "is not used, and what it held is measured anew" in caplog.text
    caplog.clear()
    assert values(evaluate(gan, real, **options)) == first and not caplog.text


def test_a_floor_that_is_damaged_is_none(model: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tiny_models import score

    from ganzoo.metrics.cache import floor_of, keep_floor

    kept = score(model, "fid", 17.5)
    keep_floor(kept)
    assert floor_of(kept.protocol) == 17.5
    (file,) = cache.glob("floor-*")
    file.write_text(file.read_text().replace("17.5", "11.5"))
    assert floor_of(kept.protocol) is None and "is not used" in caplog.text


def test_other_data_is_not_taken_for_it(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    other = open_data(Labelled(89))
    assert evaluate(gan, real, n=20, features=network)[0].value != evaluate(gan, other, n=20, features=network)[0].value


def test_the_inception_score_looks_at_no_real_image(
    gan: GAN, real: ImageData, network: FeatureNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    evaluate(gan, real, metrics=("is",), n=20, features=network)
    assert counted.seen == 20


def test_a_cache_that_cannot_be_written_is_no_error(
    gan: GAN, real: ImageData, network: FeatureNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    assert evaluate(gan, real, n=20, features=network)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"metrics": ["fidd"]}, "nearest: fid"),
        ({"metrics": []}, "name a metric; there are fid"),
        ({"metrics": ["hinge"]}, "no metric is called 'hinge'"),
        ({"n": 1}, "-n 1 does not work"),
        ({"seeds": 0}, "seeds=0"),
        ({"features": "resnett18"}, "no feature network"),
        ({"metrics": ["prdc"], "n": 4}, "raise -n"),
    ],
)
def test_what_cannot_be_meant(options: dict[str, Any], hint: str, gan: GAN, real: ImageData) -> None:
    with pytest.raises(UsageError, match=hint):
        evaluate(gan, real, **{"n": 20, "features": NETWORK, **options})


def test_class_by_class_needs_classes_on_both_sides(gan: GAN, real: ImageData) -> None:
    plain = ganzoo.build("dcgan:ch=4", resolution=16, channels=1)
    unlabelled = open_data(real.images.pixels)  # type: ignore[attr-defined]
    for model, data, who in ((plain, real, "this model"), (gan, unlabelled, "the data set tensor")):
        with pytest.raises(UsageError, match=f"{who} has no labels"):
            evaluate(model, data, metrics=["intra-fid"], n=20, features=NETWORK)


def test_sizes_must_agree(gan: GAN) -> None:
    with pytest.raises(UsageError, match="16 pixels and 1 channels, those of digits 32 and 1"):
        evaluate(gan, open_data("digits"), n=20, features=NETWORK)


def test_the_inception_score_needs_a_classifier(gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    with pytest.raises(UsageError, match="is needs class probabilities"):
        evaluate(gan, real, metrics=["is"], n=20, features=replace(network, classifies=False))


def test_check_says_before_training_what_would_fail() -> None:
    check(["fid", "is"], NETWORK)
    for metrics, features in ((["nope"], NETWORK), (["fid"], "nope")):
        with pytest.raises(UsageError):
            check(metrics, features)


# --- metrics of plugins -------------------------------------------------------------------------------------


class Brightness(Metric):
    """Distance of the mean features, as a plain number."""

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"brightness": abs(float(real.moments.mean.mean() - fake.moments.mean.mean()))}


class Infinite(Metric):
    """No number."""

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"infinite": float("inf")}


class Hooks:
    @ganzoo.hookimpl
    def register_metrics(self, register: Any) -> None:
        register("brightness", Brightness, requires={"moments"})
        register("infinite", Infinite, requires={"moments"})
        register("greedy", Brightness, requires={"moments", "souls"})


@pytest.fixture
def hooks() -> Iterator[None]:
    with plugin(Hooks()):
        yield


def test_a_plugins_metric_is_scored_like_any(hooks: None, gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    (score,) = evaluate(gan, real, metrics=["brightness"], n=20, features=network)
    assert score.key == f"brightness20-all@{NETWORK}-64" and score.value > 0


def test_a_plugins_mistakes_are_named(hooks: None, gan: GAN, real: ImageData, network: FeatureNetwork) -> None:
    with pytest.raises(GanzooError, match="infinite is inf"):
        evaluate(gan, real, metrics=["infinite"], n=20, features=network)
    with pytest.raises(PluginError, match="requires souls"):
        evaluate(gan, real, metrics=["greedy"], n=20, features=network)


# --- folders ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    tiny(out, keep=3, steps=6)
    return out


def test_scores_of_a_run_are_kept_in_its_folder(run: Path) -> None:

    made = ganzoo.evaluate(run, Labelled(90), metrics=["fid", "kid"], n=20, features=NETWORK)
    assert ModelFolder(run).own_scores == made and [score.step for score in made] == [6, 6]
    again = ganzoo.evaluate(run, Labelled(90), metrics=["fid"], n=20, features=NETWORK, save=False)
    assert again[0].value == made[0].value and ModelFolder(run).own_scores == made


def test_every_kept_step_is_scored(run: Path) -> None:
    options: dict[str, Any] = {"metrics": ["fid"], "n": 20, "features": NETWORK}
    scores = ganzoo.evaluate(run, Labelled(90), every_step=True, **options)
    assert [score.step for score in scores] == sorted({score.step for score in scores}) and len(scores) > 1
    assert len({score.weights for score in scores}) == len(scores) and scores[-1].weights == ModelFolder(run).digest
    folder = ganzoo.evaluate(run / "snapshots", Labelled(90), **options)
    assert [score.value for score in folder] == [score.value for score in scores]
    one = ganzoo.evaluate(run, Labelled(90), step=scores[0].step, **options)
    assert [score.value for score in one] == [scores[0].value]


def test_the_floor_is_what_real_images_get(run: Path) -> None:
    options: dict[str, Any] = {"metrics": ["fid"], "n": 20, "features": NETWORK, "save": False}
    (plain,) = ganzoo.evaluate(run, Labelled(90), **options)
    (score,) = ganzoo.evaluate(run, Labelled(90), floor=Labelled(60), **options)
    (later,) = ganzoo.evaluate(run, Labelled(90), **options)
    assert plain.floor is None and score.floor is not None and later.floor == score.floor
    assert score.floor < score.value == plain.value
    with pytest.raises(UsageError, match="with itself"):
        ganzoo.evaluate(run, Labelled(90), floor=Labelled(90), **options)
    with pytest.raises(UsageError, match="lower -n"):
        ganzoo.evaluate(run, Labelled(90), floor=Labelled(19), **options)


def test_the_floor_of_a_named_data_set_is_its_other_split(run: Path) -> None:
    options: dict[str, Any] = {"metrics": ["fid"], "n": 20, "features": NETWORK, "save": False}
    (score,) = ganzoo.evaluate(run, "digits", split="test", floor="digits", **options)
    assert score.floor is not None and score.key.startswith("fd20-test@") and score.dataset["count"] == 359


def test_the_split_of_named_data_is_asked_for_and_that_of_paths_believed() -> None:
    train, named = open_split("digits", None, ganzoo.build("gan:ch=4", 16, 1))
    assert (named, train.count, train.resolution) == ("train", 1438, 16)
    whole, named = open_split(Labelled(90), "test", train)
    assert (named, whole.count) == ("test", 90)
    assert open_split(Labelled(90), None, train)[1] == "all"


def test_nothing_is_written_where_a_model_was_fetched_to(run: Path, tmp_path: Path) -> None:
    from ganzoo.hub.locate import ModelReference

    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for name in ("config.json", "model.safetensors"):
        (fetched / name).write_bytes((run / name).read_bytes())
    (score,) = ganzoo.evaluate(ModelReference(ModelFolder(fetched), "org/name"), Labelled(90), n=20, features=NETWORK)
    assert score.weights == ModelFolder(run).digest and len(list(fetched.iterdir())) == 2


def test_steps_of_what_has_none(tmp_path: Path, gan: GAN) -> None:
    with pytest.raises(UsageError, match="kept steps"):
        ganzoo.evaluate(gan, Labelled(90), step=3, n=20, features=NETWORK)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_images(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    # One thread, and an allocator that gives back what is freed: then a peak repeats to a thousandth. One that
    # keeps what is freed has peaks that differ by a quarter from run to run, whatever the number of images.
    steady = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    code = """
import sys, torch, ganzoo
import ganzoo.machine.memory as memory
from ganzoo.data import open_data
if sys.argv[2] == "given back":
    memory.keep_memory = lambda: True
gan = ganzoo.build("dcgan:ch=4", resolution=32, channels=3)
real = open_data(torch.randint(0, 256, (2000, 3, 32, 32), dtype=torch.uint8))
from ganzoo.metrics import evaluate
evaluate(gan, real, metrics=("fid", "is", "kid", "prdc"), n=int(sys.argv[1]), features="test_resnet:random", batch=256)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""  # VmHWM, in KiB, begins anew with the program; ru_maxrss has the size of the test's own process, which forked

    def peak(n: int, freed: str) -> int:
        command = [sys.executable, "-c", code, str(n), freed]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **steady})
        return int(done.stdout)

    assert peak(50_000, "given back") < peak(10_000, "given back") * 1.02
    assert peak(50_000, "kept") < 2 * 2**20
