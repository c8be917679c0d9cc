"""A step never reads a map across its rows: what meets in one operation lies in memory in one way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import ganzoo
from ganzoo.layers.layout import as_maps, as_written, exchanged, flat, lay_out, same_layout, sum_pool
from ganzoo.machine.precision import choose_precision
from ganzoo.training.loop import Trainer

BATCH = 8
NARROW = {"dcgan": 16, "sngan": 16, "sndcgan": 16, "biggan": 8, "biggan-deep": 16, "r3gan": 8, "pggan": 16}
"""Networks that begin with a linear layer and end with one, and a width of theirs."""


class Mixed(TorchDispatchMode):
    """Counts the elementwise operations on maps of a batch of which one has its channels last and one its columns."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        maps = [x for x in args if isinstance(x, Tensor) and x.dim() == 4 and len(x) % BATCH == 0]
        ways = {
            "last" if x.is_contiguous(memory_format=torch.channels_last) else "first"
            for x in maps
            if x.shape == maps[0].shape and min(x.shape[1:3]) > 1
        }
        if len(ways) > 1 and "backward" in str(function):
            self.found[f"{function} {tuple(maps[0].shape)}"] += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", NARROW)
def test_gradients_lie_as_their_maps_do(name: str) -> None:
    gan = ganzoo.build(f"{name}:ch={NARROW[name]}", resolution=32, classes=3)
    precision = choose_precision("fp32", torch.device("cpu"))
    precision.place(gan)
    trainer = Trainer(gan, 0, 1, precision)
    batch = precision.send({"image": torch.rand(BATCH, 3, 32, 32) * 2 - 1, "label": torch.arange(BATCH) % 3})
    with Mixed() as mixed:
        trainer.train_step([batch] * trainer.batches_per_step)
    assert not mixed.found, mixed.found


def last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def test_vectors_become_maps_with_their_channels_last() -> None:
    rows = torch.randn(2, 24)
    maps = as_maps(rows, (2, 4))
    assert last(maps) and torch.equal(maps, rows.reshape(2, 3, 2, 4))


@pytest.mark.parametrize("vectors", [flat, sum_pool, lambda x: same_layout(x).mean((2, 3))])
def test_the_gradient_of_what_becomes_vectors_lies_as_it_does(vectors: Any) -> None:
    for format in (torch.channels_last, torch.contiguous_format):
        x = torch.randn(2, 3, 4, 4, dtype=torch.float64).contiguous(memory_format=format).requires_grad_()
        out = vectors(x)
        plain = x.detach().contiguous().requires_grad_()
        (slope,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
        (wanted,) = torch.autograd.grad(vectors(plain).square().sum(), plain, create_graph=True)
        assert torch.allclose(slope, wanted) and slope.stride() == x.stride()
        again = (torch.autograd.grad(s.pow(3).sum(), v)[0] for s, v in ((slope, x), (wanted, plain)))
        assert torch.allclose(*again)


def test_without_learning_it_is_left_alone() -> None:
    x = torch.randn(1, 2, 3, 3)
    assert same_layout(x) is x


def test_a_kernel_is_exchanged_as_transpose_does_it_to_any_order_and_outputs_become_neighbours() -> None:
    kernel = torch.randn(6, 5, 4, 4).to(memory_format=torch.channels_last).requires_grad_()
    turned = exchanged(kernel)
    assert torch.equal(turned, kernel.transpose(0, 1)) and turned.stride(1) == 1
    assert torch.equal(exchanged(kernel.detach()), turned)
    with as_written():
        assert torch.equal(exchanged(kernel), turned) and exchanged(kernel).stride(0) == 1
    probe = torch.randn_like(turned).to(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(turned, kernel, probe)
    assert torch.equal(gradient, probe.transpose(0, 1)) and gradient.stride(1) == 1
    assert torch.autograd.gradgradcheck(exchanged, kernel.detach().double().requires_grad_())
    assert torch.equal(exchanged(kernel.detach().contiguous()), turned), "however it lies in memory"


def test_no_convolution_of_a_step_gets_a_kernel_that_lies_across() -> None:
    found: Counter[str] = Counter()

    class Kernels(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if "convolution" in str(function):
                kernel = args[2 if "backward" in str(function) else 1]
                found[str(function)] += kernel.shape[2] > 1 and 1 not in (kernel.stride(1), kernel.stride(3))
            return function(*args, **(kwargs or {}))

    gan = ganzoo.build("sngan:ch=16", resolution=32)
    precision = choose_precision("fp32", torch.device("cpu"))
    precision.place(gan)
    trainer = Trainer(gan, 0, 1, precision)
    batch = precision.send({"image": torch.rand(BATCH, 3, 32, 32) * 2 - 1, "label": torch.zeros(BATCH).long()})
    with Kernels():
        trainer.train_step([batch] * trainer.batches_per_step)
    assert found and not found.total(), found


def test_kernels_lie_as_they_were_once_a_model_drew():
    gan = ganzoo.build("dcgan:ch=4", resolution=16, channels=3)
    before = {name: (tensor.data_ptr(), tensor.stride()) for name, tensor in gan.G.state_dict().items()}
    gan.sample(2, seed=0)
    assert {name: (tensor.data_ptr(), tensor.stride()) for name, tensor in gan.G.state_dict().items()} == before


def test_kernels_of_five_dimensions_stay_as_they_are():
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 3, 3), torch.nn.Conv2d(2, 3, 3))
    strides = network[0].weight.stride()
    lay_out(network)
    assert network[0].weight.stride() == strides
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_model_that_drew_in_inference_mode_can_still_learn():
    gan = ganzoo.build("dcgan:ch=4", resolution=16, channels=3)
    with torch.inference_mode():
        gan.sample(2, seed=0)
    gan.G(torch.randn(2, gan.z_dim), torch.zeros(2, 0)).sum().backward()
    assert all(weight.grad is not None for weight in gan.G.parameters())
