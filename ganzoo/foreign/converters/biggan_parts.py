"""What G and D of BigGAN-PyTorch share in their files: attention, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.foreign.keys import Line, highest, line

NAME = "BigGAN-PyTorch"
LOWEST = 4  # pixels across the map that noise becomes
ATTENTION = {"theta": "query", "phi": "key", "g": "value", "o": "out"}
State = dict[str, Tensor]
MORE_VECTORS = (line("{any}.u{i}", None), line("{any}.sv{i}", None))  # of further singular values, which divide nothing


@dataclass(frozen=True)
class Side:
    """One network in our terms.

    Attributes:
        architecture: of the recipe.
        options: of the architecture.
        lines: the table of its tensors.
        words: further words of the recipe.
        classes, z_dim: of G.
        doublings: of the map that noise becomes, to the image.
    """

    architecture: str
    options: Sequence[str]
    lines: Sequence[Line]
    words: Sequence[str]
    classes: int
    z_dim: int
    doublings: int

    @property
    def resolution(self) -> int:
        """Of the image, in pixels."""
        return LOWEST << self.doublings


def turned(table: Tensor) -> Tensor:
    """A look-up table as a linear layer."""
    return table.T.contiguous()


def attention_lines(theirs: str, ours: str) -> list[Line]:
    """Those of attention, under patterns of its two names."""
    layers = [line(f"{theirs}.{old}.weight", f"{ours}.{new}.weight") for old, new in ATTENTION.items()]
    return [*layers, line(f"{theirs}.gamma", f"{ours}.gamma")]


def places_of(state: State, behind: int) -> list[int]:
    """The numbers of the blocks that attention follows, as their entry ``behind``."""
    return [n for n in range(highest(state, "blocks.{i}.{j}.gamma") + 1) if f"blocks.{n}.{behind}.gamma" in state]


def sites(side: str, found: Sequence[int], heights: Mapping[int, int]) -> list[str]:
    """The words of a recipe that place attention.

    Args:
        side: ``"g"`` or ``"d"``.
        found: numbers of the blocks that it follows.
        heights: of the maps behind the blocks where ours can have it.

    Raises:
        ModelError: it stands where ours cannot have it, or not behind all maps of one height.
    """
    for number in found:
        height = heights.get(number)
        if height is None or any(n not in found for n, other in heights.items() if other == height):
            raise ModelError(
                f"{NAME}: the attention behind blocks.{number} stands where ganzoo's network has none, or alone where"
                " several maps have one height"
            )
    words = [f"sa@{side},{height}" for height in sorted({heights[number] for number in found})]
    return words or [f"attention/none@{side}"]
