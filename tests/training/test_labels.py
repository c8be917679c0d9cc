"""Models of other labels than classes: trained, resumed, loaded, sampled, scored, shown."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from eval_runs import NETWORK
from tiny_runs import Labelled, contents, resume, tiny

import ganzoo
from ganzoo.cli import main
from ganzoo.data import open_data
from ganzoo.errors import ModelError, UsageError
from ganzoo.folder import label_rows
from ganzoo.gan.labels import written
from ganzoo.metrics.subjects import Generated

RECIPE = "dcgan:ch=4+cbn+projection"
ROWS = Path("examples") / "label.json"


class Several(Labelled):
    """Each image has any number of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.targets = [[float(index >> bit & 1) for bit in range(3)] for index in range(48)]  # type: ignore[misc]


class Angles(Labelled):
    """Each image has two real numbers."""

    classes = ("yaw", "pitch")  # type: ignore[assignment]
    label_kind = "continuous"

    def __init__(self) -> None:
        super().__init__()
        self.targets = [[index / 8, -index / 3] for index in range(48)]  # type: ignore[misc]


DATA = {"multilabel": Several, "continuous": Angles}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {kind: tiny(root / kind, RECIPE, data=data()).folder for kind, data in DATA.items()}


def typed(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.mark.parametrize("kind", DATA)
def test_a_run_goes_on_byte_for_byte(runs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    half = tiny(tmp_path / "half", RECIPE, data=DATA[kind](), steps=2).folder
    resume(half, data=DATA[kind](), steps=4)
    assert contents(half) == contents(runs[kind])


@pytest.mark.parametrize("kind", DATA)
def test_the_folder_says_the_kind_and_keeps_vectors_that_samples_take_in_turn(runs: dict[str, Path], kind: str) -> None:
    gan, data = ganzoo.load(runs[kind]), open_data(DATA[kind]())
    assert json.loads((runs[kind] / "config.json").read_text())["label_kind"] == kind == gan.label_kind
    assert data.labels is not None and gan.class_names == data.class_names and gan.classes == len(data.class_names)
    kept = torch.stack(list(gan.label_rows))
    assert sorted(kept.tolist()) == sorted(data.labels.tolist())
    asked = gan.sample(50, labels=torch.cat([kept, kept[:2]]), seed=3)
    assert torch.equal(gan.sample(50, seed=3), asked)
    assert not torch.equal(gan.sample(50, labels=kept[:1].expand(50, -1), seed=3), asked)


def test_labels_of_classes_keep_no_vectors(tmp_path: Path) -> None:
    run = tiny(tmp_path / "classes", RECIPE, steps=2)
    assert not (run.folder / ROWS).exists() and not ganzoo.load(run.folder).label_rows


def test_at_most_a_thousand_vectors_are_kept_from_all_over_the_data() -> None:
    class Many(Angles):
        def __init__(self) -> None:
            super().__init__()
            self.images = torch.zeros(3000, 1, 2, 2, dtype=torch.uint8)
            self.targets = [[float(index), 0.0] for index in range(3000)]  # type: ignore[misc]

    rows = torch.stack(list(label_rows.choose(open_data(Many()))))[:, 0]
    assert sorted(rows.tolist()) == [3.0 * place for place in range(1000)]
    assert all(some.max() - some.min() > 1500 for some in rows.split(8))  # sorted data do not fill a grid with one kind


@pytest.mark.parametrize("kind", DATA)
def test_texts_and_vectors_are_one(runs: dict[str, Path], kind: str) -> None:
    gan = ganzoo.load(runs[kind])
    for row in gan.label_rows[:9]:
        said = written(row, kind, gan.class_names)
        torch.testing.assert_close(gan.read_labels([said])[0], row, rtol=1e-3, atol=1e-4)
    texts = {"multilabel": "cat/cow", "continuous": "0.5/-1"}
    vectors = {"multilabel": [1, 0, 1], "continuous": [0.5, -1]}
    assert torch.equal(gan.sample(labels=[texts[kind]], seed=1), gan.sample(labels=[vectors[kind]], seed=1))


@pytest.mark.parametrize(
    "kind, label, message",
    [
        ("multilabel", [1, 0], r"\[1, 0\] has 2 numbers; .* has 3 \(cat, dog, cow\)"),
        ("multilabel", [1, 0, float("nan")], "holds NaN"),
        ("multilabel", "cat/cat-fish", "no class 'cat-fish'.*nearest: cat"),
        ("multilabel", 3, "no class 3"),
        ("continuous", [0.5, float("inf")], "infinite"),
        ("continuous", [0.5, 1e39], "too large"),
        ("continuous", "0.5/left", "'left' is no number"),
        ("continuous", "0.5/1/2", "has 3 numbers"),
        ("continuous", "nan/1", "holds NaN"),
        ("continuous", 0.5, "has 1 numbers"),
        ("continuous", ["a", "b"], "no vector of numbers"),
    ],
)
def test_labels_that_a_model_does_not_have_are_refused_before_anything_is_drawn(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, kind: str, label: object, message: str
) -> None:
    gan = ganzoo.load(runs[kind])
    monkeypatch.setattr(type(gan), "noise", lambda *_: pytest.fail("noise was drawn"))
    with pytest.raises(UsageError, match=message):
        gan.sample(labels=[label], seed=0)  # type: ignore[list-item]


def test_no_class_has_a_word_of_its_own_unless_a_class_is_called_so(runs: dict[str, Path]) -> None:
    gan = ganzoo.load(runs["multilabel"])
    assert gan.read_labels(["none", 1, "2/0"]).tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 1]]
    gan.class_names = ("none", "a/b", "b")
    assert gan.read_labels(["none", "a/b"]).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_command_takes_labels_of_every_kind(runs: dict[str, Path], tmp_path: Path) -> None:
    for kind, labels, rows in (
        ("multilabel", ("cat/dog", "none"), [[1, 1, 0], [0, 0, 0], [1, 1, 0]]),
        ("continuous", ("-0.5/1",), [[-0.5, 1]] * 3),
    ):
        out = tmp_path / f"{kind}.npz"
        words = [word for label in labels for word in ("--label", label)]
        status, said = typed("sample", runs[kind], "-n", 3, *words, "--out", out)
        assert status == 0, said
        assert np.load(out)["labels"].tolist() == rows
    status, said = typed("interpolate", runs["continuous"], "--rows", 2, "--out", tmp_path / "walk.png")
    assert status == 0, said
    status, said = typed("sample", runs["continuous"], "--label", "1", "--out", tmp_path / "no.npz")
    assert status != 0 and not (tmp_path / "no.npz").exists()


@pytest.mark.parametrize(
    "text, message",
    [
        ("[1]", "JSON object"),
        ('{"label": []}', "0 label vectors"),
        ('{"label": [[0, 1]]}', "3 numbers"),
        ('{"label": [[0, 1, true]]}', "3 numbers"),
        ('{"label": [[0, 1, "1"]]}', "3 numbers"),
        ('{"label": [7]}', "3 numbers"),
        ('{"label": [[0, 1, NaN]]}', "not JSON"),
        ('{"label": [[0, 1, 1e400]]}', "no finite number"),
        ('{"label": [[0, 1, 1' + "0" * 400 + "]]}", "401 digits"),
        ('{"label": [[0, 1, 0.5]]}', "0 and 1 alone"),
        (json.dumps({"label": [[0, 1, 1]] * 1001}), "1001 label vectors"),
    ],
)
def test_vectors_of_a_hostile_folder_are_refused(
    runs: dict[str, Path], tmp_path: Path, text: str, message: str
) -> None:
    model = shutil.copytree(runs["multilabel"], tmp_path / "model")
    (model / ROWS).write_text(text)
    with pytest.raises(ModelError, match=message):
        ganzoo.load(model)


def test_a_kind_that_the_parts_are_not_for_and_a_link_are_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    model = shutil.copytree(runs["multilabel"], tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    for kind in ("class", "continuous", "angle", 3):
        (model / "config.json").write_text(json.dumps({**config, "label_kind": kind}))
        with pytest.raises(ModelError, match="label_kind"):
            ganzoo.load(model)
    (model / "config.json").write_text(json.dumps(config))
    (model / ROWS).unlink()
    without = ganzoo.load(model)
    assert without.sample(labels=["cat"], seed=0).shape[0] == 1
    with pytest.raises(UsageError, match="came without label vectors"):
        without.sample(2, seed=0)
    (model / ROWS).symlink_to(runs["multilabel"] / ROWS)
    with pytest.raises(ModelError, match="link"):
        ganzoo.load(model)


@pytest.mark.parametrize("kind", DATA)
def test_scores_are_of_samples_with_the_labels_of_the_real_rows(runs: dict[str, Path], kind: str) -> None:
    gan, data = ganzoo.load(runs[kind]), open_data(DATA[kind]())
    batches = list(Generated(gan, data).batches(50, 0, 20))
    labels = torch.cat([labels for _, labels in batches if labels is not None])
    assert data.labels is not None and torch.equal(labels, data.labels[torch.arange(50) % 48])
    others = open_data(Labelled())  # whose labels are classes: the model's own vectors serve
    own = next(iter(Generated(gan, others).batches(3, 0, 20)))[1]
    assert own is not None and torch.equal(own, torch.stack(list(gan.label_rows[:3])))
    options = {"data": DATA[kind](), "n": 40, "features": NETWORK}
    assert ganzoo.evaluate(runs[kind], metrics="fid", **options)
    with pytest.raises(UsageError, match=f"intra-fid needs label-class.*{kind}"):
        ganzoo.evaluate(runs[kind], metrics="intra-fid", **options)


@pytest.mark.parametrize("kind", DATA)
def test_parts_that_need_classes_are_refused_or_yield(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"ac.*label-class.*{kind}"):
        ganzoo.train("acgan:ch=4", data=DATA[kind](), out=tmp_path / "no", steps=1, quiet=True)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("kind", DATA)
def test_a_card_has_a_row_for_label_vectors(runs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    model = shutil.copytree(runs[kind], tmp_path / "model")
    status, said = typed("card", model)
    assert status == 0, said
    index = json.loads((model / "pictures" / "index.json").read_text())
    assert "label vectors of the training" in index["pictures"]["classes.png"]


@pytest.mark.parametrize(
    "recipe", ["dcgan:ch=4+onehot", "sngan:ch=4+cbn", "sagan:ch=8+projection", "sngan:ch=4+selfmod"]
)
def test_parts_take_vectors_of_any_kind(tmp_path: Path, recipe: str) -> None:
    run = tiny(tmp_path / "run", recipe, data=Angles(), steps=2)
    assert ganzoo.load(run.folder).sample(3, seed=0).isfinite().all()


def test_the_folder_says_how_many_images_each_class_has(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "run", "gan:ch=4+onehot", steps=1).folder
    assert json.loads((folder / "config.json").read_text())["class_counts"] == [16, 16, 16]
