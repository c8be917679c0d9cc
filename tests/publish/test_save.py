"""``gan.save``: a GAN that a loop of one's own trained, as a whole model folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from hub_models import scored
from notebook_parts import Mine, forget

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError, RunError, UsageError

RECIPES = ["dcgan:ch=4+sn", "sagan:ch=4", "gan+mine", "sngan:ch=4+eqlr"]


@pytest.fixture
def alone() -> Iterator[None]:
    """What a test registers is forgotten afterwards."""
    yield
    forget()


def trained(recipe: str = "dcgan:ch=4+sn", seed: int = 0, **sizes: Any) -> ganzoo.GAN:
    """A GAN after a step of somebody's own loop."""
    torch.manual_seed(seed)
    gan = ganzoo.build(recipe, **{"resolution": 16, "channels": 1, **sizes})
    optimizer = torch.optim.SGD(gan.G.parameters(), lr=0.1)
    classes = torch.eye(gan.classes)[torch.arange(4) % max(gan.classes, 1)] if gan.classes else torch.zeros(4, 0)
    gan.D(gan.G(gan.noise(4, seed), classes), classes).score.mean().backward()
    optimizer.step()
    return gan


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_saved_loads_and_draws_the_same(alone: None, tmp_path: Path, recipe: str) -> None:
    ganzoo.register("loss", "mine", Mine)
    gan = trained(recipe, classes=3)
    gan.class_names = ("red", "green", "blue")[: gan.classes]
    folder = gan.save(tmp_path / "a" / "mine", data="my photos", step=10_000, license="mit")
    loaded = ganzoo.load(folder)
    assert folder == tmp_path / "a" / "mine"
    assert torch.allclose(loaded.sample(5, seed=3), gan.sample(5, seed=3), atol=1e-6)
    assert loaded.class_names == gan.class_names and loaded.config["step"] == 10_000  # type: ignore[index]
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md", "samples.png"}
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_the_card_says_what_is_known_and_passes_its_check(tmp_path: Path) -> None:
    folder = trained().save(tmp_path / "mine", data="my photos", step=1_234, license="mit")
    card = (folder / "README.md").read_text()
    assert "# mine" in card and "my photos" in card and "1,234 steps" in card
    assert "By a program of its author's" in card and "ganzoo train" not in card
    checked = CliRunner().invoke(main, ["card", str(folder), "--check"])
    assert checked.exit_code == 0, checked.output


def test_commands_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained().save("mine", license="mit")
    assert CliRunner().invoke(main, ["sample", "mine", "-n", "4", "--out", "grid.png"]).exit_code == 0
    pushed = CliRunner().invoke(main, ["push", "mine", "org/mine", "--dry-run", "--unscored", "--license", "mit"])
    assert pushed.exit_code == 0, pushed.output


def test_a_loaded_gan_is_saved_again_in_any_dtype(tmp_path: Path) -> None:
    gan = ganzoo.load(trained().save(tmp_path / "one"))
    again = ganzoo.load(gan.to(torch.bfloat16).save(tmp_path / "two"))
    assert torch.allclose(gan.sample(2, seed=0), again.sample(2, seed=0), atol=0.05)
    assert json.loads((tmp_path / "two" / "config.json").read_text())["dtype"] == "bfloat16"


def test_nothing_that_is_there_is_replaced_unasked(tmp_path: Path) -> None:
    first = trained()
    folder = first.save(tmp_path / "mine", data="photos")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match="holds a model already: name a new folder, or replace it with overwrite=True"):
        trained(seed=1).save(folder)
    with pytest.raises(UsageError, match="with another recipe"):
        trained("gan").save(folder, overwrite=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    (tmp_path / "file").touch()
    for other in ("photos", "file", "file/x"):
        with pytest.raises((UsageError, RunError)):
            first.save(tmp_path / other, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "photos"]


def test_a_run_of_train_is_never_replaced(run: Path) -> None:
    gan = ganzoo.load(run)
    with pytest.raises(UsageError, match="is a run of ganzoo train"):
        gan.save(run, overwrite=True)


def test_a_model_is_replaced_with_its_notes_and_scores_kept(tmp_path: Path) -> None:
    folder = trained().save(tmp_path / "mine")
    scored(folder)
    card = (folder / "README.md").read_text()
    note = "<!-- ganzoo:begin notes -->\nMine.\n"
    begin = "<!-- ganzoo:begin notes -->\n"
    (folder / "README.md").write_text(card.replace(begin, note))
    (folder / "mine.txt").write_text("kept")
    gan = trained(seed=1)
    gan.save(folder, step=2, overwrite=True)
    assert torch.allclose(ganzoo.load(folder).sample(2, seed=0), gan.sample(2, seed=0), atol=1e-6)
    assert "Mine." in (folder / "README.md").read_text() and (folder / "mine.txt").read_text() == "kept"
    assert (folder / "metrics.json").is_file() and "none measured" in (folder / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganzoo.files.write.sync", full)
    with pytest.raises(RunError, match="No space left"):
        trained().save(tmp_path / "mine")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"step": -1}, "step=-1"),
        ({"step": 1.5}, "step=1.5"),
        ({"seed": "a"}, "seed='a'"),
        ({"data": ""}, "data=''"),
        ({"license": 3}, "license=3"),
        ({"folder": ""}, "takes a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        trained().save(**{"folder": "mine", **change})
    assert not list(tmp_path.iterdir())


def test_networks_that_are_not_the_recipes_are_refused(tmp_path: Path) -> None:
    gan = trained()
    gan.G.register_buffer("extra", torch.zeros(3))
    with pytest.raises(UsageError, match=r"this GAN cannot be saved: .*extra"):
        gan.save(tmp_path / "mine")
    broken = trained()
    next(broken.G.parameters()).data.fill_(float("nan"))
    with pytest.raises(UsageError, match="this GAN cannot be saved"):
        broken.save(tmp_path / "mine")
    with pytest.raises(UsageError, match="built on the device meta"):
        ganzoo.build("gan", resolution=16, device="meta").save(tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_a_part_of_this_program_is_warned_of_and_missed_elsewhere(
    alone: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ganzoo.register("loss", "mine", Mine)
    ganzoo.register("preset", "ours", "gan+mine")
    trained("gan+mine").save(tmp_path / "loss")
    assert "loss/mine: registered in this program alone" in caplog.text and "others cannot load" in caplog.text
    trained("ours").save(tmp_path / "preset")
    caplog.clear()
    assert (
        CliRunner()
        .invoke(main, ["push", str(tmp_path / "loss"), "org/x", "--dry-run", "--unscored", "--license", "mit"])
        .exit_code
        == 0
    )
    assert "registered in this program alone" in caplog.text
    config = json.loads((tmp_path / "loss" / "config.json").read_text())
    assert config["plugins"] == {} and config["unpackaged"] == ["loss/mine"]
    assert "ganzoo.register" in (tmp_path / "loss" / "README.md").read_text()
    forget()
    assert ganzoo.load(tmp_path / "loss").sample(1, seed=0).shape == (1, 1, 16, 16)  # G does without it
    with pytest.raises(GanzooError, match=r"preset/ours are in no package.*ganzoo\.register\('loss', 'mine', \.\.\.\)"):
        ganzoo.load(tmp_path / "preset")
    resumed = CliRunner().invoke(main, ["info", str(tmp_path / "preset")])
    assert resumed.exit_code == 0 and "gan+mine" not in resumed.stderr


@pytest.mark.parametrize("parts", [3, ["../x"], ["loss/mine"] * 101, ["nokind/mine"], [1]])
def test_what_a_stranger_says_is_in_no_package_is_checked(tmp_path: Path, parts: object) -> None:
    folder = trained().save(tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "unpackaged": parts}))
    with pytest.raises(GanzooError, match="unpackaged is"):
        ganzoo.load(folder)
