"""StyleGAN3's files: a network written from the paper in their layout, and lists of names of the projects' own."""

import json
from pathlib import Path

import pytest
import torch

from ganzoo import ModelError
from tests.foreign.alias_free_peers import drawn, generator_state
from tests.foreign.peers import alone, converter, model, same
from tests.foreign.styled_peers import discriminator_state, fits_its_recipe, judged, noise, recorded

NAME = "nvidia-stylegan3"
LISTS = json.loads((Path(__file__).parent / "data" / "stylegan3.json").read_text())
SIZES = [
    {},
    {"side": 32, "layers": 5, "margin": 3, "full": 32, "planes": 1, "w_dim": 3, "mapping": 3},
    {"radial": True, "classes": 3, "ch": 8, "full": 16},
]


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_it_draws_what_the_papers_network_draws(size):
    state, classes = generator_state(**size), size.get("classes", 0)
    found = alone(NAME, {"G_ema": state})
    gan = model(found)
    assert ("config=r" in found.recipe) == size.get("radial", False)
    z, c = noise(state, classes=classes)
    margin = size.get("margin", 2)
    same(gan.G(z, c), drawn(state, z, c, margin=margin).float())
    gan.G.truncate(0.6)
    same(gan.G(z, c), drawn(state, z, c, 0.6, margin=margin).float())


@torch.no_grad()
def test_d_comes_along_and_has_widths_of_its_own():
    content = {"G": generator_state(radial=True, ch=8, classes=2), "D": discriminator_state([6, 6, 3], 2, width=5)}
    found, images, c = alone(NAME, content), torch.randn(4, 3, 16, 16), torch.eye(2)[[0, 1, 1, 0]]
    same(model(found).D(images, c).score, judged(content["D"], images, c).float())
    assert "ch.d=6" in found.recipe


@torch.no_grad()
def test_the_scale_of_images_is_the_files_where_it_says_so():
    state = generator_state()
    z, c = noise(state)
    content = {"G": recorded(state, {"output_scale": 0.5, "mapping_kwargs": {"lr_multiplier": 0.01}})}
    same(model(alone(NAME, content)).G(z, c), drawn(state, z, c, scale=0.5).float())


@pytest.mark.parametrize("place", sorted({place.rpartition("/")[0] for place in LISTS}))
def test_the_projects_own_lists_of_names_have_a_place_each(place):
    content = {side: {n: torch.zeros(()).expand(s) for n, s in LISTS[f"{place}/{side}"].items()} for side in "GD"}
    fits_its_recipe(alone(NAME, content))


def test_a_first_layer_of_another_size_is_told_by_its_margin():
    assert "margin=7" in alone(NAME, generator_state(margin=7)).recipe


def renamed(old, new):
    return lambda state: {name.replace(old, new): tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    "change, said",
    [
        (renamed("L1_20", "L1_22"), "'synthesis.L1_22_6' are 22 pixels across.*would be 20"),
        (renamed("L2_20", "L7_20"), "5 layers"),
        (renamed("L4_16", "L4_17"), "17 pixels"),
        (renamed("L1_20_6", "L1_20_1"), "maps of 6, 1"),
        (lambda s: s | {"synthesis.L0_20_6.down_filter": torch.ones(12, 12)}, "kernels of 3 pixels"),
        (lambda s: s | {"synthesis.input.other": torch.ones(3), "synthesis.x": torch.ones(1)}, "'synthesis.x'"),
        (lambda s: s | {"mapping.embed.weight": torch.ones(1000, 320)}, "'mapping.embed.bias'"),
    ],
)
def test_other_forms_are_refused_by_the_tensor_that_tells(change, said):
    with pytest.raises(ModelError, match=said):
        converter(NAME).convert(change(generator_state()))
