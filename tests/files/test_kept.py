"""Files that save work, each with its own digest: one changed bit, anywhere, and it counts as not there."""

import json
import random

import pytest
import torch

from ganzoo.errors import ModelError
from ganzoo.files.kept import keep_json, kept_json
from ganzoo.folder.weights import keep_tensors, kept_tensors

VALUES = {"format": 1, "value": 0.1, "names": ["a", "ü"], "inner": {"b": None, "a": True}}
TENSORS = {
    "x": torch.arange(6.0).reshape(2, 3),
    "n": torch.tensor(7, dtype=torch.int64),
    "b": torch.tensor([1.5], dtype=torch.bfloat16),
    "none": torch.zeros(0, 4, dtype=torch.float64),
}


def test_json_comes_back(tmp_path):
    keep_json(tmp_path / "a.json", VALUES)
    assert kept_json(tmp_path / "a.json") == VALUES


def test_tensors_come_back(tmp_path):
    keep_tensors(tmp_path / "a.safetensors", TENSORS)
    found = kept_tensors(tmp_path / "a.safetensors")
    assert found.keys() == TENSORS.keys()
    assert all(found[name].dtype == t.dtype and torch.equal(found[name], t) for name, t in TENSORS.items())


@pytest.mark.parametrize("kind", ["json", "tensors"])
def test_no_flipped_bit_goes_unnoticed(tmp_path, kind):
    path = tmp_path / "a"
    keep_json(path, VALUES) if kind == "json" else keep_tensors(path, TENSORS)
    read, wanted = (kept_json, VALUES) if kind == "json" else (kept_tensors, TENSORS)
    data, rng = path.read_bytes(), random.Random(0)
    for place in rng.sample(range(len(data)), min(len(data), 150)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
        try:
            found = read(path)
        except ModelError:
            continue
        # Blanks between the parts of JSON may change: what it says may not.
        assert found.keys() == wanted.keys() and str(found) == str(wanted)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"value": 1}', '{"value": 1, "sha256": 3}', "\x00", "9" * 2000])
def test_what_has_no_digest_is_not_believed(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ModelError):
        kept_json(tmp_path / "a.json")
    with pytest.raises(ModelError):
        kept_tensors(tmp_path / "a.json")


def test_what_json_does_not_have_is_not_written(tmp_path):
    with pytest.raises(ValueError):
        keep_json(tmp_path / "a.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())
    keep_json(tmp_path / "a.json", {"value": 1})
    assert json.loads((tmp_path / "a.json").read_text())["value"] == 1
