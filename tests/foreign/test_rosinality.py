"""rosinality's checkpoints of StyleGAN2: a network written from the paper, its tensors under that project's names."""

import pytest
import torch

from ganzoo import ModelError
from tests.foreign.peers import alone, converter, model, same
from tests.foreign.styled_peers import FILTER, discriminator_state, drawn, generator_state, judged, noise

NAME = "rosinality-stylegan2"


def layer(state, theirs, at):
    return {
        f"{theirs}.conv.weight": state[f"{at}.weight"][None],
        f"{theirs}.conv.modulation.weight": state[f"{at}.affine.weight"],
        f"{theirs}.conv.modulation.bias": state[f"{at}.affine.bias"],
    }


def styled(state, theirs, at):
    rest = {
        f"{theirs}.noise.weight": state[f"{at}.noise_strength"].reshape(1),
        f"{theirs}.activate.bias": state[f"{at}.bias"],
    }
    return layer(state, theirs, at) | rest


def image(state, theirs, at):
    return layer(state, theirs, at) | {f"{theirs}.bias": state[f"{at}.bias"].reshape(1, -1, 1, 1)}


def g_of(state):
    """The generator's tensors under the project's names."""
    made = {"input.input": state["synthesis.b4.const"][None]}
    for name, tensor in state.items():
        if name.startswith("mapping.fc"):
            number, _, end = name.removeprefix("mapping.fc").partition(".")
            made[f"style.{int(number) + 1}.{end}"] = tensor
    made |= styled(state, "conv1", "synthesis.b4.conv1") | image(state, "to_rgb1", "synthesis.b4.torgb")
    made["noises.noise_0"] = state["synthesis.b4.conv1.noise_const"][None, None]
    for i, side in enumerate([8, 16, 32]):
        at = f"synthesis.b{side}"
        if f"{at}.conv0.weight" in state:
            for j in (0, 1):
                made |= styled(state, f"convs.{2 * i + j}", f"{at}.conv{j}")
                made[f"noises.noise_{2 * i + j + 1}"] = state[f"{at}.conv{j}.noise_const"][None, None]
            made[f"convs.{2 * i}.conv.blur.kernel"] = made[f"to_rgbs.{i}.upsample.kernel"] = FILTER * 4
            made |= image(state, f"to_rgbs.{i}", f"{at}.torgb")
    return made


def d_of(state, top=16):
    """The discriminator's."""
    made = {f"convs.0.{i}.{end}": state[f"b{top}.fromrgb.{end}"] for i, end in enumerate(["weight", "bias"])}
    for i, side in enumerate([top, top // 2], start=1):
        at = f"convs.{i}"
        made |= {f"{at}.conv1.{j}.{end}": state[f"b{side}.conv0.{end}"] for j, end in enumerate(["weight", "bias"])}
        made |= {f"{at}.conv2.{j}.{end}": state[f"b{side}.conv1.{end}"] for j, end in enumerate(["weight", "bias"], 1)}
        made |= {f"{at}.skip.1.weight": state[f"b{side}.skip.weight"]}
        made |= {f"{at}.conv2.0.kernel": FILTER, f"{at}.skip.0.kernel": FILTER}
    made |= {f"final_conv.{i}.{end}": state[f"b4.conv.{end}"] for i, end in enumerate(["weight", "bias"])}
    for end in ("weight", "bias"):
        made |= {f"final_linear.0.{end}": state[f"b4.fc.{end}"], f"final_linear.1.{end}": state[f"b4.out.{end}"]}
    return made


@torch.no_grad()
def test_it_draws_and_judges_what_the_papers_networks_do():
    state, d = generator_state([8, 8, 4], z_dim=6, layers=4), discriminator_state([8, 8, 4])
    content = {"g": g_of(generator_state([8, 8, 4], z_dim=6, layers=4, seed=9)), "d": d_of(d), "g_ema": g_of(state)}
    found = alone(NAME, {**content, "latent_avg": state["mapping.w_avg"], "g_optim": {"state": {}}, "args": None})
    gan, (z, c), images = model(found), noise(state), torch.randn(4, 3, 16, 16)
    same(gan.G(z, c), drawn(state, z, c).float())
    gan.G.truncate(0.6)
    same(gan.G(z, c), drawn(state, z, c, 0.6).float())
    same(gan.D(images, torch.zeros(4, 0)).score, judged(d, images, None).float())
    assert found.notes == ["G is 'g_ema' of the file."]


@torch.no_grad()
def test_without_a_mean_truncation_takes_draws_and_filters_are_the_usual_ones():
    state = generator_state([4, 4], z_dim=6)
    bare = {name: tensor for name, tensor in g_of(state).items() if "kernel" not in name}
    gan, (z, c) = model(alone(NAME, bare)), noise(state)
    same(gan.G(z, c), drawn(state, z, c).float())
    gan.G.truncate(0.0)
    same(gan.G.styles(z, c)[:, 0], gan.G.center(c))


@torch.no_grad()
def test_noise_constants_are_drawn_where_a_file_has_none():
    state = generator_state([4, 4], z_dim=6)
    old = {name: tensor for name, tensor in g_of(state).items() if not name.startswith("noises")}
    first, second = (alone(NAME, {"g_ema": old}) for _ in range(2))
    assert "no noise constants" in first.notes[-1]
    constant = first.networks["G"]["trunk.ups.0.noise.constant"]
    assert constant.std() > 0.5 and torch.equal(constant, second.networks["G"]["trunk.ups.0.noise.constant"])


def test_numbers_beyond_reason_have_no_place():
    state, far = generator_state([4, 4], z_dim=6), {"to_rgbs.999999999.conv.weight": torch.ones(1)}
    with pytest.raises(ModelError, match="no place for 'to_rgbs"):
        converter(NAME).convert({"g_ema": g_of(state) | far})
    d = d_of(discriminator_state([8, 8, 4])) | {"convs.999999999.conv1.0.weight": torch.ones(1)}
    assert "no place for 'convs" in alone(NAME, {"g": g_of(state), "d": d}).notes[-1]


def test_another_d_is_left_out_and_another_g_refused():
    g, d = g_of(generator_state([8, 8, 4], z_dim=6)), d_of(discriminator_state([8, 8, 4]))
    found = alone(NAME, {"g_ema": g, "d": d | {"dwt.ll": torch.ones(2, 2)}})
    assert set(found.networks) == {"G"} and "'dwt.ll'" in found.notes[-1]
    with pytest.raises(ModelError, match="'iwt\\.ll'"):
        converter(NAME).convert({"g_ema": g | {"iwt.ll": torch.ones(2, 2)}})
