"""A discriminator that decides for the image and for each of its pixels.

A U-Net Based Discriminator for Generative Adversarial Networks (Schönfeld et al. 2020, arXiv 2002.12655), section 3.1:
the blocks of BigGAN's D are an encoder, which scores the image as there, and BigGAN's doubling blocks a decoder behind
it, which sees the encoder's map of its size beside its own and ends in a 1x1 convolution: a score for every pixel.
``L_D = L_enc + L_dec``, the latter the mean over pixels, and G's likewise. Labels enter both by projection. The
regularizer ``cutmix`` is the paper's other half.

How ours differs: a loss of several scores is their mean here, half of the paper's sum, which Adam cannot tell from it;
sizes up to 64 pixels are BigGAN's here. The paper's networks have no attention; a recipe may give them some.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.architectures.biggan import attentions, d_shape, sizes
from ganzoo.errors import within
from ganzoo.gan.kit import Kit
from ganzoo.layers.layout import sum_pool
from ganzoo.layers.patches import PatchHead, together
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock
from ganzoo.parts import Output, as_weights


class UNet(nn.Module):
    """An encoder with a score for the image, and a decoder with one for each pixel.

    Args:
        kit: of side ``d``.
        wide: channels of the encoder's blocks.
        halvings: how many of them, from the first, halve the map; as many blocks double it again.

    Attributes:
        features: how many there are: those of the encoder, and the means of the decoder's last maps.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], halvings: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.conditioning = kit.condition()
        later = (DBlock(a, b, kit.norm, i < halvings, wide=True) for i, (a, b) in enumerate(pairwise(wide), start=1))
        self.blocks = nn.ModuleList([FirstDBlock(kit.inputs, wide[0], kit.norm), *later])
        maps = [kit.height >> min(i, halvings) for i in range(1, len(wide) + 1)]
        self.attentions = attentions(kit, wide, maps)
        beside = wide[: halvings - 1][::-1]  # channels of what the decoder sees again, from its smallest map on
        inputs = [wide[-1], *(2 * width for width in beside)]
        self.ups = nn.ModuleList(GBlock(a, b, kit.norm, "nearest") for a, b in zip(inputs, beside, strict=False))
        self.last = GBlock(inputs[-1], wide[0], kit.norm, "nearest")
        self.head = self.conditioning.head(wide[-1], True)
        self.pixels = PatchHead(self.conditioning, wide[0])
        self.features = wide[-1] + wide[0]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block of the encoder, from the image on."""
        return list(zip(self.blocks, self.attentions, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` of images ``(B, C, H, W)`` under label vectors, and ``(B, H*W)`` of their pixels.

        Those of pixels are in ``extras["pixels"]`` ``(B, 1, H, W)``, too.
        """
        x, maps = self.conditioning.embed(x, y), []
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x, y))
            maps.append(x)
        deepest = sum_pool(F.relu(x))
        for up, beside in zip(self.ups, reversed(maps[: len(self.ups)]), strict=True):
            x = torch.cat([up(x, y), beside], 1)
        x = F.relu(self.last(x, y))
        with torch.autocast(x.device.type, enabled=False):  # bf16 would leave a score three digits
            of_pixels = self.pixels(*as_weights(self.pixels, x, y))
            said = together([self.head(*as_weights(self.head, deepest, y)), of_pixels])
        return Output(
            said.scores, said.features, {**said.extras, "pixels": of_pixels.scores.unflatten(1, (1, *x.shape[2:]))}
        )


def discriminator(kit: Kit, *, ch: int = 64) -> UNet:
    """A U-Net as discriminator: scores of the image and of its pixels (Schönfeld et al. 2020, arXiv 2002.12655).

    Attention sites: all maps behind a block of the encoder. Own one: 64 pixels, or half of a smaller image.

    Args:
        kit: of D's side.
        ch: unit of width; up to 32 pixels all maps have twice as many channels.
    """
    within("unet:ch", ch, 1)
    multiples, halvings = d_shape(sizes("unet", kit)[1])
    return UNet(kit, [ch * times for times in multiples], halvings)
