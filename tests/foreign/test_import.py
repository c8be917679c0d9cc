"""``ganzoo import`` and ``ganzoo.load_foreign``: from somebody's file to a model like any other."""

import hashlib
import json

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

import ganzoo
from ganzoo import ModelError, UsageError
from ganzoo.cli import main
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.weights import make_plain
from ganzoo.gan.gan import GAN
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from tests.foreign.peers import made, same
from tests.foreign.test_dcgan import discriminator, generator, named


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return made(generator(6, 2, 3, 16)), made(discriminator(2, 3, 16))


@pytest.fixture
def file(tmp_path, networks):
    path = tmp_path / "net G.pth"
    g, d = networks
    torch.save({"netG": named(g), "netD": named(d), "epoch": 7}, path)
    return path


def test_a_file_becomes_a_folder_that_draws_the_same(file, networks, tmp_path):
    done = run("import", file, "--out", tmp_path / "faces", "--license", "mit")
    assert done.exit_code == 0, done.output
    assert "G and D of dcgan-tutorial, 16 x 16" in done.output and "ganzoo sample" in done.output
    gan, z = ganzoo.load(tmp_path / "faces"), torch.randn(3, 6)
    with torch.no_grad():
        same(gan.sample(z=z), (networks[0](z[:, :, None, None]) + 1) / 2)
    config = json.loads((tmp_path / "faces" / "config.json").read_text())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert config["license"] == "mit" and config["origin"]["sha256"] == digest
    card = (tmp_path / "faces" / "README.md").read_text()
    assert digest in card and "net G.pth" in card and "dcgan-tutorial" in card and "ganzoo train" not in card
    assert "trained on data that its file does not name" in card and "0 steps" not in card
    assert (tmp_path / "faces" / "samples.png").is_file()
    assert load_file(tmp_path / "faces" / "discriminator.safetensors")["D.head.score.weight"].shape[0] == 1


def test_the_text_of_a_licence_goes_with_the_weights(file, tmp_path):
    folder = tmp_path / "faces"
    assert run("import", file, "--out", folder, "--license", "mit", "--data", "some faces").exit_code == 0
    assert "LICENSE" not in (folder / "README.md").read_text()
    (folder / "LICENSE").write_text("Copyright (c) somebody\n")
    assert run("convert", folder, tmp_path / "half").exit_code == 0
    assert run("push", tmp_path / "half", tmp_path / "out", "--unscored").exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert (tmp_path / "out" / "LICENSE").read_text() == "Copyright (c) somebody\n"
    assert "[text and notice](LICENSE)" in card and "trained on **some faces**" in card
    assert run("card", tmp_path / "out", "--check").exit_code == 0
    refused = run("import", file, "--out", tmp_path / "no", "--data", " ")
    assert refused.exit_code == 2 and "--data is empty" in refused.output and not (tmp_path / "no").exists()


def test_d_judges_as_the_peers(file, networks, tmp_path):
    assert run("import", file, "--out", tmp_path / "faces").exit_code == 0
    gan = ganzoo.load(tmp_path / "faces", discriminator=True)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        same(gan.D(images, torch.zeros(2, 0)).score, networks[1](images).flatten())


def test_it_samples_and_is_described_like_any_other(file, tmp_path):
    folder = tmp_path / "faces"
    assert run("import", file, "--out", folder).exit_code == 0
    assert run("sample", folder, "-n", 4, "--out", tmp_path / "grid.png").exit_code == 0
    assert run("sample", folder, "-n", 2, "--sampler", "ddls:steps=2", "--out", tmp_path / "b.png").exit_code == 0
    assert run("info", folder).exit_code == 0
    assert ModelFolder(folder).config["dataset"]["name"] == "unknown"


def test_in_python(file, networks):
    z = torch.randn(2, 6)
    with torch.no_grad():
        same(ganzoo.load_foreign(file).sample(z=z), (networks[0](z[:, :, None, None]) + 1) / 2)
    with pytest.raises(ganzoo.UsageError, match="no device"):
        ganzoo.load_foreign(file, device="tpu9")


def test_the_folder_has_the_files_name_and_is_not_overwritten(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("import", file).exit_code == 0 and (tmp_path / "net G" / "config.json").is_file()
    again = run("import", file)
    assert again.exit_code == 2 and "is there already" in again.output


WRONG = {
    "no-file": ([], "give the FILE"),
    "not-there": (["nothing.pth"], "nothing.pth"),
    "licence": (["net G.pth", "--license", "mine", "--out", "x"], "no licence"),
    "project": (["net G.pth", "--as", "studiogun", "--out", "x"], "studiogun"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line_and_writes_nothing(file, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = run("import", *words)
    assert done.exit_code == 2 and said in done.output and len(done.output.splitlines()) <= 2
    assert sorted(tmp_path.iterdir()) == before


CONTENTS = {
    "strange": ({"weight": torch.zeros(2)}, "of no project", 2),
    "left over": (lambda g: {**g, "main.99.other": torch.zeros(2)}, "no place for 'main.99.other'", 1),
    "missing": (lambda g: {key: t for key, t in g.items() if key != "main.4.bias"}, "trunk.stages.0.norm.bias", 1),
    "shape": (lambda g: {**g, "main.4.bias": torch.zeros(9)}, "would be (9,)", 1),
    "large": (lambda g: {**g, "main.0.weight": torch.empty(1 << 20, 0, 4, 4)}, "would be (0,", 1),
    "far": (
        lambda g: {**g, "main.999999999.weight": torch.empty(4, 3, 4, 4)},
        "no place for 'main.999999999.weight'",
        1,
    ),
    "nan": (lambda g: {**g, "main.4.bias": g["main.4.bias"] * torch.nan}, "NaN", 1),
}


@pytest.mark.parametrize(("content", "said", "status"), CONTENTS.values(), ids=CONTENTS)
def test_a_file_that_does_not_fit_says_which_tensor(tmp_path, monkeypatch, networks, content, said, status):
    path = tmp_path / "g.pth"
    monkeypatch.setattr(GAN, "to", lambda *_: pytest.fail("memory was taken"))
    torch.save(content(named(networks[0])) if callable(content) else content, path)
    done = run("import", path, "--out", tmp_path / "x")
    assert (done.exit_code, said in done.output) == (status, True), done.output
    assert str(path) in done.output, "which of several files it is"
    assert not (tmp_path / "x").exists()


def test_a_variant_that_is_not_computed_is_said_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / "odd.pth"
    torch.save({"weight": torch.zeros(2)}, path)
    mimicry = type(registry().find("mimicry", ("converter",)).load()())
    monkeypatch.setattr(mimicry, "fits", lambda self, content: True)
    for raised, kind in ((UsageError("no such size"), UsageError), (KeyError("l1"), ModelError)):
        monkeypatch.setattr(mimicry, "convert", raising(raised))
        with pytest.raises(kind) as caught:
            ganzoo.load_foreign(path, converter="mimicry")
        assert str(caught.value).startswith(f"{path}: ") and str(caught.value).count(str(path)) == 1


def raising(error):
    """A converter's method that ends with this error."""

    def convert(self, content):
        raise error

    return convert


def test_the_list_has_every_converter():
    done = run("import", "--list")
    assert done.exit_code == 0 and all(name in done.output for name in ganzoo.list("converter"))


@pytest.mark.parametrize("entry", registry().entries("weight"), ids=lambda entry: entry.name)
def test_networks_of_every_weight_are_compared_before_they_take_memory(entry: Entry) -> None:
    network = ganzoo.build(f"dcgan:ch=2+{entry.spelling}", 16, 1, device="meta").D
    plain = make_plain(network).state_dict()
    assert plain and all(tensor.is_meta for tensor in plain.values())
