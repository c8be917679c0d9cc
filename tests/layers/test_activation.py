"""ReLUs that write over what they rectify: the same numbers and gradients, and nothing lost that is still wanted."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganzoo
from ganzoo.gan.kit import Unchanged
from ganzoo.layers.activation import relu_after
from ganzoo.layers.resample import add_bias

NORMS = ganzoo.list("normalization")


class Held(nn.Module):
    """A norm of a plugin's that says nothing: its gradient is computed from its result."""

    def forward(self, x, y):
        return torch.tanh(x)


def make(name):
    torch.manual_seed(0)
    return Held() if name == "held" else Unchanged() if name == "none" else ganzoo.create(name, 8, 0)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("name", [*NORMS, "none", "held"])
def test_numbers_gradients_and_second_derivatives_are_those_of_a_new_tensor(name, slope, own):
    norm, conv, y = make(name), nn.Conv2d(3, 8, 3), torch.zeros(4, 0)
    x = torch.randn(4, 3, 8, 8)
    told = []
    for act in (relu_after(norm, slope, own=own), lambda h: F.leaky_relu(h, slope)):
        image = x.clone().requires_grad_(True)
        before = conv(image)
        h = act(norm(before, y))
        shortcut = 0 if own else before.square().sum()  # the input of the norm is wanted again
        (slopes,) = torch.autograd.grad(h.square().sum() + shortcut, image, create_graph=True)
        (second,) = torch.autograd.grad(slopes.square().sum(), conv.weight)
        told.append((h, slopes, second))
    for ours, plain in zip(*told, strict=True):
        assert torch.equal(ours, plain)


def test_memory_is_spared_where_a_norm_says_so():
    norm, x = make("bn"), torch.randn(4, 8, 8, 8)
    h = norm(x, torch.zeros(4, 0))
    assert relu_after(norm)(h) is h
    assert relu_after(Unchanged())(h) is h
    assert relu_after(Unchanged(), own=False)(h) is not h
    assert relu_after(Held())(h) is not h


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_nothing_is_overwritten_where_that_is_slower(slope):
    h = torch.randn(4, 8, 8, 8, dtype=torch.bfloat16)
    before = h.clone()
    assert torch.equal(relu_after(Unchanged(), slope)(h), F.leaky_relu(before, slope)) and torch.equal(h, before)
    shifted = add_bias(h, torch.ones(8))
    assert torch.equal(h, before) and torch.equal(shifted, h + 1)
    plain = h.float()
    assert add_bias(plain, torch.ones(8)) is plain
