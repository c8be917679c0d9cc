"""``ganzoo.push``, ``ganzoo.pull`` and the names that GANs have for them in other libraries of the Hub."""

import shutil

import pytest
import torch
from hub_models import saved, scored
from hub_server import OWNER

import ganzoo
from ganzoo import GAN, HubError, UsageError
from ganzoo.card import write_card
from ganzoo.folder.model import ModelFolder


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = scored(saved(tmp_path_factory.mktemp("runs") / "first"))
    write_card(ModelFolder(folder))
    return folder


@pytest.fixture
def model(original, tmp_path):
    return shutil.copytree(original, tmp_path / "first")


@pytest.fixture
def owner(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", OWNER)
    return hub


def test_a_folder_is_pushed_and_pulled(model, owner, tmp_path):
    page = ganzoo.push(model, "me/first", license="mit", message="hello")
    assert page.endswith("me/first")
    folder = ganzoo.pull("me/first", tmp_path / "again")
    assert folder == tmp_path / "again"
    assert torch.equal(ganzoo.load(folder).sample(2, seed=0), ganzoo.load(model).sample(2, seed=0))
    with pytest.raises(UsageError, match="is there already"):
        ganzoo.pull("me/first", folder)


def test_a_push_is_refused_as_that_of_the_command(model, hub, owner, monkeypatch):
    with pytest.raises(UsageError, match="organisation/name"):
        ganzoo.push(model, "first")
    bare = shutil.copytree(model, model.parent / "bare", ignore=shutil.ignore_patterns("metrics.json"))
    with pytest.raises(UsageError, match="has no score"):
        ganzoo.push(bare, "me/first")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="needs a token"):
        ganzoo.push(model, "me/first", license="mit")


def test_a_gan_goes_to_the_hub_and_comes_back(owner):
    gan = ganzoo.build("dcgan:ch=2", resolution=16, channels=1, z_dim=4).eval()
    page = gan.push_to_hub("me/mine", license="mit", data="my photos", step=3, unscored=True)
    assert page.endswith("me/mine")
    again = GAN.from_pretrained("me/mine")
    assert isinstance(again, GAN) and torch.equal(again.sample(2, seed=1), gan.sample(2, seed=1))
    assert again.config["step"] == 3 and again.config["license"] == "mit"


def test_a_gan_is_saved_and_loaded_by_the_names_of_other_libraries(tmp_path):
    gan = ganzoo.build("dcgan:ch=2", resolution=16, channels=1, z_dim=4).eval()
    assert gan.save_pretrained(tmp_path / "mine", data="my photos") == tmp_path / "mine"
    assert torch.equal(GAN.from_pretrained(tmp_path / "mine").sample(1, seed=0), gan.sample(1, seed=0))


@pytest.mark.parametrize(
    "given, said",
    [({}, "licence"), ({"license": "mine", "unscored": True}, "no licence"), ({"license": "mit"}, "unscored=True")],
)
def test_what_nobody_else_can_choose_is_asked_before_anything_is_written(owner, given, said):
    gan = ganzoo.build("dcgan:ch=2", resolution=16, channels=1, z_dim=4)
    with pytest.raises(UsageError, match=said):
        gan.push_to_hub("me/mine", **given)


def test_models_are_listed_by_a_pattern_of_their_name():
    assert ganzoo.list_models("dcgan-*") == [name for name in ganzoo.list_models() if name.startswith("dcgan-")]
    assert ganzoo.list_models("*-mnis?") and ganzoo.list_models("dcgan?") == []
