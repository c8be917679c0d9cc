"""JSON of strangers: what cannot be a number, a text or a table of ours is refused by the one reader."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ganzoo.errors import ModelError
from ganzoo.files.parse import DEEPEST, fields_of, parse_json
from ganzoo.files.untrusted import read_json
from ganzoo.files.write import write_json

BAD = {
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"a": "caf\xe9"}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "a float that is infinite": b'{"a": 1e999}',
    "400 digits": b'{"a": ' + b"1" * 400 + b"}",
    "5,000 digits": b'{"a": ' + b"1" * 5000 + b"}",
    "deep lists": b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "deep objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "endless lists": b'{"a": ' + b"[" * 100_000,
    "nothing": b"",
    "a list": b"[1]",
}


@pytest.mark.parametrize("kind", BAD)
def test_what_nobody_wrote_is_refused_in_one_line(tmp_path, kind):
    path = tmp_path / "config.json"
    path.write_bytes(BAD[kind])
    with pytest.raises(ModelError, match=r"is not JSON|does not hold a JSON object") as caught:
        read_json(path)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ['{"a": "é"}', r'{"a": "\u00e9"}', "\ufeff" + '{"a": "é"}'])
def test_what_people_write_is_read(text):
    assert parse_json(text.encode()) == {"a": "é"}
    assert parse_json(rb'"\ud83d\ude00"') == "\U0001f600"
    assert parse_json(b"[" * DEEPEST + b"]" * DEEPEST) is not None


def test_half_a_surrogate_pair_can_be_written_again(tmp_path):
    value = parse_json(rb'{"\udc00": ["\ud800"]}')
    write_json(tmp_path / "metrics.json", value)
    assert read_json(tmp_path / "metrics.json") == value


@dataclass
class Inner:
    """Of a record."""

    count: int = 0


@dataclass
class Record:
    """With every kind of annotation."""

    step: int
    by: str
    value: float | None = None
    words: tuple[str, ...] = ()
    inner: dict[str, Inner] = field(default_factory=dict)
    rest: dict[str, Any] | None = None


def test_a_dataclass_is_made_of_an_object():
    values = {"step": 1, "by": "x", "value": 2, "words": ["a"], "inner": {"k": {"count": 3}}, "rest": {"a": [1]}}
    assert Record(**fields_of(Record, values)) == Record(1, "x", 2, ("a",), {"k": Inner(3)}, {"a": [1]})
    assert Record(**fields_of(Record, {"step": 1, "by": "x"})) == Record(1, "x")


@pytest.mark.parametrize(
    "more",
    [{"step": "1"}, {"step": True}, {"step": 1.5}, {"by": None}, {"value": "2"}, {"words": "ab"}, {"words": [1]},
     {"inner": {"k": {"count": "3"}}}, {"inner": []}, {"inner": {"k": 1}}, {"rest": []}, {"unknown": 1}],
)  # fmt: skip
def test_a_field_of_another_type_is_named(more):
    with pytest.raises(ValueError, match=next(iter(more)) if "inner" not in more else "inner|count"):
        fields_of(Record, {"step": 1, "by": "x", **more})
    with pytest.raises(ValueError, match="'by' is missing"):
        fields_of(Record, {"step": 1})
