"""Checkpoints of lucidrains' stylegan2-pytorch, which are told and refused: its networks are not StyleGAN2's.

``{GAN: tensors, version}`` with ``S``, ``G``, ``D`` and their averages ``SE`` and ``GE``. Maps are doubled by bilinear
interpolation that repeats the edge, before a convolution, where the paper has a transposed convolution and a filter
over zeros: on maps of 4 and 8 pixels most pixels are edge, so that no weights of ours draw the same. Besides, a plain
convolution comes first, the three layers of a map share one w, styles are shifts of 1 by plain linear layers, one
picture of noise, turned, goes to all layers with a gain and a shift for each map, and images are doubled by
interpolation and blurred. D has strided convolutions and no filter in its shortcuts, and no minibatch standard
deviation. Options for all of these would make another architecture of ``stylegan2``, which no paper describes.
"""

from __future__ import annotations

from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, state_dicts

NAME = "stylegan2-pytorch (lucidrains)"
TELLING = ("initial_conv.weight", "blocks.0.to_noise1.weight", "blocks.0.to_rgb.conv.weight")


class LucidrainsStyleGAN2(Converter):
    """StyleGAN2 of lucidrains' stylegan2-pytorch: told, and refused, as its networks are others than the paper's."""

    url = "https://github.com/lucidrains/stylegan2-pytorch"
    example = "model_100.pt"
    found = "a training writes models/default"
    becomes = "no model: the command above says why"
    left_out = "all of it"
    checked = "its own classes (stylegan2-pytorch 1.9.0), whose files are told from those of others"

    def fits(self, content: object) -> bool:
        """Whether one of its tables has such a G, of whichever name."""
        tables = [state for _, state in state_dicts(content)]
        return any(all(f"{g}{name}" in state for name in TELLING) for state in tables for g in ("GE.", "G.", ""))

    def convert(self, content: object) -> Converted:
        """Refuse.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{NAME}: its G doubles maps by interpolation, before convolutions, gives all layers of a map one w and all"
            " layers one picture of noise; this is not the StyleGAN2 of the paper, and ganzoo's stylegan2 draws"
            " other images from its weights: draw with its own code, and train ganzoo's stylegan2 on the same data"
        )
