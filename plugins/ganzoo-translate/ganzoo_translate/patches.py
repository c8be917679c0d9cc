"""Critics of patches: a score for each of many overlapping windows in place of one for the image.

Image-to-Image Translation with Conditional Adversarial Networks (Isola et al. 2017, arXiv 1611.07004), section 3.2.2.
There the last convolution makes the scores. Ours hands each of its windows to the head of the plan's conditioning, so
that every head works for patches; the plain one is a linear map of the window, which is that convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit, ResolutionError, within
from ganzoo.layers import Conv2d, Unchanged
from ganzoo.parts import Conditioning, Output, as_weights
from ganzoo_translate.antialias import SmoothHalf

SIZE = 4  # of PatchGAN's kernels
DEEPEST = 8  # times the first width, at which maps stop growing
USUAL = 3  # halvings of the paper's critic, whose patches have 70 pixels


class PatchDiscriminator(nn.Module):
    """A trunk, and a head that judges every window of its features.

    Args:
        kit: of side ``"d"``.
        trunk: called ``trunk(x, y)``, with as many planes as :func:`planes` says; returns maps ``(B, F, H, W)``; its
            ``features`` says what F is.
        window: side of a window, in pixels of those maps.
        margin: zeros around them.
        labels: whether labels are told; a critic of images that labels say nothing of does without.
    """

    def __init__(self, kit: Kit, trunk: nn.Module, window: int = SIZE, margin: int = 1, labels: bool = True) -> None:
        super().__init__()
        self.y_dim = kit.y_dim
        self.shapes: tuple[tuple[int, ...], ...] = (kit.image, (kit.y_dim,))
        self.window, self.margin = window, margin
        self.conditioning = kit.condition() if labels else Conditioning(kit.y_dim)
        self.trunk = trunk
        self.head = self.conditioning.head(int(trunk.features) * window**2, True)  # type: ignore[arg-type]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block of the trunk, from the image on; none of a trunk that does not list them."""
        return getattr(self.trunk, "feature_blocks", ())  # type: ignore[no-any-return]

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Judge images ``(B, C, R, R)`` in [-1, 1] under label vectors ``(B, y_dim)``: scores ``(B, P)``."""
        features = self.trunk(self.conditioning.embed(x, y), y)
        with torch.autocast(features.device.type, enabled=False):  # bf16 would leave a score three digits
            return self.judge(*as_weights(self.head, features, y))

    def judge(self, features: Tensor, y: Tensor) -> Output:
        """What the head says of each window; of what it says besides scores, the mean over an image's windows."""
        windows = self.windows(features)  # (B, P, F * window²)
        n, patches, _ = windows.shape
        said = self.head(windows.flatten(0, 1), y.repeat_interleave(patches, 0))
        extras = {name: extra.unflatten(0, (n, patches)).mean(1) for name, extra in said.extras.items()}
        return Output(said.scores.reshape(n, -1), features, extras)

    def windows(self, features: Tensor) -> Tensor:
        """All windows of maps ``(B, F, H, W)`` as rows: ``(B, P, window² * F)``, pixel by pixel."""
        margin = self.margin
        maps = F.pad(features.permute(0, 2, 3, 1), (0, 0, margin, margin, margin, margin))
        h, w = (side + 1 - self.window for side in maps.shape[1:3])
        moves = [(i, j) for i in range(self.window) for j in range(self.window)]
        # Shifted maps side by side: four times as fast on a CPU as F.unfold, whose rows lie the other way.
        return torch.cat([maps[:, i : i + h, j : j + w] for i, j in moves], 3).flatten(1, 2)


class PairDiscriminator(PatchDiscriminator):
    """A critic of pairs: it sees the source beside the image, and judges whether the one may have become the other."""

    def __init__(self, kit: Kit, trunk: nn.Module) -> None:
        super().__init__(kit, trunk)
        self.shapes = (kit.image, (kit.y_dim,), kit.image)

    def forward(self, x: Tensor, y: Tensor, source: Tensor) -> Output:  # type: ignore[override]
        """Judge images ``(B, C, R, R)`` that came from ``source``, of the same shape."""
        return super().forward(torch.cat([source, x], 1), y)


class PatchTrunk(nn.Module):
    """PatchGAN's convolutions: each halves the map, but for the last one, which moves by a pixel.

    Args:
        kit: of side ``"d"``.
        inputs: planes of what is judged.
        width: maps of the first layer; they double from layer to layer, up to 8 times.
        layers: how many halve the map: a patch has 16, 34, 70, 142, ... pixels with 1, 2, 3, 4, ....
        bias: whether convolutions in front of a norm have one.
        smooth: whether maps are halved behind the convolutions, smoothly, as in CUT.

    Raises:
        ResolutionError: the images are too small for so many halvings.
    """

    def __init__(self, kit: Kit, inputs: int, width: int, layers: int, bias: bool, *, smooth: bool = False) -> None:
        super().__init__()
        smallest = SIZE << layers
        if kit.resolution < smallest:
            fewer = f"; or give fewer, such as layers={layers - 1}" if layers > 1 else ""
            raise ResolutionError(
                f"a PatchGAN of {layers} halvings needs {smallest} pixels, not {kit.resolution}{fewer}", (smallest,)
            )
        widths = [width * min(1 << k, DEEPEST) for k in range(layers + 1)]
        self.features = widths[-1]
        steps = [1 if smooth else 2] * layers + [1]
        biases = [True, *[bias] * layers]
        self.convs = nn.ModuleList(
            Conv2d(a, b, SIZE, stride=step, padding=1, bias=own)
            for (a, b), step, own in zip(pairwise([inputs, *widths]), steps, biases, strict=True)
        )
        self.norms = nn.ModuleList([Unchanged(), *(kit.norm(b) for b in widths[1:])])
        halves = [SmoothHalf() if smooth else nn.Identity() for _ in range(layers)]
        self.halves = nn.ModuleList([*halves, nn.Identity()])
        sides = [kit.resolution >> k for k in range(1, layers + 1)]
        self.attentions = nn.ModuleList(site(kit, w, side) for w, side in zip(widths, sides, strict=False))
        self.attentions.append(nn.Identity())

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.convs, self.norms, self.halves, self.attentions, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, F, H, W)`` of images ``(B, inputs, R, R)``."""
        for conv, norm, half, attention in zip(self.convs, self.norms, self.halves, self.attentions, strict=True):
            x = attention(half(F.leaky_relu(norm(conv(x), y), 0.2)))
        return x


def site(kit: Kit, width: int, resolution: int) -> nn.Module:
    """The attention at a resolution from 8 pixels up; the own one is at half of the image, or at 32 if that is less."""
    if resolution < 8:
        return nn.Identity()
    return kit.attention(width, resolution, own=resolution == min(kit.resolution // 2, 32))


def planes(kit: Kit, images: int = 1) -> int:
    """Planes that a trunk of side ``"d"`` gets: those of one image or several side by side, and of labels."""
    return kit.inputs + (images - 1) * kit.channels


def halvings(name: str, layers: int | None, resolution: int) -> int:
    """``layers`` as it was given, else as many, up to 3, as leave patches no larger than the image."""
    within(f"{name}:layers", layers, 1, 6)
    if layers is not None:
        return layers
    return next((n for n in range(USUAL, 0, -1) if patch(n) <= resolution), 1)


def patch(layers: int) -> int:
    """Side in pixels of what a score of a PatchGAN depends on."""
    return 9 * 2**layers - 2
