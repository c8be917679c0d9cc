"""Labels of data: classes, several classes at once, real numbers; from ``dataset.json`` and from Python."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from ganzoo.data import DataRequest, ImageData, MemoryImages, open_data
from ganzoo.data.check import check
from ganzoo.errors import DataError, UsageError

PIXELS = torch.randint(0, 256, (4, 1, 8, 8), dtype=torch.uint8)
BOTH = [[0, 1], [1, 1], [0, 0], [1, 0]]
REAL = [[0.5, -2.0], [1.5, 0.0], [0.0, 0.0], [1e-3, 7.25]]


def folder(path: Path, labels: list[object] | None, **said: object) -> Path:
    path.mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels[0].numpy()).save(path / f"{number}.png")
    entries = None if labels is None else [[f"{number}.png", label] for number, label in enumerate(labels)]
    (path / "dataset.json").write_text(json.dumps({"labels": entries, **said}))
    return path


class Targets:
    """Images with targets, as torchvision's data sets have them."""

    def __init__(self, targets: object, **attributes: object) -> None:
        self.targets = targets
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, object]:
        return PIXELS[index], self.targets[index]  # type: ignore[index]


def test_vectors_of_zeros_and_ones_are_multilabel_and_of_other_numbers_what_is_said(tmp_path: Path) -> None:
    some = open_data(folder(tmp_path / "some", BOTH, classes=["red", "round"]))
    assert some.label_kind == "multilabel" and some.class_names == ("red", "round")
    assert some.labels is not None and some.labels.dtype == torch.float32 and some.labels.tolist() == BOTH
    assert some.provides == {"image", "label", "label-multilabel"}
    real = open_data(folder(tmp_path / "real", REAL, label_kind="continuous"))
    assert real.labels is not None and torch.equal(real.labels, torch.tensor(REAL))
    assert real.provides == {"image", "label", "label-continuous"} and real.class_names == ("0", "1")
    binary = open_data(folder(tmp_path / "binary", BOTH, label_kind="continuous"))
    assert binary.label_kind == "continuous"
    assert open_data(folder(tmp_path / "classes", [0, 1, 1, 0])).provides == {"image", "label", "label-class"}


def test_one_number_is_a_vector_where_labels_are_continuous(tmp_path: Path) -> None:
    data = open_data(folder(tmp_path / "angles", [0, 1, 2.5, -1], label_kind="continuous", classes=["angle"]))
    assert data.labels is not None and data.labels.tolist() == [[0], [1], [2.5], [-1]]


@pytest.mark.parametrize(
    "labels, said, message",
    [
        (REAL, {}, 'write into dataset.json "label_kind": "continuous"'),
        (REAL, {"label_kind": "multilabel"}, "'0.png' holds 0.5; multilabel vectors hold 0 and 1"),
        (REAL, {"label_kind": "class"}, "class numbers from 0"),
        (REAL, {"label_kind": "angles"}, "class, multilabel or continuous"),
        ([0.5, 1, 2, 3], {}, "0.5, of '0.png'"),
        ([[0, 1], [1], [0, 0], [1, 0]], {}, "'1.png' has 1 numbers, others 2"),
        ([[0, 1], 1, [0, 0], [1, 0]], {}, "1, of '1.png'"),
        ([[0, float("nan")], *REAL[1:]], {"label_kind": "continuous"}, "'0.png' holds NaN"),
        ([[0, float("inf")], *REAL[1:]], {"label_kind": "continuous"}, "'0.png' holds NaN, an infinite"),
        ([[0, 1e39], *REAL[1:]], {"label_kind": "continuous"}, "too large"),
        ([[], [], [], []], {}, "vectors of numbers"),
        ([[True, False]] * 4, {}, "vectors of numbers"),
        (BOTH, {"classes": ["red"]}, "names 1 class but has label vectors of 2"),
        (BOTH, {"classes": ["red", "round", "big"]}, "names 3 classes but has label vectors of 2"),
    ],
)
def test_labels_that_cannot_be_are_refused_by_name(
    tmp_path: Path, labels: list[object], said: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError) as refused:
        open_data(folder(tmp_path / "wrong", labels, **said))
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_targets_in_python_may_be_vectors() -> None:
    some = open_data(TensorDataset(PIXELS, torch.tensor(BOTH)))
    assert some.label_kind == "multilabel" and some.labels is not None and some.labels.tolist() == BOTH
    named = open_data(Targets(torch.tensor(BOTH).bool(), classes=("red", "round")))
    assert named.label_kind == "multilabel" and named.class_names == ("red", "round")
    real = open_data(TensorDataset(PIXELS, torch.tensor(REAL)), DataRequest(label_kind="continuous"))
    assert real.labels is not None and torch.equal(real.labels, torch.tensor(REAL))
    assert open_data(Targets(REAL, label_kind="continuous")).label_kind == "continuous"
    assert open_data(Targets(torch.tensor([0.5, 1, 2, 3]), label_kind="continuous")).class_names == ("0",)
    with pytest.raises(DataError, match="label_kind"):
        open_data(TensorDataset(PIXELS, torch.tensor(REAL)))


def test_a_kind_that_is_asked_for_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of the kind multilabel, not class"):
        open_data(folder(tmp_path / "some", BOTH), DataRequest(label_kind="class"))
    with pytest.raises(UsageError, match="class, multilabel or continuous"):
        DataRequest(label_kind="angle")


def test_batches_have_vectors_and_fingerprints_hold_them(tmp_path: Path) -> None:
    data = open_data(folder(tmp_path / "real", REAL, label_kind="continuous"))
    labels = data.stream(4, 0).batch(0)["label"]
    assert labels.shape == (4, 2) and sorted(labels.tolist()) == sorted(torch.tensor(REAL).tolist())
    other = [[0.5, -2.0], [1.5, 0.0], [0.0, 0.0], [1e-3, 7.5]]
    prints = {
        (memory, open_data(path, DataRequest(memory=memory)).fingerprint)
        for memory in (0, 1 << 20)
        for path in (tmp_path / "real", folder(tmp_path / f"other-{memory}", other, label_kind="continuous"))
    }
    assert len(prints) == 4


@pytest.mark.parametrize(
    "labels, names, kind, message",
    [
        (torch.tensor([0, 1, 0, 1]), ("a", "b"), "multilabel", "4 images with 2 names"),
        (torch.tensor(REAL), ("a", "b", "c"), "continuous", "3 names"),
        (torch.tensor(REAL), ("a", "b"), "multilabel", "other numbers than 0 and 1"),
        (torch.tensor(REAL).log(), ("a", "b"), "continuous", "NaN or infinite"),
        (torch.tensor(BOTH), ("a", "b"), "class", "classes are int64"),
        (torch.tensor(REAL), ("a", "b"), "angle", "class, multilabel or continuous"),
    ],
)
def test_data_that_a_plugin_opens_is_checked(labels: object, names: tuple[str, ...], kind: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImageData("theirs", MemoryImages(PIXELS), labels, names, label_kind=kind)  # type: ignore[arg-type]


def test_a_check_counts_classes_and_measures_numbers(tmp_path: Path) -> None:
    some = check(str(folder(tmp_path / "some", BOTH, classes=["red", "round"]))).as_json()
    assert (some["label_kind"], some["classes"], some["ranges"]) == ("multilabel", {"red": 2, "round": 2}, None)
    assert any("label-class" in no["reason"] for no in some["unfit"] if no["recipe"] == "acgan")
    real = check(str(folder(tmp_path / "real", REAL, label_kind="continuous", classes=["yaw", "pitch"]))).as_json()
    assert (real["classes"], real["ranges"]) == (None, {"yaw": [0.0, 1.5], "pitch": [-2.0, 7.25]})
    plain = check(str(folder(tmp_path / "plain", None))).as_json()
    assert plain["label_kind"] is None and plain["classes"] is None
