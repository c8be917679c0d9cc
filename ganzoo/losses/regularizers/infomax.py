"""InfoMax-GAN: Improved Adversarial Image Generation via Information Maximization and Contrastive Learning.

Lee et al. 2020, arXiv 2007.04589.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.gan.growing import growth_of
from ganzoo.layers import spectral_norm
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Output, Regularizer, TurnContext, as_weights, gather

LOCAL = "local"  # of the extras of what D says: the map that its last block sees


class Tap:
    """Hands on, with what D says of images, the map ``(B, C, H, W)`` that one of its blocks was given.

    Or, where that has other channels than the block's first convolution takes, since the block lays pixels beside each
    other before that, what the convolution was given.

    Args:
        network: D.
        block: within it.
        first: the convolution.
    """

    def __init__(self, network: nn.Module, block: nn.Module, first: nn.Conv2d) -> None:
        self.map: Tensor | None = None
        self.channels = first.in_channels
        block.register_forward_pre_hook(self.keep)
        first.register_forward_pre_hook(self.correct)
        network.register_forward_hook(self.hand_on)

    def keep(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Before the block: keep its first input until D has said all."""
        self.map = inputs[0]

    def correct(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Before its first convolution: keep that one's input in its place, if it is another map."""
        if self.map is not None and self.map.shape[1] != self.channels:
            self.map = inputs[0]

    def hand_on(self, network: nn.Module, inputs: tuple[Any, ...], said: Output) -> Output:
        """After D: what it says, and the map among the extras."""
        seen, self.map = self.map, None  # or the graph of a pass would live as long as D
        return Output(said.scores, said.features, {**said.extras, LOCAL: seen})


class Projection(nn.Module):
    """Features to a space where inner products compare: ``W₂·relu(W₁f) + W₃f``, each spectrally normalised."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(features, features), nn.Linear(features, width)
        self.shortcut = nn.Linear(features, width)
        for layer in (self.hidden, self.out, self.shortcut):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
            spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., features)`` to ``(..., width)``."""
        made: Tensor = self.out(F.relu(self.hidden(x))) + self.shortcut(x)
        return made


class InfoMax(nn.Module, Regularizer):
    """What D sees at each place of an image is to tell which image of a batch it is of (InfoMax-GAN, Lee et al. 2020).

    ``-weight·E[log(e^u(i,i,m) / (e^u(i,i,m) + Σ_{j≠i,n} e^u(i,j,n)))]`` with ``u(i, j, m) = ⟨ψ(f_i), φ(c_jm)⟩``: c_jm
    are the features at place m of the map that D's last block sees of image j, f_i what D's head sees of image i, and φ
    and ψ networks with one hidden layer and a linear shortcut. Over real images in D's updates, which train φ and ψ
    too, and over fakes in G's with ``weight.g``. Source: arXiv 2007.04589, section 3, with its weights of 0.2. As in
    torch-mimicry, which its author wrote, the other places of the same image count neither way.

    Args:
        weight: in D's updates.
        weight_g: in G's.
        width: of the space in which features are compared.
        every: it acts once in so many updates of a player.
    """

    players, owner = ("d", "g"), "d"

    def __init__(
        self, *, weight: NotNegative = 0.2, weight_g: NotNegative = 0.2, width: int = 1024, every: int = 1
    ) -> None:
        super().__init__()
        within("infomax:width", width, 1)
        self.weights, self.width = {"d": weight, "g": weight_g}, width
        self.every = check_every("infomax", every)

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Let D hand on the map that its last block sees, and build φ and ψ.

        Raises:
            UsageError: where D has no such block, its last block sees no map, or its blocks come one by one.
        """
        network = networks["D"]
        blocks, features = getattr(network, "feature_blocks", ()), getattr(network, "features", None)
        if not blocks or not isinstance(features, int) or growth_of(network) is not None:
            raise UsageError(
                "infomax needs a D that lists its blocks, all of them from the start, and says how many features its"
                " head sees, such as that of sngan"
            )
        first = next((layer for layer in blocks[-1][0].modules() if isinstance(layer, nn.Conv2d)), None)
        if first is None:
            raise UsageError("infomax needs a D whose last block sees a map of an image, such as that of sngan")
        Tap(network, blocks[-1][0], first)
        self.local, self.whole = Projection(first.in_channels, self.width), Projection(features, self.width)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted loss over the images of the player's update."""
        said = ctx.discriminate({"d": ctx.real, "g": ctx.fake}[ctx.player])
        with torch.autocast(said.features.device.type, enabled=False):  # bf16 would leave the loss three digits
            places = self.local(*as_weights(self.local, said.extras[LOCAL].flatten(2).transpose(1, 2)))
            images = self.whole(*as_weights(self.whole, said.features.flatten(1)))
            return {"infomax": self.weights[ctx.player] * info_nce(gather(images), gather(places))}


def info_nce(images: Tensor, places: Tensor) -> Tensor:
    """The loss, a scalar, of images ``(B, width)`` and what is at their places ``(B, M, width)``."""
    u = torch.einsum("iw,jmw->ijm", images, places)
    own = torch.eye(len(images), dtype=torch.bool, device=u.device)
    # The least number and not -inf, whose gradient would be none where there is one image alone.
    others = u.masked_fill(own[:, :, None], torch.finfo(u.dtype).min).flatten(1).logsumexp(1)
    right = u.diagonal().T  # (B, M)
    return (torch.logaddexp(right, others[:, None]) - right).mean()
