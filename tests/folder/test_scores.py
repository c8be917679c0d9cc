"""``metrics.json``: what it keeps, and what it refuses to believe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_scores import DATA, NETWORK, score

from ganzoo.errors import ModelError
from ganzoo.folder.layout import METRICS
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import add_scores, read_scores, score_key


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("fid", 50_000, "train", "inception-v3-compat"), "fid50k-train@inception-v3-compat"),
        (("fd", 10_000, "test", "tf_efficientnet_lite0.in1k", 64), "fd10k-test@tf_efficientnet_lite0.in1k-64"),
        (("kid", 300, "all", "resnet18.a1_in1k"), "kid300-all@resnet18.a1_in1k"),
        (("is", 1500, "test", "n"), "is1500-test@n"),
        (("is", 1000, "test", "n"), "is1k-test@n"),
    ],
)
def test_keys_are_those_of_the_design(arguments: tuple[Any, ...], key: str) -> None:
    assert score_key(*arguments) == key


def test_scores_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_scores(tmp_path) == []
    add_scores(tmp_path, [score()])
    add_scores(tmp_path, [score(step=1000, weights="d" * 64, value=50.0)])
    assert read_scores(tmp_path) == [score(), score(step=1000, weights="d" * 64, value=50.0)]
    assert json.loads((tmp_path / METRICS).read_text())["format"] == 1


def test_a_second_measurement_takes_the_place_of_the_first(tmp_path: Path) -> None:
    other_seed = score(seed=1)
    add_scores(tmp_path, [score(), other_seed])
    add_scores(tmp_path, [score(value=60.0, seconds=1.0)])
    assert read_scores(tmp_path) == [other_seed, score(value=60.0, seconds=1.0)]


def test_only_scores_of_the_weights_that_are_there_count(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    now = score(weights=ModelFolder(tmp_path).digest)
    add_scores(tmp_path, [score(), now])
    assert ModelFolder(tmp_path).own_scores == [now]


def test_better_is_up_or_down() -> None:
    assert score(value=1.0).better_than(score(value=2.0))
    assert score(value=2.0, higher_is_better=True).better_than(score(value=1.0))


def test_protocols_differ_by_data_network_and_resizing() -> None:
    variants = [
        score(),
        score(dataset={**DATA, "fingerprint": f"sha256:{'e' * 64}"}),
        score(network={**NETWORK, "sha256": "e" * 64}),
        score(resize="clean"),
    ]
    assert len({one.protocol for one in variants}) == 4
    assert score(step=3, weights="", value=9.0).protocol == score().protocol


HOSTILE: dict[str, Any] = {
    "metric": [3, "../x", "a" * 70, "fd\x1b[31m"],
    "key": ["fd10k-test@other-64", "fd10k-test@tf_efficientnet_lite0.in1k-128", "fd10k", "fd10k-test@a\nb"],
    "value": ["55", True, None, [1], 10**400],
    "std": ["x", 10**400],
    "samples": [0, -1, 2.5, 10**12],
    "seeds": [0, 10**9],
    "seed": [-1, 2**64],
    "dataset": [{}, [], {**DATA, "fingerprint": "x"}, {**DATA, "name": "n" * 300}, {**DATA, "split": "a b"}],
    "network": [{}, {**NETWORK, "sha256": "A" * 64}, {**NETWORK, "pretrained": 1}, {**NETWORK, "name": "a\x1b"}],
    "resize": ["", "a b", 4],
    "weights": ["c" * 63, "zz", None],
    "higher_is_better": [0, "no"],
    "details": [[], {"a": "x" * 300}, {"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": 10**30}, {"k" * 300: 1}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in HOSTILE.items() for value in values])
def test_a_record_that_makes_no_sense_is_refused(name: str, value: Any, tmp_path: Path) -> None:
    record = {**score().to_json(), name: value}
    (tmp_path / METRICS).write_text(json.dumps({"format": 1, "scores": [record]}))
    with pytest.raises(ModelError) as refused:
        read_scores(tmp_path)
    assert METRICS in str(refused.value) and len(str(refused.value)) < 400 + len(str(tmp_path))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", sorted(set(score().to_json()) - {"floor", "details", "std"}))
def test_a_record_without_a_field_is_refused(name: str, tmp_path: Path) -> None:
    record = {key: value for key, value in score().to_json().items() if key != name}
    (tmp_path / METRICS).write_text(json.dumps({"format": 1, "scores": [record]}))
    with pytest.raises(ModelError, match=METRICS):
        read_scores(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 3, "scores": []}',
        '{"format": 1, "scores": {}}',
        '{"format": 1, "scores": [1]}',
        '{"format": 1, "scores": [{"value": NaN}]}',
        '{"format": 1, "scores": ' + "[" * 100_000,
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text(text)
    with pytest.raises(ModelError, match=METRICS):
        read_scores(tmp_path)


def test_infinity_has_many_spellings(tmp_path: Path) -> None:
    text = json.dumps({"format": 1, "scores": [score().to_json()]})
    for spelled in ("1e999", "-1e999", "Infinity"):
        (tmp_path / METRICS).write_text(text.replace("55.2", spelled))
        with pytest.raises(ModelError):
            read_scores(tmp_path)


def test_what_later_versions_add_is_left_out(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text(json.dumps({"format": 1, "scores": [{**score().to_json(), "new": "field"}]}))
    assert read_scores(tmp_path) == [score()]


def test_endless_files_links_and_pipes_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    target.write_text('{"format": 1, "scores": []}')
    (tmp_path / METRICS).symlink_to(target)
    with pytest.raises(ModelError, match="link"):
        read_scores(tmp_path)
    (tmp_path / METRICS).unlink()
    with open(tmp_path / METRICS, "wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(ModelError, match="larger than 16 MB"):
        read_scores(tmp_path)


def test_reading_scores_needs_no_torch() -> None:
    modules = "ganzoo.folder.model, ganzoo.scoring.leaderboard, ganzoo.cli.eval"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
