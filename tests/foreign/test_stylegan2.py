"""StyleGAN2's files: a network written from the paper in their layout, and lists of names of the projects' own."""

import json
from pathlib import Path

import pytest
import torch

from ganzoo import ModelError
from tests.foreign.peers import alone, converter, model, same
from tests.foreign.styled_peers import (
    discriminator_state,
    drawn,
    fits_its_recipe,
    generator_state,
    judged,
    noise,
    recorded,
)

NAME = "nvidia-stylegan2"
LISTS = json.loads((Path(__file__).parent / "data" / "stylegan2.json").read_text())
SIZES = [  # channels of maps of 4, 8, ... pixels, and what else
    dict(widths=[8, 8, 4], layers=2, planes=3),
    dict(widths=[6, 6, 6], w_dim=3, layers=8, classes=4, planes=1),
    dict(widths=[8, 4, 2], z_dim=9, layers=1, planes=4, noisy=False),
    dict(widths=[12, 12, 9, 4], layers=3, classes=2),  # a base that is no power of two: 12 · 12
]


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_it_draws_what_the_papers_network_draws(size):
    state, classes = generator_state(**size), size.get("classes", 0)
    gan = model(alone(NAME, state))
    z, c = noise(state, classes=classes)
    assert (gan.resolution, gan.z_dim) == (4 << len(size["widths"]) - 1, z.shape[1])
    same(gan.G(z, c), drawn(state, z, c).float())
    gan.G.truncate(0.6)
    same(gan.G(z, c), drawn(state, z, c, psi=0.6).float())


@pytest.mark.parametrize(
    "classes, more",
    [
        (0, {}),
        (3, {"width": 5, "layers": 2}),
        (0, {"form": "plain", "score": "linear1"}),
        (2, {"form": "plain", "score": "linear1", "width": 6}),
    ],
)
@torch.no_grad()
def test_d_scores_what_the_papers_d_scores(classes, more):
    content = {"G": generator_state([6, 6, 3], classes=classes), "D": discriminator_state([6, 6, 3], classes, **more)}
    found = alone(NAME, content)
    gan, (_, c) = model(found), noise(content["G"], 4, classes)
    images = torch.randn(4, 3, 16, 16)
    same(gan.D(images, c).score, judged(content["D"], images, c).float())
    assert found.notes == ["G is 'G' of the file."]


@torch.no_grad()
def test_a_d_of_other_widths_is_its_own():
    content = {"G": generator_state([8, 8, 8]), "D": discriminator_state([6, 3, 1])}
    gan, images = model(alone(NAME, content)), torch.randn(2, 3, 16, 16)
    same(gan.D(images, torch.zeros(2, 0)).score, judged(content["D"], images, None).float())


@torch.no_grad()
def test_the_average_is_taken_whatever_comes_first():
    first, average = generator_state([4, 4]), generator_state([4, 4], seed=7)
    for content in (
        {"G": first, "G_ema": average},
        {"g_ema": {"module." + n: t for n, t in average.items()}, "g": first},
    ):
        z, c = noise(average)
        same(model(alone(NAME, {"step": 3, **content})).G(z, c), drawn(average, z, c).float())


@torch.no_grad()
def test_weights_in_half_precision_sample_in_float32():
    state = generator_state([4, 4])
    halves = {name: tensor.half() for name, tensor in state.items()}
    z, c = noise(state)
    same(model(alone(NAME, {"state_dict": halves})).G(z, c), drawn(halves, z, c).float())


@torch.no_grad()
def test_a_pickle_of_networks_is_read_with_what_they_were_made_with():
    speed = 0.05
    state = generator_state([4, 4], classes=2, speed=speed)
    d = discriminator_state([4, 4], 2, width=4, speed=speed)
    mapping = {"mapping_kwargs": {"num_layers": 2, "lr_multiplier": speed}}
    content = {
        "training_set_kwargs": {"path": "faces.zip"},
        "D": recorded(d, {**mapping, "epilogue_kwargs": {"mbstd_group_size": 8}}),
        "G": None,
        "augment_pipe": recorded({"p": torch.zeros(())}, {}),
        "G_ema": recorded(state, {**mapping, "synthesis_kwargs": {"num_fp16_res": 4, "conv_clamp": 256}}),
    }
    found = alone(NAME, content)
    gan, (z, c), images = model(found), noise(state, 8, classes=2), torch.randn(8, 3, 8, 8)
    same(gan.G(z, c), drawn(state, z, c, speed=speed).float())
    same(gan.D(images, c).score, judged(d, images, c, speed).float())
    assert "group=8" in found.recipe and "half precision" in found.notes[1] and "conv_clamp" in found.notes[2]


@pytest.mark.parametrize(
    "content", [None, 3, [], {}, {"G_ema": recorded({"a": "text"}, {})}, {"a": {"b": torch.ones(1)}}]
)
def test_other_contents_are_not_taken(content):
    assert not converter(NAME).fits(content)


@pytest.mark.parametrize("place", sorted({place.rpartition("/")[0] for place in LISTS}))
def test_the_projects_own_lists_of_names_have_a_place_each(place):
    content = {side: {n: torch.zeros(()).expand(s) for n, s in LISTS[f"{place}/{side}"].items()} for side in "GD"}
    assert set(fits_its_recipe(alone(NAME, content))) == {"G", "D"}


def without(state, part):
    return {name: tensor for name, tensor in state.items() if part not in name}


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: without(s, "b4.torgb"), "no 'synthesis.b4.torgb.weight'"),
        (lambda s: s | {"synthesis.b8.skip.weight": torch.ones(4, 4, 1, 1)}, "no place for 'synthesis.b8.skip.weight'"),
        (lambda s: s | {"mapping.fc0.weight": torch.ones(9, 5)}, "'mapping.fc0.weight' makes 9"),
        (lambda s: s | {"synthesis.b8.conv0.resample_filter": torch.ones(6, 6)}, "resample_filter"),
        (lambda s: s | {"synthesis.b8.conv0.resample_filter": torch.arange(16.0).reshape(4, 4)}, "resample_filter"),
        (lambda s: s | {"synthesis.b4.conv1.weight": torch.ones(3, 3, 3)}, "'synthesis.b4.conv1.weight' has 3 dim"),
        (lambda s: s | {"synthesis.b8.conv1.weight": torch.ones(5, 4, 3, 3)}, "maps of 4, 5 channels"),
        (lambda s: s | {"mapping.embed.weight": torch.ones(9, 320)}, "mapping.embed.bias"),
    ],
)
def test_other_forms_are_refused_by_the_tensor_that_tells(change, said):
    with pytest.raises(ModelError, match=said):
        converter(NAME).convert(change(generator_state([4, 4])))


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: s | {"b4.conv.weight": torch.ones(4, 4, 3, 3)}, "0 maps of minibatch std"),
        (lambda s: s | {"b8.fromrgb.weight": torch.ones(4, 1, 1, 1)}, "takes 1 planes"),
        (lambda s: s | {"linear2.weight": torch.ones(1)}, "'linear2.weight'"),
        (lambda s: s | {"b4.out.weight": torch.ones(7, 4)}, "7 numbers of no label"),
    ],
)
def test_a_d_of_another_form_is_left_out_and_said(change, said):
    found = alone(NAME, {"G_ema": generator_state([4, 4]), "D": change(discriminator_state([4, 4]))})
    assert set(found.networks) == {"G"} and said in " ".join(found.notes)
    model(found)
