"""A folder whose ``config.json`` asks for a giant: headers and notes say so before anything is made or read."""

import json
import shutil
import time

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from tiny_runs import Labelled, resume, tiny

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError
from ganzoo.files.write import write_json
from ganzoo.folder.versions import identity_of
from ganzoo.training import train as training


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps, to be copied."""
    return tiny(tmp_path_factory.mktemp("giants") / "run", "sngan:ch=4", steps=2).folder


def giant(trained, folder, forged=False, **changes):
    """A copy of the run whose config.json says something else; ``forged`` makes its checkpoints say that they agree."""
    run = shutil.copytree(trained, folder)
    config = {**json.loads((run / "config.json").read_text()), **changes}
    write_json(run / "config.json", config)
    for state in run.glob("training/*-*/state.json") if forged else ():
        write_json(state, {**json.loads(state.read_text()), "identity": identity_of(config)})
    return run


GIANTS = {
    "height and width": {"height": 4096, "width": 4096},
    "height": {"height": 2048, "width": 16},
    "channels": {"channels": 1024},
    "noise": {"z_dim": 1_000_000},
    "classes": {"classes": 9000, "class_names": [str(number) for number in range(9000)]},
}


@pytest.fixture
def unmade(monkeypatch):
    """Nothing may be built for use, and no data opened."""

    def refuse(*_, **__):
        raise AssertionError("memory was taken")

    build = training.build_from
    monkeypatch.setattr(training, "open_data", refuse)
    monkeypatch.setattr(
        training, "build_from", lambda *given, **named: build(*given, **named) if "meta" in given else refuse()
    )


@pytest.mark.parametrize("forged", [False, True])
@pytest.mark.parametrize("kind", GIANTS)
def test_a_giant_is_refused_before_it_is_made(trained, tmp_path, unmade, kind, forged):
    run = giant(trained, tmp_path / "run", forged, **GIANTS[kind])
    with pytest.raises(GanzooError) as caught:
        resume(run, steps=3)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 2000
    assert "config.json" in said or "cannot be built" in said or "classes; its recipe" in said


def test_what_changes_no_tensor_is_refused_by_the_notes(trained, tmp_path, unmade):
    with pytest.raises(GanzooError, match=r"config\.json was changed since"):
        resume(giant(trained, tmp_path / "run", seed=5), steps=3)


def test_options_of_parts_count(trained, tmp_path, unmade):
    config = json.loads((trained / "config.json").read_text())
    config["parts"][0]["options"]["ch"] = 2048
    recipe = config["recipe"].replace("ch=4", "ch=2048")
    with pytest.raises(GanzooError, match=r"where config\.json asks for"):
        resume(giant(trained, tmp_path / "run", forged=True, parts=config["parts"], recipe=recipe), steps=3)


def test_a_checkpoint_that_keeps_far_too_much_is_not_read(trained, tmp_path, unmade):
    run = giant(trained, tmp_path / "run")
    for path in run.glob("training/step-*/state.safetensors"):
        save_file({**load_file(path), "sum/d/loss": torch.zeros(9_000_000, dtype=torch.uint8)}, path)
    with pytest.raises(GanzooError, match="no training keeps so many"):
        resume(run, steps=3)


def test_a_run_that_was_not_changed_goes_on(trained, tmp_path):
    assert resume(giant(trained, tmp_path / "run"), steps=3).step == 3


def test_the_first_weights_of_another_size_are_not_read(trained, tmp_path, monkeypatch):
    """--init compares headers: with this recipe first, then it reads."""
    from ganzoo.training import init

    monkeypatch.setattr(init, "read_tensors", lambda *_: pytest.fail("weights were read"))
    with pytest.raises(GanzooError, match="does not fit this recipe"):
        tiny(tmp_path / "new", "sngan:ch=8", steps=1, init=trained)


@pytest.mark.parametrize(
    "words",
    [["sample", "RUN"], ["interpolate", "RUN"], ["card", "RUN"], ["convert", "RUN", "OUT"],
     ["push", "RUN", "./pushed", "--unscored", "--license", "mit"], ["eval", "RUN", "--data", "DATA", "-n", "8"],
     ["compare", "RUN", "GOOD", "--html", "page.html"]],
)  # fmt: skip
def test_every_other_command_refuses_a_giant_too(trained, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    names = {"RUN": giant(trained, tmp_path / "run", **GIANTS["height and width"]), "OUT": "out", "GOOD": trained,
             "DATA": "digits"}  # fmt: skip
    begun = time.monotonic()
    result = CliRunner().invoke(main, [str(names.get(word, word)) for word in words])
    assert result.exit_code == 1 and result.stderr.startswith("ganzoo: error:"), result.output
    assert "model.safetensors" in result.stderr and time.monotonic() - begun < 20
    assert not (tmp_path / "out").exists() and not (tmp_path / "pushed").exists()


def test_ganzoo_load_and_a_fork_refuse_a_giant(trained, tmp_path):
    run = giant(trained, tmp_path / "run", forged=True, **GIANTS["height and width"])
    with pytest.raises(GanzooError, match=r"model\.safetensors"):
        ganzoo.load(run)
    with pytest.raises(GanzooError, match="cannot become"):
        resume(run, steps=3, fork=tmp_path / "fork", data=Labelled())
    assert not (tmp_path / "fork").exists()
