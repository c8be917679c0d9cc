"""FastGAN: sizes of its peers, gates and windows against plain forms, and what D's maps are decoded into."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganzoo
from ganzoo.layers import GlobalContextExcitation, SkipLayerExcitation
from ganzoo.losses.regularizers.reconstruction import Reconstruction, cut
from ganzoo.parts import Conditioning, Encoding, Output
from ganzoo.plan.resolver import make_plan
from ganzoo.training.loop import Trainer

close = torch.testing.assert_close
SMALLER = 64 * 3 - 3  # the layer by which G of the copies draws a smaller image, less the bias of our last convolution
SIZES = [  # copies of FastGAN's code (hugobb/FastGAN-pytorch), as built in November 2026: G, D with its decoders
    ("fastgan", 256, (29_127_846 - SMALLER, 44), (11_526_160, 106)),
    ("fastgan", 512, (29_174_392 - SMALLER, 54), (11_526_496, 106)),
    ("fastgan", 1024, (29_176_512 - SMALLER, 57), (11_528_192, 109)),
    # Projected GAN's generators (autonomousvision/projected-gan)
    ("fastgan:ch=128,form=double", 256, (105_684_175, 59), None),
    ("fastgan:ch=128,form=double", 1024, (105_884_483, 77), None),
    ("fastgan:ch=128,form=lite", 256, (79_354_307, 29), None),
    ("fastgan:ch=128,form=lite", 1024, (79_531_379, 37), None),
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def size(*modules: nn.Module) -> tuple[int, int]:
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return sum(parameter.numel() for parameter in parameters), len(parameters)


@pytest.mark.parametrize(("recipe", "side", "g", "d"), SIZES)
def test_networks_are_as_large_as_their_peers(recipe, side, g, d):
    gan = ganzoo.build(recipe, side, 3, device="meta")
    assert size(gan.G) == g
    if d is not None:
        assert size(gan.D, *gan.regularizers) == d


def gates(trunk: nn.Module) -> dict[int, int]:
    """By the place of a gated map, that of the map which gates it."""
    pairs = enumerate(zip(trunk.gates, trunk.sources, strict=True), start=1)
    return {i: source for i, (gate, source) in pairs if isinstance(gate, SkipLayerExcitation)}


@pytest.mark.parametrize(
    ("side", "g", "d"),
    [
        (1024, {4: 0, 5: 1, 6: 2, 7: 3}, {3: 0, 4: 1, 5: 2}),  # from 4 to 64 pixels, from 8 to 128, ...; 256 to 32, ...
        (128, {4: 0, 5: 1}, {3: 0, 4: 1}),
        (64, {4: 0}, {3: 0}),
        (32, {3: 0}, {2: 0}),
        (16, {2: 0}, {1: 0}),
    ],
)
def test_small_maps_gate_those_the_paper_says(side, g, d):
    gan = ganzoo.build("fastgan", side, 3, device="meta")
    assert (gates(gan.G.trunk), gates(gan.D.big)) == (g, d)


def test_skip_layer_excitation_is_that_of_the_paper():
    layer, high, low = SkipLayerExcitation(6, 4), torch.randn(3, 4, 10, 12), torch.randn(3, 6, 8, 12)
    pooled = low.reshape(3, 6, 4, 2, 4, 3).mean((3, 5))
    hidden = torch.einsum("bchw,ochw->bo", pooled, layer.squeeze.weight)
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    gate = 1 / (1 + torch.exp(-hidden @ layer.excite.weight[:, :, 0, 0].T))
    close(layer(high, low), gate[:, :, None, None] * high)


def test_global_context_excitation_weighs_pixels():
    layer, high, low = GlobalContextExcitation(6, 4), torch.randn(2, 4, 5, 5), torch.randn(2, 6, 3, 4)
    weights = layer.place(low).flatten(1).softmax(1)
    context = torch.einsum("bcp,bp->bc", low.flatten(2), weights)
    hidden = context @ layer.squeeze.weight[:, :, 0, 0].T + layer.squeeze.bias
    hidden = torch.where(hidden > 0, hidden, 0.1 * hidden)
    gate = torch.sigmoid(hidden @ layer.excite.weight[:, :, 0, 0].T + layer.excite.bias)
    close(layer(high, low), gate[:, :, None, None] * high)


def test_windows_are_the_convolution_of_the_paper():
    gan = ganzoo.build("fastgan:ch=4+weight/none", 32, 3)
    maps, y, kernel = torch.randn(2, 64, 8, 8), torch.zeros(2, 0), gan.D.head.head.score.weight
    assert kernel.shape == (1, 64 * 16)
    close(gan.D.head(maps, y).scores, F.conv2d(maps, kernel.reshape(1, 64, 4, 4)).flatten(1), atol=1e-5, rtol=1e-5)


def test_d_scores_both_sizes_of_the_image_and_tells_its_maps():
    gan = ganzoo.build("fastgan:ch=8+weight/none", 64, 3)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    said = gan.D(x, torch.zeros(2, 0))
    assert said.scores.shape == (2, 50) and said.features.shape == (2, gan.D.features)
    found = {name: tuple(maps.shape[1:]) for name, maps in said.extras["encodings"].items()}
    assert found == {"part": (32, 16, 16), "whole": (64, 8, 8), "small": (32, 8, 8)}
    for name, encoding in gan.D.encodings.items():
        assert found[name] == (encoding.channels, 64 // encoding.scale, 64 // encoding.scale)
    assert said.extras["seen"] is x
    shifted = gan.D(x + 0.1 * torch.tensor([1.0, -1.0]).repeat(32), torch.zeros(2, 0))
    # What a mean over pairs of pixels hides, the second trunk does not see.
    close(shifted.scores[:, 25:], said.scores[:, 25:])
    assert (shifted.scores[:, :25] - said.scores[:, :25]).abs().max() > 1e-3


class Encoder(nn.Module):
    """A discriminator that pools an image to maps of one channel."""

    encodings: ClassVar[dict[str, Encoding]] = {"part": Encoding(1, 2, cropped=True), "whole": Encoding(1, 4)}
    shapes = ((1, 8, 8), (0,))

    def forward(self, x: Tensor, y: Tensor) -> Output:
        maps = {"part": F.avg_pool2d(x, 2), "whole": F.avg_pool2d(x, 4)}
        return Output(x.mean((1, 2, 3)), x, {"encodings": maps, "seen": x})


class Context:
    """An update of D, in which nobody may look at fakes."""

    player = "d"

    def __init__(self, real: Tensor) -> None:
        self.real = real

    def discriminate(self, x: Tensor) -> Output:
        assert x is self.real
        return Encoder()(x, torch.zeros(len(x), 0))


@pytest.mark.parametrize(("distance", "power"), [("l1", 1), ("l2", 2)])
def test_the_term_is_the_sum_of_distances_to_the_image_and_a_part_of_it(distance, power):
    part = Reconstruction(weight=3.0, distance=distance)
    part.prepare({"D": Encoder()})
    real = torch.rand(4, 1, 8, 8) * 2 - 1
    doubled = {"part": 2, "whole": 4}
    shapes = {name: decoder(torch.zeros(1, 1, 2, 2)).shape[2:] for name, decoder in part.decoders.items()}
    assert shapes == {name: (2 * times, 2 * times) for name, times in doubled.items()}
    for name, times in doubled.items():  # what decodes by enlarging alone
        part.decoders[name] = nn.UpsamplingNearest2d(scale_factor=times)
    state = torch.get_rng_state()
    term = part.terms(Context(real))["reconstruction"]
    torch.set_rng_state(state)
    places = (torch.rand(4, 2) * 3).long()  # the part is 2x2 of 4x4
    smooth = {
        times: F.avg_pool2d(real, times).repeat_interleave(times, 2).repeat_interleave(times, 3) for times in (2, 4)
    }
    gaps = [(smooth[2] - real)[i, :, 2 * a : 2 * a + 4, 2 * b : 2 * b + 4] for i, (a, b) in enumerate(places.tolist())]
    wanted = torch.stack(gaps).abs().pow(power).mean() + (smooth[4] - real).abs().pow(power).mean()
    close(term, 3 * wanted)
    assert len(set(map(tuple, places.tolist()))) > 1


def test_a_part_of_the_map_goes_with_that_part_of_the_image():
    image = torch.arange(2 * 16 * 32, dtype=torch.float32).reshape(2, 1, 16, 32)
    maps, images = cut(F.avg_pool2d(image, 4), image, 0.5)
    assert maps.shape == (2, 1, 2, 4) and images.shape == (2, 1, 8, 16)
    close(F.avg_pool2d(images, 4), maps)


@pytest.mark.parametrize("form", ["nearest", "shuffled"])
def test_decoders_learn_with_d_alone_and_from_real_images(form):
    gan = ganzoo.build(f"fastgan:ch=4+reconstruction:form={form},weight=100", 16, 1)
    trainer, (part,) = Trainer(gan, 0, 4), gan.regularizers
    before = {name: value.clone() for name, value in part.named_parameters()}
    batch = {"image": torch.rand(4, 1, 16, 16) * 2 - 1}
    terms = {turn.player: turn.loss(batch, 0) for turn in gan.turns()}
    assert "reconstruction" in terms["d"] and "reconstruction" not in terms["g"]
    trainer.train_step([batch])
    assert all((value != before[name]).any() for name, value in part.named_parameters())


def test_a_d_that_nothing_can_be_decoded_from_does_without():
    plan = make_plan("fastgan+dcgan@d")
    assert not plan.parts("regularizer")
    assert "reconstruction needs encoding, which dcgan lacks: left out" in plan.notes
    assert [slot.name for slot in make_plan("dcgan+fastgan@d").parts("regularizer")] == []
    assert [slot.name for slot in make_plan("dcgan+fastgan@d+reconstruction").parts("regularizer")] == [
        "reconstruction"
    ]


@pytest.mark.parametrize(
    ("recipe", "side", "says"),
    [
        ("dcgan+reconstruction", 16, "reconstruction needs 'encoding' (from fastgan"),
        ("fastgan+dcgan@d+reconstruction", 16, "reconstruction needs 'encoding'"),
        ("fastgan", 2048, "up to 1024 pixels, not 2048x2048: try --resolution 1024"),
        ("fastgan", 24, "nearest sizes it can are 16 and 32"),
        ("fastgan:ch=0", 16, "fastgan:ch"),
        ("fastgan+reconstruction:crop=0", 16, "reconstruction:crop"),
        ("fastgan+reconstruction:every=0", 16, "reconstruction:every"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line(recipe, side, says):
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, side, 1)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_labels_and_rectangles():
    gan = ganzoo.build("fastgan:ch=4+cbn@g+projection", (16, 32), 3, 3)
    assert gan.sample(2, seed=0).shape == (2, 3, 16, 32)
    x = torch.rand(2, 3, 16, 32)
    first, second = (gan.D.eval()(x, torch.eye(3)[[label] * 2]).scores for label in (0, 1))
    assert (first != second).any() and isinstance(gan.D.conditioning, Conditioning)
