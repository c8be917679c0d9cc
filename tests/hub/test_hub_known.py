"""Trained models that are on this machine: listed, described and suggested without a network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hub_models import files, saved, scored
from hub_server import HubServer
from huggingface_hub.utils import close_session

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError, HubError, UnknownPart, UsageError
from ganzoo.hub.fetch import fetch
from ganzoo.registry import loading


@pytest.fixture
def zoo(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """Three shipped models, one scored, one fetched from the Hub before; and from now on no network."""
    for name in ("dcgan-digits", "dcgan-letters", "sngan-digits"):
        saved(tmp_path / "model_cards" / name, license=None)
    scored(tmp_path / "model_cards" / "dcgan-digits", 31.5)
    monkeypatch.setattr(loading, "BESIDE", tmp_path)
    loading.installed.cache_clear()
    hub.repo("org/painter", files())
    fetch("org/painter")
    close_session()  # or its connection would be used again
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", _no_network)
    hub.seen.clear()
    return hub


def _no_network(*where: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


ALL = ["dcgan-digits", "dcgan-letters", "sngan-digits", "org/painter"]


@pytest.mark.parametrize("words", [("models",), ("list", "models"), ("list", "model"), ("search", "--local")])
def test_models_are_listed_without_a_network(zoo: HubServer, words: tuple[str, ...]) -> None:
    found = json.loads(run(*words, "--json").stdout)
    assert [hit["ref"] for hit in found] == ALL
    assert [hit["where"] for hit in found] == ["shipped", "shipped", "shipped", "cached"]
    lines = run(*words).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ALL and "31.5 fid10k" in lines[1]
    assert not zoo.seen


def test_models_are_listed_in_python(zoo: HubServer) -> None:
    assert ganzoo.list_models() == ganzoo.list("models") == ganzoo.list("model") == ALL
    assert ganzoo.list_models("dcgan-d") == ["dcgan-digits"]
    for ref in ALL:
        assert ganzoo.load(ref).sample(1, seed=0).shape == (1, 1, 16, 16)


def test_a_text_narrows_the_list(zoo: HubServer) -> None:
    assert [hit["ref"] for hit in json.loads(run("models", "letters", "--json").stdout)] == ["dcgan-letters"]
    nothing = run("models", "of-nobody")
    assert nothing.exit_code == 0 and "no model on this machine is called of-nobody" in nothing.stdout


def test_commits_and_tags_of_the_cache_are_listed_by_what_loads_them(zoo: HubServer, hub: HubServer) -> None:
    from huggingface_hub import constants

    repo = Path(constants.HF_HUB_CACHE) / "models--org--painter"
    (commit,) = (path.name for path in (repo / "snapshots").iterdir())
    (repo / "refs" / "main").rename(repo / "refs" / "v1")
    assert ganzoo.list_models()[-1] == "org/painter@v1"
    (repo / "refs" / "v1").unlink()
    assert ganzoo.list_models()[-1] == f"org/painter@{commit}"
    (repo / "snapshots" / commit / "model.safetensors").unlink()
    assert ganzoo.list_models() == ALL[:-1]


def test_info_describes_a_model(zoo: HubServer) -> None:
    text = run("info", "dcgan-digits").stdout
    assert text.startswith("dcgan-digits: a trained model\n")
    for fact in ("dcgan:ch=4+sn", "16 px, 1 channel of 8 bits", "digits", "not stated", "31.5"):
        assert fact in text
    assert "ganzoo sample dcgan-digits -n 16" in text and "ganzoo.load('dcgan-digits')" in text
    assert run("info", "org/painter").stdout.startswith("org/painter: a trained model\n")
    known = json.loads(run("info", "dcgan-digits", "--json").stdout)
    assert known["config"]["step"] == 7 and list(known["scores"].values()) == [31.5]
    assert not zoo.seen


def test_info_of_a_part_names_the_models_made_with_it(zoo: HubServer) -> None:
    (line,) = (line for line in run("info", "loss/bce").stdout.splitlines() if line.startswith("trained models"))
    assert line.split(maxsplit=2)[2] == ", ".join(ALL)


def test_info_of_a_part_names_the_model_that_is_called_so_too(zoo: HubServer) -> None:
    saved(loading.BESIDE / "model_cards" / "wgan-gp", license=None)
    (line,) = (line for line in run("info", "wgan-gp").stdout.splitlines() if line.startswith("trained models"))
    assert line.split() == ["trained", "models", "wgan-gp"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("dcgan", "dcgan-digits, dcgan-letters"),
        ("dcgan_digits", "dcgan-digits"),
        ("DCGAN-Letters", "dcgan-letters"),
        ("sngan-digit", "sngan-digits"),
        ("painter", "org/painter"),
        ("other/painter", "org/painter"),
        ("dcgan-digits+sn", "dcgan-digits"),
    ],
)
def test_a_name_that_is_none_gets_those_that_are(zoo: HubServer, name: str, near: str) -> None:
    wrong = run("sample", name)
    assert wrong.exit_code in (1, 2) and f"nearest: {near}" in wrong.stderr and "'ganzoo models'" in wrong.stderr
    for take in (ganzoo.load, ganzoo.pull):
        with pytest.raises((HubError, UsageError), match=f"nearest: {near}"):
            take(name)


INSTALL = "pip install ./plugins/ganzoo-models in a clone of ganzoo"


def test_where_no_model_is_here_what_has_them_is_named(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BESIDE", tmp_path)
    monkeypatch.setattr(loading, "entry_points", lambda group: ())
    for take in (ganzoo.load, ganzoo.pull):
        with pytest.raises(HubError, match=rf"ganzoo-models has it: {INSTALL}"):
            take("dcgan-cifar10")
    wrong = run("sample", "dcgan-cifar10", "--out", str(tmp_path / "a.png"))
    assert wrong.exit_code == 1 and f"ganzoo-models has it: {INSTALL}" in wrong.stderr
    listed = run("models")
    assert listed.exit_code == 0 and INSTALL in listed.stdout and "no model is on this machine" in listed.stdout
    assert json.loads(run("models", "--json").stdout) == []
    with pytest.raises(HubError, match="no model is on this machine"):
        ganzoo.load("of-nobody")


@pytest.mark.parametrize("words", [("build",), ("train",), ("plan",)])
def test_where_a_part_is_asked_for_a_model_is_known_as_one(zoo: HubServer, words: tuple[str, ...]) -> None:
    data = ("--data", "digits") if words != ("build",) else ()
    wrong = run(*words, "dcgan-digits", *data)
    assert wrong.exit_code == 2 and "dcgan-digits is a trained model" in wrong.stderr
    with pytest.raises(UnknownPart, match="is a trained model, which 'ganzoo info' describes"):
        ganzoo.info("dcgan-digits")


def test_a_kind_that_is_none_gets_models_among_the_nearest(zoo: HubServer) -> None:
    wrong = run("list", "modle")
    assert wrong.exit_code == 2 and "nearest: models" in wrong.stderr
    with pytest.raises(GanzooError, match="nearest: models"):
        ganzoo.list("modle")
    assert ganzoo.list("losses") == ganzoo.list("loss")


@pytest.mark.parametrize("answers", [False, True], ids=["hangs", "none"])
def test_search_without_a_network_answers_at_once(
    zoo: HubServer, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    from ganzoo.hub import reach

    asked, release = threading.Event(), threading.Event()

    def network(*where: object) -> None:
        asked.set()
        if not answers:
            release.wait(60)
        _no_network(*where)

    monkeypatch.setattr(socket, "getaddrinfo", network)
    monkeypatch.setattr(reach, "SOON", 0.3)
    start = time.monotonic()
    result = run("search", "letters", "--json")
    took = time.monotonic() - start
    release.set()
    assert asked.is_set() and took < 2
    assert [hit["ref"] for hit in json.loads(result.stdout)] == ALL[1:2]
    assert "only what is on this machine is shown" in result.stderr


def test_a_model_that_the_hub_has_is_not_shown_twice(hub: HubServer) -> None:
    hub.repo("org/painter", {**files(), "README.md": b"---\ntags: [ganzoo, dcgan]\n---\n"})
    fetch("org/painter")
    found = json.loads(run("search", "painter", "--json").stdout)
    assert [(hit["ref"], hit["where"]) for hit in found] == [("org/painter", "hub")]


def test_models_are_listed_without_torch() -> None:
    script = "import sys, ganzoo; assert ganzoo.list_models(); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
