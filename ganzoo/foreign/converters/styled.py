"""What the style line's files share: the mapping network, D, the widths of maps, and what the networks were made with.

Facts that no shape tells, the same in the papers (arXiv 1912.04958, 2006.06676, 2106.12423): weights are kept as
N(0, 1) and scaled when used; the mapping's learn a hundredth as fast and are kept a hundred times as large, unless a
file with its networks' arguments says otherwise; D compares groups of 4 images, in the configuration for CIFAR-10,
whose blocks have no shortcuts, groups of 32. In its batches the images of a group lie apart, ours in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.converter import state_dicts
from ganzoo.foreign.files.recorded import Recorded
from ganzoo.foreign.keys import Change, Line, highest, line

LOWEST = 4  # pixels across the smallest map
MEAN = "mapping.w_avg"
SPEED = 0.01  # of the mapping's learning
PASSES = 200  # from which on a training's mean of w moves no faster
WIDEST = 1 << 13  # pixels up to which maps may be as wide as the widest
State = dict[str, Tensor]


@dataclass(frozen=True)
class Network:
    """A network of a file.

    Attributes:
        place: where it lies in the file, such as ``G_ema``.
        state: its tensors.
        told: the arguments that it was made with, where the file has them.
    """

    place: str
    state: State
    told: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> Network:
        """The same in float32, but for what counts."""
        state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in self.state.items()}
        return replace(self, state=state)

    def argument(self, group: str, name: str, default: float) -> float:
        """A number among its arguments, of a group of them or of none."""
        inner = self.told.get(group)
        found = (inner if isinstance(inner, Mapping) else {}).get(name, self.told.get(name))
        return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else default


def networks(content: object) -> list[Network]:
    """The networks of a content, as they are kept; those with a moving average of weights first."""
    places = content if isinstance(content, Mapping) else {"": content}
    told = {place: value.kwargs for place, value in places.items() if isinstance(value, Recorded)}
    found = [Network(place, state, told.get(place, {})) for place, state in state_dicts(content)]
    return sorted(found, key=lambda network: "ema" not in network.place.lower())


def shape(source: str, state: State, name: str, dims: int) -> tuple[int, ...]:
    """The shape of a tensor that there must be, of that many dimensions.

    Raises:
        ModelError: there is none, or one of other dimensions.
    """
    tensor = state.get(name)
    if tensor is None:
        raise ModelError(f"{source}: the file has no {quoted(name)}: it is of another form than ganzoo computes")
    if tensor.dim() != dims:
        raise ModelError(f"{source}: {quoted(name)} has {tensor.dim()} dimensions where it is known to have {dims}")
    return tuple(tensor.shape)


def options(given: Mapping[str, object], usual: Mapping[str, object]) -> str:
    """Options of a part as a recipe has them, those left out that are as usual; with the colon before them."""
    texts = [f"{name}={value}" for name, value in given.items() if usual.get(name) != value]
    return f":{','.join(texts)}" if texts else ""


def widest(
    source: str, widths: Sequence[int], made: Callable[[int, int], Sequence[int]], first: int = 64
) -> tuple[int, int]:
    """The options ``ch`` and ``full`` that give a network's widths.

    Args:
        source: for messages.
        widths: of the file's maps, the widest first.
        made: the widths that ``(ch, full)`` give.
        first: a ``full`` to try before others.

    Raises:
        ModelError: there are none.
    """
    ch = widths[0]
    for full in (first, 64, 32, *(1 << k for k in range(WIDEST.bit_length())), *range(1, WIDEST)):
        if list(made(ch, full)) == list(widths):
            return ch, full
    raise ModelError(
        f"{source}: maps of {', '.join(map(str, widths))} channels, and ganzoo's have one number up to some size and"
        " half as many for each doubling beyond"
    )


@dataclass(frozen=True)
class Mapped:
    """Sizes of a mapping network.

    Attributes:
        z_dim, classes, w_dim: of the noise, of labels (0 for none) and of w.
        layers: how many.
    """

    z_dim: int
    classes: int
    w_dim: int
    layers: int


def mapped(source: str, network: Network) -> Mapped:
    """The sizes of a G's mapping network.

    Raises:
        ModelError: its layers are not as wide as w, or the label is embedded in another way.
    """
    state, layers = network.state, highest(network.state, "mapping.fc{i}.weight") + 1
    inputs = shape(source, state, "mapping.fc0.weight", 2)[1]
    w_dim = shape(source, state, f"mapping.fc{layers - 1}.weight", 2)[0]
    wide = {f"mapping.fc{i}.weight": shape(source, state, f"mapping.fc{i}.weight", 2)[0] for i in range(layers)}
    classes = 0
    if "mapping.embed.weight" in state:
        wide["mapping.embed.weight"], classes = shape(source, state, "mapping.embed.weight", 2)
        shape(source, state, "mapping.embed.bias", 1)  # StyleGAN-XL's has none, and is another kind of embedding
    other = next((name for name, width in wide.items() if width != w_dim), None)
    if other is not None:
        raise ModelError(
            f"{source}: {quoted(other)} makes {wide[other]} numbers where ganzoo's makes {w_dim}, as w has"
        )
    z_dim = inputs - (w_dim if classes else 0)
    if z_dim < 1:
        raise ModelError(f"{source}: 'mapping.fc0.weight' takes {inputs} numbers, which leaves none for noise")
    return Mapped(z_dim, classes, w_dim, layers)


def unkept(state: State) -> State:
    """What our G keeps besides: the mean of w where a file has none, and of how many passes it is."""
    if MEAN in state:
        return {"w_passes": torch.tensor(PASSES)}
    w_dim = state[f"mapping.fc{highest(state, 'mapping.fc{i}.weight')}.weight"].shape[0]
    return {"w_mean": torch.zeros(w_dim), "w_passes": torch.tensor(0)}


def mapping(network: Network) -> list[Line]:
    """The table of G's mapping network."""
    return [
        line(MEAN, "w_mean"),
        line("mapping.embed.{any}", "style.embed.0.{any}"),
        line("mapping.fc{i}.{any}", "style.layers.layers.{i}.{any}", sped(network)),
    ]


def remarks(network: Network) -> list[str]:
    """What a person should know of a G, each a sentence."""
    found = [f"G is {quoted(network.place)} of the file."] if network.place else []
    if network.argument("synthesis_kwargs", "num_fp16_res", 0):
        found.append("Its own code draws large maps in half precision on a GPU; here all are in float32.")
    if network.argument("synthesis_kwargs", "conv_clamp", 0):
        found.append("Its own code ends maps at a large number (conv_clamp), which trained ones keep away from.")
    return found


def sped(network: Network) -> Change | None:
    """What a mapping's weights are multiplied by, where it learns at another speed than ours."""
    speed = network.argument("mapping_kwargs", "lr_multiplier", SPEED)
    return None if speed == SPEED else lambda tensor: tensor * (speed / SPEED)


def resampling(gain: float) -> Change:
    """What makes our filter of a file's: it times a gain."""

    def change(kernel: Tensor) -> Tensor:
        if tuple(kernel.shape) != (LOWEST, LOWEST) or not torch.equal(kernel, kernel.flip(0, 1)):
            raise ModelError(
                f"a resample_filter of the shape {tuple(kernel.shape)} is no symmetric one of 4x4, such as ganzoo's are"
            )
        return kernel * gain

    return change
