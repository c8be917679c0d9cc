import pytest
import torch
from click.testing import CliRunner
from ganzoo_text.accuracy import measure
from ganzoo_text.cli import caption_accuracy

import ganzoo
from ganzoo.data import DataRequest, open_data
from ganzoo.errors import UsageError
from ganzoo.inputs import decode
from ganzoo.scores import read_scores, weights_digest


@pytest.fixture(scope="module")
def data():
    return open_data("captions:digits", DataRequest(resolution=16))


class Perfect:
    """A model that draws for each caption a real image of the digit that it names."""

    takes, classes = frozenset({"z", "text"}), 0

    def __init__(self, data, shift=0):
        self.data, self.shift = data, shift

    def inputs(self, n, seed, labels, start, columns):
        return columns

    def generate(self, text, batch):
        numbers = [(int(caption.split()[-1]) + self.shift) % 10 for caption in decode(text)]
        labels = self.data.labels.tolist()
        return self.data.images.fetch(torch.tensor([labels.index(n) for n in numbers])).float() / 255


def test_captions_that_steer_score_high_and_others_low(data):
    right = measure(Perfect(data), data, 100, steps=150)
    wrong = measure(Perfect(data, shift=1), data, 100, steps=150)
    assert right.value > 0.8 and right.floor > 0.8 and wrong.value < 0.2
    assert right.key == "caption-accuracy100-train@small-cnn"
    assert right.details["chance"] == 0.1 and set(right.details["classes"]) == set("0123456789")


def test_the_same_arguments_give_the_same_score(data, trained):
    gan = ganzoo.load(trained)
    one, again = (measure(gan, data, 20, 3, steps=5) for _ in range(2))
    assert (one.value, one.network, one.floor) == (again.value, again.network, again.floor)
    assert measure(gan, data, 20, 4, steps=5).network != one.network


def test_the_command_keeps_the_score(model, monkeypatch):
    from ganzoo_text import accuracy

    learn = accuracy.learn
    monkeypatch.setattr(accuracy, "learn", lambda data, rows, seed, steps: learn(data, rows, seed, 3))
    result = CliRunner().invoke(caption_accuracy, [str(model), "--data", "captions:digits", "-n", "30"])
    assert result.exit_code == 0, result.output
    (score,) = read_scores(model)
    assert score.metric == "caption-accuracy" and score.weights == weights_digest(model) and score.step == 4


def test_what_cannot_be_measured_is_refused(data, trained, tmp_path):
    gan = ganzoo.load(trained)
    with pytest.raises(UsageError, match="no captions with labels"):
        measure(gan, open_data("digits", DataRequest(resolution=16)))
    with pytest.raises(UsageError, match="takes no text"):
        measure(ganzoo.build("dcgan:ch=4", resolution=16, channels=1), data)
    with pytest.raises(UsageError, match="two images"):
        measure(gan, data, 1)
