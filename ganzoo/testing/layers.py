"""Checks of parts that stand inside a network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.entry import Entry
from ganzoo.kit import Output
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect, expect_learning, labels, shaken

CLASSES = 5


def _y_dims(entry: Entry) -> tuple[int, ...]:
    """Lengths of label vectors that the part must cope with."""
    return (CLASSES,) if "label" in entry.requires else (0, CLASSES)


def check_normalization(entry: Entry) -> None:
    """``norm(x, y)`` keeps shape and dtype, learns, and listens to labels if it asks for them."""
    for options in variants(entry):
        for y_dim in _y_dims(entry):
            norm = shaken(entry.load()(64, y_dim, **options))
            x, y = torch.randn(4, 64, 6, 6, requires_grad=True), labels(4, y_dim)
            for training in (True, False):
                out = norm.train(training)(x, y)
                expect(out.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(out.shape)}")
                expect(out.dtype == x.dtype, entry, f"keeps the type {x.dtype}, not {out.dtype}")
                expect(torch.isfinite(out).all(), entry, "its output is finite")
            norm.train()(x, y).square().mul(torch.rand_like(x)).sum().backward()
            expect(x.grad is not None, entry, "gradients go through it")
            expect_learning(norm, entry)
            if "label" in entry.requires:
                expect(y.grad is not None and y.grad.any(), entry, "its output depends on y, since it needs labels")


def check_weight(entry: Entry) -> None:
    """``module.weight`` stays a weight of the same shape, learns, and is the same again after save and load."""
    layers = (
        (lambda: nn.Conv2d(3, 8, 3), torch.randn(2, 3, 8, 8)),
        (lambda: nn.ConvTranspose2d(3, 8, 4, 2, 1), torch.randn(2, 3, 8, 8)),
        (lambda: nn.Linear(6, 5), torch.randn(2, 6)),
        (lambda: nn.Embedding(7, 4), torch.tensor([0, 3])),
    )
    for options in variants(entry):
        for make, x in layers:
            module, other = make(), make()
            shape = module.weight.shape
            entry.load()(module, **options)
            entry.load()(other, **options)
            what = type(module).__name__
            weight: Any = module.weight
            expect(weight.shape == shape, entry, f"keeps the shape of the weight of {what}")
            module(x).square().sum().backward()
            expect_learning(module, entry)
            other.load_state_dict(module.state_dict())
            same = torch.allclose(module.eval()(x), other.eval()(x))
            expect(same, entry, f"{what} computes the same after its state is saved and loaded")


def check_attention(entry: Entry) -> None:
    """``attention(x)`` keeps the shape and learns; the rows of its map, if it has one, sum to one."""
    for options in variants(entry):
        for channels in (16, 64):
            attention: Any = shaken(entry.load()(channels, **options))
            x = torch.randn(2, channels, 8, 8, requires_grad=True)
            out = attention(x)
            expect(out.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(out.shape)}")
            expect(torch.isfinite(out).all(), entry, "its output is finite")
            out.square().sum().backward()
            expect(x.grad is not None, entry, "gradients go through it")
            expect_learning(attention, entry)
            if hasattr(attention, "attention_map"):
                _check_map(entry, attention.attention_map(x), 64)


def _check_map(entry: Entry, weights: Tensor, positions: int) -> None:
    expect(weights.ndim == 3, entry, f"its map is (B, H*W, K), not {tuple(weights.shape)}")
    expect(weights.shape[1] == positions, entry, f"its map has a row for each of {positions} positions")
    expect((weights >= 0).all(), entry, "its map has no negative weights")
    ones = torch.ones_like(weights.sum(2))
    expect(torch.allclose(weights.sum(2), ones, atol=1e-4), entry, "the rows of its map sum to one")


def check_conditioning(entry: Entry) -> None:
    """What it adds to inputs is what it says, its head gives scores, and labels count if it asks for them."""
    for options in variants(entry):
        for y_dim in _y_dims(entry):
            conditioning = entry.load()(y_dim, **options)
            y = labels(4, y_dim)
            z, image = torch.randn(4, 12), torch.randn(4, 3, 8, 8)
            seen = []
            for side, x in (("g", z), ("d", image)):
                if side not in entry.sides:
                    continue
                out = conditioning.embed(x, y)
                expected = (4, x.shape[1] + conditioning.added(), *x.shape[2:])
                expect(tuple(out.shape) == expected, entry, f"embed gives {expected} on {side}, not {tuple(out.shape)}")
                seen.append(out)
            if "d" in entry.sides:
                seen += _check_head(entry, conditioning, y)
            if "label" in entry.requires:
                listens = any(out.requires_grad and _slope(out, y) for out in seen)
                extras = hasattr(conditioning, "terms")
                expect(listens or extras, entry, "labels change what it computes, since it needs them")


def _check_head(entry: Entry, conditioning: Any, y: Tensor) -> list[Tensor]:
    head = shaken(conditioning.head(32, True))
    output = head(torch.randn(4, 32), y)
    expect(isinstance(output, Output), entry, f"its head returns a ganzoo.Output, not {type(output).__name__}")
    scores = output.scores
    expect(scores.ndim in (1, 2) and len(scores) == 4, entry, f"scores are (B,) or (B, P), not {tuple(scores.shape)}")
    total = scores.sum() + sum((extra.square().sum() for extra in output.extras.values()), torch.zeros(()))
    total.backward(retain_graph=True)
    expect_learning(head, entry)
    return [scores]


def _slope(out: Tensor, y: Tensor) -> bool:
    (slope,) = torch.autograd.grad(out.square().sum(), y, allow_unused=True, retain_graph=True)
    return slope is not None and bool(slope.any())
