"""``run.json`` and ``state.json`` that somebody changed: a run goes on, or says in one line why not."""

import json
import shutil

import pytest
from tiny_runs import resume, tiny

from ganzoo.errors import GanzooError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps, to be copied."""
    return tiny(tmp_path_factory.mktemp("notes") / "run", steps=2, grid_every=1, save_every=2, log_every=9).folder


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def edited(path, at, value):
    """The file with what stands under the names ``at`` replaced."""
    table = json.loads(path.read_text())
    inner = table
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    path.write_text(json.dumps(table))


def refused(run):
    with pytest.raises(GanzooError) as caught:
        resume(run, steps=3)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 700
    return said


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", "many"), ("steps", 1.5), ("steps", 10**30), ("log_every", True), ("log_every", 0), ("save_every", None),
     ("save_every", "x"), ("keep", [1]), ("guard", 3), ("guard", "\x1b[2J"), ("log", "tensorboard"), ("log", [1]),
     ("budget", "long"), ("budget", -1.0), ("metrics", 7), ("metrics", [None]), ("eval_n", 2.5), ("features", 1),
     ("eval_data", {}), ("unknown", 1)],
)  # fmt: skip
def test_intervals_that_make_no_sense_are_named(run, name, value):
    edited(run / "training" / "run.json", ("pacing", name), value)
    assert name.replace("_", "-") in refused(run).replace("_", "-")


@pytest.mark.parametrize(
    ("name", "value"),
    [("horizon", "x"), ("horizon", -1), ("horizon", 10**30), ("data", 3), ("seconds", "long"), ("seconds", -1),
     ("pacing", []), ("format", "x")],
)  # fmt: skip
def test_notes_that_make_no_sense_are_named(run, name, value):
    edited(run / "training" / "run.json", (name,), value)
    assert name in refused(run)


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b'{"pacing": ' + b"9" * 5000 + b"}", b'{"a": NaN}', b"\xff\xfe{\x00", b"[]"]
)
@pytest.mark.parametrize("file", ["training/run.json", "training/step-00000002/state.json", "metrics.json"])
def test_what_is_no_json_is_named(run, file, content):
    (run / file).write_bytes(content)
    shutil.rmtree(run / "training" / "step-00000000")  # else the run goes on from there
    assert file.rpartition("/")[2] in refused(run)


@pytest.mark.parametrize(
    ("at", "value"),
    [(("counts",), []), (("counts",), {"x": 1}), (("counts",), {"d/loss": "x"}), (("guard",), 1),
     (("guard", "memory"), None), (("guard", "memory", "stale"), "x"), (("guard", "memory", "lowest"), "low"),
     (("guard", "memory", "look"), {"step": 1}), (("guard", "memory", "look", "modes"), "four"),
     (("guard", "memory", "episodes"), {"collapse": {"bad": "x"}}), (("guard", "memory", "episodes"), [1]),
     (("guard", "memory", "first"), {"x": "y"}), (("guard", "best"), {"step": "x", "by": "health", "value": 1.0}),
     (("guard", "best"), []), (("guard", "rollbacks"), "x"), (("guard", "rollbacks"), [1])],
)  # fmt: skip
def test_what_the_checkpoint_says_of_the_guard_is_checked(run, at, value):
    edited(run / "training" / "step-00000002" / "state.json", ("info", *at), value)
    refused(run)
