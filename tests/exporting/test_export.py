"""``ganzoo export``: files draw what the model draws, say what they are, and are there only if both holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from tiny_models import NAMES, saved
from torch import Tensor, nn

import ganzoo
from ganzoo.cli import main
from ganzoo.exporting import check
from ganzoo.exporting.check import TOLERANCE, largest_difference
from ganzoo.exporting.program import FACTS
from ganzoo.exporting.sampler import exportable
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.gan.gan import GAN

RECIPES = {"plain": ("dcgan:ch=4", 0), "labelled": ("dcgan:ch=4+onehot", 3), "style": ("stylegan2:ch=4", 3)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``plain``, ``labelled`` (of three classes) and ``style`` (with w, too)."""
    root = tmp_path_factory.mktemp("models")
    for name, (recipe, classes) in RECIPES.items():
        gan = saved(root / name, recipe, classes=classes)
        strong(gan)
        save_model(gan, root / name, ModelFolder(root / name).config)
    return root


def strong(gan: GAN) -> None:
    """Let images be far from grey, and from each other."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in gan.G.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


def refused(status: int, *words: object) -> str:
    result = run(*words)
    assert result.exit_code == status, result.output
    (line,) = result.stderr.splitlines()
    return line


def test_a_program_draws_what_the_model_draws_and_says_what_it_is(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled.pt2"
    result = run(models / "labelled", "--to", "torch", "--out", out)
    assert result.exit_code == 0, result.output
    assert "z float32 (n, 8); label int64 (n)" in result.stdout
    gan, extra = ganzoo.load(models / "labelled"), {FACTS: ""}
    program = torch.export.load(out, extra_files=extra).module()
    for labels in ([2], [0, 1, 2, 0, 2]):
        z = gan.noise(len(labels), 5)
        with torch.no_grad():
            found = program(z=z, label=torch.tensor(labels))
        wanted = gan.sample(labels=labels, z=z)
        assert (found - wanted).abs().max() < TOLERANCE
    assert (found[0] - found[3]).abs().max() > 0.01, "noise is an input"
    facts = json.loads(extra[FACTS])
    assert facts["class_names"] == list(NAMES) and facts["license"] == "apache-2.0"
    assert facts["weights_sha256"] == ModelFolder(models / "labelled").digest
    assert str(Path(ganzoo.__file__).parent).encode() not in out.read_bytes() and b".new-" not in out.read_bytes()


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_that_is_exported_draws_as_sample_does(models: Path, name: str) -> None:
    model = exportable(ganzoo.load(models / name))
    with torch.no_grad():
        assert largest_difference(model, lambda given: model.network(**given)) < 1e-5
        inputs, _ = model.inputs(2, 0)
        with pytest.raises(ganzoo.ModelError, match="differ from the model's"):
            largest_difference(model, lambda given: model.network(**{**given, "z": -given["z"]}))
    assert model.truncatable == (name == "style") and inputs.keys() == model.about.keys()


@pytest.mark.parametrize(("cutoff", "mean"), [(2, "class"), (0, None)])
def test_psi_holds_for_the_layers_and_the_mean_that_were_asked_for(models: Path, cutoff: int, mean: str) -> None:
    gan = ganzoo.load(models / "style")
    model = exportable(gan, cutoff, mean)
    inputs, wanted = model.inputs(3, 1, psi=0.2)
    numbers = torch.tensor([1, 2, 0])
    same = gan.sample(labels=numbers, z=inputs["z"], truncation=0.2, truncation_cutoff=cutoff)
    with torch.no_grad():
        assert torch.equal(inputs["label"], numbers) and torch.equal(wanted, same)
        assert (model.network(**inputs) - wanted).abs().max() < 1e-5
        changed = model.network(**{**inputs, "truncation": torch.tensor(1.0)})
    assert ((changed - wanted).abs().max() > 0.01) == bool(cutoff)


def test_psi_draws_to_the_mean_over_the_whole_training(models: Path) -> None:
    gan = ganzoo.load(models / "style")
    gan.G.w_passes.fill_(3)
    gan.G.w_mean.normal_(generator=torch.Generator().manual_seed(2))
    model = exportable(gan, mean="global")
    with torch.no_grad():
        assert largest_difference(model, lambda given: model.network(**given)) < 1e-5
    (inputs, own), (_, other) = model.inputs(2, 1, psi=0.0), exportable(gan, mean="class").inputs(2, 1, psi=0.0)
    assert (own - other).abs().max() > 0.01 and inputs["truncation"] == 0


def test_wrong_use_is_refused_before_anything_is_written(models: Path, tmp_path: Path) -> None:
    plain, out = models / "plain", tmp_path / "a.onnx"
    assert "no mean of w" in refused(2, plain, "--truncation-cutoff", 2, "--out", out)
    assert "no mean of w" in refused(2, plain, "--truncation-mean", "class", "--out", out)
    assert "mean='global'" in refused(2, models / "style", "--truncation-mean", "global", "--out", out)
    assert "layers of w" in refused(2, models / "style", "--truncation-cutoff", 99, "--out", out)
    assert ".onnx" in refused(2, plain, "--out", tmp_path / "a.pt2")
    assert ".pt2" in refused(2, plain, "--to", "torch", "--out", out)
    assert "--to html" in refused(2, plain, "--to", "torch", "--runtime", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_onnxruntime_the_extra_is_named(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'ganzoo-core[onnx]" in refused(2, models / "plain", "--out", tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_draws_otherwise_takes_no_name(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "a.pt2"
    out.write_text("before")
    monkeypatch.setattr(check, "TOLERANCE", -1.0)
    assert "differ from the model's" in refused(1, models / "plain", "--to", "torch", "--out", out)
    assert out.read_text() == "before" and list(tmp_path.iterdir()) == [out]


class Peeking(nn.Module):
    """Does what no exporter can follow."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1 if x.mean().item() > 0 else x


def test_a_layer_that_cannot_be_exported_is_named(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_odd(*given: object) -> tuple[GAN, object]:
        gan = ganzoo.load(models / "plain")
        gan.G.set_submodule("trunk.stages.0.attention", Peeking())
        return gan, type("Found", (), {"folder": ModelFolder(models / "plain")})

    monkeypatch.setattr("ganzoo.cli.export.open_found", open_odd)
    line = refused(1, models / "plain", "--to", "torch", "--out", tmp_path / "a.pt2")
    assert "cannot be exported to torch.export: G.trunk.stages.0.attention (Peeking) fails" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "style"])
def test_onnx_files_draw_what_the_model_draws_and_say_what_they_are(models: Path, name: str, tmp_path: Path) -> None:
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    out = tmp_path / "model.onnx"
    result = run(models / name, "--out", out)
    assert result.exit_code == 0, result.output
    assert [*tmp_path.iterdir()] == [out], "one file, with its weights in it"
    gan, session = ganzoo.load(models / name), onnxruntime.InferenceSession(out)
    names, made = ["z"], onnx.load(out)
    for n in (1, 4):
        given = {"z": gan.noise(n, 3).numpy()}
        if gan.classes:
            given["label"] = (torch.arange(n) % 3).numpy()
        if gan.has_w:
            given["truncation"] = torch.tensor(0.3).numpy()
        (found,) = session.run(None, given)
        labels = (torch.arange(n) % 3).tolist() if gan.classes else None
        wanted = gan.sample(n, seed=3, labels=labels, truncation=0.3 if gan.has_w else None, output="pt").numpy()
        assert abs(found - wanted).max() < TOLERANCE
        names = list(given)
    assert [one.name for one in made.graph.input] == names and made.graph.output[0].name == "image"
    assert {one.type.tensor_type.shape.dim[0].dim_param for one in made.graph.input[:1]} == {"n"}
    facts = {fact.key: fact.value for fact in made.metadata_props}
    assert facts["recipe"] == str(gan.plan.recipe) and facts["license"] == "apache-2.0"
    assert json.loads(facts["class_names"]) == list(NAMES[: gan.classes])
    assert facts["weights_sha256"] == ModelFolder(models / name).digest
    assert str(Path(ganzoo.__file__).parent).encode() not in out.read_bytes()
