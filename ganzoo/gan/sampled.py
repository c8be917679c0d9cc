"""What a GAN draws: noise, the inputs of its generator, and images of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, whole, within
from ganzoo.gan.arguments import check_noise, real_number, take_truncation, truncation_of
from ganzoo.gan.draw import in_pieces
from ganzoo.gan.game import Game
from ganzoo.gan.inputs import NOISE, SOURCE, TEXT, columns_of, cycled, reduced, refuse_needless
from ganzoo.gan.labelled import Labelled
from ganzoo.gan.labels import Label, one_for_each
from ganzoo.gan.latents import Latents, of_file
from ganzoo.gan.priors import PATHS
from ganzoo.gan.steering import Directions, Move, Moves
from ganzoo.gan.style import Truncation
from ganzoo.gan.styled import layer_noise as noise_of_layers
from ganzoo.registry.arguments import known_arguments
from ganzoo.registry.entry import resolve
from ganzoo.seeding import derive

# What builds on this module.
SAMPLING, MOVE = "ganzoo.gan.sampling:asked_for", "ganzoo.folder.directions:asked_move"
LATENTS = "ganzoo.folder.latents:asked_latents"

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from typing_extensions import Unpack

    from ganzoo.gan.options import SampleOptions


class Sampled(Labelled):
    """The samples of a GAN.

    Attributes:
        G: the generator.
        game: whose inputs the generator has.
        channels, height, width: of the images.
        bits: of each value of the data, which pictures keep.
        examples: rows of the inputs that nobody gives, by name.
        sources_are_final: whether examples as large as images are what a person wants enlarged.
    """

    G: nn.Module
    bits: int
    examples: Mapping[str, Tensor]
    sources_are_final: bool
    game: Game
    channels: int
    height: int
    width: int
    get_submodule: Any

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape ``(C, H, W)`` of an image."""
        return self.channels, self.height, self.width

    @property
    def input_names(self) -> frozenset[str]:
        """The inputs of the generator besides labels: some of ``z``, ``source``, ``text``."""
        return self.game.inputs

    @property
    def source_image(self) -> tuple[int, int, int]:
        """The shape ``(C, h, w)`` of what images are made from: smaller than them for a model that enlarges pictures.

        That of the images where the generator's ``shapes`` do not say it.
        """
        shapes = getattr(self.G, "shapes", None) if SOURCE in self.input_names else None
        return shapes[0] if shapes is not None and len(shapes[0]) == len(self.image) else self.image

    @property
    def least_source(self) -> int | None:
        """The smallest side of sources, for a model that takes pictures of any size; None where they have one size.

        A generator that takes any size says it by an attribute of that name.
        """
        return getattr(self.G, "least_source", None) if SOURCE in self.input_names else None

    def noise(self, n: int, seed: int, truncation: float | Truncation | None = None, start: int = 0) -> Tensor:
        """Noise ``(n, z_dim)`` of samples ``start`` to ``start + n``; sample k depends on ``seed`` and k only.

        A generator whose truncation is no matter of the noise keeps it, for images until noise is asked for again.

        Raises:
            UsageError: the model takes none, or not this truncation.
        """
        refuse_needless(self.input_names, {NOISE: n})
        n, seed, start = whole("n", n, 0), whole("seed", seed), whole("start", start, 0)
        rng = torch.Generator()
        generator: Any = self.G
        bound = take_truncation(generator, self.input_names, truncation)
        # One draw a sample, each from a seed of its own: k is the same image for every n, start and batch size.
        rows = [generator.prior(1, rng.manual_seed(derive(seed, index)), bound) for index in range(start, start + n)]
        return torch.cat(rows) if rows else generator.prior(0, rng, bound)

    def interpolate(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The noise ``t`` (0 to 1) of the way from each row of ``a`` to that of ``b``, both ``(n, z_dim)``.

        On an arc for a normal prior, whose draws have almost one length, and on a straight line for a uniform one.

        Raises:
            UsageError: the two are not of one shape, or ``t`` is no number from 0 to 1.
        """
        within("t", real_number("t", t), 0, 1)
        if a.shape != b.shape:
            raise UsageError(
                f"noise of shapes {tuple(a.shape)} and {tuple(b.shape)} has no way between: give equal ones"
            )
        return PATHS[str(self.plan["prior"])](a, b, t)

    def inputs(
        self,
        n: int,
        seed: int,
        labels: Tensor | None = None,
        truncation: float | Truncation | None = None,
        start: int = 0,
        columns: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """The generator's inputs for samples ``start`` to ``start + n``, as :meth:`generate` takes them.

        Args:
            n: how many.
            seed: of the noise, if that is an input.
            labels: class numbers ``(n,)``, or label vectors ``(n, classes)``; None for none.
            truncation: bound on the noise, or of w where there is one: ψ, or that with a cut-off and a mean.
            start: number of the first.
            columns: rows of the other inputs, images in [-1, 1]; by default the examples, in a cycle.

        Raises:
            UsageError: no columns are given, and there are no examples.
        """
        names = self.input_names - {NOISE}
        given = dict(cycled(self.examples, names, start, n) if columns is None else columns)
        if NOISE in self.input_names:
            first = self.noise(n, seed, truncation, start)
        else:
            take_truncation(self.G, self.input_names, truncation)
            rows = given.pop(SOURCE)
            first = rows if self.sources_are_final else reduced(rows, self.image, self.source_image)
        return {"z": first, "y": self.label_vectors(labels, n), **given}

    @overload
    def sample(
        self, n: int | None = ..., *, output: Literal["pt"] = ..., **options: Unpack[SampleOptions]
    ) -> Tensor: ...

    @overload
    def sample(
        self, n: int | None = ..., *, output: Literal["np"], **options: Unpack[SampleOptions]
    ) -> NDArray[np.float32]: ...

    @overload
    def sample(
        self, n: int | None = ..., *, output: Literal["pil"], **options: Unpack[SampleOptions]
    ) -> list[Image]: ...

    @torch.no_grad()
    @known_arguments
    def sample(
        self,
        n: int | None = None,
        *,
        labels: Sequence[Label] | Tensor | None = None,
        source: Any = None,
        text: str | Sequence[str] | None = None,
        z: Tensor | None = None,
        seed: int | None = None,
        truncation: float | None = None,
        truncation_cutoff: int | None = None,
        truncation_mean: str | None = None,
        layer_noise: int | None = None,
        sampler: str | None = None,
        data: Any = None,
        direction: Moves | None = None,
        directions: str | PathLike[str] | Directions | None = None,
        latents: str | PathLike[str] | Latents | None = None,
        batch: int = 64,
        output: str = "pt",
    ) -> Any:
        """Draw images; the first k of n are the same for every n, batch size and device.

        Args:
            n: how many; as many as is given of ``z``, ``source``, ``text`` or ``labels`` by default, else 1.
            labels: for each image a class, as number or name, or a label vector; by default the learned classes in
                turn, or rows of the training's label vectors. Text names several classes as ``red/round``, and
                continuous labels as ``0.5/-1``.
            source: for a model that translates images: pictures, or images ``(n, C, h, w)`` in [0, 1], of the size
                :attr:`source_image`, or of one size from :attr:`least_source` up where the model takes any. Given
                neither these nor ``text``, such models take the examples of their folder in turn.
            text: for a model that draws what a text says: one text for each image, or one for all.
            z: noise ``(n, z_dim)`` to use in place of drawn noise.
            seed: of the noise; a fresh one by default.
            truncation: where the generator has w, its ψ: 1 changes nothing, 0 is the mean of w; else a bound on the
                noise, more than 0, or with the prior ``truncated-normal`` a factor of it. Smaller is more typical, less
                varied. Layers that know statistics of truncated noise (``ccbn:rows``) take those of this one.
            truncation_cutoff: layers of w, from the first, that it holds for; all by default.
            truncation_mean: of w, for each image's label (``"class"``) or of all (``"global"``); as the
                recipe says by default, which is for the label unless it has ``w.mean=global``.
            layer_noise: seed of other noise in the layers of a generator that have noise inputs; each has a constant.
            sampler: what chooses the noise by what D says of the images, such as ``"ddls"`` or ``"drs:tries=50"``;
                for a model that was loaded with its discriminator.
            data: real images that a sampler is calibrated with, as ``--data`` takes them, where it wants some.
            direction: how far to move every image along which directions, in standard deviations: ``"d3=1.5"``, a
                list of these, or ``{"d3": 1.5}``.
            directions: the file that ``ganzoo directions`` wrote for this model.
            latents: the file that ``ganzoo project`` wrote, or what is in it, to be drawn again; labels, noise and that
                of layers are then its own, and only ``direction`` changes the images.
            batch: how many go through the generator at once.
            output: ``"pt"`` float32 NCHW in [0, 1], ``"np"`` float32 NHWC in [0, 1], ``"pil"`` a list of pictures:
                grey (of 16 bits where the data had them), RGB or RGBA, as the model's images are.

        Raises:
            UsageError: for what the model does not take, labels that it does not have, or counts that disagree.
        """
        from ganzoo.images import convert

        if output not in ("pt", "np", "pil"):
            raise UsageError(f"output={output!r} does not work: it is 'pt', 'np' or 'pil'")
        refuse_needless(self.input_names, {NOISE: z, SOURCE: source, TEXT: text})
        n, batch = None if n is None else whole("n", n, 0), whole("batch", batch, 1)
        seed = (
            secrets.randbits(63) if seed is None else whole("seed", seed)
        )  # not torch's own: its state is the caller's
        if latents is not None:
            own = {"z": z, "labels": labels, "truncation": truncation, "sampler": sampler, "layer_noise": layer_noise}
            found = of_file(resolve(LATENTS)(self, latents), n, own)
            return convert(found.draw(self, resolve(MOVE)(self, direction, directions), batch), output, self.bits)
        columns = columns_of(n, source, text, self.source_image, self.least_source)
        given = None if labels is None else one_for_each(labels)
        if z is not None:
            z = check_noise(z, len(z) if n is None and isinstance(z, Tensor) and z.ndim else n or 1, self.noise_shape)
        n = next((len(rows) for rows in (z, *columns.values(), given) if rows is not None), 1) if n is None else n
        numbers = self.labels_for(n, given)
        told = truncation_of(truncation, truncation_cutoff, truncation_mean)
        move = resolve(MOVE)(self, direction, directions)
        chosen = resolve(SAMPLING)(self, sampler, truncation=told, seed=seed, data=data, batch=batch)
        try:
            inputs = self._inputs_of(n, seed, numbers, told, columns, z)
            with noise_of_layers(self.get_submodule("G"), layer_noise):
                inputs = inputs if chosen is None else chosen(inputs, seed, batch=batch)
                return convert(self.generate_moved(move, **inputs, batch=batch), output, self.bits)
        finally:
            take_truncation(self.G, self.input_names, None)  # or whoever calls G next would be truncated, too

    def _inputs_of(
        self,
        n: int,
        seed: int,
        labels: Tensor | None,
        truncation: float | Truncation | None,
        columns: Mapping[str, Tensor],
        z: Tensor | None,
    ) -> dict[str, Tensor]:
        """As :meth:`inputs`, with noise that is given, and sources of whatever size.

        Raises:
            UsageError: there is not a row of each for every image.
        """
        inputs = self.inputs(n, seed, labels, truncation, columns=columns or None)
        if z is not None:
            inputs["z"] = z
        elif SOURCE in columns:
            inputs["z"] = columns[SOURCE]  # as large as images it is not taken for one to be reduced
        for name, column in columns.items():
            if len(column) != n:
                raise UsageError(f"{len(column)} of {name} for {n} images")
        return inputs

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of one image's noise."""
        generator: Any = self.G
        return tuple(generator.prior(1, torch.Generator()).shape[1:])

    def generate(self, z: Tensor, y: Tensor, batch: int = 64, **conditions: Tensor) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1] on the CPU, in eval mode.

        Args:
            z: noise ``(n, z_dim)``, or source images ``(n, C, H, W)`` in [-1, 1] for a model that takes no noise.
            y: label vectors ``(n, y_dim)``.
            batch: how many go through the generator at once.
            conditions: further inputs of the generator, with a row for each image.
        """
        return self.generate_moved(None, z, y, batch, **conditions)

    @torch.no_grad()
    def generate_moved(self, move: Move | None, z: Tensor, y: Tensor, batch: int = 64, **conditions: Tensor) -> Tensor:
        """As :meth:`generate`, of noise or w that was moved; ``move`` is None for no move.

        Raises:
            UsageError: ``y`` or one of ``conditions`` has not a row for each of ``z``, or ``batch`` is below 1.
        """
        whole("batch", batch, 1)
        if y.shape != (len(z), self.classes) or any(len(rows) != len(z) for rows in conditions.values()):
            raise UsageError(
                f"{len(z)} images of this model take label vectors {(len(z), self.classes)}, not {tuple(y.shape)},"
                " and a row of every other input for each"
            )
        if NOISE in self.input_names:
            z = check_noise(z, len(z), self.noise_shape)
        generator = self.get_submodule("G")
        call = generator if move is None else move.through(generator)
        parts = in_pieces(generator, call, (z, y), batch, conditions)
        return (torch.cat(list(parts) or [torch.zeros(0, *self.image)]) + 1).mul_(0.5).clamp_(0, 1)
