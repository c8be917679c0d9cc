"""Checks of parts that stand inside a network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.parts.output import Output
from ganzoo.registry.entry import Entry
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect, expect_learning, labels, shaken

CLASSES = 5
FEATURES = 32  # of a discriminator's trunk
_INPUTS: Mapping[str, Tensor] = {"g": torch.ones(4, 12), "d": torch.ones(4, 3, 8, 8)}  # noise, images


def _y_dims(entry: Entry) -> tuple[int, ...]:
    """Lengths of label vectors that the part must cope with."""
    return (CLASSES,) if entry.labelled else (0, CLASSES)


def check_normalization(entry: Entry) -> None:
    """``norm(x, y)`` keeps shape and dtype, in training and after it."""
    for options, y_dim in itertools.product(variants(entry), _y_dims(entry)):
        norm = shaken(entry.load()(64, y_dim, **options))
        x, y = torch.randn(4, 64, 6, 6), labels(4, y_dim)
        for training in (True, False):
            out = norm.train(training)(x, y)
            expect(out.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(out.shape)}")
            expect(out.dtype == x.dtype, entry, f"keeps the type {x.dtype}, not {out.dtype}")
            expect(torch.isfinite(out).all(), entry, "its output is finite")


def check_normalization_learns(entry: Entry) -> None:
    """Gradients reach its input and its parameters, and labels if it asks for them."""
    for options, y_dim in itertools.product(variants(entry), _y_dims(entry)):
        norm = shaken(entry.load()(64, y_dim, **options)).train()
        x, y = torch.randn(4, 64, 6, 6, requires_grad=True), labels(4, y_dim)
        norm(x, y).square().mul(torch.rand_like(x)).sum().backward()
        expect(x.grad is not None, entry, "gradients go through it")
        expect_learning(norm, entry)
        if entry.labelled:
            expect(y.grad is not None and y.grad.any(), entry, "its output depends on y, since it needs labels")


def check_weight(entry: Entry) -> None:
    """``module.weight`` stays a weight of the same shape, and is the same again after save and load."""
    for module, other, x, shape in _reparametrised(entry):
        what = type(module).__name__
        weight: Any = module.weight
        expect(weight.shape == shape, entry, f"keeps the shape of the weight of {what}")
        module(x)
        other.load_state_dict(module.state_dict())
        same = torch.allclose(module.eval()(x), other.eval()(x))
        expect(same, entry, f"{what} computes the same after its state is saved and loaded")


def check_weight_learns(entry: Entry) -> None:
    """Every parameter of what it reparametrises learns."""
    for module, _, x, _ in _reparametrised(entry):
        module(x).square().sum().backward()
        expect_learning(module, entry)


def _reparametrised(entry: Entry) -> Iterator[tuple[nn.Module, nn.Module, Tensor, torch.Size]]:
    """Two of each layer that has a weight matrix, both with the part on; an input, and the shape before."""
    layers: tuple[tuple[Callable[[], nn.Module], Tensor], ...] = (
        (lambda: nn.Conv2d(3, 8, 3), torch.randn(2, 3, 8, 8)),
        (lambda: nn.ConvTranspose2d(3, 8, 4, 2, 1), torch.randn(2, 3, 8, 8)),
        (lambda: nn.Linear(6, 5), torch.randn(2, 6)),
        (lambda: nn.Embedding(7, 4), torch.tensor([0, 3])),
    )
    for options, (make, x) in itertools.product(variants(entry), layers):
        module, other = make(), make()
        weight: Any = module.weight
        for layer in (module, other):
            entry.load()(layer, **options)
        yield module, other, x, weight.shape


def check_attention(entry: Entry) -> None:
    """``attention(x)`` keeps the shape; the rows of its map, if it has one, sum to one."""
    for options, channels in itertools.product(variants(entry), (16, 64)):
        attention: Any = shaken(entry.load()(channels, **options))
        x = torch.randn(2, channels, 8, 8)
        out = attention(x)
        expect(out.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(out.shape)}")
        expect(torch.isfinite(out).all(), entry, "its output is finite")
        if hasattr(attention, "attention_map"):
            _check_map(entry, attention.attention_map(x), 64)


def check_attention_learns(entry: Entry) -> None:
    """Gradients reach its input and every parameter, once gates that start closed are open."""
    for options, channels in itertools.product(variants(entry), (16, 64)):
        attention = shaken(entry.load()(channels, **options))
        x = torch.randn(2, channels, 8, 8, requires_grad=True)
        attention(x).square().sum().backward()
        expect(x.grad is not None, entry, "gradients go through it")
        expect_learning(attention, entry)


def _check_map(entry: Entry, weights: Tensor, positions: int) -> None:
    expect(weights.ndim == 3, entry, f"its map is (B, H*W, K), not {tuple(weights.shape)}")
    expect(weights.shape[1] == positions, entry, f"its map has a row for each of {positions} positions")
    expect((weights >= 0).all(), entry, "its map has no negative weights")
    ones = torch.ones_like(weights.sum(2))
    expect(torch.allclose(weights.sum(2), ones, atol=1e-4), entry, "the rows of its map sum to one")


def check_conditioning(entry: Entry) -> None:
    """What it adds to inputs is what it says, and its head gives scores."""
    for conditioning, y in _conditionings(entry):
        for side, x in _INPUTS.items():
            if side in entry.sides:
                out = conditioning.embed(x, y)
                expected = (4, x.shape[1] + conditioning.added(), *x.shape[2:])
                expect(tuple(out.shape) == expected, entry, f"embed gives {expected} on {side}, not {tuple(out.shape)}")
        if "d" in entry.sides:
            _check_output(entry, conditioning.head(FEATURES, True)(torch.randn(4, FEATURES), y))


def check_conditioning_learns(entry: Entry) -> None:
    """Its head learns, and labels change what it computes if it asks for them."""
    for conditioning, y in _conditionings(entry):
        seen = [conditioning.embed(x, y) for side, x in _INPUTS.items() if side in entry.sides]
        if "d" in entry.sides:
            head = shaken(conditioning.head(FEATURES, True))
            output = head(torch.randn(4, FEATURES), y)
            extras = (extra.square().sum() for extra in output.extras.values())
            sum(extras, output.scores.sum()).backward(retain_graph=True)
            expect_learning(head, entry)
            seen.append(output.scores)
        if entry.labelled:
            listens = any(out.requires_grad and _slope(out, y) for out in seen) or hasattr(conditioning, "terms")
            expect(listens, entry, "labels change what it computes, since it needs them")


def _conditionings(entry: Entry) -> Iterator[tuple[Any, Tensor]]:
    """One of each variant, and label vectors for it."""
    for options, y_dim in itertools.product(variants(entry), _y_dims(entry)):
        yield entry.load()(y_dim, **options), labels(4, y_dim)


def _check_output(entry: Entry, output: object) -> None:
    expect(isinstance(output, Output), entry, f"its head returns a ganzoo.Output, not {type(output).__name__}")
    assert isinstance(output, Output)
    scores = output.scores
    expect(scores.ndim in (1, 2) and len(scores) == 4, entry, f"scores are (B,) or (B, P), not {tuple(scores.shape)}")


def _slope(out: Tensor, y: Tensor) -> bool:
    (slope,) = torch.autograd.grad(out.square().sum(), y, allow_unused=True, retain_graph=True)
    return slope is not None and bool(slope.any())
