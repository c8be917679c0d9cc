"""R3GAN's networks, as state dicts and as the pickles of its training code.

Names are ``Model.MainLayers.i.Layers.j``: in G a learnt map (``Basis``) with a linear layer, or a resampling (a
``Kernel``, and a 1x1 convolution where the width changes), then the blocks of a map; in D the blocks, then the
resampling or at the end the learnt map; ``AggregationLayer`` and ``ExtractionLayer`` are at the image,
``EmbeddingLayer`` is of classes. Widths, their side, blocks for each map, width inside and channels of a group are
read, so that the paper's five configurations and others are told apart. Of a pickle the moving average (``G_ema``) is
taken. A kernel is stored with a sum of 1, and used in G with one of 4: ours has that in it.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from ganzoo.architectures.r3gan import EMBEDDING
from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, averaged
from ganzoo.foreign.converters.styled import State, shape
from ganzoo.foreign.keys import Line, highest, line, renamed

NAME = "R3GAN"
LOWEST = 4  # pixels across the learnt map
MOST = 16  # maps, which no network comes near
MAIN = "MainLayers.{i}.Layers.{j}."
FIRST = MAIN + "LinearLayer1.Layer.weight"


class R3GAN(Converter):
    """R3GAN of its authors' code, any configuration."""

    url = "https://github.com/brownvc/R3GAN"
    example = "network-snapshot-final.pkl"
    found = "its README links them; a training writes network-snapshot-*.pkl"
    becomes = "r3gan"
    left_out = "ADA's augmentation and its probability"
    checked = "lists of names and shapes, and a network written from the paper; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_is_generator(state) for state in _tables(content))

    def convert(self, content: object) -> Converted:
        """G, of a moving average where the file has one, and D where the file has it.

        Raises:
            ModelError: shapes that are not those of one network, named by the tensor that tells.
        """
        tables = list(_tables(content))
        g = next(filter(_is_generator, tables))
        d = next((state for state in tables if "ExtractionLayer.Layer.weight" in state), None)
        stages = highest(g, FIRST) + 1
        embedding, classes = shape(NAME, g, "EmbeddingLayer.weight", 2) if "EmbeddingLayer.weight" in g else (0, 0)
        if classes and embedding != EMBEDDING:
            raise ModelError(
                f"{NAME}: EmbeddingLayer.weight has {embedding} numbers a class, where R3GAN's has {EMBEDDING}"
            )
        options = _options(g, range(stages), first=1)
        networks = {"G": renamed(g, generator(), NAME)}
        if d is not None:
            of_d = _options(d, range(stages - 1, -1, -1), first=0)
            width = of_d.pop("ch")
            if of_d != {key: options[key] for key in of_d}:
                raise ModelError(f"{NAME}: its D has {of_d} where its G has {options}: they are of two configurations")
            options |= {"ch.d": width} if width != options["ch"] else {}
            networks["D"] = renamed(d, discriminator(stages, conditional=bool(classes)), NAME)
        size = {
            "resolution": LOWEST << (stages - 1),
            "channels": g["AggregationLayer.Layer.weight"].shape[0],
            "classes": classes,
            "z_dim": g["MainLayers.0.Layers.0.LinearLayer.weight"].shape[1] - embedding,
        }
        return Converted("r3gan:" + ",".join(f"{key}={value}" for key, value in options.items()), size, networks)


def _tables(content: object) -> list[State]:
    return [{name.removeprefix("Model."): t for name, t in state.items()} for state in averaged(content)]


def _is_generator(state: State) -> bool:
    """A learnt map of 4x4 with a linear layer, and a 1x1 convolution to the image."""
    shapes = {"MainLayers.0.Layers.0.Basis": 3, "AggregationLayer.Layer.weight": 4}
    shapes["MainLayers.0.Layers.0.LinearLayer.weight"] = 2
    return (
        all(name in state and state[name].ndim == dims for name, dims in shapes.items())
        and 0 < highest(state, FIRST) < MOST
    )


def _options(state: State, order: range, first: int) -> dict[str, int]:
    """What the recipe says of a network's blocks.

    Args:
        state: its tensors.
        order: its stages from the smallest map on.
        first: place of the first block in each stage.
    """
    name = FIRST.replace("{j}", str(first))
    firsts = [shape(NAME, state, name.format(i=stage), 4) for stage in order]
    widths = [sizes[1] for sizes in firsts]
    full = max(LOWEST << i for i, width in enumerate(widths) if width == widths[0])
    for i, (found, (before, after)) in enumerate(zip(firsts[1:], pairwise(widths), strict=True), start=1):
        if after != max(1, widths[0] * full // max(full, LOWEST << i)):
            raise ModelError(
                f"{NAME}: {name.format(i=order[i])} is {found}, and maps of {LOWEST << i} pixels have"
                f" {after} channels after {before}; ganzoo's halve with each doubling beyond {full} pixels"
            )
    last = f"MainLayers.{order[0]}.Layers.{{j}}.LinearLayer1.Layer.weight"
    return {
        "ch": widths[0],
        "full": full,
        "blocks": highest(state, last, "j") + 1 - first,
        "expand": firsts[0][0] // widths[0],
        "group": shape(NAME, state, f"MainLayers.{order[0]}.Layers.{first}.LinearLayer2.Layer.weight", 4)[1],
    }


def _blocks(ours: str, shift: str) -> list[Line]:
    """The lines of a block, ``{j+shift}`` in its stage, which is ``ours``."""
    layers = {"1": "first", "2": "grouped", "3": "last"}
    theirs = f"MainLayers.{{i}}.Layers.{{j{shift}}}"
    return [
        *(line(f"{theirs}.LinearLayer{n}.Layer.weight", f"{ours}.{{j}}.{name}.weight") for n, name in layers.items()),
        *(line(f"{theirs}.NonLinearity{n + 1}.Bias", f"{ours}.{{j}}.acts.{n}.bias") for n in range(2)),
    ]


def generator() -> list[Line]:
    """The table of G, of any size."""
    return [
        line("EmbeddingLayer.weight", "trunk.embedding.embedding.weight"),
        line("MainLayers.0.Layers.0.Basis", "trunk.start.basis"),
        line("MainLayers.0.Layers.0.LinearLayer.weight", "trunk.start.scale.weight"),
        line("MainLayers.{i}.Layers.0.Resampler.Kernel", "trunk.ups.{i}.0.kernel", lambda kernel: 4 * _unit(kernel)),
        line("MainLayers.{i}.Layers.0.LinearLayer.Layer.weight", "trunk.ups.{i}.1.weight"),
        *_blocks("trunk.stages.{i}", "+1"),
        line("AggregationLayer.Layer.weight", "trunk.image.weight"),
    ]


def discriminator(stages: int, conditional: bool) -> list[Line]:
    """The table of a D of so many stages."""
    end = f"MainLayers.{stages - 1}.Layers.{{j}}"
    return [
        line("ExtractionLayer.Layer.weight", "trunk.image.weight"),
        *_blocks("trunk.stages.{i}", ""),
        line("MainLayers.{i}.Layers.{j}.Resampler.Kernel", "trunk.downs.{i+1}.0.kernel", _unit),
        line("MainLayers.{i}.Layers.{j}.LinearLayer.Layer.weight", "trunk.downs.{i+1}.1.weight"),
        line(f"{end}.Basis.weight", "trunk.end.basis", lambda basis: basis.squeeze(1)),
        line(f"{end}.LinearLayer.weight", "head.map.weight" if conditional else "head.score.weight"),
        line("EmbeddingLayer.weight", "head.embedding.weight"),
    ]


def _unit(kernel: Tensor) -> Tensor:
    """A kernel whose sum is 1."""
    return kernel / kernel.sum()
