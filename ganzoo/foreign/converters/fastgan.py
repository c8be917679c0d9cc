"""FastGAN's generator, of copies of its authors' code and of Projected GAN's.

Names are ``init.init``, ``feat_8`` and on to ``feat_1024`` for what doubles a map to that side, ``se_64`` and on for
the gates, ``to_big``; Projected GAN has ``synthesis.`` before them, a bias in ``to_big``, noise scaled to a mean square
of 1, and no tanh, which FastGAN has at 1024 pixels alone. The second convolution of a size (``.5``) tells the form;
width, size, channels and noise are read. Weights are under torch's spectral norm. FastGAN's checkpoints are ``{g, d}``
or, with ``g_ema``, a list of parameters in their order, which is taken with the statistics of ``g``. A network for 128
pixels has layers for 256 that nothing uses. Both codes draw the noise of their layers anew for every picture; ours
keeps one picture of noise for each layer, here of a fixed seed. Projected GAN's G with classes has an embedding
(``embed``) that each norm but the first has linear layers of: ours has a row for each class (``+cbn``). D is left out:
FastGAN's sees a small copy of each image beside it, which ours makes in another way, and Projected GAN's mixes maps of
a network of others that it enlarges corner to corner, ours pixel by pixel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.converter import Converted, Converter, averaged
from ganzoo.foreign.converters.styled import State, shape
from ganzoo.foreign.keys import Line, line, renamed
from ganzoo.foreign.spectral import divided, plain_spectral

SIDES = (8, 16, 32, 64, 128, 256, 512, 1024)
LEAST = 128  # pixels of the smallest image
BOUNDED = 1024  # pixels of FastGAN's images that end in a tanh
FORMS = {(True, False): "full", (True, True): "double", (False, False): "lite"}  # by a second convolution at 8 and 16
FIRST = "init.init.0.weight_orig"
BUFFERS = ("_u", "_v", "running_mean", "running_var", "num_batches_tracked")
NOISE = "Its code draws noise in its layers anew for every picture; here each layer keeps one picture of noise."
FASTGAN_D = "Its D was left out: it also sees a small copy of each image, which G draws by a layer of its own."
PROJECTED_D = (
    "Its D was left out: it mixes maps that are enlarged corner to corner, and ganzoo's are enlarged pixel by pixel."
)
LABELLED = re.compile(r"feat_(\d{1,4})\.(conv|bn|conv1|bn1|conv2|bn2)\.")
PARTS = {"gain": "gain", "bias": "shift"}  # theirs, to which 1 is added, and what ours calls it
NUMBERED = {"conv": 1, "bn": 2, "conv1": 1, "bn1": 3, "conv2": 5, "bn2": 7}  # as names of a G without classes have it


class FastGAN(Converter):
    """FastGAN's generator, of the copies of its authors' code."""

    url = "https://github.com/odegeasslbc/FastGAN-pytorch"
    example = "all_50000.pth"
    found = "its README links some; a training writes train_results/*/models"
    becomes = "fastgan"
    left_out = "D, and the layer that draws the image of 128 pixels for it"
    checked = "lists of names and shapes, and a network written from its description; not tried on a published file"
    source: ClassVar[str] = "FastGAN"
    prefix: ClassVar[str] = ""
    unjudged: ClassVar[str] = FASTGAN_D

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(
            self.prefix + FIRST in state and f"{self.prefix}to_big.weight_orig" in state for state in _of(content)
        )

    def convert(self, content: object) -> Converted:
        """G, of a moving average where the file has one.

        Raises:
            ModelError: a G of another size, or with sizes of two forms.
        """
        state = next(state for state in _of(content) if self.prefix + FIRST in state)
        state = _with_average(state, content, self.source)
        g = {name.removeprefix(self.prefix): t for name, t in state.items() if name.startswith(self.prefix)}
        labels = g.pop("embed.weight", None)
        g = g if labels is None else {_numbered(name): tensor for name, tensor in g.items()}
        z_dim = shape(self.source, g, FIRST, 4)[0]
        ch = shape(self.source, g, "feat_128.1.weight_orig", 4)[0] // 2
        channels, last = shape(self.source, g, "to_big.weight_orig", 4)[:2]
        side = max((side for side in SIDES if f"feat_{side}.1.weight_orig" in g), default=0)
        if self.prefix and side == 2 * LEAST and last == ch:
            side = LEAST
            g = {name: t for name, t in g.items() if not name.startswith((f"feat_{2 * side}.", f"se_{2 * side}."))}
        rich = (f"feat_{SIDES[0]}.5.weight_orig" in g, f"feat_{SIDES[1]}.5.weight_orig" in g)
        if rich not in FORMS:
            raise ModelError(f"{self.source}: 'feat_16.5.weight_orig' is there, and the same of feat_8 is not")
        first = {FIRST.removesuffix("_orig"): divided(g.pop(FIRST), *_vectors(g), outputs=1)}
        plain = plain_spectral(g) | first
        if labels is not None:
            plain = _with_labels(plain, labels, self.source)
        two = {side for side in SIDES if f"feat_{side}.5.weight" in plain}
        networks = {"G": _noisy(renamed(plain, generator(two), self.source), channels, SIDES.index(side) + 1)}
        options = {"ch": ch, "form": FORMS[rich], "gate": "swish", **self.options(side)}
        recipe = "fastgan:" + ",".join(f"{name}={value}" for name, value in options.items())
        size = {"resolution": side, "channels": channels, "z_dim": z_dim}
        if labels is not None:
            recipe, size["classes"] = f"{recipe}+cbn@g", len(labels)
        notes = [*([NOISE] if any(".noise." in name for name in networks["G"]) else []), self.unjudged]
        return Converted(recipe, size, networks, notes=notes)

    def options(self, side: int) -> dict[str, str]:
        """What else a recipe says of images of a side."""
        return {} if side == BOUNDED else {"bound": "false"}


class ProjectedFastGAN(FastGAN):
    """FastGAN's generator as Projected GAN has it, from its pickles and state dicts."""

    url = "https://github.com/autonomousvision/projected-gan"
    example = "pokemon.pkl"
    found = "its README links them; a training writes network-snapshot.pkl"
    becomes = "fastgan"
    left_out = "D and its feature network"
    source = "Projected GAN"
    prefix = "synthesis."
    unjudged = PROJECTED_D

    def options(self, side: int) -> dict[str, str]:
        """What else a recipe says of images of a side."""
        return {"bound": "false", "unit": "true"}


def _of(content: object) -> list[State]:
    return averaged(content)


def _numbered(name: str) -> str:
    """A name of a G with classes as one without has it."""
    return LABELLED.sub(lambda found: f"feat_{found[1]}.{NUMBERED[found[2]]}.", name)


def _with_labels(plain: State, labels: Tensor, source: str) -> State:
    """A G whose norms have a gain and a shift for each class, where they were linear in an embedding of it.

    Args:
        plain: its tensors, without spectral norm.
        labels: the embeddings, one row for each class.
        source: of the file, for messages.
    """
    classes, length = shape(source, {"embed.weight": labels}, "embed.weight", 2)
    found = dict(plain)
    for name, tensor in plain.items():
        stem, _, kind = name.rpartition(".")
        if kind in ("stored_mean", "stored_var"):
            found[f"{stem}.running_{kind.removeprefix('stored_')}"] = found.pop(name)
        elif name.endswith((".gain.weight", ".bias.weight")):
            if (width := shape(source, plain, name, 2)[1]) != length:
                raise ModelError(f"{source}: {quoted(name)} takes {width} numbers of an embedding of {length}")
            rows = labels.float() @ found.pop(name).float().T + found.pop(f"{stem}.bias").float()
            norm, _, part = stem.rpartition(".")
            found[f"{norm}.{PARTS[part]}"] = rows + (part == "gain")
        elif name.endswith(".noise.weight"):  # of both convolutions
            found[f"{name.removesuffix('noise.weight')}2.weight"] = found.pop(name)
            found[f"{name.removesuffix('noise.weight')}6.weight"] = tensor
    gain, shift = found.pop("init.init.1.weight"), found.pop("init.init.1.bias")  # alike for all classes
    return found | {"init.init.1.gain": gain.repeat(classes, 1), "init.init.1.shift": shift.repeat(classes, 1)}


def _vectors(g: State) -> tuple[Tensor, Tensor]:
    """The vectors of the first layer's spectral norm, taken out."""
    stem = FIRST.removesuffix("_orig")
    if f"{stem}_u" not in g or f"{stem}_v" not in g:
        raise ModelError(f"{quoted(FIRST)} has no '{stem}_u' and '{stem}_v' beside it: its file is no checkpoint")
    return g.pop(f"{stem}_u"), g.pop(f"{stem}_v")


def _with_average(state: State, content: object, source: str) -> State:
    """A table whose parameters are those of a list called ``g_ema``, where the content has one."""
    average = content.get("g_ema") if isinstance(content, Mapping) else None
    if not isinstance(average, list | tuple):
        return state
    names = [name for name in state if not name.endswith(BUFFERS)]
    for name, tensor in zip(names, average, strict=False):
        if not isinstance(tensor, Tensor) or tensor.shape != state[name].shape:
            raise ModelError(f"{source}: 'g_ema' has no tensor of the shape of {quoted(name)} where its turn is")
    if len(names) != len(average):
        raise ModelError(f"{source}: 'g_ema' has {len(average)} tensors, and 'g' has {len(names)} parameters")
    return state | dict(zip(names, average, strict=True))


def _noisy(g: State, channels: int, doublings: int) -> State:
    """G's tensors, with a bias at the image and a picture of noise for each strength of it."""
    rng = torch.Generator().manual_seed(0)
    made = {"trunk.image.bias": torch.zeros(channels)} | g
    for i in range(doublings):
        for j in range(2):
            name = f"trunk.stages.{i}.layers.{j}.noise"
            if f"{name}.strength" in g:
                made[f"{name}.constant"] = torch.randn(SIDES[i], SIDES[i], generator=rng)
    return made


def generator(two: set[int]) -> list[Line]:
    """The table of a G whose maps of some sides have two convolutions, with noise behind each."""
    lines = [
        line("init.init.0.weight", "trunk.first.conv.weight"),
        line("init.init.1.{any}", "trunk.first.norm.{any}"),
        line("to_big.{any}", "trunk.image.{any}"),
        line("to_128.{any}", None),
    ]
    for i, side in enumerate(SIDES):
        theirs, ours = f"feat_{side}", f"trunk.stages.{i}.layers"
        one_or_first = [line(f"{theirs}.2.{{any}}", f"{ours}.0.norm.{{any}}")]
        if side in two:
            one_or_first = [
                line(f"{theirs}.2.weight", f"{ours}.0.noise.strength", lambda strength: strength.reshape(())),
                line(f"{theirs}.3.{{any}}", f"{ours}.0.norm.{{any}}"),
            ]
        lines += [
            line(f"{theirs}.1.weight", f"{ours}.0.conv.weight"),
            line(f"{theirs}.5.weight", f"{ours}.1.conv.weight"),
            line(f"{theirs}.6.weight", f"{ours}.1.noise.strength", lambda strength: strength.reshape(())),
            line(f"{theirs}.7.{{any}}", f"{ours}.1.norm.{{any}}"),
            *one_or_first,
            line(f"se_{side}.main.1.weight", f"trunk.gates.{i}.squeeze.weight"),
            line(f"se_{side}.main.3.weight", f"trunk.gates.{i}.excite.weight"),
        ]
    return lines
