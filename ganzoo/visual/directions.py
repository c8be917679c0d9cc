"""Directions of a model's z or w along which its images change most: SeFa and GANSpace.

Closed-Form Factorization of Latent Semantics in GANs (SeFa, Shen & Zhou 2021, arXiv 2007.06600): the unit vectors
``n`` that maximise ``‖A n‖²``, eigenvectors of ``AᵀA``, where ``A`` is the weight of the layer that takes z, or of all
layers that take w. Here these are found by what reaches them, so that concatenated labels, noise in pieces for many
layers and any reparametrised weight need no code of their own; where z is normalised on its way, ``AᵀA`` is a mean.

GANSpace (Härkönen et al. 2020, arXiv 2004.02546): principal components of the features of a layer, or of w, and the
directions of the latents that move along them, by regression. Features are centred for each label, so that components
are about the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, command, either, nearest
from ganzoo.folder.directions import latent_width, model_digest
from ganzoo.gan.arguments import take_truncation
from ganzoo.gan.draw import in_pieces
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE, cycled
from ganzoo.gan.steering import Directions
from ganzoo.seeding import derive

METHODS = ("sefa", "ganspace")
POINTS = 8  # of z, where AᵀA is looked at
DRAWS = 4096  # for the standard deviation along a direction
LABELS = 16  # label vectors that draws are of, at most
PIECE = 256  # draws of one label vector, that are made at once
MOST = 1 << 26  # numbers of features at once
TINY = 1e-10  # of the largest eigenvalue: what rounding leaves
Layers = tuple[int, int] | None


# --- what is found ------------------------------------------------------------------------------------------


def sefa(
    gan: GAN, count: int = 8, space: str | None = None, layers: Layers = None, *, labels: Tensor | None = None
) -> Directions:
    """The ``count`` strongest directions by SeFa.

    Args:
        gan: the model.
        count: how many at most; fewer where the layers see less.
        space: ``"z"`` or ``"w"``; w where there is one by default.
        layers: the first and the last: of w, which are moved; or of those that take z, whose weights count.
        labels: of the images that are looked at, in turn; the model's own by default.

    Raises:
        UsageError: the model takes no noise, or has no such space or layers, or no linear layer takes the latents.
    """
    look = _Look.at(gan, space, labels)
    space, width = look.space, look.width
    latents, found = _taken(look)
    if not found:
        raise UsageError(f"no linear layer of this model takes {space} at once: --method ganspace --at LAYER may work")
    chosen = _chosen(layers, latents.shape[1] if space == "w" else len(found), space)
    counted = found if space == "w" else found[chosen[0] : chosen[1] + 1]
    gram = sum((one.gram(latents, chosen) for one in counted), torch.zeros(width, width, dtype=torch.float64))
    free = look.free
    values, vectors = torch.linalg.eigh(gram[:free, :free])
    strong = int((values > TINY * values[-1]).sum()) if float(values[-1]) > 0 else 0
    if not strong:
        raise UsageError(f"the layers {chosen[0]} to {chosen[1]} see nothing of {space}: choose others")
    rows = vectors.flip(1).t()[: min(count, strong)]
    return _finished(look, rows, layers if space == "w" else None, "sefa")


def ganspace(
    gan: GAN,
    count: int = 8,
    space: str | None = None,
    layers: Layers = None,
    *,
    at: str | None = None,
    samples: int = DRAWS,
    labels: Tensor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Directions:
    """The directions of the ``count`` first principal components by GANSpace.

    Args:
        gan: the model.
        count: how many at most.
        space: ``"z"`` or ``"w"``; w where there is one by default.
        layers: of w that are moved, from the first to the last; all by default.
        at: dotted name of the module of G whose output has the components; w itself by default, and of z the first
            linear layer that takes it.
        samples: draws that they are found by.
        labels: of the draws, in turn; the model's own by default.
        progress: told how many draws are looked at, and of how many; each is looked at twice.

    Raises:
        UsageError: the model takes no noise, or has no such space, layers or module; or its output does not change.
    """
    from sklearn.decomposition import IncrementalPCA  # seconds, which SeFa need not wait for

    look = _Look.at(gan, space, labels)
    if look.space == "z" and layers is not None:
        raise UsageError("layers are those of w that are moved, and these directions are of z: name a layer with --at")
    if look.space == "w":
        _chosen(layers, look.points()[0].shape[1], "w")
    elif at is None:
        _, found = _taken(look)
        if not found:
            raise UsageError("no linear layer of this model takes z at once: name a layer with --at")
        at = found[0].name
    count = min(count, look.free, samples)
    size = _Features(look, at, 2, 2).size
    pieces = _Features(look, at, samples, max(count, min(PIECE, MOST // size)))
    pca = IncrementalPCA(n_components=min(count, size))
    with np.errstate(divide="ignore", invalid="ignore"):  # of shares of a variance that is 0, which nobody reads
        for done, (_, features) in enumerate(pieces, 1):
            pca.partial_fit(features.numpy())
            pieces.tell(progress, done)
    components = torch.from_numpy(pca.components_).double()
    products, squares = torch.zeros(len(components), look.width, dtype=torch.float64), torch.zeros(len(components))
    for done, (latents, features) in enumerate(pieces, 1):
        pieces.tell(progress, pieces.count + done)
        coordinates = features.double() @ components.t()
        products += coordinates.t() @ latents.double()
        squares = squares + coordinates.square().sum(0)
    strong = squares > TINY * squares.max()
    rows = (products[strong] / squares[strong, None])[:, : look.free]
    if not len(rows) or not bool((rows.norm(dim=1) > 0).all()):
        raise UsageError(f"the output of {at or 'w'} does not change with {look.space}: name another layer with --at")
    method = f"ganspace {at}" if at else "ganspace"
    return _finished(look, rows / rows.norm(dim=1, keepdim=True), layers, method)


def _finished(look: _Look, rows: Tensor, layers: Layers, method: str) -> Directions:
    """Directions of unit rows ``(k, free)``: signs settled, filled up to the whole latent, and measured."""
    rows = rows * rows.gather(1, rows.abs().argmax(1, keepdim=True)).sign()
    whole = torch.zeros(len(rows), look.width)
    whole[:, : rows.shape[1]] = rows.float()
    squares, seen = torch.zeros(len(rows), dtype=torch.float64), 0
    for latents, _ in _Features(look, None, DRAWS, PIECE):
        squares += (latents.double() @ whole.double().t()).square().sum(0)
        seen += len(latents)
    return Directions(whole, (squares / seen).sqrt().float(), look.space, layers, method, model_digest(look.gan))


@dataclass(frozen=True)
class _Look:
    """What is looked at.

    Attributes:
        gan: the model.
        space: of the latents, ``"z"`` or ``"w"``.
        width: how many numbers one has.
        labels: of draws, in turn; None for an unconditional model.
    """

    gan: GAN
    space: str
    width: int
    labels: Tensor | None

    @classmethod
    def at(cls, gan: GAN, space: str | None, labels: Tensor | None) -> _Look:
        """The space that was named, or w where there is one; and the labels that were given, or the model's own."""
        space = space or ("w" if gan.has_w else "z")
        width = latent_width(gan, space)
        return cls(gan, space, width, gan.default_labels(LABELS) if labels is None else labels)

    @property
    def free(self) -> int:
        """How many numbers may be moved: of z those before the codes, which have laws of their own."""
        return self.width if self.space == "w" else min(self.width, self.gan.z_dim)

    def labels_of(self, rows: Sequence[int]) -> Tensor | None:
        """The labels of draws by number."""
        return None if self.labels is None else self.labels[[row % len(self.labels) for row in rows]]

    def points(self) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Latents to look at layers from, on the model's device: one w, or a few z with their labels and inputs."""
        weight = next(self.gan.get_submodule("G").parameters())
        count = 1 if self.space == "w" else POINTS
        inputs = self.gan.inputs(count, derive("directions", "points"), self.labels_of(range(count)))
        z, y = inputs.pop("z"), inputs.pop("y")
        latents = self.gan.styles(z, y) if self.space == "w" else z
        return latents.to(weight), y.to(weight), {name: rows.to(weight.device) for name, rows in inputs.items()}


def _chosen(layers: Layers, count: int, space: str) -> tuple[int, int]:
    first, last = layers or (0, count - 1)
    if not 0 <= first <= last < count:
        what = "layers of w" if space == "w" else "linear layers that take z"
        raise UsageError(f"there are no layers {first} to {last}: this model has {count} {what}, 0 to {count - 1}")
    return first, last


# --- the layers that take the latents -----------------------------------------------------------------------


@dataclass
class _Taken:
    """A linear layer that the latents reach with no other such layer before it.

    Attributes:
        name: dotted, in G.
        module: the layer.
        input: what it was called with, ``(points, ...)``, with the graph to the latents.
    """

    name: str
    module: nn.Module
    input: Tensor

    def gram(self, latents: Tensor, layers: tuple[int, int]) -> Tensor:
        """``AᵀA`` ``(d, d)``, float64, a mean over the points; of w for a move of these layers together."""
        x = self.input.flatten(1)
        jacobian = torch.zeros(latents.shape[-1], x.shape[1], len(latents), dtype=torch.float64)
        for number in range(x.shape[1]):  # one by one: batched, torch would import its compiler for it
            (slope,) = torch.autograd.grad(x[:, number].sum(), latents, retain_graph=True)
            moved = slope if slope.ndim == 2 else slope[:, layers[0] : layers[1] + 1].sum(1)
            jacobian[:, number] = moved.t().double().cpu()
        reached = jacobian.abs().amax((0, 2)) > 0
        weight = self._columns(reached.nonzero()[:, 0])
        kernel = weight @ weight.t()
        inner = jacobian[:, reached]
        return torch.einsum("dip,ij,ejp->de", inner, kernel, inner) / len(latents)

    @torch.no_grad()
    def _columns(self, places: Tensor) -> Tensor:
        """What the layer makes of each of these numbers of its input alone, ``(len(places), outputs)``, in float64."""
        shape = self.input.shape[1:]
        rows = torch.zeros(len(places) + 1, shape.numel()).to(self.input)
        rows[torch.arange(len(places)), places.to(rows.device)] = 1
        made = self.module(rows.reshape(-1, *shape)).flatten(1).double().cpu()
        return made[:-1] - made[-1]


def _taken(look: _Look) -> tuple[Tensor, list[_Taken]]:
    """Some latents, and the linear layers that they reach first, in the order of their calls.

    Every linear layer's output is cut off the graph, so that what still depends on the latents saw no layer before.
    """
    generator: Any = look.gan.get_submodule("G")
    latents, y, conditions = look.points()
    found: list[_Taken] = []

    def cut(name: str) -> Callable[..., Tensor]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = inputs[0]
            if x.requires_grad:
                slope = torch.autograd.grad(x.sum(), latents, retain_graph=True, allow_unused=True)[0]
                if slope is not None:
                    found.append(_Taken(name, module, x))
            return output.detach()

        return hook

    linear = {
        name: module
        for name, module in generator.named_modules()
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
    }
    hooks = [module.register_forward_hook(cut(name)) for name, module in linear.items()]
    try:
        with torch.enable_grad(), _evaluating(generator):
            latents.requires_grad_(True)
            if look.space == "w":
                generator.synthesis(latents)
            else:
                generator(latents, y, **conditions)
    finally:
        for hook in hooks:
            hook.remove()
    return latents, found


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


# --- features of draws --------------------------------------------------------------------------------------


class _Reached(Exception):
    """The module was called: what comes behind it need not be computed."""


class _Features:
    """Latents ``(b, d)`` and features ``(b, f)`` of draws, each piece of one label vector and centred; the same ones
    each time.

    Args:
        look: at what.
        at: the module of G whose output counts; None for the latents themselves.
        samples: how many draws.
        piece: how many at once, at least; fewer where there are no more.
    """

    def __init__(self, look: _Look, at: str | None, samples: int, piece: int) -> None:
        self.look, self.count = look, max(1, samples // piece)
        self.piece = samples // self.count
        self.generator: Any = look.gan.get_submodule("G")
        known = dict(self.generator.named_modules())
        if at is not None and (not at or at not in known):
            near = either(nearest(at, [name for name in known if name]))
            listed = command("build", look.gan.plan.recipe, "--layers")
            raise UsageError(f"G has no layer {at!r}; nearest: {near}; all layers: {listed}")
        self.module = None if at is None else known[at]
        self.at = at

    @property
    def size(self) -> int:
        """Length of a row of features."""
        return next(iter(self))[1].shape[1]

    def tell(self, progress: Callable[[int, int], None] | None, done: int) -> None:
        """Tell of so many pieces that are done, of each twice."""
        if progress is not None:
            progress(done * self.piece, 2 * self.count * self.piece)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for number in range(self.count):
            latents, y, conditions = self._draw(number)
            features = latents if self.module is None else self._seen(latents, y, conditions)
            if latents.ndim > 2:
                latents = latents[:, 0]
            features = features.flatten(1) if self.module is not None else latents
            yield latents - latents.mean(0), (features - features.mean(0)).float()

    def _draw(self, number: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        gan, rng = self.look.gan, torch.Generator().manual_seed(derive("directions", number))
        take_truncation(self.generator, gan.input_names, None)
        z = self.generator.prior(self.piece, rng)
        y = gan.label_vectors(self.look.labels_of([number] * self.piece), self.piece)
        first = cycled(gan.examples, gan.input_names - {NOISE}, 0, 1)
        conditions = {name: rows.expand(self.piece, *rows.shape[1:]) for name, rows in first.items()}
        return (gan.styles(z, y) if self.look.space == "w" else z), y, conditions

    @torch.no_grad()
    def _seen(self, latents: Tensor, y: Tensor, conditions: dict[str, Tensor]) -> Tensor:
        seen: list[Tensor] = []

        def stop(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor) or len(output) != len(latents):
                raise UsageError(f"the output of {self.at} is no row for each image: name another layer with --at")
            seen.append(output.float().cpu())
            raise _Reached

        assert self.module is not None
        hook = self.module.register_forward_hook(stop)
        in_w = self.look.space == "w"
        call, given = (self.generator.synthesis, (latents,)) if in_w else (self.generator, (latents, y))
        try:
            in_pieces(self.generator, call, given, len(latents), conditions)
        except _Reached:
            return seen[0]
        finally:
            hook.remove()
        raise UsageError(
            f"{self.at} is not called when images are made"
            + (" of w: --space z looks at what makes w; or" if in_w else ":")
            + " name another layer with --at"
        )
