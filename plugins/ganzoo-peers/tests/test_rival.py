"""A peer trained for a moment, and the folder of images that it draws."""

import json

import pytest
from click.testing import CliRunner
from ganzoo_peers.rival import rival
from PIL import Image


def run(*words):
    return CliRunner().invoke(rival, list(words))


def test_it_trains_and_draws_a_folder(tmp_path):
    out = tmp_path / "rival"
    done = run("pytorch-example", "dcgan", "--data", "digits", "--minutes", "0.001", "--out", str(out), "-n", "3")
    told = json.loads(done.stdout)
    assert told["peer"] == "pytorch-example" and told["head"] == "dcgan" and told["images"] == 3 and told["steps"] >= 1
    assert sorted(file.name for file in out.iterdir()) == ["00000.png", "00001.png", "00002.png"]
    with Image.open(out / "00002.png") as picture:
        assert picture.size == (32, 32) and picture.mode == "L" and len(set(picture.tobytes())) > 10


@pytest.mark.parametrize(
    ("peer", "head", "words"),
    [("pytorch-example", "sagan", "has no sagan"), ("pytorch-exmaple", "dcgan", "nearest: pytorch-example")],
)
def test_what_cannot_be_trained_is_refused_before_data_is_read(tmp_path, peer, head, words):
    done = run(peer, head, "--data", "nowhere.zip", "--minutes", "1", "--out", str(tmp_path / "rival"))
    assert done.exit_code == 1 and words in done.stderr and not (tmp_path / "rival").exists()


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    done = run("pytorch-example", "dcgan", "--data", "digits", "--minutes", "1", "--out", str(tmp_path))
    assert done.exit_code == 1 and "is there already" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--data", "--out"])
@pytest.mark.parametrize(("path", "why"), [("", "it is empty"), ("~nosuchuser/x", "no user 'nosuchuser'")])
def test_paths_that_cannot_be_meant_are_refused(option, path, why):
    words = {"--data": "digits", "--out": "rival", "--minutes": "1"} | {option: path}
    done = run("pytorch-example", "dcgan", *(word for pair in words.items() for word in pair))
    assert done.exit_code == 2 and why in done.output
