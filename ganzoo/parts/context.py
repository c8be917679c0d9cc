"""What parts are handed in an update: where it stands, its images, and the networks' passes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganzoo.compat.lookup import old_attribute
from ganzoo.distributed.batch import all_reduce_mean
from ganzoo.parts.drawn import drawing_from, random_state
from ganzoo.parts.exactness import accurate
from ganzoo.parts.exactness import exact as exactly
from ganzoo.parts.output import Output, Scores
from ganzoo.parts.passes import Passes
from ganzoo.parts.update import Update
from ganzoo.schedules import Number, number_at

Batch = dict[str, Tensor]
"""Rows by key: ``image`` ``(B, C, H, W)`` in [-1, 1], ``label``, and what else the game takes.

Labels are class numbers ``(B,)`` or vectors ``(B, y_dim)``."""

NOISE, SOURCE, TARGET, TEXT = "z", "source", "target", "text"  # what samples are made from, and are to look like


class Critic:
    """A discriminator under fixed conditions: ``critic(x)`` scores images, higher is more real.

    A pass is made once: asked again about the same tensor, a critic says what it said.

    Args:
        discriminate: ``discriminate(x, **conditions) -> Output``.
        conditions: further inputs of the discriminator, such as ``y`` ``(B, y_dim)``, a row for each image.
    """

    def __init__(self, discriminate: Callable[..., Output], **conditions: Tensor) -> None:
        self._discriminate, self._conditions = discriminate, conditions
        self._passes = Passes()

    def __call__(self, x: Tensor) -> Scores:
        """fp32 scores ``(B,)``, or ``(B, P)`` for patches, of images ``(B, C, H, W)``; a tuple for several heads."""
        return self.output(x).scores

    def output(self, x: Tensor) -> Output:
        """Scores, features and extras of the same pass."""
        make = lambda: self._discriminate(x, **self._conditions).in_float()  # noqa: E731
        return self._passes.get("D", x, self._conditions, False, make)

    def with_(self, **conditions: Tensor) -> Critic:
        """The same critic under other conditions."""
        return Critic(self._discriminate, **{**self._conditions, **conditions})


class TurnContext:
    """One update of one player as parts see it.

    Args:
        at: where the training stands.
        discriminator: the critic's pass, ``discriminator(ctx, x, exact, conditions) -> Output``.
        generator: ``generator(z, y)`` gives images.
        batch, real, z, y_real, y_fake, networks: see below.
        conditions: further inputs of the critic besides ``y``, such as ``source``.
        codes: columns of ``z`` that are the codes of a regularizer, by its ``id``.
        unaugmented: the critic's pass without augmentations; ``discriminator`` by default.

    Attributes:
        batch: the columns of this update's real batch.
        z: what ``fake`` came from: noise ``(B, z_dim)``, or a source image ``(B, C, H, W)``.
        real, fake: images ``(B, C, H, W)`` in [-1, 1]; ``fake`` carries no gradient in D's updates, unless a
            regularizer's ``refine`` gave its noise one.
        y_real, y_fake: label vectors ``(B, y_dim)`` of either.
        networks: by name, such as ``G`` and ``D``.
        conditions: further inputs of the critic besides ``y``, such as ``source``.
        fake_conditions: those that are others for fakes, such as the code of an image; as labels, they go with
            :attr:`fake`, and with images made of it, for which ``y=ctx.y_fake`` is given.
        scored: the images, before any augmentation, whose scores augmentations are changing; None at other times.
        boundary: the score at which the loss has D undecided; None where only differences of scores matter.
    """

    def __init__(
        self,
        at: Update,
        discriminator: Callable[[TurnContext, Tensor, bool, Mapping[str, Tensor]], Output],
        generator: Callable[[Tensor, Tensor], Tensor],
        *,
        batch: Batch,
        real: Tensor,
        z: Tensor,
        y_real: Tensor,
        y_fake: Tensor,
        networks: Mapping[str, nn.Module],
        conditions: Mapping[str, Tensor] | None = None,
        codes: Mapping[int, slice] | None = None,
        unaugmented: Callable[[TurnContext, Tensor, bool, Mapping[str, Tensor]], Output] | None = None,
    ) -> None:
        self.at, self._discriminator, self._generator = at, discriminator, generator
        self._unaugmented = unaugmented or discriminator
        self.batch, self.real, self.z, self.y_real, self.y_fake = batch, real, z, y_real, y_fake
        self.fake = real.new_empty(0)
        self.fakes_drawn = random_state(z.device)  # what the layers of G drew fakes from
        self.scored: Tensor | None = None
        self.boundary: float | None = None
        self.networks, self.conditions, self._codes = networks, dict(conditions or {}), dict(codes or {})
        self.fake_conditions: dict[str, Tensor] = {}

    def of_piece(self) -> TurnContext:
        """The same update of the images of the piece that is at work; itself where the batch goes through in one."""
        piece = self.at.piece
        if piece.count == 1:
            return self
        rows = piece.rows(len(self.real))
        made = copy.copy(self)
        made.batch = {name: column[rows] for name, column in self.batch.items()}
        made.real, made.z = self.real[rows], self.z[rows]
        made.y_real, made.y_fake = self.y_real[rows], self.y_fake[rows]
        made.conditions = {name: column[rows] for name, column in self.conditions.items()}
        made.fake_conditions = {name: column[rows] for name, column in self.fake_conditions.items()}
        return made

    if not TYPE_CHECKING:  # for type checkers an attribute that is not there stays an error

        def __getattr__(self, name: str) -> Any:
            """What 0.1.0 called its attributes; asked only for what is not there."""
            return old_attribute(self, name)

    @property
    def step(self) -> int:
        """The step of the training, counted from 0."""
        return self.at.step

    @property
    def horizon(self) -> int:
        """Steps that schedules spread over."""
        return self.at.horizon

    @property
    def images_seen(self) -> int:
        """Real images before this step, as ``--images`` counts them."""
        return self.at.images_seen

    @property
    def epoch(self) -> int:
        """Passes over the data before this step, whole ones."""
        return self.at.epoch

    @property
    def player(self) -> str:
        """Who learns in this update, such as ``"d"`` or ``"g"``."""
        return self.at.player

    @property
    def update(self) -> int:
        """How many updates this player has had before."""
        return self.at.number

    @property
    def critic(self) -> Critic:
        """D as a function of images alone: ``critic(x)`` is ``discriminate(x).scores``."""
        return Critic(self.discriminate)

    def discriminate(self, x: Tensor, *, exact: bool = False, augmented: bool = True, **conditions: Tensor) -> Output:
        """What D says of images ``(B, C, H, W)`` in [-1, 1], augmented as this update's parts ask; fp32 scores.

        A pass is made once in an update: asked again with the same tensors, this gives what it gave.

        Args:
            x: the images; labels are ``y_fake`` for :attr:`fake`, ``y_real`` for all others.
            exact: a pass in float32 whose graph may be differentiated twice, for gradient penalties.
            augmented: False for what D says of the images as they are, such as where it matters which pixel is which.
            conditions: other inputs than those of the update, such as ``y=`` for images made of real and fake ones.
        """
        y = conditions.get("y")
        of_fakes = x is self.fake or (y is self.y_fake and y is not self.y_real)
        own = self.fake_conditions if of_fakes else {}
        given = {"y": self.y_fake if of_fakes else self.y_real, **self.conditions, **own, **conditions}
        critic = self._discriminator if augmented else self._unaugmented
        return self.at.passes.get(critic, x, given, exact, lambda: critic(self, x, exact, given).in_float())

    def undecided(self) -> Tensor | float:
        """The score at which D is undecided: the loss's, or halfway between the mean scores of real and fake images."""
        if self.boundary is not None:
            return self.boundary
        means = [self.discriminate(images).score.detach().mean() for images in (self.real, self.fake)]
        return all_reduce_mean(torch.stack(means)).mean()

    def generate(self, z: Tensor, y: Tensor, *, exact: bool = False) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1], fp32, of noise ``(B, z_dim)`` and label vectors ``(B, y_dim)``.

        They are made once in an update, as :meth:`discriminate` says.

        Args:
            z, y: what G is called with.
            exact: a pass in float32 whose graph may be differentiated twice, for path length.
        """
        return self.at.passes.get(self._generator, z, {"y": y}, exact, lambda: self._generated(z, y, exact))

    def generate_alike(self, z: Tensor, y: Tensor) -> Tensor:
        """Images of other noise, with what the layers of G drew for :attr:`fake`: noise inputs, mixing, dropout.

        Nothing else is drawn differently for it.

        Args:
            z, y: what G is called with; a row for each of ``fake``.
        """
        with drawing_from(z.device, self.fakes_drawn):
            return self.generate(z, y)

    def _generated(self, z: Tensor, y: Tensor, exact: bool) -> Tensor:
        if not exact:
            return accurate(self._generator(z, y))
        with exactly(z.device):
            return accurate(self._generator(accurate(z), accurate(y)))

    def codes(self, part: object) -> Tensor:
        """The codes ``(B, codes)`` that ``z`` ends in, of the regularizer that drew them."""
        return self.z[:, self._codes[id(part)]]

    @property
    def noise_dim(self) -> int:
        """How many of the first columns of ``z`` are noise: codes of regularizers, which no step may blur, follow."""
        return self.z.shape[1] + min((own.start for own in self._codes.values()), default=0)

    def now(self, number: Number) -> float:
        """The value in this step of an option annotated ``ganzoo.Number``, which may be a schedule."""
        return number_at(number, self.step, self.horizon, self.images_seen)

    def report(self, name: str, value: Tensor | float) -> None:
        """Log a number under ``player/name`` beside the losses; it is in no loss.

        Args:
            name: such as ``"augment_p"``.
            value: a number, or a tensor of which the mean is taken; over processes, too.
        """
        self.at.report(name, value)
