"""What PyTorch-StudioGAN's networks have in their files: layers by name, spectral norm, attention, norms of G.

Norms' contexts are codes, then labels, then noise; ours are noise, labels, codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.keys import Line, highest, line
from ganzoo.foreign.spectral import divided, plain_spectral

NAME = "PyTorch-StudioGAN"
EPS = 1e-4
LOWEST = 4  # pixels across the map that noise becomes
State = dict[str, Tensor]


class Tensors(State):
    """Tensors by name, of which one that is asked for and missing is an error that says so."""

    def __missing__(self, name: str) -> Tensor:
        raise ModelError(f"{NAME}: there is no tensor {name}, which networks with the others have")


def shape(state: State, layer: str) -> tuple[int, ...]:
    """The shape of a layer's weight, under spectral norm or not; empty where there is none."""
    weight = state.get(f"{layer}.weight", state.get(f"{layer}.weight_orig"))
    return () if weight is None else tuple(weight.shape)


def is_made(state: State) -> bool:
    """Whether a table is that of a G, which begins with a linear layer."""
    return bool(shape(state, "linear0"))


def turned(weight: Tensor) -> Tensor:
    """A look-up table as a linear layer."""
    return weight.t().contiguous()


def spectral(state: State) -> bool:
    """Whether weights are spectrally normalised."""
    return any(name.endswith("weight_orig") for name in state)


def plain(state: State) -> State:
    """The tensors in float32, without spectral norm."""
    found = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    for name in [name for name in found if name.endswith("deconv0.weight_orig")]:  # outputs come second there
        stem = name.removesuffix("_orig")
        weight, u, v = (found.pop(f"{stem}_{end}", None) for end in ("orig", "u", "v"))
        if weight is None or u is None:
            raise ModelError(f"{NAME}: {quoted(name)} has no {quoted(f'{stem}_u')} beside it")
        found[stem] = divided(weight, u, v, outputs=1)
    return Tensors(plain_spectral(found))


@dataclass(frozen=True)
class Layout:
    """The order of a network's blocks.

    Attributes:
        blocks: their numbers N among ``blocks.N``, attention left out.
        attentions: the numbers of attention, and how many blocks stand before each.
    """

    blocks: Sequence[int]
    attentions: dict[int, int]

    @classmethod
    def of(cls, state: State) -> Layout:
        """That of a network."""
        numbers = range(highest(state, "blocks.{i}.0.{any}") + 1)
        attentions = [n for n in numbers if f"blocks.{n}.0.sigma" in state]
        blocks = [n for n in numbers if n not in attentions]
        return cls(blocks, {n: sum(block < n for block in blocks) for n in attentions})

    def lines(self, depth: int = 1) -> Iterator[Line]:
        """Those of attention, behind every ``depth`` blocks of ours."""
        for number, before in self.attentions.items():
            theirs, ours = f"blocks.{number}.0", f"trunk.attentions.{before // depth - 1}"
            names = {"theta": "query", "phi": "key", "g": "value", "attn": "out"}
            yield line(f"{theirs}.sigma", f"{ours}.gamma", lambda sigma: sigma.reshape(()))
            yield from (line(f"{theirs}.conv1x1_{a}.weight", f"{ours}.{b}.weight") for a, b in names.items())

    def sites(self, side: str, heights: Sequence[int], depth: int = 1) -> list[str]:
        """The parts of a recipe that place attention.

        Args:
            side: ``"g"`` or ``"d"``.
            heights: of the maps behind each of our blocks where attention can stand.
            depth: how many of their blocks are one of ours.

        Raises:
            ModelError: it stands where our network has none, or not behind each map of a height.
        """
        places = {n: divmod(before, depth) for n, before in self.attentions.items()}
        behind = {place for place, _ in places.values()}
        for number, (place, rest) in places.items():
            height = heights[place - 1] if 0 < place <= len(heights) else None
            if rest or height is None or not behind.issuperset(i for i, h in enumerate(heights, 1) if h == height):
                raise ModelError(f"{NAME}: ours has no attention where {quoted(f'blocks.{number}.0.sigma')} stands")
        found = sorted({heights[place - 1] for place in behind})
        return [f"sa@{side},{height}" for height in found] or [f"attention/none@{side}"]


@dataclass(frozen=True)
class Context:
    """What the norms of G are called with, as lengths of its pieces; all 0 for plain batch norm.

    Attributes:
        codes: what becomes of InfoGAN's.
        labels: one-hot ones, or their embedding.
        noise: of the noise.
    """

    codes: int = 0
    labels: int = 0
    noise: int = 0

    @property
    def part(self) -> str:
        """The norm of the recipe."""
        name = "ccbn" if self.codes or self.noise else "cbn" if self.labels else "bn"
        return f"{name}@g:eps={EPS}"

    def ordered(self, weight: Tensor) -> Tensor:
        """The columns of a layer in our order.

        Raises:
            ModelError: it has more columns or fewer.
        """
        if weight.shape[1:] != (self.codes + self.labels + self.noise,):
            raise ModelError(f"{NAME}: a layer of {list(weight.shape)} for what norms see, {self}")
        codes, labels, noise = weight.split([self.codes, self.labels, self.noise], dim=1)
        return torch.cat([noise, labels, codes], 1)

    def lines(self, theirs: str, ours: str) -> Iterator[Line]:
        """Those of one norm."""
        kind = self.part.partition("@")[0]
        if kind != "bn":
            yield line(f"{theirs}.bn.{{any}}", f"{ours}.{{any}}")
        if kind == "ccbn":
            yield line(f"{theirs}.gain.weight", f"{ours}.gain.weight", self.ordered)
            yield line(f"{theirs}.bias.weight", f"{ours}.shift.weight", self.ordered)
        elif kind == "cbn":
            yield line(f"{theirs}.gain.weight", f"{ours}.gain", lambda weight: 1 + weight.t())
            yield line(f"{theirs}.bias.weight", f"{ours}.shift", turned)
        else:
            yield line(f"{theirs}.{{any}}", f"{ours}.{{any}}")
