import math

import pytest
import torch
from ganzoo_toy import duel
from ganzoo_toy.mixtures import Mixture, found, grid, mixture_of, ring
from ganzoo_toy.training import Dirac, learn

import ganzoo
from ganzoo import GanzooError, UsageError


def ends(dynamics, function="bilinear"):
    return float(duel.path(duel.field_of(function), dynamics, (1.0, 1.0), 400, 0.1)[-1].norm())


def test_at_once_runs_off_in_turn_circles_and_looking_ahead_arrives():
    assert ends("simultaneous") > 5
    assert 0.9 < ends("alternating") < 2
    assert ends("extragradient") < 0.3 and ends("optimistic") < 0.3


@pytest.mark.parametrize("name", duel.FUNCTIONS)
def test_a_field_is_the_slope_of_its_function(name):
    place, step = torch.tensor([0.3, -0.7], dtype=torch.float64), 1e-6
    f = duel.FUNCTIONS[name]
    slopes = [
        (f(*(place + step * way)) - f(*(place - step * way))) / (2 * step) for way in torch.eye(2, dtype=torch.float64)
    ]
    assert torch.allclose(duel.field_of(name)(place), torch.stack([-slopes[0], slopes[1]]), atol=1e-6)


def test_a_path_that_runs_off_ends_before_infinity():
    path = duel.path(duel.field_of("unstable"), "simultaneous", (1.0, 1.0), 10_000, 1.0)
    assert len(path) < 10_001 and bool(path.isfinite().all())


def test_wasserstein_circles_a_point_and_r1_brings_it_home():
    def distance(recipe):
        return float(Dirac(recipe).path(400)[-1].norm())

    assert distance("wgan+penalty/none") > 1
    assert distance("wgan+r1:gamma=1") < 0.01


def test_the_field_of_dirac_is_the_papers():
    game = Dirac("wgan+penalty/none")
    assert game.direction(0.5, -2.0) == pytest.approx((-2.0, -0.5))
    game = Dirac("bce+r1:gamma=1")
    slope = 1 / (1 + math.exp(-0.5 * -2.0))
    assert game.direction(0.5, -2.0)[1] == pytest.approx(-0.5 * slope + 2.0, abs=1e-5)


def test_modes_are_counted_where_points_are():
    mixture = Mixture(torch.tensor([[0.0, 0], [5, 0], [0, 5]]), 0.1)
    points = torch.tensor([[0.0, 0.1], [0.05, 0], [5.0, 0.2], [9, 9]])
    seen = found(mixture, points)
    assert (seen.modes, seen.of, seen.quality) == (2, 3, 0.75)
    shares = (2 / 3, 1 / 3)
    assert seen.balance == pytest.approx(sum(s * math.log(3 * s) for s in shares))


@pytest.mark.parametrize("name, modes", [("ring", 8), ("grid", 25)])
def test_a_mixtures_own_points_cover_it(name, modes):
    mixture = mixture_of(name)
    seen = found(mixture, mixture.draw(5000, torch.Generator().manual_seed(0)))
    assert seen.modes == seen.of == modes and seen.quality > 0.97 and seen.balance < 0.02


def test_centres_stand_where_the_papers_have_them():
    assert torch.allclose(ring().centres.norm(dim=1), torch.tensor(2.0))
    assert grid().centres.abs().max() == 2


def test_a_lesson_learns_and_repeats():
    once, again = (learn("bce", Mixture(torch.tensor([[2.0, 0.0]]), 0.3), 150, looks=2) for _ in range(2))
    assert torch.equal(once.looks[-1].points, again.looks[-1].points)
    assert once.looks[-1].found.quality > 0.3 > once.looks[0].found.quality


# A loss of class logits; codes, which give G a layer: here G is one number.
NOT_FOR_NUMBERS = {"multi-hinge", "info-context"}


def parts(kind, met=True):
    """Names of the zoo's parts of a kind whose declared needs a number meets, or does not."""
    known = [ganzoo.info(f"{kind}/{name}") for name in ganzoo.list(kind) if name not in NOT_FOR_NUMBERS]
    return [part.name for part in known if (part.requires <= ganzoo.info("dirac").provides) == met]


@pytest.mark.parametrize("loss", parts("loss"))
def test_every_loss_of_the_zoo_plays(loss):
    assert bool(Dirac(loss).path(3).isfinite().all())
    assert len(learn(loss, ring(), 2, looks=1).looks) == 2


@pytest.mark.parametrize("penalty", parts("regularizer"))
def test_every_penalty_of_the_zoo_plays(penalty):
    assert bool(Dirac(f"hinge+{penalty}").path(3).isfinite().all())


@pytest.mark.parametrize("part", [*parts("loss", met=False), *parts("regularizer", met=False)])
def test_what_needs_more_than_numbers_says_so(part):
    with pytest.raises(GanzooError, match="needs '"):
        Dirac(part)


def test_images_are_not_for_points():
    with pytest.raises(GanzooError, match="resolution 1"):
        ganzoo.build("points", resolution=32)
    with pytest.raises(UsageError, match="no mixture"):
        mixture_of("rings")
