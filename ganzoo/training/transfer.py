"""First weights for networks of other sizes: layers that agree come over, and all others start afresh.

A layer is a module with tensors of its own: weights, buffers such as running statistics, and what a reparametrisation
such as spectral norm keeps of it. It comes over with all of them where all agree by name and shape, or with none. One
that is reparametrised otherwise there than here, such as with ``sn`` and without, takes the weight that is used there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.errors import ModelError, either
from ganzoo.files.untrusted import quoted
from ganzoo.folder.weights import plain_places, plain_state

MARK = ".parametrizations."
SHOWN = 3  # names in a note before the rest is only counted


def layer_of(name: str) -> str:
    """The layer that a tensor of ``network.path`` belongs to."""
    owner, mark, _ = name.partition(MARK)
    return owner if mark else name.rpartition(".")[0]


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors by layer and name."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        layers.setdefault(layer_of(name), {})[name] = tensor
    return layers


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Shapes by name."""
    return {name: tensor.shape for name, tensor in tensors.items()}


def agreeing(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> set[str]:
    """The layers of ``own`` all of whose tensors, and no others, are in ``given`` with the same shapes."""
    there = by_layer(given)
    here = by_layer(own)
    return {layer for layer, tensors in here.items() if shapes_of(tensors) == shapes_of(there.get(layer, {}))}


def raw_tensors(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """The tensors of networks as a checkpoint has them, as ``network.path``."""
    return {f"{name}.{key}": tensor for name, net in networks.items() for key, tensor in net.state_dict().items()}


def plain_tensors(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Their tensors with plain weights in place of reparametrised ones."""
    return {f"{name}.{key}": tensor for name, net in networks.items() for key, tensor in plain_state(net).items()}


@torch.no_grad()
def set_plain(networks: Mapping[str, nn.Module], given: Mapping[str, Tensor]) -> None:
    """Give networks plain weights ``network.path``, through their reparametrisations where they have them.

    Raises:
        ModelError: for a reparametrisation that does not take them.
    """
    for name, network in networks.items():
        for path, (module, key) in plain_places(network).items():
            tensor = given.get(f"{name}.{path}")
            if tensor is None:
                continue
            if not parametrize.is_parametrized(module, key):
                getattr(module, key).copy_(tensor)
                continue
            try:
                setattr(module, key, tensor)
            except (RuntimeError, NotImplementedError) as error:
                raise ModelError(
                    f"{quoted(f'{name}.{path}')} of this recipe cannot start from weights that are there: its weight"
                    " part has no right_inverse"
                ) from error


@dataclass(frozen=True)
class Match:
    """Which layers of some networks another model has.

    Attributes:
        learning: the layers with parameters, in order; only they are counted and named.
        weighted: those of them that have more than a number for each map, as norms have.
        raw: those that agree as a checkpoint has them.
        plain: others that agree once reparametrised weights are plain ones.
        surplus: layers of the other model that there are none of here.
    """

    learning: tuple[str, ...]
    weighted: frozenset[str]
    raw: frozenset[str]
    plain: frozenset[str]
    surplus: frozenset[str]

    @property
    def fresh(self) -> list[str]:
        """The layers that start afresh."""
        return [layer for layer in self.learning if layer not in self.raw | self.plain]

    @property
    def complete(self) -> bool:
        """Whether the other model has these layers and no others."""
        return not self.fresh and not self.surplus

    def notes(self, who: str) -> list[str]:
        """What a person should know of what came over from ``who``: nothing where all did."""
        if self.complete:
            return []
        counts = []
        for network in dict.fromkeys(layer.partition(".")[0] for layer in self.learning):
            own = [layer for layer in self.learning if layer.partition(".")[0] == network]
            come = sum(layer not in self.fresh for layer in own)
            counts.append(f"{come or 'none'} of {len(own)} layers of {network}")
        over = f"; {_many(len(self.surplus))} no place here" if self.surplus else ""
        said = [f"{who} fits in part: {either(counts, 'and')} come from it{over}"]
        return [*said, f"new: {_listed(self.fresh)}"] if self.fresh else said


def _many(count: int) -> str:
    return "1 of its layers has" if count == 1 else f"{count} of its layers have"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def match(networks: Mapping[str, nn.Module], raw: Mapping[str, Tensor], plain: Mapping[str, Tensor]) -> Match:
    """Compare networks with the tensors of others, which may be on ``meta``.

    Args:
        networks: by name.
        raw: as a checkpoint has them; empty where there is none.
        plain: with plain weights.
    """
    own_raw, own_plain = raw_tensors(networks), plain_tensors(networks)
    as_it_is = agreeing(own_raw, raw)
    learning = {f"{name}.{path}": p.ndim for name, net in networks.items() for path, p in net.named_parameters()}
    return Match(
        tuple(dict.fromkeys(layer_of(name) for name in own_raw if name in learning)),
        frozenset(layer_of(name) for name, dimensions in learning.items() if dimensions > 1),
        frozenset(as_it_is),
        frozenset(agreeing(own_plain, plain) - as_it_is),
        frozenset(by_layer(plain or raw).keys() - by_layer(own_plain).keys()),
    )


def refuse_strangers(found: Match, networks: Mapping[str, nn.Module], given: Mapping[str, Tensor], who: str) -> None:
    """Refuse a model that no layer with weights comes from: norms agree by chance.

    Args:
        found: what agrees.
        networks: by name.
        given: the tensors of the model.
        who: what the person calls it.

    Raises:
        ModelError: naming the first tensor that differs.
    """
    if not found.weighted <= set(found.fresh):
        return
    own = plain_tensors(networks)
    name = next(name for name in own if layer_of(name) in found.weighted)
    there, here = f"{list(given[name].shape)}" if name in given else "missing", list(own[name].shape)
    raise ModelError(
        f"{who} does not fit this recipe: {quoted(name)} is {there} there and {here} here, and no other layer"
        " of weights agrees in name and shape either; use its recipe"
    )
