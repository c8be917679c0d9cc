"""The models that ganzoo ships: each loads by its name without a network, and README says of them what they say."""

import json
import re
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import ganzoo
from ganzoo.card import check_card, drift
from ganzoo.cli import main
from ganzoo.errors import ModelError
from ganzoo.folder.config import IMPORTED
from ganzoo.folder.layout import largest
from ganzoo.folder.model import ModelFolder
from ganzoo.images import LARGEST_PROGRESS
from ganzoo.metrics.weights import OFFLINE_NETWORK, SECOND_NETWORK

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = sorted(path.parent for path in (ROOT / "model_cards").glob("*/config.json"))
SMALL = [folder for folder in FOLDERS if ModelFolder(folder).config["dataset"]["name"] == "mnist"]
MEGABYTE = 1 << 20

each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.fixture
def offline(monkeypatch):
    """No connection can be made."""

    def refuse(*where):
        raise AssertionError(f"a connection to {where}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def names(folder):
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]


@each
def test_a_shipped_model_loads_by_its_name(folder, offline, with_plugins):
    plugins = ModelFolder(folder).config["plugins"]
    with_plugins(*plugins)
    try:
        gan = ganzoo.load(folder.name)
    except ModelError as error:
        assert plugins and f"pip install '{next(iter(plugins))}==" in str(error)
        return
    pictures = gan.sample(16, seed=0, output="pil")
    assert len({picture.tobytes() for picture in pictures}) == 16
    assert torch.equal(gan.sample(4, seed=0), ganzoo.load(folder.name).sample(4, seed=0))


@each
def test_a_shipped_folder_is_what_the_hub_would_hold(folder, with_plugins):
    assert all(largest(name) is not None for name in names(folder))
    with_plugins(*ModelFolder(folder).config["plugins"])
    if all(find_spec(name.replace("-", "_")) for name in ModelFolder(folder).config["plugins"]):
        assert check_card(ModelFolder(folder)) == [] and drift(ModelFolder(folder)) == ""
    assert not re.search(r"\d\.\d{9}", (folder / "README.md").read_text(encoding="utf-8")), "digits of no use"
    assert f'ganzoo.load("{folder.name}")' in (folder / "README.md").read_text(encoding="utf-8")
    assert "-test-test" not in (folder / "README.md").read_text(encoding="utf-8"), (
        "the name of the held-out data has its split"
    )
    assert ModelFolder(folder).config["license"]
    scored = ModelFolder(folder).own_scores
    if not scored:  # of weights from elsewhere, with whose images nobody here can compare
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert IMPORTED in ModelFolder(folder).config["origin"] and "## Why it has no score" in card
        assert "[text and notice](LICENSE)" in card and "LICENSE" in names(folder)
        return
    most = max(score.samples for score in scored)
    seen = {score.network["name"] for score in scored if (score.metric, score.samples) == ("fd", most)}
    assert seen == {OFFLINE_NETWORK, SECOND_NETWORK}
    assert all(score.floor is not None and score.dataset["split"] == "test" for score in scored if score.metric == "fd")


@pytest.mark.slow
@pytest.mark.parametrize("folder", SMALL, ids=lambda folder: folder.name)
def test_the_scores_of_a_small_model_hold(folder, shared_data):
    command = ["verify", str(folder), "--data", str(shared_data / "mnist-test.zip"), "--json"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    verdicts = json.loads(result.stdout)["verdicts"]
    assert len(verdicts) >= 4 and all(verdict["measured"] is not None for verdict in verdicts)


def test_models_are_small_and_no_weight_of_the_cores_wheel():
    sizes = {folder.name: sum((folder / name).stat().st_size for name in names(folder)) for folder in FOLDERS}
    assert all(size <= 15 * MEGABYTE for size in sizes.values())
    assert sum(sizes.values()) <= 95 * 10**6, f"PyPI takes files of 100 MB, and these are one package: {sizes}"
    moving = {path: path.stat().st_size for path in (ROOT / "model_cards").glob("*/*.gif")}
    assert moving and all(size <= LARGEST_PROGRESS for size in moving.values()), moving
    assert "model_cards" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_readme_shows_the_models_and_their_scores():
    """To make it anew: python .ci/zoo.py."""
    checked = subprocess.run([sys.executable, ROOT / ".ci" / "zoo.py", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert all(f'<img src="model_cards/{folder.name}/samples.png"' in README for folder in FOLDERS)


def test_readme_has_one_row_of_scores_a_model_and_the_leaderboard_has_all_of_them():
    (table,) = re.findall(r"<!-- scores -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    table, _, without = table.partition("\n\n")
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    scored = [folder for folder in FOLDERS if ModelFolder(folder).own_scores]
    assert all(f"[`{f.name}`](model_cards/{f.name}/README.md)" in without for f in FOLDERS if f not in scored)
    assert all(cell.strip(" |") for row in rows for cell in row), "a column is filled for every model, or not there"
    assert sorted(row[0] for row in rows) == sorted(f"| [`{f.name}`](model_cards/{f.name}/README.md)" for f in scored)
    assert "NOT comparable with published FIDs" in " ".join(README.partition("<!-- scores -->")[2].split())
    complete = (ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8").replace("\\", "")
    assert all(f"| [{folder.name}](../model_cards/{folder.name}/README.md) | " in complete for folder in scored)
    assert not re.search(r"\| model_cards/", complete), "the name of a model leads to its card"
    protocols = {score.protocol for folder in FOLDERS for score in ModelFolder(folder).own_scores}
    assert complete.count("\n### ") == len(protocols) and all(f"### {key} on " in complete for key, *_ in protocols)


@pytest.mark.slow
def test_the_check_names_the_file_that_is_stale(tmp_path):
    for name in (".ci/zoo.py", "README.md", "docs/leaderboard.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "model_cards").symlink_to(ROOT / "model_cards")
    script = [sys.executable, tmp_path / ".ci" / "zoo.py"]
    (tmp_path / "docs" / "leaderboard.md").write_text("stale\n")
    checked = subprocess.run([*script, "--check"], capture_output=True, text=True)
    assert checked.returncode == 1 and "docs/leaderboard.md" in checked.stderr
    assert subprocess.run(script).returncode == 0 and subprocess.run([*script, "--check"]).returncode == 0
    assert (tmp_path / "docs" / "leaderboard.md").read_bytes() == (ROOT / "docs" / "leaderboard.md").read_bytes()
