"""Equivariance: what moves as one has many decibels, what is glued to pixels few."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from tiny_runs import Labelled
from torch import Tensor, nn

import ganzoo
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.layers import FourierInput
from ganzoo.metrics import evaluate
from ganzoo.metrics.equivariance import decibels, lanczos
from ganzoo.training.loop import Trainer


def pictures(side: int = 32) -> ImageData:
    return open_data(Labelled(8), DataRequest(split="all", resolution=side))


@pytest.fixture(scope="module")
def data() -> ImageData:
    return pictures()


def measured(gan: GAN, data: ImageData, metric: str, n: int = 2) -> dict[str, float]:
    return {score.metric: score.value for score in evaluate(gan.eval(), data, metrics=[metric], n=n)}


class Waving(nn.Module):
    """Stands for StyleGAN2's learnt constant: waves on a map of 4x4, as the paper's configuration B has them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = FourierInput(channels, 1, (4, 4), 4, 2.0)

    def expand(self, n: int, *_: int) -> Tensor:
        made: Tensor = self.input(torch.zeros(n, 1))
        return made


def with_waves(gan: GAN) -> GAN:
    """StyleGAN2 whose input can be moved."""
    trunk: Any = gan.G.trunk
    channels = trunk.constant.shape[1]
    del trunk.constant
    trunk.constant = Waving(channels)
    return gan


def built(recipe: str) -> GAN:
    torch.manual_seed(0)
    gan = ganzoo.build(recipe, 32, 1, z_dim=8)
    with torch.no_grad():  # so that both make images of one range, against which decibels are
        spread = gan.eval().G(torch.randn(4, 8), torch.zeros(4, 0)).std()
        *_, last = [m for name, m in gan.G.trunk.named_children() if name in ("image", "images")]
        for layer in last if isinstance(last, nn.ModuleList) else [last]:
            layer.conv.weight.div_(2 * spread)
    return gan


def test_stylegan3_moves_as_one_and_stylegan2_does_not(data: ImageData) -> None:
    alias_free = built("stylegan3:ch=16,layers=5,margin=6")
    glued = with_waves(built("stylegan2:ch=16"))
    ours, theirs = (measured(gan, data, "eq-t") for gan in (alias_free, glued))
    assert set(ours) == {"eq-t", "eq-t-frac"}
    assert ours["eq-t"] > 40 and ours["eq-t"] > theirs["eq-t"] + 15
    assert ours["eq-t-frac"] > 30 and ours["eq-t-frac"] > theirs["eq-t-frac"] + 10


def test_configuration_r_turns_as_one_and_t_does_not(data: ImageData) -> None:
    turning, upright = (
        measured(built(f"stylegan3:ch=8,layers=5,margin=6,config={config}"), data, "eq-r")["eq-r"] for config in "rt"
    )
    assert turning > 35 and turning > upright + 10


@pytest.mark.slow
def test_it_stays_so_while_they_learn(data: ImageData) -> None:
    values = []
    for made in (built("stylegan3:ch=16,layers=5,margin=6"), with_waves(built("stylegan2:ch=16,mixing=0"))):
        trainer = Trainer(made, 0, 3)
        for _ in range(3):
            trainer.train_step([{"image": torch.rand(8, 1, 32, 32) * 2 - 1}] * trainer.batches_per_step)
        values.append(measured(made, data, "eq-t")["eq-t"])
    assert values[0] > values[1] + 10


def test_the_batch_size_changes_nothing_and_the_model_is_left_where_it_was(data: ImageData) -> None:
    gan = built("stylegan3:ch=4,layers=4,margin=4").train()
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    values = [evaluate(gan, data, metrics=["eq-t"], n=3, batch=batch)[0].value for batch in (2, 3)]
    assert values[0] == pytest.approx(values[1], abs=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in gan.state_dict().items())


def test_what_has_nothing_to_move_or_to_turn_is_refused(data: ImageData) -> None:
    with pytest.raises(UsageError, match="dcgan has no input that can be moved"):
        evaluate(ganzoo.build("dcgan:ch=4", 32, 1), data, metrics=["eq-r"], n=2)
    with pytest.raises(UsageError, match="24 pixels"):
        evaluate(ganzoo.build("stylegan3:ch=4,layers=4", 16, 1), pictures(16), metrics=["eq-r"], n=2)


def test_lanczos_moves_smooth_pictures_as_a_spline_does() -> None:
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.normal(size=(32, 32)), 2.0)
    image = torch.from_numpy(smooth / smooth.std()).float()[None, None]
    y, x = torch.meshgrid(*[torch.arange(32.0) - 15.5] * 2, indexing="ij")
    cos, sin = math.cos(0.3), math.sin(0.3)
    places = torch.stack([cos * x + sin * y + 0.4, cos * y - sin * x - 1.3], 2)[None]
    at = np.stack([places[0, ..., 1].numpy(), places[0, ..., 0].numpy()]) + 15.5
    wanted = ndimage.map_coordinates(image[0, 0].numpy(), at, order=5, mode="nearest")
    middle = slice(8, -8)
    assert np.abs(lanczos(image, places)[0, 0].numpy() - wanted)[middle, middle].max() < 0.02
    whole = torch.stack([x + 2, y - 1], 2)[None]
    assert torch.allclose(lanczos(image, whole)[..., 1:, :-2], image[..., :-1, 2:], atol=1e-5)


def test_decibels_are_against_the_range_from_minus_one_to_one() -> None:
    assert decibels(4.0) == 0 and decibels(0.04) == pytest.approx(20) and decibels(0.0) == 150


def test_a_model_that_was_saved_and_has_no_discriminator_is_measured(data: ImageData, tmp_path: Path) -> None:
    gan = built("stylegan3:ch=4,layers=4,margin=4")
    gan.save(tmp_path / "model")
    loaded = ganzoo.load(tmp_path / "model")
    assert "D" not in dict(loaded.named_children())
    (score, _), (turned,) = (evaluate(loaded, data, metrics=[name], n=2) for name in ("eqt", "eqr"))
    assert score.metric == "eq-t" and score.value == pytest.approx(measured(gan, data, "eq-t")["eq-t"], abs=1e-3)
    assert turned.metric == "eq-r" and 0 < turned.value < 150
    ganzoo.build("dcgan:ch=4", 32, 1).save(tmp_path / "plain")
    with pytest.raises(UsageError, match="dcgan has no input that can be moved"):
        evaluate(ganzoo.load(tmp_path / "plain"), data, metrics=["eqt"], n=2)
