"""The layers of a network: every call of one pass, with output shapes, parameters and multiply-accumulates.

One image's shape is sent through each network with torch's flop counter watching. It counts what is really computed in
convolutions and matrix products (attention too), a multiply and an add as one; norms, activations and pooling are
left out, as is usual. A convolution that is folded with its resampling thus counts less than its two steps would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.func import functional_call
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.gan.gan import GAN
from ganzoo.gan.kit import Unchanged
from ganzoo.layers.layout import as_written
from ganzoo.parts.freeze import sketched
from ganzoo.parts.output import Output


@dataclass
class Call:
    """One module as it was called.

    Attributes:
        name: dotted, from the network down; empty for the network itself.
        module: what was called.
        shape: of its output without the batch; empty for a single number.
        macs: multiply-accumulates, those of its children included.
        parameters: of the module and its children that no call before has shown.
        children: calls made within this one, in order.
    """

    name: str
    module: nn.Module
    shape: tuple[int, ...] = ()
    macs: int = 0
    parameters: int = 0
    children: list[Call] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The class's name; for a reparametrised layer the one that it had before."""
        return parametrize.type_before_parametrizations(self.module).__name__

    @property
    def own_macs(self) -> int:
        """Multiply-accumulates of the module itself, without those of its children."""
        return self.macs - sum(child.macs for child in self.children)

    @property
    def own_parameters(self) -> int:
        """Parameters that belong to none of its children."""
        return self.parameters - sum(child.parameters for child in self.children)

    @property
    def idle(self) -> bool:
        """Whether it computes nothing, like what fills an empty slot."""
        return isinstance(self.module, (nn.Identity, Unchanged))

    def walk(self) -> Iterator[Call]:
        """This call and all within it, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class LayerRow:
    """One line of a layer table.

    Attributes:
        network: such as ``"G"``.
        name: the module's dotted name within the network.
        type: its class.
        shape: of its output, without the batch.
        parameters, macs: its own; children have lines of their own, so columns add up to the network's totals.
    """

    network: str
    name: str
    type: str
    shape: tuple[int, ...]
    parameters: int
    macs: int


def anatomy(gan: GAN) -> dict[str, Call]:
    """One pass through every generator and discriminator of ``gan``; a ``meta`` one will do.

    Networks that do not declare the shapes of their inputs are left out.
    """
    return {
        name: trace(network, shapes)
        for name, network in networks(gan).items()
        if (shapes := input_shapes(network)) is not None
    }


def networks(gan: GAN) -> dict[str, nn.Module]:
    """The networks of ``gan`` by name, the last player's first: G before D. A loaded model has its generators only."""
    children = dict(gan.named_children())
    return {name: children[name] for names in reversed(gan.players.values()) for name in names if name in children}


def layers(gan: GAN, calls: Mapping[str, Call] | None = None) -> list[LayerRow]:
    """The layer table of every network that :func:`anatomy` knows, whose result may be given; see :class:`LayerRow`."""
    return [
        LayerRow(network, call.name, call.type, call.shape, call.own_parameters, call.own_macs)
        for network, root in (anatomy(gan) if calls is None else calls).items()
        for call in root.walk()
        if not call.idle and (not call.children or call.own_parameters or call.own_macs)
    ]


def input_shapes(network: nn.Module) -> tuple[tuple[int, ...], ...] | None:
    """The shapes of a network's inputs for a batch of one; None where it has no attribute ``shapes``."""
    shapes = getattr(network, "shapes", None)
    return None if shapes is None else tuple((1, *shape) for shape in shapes)


@torch.no_grad()
def trace(network: nn.Module, shapes: tuple[tuple[int, ...], ...]) -> Call:
    """Record a call of ``network``, in eval mode, with inputs of these shapes.

    Nothing is computed: fake tensors that claim to be on the CPU stand in for weights and inputs. On ``meta`` itself
    autocast is refused, which layers use.
    """
    recorder = _Recorder()
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    nothing = FakeTensorMode(allow_non_fake_inputs=True)
    with sketched(network), nothing, _evaluating(network), recorder.watching(network):
        fakes = {name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in state.items()}
        with recorder.counter, as_written():
            functional_call(network, fakes, tuple(torch.empty(shape) for shape in shapes))
    _share_parameters(recorder.root, network)
    return recorder.root


class _Recorder:
    """Hooks that turn calls into a tree."""

    def __init__(self) -> None:
        self.counter = FlopCounterMode(display=False)
        self.root = Call("", nn.Identity())
        self._open: list[Call] = []

    def flops(self) -> int:
        return self.counter.get_total_flops()

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        hooks = []
        for name, module in network.named_modules():
            if "parametrizations" not in name.split("."):
                hooks.append(module.register_forward_pre_hook(self._enter(name)))
                hooks.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter(self, name: str) -> Any:
        # The counter only grows: minus its count on entry plus that on exit is what happened in between.
        def enter(module: nn.Module, inputs: Any) -> None:
            call = Call(name, module, macs=-self.flops())
            if self._open:
                self._open[-1].children.append(call)
            else:
                self.root = call
            self._open.append(call)

        return enter

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        call = self._open.pop()
        call.macs = (call.macs + self.flops()) // 2  # torch counts a multiply and an add as two
        tensor = output.scores if isinstance(output, Output) else output
        call.shape = tuple(tensor.shape[1:]) if isinstance(tensor, Tensor) else ()


def _share_parameters(root: Call, network: nn.Module) -> None:
    """Give every parameter to the innermost module that was called around it, and to all calls around that."""
    first: dict[str, list[Call]] = {}

    def note(call: Call, around: list[Call]) -> None:
        first.setdefault(call.name, [*around, call])
        for child in call.children:
            note(child, [*around, call])

    note(root, [])
    for name, parameter in network.named_parameters():
        while name not in first:  # a module that was never called, such as a parametrization: its parent
            name = name.rpartition(".")[0]
        for call in first[name]:
            call.parameters += parameter.numel()


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
