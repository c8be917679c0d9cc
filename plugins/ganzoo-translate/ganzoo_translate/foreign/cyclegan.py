"""State dicts of pytorch-CycleGAN-and-pix2pix (``latest_net_G.pth``) and of CUT, which grew out of it.

A file holds one network. Its G is a ResNet, ``model.N`` in the order of its layers, or a U-Net, ``model.model.1.model``
and on, level within level; D is a PatchGAN, ``model.N``. The ResNet becomes ``cyclegan`` and the U-Net ``pix2pix``,
with whichever of the two the project trained it. Told from names and shapes: width, blocks or depth, planes, the norm
(batch norm has tensors; instance norm has none, or only those that are learnt, and biases in front of it), smoothed
halving and doubling (``filt``), dropout between the convolutions of a block. Several tables in one file, such as
``G_A``, ``G_B``, ``D_A``, ``D_B``, are taken by those names.

Where ours differs: the U-Net joins maps in the other order; D's last convolution is a linear layer over windows; biases
in front of instance norm, which takes them out, are dropped or zero where the other network has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo import ModelError
from ganzoo.foreign import Converted, Converter, Line, highest, line, renamed, state_dicts

NAME = "a network of pytorch-CycleGAN-and-pix2pix or CUT"
NORMS = {
    "cyclegan": {"batch": "+bn", "instance": "", "affine": "+in", "none": "+normalization/none"},
    "pix2pix": {"batch": "", "instance": "+in:affine=false", "affine": "+in", "none": "+normalization/none"},
}
BLOCK = re.compile(r"^(model\.[0-9]+)\.block\.")  # as others who follow the project call a ``conv_block``
RESOLUTION = 256  # that both projects train at; a ResNet takes any

State = Mapping[str, Tensor]


class CycleGANAndPix2Pix(Converter):
    """The translators of pytorch-CycleGAN-and-pix2pix (junyanz)."""

    url = "https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix"
    example = "latest_net_G.pth"
    found = "its scripts/download_cyclegan_model.sh and download_pix2pix_model.sh; a training writes checkpoints"
    becomes = "cyclegan or pix2pix"
    left_out = "networks in other files of the training: give one with several tables to have all"
    given = "--input photo.png"
    checked = "lists of names and shapes, networks made after them, and a published ResNet (PyPI's vintagify)"
    smooth = False

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_is_resnet(state, self.smooth) or (not self.smooth and _is_unet(state)) for state in _all(content))

    def convert(self, content: object) -> Converted:
        """G; F, D and E where the file has them."""
        states = list(_all(content))
        resnets = [state for state in states if _is_resnet(state, self.smooth)]
        critics = [state for state in states if _is_critic(state)]
        if resnets:
            return _cyclegan(resnets[:2], critics)
        return _pix2pix(next(filter(_is_unet, states)), critics[:1])


class CUT(CycleGANAndPix2Pix):
    """The translators of CUT and FastCUT, whose ResNets halve and double smoothly."""

    url = "https://github.com/taesungp/contrastive-unpaired-translation"
    example = "latest_net_G.pth"
    found = "its README links an archive; a training writes checkpoints"
    becomes = "cyclegan"
    left_out = "the network of patches' features (F), which only its own loss uses"
    given = "--input photo.png"
    checked = "lists of names and shapes, and networks made after them; not tried on a published file"
    smooth = True


def _all(content: object) -> Iterator[State]:
    """The tables of a content in the order of their places, so that ``G_A`` comes before ``G_B``."""
    tables = sorted(state_dicts(content), key=lambda found: found[0])
    return ({BLOCK.sub(r"\1.conv_block.", name): tensor for name, tensor in state.items()} for _, state in tables)


# --- telling ------------------------------------------------------------------------------------------------


def _shape(state: State, name: str) -> tuple[int, ...]:
    return tuple(state[name].shape) if name in state else ()


def _is_resnet(state: State, smooth: bool) -> bool:
    """A 7x7 convolution at the start, residual blocks of ``conv_block``, and a filter or none behind the second."""
    blocks = highest(state, "model.{i}.conv_block.1.weight") > 0
    return blocks and _shape(state, "model.1.weight")[2:] == (7, 7) and ("model.7.filt" in state) == smooth


def _is_unet(state: State) -> bool:
    ends = (_shape(state, name)[2:] for name in ("model.model.0.weight", "model.model.3.weight"))
    return all(end == (4, 4) for end in ends) and "model.model.1.model.3.model.1.weight" in state


def _is_critic(state: State) -> bool:
    """4x4 convolutions from ``model.0`` on, of which the last has one channel."""
    last = _shape(state, f"model.{highest(state, 'model.{i}.weight')}.weight")
    return _shape(state, "model.0.weight")[2:] == (4, 4) and last[:1] + last[2:] == (1, 4, 4)


def _norm_of(state: State, conv: str, norm: str) -> str:
    """The norm behind a convolution: batch norm has all tensors, instance norm leaves the convolution its bias.

    Files from before PyTorch 0.4 also have running statistics of instance norms, which nobody reads; instance norms
    with a weight are those of others that follow the project.
    """
    if f"{norm}.weight" in state:
        return "batch" if f"{norm}.running_mean" in state else "affine"
    return "instance" if f"{conv}.bias" in state else "none"


def _planes(state: State, first: str, last: int) -> int:
    """Planes of the images that go in and come out, ``last`` being those that come out."""
    inputs = state[first].shape[1]
    if inputs != last:
        raise ModelError(
            f"{NAME}: by '{first}' images of {inputs} planes go in, and images of {last} come out; translators of "
            "ganzoo take and make images with as many planes"
        )
    return last


# --- ResNet -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResNet:
    """Where the layers of a ResNet lie.

    Attributes:
        smooth: whether it halves smoothly.
        blocks: how many residual blocks it has; the first is ``model.{start}``.
        doubles: whether it doubles smoothly.
        dropout: whether blocks have a dropout.
    """

    smooth: bool
    blocks: int
    doubles: bool
    dropout: bool

    @property
    def start(self) -> int:
        """Of the blocks."""
        return 12 if self.smooth else 10

    @property
    def convs(self) -> list[int]:
        """Numbers of the convolutions outside of blocks, but for the last."""
        first, end = (8 if self.smooth else 7), self.start + self.blocks
        return [1, 4, first, *([end + 1, end + 5] if self.doubles else [end, end + 3])]

    @property
    def image(self) -> int:
        """Number of the last convolution."""
        return self.convs[-1] + 4

    def table(self) -> list[Line]:
        """What each tensor becomes."""
        ours = [0, 1, 2, self.blocks + 4, self.blocks + 6]  # attention sites lie between
        up = "convs.1" if self.doubles else "convs.0"
        kinds = ["convs.0"] * 3 + [up] * 2
        lines = [line(f"model.{self.image}.{{any}}", "trunk.image.{any}")]
        for theirs, place, conv in zip(self.convs, ours, kinds, strict=True):
            lines.append(line(f"model.{theirs}.{{any}}", f"trunk.layers.{place}.{conv}.{{any}}"))
            lines.append(line(f"model.{theirs + 1}.{{any}}", f"trunk.layers.{place}.norm.{{any}}"))
        lines += [line(f"model.{7 + 4 * k}.filt", f"trunk.layers.{k + 1}.end.kernel", _one_filter) for k in range(2)]
        for up_conv, place in zip(self.convs[3:], ours[3:], strict=True):
            lines.append(line(f"model.{up_conv - 1}.filt", f"trunk.layers.{place}.convs.0.kernel", _one_filter))
        second = 6 if self.dropout else 5
        inside = {1: "first", 2: "norm1", second: "second", second + 1: "norm2"}
        for k in range(self.blocks):
            block, mine = f"model.{self.start + k}.conv_block", f"trunk.layers.{k + 3}"
            lines += [line(f"{block}.{n}.{{any}}", f"{mine}.{name}.{{any}}") for n, name in inside.items()]
        return lines


def _one_filter(filters: Tensor) -> Tensor:
    """The filter that each map has, ``(C, 1, k, k)``, once.

    Raises:
        ModelError: maps have different ones.
    """
    first = filters[0, 0]
    if not torch.equal(filters[:, 0], first.expand_as(filters[:, 0])):
        raise ModelError(f"{NAME}: a 'filt' of {len(filters)} maps has different filters")
    return first.clone()


def _resnet(state: State) -> ResNet:
    smooth = "model.7.filt" in state
    start = 12 if smooth else 10
    blocks = highest(state, "model.{i}.conv_block.1.weight") - start + 1
    dropout = len(_shape(state, f"model.{start}.conv_block.6.weight")) == 4
    return ResNet(smooth, blocks, f"model.{start + blocks}.filt" in state, dropout)


def _cyclegan(generators: list[State], critics: list[State]) -> Converted:
    """A model of two ResNets, of which one may be fresh."""
    state = generators[0]
    net, norm = _resnet(state), _norm_of(state, "model.1", "model.2")
    channels = _planes(state, "model.1.weight", len(state[f"model.{net.image}.weight"]))
    ch = len(state["model.1.weight"])
    recipe = f"cyclegan:ch={ch},blocks={net.blocks}"
    if net.smooth or net.doubles:
        if net.doubles and not net.smooth:
            raise ModelError(f"{NAME}: 'model.{net.start + net.blocks}.filt' doubles smoothly, and nothing halves so")
        recipe += f",antialias={'both' if net.doubles else 'down'}"
    recipe += ",dropout=0.5" if net.dropout else ""
    networks: dict[str, dict[str, Tensor]] = {}
    for name, one in zip(("G", "F"), generators, strict=False):
        _same_kind(_norm_of(one, "model.1", "model.2"), norm)
        networks[name] = _renamed(one, _resnet(one).table(), norm)
        _with_biases(networks[name], [f"layers.{net.blocks + k}.convs.0.weight" for k in (4, 6)])
    options = ""
    for name, one in zip(("D", "E"), critics, strict=False):
        options, networks[name] = _critic(one, norm, bias=True)
    notes = _notes(networks, norm)
    size = {"resolution": RESOLUTION, "channels": channels}
    return Converted(recipe + options + NORMS["cyclegan"][norm], size, networks, notes=notes)


# --- U-Net --------------------------------------------------------------------------------------------------


def _level(number: int) -> str:
    """What names of a level of a U-Net begin with: of the first, at full size, ``model.``."""
    return "model." + "model.1." * min(number, 1) + "model.3." * max(number - 1, 0)


def _unet_table(depth: int) -> list[Line]:
    lines = [
        line("model.model.0.{any}", "trunk.first.{any}"),
        line("model.model.3.weight", "trunk.image.weight", _swapped),
        line("model.model.3.bias", "trunk.image.bias"),
    ]
    for k in range(1, depth):
        inner, level = k < depth - 1, _level(k)
        down, up = f"trunk.down.{k - 1}", f"trunk.up.{depth - 1 - k}"
        conv = 5 if inner else 3
        lines.append(line(f"{level}model.1.{{any}}", f"{down}.conv.{{any}}"))
        lines += [line(f"{level}model.2.{{any}}", f"{down}.norm.{{any}}")] if inner else []
        lines.append(line(f"{level}model.{conv}.weight", f"{up}.conv.weight", _swapped if inner else None))
        lines.append(line(f"{level}model.{conv}.bias", f"{up}.conv.bias"))
        lines.append(line(f"{level}model.{conv + 1}.{{any}}", f"{up}.norm.{{any}}"))
    return lines


def _swapped(weight: Tensor) -> Tensor:
    """A weight whose inputs are the map from before and the one from below, for those the other way around."""
    return torch.cat(weight.chunk(2)[::-1])


def _pix2pix(state: State, critics: list[State]) -> Converted:
    """A model of a U-Net."""
    depth = 2
    while f"{_level(depth)}model.1.weight" in state:
        depth += 1
    norm = _norm_of(state, "model.model.1.model.1", "model.model.1.model.2")
    image = state["model.model.3.weight"]
    channels, ch = _planes(state, "model.model.0.weight", image.shape[1]), len(state["model.model.0.weight"])
    g = _renamed(state, _unet_table(depth), norm)
    bottom = f"trunk.down.{depth - 2}.conv."
    if norm == "none":
        _with_biases(g, [f"up.{k}.conv.weight" for k in range(depth - 1)])
    else:
        _with_biases(g, [], only=("trunk.first.", bottom))
        g = _without_biases(g, keep=("trunk.first.", bottom, "trunk.image."))
    options, networks = "", {"G": g}
    for one in critics:
        options, networks["D"] = _critic(one, norm, bias=norm == "none")
    recipe = f"pix2pix:ch={ch},depth={depth}{options}{NORMS['pix2pix'][norm]}"
    return Converted(recipe, {"resolution": 1 << depth, "channels": channels}, networks, notes=_notes(networks, norm))


# --- D ------------------------------------------------------------------------------------------------------


def _critic(state: State, norm: str, bias: bool) -> tuple[str, dict[str, Tensor]]:
    """The options of a recipe that make a PatchGAN, and its tensors."""
    smooth = "model.2.filt" in state
    layers = sum(tensor.ndim == 4 and name.endswith(".weight") for name, tensor in state.items()) - 2
    places = [0, *((4 if smooth else 3) * k - 1 for k in range(1, layers + 1))]
    last = places[-1] + 3
    _same_kind(_norm_of(state, f"model.{places[1]}", f"model.{places[1] + 1}"), norm)
    lines = [
        line(f"model.{last}.weight", "head.score.weight", lambda weight: weight.permute(0, 2, 3, 1).flatten(1)),
        line(f"model.{last}.bias", "head.score.bias"),
    ]
    for k, place in enumerate(places):
        lines.append(line(f"model.{place}.{{any}}", f"trunk.convs.{k}.{{any}}"))
        lines.append(line(f"model.{place + 2 + (k > 0)}.filt", f"trunk.halves.{k}.kernel", _one_filter))
        lines += [line(f"model.{place + 1}.{{any}}", f"trunk.norms.{k}.{{any}}")] if k else []
    found = _renamed(state, lines, norm)
    if bias:
        _with_biases(found, [])
    elif norm in ("instance", "affine"):
        found = _without_biases(found, keep=("trunk.convs.0.", "head."))
    options = f",ch.d={len(state['model.0.weight'])},layers={layers}"
    return options + (",antialias.d=true" if smooth else ""), found


# --- what they share ----------------------------------------------------------------------------------------


def _same_kind(norm: str, other: str) -> None:
    if norm != other:
        raise ModelError(f"{NAME}: one network has {norm} norms and another {other}; give a file with one of them")


def _renamed(state: State, table: list[Line], norm: str) -> dict[str, Tensor]:
    """Our tensors, in float32, without statistics that an old file has of norms that read none."""
    found = renamed(state, table, NAME)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in found.items()
        if norm == "batch" or not name.endswith(("running_mean", "running_var"))
    }


def _with_biases(tensors: dict[str, Tensor], transposed: list[str], only: tuple[str, ...] = ("",)) -> None:
    """Give convolutions without a bias one of zeros.

    Args:
        tensors: ours, by name.
        transposed: ends of the names of weights whose second dimension is that of the outputs.
        only: beginnings of the names of those that get one.
    """
    for name, weight in list(tensors.items()):
        if name.endswith(".weight") and weight.ndim == 4 and name.startswith(only):
            outputs = weight.shape[1 if name.endswith(tuple(transposed)) and transposed else 0]
            tensors.setdefault(f"{name.removesuffix('weight')}bias", torch.zeros(outputs))


def _without_biases(tensors: Mapping[str, Tensor], keep: tuple[str, ...]) -> dict[str, Tensor]:
    """The tensors without biases of convolutions, those apart whose names begin so."""
    drop = {f"{name.removesuffix('weight')}bias" for name, tensor in tensors.items() if tensor.ndim == 4}
    return {name: tensor for name, tensor in tensors.items() if name not in drop or name.startswith(keep)}


def _notes(networks: Mapping[str, object], norm: str) -> list[str]:
    """What a person should know."""
    notes = ["It is one direction: what the file calls G makes images of sources."] if "F" not in networks else []
    if "D" not in networks:
        notes.append("Networks that the file does not have start anew; only training uses them.")
    if norm == "batch":
        notes.append(
            "Samples use the running statistics of its batch norms and no dropout, as its test.py does with --eval."
        )
    return notes
