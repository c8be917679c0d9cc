"""Self-attention GAN: the ResNet of SNGAN, with attention at one map of each network.

Self-Attention Generative Adversarial Networks (Zhang et al. 2018, arXiv 1805.08318) and the authors' code, whose
networks at 128 pixels are SNGAN's: attention stands at 32 pixels in both, spectral norm on both sides. For smaller
images the paper has no networks; ours place attention as mimicry does at 32 pixels, behind G's last block but one
(16x16) and D's second (8x8). At 128 pixels mimicry's D is an eighth as wide as the authors'; ours is the authors'.
"""

from __future__ import annotations

from typing import Literal

from ganzoo.architectures.sngan import Widths, d_trunk, g_trunk
from ganzoo.gan.kit import Discriminator, Generator, Kit


def generator(
    kit: Kit,
    *,
    ch: int | None = None,
    upsample: Literal["nearest", "bilinear"] = "nearest",
    widths: Widths = "even",
) -> Generator:
    """SNGAN's residual networks with self-attention (Zhang et al. 2018, arXiv 1805.08318).

    The networks are those of ``sngan``; attention, and spectral norm on both sides, are parts that ``sagan`` implies.

    Args:
        kit: of G's side.
        ch: channels of the last map; 256 up to 32 pixels, 64 above.
        upsample: how maps are doubled; the authors and StudioGAN repeat pixels, mimicry interpolates.
        widths: of large images: ``"even"`` has further blocks of 16 ``ch`` from 256 pixels on; ``"studiogan"`` fewer,
            and at 64 a D whose last block does not halve its map.
    """
    return Generator(kit, g_trunk("sagan", kit, ch, upsample, widths))


def discriminator(
    kit: Kit,
    *,
    ch: int | None = None,
    ch_d: int | None = None,
    rectify: bool = False,
    wide: bool = False,
    widths: Widths = "even",
) -> Discriminator:
    """D of SAGAN: that of ``sngan``.

    Args:
        kit: of D's side.
        ch: channels of G's last map; 256 up to 32 pixels, 64 above.
        ch_d: channels of D's first map; half of ``ch`` up to 32 pixels, ``ch`` above.
        rectify: shortcuts start behind the ReLU, as in mimicry and StudioGAN, not before it as in the paper.
        wide: blocks widen their map by the first convolution, as in BigGAN and StudioGAN, not by the second.
        widths: of large images: ``"even"`` has further blocks of 16 ``ch`` from 256 pixels on; ``"studiogan"`` fewer,
            and at 64 a D whose last block does not halve its map.
    """
    trunk = d_trunk("sagan", kit, ch, ch_d, rectify=rectify, wide=wide, widths=widths)
    return Discriminator(kit, trunk, trunk.features)
