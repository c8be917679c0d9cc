"""What a person draws, as a loss."""

import pytest
import torch
from ganzoo_edit.constraints import Constraints, Strokes, edge_histograms
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.scene import draw_on, follow_strokes, fresh

import ganzoo

SIDE = 16


def strokes(**given) -> Strokes:
    blank = {"paint": torch.zeros(3, SIDE, SIDE), **{k: torch.zeros(SIDE, SIDE) for k in ("covered", "sketch", "keep")}}
    return Strokes(**{**blank, **given})


def half(upper: bool) -> torch.Tensor:
    return torch.cat([torch.full((8, SIDE), float(upper)), torch.full((8, SIDE), float(not upper))])


def test_colour_counts_where_there_is_paint():
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, SIDE, SIDE)
    constraints = Constraints(strokes(paint=red, covered=half(True)), torch.zeros(3, SIDE, SIDE))
    as_drawn, elsewhere, nowhere = red * half(True), red * half(False), red * 0
    losses = constraints(torch.stack([as_drawn, elsewhere, nowhere]))
    assert losses.tolist() == pytest.approx([0, 1 / 3, 1 / 3])
    faint = Constraints(strokes(paint=red, covered=0.5 * half(True)), nowhere)
    assert faint(nowhere[None]) == pytest.approx(1 / 3), "how many strokes there are does not weigh"


def test_keep_and_hold_compare_with_the_picture_before():
    before = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    changed = torch.where(half(True) > 0, 1 - before, before)
    kept = Constraints(strokes(keep=half(True)), before)
    assert kept(torch.stack([before, changed])).tolist() == [0, pytest.approx(float(kept.terms(changed[None])["keep"]))]
    assert kept(changed[None]) > 0.1 and Constraints(strokes(keep=half(False)), before)(changed[None]) == 0
    held = Constraints(strokes(covered=half(False), paint=before), before, hold=0.5)
    free = Constraints(strokes(covered=half(False), paint=before), before, hold=0.0)
    assert held(changed[None]) > 0.05 and free(changed[None]) == 0 == held(before[None])


def test_sketch_wants_an_edge_of_that_direction_there():
    line = torch.zeros(SIDE, SIDE)
    line[8, 2:14] = 1
    flat = torch.zeros(3, SIDE, SIDE)
    across, down = flat.clone(), flat.clone()
    across[:, 8:], down[:, :, 8:] = 1, 1
    term = Constraints(strokes(sketch=line), flat).terms
    edge, inverse, wrong, none = term(torch.stack([across, 1 - across, down, flat]))["sketch"].tolist()
    assert edge < 0.4 < wrong and edge == pytest.approx(inverse, abs=1e-4) and none > 0.9
    grey = Constraints(strokes(sketch=line), flat[:1]).terms(across[None, :1])["sketch"]
    assert grey == pytest.approx(edge, abs=1e-4)


def test_edges_are_smooth_everywhere():
    for image in (torch.zeros(1, 1, SIDE, SIDE), torch.rand(1, 1, SIDE, SIDE)):
        image.requires_grad_(True)
        histogram = edge_histograms(image)
        histogram.sum().backward()
        assert image.grad.isfinite().all() and (histogram.square().sum(1) <= 1 + 1e-5).all()


@pytest.mark.parametrize("kind", ["colour", "classes"])
def test_the_picture_follows_the_strokes(models, kind):
    manifold = Manifold(ganzoo.load(models[kind]), kind)
    scene = fresh(manifold, 3, 0, 0 if manifold.classes else None)
    other = manifold.look(manifold.noise(1, 77), scene.labels(manifold, 1))[0]
    scene = draw_on(scene, manifold, strokes(paint=other, covered=half(True)), {}, 0)
    assert torch.equal(scene.row, scene.anchor) and len(scene.z) == 3
    seen = list(follow_strokes(scene, manifold, 60))
    off = [(one.images[:, :, :8] - other[:, :8]).square().mean((1, 2, 3)) for one in (seen[0], seen[-1])]
    assert off[1][0] < 0.5 * off[0][0] and seen[-1].loss < seen[0].loss
    assert (seen[-1].z.square().mean(1) < 1.5).all()


def test_nothing_drawn_moves_nothing(models):
    manifold = Manifold(ganzoo.load(models["colour"]), "it")
    scene = fresh(manifold, 2, 0, None)
    assert list(follow_strokes(scene, manifold)) == []
    kept = draw_on(scene, manifold, strokes(keep=half(True)), {}, 0)
    assert list(follow_strokes(kept, manifold)) == []
