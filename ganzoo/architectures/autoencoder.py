"""Networks in which D rebuilds images, and tells real ones by how well it can.

BEGAN: Boundary Equilibrium Generative Adversarial Networks (Berthelot et al. 2017, arXiv 1703.10717), section 3.5 and
figure 1: D encodes an image into ``hidden`` numbers and decodes these, G is a decoder of noise. A decoder projects to
the smallest map, 8 pixels, and doubles it by nearest neighbours, with two 3x3 convolutions and ELUs at each size; an
encoder halves by strides, and widens by ``ch`` at each size. D's score is minus the error of an image.

Before it, Energy-based Generative Adversarial Networks (Zhao et al. 2017, arXiv 1609.03126) had a squared error
(``error=l2``) and another autoencoder. How ours differs: no skip connections that vanish, which the paper says are not
needed; images of 8 pixels' doublings from 16 up, and rectangles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.kit import Generator, Kit
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.layout import as_maps, flat
from ganzoo.layers.sizes import rectangle
from ganzoo.parts import Output, accurate


def absolute(gap: Tensor) -> Tensor:
    """The mean absolute value of each image's numbers, ``(B,)``."""
    return gap.abs().flatten(1).mean(1)


def squared(gap: Tensor) -> Tensor:
    """The mean square of each image's numbers, ``(B,)``."""
    return gap.square().flatten(1).mean(1)


ERRORS: dict[str, Callable[[Tensor], Tensor]] = {"l1": absolute, "l2": squared}


def smallest(kit: Kit) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and how often it is doubled."""
    return rectangle("autoencoder", (kit.height, kit.width), (8,))


def pair(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Two 3x3 convolutions with ELUs; the second has the ``stride``."""
    first, second = nn.Conv2d(inputs, inputs, 3, padding=1), nn.Conv2d(inputs, outputs, 3, stride, padding=1)
    return nn.Sequential(first, nn.ELU(), second, nn.ELU())


class Decoder(nn.Module):
    """Vectors ``(B, length)`` to images ``(B, C, H, W)``, which nothing bounds but what they are compared with.

    Args:
        kit: of either side.
        length: of the vectors.
        ch: channels of every map.
    """

    def __init__(self, kit: Kit, length: int, ch: int) -> None:
        super().__init__()
        self.bottom, doublings = smallest(kit)
        self.project = nn.Linear(length, ch * self.bottom[0] * self.bottom[1])
        doubled = [nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), pair(ch, ch)) for _ in range(doublings)]
        self.stages = nn.Sequential(pair(ch, ch), *doubled)
        self.image = Conv2d(ch, kit.channels, 3, padding=1)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """The images; ``c`` is the context of other trunks, of which this one has no use."""
        return self.image(self.stages(as_maps(self.project(h), self.bottom)))


class Encoder(nn.Module):
    """Images ``(B, C, H, W)`` to vectors ``(B, length)``.

    Args:
        kit: of side ``d``.
        length: of the vectors.
        ch: channels of the first map, and how many more each smaller one has.
    """

    def __init__(self, kit: Kit, length: int, ch: int) -> None:
        super().__init__()
        (low, across), halvings = smallest(kit)
        wide = [ch * times for times in range(1, halvings + 2)]
        halved = [pair(wide[i], wide[i + 1], stride=2) for i in range(halvings)]
        self.stages = nn.Sequential(nn.Conv2d(kit.channels, ch, 3, padding=1), nn.ELU(), *halved)
        self.last = pair(wide[-1], wide[-1])
        self.code = nn.Linear(wide[-1] * low * across, length)

    def forward(self, x: Tensor) -> Tensor:
        """The vectors."""
        return self.code(flat(self.last(self.stages(x))))


class Autoencoder(nn.Module):
    """A discriminator that rebuilds images.

    Args:
        kit: of side ``d``.
        ch: unit of width.
        hidden: length of the code.
        error: by which it compares, a key of :data:`ERRORS`.
    """

    def __init__(self, kit: Kit, ch: int, hidden: int, error: str) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.encoder, self.decoder = Encoder(kit, hidden, ch), Decoder(kit, hidden, ch)
        self.error = ERRORS[error]

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Minus the error of images ``(B, C, H, W)``, their codes, and what they were rebuilt as."""
        code = self.encoder(x)
        rebuilt = self.decoder(code, y)
        return Output(-self.error(accurate(rebuilt - x)), code, {"reconstruction": rebuilt})


def generator(kit: Kit, *, ch: int = 128) -> Generator:
    """BEGAN: a decoder of noise, by doublings and 3x3 convolutions (Berthelot et al. 2017, arXiv 1703.10717).

    Args:
        kit: of G's side.
        ch: channels of every map.
    """
    within("autoencoder:ch", ch, 1)
    return Generator(kit, Decoder(kit, kit.latent, ch))


def discriminator(
    kit: Kit, *, ch: int = 128, ch_d: int | None = None, hidden: int = 64, error: Literal["l1", "l2"] = "l1"
) -> Autoencoder:
    """An autoencoder as discriminator: what it rebuilds well is real (Zhao et al. 2017; Berthelot et al. 2017).

    Args:
        kit: of D's side.
        ch: unit of width.
        ch_d: that of D, where it is not G's.
        hidden: length of the code.
        error: the mean absolute (``"l1"``, BEGAN) or squared (``"l2"``, EBGAN) difference of pixels.
    """
    within("autoencoder:ch", ch, 1)
    within("autoencoder:ch.d", ch_d, 1)
    within("autoencoder:hidden", hidden, 1)
    return Autoencoder(kit, ch_d or ch, hidden, error)
