"""A GAN: networks that take turns.

The trainer asks for :meth:`GAN.turns`, calls each turn's ``loss`` and steps that player's networks; what a loss
means, which parts add to it and how labels enter is settled by the game (see :mod:`ganzoo.games`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, nearest
from ganzoo.inputs import NOISE, SOURCE, TEXT, encode, in_turn, read_source, refuse_needless
from ganzoo.kit import Kit, Output
from ganzoo.seeding import derive

if TYPE_CHECKING:
    from ganzoo.plan import Plan

Batch = dict[str, Tensor]


@dataclass
class Turn:
    """One move of one player.

    Attributes:
        player: a key of ``GAN.players``; its networks learn, all others are frozen.
        loss: ``loss(batch, step)`` returns named terms, already weighted, to be summed.
        name: how logs call it; the player's name by default.
        every, start, stop: the turn is taken in steps ``start <= step < stop`` with ``step % every == 0``.
        after: called once the optimiser has stepped.
    """

    player: str
    loss: Callable[[Batch, int], dict[str, Tensor]]
    name: str = ""
    every: int = 1
    start: int = 0
    stop: int | None = None
    after: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.name = self.name or self.player

    def due(self, step: int) -> bool:
        """Whether the turn is taken in ``step``."""
        return step % self.every == 0 and self.start <= step and (self.stop is None or step < self.stop)


class Critic:
    """A discriminator under fixed conditions: ``critic(x)`` scores images, higher is more real.

    A pass over a tensor that needs no gradient is remembered, so that several parts may ask for it in one turn.

    Args:
        judge: ``judge(x, **conditions) -> Output``.
        conditions: what the judge is told besides the image, such as ``y``.
    """

    def __init__(self, judge: Callable[..., Output], **conditions: Tensor) -> None:
        self._judge, self._conditions = judge, conditions
        self._passes: dict[int, tuple[Tensor, Output]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """Scores ``(B,)``, or ``(B, P)`` for patches, in fp32, of images ``(B, C, H, W)``."""
        return self.output(x).scores

    def output(self, x: Tensor) -> Output:
        """Scores, features and extras of the same pass."""
        if id(x) in self._passes:
            return self._passes[id(x)][1]
        seen = self._judge(x, **self._conditions)
        output = Output(seen.scores.float(), seen.features, {name: v.float() for name, v in seen.extras.items()})
        if not x.requires_grad:
            self._passes[id(x)] = (x, output)  # holding x keeps its id from being given to another tensor
        return output

    def with_(self, **conditions: Tensor) -> Critic:
        """The same critic under other conditions."""
        return Critic(self._judge, **{**self._conditions, **conditions})


@dataclass
class Round:
    """One turn as parts see it.

    Attributes:
        batch: real images and labels.
        step: counted from 0.
        side: ``"d"`` or ``"g"``: whose turn it is.
        rng: the source of random numbers, seeded for this turn.
        y: label vectors ``(B, y_dim)``, the same for real and fake.
        real, fake: images ``(B, C, H, W)`` in [-1, 1]; ``fake`` carries no gradient in D's turn.
        z: the noise ``(B, z_dim)`` that ``fake`` came from.
        critic: D under ``y``.
        generate: ``generate(z, y)`` gives images.
    """

    batch: Batch
    step: int
    side: str
    rng: torch.Generator
    y: Tensor
    real: Tensor
    z: Tensor
    fake: Tensor
    critic: Critic
    generate: Callable[[Tensor, Tensor], Tensor]


@dataclass
class Parts:
    """The parts of a plan that act in turns, built."""

    loss: Any
    penalties: Mapping[str, Any] = field(default_factory=dict)
    auxiliaries: Mapping[str, Any] = field(default_factory=dict)
    augments: Mapping[str, Any] = field(default_factory=dict)

    def all(self) -> dict[str, Any]:
        """Every part by name; the loss is called ``loss``."""
        return {"loss": self.loss, **self.penalties, **self.auxiliaries, **self.augments}


class Game(ABC):
    """How the networks of a GAN play: subclasses name the players and list their turns.

    Attributes:
        players: networks by player.
        critics: networks that judge; each has parts of its own in ``gan.critics``.
        takes: what samples are made from: ``z`` for noise, ``source`` for images, ``text``. ``gan.G`` is called
            ``G(z, y)``, with a source image in place of noise where the game takes no noise, and what else it takes by
            name. Data has to have a column for each but noise.

    Args:
        gan: the networks (``gan.G``, ``gan.D``, ...) and the parts that a plan chose.

    Keyword-only arguments of a subclass are options of its architecture's name in recipes, such as ``pix2pix:l1=10``.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    critics: ClassVar[tuple[str, ...]] = ("D",)
    takes: ClassVar[frozenset[str]] = frozenset({NOISE})

    def __init__(self, gan: GAN) -> None:
        self.gan = gan

    @abstractmethod
    def turns(self) -> list[Turn]:
        """The turns of one step, in order."""

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes that D told apart, or None before its first turn."""
        return None


class GAN(nn.Module):
    """Networks and the game that they play.

    Args:
        networks: by name; each becomes a direct child, such as ``gan.G``.
        critics: what acts in turns, for each critic; parts with state become children too, so that they are saved.
        plan: what it was built from.
        resolution, channels: of the images.
        classes: length of the label vectors; 0 for an unconditional GAN.
        z_dim: length of the noise.
        kits: what the networks were built from, by side.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        critics: Mapping[str, Parts],
        plan: Plan,
        game: Callable[[GAN], Game],
        *,
        resolution: int,
        channels: int,
        classes: int,
        z_dim: int,
        kits: Mapping[str, Kit],
    ) -> None:
        super().__init__()
        self.plan, self.critics = plan, dict(critics)
        self.resolution, self.channels, self.classes, self.z_dim = resolution, channels, classes, z_dim
        self.class_names: tuple[str, ...] = tuple(str(k) for k in range(classes))
        self.kits = kits
        for name, network in networks.items():
            self.add_module(name, network)
        for critic, parts in self.critics.items():
            own = "" if parts is self.parts else f"{critic}_"
            for name, part in parts.all().items():
                if isinstance(part, nn.Module):
                    self.add_module(f"part_{own}{name.replace('.', '_')}", part)
        self.examples: Mapping[str, Tensor] = {}
        self.game = game(self)

    @property
    def takes(self) -> frozenset[str]:
        """What samples are made from: ``z``, ``source``, ``text``."""
        return self.game.takes

    @property
    def players(self) -> dict[str, tuple[str, ...]]:
        """Networks by player, such as ``{"d": ("D",), "g": ("G",)}``."""
        return dict(self.game.players)

    @property
    def parts(self) -> Parts:
        """What acts in turns, of the first critic."""
        return next(iter(self.critics.values()))

    @property
    def sites(self) -> dict[str, dict[int, bool]]:
        """Resolutions where attention can stand, by side; True where it stands unless a recipe says a number."""
        return {side: kit.sites for side, kit in self.kits.items()}

    def turns(self) -> list[Turn]:
        """The turns of one step, in order."""
        return self.game.turns()

    def one_hot(self, labels: Tensor | None, n: int) -> Tensor:
        """Label vectors ``(n, classes)``, float; ``(n, 0)`` for an unconditional GAN."""
        if self.classes == 0 or labels is None:
            return torch.zeros(n, self.classes)
        return nn.functional.one_hot(labels, self.classes).float()

    def class_numbers(self, labels: Iterable[int | str]) -> list[int]:
        """Numbers of classes given as numbers or names.

        Raises:
            UsageError: for a label that the model does not have.
        """
        if self.classes == 0:
            raise UsageError("this model is unconditional: it takes no labels")
        return [self._class_number(label) for label in labels]

    def _class_number(self, label: int | str) -> int:
        if label in self.class_names:
            return self.class_names.index(str(label))
        if str(label).isdecimal() and int(label) < self.classes:
            return int(label)
        near = ", ".join(nearest(str(label), self.class_names))
        raise UsageError(f"no class {label!r}: give a number from 0 to {self.classes - 1} or a name; nearest: {near}")

    def noise(self, n: int, seed: int, truncation: float | None = None, start: int = 0) -> Tensor:
        """Noise ``(n, z_dim)`` of samples ``start`` to ``start + n``; sample k depends on ``seed`` and k only.

        Raises:
            UsageError: the model takes none.
        """
        refuse_needless(self.takes, {NOISE: n})
        rng = torch.Generator()
        generator: Any = self.G
        rows = [
            generator.prior(1, rng.manual_seed(derive(seed, index)), truncation) for index in range(start, start + n)
        ]
        return torch.cat(rows) if rows else torch.zeros(0, self.z_dim)

    def inputs(
        self,
        n: int,
        seed: int,
        labels: Tensor | None = None,
        truncation: float | None = None,
        start: int = 0,
        columns: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """What samples ``start`` to ``start + n`` are made from, for :meth:`generate`.

        Args:
            n: how many.
            seed: of the noise, if the model takes any.
            labels: class numbers ``(n,)``; None for none.
            truncation: bound on the noise.
            start: number of the first.
            columns: rows of what else the model takes, images in [-1, 1]; the examples, in turn, by default.

        Raises:
            UsageError: no columns are given, and there are no examples.
        """
        names = self.takes - {NOISE}
        given = dict(in_turn(self.examples, names, start, n) if columns is None else columns)
        first = self.noise(n, seed, truncation, start) if NOISE in self.takes else given.pop(SOURCE)
        return {"z": first, "y": self.one_hot(labels, n), **given}

    @torch.no_grad()
    def sample(
        self,
        n: int | None = None,
        *,
        labels: Sequence[int | str] | Tensor | None = None,
        source: Any = None,
        text: str | Sequence[str] | None = None,
        z: Tensor | None = None,
        seed: int | None = None,
        truncation: float | None = None,
        batch: int = 64,
        output: str = "pt",
    ) -> Any:
        """Draw images; the first k of n are the same for every n, batch size and device.

        Args:
            n: how many; as many as is given of ``z``, ``source``, ``text`` or ``labels`` by default, else 1.
            labels: class numbers or names, one for each image; ``index % classes`` by default.
            source: for a model that translates images: pictures, or images ``(n, C, H, W)`` in [0, 1]. Given neither
                these nor ``text``, such models take the examples of their folder in turn.
            text: for a model that draws what a text says: one text for each image, or one for all.
            z: noise ``(n, z_dim)`` to use in place of drawn noise.
            seed: of the noise; a fresh one by default.
            truncation: bound on the noise; smaller is more typical and less varied.
            batch: how many go through the generator at once.
            output: ``"pt"`` float32 NCHW in [0, 1], ``"np"`` float32 NHWC in [0, 1], ``"pil"`` a list of pictures.

        Raises:
            UsageError: for what the model does not take, labels that it does not have, or counts that disagree.
        """
        from ganzoo.pictures import convert

        if output not in ("pt", "np", "pil"):
            raise UsageError(f"output={output!r} does not work: it is 'pt', 'np' or 'pil'")
        refuse_needless(self.takes, {NOISE: z, SOURCE: source, TEXT: text})
        columns = self._columns(n, source, text)
        n = next((len(given) for given in (z, *columns.values(), labels) if given is not None), 1) if n is None else n
        numbers = self._labels(n, labels)
        inputs = self.inputs(n, torch.seed() if seed is None else seed, numbers, truncation, columns=columns or None)
        if z is not None:
            if z.shape != (n, self.z_dim):
                raise UsageError(f"z has shape {tuple(z.shape)}; {n} images of this model take ({n}, {self.z_dim})")
            inputs["z"] = z
        for name, column in columns.items():
            if len(column) != n:
                raise UsageError(f"{len(column)} of {name} for {n} images")
        return convert(self.generate(**inputs, batch=batch), output)

    def _columns(self, n: int | None, source: Any, text: str | Sequence[str] | None) -> dict[str, Tensor]:
        """What a person gave besides noise, as networks take it."""
        columns: dict[str, Tensor] = {}
        if source is not None:
            columns[SOURCE] = read_source(source, self.resolution, self.channels)
        if text is not None:
            columns[TEXT] = encode([text] * (n or 1) if isinstance(text, str) else list(text))
        return columns

    def _labels(self, n: int, labels: Sequence[int | str] | Tensor | None) -> Tensor | None:
        if self.classes == 0 and labels is None:
            return None
        if labels is None:
            return torch.arange(n) % self.classes
        given = labels.tolist() if isinstance(labels, Tensor) else list(labels)
        if len(given) != n:
            raise UsageError(f"{len(given)} labels for {n} images")
        return torch.tensor(self.class_numbers(given), dtype=torch.int64)

    @torch.no_grad()
    def generate(self, z: Tensor, y: Tensor, batch: int = 64, **conditions: Tensor) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1] on the CPU, in eval mode.

        Args:
            z: noise ``(n, z_dim)``, or source images ``(n, C, H, W)`` in [-1, 1] for a model that takes no noise.
            y: label vectors ``(n, y_dim)``.
            batch: how many go through the generator at once.
            conditions: what else the generator takes, with a row for each image.
        """
        generator: Any = self.G
        weights = next(generator.parameters())
        was_training = generator.training
        generator.eval()
        try:
            parts = [
                generator(
                    z[i : i + batch].to(weights),
                    y[i : i + batch].to(weights),
                    **{name: rows[i : i + batch].to(weights.device) for name, rows in conditions.items()},
                )
                .float()
                .cpu()
                for i in range(0, len(z), batch)
            ]
        finally:
            generator.train(was_training)
        empty = torch.zeros(0, self.channels, self.resolution, self.resolution)
        return (torch.cat([empty, *parts]) + 1).mul_(0.5).clamp_(0, 1)
