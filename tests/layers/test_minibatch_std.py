"""Minibatch standard deviation: its numbers, its groups, and what it does in several processes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganzoo.distributed.batch import World, use_world
from ganzoo.errors import UsageError
from ganzoo.layers import MinibatchStd, minibatch_std

GROUPS = {  # (batch, group): the sizes of the groups, in order
    (8, 4): [4, 4],
    (8, 3): [4, 4],
    (7, 4): [7],
    (11, 4): [6, 5],
    (3, 4): [3],
    (1, 4): [1],
    (3, 2): [3],
    (6, 0): [6],
    (2, 1): [1, 1],
}


def plainly(x: Tensor, sizes: list[int], maps: int) -> Tensor:
    """The values to append, by a loop over groups and maps."""
    rows = []
    for images in x.split(sizes):
        deviation = (images.var(0, correction=0) + 1e-8).sqrt()
        values = torch.stack([channels.mean() for channels in deviation.chunk(maps)])
        rows += [values] * len(images)
    return torch.stack(rows)


@pytest.mark.parametrize(("batch", "group"), GROUPS)
@pytest.mark.parametrize("maps", [1, 3])
def test_each_image_gets_its_own_groups_value(batch: int, group: int, maps: int) -> None:
    x = torch.randn(batch, 6, 4, 2)
    layer = MinibatchStd(6, group, maps)
    made = layer(x)
    assert made.shape == (batch, layer.channels, 4, 2)
    assert torch.equal(made[:, :6], x)
    wanted = plainly(x, GROUPS[batch, group], maps)
    assert torch.allclose(made[:, 6:], wanted[:, :, None, None].expand(-1, -1, 4, 2), atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
def test_gradients_of_equal_images_are_finite_twice(batch: int) -> None:
    x = torch.ones(batch, 4, 4, 4, requires_grad=True)
    (first,) = torch.autograd.grad(MinibatchStd(4)(x).square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    assert first.isfinite().all() and second.isfinite().all()


def test_gradients_are_those_of_the_formula() -> None:
    x = torch.randn(5, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(MinibatchStd(4, 2, 2).spread, x)
    assert torch.autograd.gradgradcheck(MinibatchStd(4, 2, 2).spread, x)


@pytest.mark.parametrize(("slice_of", "group"), [(4, 4), (4, 2), (2, 4), (3, 4), (3, 0), (5, 3)])
def test_two_processes_compute_what_one_computes(slice_of: int, group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2 * slice_of, 4, 2, 2)
    layer, asked = MinibatchStd(4, group), []
    whole = layer(x)
    monkeypatch.setattr(minibatch_std, "gather", lambda rows: asked.append(rows) or x)
    for rank in range(2):
        world = World(rank, 2)
        rows = world.rows(slice_of)
        with use_world(world):
            assert torch.allclose(layer(x[rows]), whole[rows], atol=1e-6)
    assert bool(asked) == (group == 0 or slice_of % group > 0)  # whole groups need nothing of the others


def test_out_of_training_a_process_waits_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minibatch_std, "gather", lambda rows: pytest.fail("asked the others"))
    x = torch.randn(3, 4, 2, 2)
    layer = MinibatchStd(4).eval()
    alone = layer(x)
    with use_world(World(1, 2)):
        assert torch.equal(layer(x), alone)


def test_it_is_computed_in_float32() -> None:
    x = 256 + torch.arange(4.0).reshape(4, 1, 1, 1)  # bfloat16 has steps of 2 there
    with torch.autocast("cpu", torch.bfloat16):
        assert MinibatchStd(1)(x)[0, 1].item() == pytest.approx(1.118034)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((6, 4, 4), "4 maps of minibatch std do not divide 6 channels: 3 is"), ((6, -1), "group"), ((6, 4, 0), "maps")],
)
def test_what_does_not_work_is_said(arguments: tuple[int, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        MinibatchStd(*arguments)
