"""Networks exported to ONNX draw the same images: by the exporter of today, and by the older one that traces."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.gan.catalogue import heads
from ganzoo.layers import conv
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.testing.tiny import Tiny, subject, tiny

pytest.importorskip("onnxruntime")
LAYERS = ("normalization", "attention", "conditioning", "weight")
PARTS = [*heads(), *(entry for kind in LAYERS for entry in registry().entries(kind))]
SEVERAL = [pytest.param(part, marks=pytest.mark.slow if "timm" in str(part.build) else ()) for part in PARTS]
OF_TIMM = [entry for entry in PARTS if "timm" in str(entry.build)]  # some of which hold on to the size of a batch
SHIPPED = sorted(path.parent.name for path in Path(ganzoo.__file__).parents[1].glob("model_cards/*/model.safetensors"))
TOLERANCE = 1e-4  # on [-1, 1]
N = 3

# Of 8 channels transgan ends in tokens of 2, whose layer norm enlarges what is but a rounding error.
WIDER = {"architecture/transgan": "transgan:ch=32,depth=1,depth.d=1"}

Inputs = dict[str, Tensor]
Export = Callable[[nn.Module, Inputs, Path, bool], None]


class Scores(nn.Module):
    """A discriminator without what an exporter cannot return."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.network(x, y).score


def exporters() -> list[Any]:
    """Those that the installed torch has; today's takes seconds for each network."""
    found: list[Any] = [pytest.param(today, id="dynamo", marks=pytest.mark.slow)]
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        found.append(pytest.param(tracing, id="tracing"))
    return found


def today(network: nn.Module, inputs: Inputs, path: Path, any_batch: bool) -> None:
    shapes = tuple({0: torch.export.Dim("n", min=2)} for _ in inputs) if any_batch else None
    names = list(inputs)
    torch.onnx.export(network, (*inputs.values(),), path, input_names=names, dynamic_shapes=shapes, verbose=False)


def tracing(network: nn.Module, inputs: Inputs, path: Path, any_batch: bool) -> None:
    axes = {name: {0: "n"} for name in inputs} if any_batch else None
    torch.onnx.export(network, (*inputs.values(),), path, input_names=list(inputs), dynamic_axes=axes, dynamo=False)


def difference(export: Export, network: nn.Module, inputs: Inputs, folder: Path, any_batch: bool = True) -> float:
    """The largest difference between what a network makes of ``N`` rows of inputs and what its export makes of them.

    Args:
        export: one of the two above.
        network: in any mode.
        inputs: by name, in the order in which the network takes them.
        folder: for the file.
        any_batch: export it for batches of any size, and show the exporter another one.
    """
    import onnxruntime

    network.eval()
    path = folder / "network.onnx"
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    shown = {name: rows[:2] for name, rows in inputs.items()} if any_batch else inputs
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        export(network, shown, path, any_batch)
    with torch.no_grad():
        wanted = network(*inputs.values()).numpy()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    taken = {given.name for given in session.get_inputs()}
    (found,) = session.run(None, {name: rows.numpy() for name, rows in inputs.items() if name in taken})
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max())


def small(entry: Entry) -> Tiny:
    """A GAN with the part in it."""
    return tiny(WIDER[entry.spelling]) if entry.spelling in WIDER else subject(entry)


def trained(gan: ganzoo.GAN) -> ganzoo.GAN:
    """Nothing at its first value: what starts at 0 or 1 would hide what an exporter drops."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in gan.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return gan


def generator_inputs(gan: ganzoo.GAN) -> Inputs:
    """What ``N`` samples are made of, in the order in which a generator takes it."""
    return gan.inputs(N, 0, gan.default_labels(N))


@pytest.mark.parametrize("export", exporters())
@pytest.mark.parametrize("entry", SEVERAL, ids=lambda entry: entry.spelling)
def test_generators_are_exported_right(export: Export, entry: Entry, tmp_path: Path) -> None:
    gan = trained(small(entry).build())
    assert difference(export, gan.G, generator_inputs(gan), tmp_path, entry not in OF_TIMM) < TOLERANCE


@pytest.mark.parametrize("export", exporters())
@pytest.mark.parametrize("entry", SEVERAL, ids=lambda entry: entry.spelling)
def test_discriminators_are_exported_right(export: Export, entry: Entry, tmp_path: Path) -> None:
    made = small(entry)
    gan = trained(made.build())
    inputs = {"x": torch.rand(N, *gan.image) * 2 - 1, "y": gan.label_vectors(gan.default_labels(N), N)}
    assert difference(export, Scores(gan.D), inputs, tmp_path, entry not in OF_TIMM) < TOLERANCE


@pytest.mark.parametrize("export", exporters())
@pytest.mark.parametrize("recipe", ["sngan:ch=32,upsample=bilinear", "sngan:ch=32", "dcgan:ch=32"])
def test_a_gan_that_is_being_trained_is_exported_where_kernels_have_gradients_of_their_own(
    export: Export, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    gan = trained(ganzoo.build(recipe, resolution=16, channels=1))
    z, y = torch.randn(N, gan.z_dim), torch.zeros(N, 0)
    taken = []
    monkeypatch.setattr(conv._Conv, "apply", lambda *given: taken.append(given))
    monkeypatch.setattr(conv._Spread, "apply", lambda *given: taken.append(given))
    assert difference(export, gan.G, {"z": z, "y": y}, tmp_path) < TOLERANCE and not taken


@pytest.mark.parametrize("export", exporters())
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_exported_right(
    export: Export, name: str, tmp_path: Path, with_plugins: Callable[..., None]
) -> None:
    with_plugins("ganzoo-translate", "ganzoo-text")
    try:
        gan = ganzoo.load(name)
    except ganzoo.ModelError as error:
        pytest.skip(str(error))
    assert difference(export, gan.G, generator_inputs(gan), tmp_path) < TOLERANCE
