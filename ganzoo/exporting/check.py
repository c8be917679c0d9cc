"""Whether a file draws what the model draws, and the name of the layer where that cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError, ModelError, printable
from ganzoo.exporting.sampler import SHOWN, Exportable

TOLERANCE = 1e-4  # of an image's values, which are from 0 to 1
BATCHES = ((1, 11, 1.0), (3, 23, 0.5))  # images, the seed of their noise, and ψ
LONGEST = 200

Run = Callable[[Mapping[str, Tensor]], Tensor]
Attempt = Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]


def largest_difference(model: Exportable, run: Run) -> float:
    """The largest difference between a model's images and those of a file, in batches of several sizes.

    Args:
        model: what it is to draw as.
        run: what the file makes of inputs by name.

    Raises:
        ModelError: it is larger than :data:`TOLERANCE`, or no number.
    """
    largest = 0.0
    for n, seed, psi in BATCHES:
        inputs, wanted = model.inputs(n, seed, psi)
        largest = max(largest, differing(run(inputs), wanted))
    return largest


def differing(found: Tensor, wanted: Tensor) -> float:
    """The largest difference between images of a file and those of the model, of the same inputs.

    Raises:
        ModelError: it is larger than :data:`TOLERANCE`, or no number.
    """
    if found.shape != wanted.shape:
        raise ModelError(f"the file draws {tuple(found.shape)} where the model draws {tuple(wanted.shape)}")
    difference = float((found - wanted).abs().max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"the file's images differ from the model's by {difference:.2g}, more than {TOLERANCE:g}, and of the"
            f" same inputs: it was not written"
        )
    return difference


def refusal(model: Exportable, target: str, attempt: Attempt, error: Exception) -> ModelError:
    """What to say of a model that cannot be exported, with the name of the layer that it fails at.

    Args:
        model: that could not be exported.
        target: of the export, such as ``"ONNX"``.
        attempt: exports any module, called with what the module is called with.
        error: that it failed with.
    """
    name, found = culprit(model, attempt)
    reason = _reason(found or error)
    return ModelError(f"{model.gan.plan.recipe} cannot be exported to {target}: {name or 'G'} fails: {reason}")


def _reason(error: BaseException) -> str:
    """The first line of the error that began it all: exporters wrap it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable((lines or [type(error).__name__])[0], LONGEST)


def culprit(model: Exportable, attempt: Attempt) -> tuple[str | None, Exception | None]:
    """The innermost layer that cannot be exported by itself, as ``name (type)``, and why; None where each can be."""
    network = model.network
    names = {module: name for name, module in network.named_modules()}
    calls = calls_in(network, model.inputs(SHOWN, 0)[0])
    inside, found, reason = "", None, None
    while True:
        step = _first_failing(_outermost(calls, names, inside), calls, attempt)
        if step is None:
            return found, reason
        module, reason = step
        inside = names[module]
        found = f"{inside.removeprefix('images.')} ({type(module).__name__})"


Calls = dict[nn.Module, tuple[tuple[Any, ...], dict[str, Any]]]


def calls_in(network: nn.Module, inputs: Mapping[str, Tensor]) -> Calls:
    """What each module in a network is first called with, in order, when the network is called with ``inputs``."""
    calls: Calls = {}

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        calls.setdefault(module, (args, kwargs))

    hooks = [m.register_forward_pre_hook(note, with_kwargs=True) for m in network.modules() if m is not network]
    try:
        with torch.no_grad():
            network(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return calls


def _outermost(calls: Calls, names: Mapping[nn.Module, str], inside: str) -> list[nn.Module]:
    """The modules that were called inside one, without those inside another of them."""
    prefix = f"{inside}." if inside else ""
    below = {names[module]: module for module in calls if names[module].startswith(prefix) and names[module] != inside}
    return [
        module
        for name, module in below.items()
        if not any(name.startswith(f"{other}.") for other in below if other != name)
    ]


def _first_failing(modules: list[nn.Module], calls: Calls, attempt: Attempt) -> tuple[nn.Module, Exception] | None:
    for module in modules:
        args, kwargs = calls[module]
        try:
            attempt(module, args, kwargs)
        except GanzooError:
            raise
        except Exception as error:  # whatever an exporter raises: there are dozens of kinds
            return module, error
    return None
