"""The setting ``compile``: passes through the networks by ``torch.compile``, but for those differentiated twice.

``compile=graphs`` also records their kernels as CUDA graphs, which start without the CPU. A graph writes its results
where the last replay wrote them, so the loop says when a turn begins and nothing of the one before is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ganzoo.gan.gan import GAN
from ganzoo.parts.exactness import is_exact
from ganzoo.plan.plan import Plan

BACKEND = "inductor"
OFF, ON, GRAPHS, AUTO = "off", "on", "graphs", "auto"  # values of the setting


class Compiled:
    """A network's call, compiled when first made.

    An exact pass may be differentiated twice, which ``torch.compile`` cannot do (AOTAutograd has no double backward).
    It runs as it is written.

    Args:
        network: whose call it stands in for.
        graphs: whether its kernels are recorded.
    """

    def __init__(self, network: nn.Module, graphs: bool = False) -> None:
        self.written = network._call_impl
        mode = "reduce-overhead" if graphs else None
        self.compiled = torch.compile(network._call_impl, backend=BACKEND, mode=mode, dynamic=False)

    def __call__(self, x: torch.Tensor, *rest: Any, **named: Any) -> Any:
        """The network's output for ``x``, by compiled code unless the pass is exact."""
        return (self.written if is_exact() else self.compiled)(x, *rest, **named)


def compile_networks(gan: GAN, device: torch.device, setting: str | None = None) -> list[str]:
    """Let every player's networks run compiled, if the setting ``compile`` says so; state dicts stay as they are.

    Args:
        gan: whose networks.
        device: where they are.
        setting: in place of that of the plan, such as what ``auto`` came to.

    Returns:
        Sentences for the user: why nothing was compiled or recorded, if so.
    """
    setting = gan.plan["compile"] if setting is None else setting
    if setting in (OFF, AUTO):
        return []
    regularizers = [pair for parts in gan.critics.values() for pair in parts.regularizers.items()]
    if refining := [name for name, part in regularizers if part.refines]:
        # An exact pass keeps the running statistics of norms in its graph, which a compiled pass after it overwrites.
        why = f"{refining[0]} differentiates the networks before an update's own passes"
        return [f"compile={setting}: {why}, so nothing is compiled"]
    try:
        torch.compile(torch.neg, backend=BACKEND)(torch.zeros(2, device=device))
    except (RuntimeError, ImportError, OSError) as error:
        why = str(error).splitlines()[0]
        return [f"compile={setting}: torch.compile does not work here, so nothing is compiled ({why})"]
    graphs = records(setting, device)
    for name in sorted({name for names in gan.players.values() for name in names}):
        network = getattr(gan, name)
        network._compiled_call_impl = Compiled(network, graphs)  # where nn.Module.compile puts it; copies leave it out
    if setting == GRAPHS and not graphs:
        return [f"compile=graphs: graphs are CUDA's, so on {device.type} the networks are compiled without"]
    return []


def records(setting: str, device: torch.device) -> bool:
    """Whether the networks' kernels are recorded as CUDA graphs: where the setting asks and the device can."""
    return setting == GRAPHS and device.type == "cuda"


def turn_marker(plan: Plan, device: torch.device, setting: str | None = None) -> Callable[[], None]:
    """What the loop calls when a turn begins, so that CUDA graphs may overwrite the last turn's results.

    Arguments are those of :func:`compile_networks`, with the ``plan`` of the GAN.
    """
    asked = str(plan["compile"]) if setting is None else setting
    return torch.compiler.cudagraph_mark_step_begin if records(asked, device) else lambda: None
