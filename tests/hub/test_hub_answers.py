"""Servers that answer what the Hub never does, that ask to wait for days, and repositories of very many files."""

import json
import time
import traceback

import pytest
import torch
from click.testing import CliRunner
from hub_models import files, fresh_process, saved
from hub_server import OWNER

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError, HubUnreachable

REPO = "org/first"
INFO = {"id": REPO, "sha": "a" * 40, "siblings": []}
FILE = {"rfilename": "config.json", "size": 3, "blobId": "b" * 40}
ODD = [
    "[]",
    "{}",
    "null",
    "3",
    '"text"',
    "",
    "<html>Sign in to this network</html>",
    "[" * 100_000,
    "\udcff",
    *map(json.dumps, [
        [[]],
        {"id": 3},
        {**INFO, "sha": None},
        {**INFO, "sha": ["a"]},
        {**INFO, "sha": "main"},
        {**INFO, "siblings": 5},
        {**INFO, "siblings": ["config.json"]},
        {**INFO, "siblings": [{}]},
        {**INFO, "siblings": [{**FILE, "rfilename": 5}]},
        {**INFO, "siblings": [{**FILE, "size": "3"}]},
        {**INFO, "siblings": [{**FILE, "size": None}]},
        {**INFO, "siblings": [{**FILE, "size": -1}]},
        {**INFO, "siblings": [{**FILE, "size": True}]},
        {**INFO, "siblings": [{**FILE, "lfs": "yes"}]},
        {**INFO, "siblings": [{**FILE, "lfs": {"sha256": 5, "size": 3, "pointerSize": 3}}]},
        {**INFO, "lastModified": 5},
        {**INFO, "createdAt": "yesterday"},
    ]),
]  # fmt: skip


def ganzoo_says(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def one_line(result, status=(1,)):
    """The result ended with one readable line; an exception would be click's, with what a person would see of it."""
    assert isinstance(result.exception, SystemExit | None), "".join(traceback.format_exception(result.exception))
    assert result.exit_code in status, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("ganzoo: error: ")]
    assert len(lines) == (1 if result.exit_code else 0)
    assert all(line.isprintable() and len(line) < 900 for line in lines)
    return lines[0] if lines else ""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The client waits between its tries."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def answer(hub, method, path, text):
    hub.fail(method, path, f"json:{text}".encode("utf-8", "surrogateescape").decode("latin-1"), times=100)


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:60]))
def test_an_answer_of_another_shape_is_one_line(hub, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    hub.repo(REPO, files())
    answer(hub, "GET", "/api/models", text)
    for command in ("sample", "pull"):
        assert "org/first" in one_line(ganzoo_says(command, REPO))
    assert [path.name for path in tmp_path.iterdir()] in ([], ["hf-cache"])


@pytest.mark.parametrize("text", ["[]", "{}", "<html>", json.dumps({**INFO, "sha": 5})])
def test_a_model_in_the_cache_is_there_when_something_else_answers_for_the_hub(hub, text, caplog):
    hub.repo(REPO, files())
    before = ganzoo.load(REPO).sample(2, seed=1)
    answer(hub, "GET", "/api/models", text)
    assert torch.equal(ganzoo.load(REPO).sample(2, seed=1), before)
    assert "using the copy of org/first in the cache" in caplog.text


SHAPES = ("[]", "<html>")
PUSHED = {
    ("GET", "/api/models"): SHAPES,
    ("POST", "/validate-yaml"): SHAPES,
    ("POST", "/create"): (*SHAPES, '{"url": 5}'),
    ("POST", "/preupload"): (*SHAPES, '{"files": 3}', '{"files": [{}]}'),
    ("POST", "/objects/batch"): (*SHAPES, '{"objects": "x"}', '{"objects": [[]]}'),
    ("POST", "/verify"): SHAPES,
    ("POST", "/commit/"): (
        *SHAPES,
        "{}",
        "null",
        '{"commitOid": 5}',
        '{"commitUrl": 5, "commitOid": 5}',
        '{"commitUrl": "", "commitOid": "x"}',
        '{"commitUrl": "http://x/y", "commitOid": [], "pullRequestUrl": 3}',
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "text"), [(*where, text) for where, texts in PUSHED.items() for text in texts]
)
def test_a_push_that_is_answered_by_something_else_is_one_line(hub, scored, monkeypatch, method, path, text):
    monkeypatch.setenv("HF_TOKEN", OWNER)
    answer(hub, method, path, text)
    result = ganzoo_says("push", scored, "me/first", "--license", "mit")
    said = one_line(result, (0, 1))
    if path == "/commit/":
        assert "/me/first/commits/main whether it was made" in said
    if result.exit_code == 0:
        assert hub.repos["me/first"].head()["model.safetensors"] == (scored / "model.safetensors").read_bytes()
    hub.faults.clear()
    assert one_line(ganzoo_says("push", scored, "me/first", "--license", "mit"), (0,)) == ""


CARDS = [{"tags": 5}, {"tags": [5, {}]}, {"downloads": "many"}, {"cardData": 5}, {"cardData": []}, {"id": 5},
         {"cardData": {"model-index": 3}}, {"cardData": {"model-index": [{"name": 3, "results": [3]}]}},
         {"lastModified": 7}, {"tags": "ganzoo"}]  # fmt: skip


@pytest.mark.parametrize(
    "text", [*ODD[:9], *(json.dumps([{**INFO, **card}]) for card in CARDS)], ids=lambda text: ascii(text[:80])
)
def test_a_search_that_is_answered_by_something_else_goes_on(hub, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "runs" / "first")
    answer(hub, "GET", "/api/models", text)
    result = ganzoo_says("search", "--json")
    assert one_line(result, (0,)) == "" and "./runs/first" in [hit["ref"] for hit in json.loads(result.stdout)]


# --- waiting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "said"), [(100_000, "28 hours"), (1_000_000, "12 days"), (31, "31 s")])
def test_nobody_waits_for_days(hub, monkeypatch, seconds, said):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    hub.repo(REPO, files())
    for method, path in (("GET", "/api/models"), ("HEAD", "/resolve/"), ("GET", "/cdn/")):
        hub.faults.clear()
        hub.fail(method, path, f"wait:{seconds}", times=100)
        with pytest.raises(HubUnreachable, match=f"the Hub asks to come back in {said} about {REPO}: try again then"):
            ganzoo.load(REPO)
    assert sum(waited) < 1


def test_a_push_and_a_search_do_not_wait_for_days_either(hub, scored, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("HF_TOKEN", OWNER)
    for method, path in [("POST", "/preupload"), ("POST", "/objects/batch"), ("POST", "/commit/")]:
        hub.faults.clear()
        hub.fail(method, path, "wait:100000", times=100)
        assert "come back in 28 hours" in one_line(ganzoo_says("push", scored, "me/first", "--license", "mit"))
    hub.faults.clear()
    hub.fail("PUT", "/upload/", "wait:100000", times=100)
    hub.objects.clear()
    assert "come back in 28 hours" in one_line(ganzoo_says("push", scored, "me/first", "--license", "mit"))
    hub.fail("GET", "/api/models", "wait:100000", times=100)
    assert "28 hours" in ganzoo_says("search").stderr
    assert sum(waited) < 1


def test_a_short_wait_is_obeyed_with_a_word(hub, scored, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("HF_TOKEN", OWNER)
    hub.fail("POST", "/preupload", "wait:3")
    result = ganzoo_says("push", scored, "me/first", "--license", "mit")
    assert result.exit_code == 0 and max(waited) >= 3
    assert "ganzoo: warning: the Hub is busy, and asks to wait for 3 s" in result.stderr


def test_the_client_of_the_process_is_as_it_was(hub):
    from huggingface_hub.utils import get_session

    before = get_session().event_hooks
    hub.repo(REPO, files())
    ganzoo.load(REPO)
    with pytest.raises(GanzooError):
        ganzoo.load("org/never")
    assert get_session().event_hooks == before


# --- very many files, and no network after a pull ----------------------------------------------------------------


def test_a_repository_of_very_many_files_is_a_model(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.hub.pull.MOST_FILES", 20)
    many = {f"pictures/{number:04}.png": b"p" for number in range(30)}
    hub.repo(REPO, {**files(), **many, **{f"notes/{number}": b"n" for number in range(30)}, "samples.png": b"s"})
    result = ganzoo_says("pull", REPO, tmp_path / "mine")
    assert one_line(result, (0,)) == "" and "Images of it" in result.stdout
    assert "left there: 13 pictures and examples, from pictures/0017.png on" in result.stderr
    assert len([path for path in (tmp_path / "mine").rglob("*") if path.is_file()]) == 20
    assert (tmp_path / "mine" / "samples.png").is_file()


@pytest.mark.parametrize("revision", ["", "@v2"])
def test_what_was_pulled_is_there_without_a_network(hub, tmp_path, revision):
    repo = hub.repo(REPO, files())
    repo.commit(files(1), "v2")
    one_line(ganzoo_says("pull", f"{REPO}{revision}", tmp_path / "mine"), (0,))
    total = float(ganzoo.load(tmp_path / "mine").sample(2, seed=5).sum())
    code = f"import ganzoo; print(repr(float(ganzoo.load({REPO + revision!r}).sample(2, seed=5).sum())))"
    assert float(fresh_process(code, HF_HUB_OFFLINE="1")) == total
