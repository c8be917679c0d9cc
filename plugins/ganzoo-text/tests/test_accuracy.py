import shlex
import shutil

import pytest
import torch
from click.testing import CliRunner
from ganzoo_text import accuracy
from ganzoo_text.accuracy import CaptionAccuracy
from ganzoo_text.cli import caption_accuracy

import ganzoo
from ganzoo import UsageError
from ganzoo.cli.kit import GROUPS, about_of, main, read_scores
from ganzoo.data import DataRequest, decode_text, open_data
from ganzoo.folder.model import ModelFolder
from ganzoo.metrics import evaluate
from ganzoo.scoring.verify import ScoreVerifier, verify


@pytest.fixture(scope="module")
def data():
    return open_data("captions:digits", DataRequest(resolution=16))


class Perfect:
    """A model that draws for each caption a real image of the digit that it names."""

    input_names, classes = frozenset({"z", "text"}), 0

    def __init__(self, data, shift=0):
        self.data, self.shift = data, shift

    def inputs(self, n, seed, labels, start, columns):
        return columns

    def generate(self, text, batch):
        numbers = [(int(caption.split()[-1]) + self.shift) % 10 for caption in decode_text(text)]
        labels = self.data.labels.tolist()
        return self.data.images.fetch(torch.tensor([labels.index(n) for n in numbers])).float() / 255


def measured(gan, data, n=100, seed=0, *, steps):
    return CaptionAccuracy(steps=steps)(gan, data, n=n, seed=seed, batch=32)["caption-accuracy"]


def test_captions_that_steer_score_high_and_others_low(data):
    right = measured(Perfect(data), data, steps=150)
    wrong = measured(Perfect(data, shift=1), data, steps=150)
    assert right.value > 0.8 and right.floor > 0.8 and wrong.value < 0.2
    assert right.details["chance"] == 0.1 and set(right.details["classes"]) == set("0123456789")


def test_the_same_arguments_give_the_same_score(data, trained):
    gan = ganzoo.load(trained)
    one, again, other = (measured(gan, data, 20, seed, steps=5) for seed in (3, 3, 4))
    assert one == again and (one.floor, one.details) != (other.floor, other.details)


def test_the_command_keeps_the_score_and_verify_measures_it_again(model, monkeypatch):
    learn = accuracy.learn
    monkeypatch.setattr(accuracy, "learn", lambda data, rows, seed, steps: learn(data, rows, seed, 3))
    result = CliRunner().invoke(caption_accuracy, [str(model), "--data", "captions:digits", "-n", "30"])
    assert result.exit_code == 0, result.output
    (score,) = read_scores(model)
    assert score.metric == "caption-accuracy" and score.weights == ModelFolder(model).digest and score.step == 4
    assert score.key == "caption-accuracy30-train@small-cnn" and score.floor is not None and score.higher_is_better
    (verification,) = verify(model, ScoreVerifier("captions:digits"))
    assert verification.holds and verification.measured.floor == score.floor


@pytest.mark.slow
@pytest.mark.parametrize("example", about_of(caption_accuracy).examples, ids=lambda example: example.lines[0])
def test_an_example_does_what_it_says(example, trained, tmp_path, monkeypatch):
    learn = accuracy.learn
    monkeypatch.setattr(accuracy, "learn", lambda data, rows, seed, steps: learn(data, rows, seed, 3))
    shutil.copytree(trained, tmp_path / "runs" / "stackgan")
    monkeypatch.chdir(tmp_path)
    for line in example.lines:
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0 and "caption-accuracy" in result.output, result.output


def test_the_command_has_a_group_and_two_examples():
    about = about_of(caption_accuracy)
    assert about.group in GROUPS and len(about.examples) >= 2


def test_what_cannot_be_measured_is_refused(data, trained, tmp_path):
    def evaluated(model, real, n=20):
        evaluate(model, real, metrics=["caption-accuracy"], n=n)

    gan = ganzoo.load(trained)
    with pytest.raises(UsageError, match="no captions with labels"):
        evaluated(gan, open_data("digits", DataRequest(resolution=16)))
    with pytest.raises(UsageError, match="takes no text"):
        evaluated(ganzoo.build("dcgan:ch=4", resolution=16, channels=1), data)
    with pytest.raises(UsageError, match="two images"):
        evaluated(gan, data, 1)
    with pytest.raises(UsageError, match="holds images, not a model"):
        evaluated(open_data("digits", DataRequest(resolution=16)), data)
    with pytest.raises(UsageError, match="steps=0"):
        CaptionAccuracy(steps=0)
