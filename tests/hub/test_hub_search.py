"""Finding models on the Hub, among those that packages ship, and among local runs."""

import json

import pytest
from click.testing import CliRunner
from hub_models import saved, scored
from hub_server import OWNER

from ganzoo.cli import main
from ganzoo.registry import loading


def card(parts, data="cifar10", **scores):
    """The README of a repository, its scores named ``metric=value``."""
    metrics = [{"type": name, "name": f"{name}50k-train@net", "value": value} for name, value in scores.items()]
    result = {"task": {"type": "unconditional-image-generation"}, "metrics": metrics,
              "dataset": {"type": data, "name": data}}  # fmt: skip
    front = {"tags": ["ganzoo", *parts], "datasets": [data], "license": "mit", "library_name": "ganzoo",
             "model-index": [{"name": "model", "results": [result]}] if metrics else []}  # fmt: skip
    return f"---\n{json.dumps(front)}\n---\n# A model\n".encode()


@pytest.fixture
def zoo(hub, tmp_path, monkeypatch):
    """Three models on the Hub and one of another library, two runs, one shipped model; the runs' folder is ``runs``."""
    hub.repo("org/sagan", {"README.md": card(["sagan", "sa", "sn", "hinge"], fid=18.3, kid=0.01)})
    hub.repo("org/dcgan", {"README.md": card(["dcgan", "bn"], "celeba", fid=44.0)})
    hub.repo("org/plain", {"README.md": card(["dcgan"])})
    hub.repo("org/hidden", {"README.md": card(["dcgan"])}, private=True)
    hub.repo("org/bert", {"README.md": b"---\ntags: [bert]\n---\n"})
    monkeypatch.chdir(tmp_path)
    scored(saved(tmp_path / "runs" / "first"), 30.0)
    saved(tmp_path / "runs" / "second", "sagan:ch=4+hinge")
    (tmp_path / "runs" / "torn").mkdir()
    (tmp_path / "runs" / "torn" / "config.json").write_text('{"parts": 3}')
    saved(tmp_path / "model_cards" / "little")
    monkeypatch.setattr(loading, "BESIDE", tmp_path)
    return hub


def found(*words):
    result = CliRunner().invoke(main, ["search", *words, "--json"])
    assert result.exit_code == 0, result.output
    return {hit["ref"]: hit for hit in json.loads(result.stdout)}


def test_everything_is_found_without_a_question(zoo):
    assert set(found()) == {"./runs/first", "./runs/second", "little", "org/sagan", "org/dcgan", "org/plain"}
    assert [hit["where"] for hit in found().values()] == ["run", "run", "shipped", "hub", "hub", "hub"]


@pytest.mark.parametrize(
    ("words", "refs"),
    [
        (("sagan",), {"./runs/second", "org/sagan"}),
        (("--part", "sa"), {"./runs/second", "org/sagan"}),
        (("--part", "attention/sa"), {"./runs/second", "org/sagan"}),
        (("--part", "dcgan", "--data", "digits"), {"./runs/first", "little"}),
        (("--data", "celeba"), {"org/dcgan"}),
        (("--max-fid", "30"), {"./runs/first", "org/sagan"}),
        (("--max-fid", "20"), {"org/sagan"}),
        (("--part", "of-no-plugin"), set()),
        (("--local",), {"./runs/first", "./runs/second", "little"}),
        (("--runs", "elsewhere", "--local"), {"little"}),
        (("--limit", "1", "--data", "cifar10"), {"org/sagan"}),
    ],
)
def test_a_question_is_answered_by_all_places(zoo, words, refs):
    assert set(found(*words)) == refs


def test_what_is_said_of_a_model(zoo):
    assert found()["org/sagan"] == {
        "where": "hub", "ref": "org/sagan", "parts": ["sagan", "sa", "sn", "hinge"], "data": ["cifar10"],
        "scores": {"fid50k-train@net": 18.3, "kid50k-train@net": 0.01}, "fid": 18.3, "downloads": 3,
    }  # fmt: skip
    local = found()["./runs/first"]
    assert local["scores"] == {"fid10k-train@inception-v3-compat": 30.0} and local["downloads"] is None
    assert {"dcgan", "sn", "bce"} <= set(local["parts"]) and "none" not in local["parts"]


def test_table_is_whole_lines_with_the_score_and_its_protocol(zoo):
    result = CliRunner().invoke(main, ["search", "--max-fid", "20"])
    assert result.stdout.splitlines()[0].split() == ["model", "where", "data", "score", "parts"]
    assert "18.3 fid50k-train@net" in result.stdout
    assert "no model answers" in CliRunner().invoke(main, ["search", "nothing-like-it"]).stdout


def test_without_the_hub_local_models_are_shown_with_a_warning(zoo, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client tries a listing five times over 20 s
    zoo.fail("GET", "/api/models", "drop", times=10)
    result = CliRunner().invoke(main, ["search", "--json"])
    assert result.exit_code == 0 and len(json.loads(result.stdout)) == 3
    assert "only what is on this machine is shown" in result.stderr


def test_a_bad_token_is_said_and_not_shown(zoo):
    result = CliRunner().invoke(main, ["search", "--token", "hf_unknown0123456789"])
    assert result.exit_code == 0 and "does not know the token" in result.stderr
    assert "hf_unknown" not in result.output + result.stderr
    assert "org/hidden" in found("--token", OWNER) and "org/hidden" not in found()


def test_cards_of_strangers_are_not_believed(zoo):
    odd = card(["\x1b[31mred"], fid=1.0).replace(b"1.0", b'"NaN"')
    zoo.repo("org/odd", {"README.md": odd})
    hit = found("odd")["org/odd"]
    assert hit["scores"] == {} and hit["fid"] is None
    table = CliRunner().invoke(main, ["search", "odd"]).stdout
    assert "\x1b" not in table and "\\x1b" in table
