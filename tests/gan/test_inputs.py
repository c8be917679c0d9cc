"""Games that take more than noise: sources and texts, from the data through training, folder and samples to scores."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from PIL import Image
from tiny_runs import contents
from torch import nn

import ganzoo
from ganzoo.cli import main
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.data.images import MemoryImages
from ganzoo.errors import DataError, ModelError, RecipeError, UsageError
from ganzoo.folder import examples
from ganzoo.folder.layout import EXAMPLE_FILES, EXAMPLE_LABELS, EXAMPLES, largest
from ganzoo.gan.adversary import Adversary
from ganzoo.gan.inputs import LONGEST_TEXT, decode_text, encode_text, panels, reduced
from ganzoo.gan.kit import Discriminator
from ganzoo.testing import plugin
from ganzoo.training.setup import data_text

SIZE = 16


class Painter(nn.Module):
    """One convolution from source to image, shifted by the length of the text."""

    def __init__(self, kit):
        super().__init__()
        self.conv = nn.Conv2d(kit.channels, kit.channels, 3, 1, 1)
        self.shapes = (kit.image, (kit.y_dim,))

    def forward(self, source, y, text=None):
        written = 0 if text is None else (text > 0).float().mean(1)[:, None, None, None]
        return torch.tanh(self.conv(source) + written)


class Eye(nn.Module):
    def __init__(self, kit):
        super().__init__()
        self.conv, self.features = nn.Conv2d(kit.inputs, 4, 4, 4), 4 * (kit.resolution // 4) ** 2

    def forward(self, x, y):
        return F.leaky_relu(self.conv(x))


def painter(g, d):
    eye = Eye(d)
    return {"G": Painter(g), "D": Discriminator(d, eye, eye.features)}


class Painting(ganzoo.Game):
    players = {"d": ("D",), "g": ("G",)}  # noqa: RUF012
    inputs = frozenset({"source"})

    def __init__(self, gan, *, near: float = 10.0):
        super().__init__(gan)
        self.adversary, self.near = Adversary(gan), near

    def turns(self):
        return [
            ganzoo.Turn("d", self.discriminator_loss, after=self.adversary.after),
            ganzoo.Turn("g", self.generator_loss),
        ]

    def context(self, batch, step, side):
        return self.adversary.context(batch, step, side, batch["image"], batch["source"], self.gan.G)

    def discriminator_loss(self, batch, step):
        return self.adversary.discriminator_loss(self.context(batch, step, "d"))

    def generator_loss(self, batch, step):
        ctx = self.context(batch, step, "g")
        return {**self.adversary.generator_loss(ctx), "near": self.near * F.l1_loss(ctx.fake, ctx.real)}


class Telling(Painting):
    inputs = frozenset({"source", "text"})

    def context(self, batch, step, side):
        def told(z, y):
            return self.gan.G(z, y, text=batch["text"])

        return self.adversary.context(batch, step, side, batch["image"], batch["source"], told)


class Plugin:
    """``painter`` needs pairs, ``teller`` captions too; ``pairs`` and ``captioned`` have them."""

    @ganzoo.hookimpl
    def register_architectures(self, register):
        register("painter", painter, requires={"source", "pairs"}, game=Painting)
        register("teller", painter, requires={"source", "text"}, game=Telling)

    @ganzoo.hookimpl
    def register_datasets(self, register):
        register("pairs", lambda argument, request: pairs(), provides={"image", "source", "pairs"})
        register("captioned", lambda argument, request: pairs(captions=True), provides={"image", "source", "text"})
        register("loose", lambda argument, request: pairs(loose=True), provides={"image", "source"})


def pairs(count=40, captions=False, loose=False):
    """Random images, their negatives as sources, and captions of rising length."""
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=rng)
    source = {"source": MemoryImages(255 - pixels)}
    texts = {"text": encode_text(["a" * (1 + number) for number in range(count)])} if captions else {}
    rows = {"unpaired": source} if loose else {"paired": {**source, **texts}}
    return ImageData("negatives", MemoryImages(pixels), **rows)


@pytest.fixture(autouse=True)
def registered():
    with plugin(Plugin(), "painting"):
        yield


def train(out, recipe="painter", data="pairs", **options):
    return ganzoo.train(recipe, data=data, out=out, quiet=True, batch=4, **{"steps": 4, "save_every": 2, **options})


@pytest.fixture
def folder(tmp_path):
    return train(tmp_path / "run").folder


def command(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


# --- recipes ------------------------------------------------------------------------------------------------


def test_what_an_architecture_needs_is_refused_before_anything_is_built():
    with pytest.raises(RecipeError, match=r"painter needs 'pairs' \(from pairs\) and 'source' \(from .*pairs"):
        train("never", data="digits")
    with pytest.raises(RecipeError, match="'pairs'"):
        train("never", data="loose")
    assert not Path("never").exists()


def test_options_of_the_game_are_options_of_the_architecture():
    gan = ganzoo.build("painter:near=3", resolution=SIZE)
    assert gan.game.near == 3.0 and gan.plan.recipe == "painter:near=3"
    assert "near" in ganzoo.info("painter").options()
    with pytest.raises(UsageError, match="near"):
        ganzoo.build("painter:far=3")


def test_networks_that_say_their_shapes_are_counted(tmp_path):
    drawn = command("build", "painter", "--resolution", SIZE, "--layers", "--draw", tmp_path / "x.svg", "--json")
    found = json.loads(drawn.stdout)
    assert {row["network"] for row in found["layers"]} == {"G", "D"}, drawn.output
    assert (tmp_path / "x.svg").stat().st_size > 1000


# --- training, and the folder that it leaves -----------------------------------------------------------------


def test_a_run_keeps_examples_and_shows_them_beside_samples(folder):
    data = pairs()
    found = {path.name for path in (folder / "examples").iterdir()}
    assert found == {"source.png", "target.png"}
    gan = ganzoo.load(folder)
    rows = torch.linspace(0, data.count - 1, 64).long()
    assert torch.equal(gan.examples["target"], data.images.fetch(rows))
    assert torch.equal(gan.examples["source"], 255 - data.images.fetch(rows))
    picture = np.asarray(Image.open(folder / "samples.png").convert("RGB"))
    scale = (picture.shape[1] - 2) // 9 - 2
    first = picture[2 : 2 + scale, 2 : 2 + scale]
    times = scale // SIZE
    assert np.array_equal(first[::times, ::times], gan.examples["source"][0].permute(1, 2, 0).numpy())


def test_resumed_run_equals_an_unbroken_one(tmp_path):
    train(tmp_path / "a", steps=4)
    ganzoo.train(resume=tmp_path / "a", steps=8, quiet=True)
    train(tmp_path / "b", steps=8)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_path_behind_the_name_of_a_data_set_is_found_again_from_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data_text("pairs:./photos") == f"pairs:{tmp_path / 'photos'}"
    for other in ("pairs:gone/photos", "pairs:digits", "digits"):
        assert data_text(other) == other


def test_samples_of_examples_are_the_same_for_any_number(folder):
    gan = ganzoo.load(folder)
    many = gan.sample(70)
    torch.testing.assert_close(many[64:], many[:6])
    torch.testing.assert_close(gan.sample(3, batch=2), many[:3])
    source = gan.examples["source"][:3].float() / 255
    torch.testing.assert_close(gan.sample(source=source), many[:3])
    picture = Image.fromarray(gan.examples["source"][0].permute(1, 2, 0).numpy())
    torch.testing.assert_close(gan.sample(source=picture), many[:1])
    torch.testing.assert_close(gan.sample(source=[picture, picture])[1:], many[:1])


BAD_SOURCES = {
    "small": (torch.rand(1, 3, 8, 8), r"takes \(n, 3, 16, 16\)"),
    "bytes": (torch.ones(1, 3, SIZE, SIZE, dtype=torch.uint8), "divide bytes by 255"),
    "signed": (torch.full((1, 3, SIZE, SIZE), -1.0), r"floats in \[0, 1\]"),
    "picture": (Image.new("RGB", (20, 10)), "20 x 10 pixels.*16 x 16"),
    "number": (7, "source is a picture"),
}


@pytest.mark.parametrize("what", BAD_SOURCES)
def test_bad_sources_say_what_works(folder, what):
    source, said = BAD_SOURCES[what]
    with pytest.raises(UsageError, match=said):
        ganzoo.load(folder).sample(source=source)


def test_what_a_model_does_not_take_is_refused(folder):
    gan = ganzoo.load(folder)
    for given in ({"text": "a frog"}, {"z": torch.zeros(1, 128)}):
        with pytest.raises(UsageError, match="takes source images, and no"):
            gan.sample(**given)
    with pytest.raises(UsageError, match="takes noise, and no source images"):
        ganzoo.build("dcgan:ch=4", resolution=16).sample(source=torch.rand(1, 3, 16, 16))
    with pytest.raises(UsageError, match="2 of source for 3 images"):
        gan.sample(3, source=torch.rand(2, 3, SIZE, SIZE))
    gan.examples = {}
    with pytest.raises(UsageError, match="source= in Python"):
        gan.sample(2)


HARM = {
    "another size": lambda path: Image.new("RGB", (8, 8)).save(path),
    "no picture": lambda path: path.write_bytes(b"\x80\x04pickle"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("how", HARM)
def test_a_strangers_examples_are_not_trusted(folder, how):
    path = folder / "examples" / "source.png"
    path.unlink()
    HARM[how](path)
    with pytest.raises(ModelError, match=r"source\.png"):
        ganzoo.load(folder)


def test_examples_that_point_elsewhere_are_refused(folder, tmp_path):
    path = folder / "examples" / "source.png"
    path.rename(tmp_path / "secret.png")
    path.symlink_to(tmp_path / "secret.png")
    with pytest.raises(ModelError, match=r"source\.png"):
        ganzoo.load(folder)


def test_every_file_of_examples_is_published_and_fetched():
    assert {*examples.published({"source", "text"}), f"{EXAMPLES}/{EXAMPLE_LABELS}"} == set(EXAMPLE_FILES)
    assert all(largest(name) for name in EXAMPLE_FILES)


# --- texts --------------------------------------------------------------------------------------------------


def test_captions_are_kept_and_told(tmp_path):
    folder = train(tmp_path / "told", "teller", "captioned").folder
    gan = ganzoo.load(folder)
    captions = decode_text(gan.examples["text"])
    assert captions[0] == "a" and captions[-1] == "a" * 40
    assert json.loads((folder / "examples" / "text.json").read_text())["text"] == captions
    source = torch.rand(1, 3, SIZE, SIZE).expand(2, -1, -1, -1)
    short, long = gan.sample(source=source, text=["b", "b" * 200])
    assert (long - short).abs().max() > 0.01
    same = gan.sample(2, source=source, text="b")
    torch.testing.assert_close(same[0], short)


@pytest.mark.parametrize("words", ["", "   ", "x" * (LONGEST_TEXT + 1), "é" * (LONGEST_TEXT // 2 + 1)])
def test_captions_have_a_length(words):
    with pytest.raises(UsageError, match="a caption has 1 to 256"):
        encode_text([words])


def test_captions_round_trip():
    assert decode_text(encode_text(["two  words\n", "naïve 🐸"])) == ["two words", "naïve 🐸"]


# --- the command line ---------------------------------------------------------------------------------------


def test_sample_translates_pictures(folder, tmp_path):
    Image.new("RGB", (SIZE, SIZE), "red").save(tmp_path / "red.png")
    done = command("sample", folder, "--input", tmp_path / "red.png", "--out", tmp_path / "out")
    assert done.exit_code == 0 and [path.name for path in (tmp_path / "out").iterdir()] == ["red.png"], done.output
    Image.new("L", (40, 20)).save(tmp_path / "wide.png")
    refused = command("sample", folder, "--input", tmp_path / "wide.png", "--out", tmp_path / "no.png")
    assert refused.exit_code == 2 and "40 x 20 pixels" in refused.stderr and "--resize" in refused.stderr
    done = command("sample", folder, "--input", tmp_path / "wide.png", "--resize", "--out", tmp_path / "grid.png")
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.width > 1.9 * grid.height  # beside its source
    (tmp_path / "bad.png").write_bytes(b"no")
    refused = command("sample", folder, "--input", tmp_path / "bad.png", "--out", tmp_path / "no.png")
    assert refused.exit_code == 1 and "bad.png cannot be read" in refused.stderr
    assert not (tmp_path / "no.png").exists()


def test_commands_about_noise_say_that_there_is_none(folder, tmp_path):
    refused = command("interpolate", folder, "--out", tmp_path / "x.png")
    assert refused.exit_code == 2 and "takes source images, and no noise" in refused.stderr
    refused = command("sample", folder, "--text", "frog", "--out", tmp_path / "x.png")
    assert refused.exit_code == 2 and "no text" in refused.stderr


def test_a_folder_of_pictures_is_translated_in_order(folder, tmp_path):
    (tmp_path / "in").mkdir()
    for name, colour in (("b", "blue"), ("a", "red")):
        Image.new("RGB", (SIZE, SIZE), colour).save(tmp_path / "in" / f"{name}.png")
    done = command("sample", folder, "--input", tmp_path / "in", "--out", tmp_path / "out.npz")
    assert done.stdout.startswith("2 images"), done.output
    images = np.load(tmp_path / "out.npz")["images"]
    red = ganzoo.load(folder).sample(source=Image.new("RGB", (SIZE, SIZE), "red"), output="np")[0]
    np.testing.assert_allclose(images[0] / 255, red, atol=0.003)
    assert np.load(tmp_path / "out.npz")["names"].tolist() == ["a.png", "b.png"]
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "a.png").rename(tmp_path / "in" / "deep" / "a.png")
    (tmp_path / "in" / "._b.JPG").write_bytes(b"what a Mac leaves")
    done = command("sample", folder, "--input", tmp_path / "in", "--out", tmp_path / "named")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "named" / "b.png").is_file() and (tmp_path / "named" / "deep" / "a.png").is_file()
    (tmp_path / "empty").mkdir()
    refused = command("sample", folder, "--input", tmp_path / "empty", "--out", tmp_path / "no.npz")
    assert refused.exit_code == 2 and "holds no pictures" in refused.stderr


# --- scores -------------------------------------------------------------------------------------------------


def test_scores_use_the_sources_of_the_data(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    scores = ganzoo.evaluate(folder, "pairs", metrics=["fid"], n=50_000, features="test_efficientnet:random")
    assert scores[0].key.startswith("fd40-") and scores[0].samples == 40  # each source once
    with pytest.raises(UsageError, match=r"takes source, which .* does not have"):
        ganzoo.evaluate(folder, torch.zeros(8, 3, SIZE, SIZE, dtype=torch.uint8), features="test_efficientnet:random")


def test_unpaired_sources_may_be_fewer_than_images():
    data = pairs(loose=True)
    assert "pairs" not in data.provides and open_data("loose", DataRequest()).unpaired
    columns = data.columns({"source"}, torch.tensor([0, 40]))
    assert torch.equal(columns["source"][0], columns["source"][1]) and columns["source"].min() >= -1
    with pytest.raises(DataError, match="go in pairs"):
        ImageData("x", MemoryImages(torch.zeros(3, 3, 8, 8, dtype=torch.uint8)), paired={"source": data.images})


# --- sources that are smaller than images -------------------------------------------------------------------


def test_sources_as_large_as_images_are_reduced_to_means() -> None:
    rows = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert reduced(rows, (1, 4, 4), (1, 2, 2)).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert reduced(rows, (1, 4, 4), (1, 4, 4)) is rows
    small = rows[:, :, :2, :2]
    assert reduced(small, (1, 4, 4), (1, 2, 2)) is small


def test_grids_show_small_sources_as_large_as_images() -> None:
    images = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    source = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    shown, _ = panels(images, {"source": source})
    assert shown[0, 0].tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 4, 4]] * 2
