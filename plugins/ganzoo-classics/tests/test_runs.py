"""Runs of the six systems: resumed exactly, loaded with what they are good for, measured and shown."""

import json
import shlex
import shutil

import pytest
import torch
from click.testing import CliRunner
from ganzoo_classics import few_labels, metrics
from ganzoo_classics.cli import pairs, reconstruct
from tiny_runs import DATA, RECIPES, contents, train

import ganzoo
from ganzoo import DataError, GanzooError, RunError, UsageError
from ganzoo.cli.kit import GROUPS, about_of, main
from ganzoo.data import DataRequest, ImageData, MemoryImages, open_data
from ganzoo.folder.discriminator import export_discriminators
from ganzoo.metrics import evaluate

PUBLISHED = {
    "aae": {"G", "E"},
    "bigan": {"G", "E"},
    "clustergan": {"G", "E"},
    "cogan": {"G"},
    "sgan": {"G", "D"},
    "vae-gan": {"G", "E"},
}


@pytest.mark.parametrize("system", RECIPES)
def test_resumed_run_equals_unbroken_run(system, runs, tmp_path):
    train(tmp_path / "parts", RECIPES[system], steps=1)
    parts = ganzoo.train(resume=tmp_path / "parts", data=DATA[system], steps=3, quiet=True)
    one, two = contents(runs[system]), contents(parts.folder)
    assert sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name)) == []


@pytest.mark.parametrize("system", RECIPES)
def test_loaded_model_draws_and_has_the_networks_that_it_is_good_for(system, runs):
    gan = ganzoo.load(runs[system])
    assert set(dict(gan.named_children())) == PUBLISHED[system]
    images = gan.sample(3, seed=0)
    assert images.shape == (3, 1, 8, 8) and torch.allclose(images[:2], gan.sample(2, seed=0), atol=1e-5)
    assert "ganzoo-classics" in gan.config["plugins"]


def test_averaged_encoder_is_published(tmp_path):
    run = train(tmp_path / "run", RECIPES["vae-gan"], settings={"repeat.d": 1, "batch": 8, "ema": 0.9})
    state = next((run.folder / "training").glob("*3/state.safetensors"))
    from ganzoo.cli.kit import read_shapes, read_tensors

    tensors = read_tensors(state, read_shapes(state))
    own = ganzoo.load(run.folder).E.code.weight
    assert torch.equal(own, tensors["ema/E.code.weight"]) and not torch.equal(own, tensors["gan/E.code.weight"])


def measured(gan, names, data="digits", n=100):
    found = evaluate(gan, open_data(data, DataRequest(resolution=8, channels=1)), metrics=names, n=n)
    return {score.metric: score for score in found}


@pytest.mark.parametrize("system", ["aae", "bigan", "clustergan", "vae-gan"])
def test_reconstruction_error_is_what_the_pictures_say(system, runs):
    gan = ganzoo.load(runs[system])
    score = measured(gan, "reconstruction-error")["reconstruction-error"]
    data = open_data("digits", DataRequest(resolution=8, channels=1))
    real = data.images.fetch(torch.arange(100)).double() / 255
    rebuilt = (gan.game.reconstruct((real * 2 - 1).float(), torch.zeros(100, 0)).double() + 1) / 2
    assert score.value == pytest.approx(float((real - rebuilt).square().mean()), rel=1e-4)
    assert score.details["mean_image"] == pytest.approx(float((real - real.mean(0)).square().mean()), rel=1e-4)
    assert not score.higher_is_better and score.samples == 100


def test_clusters_are_compared_with_classes(runs):
    found = measured(ganzoo.load(runs["clustergan"]), "clusters")
    assert 0.1 <= found["cluster-purity"].value <= 1 and 0 <= found["cluster-nmi"].value <= 1
    table = metrics.counts(torch.tensor([0, 0, 0, 2, 2]), torch.tensor([1, 1, 0, 0, 0]))
    assert table.tolist() == [[1, 2], [0, 0], [2, 0]]


def test_class_accuracy_is_the_share_that_d_names(runs):
    gan = ganzoo.load(runs["sgan"])
    score = measured(gan, "class-accuracy")["class-accuracy"]
    data = open_data("digits", DataRequest(resolution=8, channels=1))
    x = data.images.fetch(torch.arange(100)).float() / 127.5 - 1
    assert score.value == pytest.approx(float((gan.game.class_logits(x).argmax(1) == data.labels[:100]).float().mean()))


def test_pair_error_is_0_for_a_generator_that_couples(runs):
    gan = ganzoo.load(runs["cogan"])
    assert measured(gan, "pair-error")["pair-error"].value > 1e-5
    one, other = gan.G.images
    with torch.no_grad():
        other.weight.copy_(-one.weight)
        other.bias.copy_(-one.bias)
    found = measured(gan, "pair-error")["pair-error"]
    assert found.value == pytest.approx(0, abs=1e-9) and found.details["unpaired"] > 0


@pytest.mark.parametrize(
    ("system", "metric"),
    [("cogan", "reconstruction-error"), ("aae", "clusters"), ("bigan", "class-accuracy"), ("sgan", "pair-error")],
)
def test_what_a_model_does_not_do_is_not_measured(system, metric, runs):
    with pytest.raises(UsageError, match=metric):
        measured(ganzoo.load(runs[system]), metric)


def test_scores_during_training_are_logged(tmp_path):
    run = train(tmp_path / "run", RECIPES["sgan"], eval_every=3, metrics="class-accuracy", eval_n=50)
    scores = json.loads((run.folder / "metrics.json").read_text())["scores"]
    assert [score["metric"] for score in scores] == ["class-accuracy"]


def test_few_labels_are_even_and_the_same_each_time():
    data = open_data("few-labels:25:digits", DataRequest(resolution=8))
    known = data.paired["labelled"]
    assert known.sum() == 25
    assert torch.bincount(data.labels[known.bool()], minlength=10).tolist() == [3] * 5 + [2] * 5
    again = open_data("few-labels:25:digits", DataRequest(resolution=8))
    assert again.fingerprint == data.fingerprint != open_data("few-labels:26:digits", DataRequest()).fingerprint
    assert torch.equal(known, again.paired["labelled"])


@pytest.mark.parametrize("text", ["few-labels:digits", "few-labels:0:digits", "few-labels:x:digits", "few-labels"])
def test_few_labels_says_how_it_is_written(text):
    with pytest.raises(GanzooError, match="few-labels"):
        open_data(text, DataRequest())


def test_too_few_images_of_a_class_are_refused():
    with pytest.raises(DataError, match="takes 2 images of each class"):
        few_labels.chosen(torch.tensor([0, 0, 1]), 2, 4, "three")


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_reconstruct_and_pairs_write_a_picture(runs, tmp_path):
    done = run("reconstruct", runs["aae"], "--data", "digits", "-n", 4, "--out", tmp_path / "a.png")
    assert done.exit_code == 0 and "4 real images" in done.output, done.output
    done = run("pairs", runs["cogan"], "-n", 4, "--out", tmp_path / "b.png")
    assert done.exit_code == 0 and "4 pairs" in done.output, done.output
    assert (tmp_path / "a.png").is_file() and (tmp_path / "b.png").is_file()


SHOWN = [example for command in (reconstruct, pairs) for example in about_of(command).examples]


def test_both_commands_have_a_group_and_two_examples():
    assert all(about_of(command).group in GROUPS for command in (reconstruct, pairs)) and len(SHOWN) == 4


@pytest.mark.slow
@pytest.mark.parametrize("example", SHOWN, ids=lambda example: example.lines[0])
def test_an_example_does_what_it_says(example, runs, tmp_path, monkeypatch):
    for system in ("aae", "cogan"):
        shutil.copytree(runs[system], tmp_path / "runs" / system)
    monkeypatch.chdir(tmp_path)
    for line in example.lines:
        done = run(*shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("words", [("reconstruct", "cogan", "--data", "digits"), ("pairs", "aae")])
def test_commands_refuse_other_models_in_a_line(words, runs, tmp_path):
    command, system, *rest = words
    done = run(command, runs[system], *rest, "--out", tmp_path / "c.png")
    assert done.exit_code == 2 and "this model" in done.output and "Traceback" not in done.output
    assert not (tmp_path / "c.png").exists()


def test_all_networks_of_sgan_are_in_its_model(runs):
    with pytest.raises(RunError, match="leave out --with-discriminator"):
        export_discriminators(runs["sgan"], ganzoo.load(runs["sgan"]).config)


def test_transfer_brings_the_encoder(runs, tmp_path):
    made = train(tmp_path / "more", RECIPES["bigan"], init=str(runs["bigan"]), steps=1)
    assert made.folder.is_dir()


def test_labels_are_needed_where_a_model_takes_them():
    images = MemoryImages(torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    gan = ganzoo.build("aae:ch=4+onehot", 8, 1, classes=3)
    with pytest.raises(UsageError, match="needs labels"):
        evaluate(gan, ImageData("plain", images), metrics="reconstruction-error", n=4)


@pytest.mark.parametrize("system", ["aae", "bigan"])
def test_samplers_are_refused_where_d_judges_other_things_than_images(system, runs):
    done = run("sample", runs[system], "-n", 2, "--sampler", "ddls")
    assert done.exit_code == 2 and "judges other things" in done.output, done.output


def test_samplers_are_refused_where_noise_is_not_of_the_prior(runs):
    done = run("sample", runs["clustergan"], "-n", 2, "--sampler", "ddls")
    assert done.exit_code == 2 and "clustergan draws otherwise: leave the sampler out" in done.output, done.output


@pytest.mark.parametrize("system", ["cogan", "sgan", "vae-gan"])
def test_samplers_ask_d_where_it_judges_images(system, runs, tmp_path):
    done = run("sample", runs[system], "-n", 2, "--sampler", "ddls:steps=2", "--out", tmp_path / "a.png")
    assert done.exit_code == 0, done.output
