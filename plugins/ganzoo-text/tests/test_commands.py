"""Every command on a model that draws captions."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

import ganzoo
from ganzoo.card import check_card
from ganzoo.cli.kit import main
from ganzoo.data import DataRequest, open_data
from ganzoo.folder.model import ModelFolder
from ganzoo.metrics.subjects import Generated


def run(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


def refused(*words, status=2):
    lines = run(*words, status=status).stderr.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_sample_draws_what_is_said(model, tmp_path):
    run("sample", model, "--text", "a photo of a 3", "--text", "this is a 7", "-n", 4, "--out", tmp_path / "two.npz")
    run("sample", model, "--text", "a photo of a 3", "-n", 2, "--out", tmp_path / "one.png")
    import numpy as np

    both = np.load(tmp_path / "two.npz")["images"]
    alone = ganzoo.load(model).sample(text=["a photo of a 3", "this is a 7"] * 2, seed=0, output="np")
    assert np.array_equal(both, (alone * 255).round().astype("uint8"))


def test_a_grid_gives_each_of_three_texts_columns_of_its_own(model, tmp_path):
    words = [word for digit in "123" for word in ("--text", f"a photo of a {digit}")]
    run("sample", model, *words, "-n", 12, "--out", tmp_path / "grid.png")
    width, height = Image.open(tmp_path / "grid.png").size
    assert width > 2.5 * height


def test_without_words_its_examples_are_drawn_each_class_in_a_column(model):
    said = json.loads((model / "examples" / "text.json").read_text())["text"]
    assert said == said[:8] * 8 and len({text.split()[-1] for text in said[:8]}) == 8
    assert ganzoo.load(model).sample(8, seed=0).shape == (8, 1, 16, 16)


def test_the_card_says_what_its_samples_were_drawn_from(model):
    run("card", model)
    text = (model / "README.md").read_text()
    first = json.loads((model / "examples" / "text.json").read_text())["text"][0]
    assert f"those of each row, from the left: “{first}”, “" in text
    assert f'--text "{first}"' in text and "text-to-image" in text
    assert [problem for problem in check_card(ModelFolder(model)) if "licence" not in problem] == []


def test_what_is_scored_has_the_classes_of_its_captions(model):
    data = open_data("captions:digits", DataRequest(resolution=16))
    fakes = Generated(ganzoo.load(model), data)
    (images, labels), *_ = fakes.batches(8, seed=0, batch=8)
    assert fakes.labelled and labels.tolist() == data.labels[:8].tolist() and images.shape == (8, 1, 16, 16)


def test_build_counts_and_draws_every_network(tmp_path):
    told = run("build", "stackgan:ch=4", "--resolution", 16, "--draw", tmp_path / "stack.svg").stdout
    assert all(name in told for name in ("G ", "D1 ", "D2 "))
    assert (tmp_path / "stack.svg").read_text().startswith("<svg")


def test_it_is_pushed_and_loaded_back(hub, model):
    run("push", model, "me/stack", "--unscored")
    published = hub.repos["me/stack"].head()
    assert "examples/text.json" in published
    images = ganzoo.load("me/stack").sample(text="a photo of a 3", seed=1)
    assert images.equal(ganzoo.load(model).sample(text="a photo of a 3", seed=1))


@pytest.mark.parametrize(
    "words, said",
    [
        (("--text", ""), "0 bytes"),
        (("--text", "x" * 300), "300 bytes"),
        (("--input", "."), "takes noise and text, and no source images"),
    ],
)
def test_bad_input_is_one_clear_line(model, words, said):
    assert said in refused("sample", model, *words, "--out", model.parent / "x.png")


def test_text_for_a_model_without_text_is_one_clear_line(tmp_path):
    ganzoo.train("dcgan:ch=4", "digits", tmp_path / "dcgan", steps=1, batch=4, resolution=16, quiet=True)
    said = refused("sample", tmp_path / "dcgan", "--text", "a frog", "--out", tmp_path / "x.png")
    assert "takes noise, and no text" in said


@pytest.mark.parametrize("words", [("~nosuchuser/x", "--data", "x"), ("MODEL", "--data", "captioned:~nosuchuser/x")])
def test_paths_that_cannot_be_meant_are_refused(words, model):
    said = refused("caption-accuracy", *(model if word == "MODEL" else word for word in words))
    assert "there is no user 'nosuchuser'" in said
