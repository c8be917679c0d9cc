"""A command reads ``config.json`` of a model once and digests its weights once, however many rooms it goes through."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_server import OWNER
from tiny_models import run as ganzoo
from tiny_models import saved
from tiny_runs import Labelled

from ganzoo.folder import model as folder_model
from ganzoo.images import to_pil

NETWORK = "test_efficientnet:random"


class Reads:
    """Counts files by path: how often ``config.json`` was opened for reading, how often weights were digested."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: Counter[Path] = Counter()
        self.digested: Counter[Path] = Counter()
        self.open, self.digest = os.open, folder_model.file_digest
        monkeypatch.setattr(os, "open", self._open)  # what every checked read of a folder goes through
        monkeypatch.setattr(folder_model, "file_digest", self._digest)

    def _open(self, path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if Path(path).name == "config.json" and flags & os.O_NOFOLLOW:  # not to put it onto the disk
            self.opened[Path(path).resolve()] += 1
        return self.open(path, flags, *rest, **named)

    def _digest(self, path: Path) -> str:
        self.digested[path.resolve()] += 1
        return self.digest(path)

    def once(self, *folders: Path) -> bool:
        """Whether the configs of these folders were opened once each, others never, and nothing was digested twice."""
        configs = {(folder / "config.json").resolve(): 1 for folder in folders}
        return self.opened == configs and set(self.digested.values()) <= {1}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real images of the models' size."""
    folder = tmp_path_factory.mktemp("data") / "letters"
    folder.mkdir()
    for index, picture in enumerate(to_pil(Labelled(60).images)):
        picture.save(folder / f"{index}.png")
    return folder


@pytest.fixture
def first(tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scored model with a card."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    saved(tmp_path / "first", channels=1)
    command("eval", tmp_path / "first", "--data", real, "-n", 20, "--features", NETWORK, "--metrics", "fid,kid")
    command("card", tmp_path / "first")
    return tmp_path / "first"


@pytest.fixture
def reads(first: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    yield Reads(monkeypatch)


def command(*words: object) -> None:
    done = ganzoo(*words)
    assert done.exit_code == 0, done.output


def test_push(first: Path, reads: Reads, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", OWNER)
    command("push", first, "me/first", "--license", "mit")
    assert reads.once(first)


def test_push_to_a_folder(first: Path, reads: Reads, tmp_path: Path) -> None:
    command("push", first, tmp_path / "copy", "--license", "mit")
    assert reads.once(first)  # of the copy it is known what was written


@pytest.mark.parametrize("option", [(), ("--check",)])
def test_card(option: tuple[str, ...], first: Path, reads: Reads) -> None:
    command("card", first, *option)
    assert reads.once(first)


def test_eval(first: Path, reads: Reads, real: Path) -> None:
    command("eval", first, "--data", real, "-n", 20, "--features", NETWORK, "--metrics", "fid,kid", "--seeds", 2)
    assert reads.once(first)


def test_verify(first: Path, reads: Reads, real: Path) -> None:
    command("verify", first, "--data", real)
    assert reads.once(first)


def test_convert(first: Path, reads: Reads, real: Path, tmp_path: Path) -> None:
    command("convert", first, tmp_path / "half", "--data", real, "--tolerance", 1)
    assert reads.once(first)


@pytest.mark.parametrize("options", [(), ("--html", "page.html")])
def test_compare(options: tuple[str, ...], first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "second", channels=1, seed=2)
    monkeypatch.chdir(tmp_path)
    reads = Reads(monkeypatch)
    command("compare", first, tmp_path / "second", *options)
    assert reads.once(first, tmp_path / "second")


def test_leaderboard(first: Path, reads: Reads) -> None:
    command("leaderboard", first)
    assert reads.once(first)


def test_sample(first: Path, reads: Reads, tmp_path: Path) -> None:
    command("sample", first, "-n", 4, "--out", tmp_path / "grid.png")
    assert reads.once(first)
