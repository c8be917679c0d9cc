"""``ganzoo push --space``: a model and a page for it; whose it is, who sees it, and what is left when it breaks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hub_models import saved, scored
from hub_server import OWNER, HubServer

import ganzoo
from ganzoo.card import write_card
from ganzoo.cli import main
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.space import MARK
from ganzoo.publish.space import gradio_version

REPO, SPACE, FILES = "me/first", "spaces/me/first", ["README.md", "app.py", "requirements.txt"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = scored(saved(tmp_path_factory.mktemp("runs") / "first"))
    write_card(ModelFolder(folder))
    return folder


@pytest.fixture
def model(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "first")


@pytest.fixture
def owner(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    monkeypatch.setenv("HF_TOKEN", OWNER)
    return hub


def push(*words: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main, ["push", *map(str, words)])
    assert result.exit_code == status, result.output
    return result


def refused(*words: object, status: int = 1) -> str:
    (line,) = [line for line in push(*words, status=status).stderr.splitlines()]
    return line


def texts(hub: HubServer, space: str = SPACE) -> dict[str, str]:
    return {name: data.decode() for name, data in hub.repos[space].head().items() if name in FILES}


def test_a_space_is_three_files_that_say_what_they_need(owner: HubServer, model: Path) -> None:
    shown = push(model, REPO, "--space").stdout
    assert f"{owner.url}/{SPACE}: the Space, which the Hub now builds" in shown
    files = texts(owner)
    assert sorted(files) == FILES and all(MARK in text for text in files.values())
    assert files["app.py"].splitlines()[1:] == ["import ganzoo", "", f'ganzoo.demo("{REPO}").launch()']
    assert files["requirements.txt"].splitlines()[1:] == ["ganzoo-core[demo]>=0.2"]
    card: dict[str, Any] = yaml.safe_load(files["README.md"].split("---")[1])
    assert (card["title"], card["sdk"], card["sdk_version"]) == ("first", "gradio", gradio_version())
    assert (card["app_file"], card["models"], card["license"]) == ("app.py", [REPO], "mit") and card["emoji"]
    assert not owner.repos[SPACE].private and "model.safetensors" in owner.repos[REPO].head()
    assert len(owner.repos[SPACE].messages) == 2 and str(model) not in json.dumps(files)


def test_what_the_app_says_makes_the_page(owner: HubServer, model: Path) -> None:
    gradio = pytest.importorskip("gradio")
    push(model, REPO, "--space")
    launched: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradio.Blocks, "launch", lambda self: launched.append(self))
        exec(compile(texts(owner)["app.py"], "app.py", "exec"), {})
    assert len(launched) == 1


def test_a_dry_run_shows_the_files_and_asks_nobody(hub: HubServer, model: Path) -> None:
    shown = push(model, REPO, "--dry-run", "--space", "me/page").stdout
    assert "Space me/page, app.py:" in shown and f'  ganzoo.demo("{REPO}").launch()' in shown and "sdk: gradio" in shown
    assert "nothing was written or sent" in shown and not hub.seen


def test_a_space_of_another_name_and_a_revision(owner: HubServer, model: Path) -> None:
    push(model, REPO, "--revision", "v2", "--space", "me/page")
    assert f'ganzoo.demo("{REPO}@v2")' in texts(owner, "spaces/me/page")["app.py"] and SPACE not in owner.repos


def test_in_python(owner: HubServer, model: Path) -> None:
    assert ganzoo.push(model, REPO, space=None) == f"{owner.url}/{REPO}" and SPACE not in owner.repos
    assert ganzoo.push(model, REPO, space=True) == f"{owner.url}/{REPO}"
    assert ganzoo.push(model, REPO, space="me/page") and {SPACE, "spaces/me/page"} <= set(owner.repos)


def test_packages_that_the_model_needs_are_there(owner: HubServer, model: Path) -> None:
    from ganzoo.hub.push import PushRequest
    from ganzoo.publish.space import space_files

    config = {**ModelFolder(model).config, "plugins": {"ganzoo-text": "0.1.0", "ganzoo-edit": "0.3"}}
    needs = space_files(config, PushRequest(REPO), REPO, "mit")["requirements.txt"].splitlines()
    assert needs[1:] == ["ganzoo-core[demo]>=0.2", "ganzoo-edit>=0.3", "ganzoo-text>=0.1.0"]
    with pytest.raises(ganzoo.UsageError, match="no Space can load this model: loss/mine is of no package"):
        space_files({**config, "unpackaged": ["loss/mine"]}, PushRequest(REPO), REPO, "mit")


# --- whose it is, and who sees it -------------------------------------------------------------------------------


def test_a_space_of_somebody_else_is_not_touched_and_nothing_is_sent(owner: HubServer, model: Path) -> None:
    before = {"app.py": b"print('mine')", "README.md": b"---\nsdk: gradio\n---\n"}
    owner.repo(SPACE, before)
    line = refused(model, REPO, "--space", status=2)
    assert "its app.py is not what ganzoo writes" in line and "--space ORG/NAME" in line
    assert owner.repos[SPACE].head() == before and REPO not in owner.repos


def test_what_a_person_changed_is_left_and_the_rest_is_brought_up_to_date(owner: HubServer, model: Path) -> None:
    push(model, REPO, "--space")
    assert "is up to date" in push(model, REPO, "--space").stdout and len(owner.repos[SPACE].messages) == 2
    old = texts(owner)
    mine = "---\ntitle: Mine\nsdk: gradio\n---\n"
    changed = {**old, "README.md": mine, "app.py": f"# {MARK}\nimport ganzoo.old\n"}
    owner.repos[SPACE].commit({name: text.encode() for name, text in changed.items()})
    shown = push(model, REPO, "--space").stdout
    assert "left as they are there, since you changed them: README.md" in shown
    assert texts(owner) == {**old, "README.md": mine}


def test_a_private_model_has_a_private_space(owner: HubServer, model: Path) -> None:
    push(model, REPO, "--private", "--space")
    assert owner.repos[REPO].private and owner.repos[SPACE].private
    push(model, REPO, "--space", "me/second")
    assert owner.repos["spaces/me/second"].private, "the model was private already"
    owner.repo("spaces/me/open", {"x": b""})
    line = refused(model, REPO, "--space", "me/open")
    assert "would tell of me/first, which is private" in line and "app.py" not in owner.repos["spaces/me/open"].head()


# --- what cannot be, and what breaks ----------------------------------------------------------------------------


def test_wrong_use_is_refused_before_anything_is_sent(owner: HubServer, model: Path, tmp_path: Path) -> None:
    assert "--create-pr" in refused(model, REPO, "--create-pr", "--space", status=2)
    assert "is no repository" in refused(model, REPO, "--space", "page", status=2)
    assert "--space shows a model of the Hub" in refused(model, f"{tmp_path}/there", "--space", status=2)
    assert not owner.seen and not (tmp_path / "there").exists()


@pytest.mark.parametrize(("method", "place"), [("POST", "/api/repos/create"), ("POST", f"{SPACE[6:]}/commit/")])
def test_a_space_that_breaks_says_that_the_model_is_there(
    owner: HubServer, model: Path, method: str, place: str
) -> None:
    push(model, REPO)
    owner.fail(method, place, "503", times=1)
    lines = push(model, REPO, "--space", status=1)
    assert f"{owner.url}/{REPO} was pushed, and its Space me/first was not: the Hub answers 503" in lines.stderr
    assert "The same command again makes it" in lines.stderr and OWNER not in lines.output
    push(model, REPO, "--space")
    assert sorted(texts(owner)) == FILES


def test_a_token_that_may_not_write_makes_nothing(hub: HubServer, model: Path) -> None:
    assert "a push needs a token" in refused(model, REPO, "--space")
    assert not hub.repos
