"""First weights for networks of other sizes: what agrees comes over, the rest is named, and strangers are refused."""

import shutil

import pytest
import torch
from tiny_runs import Labelled, tiny

from ganzoo.errors import GanzooError, ModelError, UsageError
from ganzoo.folder.layout import checkpoints
from ganzoo.gan.builder import build
from ganzoo.training.init import copy_weights, model_to_start_from
from ganzoo.training.loop import Trainer

RECIPE = "dcgan:ch=4+sn@d"
STILL = {"steps": 1, "settings": {"lr.g": 0, "lr.d": 0}}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("transfer") / "small", RECIPE, steps=2)


def started(recipe, folder, resolution=16, classes=0, **settings):
    """A fresh GAN with first weights from a folder, what it was before, and what was said."""
    torch.manual_seed(5)
    gan = build(recipe, resolution, 1, classes, settings=settings)
    before = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    return gan, before, copy_weights(gan, model_to_start_from(folder), "small")


def averaged(run):
    """The state of a run's networks, G averaged."""
    return run.gan.state_dict()


def test_the_same_sizes_come_whole_and_without_a_word(source):
    gan, _, notes = started(RECIPE, source.folder)
    assert not notes
    given = averaged(source)
    assert all(torch.equal(tensor, given[name]) for name, tensor in gan.state_dict().items())


def test_another_resolution_takes_the_layers_that_agree_with_all_that_belongs_to_them(source):
    gan, before, notes = started(RECIPE, source.folder, 32)
    assert notes == [
        "small (16 px) fits in part: 2 of 4 layers of D and 1 of 7 layers of G come from it",
        "new: D.trunk.stages.2.conv, D.head.score, G.trunk.project and 5 more",
    ]
    given, state = averaged(source), gan.state_dict()
    come = ("D.trunk.stages.0.", "D.trunk.stages.1.", "G.trunk.image.")
    for name, tensor in state.items():
        assert torch.equal(tensor, (given if name.startswith(come) else before)[name]), name
    vectors = [name for name in state if name.startswith("D.trunk.stages.1.conv.parametrizations.weight.0")]
    assert len(vectors) == 2  # those of spectral norm are among them


def test_averages_start_from_what_came_over(source):
    gan, _, _ = started(RECIPE, source.folder, 32)
    average = Trainer(gan, 0, 1).ema.averages["G"].state_dict()
    assert torch.equal(average["trunk.image.weight"], averaged(source)["G.trunk.image.weight"])


@pytest.mark.parametrize("classes", [0, 3])
def test_running_statistics_come_with_their_norm_and_with_no_other(source, classes):
    recipe = "dcgan:ch=4+sn@d" + ("+cbn@g" if classes else "")
    gan, before, _ = started(recipe, source.folder, classes=classes)
    name = "G.trunk.norm.running_mean"
    expected = before if classes else averaged(source)
    assert torch.equal(gan.state_dict()[name], expected[name])
    assert torch.equal(gan.state_dict()["G.trunk.project.weight"], averaged(source)["G.trunk.project.weight"])


@pytest.mark.parametrize("recipe", ["dcgan:ch=4+normalization/none@d", "dcgan:ch=4+eqlr@d+normalization/none@d",
                                    "dcgan:ch=4+wn@d+normalization/none@d"])  # fmt: skip
def test_weights_that_are_reparametrised_otherwise_come_as_they_are_used(source, recipe):
    gan, _, notes = started(recipe, source.folder)
    assert not notes
    x, y = torch.rand(4, 1, 16, 16) * 2 - 1, torch.zeros(4, 0)
    with torch.no_grad():
        assert torch.allclose(gan.D.eval()(x, y).scores, source.gan.D.eval()(x, y).scores, atol=1e-5)


def test_labels_that_come_or_go_are_said(source, tmp_path, capsys):
    labelled = "dcgan:ch=4+sn@d+cbn@g+projection"
    _, _, notes = started(labelled, source.folder, classes=3)
    assert "3 of 4 layers of D" in notes[0] and "D.head.embedding" in notes[1]
    assert notes[2] == "small was trained without labels: the layers that see them start afresh"
    run = tiny(tmp_path / "labelled", labelled, init=source.folder, quiet=False, **STILL)
    assert "trained without labels" in capsys.readouterr().err
    _, _, notes = started(RECIPE, run.folder)
    assert notes[0].endswith("come from it; 1 of its layers has no place here")
    assert "which this recipe does not use" in notes[-1]


def test_a_published_model_gives_what_it_has(source, tmp_path):
    published = shutil.copytree(source.folder, tmp_path / "published")
    shutil.rmtree(published / "training")
    gan, before, notes = started(RECIPE, published, 32)
    assert notes == [
        "small (16 px) fits in part: 1 of 7 layers of G come from it",
        "new: G.trunk.project, G.trunk.norm, G.trunk.stages.0.conv and 3 more",
        "small holds no discriminator: it starts afresh",
    ]
    assert torch.equal(gan.state_dict()["G.trunk.image.weight"], averaged(source)["G.trunk.image.weight"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items() if name[0] == "D")


@pytest.mark.parametrize("recipe", ["dcgan:ch=8+sn@d", "sngan:ch=8", "gan:ch=8"])  # norms that agree are not enough
def test_what_no_weights_of_agree_is_refused(source, tmp_path, recipe):
    with pytest.raises(ModelError, match=r"does not fit this recipe: '.*' is .* and no other layer of weights agrees"):
        tiny(tmp_path / "out", recipe, init=source.folder)
    assert not (tmp_path / "out").exists()


def test_blocks_that_freeze_must_have_come(source, tmp_path):
    grown = {"resolution": 32, "init": source.folder}
    with pytest.raises(UsageError, match=r"D\.trunk\.stages\.2\.conv does not come from .*: give freeze\.d=2$"):
        tiny(tmp_path / "out", RECIPE, settings={"freeze.d": 3}, **grown)
    published = shutil.copytree(source.folder, tmp_path / "published")
    shutil.rmtree(published / "training")
    with pytest.raises(UsageError, match=r"freeze\.d=1 .* leave out freeze\.d$"):
        tiny(tmp_path / "out", RECIPE, settings={"freeze.d": 1}, init=published)
    assert not (tmp_path / "out").exists()
    run = tiny(tmp_path / "out", RECIPE, settings={"freeze.d": 2}, steps=1, data=Labelled(), **grown)
    name = "D.trunk.stages.1.conv.parametrizations.weight.original"
    assert torch.equal(run.gan.state_dict()[name], averaged(source)[name])


def test_a_torn_checkpoint_is_passed_over(source, tmp_path):
    torn = shutil.copytree(source.folder, tmp_path / "torn")
    last = max(checkpoints(torn))
    file = torn / "training" / f"step-{last:08}" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    gan, _, notes = started(RECIPE, torn)
    assert not notes and len(checkpoints(torn)) > 1
    name = "D.head.score.parametrizations.weight.original"
    assert not torch.equal(gan.state_dict()[name], averaged(source)[name])
    for path in checkpoints(torn).values():
        (path / "state.safetensors").write_bytes(b"torn")
    (torn / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(GanzooError):
        started(RECIPE, torn)
