"""The layer factory that an architecture is handed: sizes, and the parts that a plan chose for one side.

An architecture asks its :class:`Kit` for a norm here, an attention site there, and never learns which part it got.
A discriminator is a trunk and a head; a generator is a trunk and a prior. ``forward`` never branches: a slot that a
plan left empty is filled by :class:`Unchanged` or ``nn.Identity``.

In a run of several processes each sees a slice of the batch. A part that looks across the batch, or draws random
numbers for its images, uses :func:`ganzoo.parts.gather`, :func:`ganzoo.parts.global_mean` and
:func:`ganzoo.parts.global_draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.gan.codes import codes_of
from ganzoo.gan.embedding import SharedEmbedding
from ganzoo.gan.priors import Prior, normal
from ganzoo.parts.conditioning import Conditioning
from ganzoo.parts.exactness import as_weights
from ganzoo.parts.output import Output
from ganzoo.parts.regularizer import Regularizer
from ganzoo.registry.sizes import Size, height_width


class Unchanged(nn.Module):
    """The empty normalization: called ``norm(x, c)`` like every other, it returns ``x``."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``x`` ``(B, ...)`` itself, whatever the context is."""
        return x


NormFactory = Callable[[int, int], nn.Module]
AttentionFactory = Callable[[int], nn.Module]


class Kit:
    """The layer factory of one side, ``g`` or ``d``: norms, attention and conditioning as the recipe chose them.

    Args:
        side: ``"g"`` or ``"d"``.
        resolution: of the image in pixels: the side of a square, or height and width.
        channels: of the image: 1 for grey, 3 for RGB, 4 for RGBA, or any other number of planes.
        y_dim: length of the label vector; 0 without labels.
        z_dim: length of the noise vector.
        condition: makes this side's :class:`Conditioning`.
        norm: makes the chosen normalization, called ``norm(channels, c_dim)``; None for an empty slot.
        attend: finds the attention for ``(resolution, own)``; returns None for an empty slot.
        prior: distribution of ``z``.
        coded: regularizers, some of which draw codes that ``z`` ends in.
        steered: whether the chosen normalization does something else under another context.

    Attributes:
        c_dim: length of the context that the trunk and its norms are called with: on side ``g`` what the conditioning
            makes of noise and labels, and codes that go there, else ``y_dim``.
        labels_dim: length of what the conditioning makes alone, which the context begins with.
        height, width: of the image.
        resolution: the same as ``height``, by which attention sites are called.
        sites: the heights of the maps where attention was asked for; True where it does unless a recipe says a number.
        norms, conditionings: how many of either were asked for.
        latent: length of what G's trunk gets: the noise, codes of regularizers behind it, and what the conditioning
            adds, such as labels. Whoever cuts it into pieces must not count on its being ``z_dim``.
        inputs: planes of what D's trunk gets: those of the image, and of what the conditioning adds.
    """

    def __init__(
        self,
        side: str,
        resolution: Size,
        channels: int,
        y_dim: int,
        z_dim: int,
        condition: Callable[[int], Conditioning] = Conditioning,
        norm: NormFactory | None = None,
        attend: Callable[[int, bool], AttentionFactory | None] = lambda resolution, own: None,
        prior: Prior = normal,
        coded: Sequence[Regularizer] = (),
        steered: bool = False,
    ) -> None:
        self.side = side
        self.height, self.width = height_width(resolution)
        self.resolution, self.channels, self.y_dim, self.z_dim = self.height, channels, y_dim, z_dim
        self.draw = prior
        self.sites: dict[int, bool] = {}
        self.norms = 0
        self.conditionings = 0
        self._condition, self._norm, self._attend = condition, norm, attend
        self.coded, self.steered = coded, steered
        added, way = condition(y_dim).added(), codes_of(z_dim, coded)
        self.labels_dim = condition(y_dim).attach(z_dim) if side == "g" else y_dim
        self.c_dim = self.labels_dim + way.context
        self.latent = way.latent + added
        self.inputs = channels + added

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape ``(C, H, W)`` of an image."""
        return self.channels, self.height, self.width

    @property
    def bias(self) -> bool:
        """Whether a layer in front of a norm needs a bias of its own: only where no norm follows."""
        return self._norm is None

    def condition(self) -> Conditioning:
        """A new conditioning module, built for ``y_dim`` labels; each network of the side has one of its own."""
        self.conditionings += 1
        return self._condition(self.y_dim)

    def norm(self, channels: int, c_dim: int | None = None, *, labels: bool = True) -> nn.Module:
        """A normalization of ``channels`` maps, called ``norm(x, c)``; :class:`Unchanged` for an empty slot.

        Args:
            channels: maps of the input.
            c_dim: length of the context ``c`` that the trunk calls it with; that of the side's conditioning by default,
                which is the label vector unless it says otherwise. 0 for a place where nothing conditions.
            labels: False is ``c_dim=0``.
        """
        if isinstance(c_dim, bool):  # ``labels`` by its place, as version 0.1.0 had it
            return self.norm(channels, labels=c_dim)
        self.norms += 1
        length = self.c_dim if c_dim is None else c_dim
        return self._norm(channels, length if labels else 0) if self._norm else Unchanged()

    def attentions(self, channels: Sequence[int], maps: Sequence[int], limit: int) -> nn.ModuleList:
        """The attention behind each map of a trunk.

        Args:
            channels: of the maps.
            maps: their heights.
            limit: the own one stands at the highest map up to this, or at the lowest.
        """
        own = max((size for size in maps if size <= limit), default=min(maps))
        return nn.ModuleList(
            self.attention(width, size, own=size == own) for width, size in zip(channels, maps, strict=True)
        )

    def share(self, width: int) -> SharedContext:
        """What norms of a trunk share that embeds its labels: a vector ``(B, width)`` for them, and other context."""
        return SharedContext(self.labels_dim, self.c_dim - self.labels_dim, width)

    def attention(self, channels: int, resolution: int, own: bool = False) -> nn.Module:
        """The attention at a site, called ``attention(x)``; ``nn.Identity`` for an empty slot.

        A trunk asks at every map where attention could stand and calls it by its height, ``resolution``; ``own`` marks
        where it stands unless a recipe says a number.
        """
        self.sites[resolution] = own
        make = self._attend(resolution, own)
        return make(channels) if make else nn.Identity()


class SharedContext(nn.Module):
    """An embedding of the labels that a context begins with, beside what else is in it.

    Args:
        labels: length of what is embedded; 0 for nothing.
        others: length of the rest.
        width: of the embedding.

    Attributes:
        length: of what it makes.
    """

    def __init__(self, labels: int, others: int, width: int) -> None:
        super().__init__()
        self.lengths = [labels, others]
        self.embedding = SharedEmbedding(labels, width) if labels else nn.Identity()  # of an empty vector
        self.length = (width if labels else 0) + others

    def forward(self, c: Tensor) -> Tensor:
        """``(B, length)`` of contexts ``(B, c_dim)``."""
        labels, others = c.split(self.lengths, dim=1)
        return torch.cat([self.embedding(labels), others], 1)


class Generator(nn.Module):
    """A trunk fed with noise and labels, and the distribution that the noise is drawn from.

    Args:
        kit: of side ``"g"``.
        trunk: called ``trunk(h, c)`` with ``h`` ``(B, kit.latent)`` and a context ``c`` ``(B, kit.c_dim)``, the label
            vector unless the conditioning makes another one; returns images in [-1, 1].

    Attributes:
        shapes: of what it is called with, for one image: every network that has them is counted and drawn by
            ``ganzoo build``.
    """

    def __init__(self, kit: Kit, trunk: nn.Module) -> None:
        super().__init__()
        self.z_dim, self.y_dim, self.draw = kit.z_dim, kit.y_dim, kit.draw
        self.shapes = ((kit.z_dim,), (kit.y_dim,))
        self.conditioning = kit.condition()
        self.conditioning.attach(kit.z_dim)
        self.codes = codes_of(kit.z_dim, kit.coded)
        self.trunk = trunk

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] from noise ``(B, z_dim)`` and label vectors ``(B, y_dim)``."""
        noise, context = self.codes(z, self.conditioning.context(z, y))
        return self.trunk(self.conditioning.embed(noise, y), context)

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """``n`` noise vectors ``(n, z_dim)``, drawn on the CPU with ``rng``."""
        return self.draw(n, self.z_dim, rng, truncation)

    def truncate(self, value: float | None) -> None:
        """Take the truncation of the images to come, None for none; here a bound on the noise, which draws itself.

        Layers that compute otherwise under a truncation are told of it: they have a ``truncate(value)``, too. A
        generator may do otherwise, such as draw w towards its mean.

        Raises:
            UsageError: for a value that it does not take.
        """
        if value is not None and not value > 0:
            raise UsageError(f"truncation={value:g} does not work: it is a bound on the noise, more than 0")
        for module in self.trunk.modules():
            if callable(tell := getattr(module, "truncate", None)):
                tell(value)


class Discriminator(nn.Module):
    """A trunk and a head; the head comes from the plan's conditioning, so every trunk works with every head.

    Args:
        kit: of side ``"d"``.
        trunk: called ``trunk(x, y)`` with ``x`` ``(B, kit.inputs, H, W)``; returns features. One that lists its
            blocks in ``feature_blocks``, from the image on, the modules of each, can be frozen in part (``freeze.d``).
        features: how many there are of them once flattened.
        bias: whether the score has a bias.

    Raises:
        UsageError: ``feature_blocks`` lists something else, such as a ``ModuleDict`` for a block.
    """

    def __init__(self, kit: Kit, trunk: nn.Module, features: int, bias: bool = True) -> None:
        super().__init__()
        self.y_dim, self.features = kit.y_dim, features
        self.shapes = (kit.image, (kit.y_dim,))
        self.conditioning = kit.condition()
        self.trunk = trunk
        self.head = self.conditioning.head(features, bias)
        for number, block in enumerate(self.feature_blocks):
            if not isinstance(block, Iterable) or not all(isinstance(layer, nn.Module) for layer in block):
                raise UsageError(
                    f"feature_blocks of {type(trunk).__name__} has a {type(block).__name__} at {number}: it lists a"
                    " tuple of the modules of each block, such as [(self.conv, self.norm), (self.down,)]"
                )

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block of the trunk, from the image on; none of a trunk that does not list them."""
        return getattr(self.trunk, "feature_blocks", ())  # type: ignore[no-any-return]

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Score images ``(B, C, H, W)`` in [-1, 1] under labels ``(B, y_dim)``; scores have the weights' dtype."""
        features = self.trunk(self.conditioning.embed(x, y), y)
        with torch.autocast(features.device.type, enabled=False):  # bf16 would leave a score three digits
            return self.head(*as_weights(self.head, features, y))
