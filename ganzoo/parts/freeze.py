"""Networks that do not learn: feature networks of a discriminator, perceptual losses, encoders of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn

OWN = "own"
"""What a module says by ``ganzoo_init = "own"``: it has initialised itself and its children, and is left alone."""


class Frozen(nn.Module):
    """A network that is used and never changed; see :func:`frozen`."""

    def __init__(self, load: Callable[[], nn.Module], name: str | None, sketch: Callable[[], nn.Module] | None) -> None:
        super().__init__()
        self.load, self.name, self.sketch = load, name, sketch
        self.ganzoo_init = OWN
        # Where it belongs is known before it is loaded: this moves with the networks around it, and is no state.
        self.__dict__["_place"], self.__dict__["_loaded"] = torch.zeros(0, device="cpu"), None
        if name is None:
            self.drawn = _as_buffers(load())
        self.train(False)

    def open(self) -> nn.Module:
        """The network; one that is known by name is loaded when it is first asked for."""
        if self.name is None:
            return self.drawn
        if self.__dict__["_loaded"] is None:
            with torch.device("cpu"):
                loaded = self.load()
            self.__dict__["_loaded"] = _as_buffers(loaded).to(self.__dict__["_place"].device)
        network: nn.Module = self.__dict__["_loaded"]
        return network

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the network gives; gradients go through it to its inputs."""
        return self.open()(*inputs, **named)

    def digest(self) -> str:
        """sha256 over names, shapes and bytes of its weights."""
        content = sha256()
        for name, tensor in sorted(self.open().state_dict().items()):
            content.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            content.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return content.hexdigest()

    def train(self, mode: bool = True) -> Frozen:
        """Stay in eval mode, whatever was asked."""
        super().train(False)
        if self.__dict__["_loaded"] is not None:
            self.__dict__["_loaded"].train(False)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Frozen:
        super()._apply(fn, recurse)
        self.__dict__["_place"] = fn(self.__dict__["_place"])
        if self.__dict__["_loaded"] is not None:
            self.__dict__["_loaded"]._apply(fn)
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        """Itself: a copy, such as of an average of weights, would be the same for ever."""
        return self


def frozen(
    load: Callable[[], nn.Module], name: str | None = None, sketch: Callable[[], nn.Module] | None = None
) -> Frozen:
    """A network that stays as it is: in eval mode, without gradients of its weights, not initialised, not averaged.

    Args:
        load: makes the network, weights and all.
        name: what the weights can be loaded again by, such as ``"timm/tf_efficientnet_lite0.in1k"``. Such weights are
            in no checkpoint and no published file: ``config.json`` has the name and their sha256, which a resumed run
            checks; and they are loaded when a training or a forward pass first needs them. None for weights that were
            drawn at random: they are made now, and saved.
        sketch: makes the same network with any weights, for passes in which nothing is computed, such as those of a
            drawing: so that they fetch nothing. By default they load it.

    Returns:
        A module that is called as the network is.
    """
    return Frozen(load, name, sketch)


def frozen_networks(module: nn.Module) -> list[Frozen]:
    """The frozen networks within a module that are known by name."""
    return [inner for inner in module.modules() if isinstance(inner, Frozen) and inner.name is not None]


def open_frozen(module: nn.Module) -> dict[str, str]:
    """Load every frozen network within a module: the sha256 of its weights by name."""
    return {str(inner.name): inner.digest() for inner in frozen_networks(module)}


@contextmanager
def sketched(module: nn.Module) -> Iterator[None]:
    """Frozen networks within a module that have a sketch, and are not loaded, work with that inside the block."""
    waiting = [inner for inner in frozen_networks(module) if inner.sketch and inner.__dict__["_loaded"] is None]
    for inner in waiting:
        assert inner.sketch is not None
        inner.__dict__["_loaded"] = _as_buffers(inner.sketch())
    try:
        yield
    finally:
        for inner in waiting:
            inner.__dict__["_loaded"] = None


def learning_modules(module: nn.Module) -> Iterator[nn.Module]:
    """A module and those within it, each once, but for frozen ones and all that they hold."""
    return _within(module, lambda inner: isinstance(inner, Frozen), set())


def uninitialised_modules(module: nn.Module) -> Iterator[nn.Module]:
    """A module and those within it, each once, but for those that initialise themselves, and all that they hold."""
    return _within(module, lambda inner: getattr(inner, "ganzoo_init", None) == OWN, set())


def _within(module: nn.Module, leave_out: Callable[[nn.Module], bool], seen: set[nn.Module]) -> Iterator[nn.Module]:
    if module in seen or leave_out(module):
        return
    seen.add(module)
    yield module
    for child in module.children():
        yield from _within(child, leave_out, seen)


def _as_buffers(network: nn.Module) -> nn.Module:
    """The network in eval mode, every parameter a buffer: no optimiser finds it, and a checkpoint does."""
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                delattr(module, name)
                module.register_buffer(name, parameter.detach())
    return network.eval()
