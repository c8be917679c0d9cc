"""Walks: interpolation between samples of a model, between its classes, and along directions of its latents.

A walk goes through a few stops. Between two of them noise goes along an arc where its law is normal, and in a straight
line where it is uniform; w, label vectors and the amounts of directions go in straight lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError, counted
from ganzoo.folder.directions import asked_ranges
from ganzoo.folder.latents import asked_latents
from ganzoo.gan.inputs import NOISE, cycled
from ganzoo.gan.latents import Latents, noise_maps, noise_modules, one_by_one
from ganzoo.gan.priors import slerp
from ganzoo.gan.steering import Directions, Move, Ranges
from ganzoo.gan.styled import layer_noise as noise_of_layers
from ganzoo.images import to_uint8
from ganzoo.visual.timing import Place, Timing

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.style import Truncation

LOOPED = 4  # samples of a row whose walk is a loop, where nobody says how many
AT_ONCE = 64  # images that go through the generator together


# --- images ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stops:
    """What rows of walks go through.

    Attributes:
        space: ``"z"`` or ``"w"``.
        values: noise ``(rows, stops, z_dim)`` or w ``(rows, stops, layers, w_dim)``.
        y: label vectors ``(rows, stops, classes)``.
        conditions: further inputs of G, a row for each walk.
        move: along directions, with a shift ``(stops, d)``; None for none.
        noise: pictures of the noise inputs at each stop; none for those that the model has.
    """

    space: str
    values: Tensor
    y: Tensor
    conditions: Mapping[str, Tensor]
    move: Move | None = None
    noise: Sequence[Mapping[str, Tensor]] = ()

    @property
    def count(self) -> int:
        """How many each row goes through."""
        return self.values.shape[1]


def draw(gan: GAN, stops: Stops, places: Sequence[Place]) -> Iterator[Tensor]:
    """For each place of a walk the images of its rows, bytes ``(rows, C, H, W)``.

    The same place is drawn once: on the way back nothing is computed.
    """
    together = 1 if stops.noise else max(1, AT_ONCE // len(stops.values))
    last = {place: number for number, place in enumerate(places)}
    kept: dict[Place, Tensor] = {}
    for number, place in enumerate(places):
        if place not in kept:
            ahead = [one for one in dict.fromkeys(places[number:]) if one not in kept][:together]
            kept |= dict(zip(ahead, _drawn(gan, stops, ahead), strict=True))
        yield kept[place]
        if last[place] == number:
            del kept[place]


def _drawn(gan: GAN, stops: Stops, places: Sequence[Place]) -> Tensor:
    """Bytes ``(places, rows, C, H, W)``."""
    rows = len(stops.values)
    values = torch.cat([_between(gan, stops, place) for place in places])
    move = None
    if stops.move is not None:
        shift = torch.stack([torch.lerp(stops.move.shift[a], stops.move.shift[b], t) for a, b, t in places])
        move = replace(stops.move, shift=shift.repeat_interleave(rows, 0))
    with noise_maps(gan.get_submodule("G"), _noise_between(stops, places[0]) if stops.noise else {}):
        if stops.space == "w":
            images = gan.synthesize(values if move is None else move(values), batch=len(values))
        else:
            y = torch.cat([torch.lerp(stops.y[:, a], stops.y[:, b], t) for a, b, t in places])
            given = {name: torch.cat([column] * len(places)) for name, column in stops.conditions.items()}
            images = gan.generate_moved(move, values, y, batch=len(values), **given)
    return to_uint8(images, low=0).unflatten(0, (len(places), rows))


def _between(gan: GAN, stops: Stops, place: Place) -> Tensor:
    a, b, t = place
    ends = stops.values[:, a], stops.values[:, b]
    return torch.lerp(*ends, t) if stops.space == "w" else gan.interpolate(*ends, t)


def _noise_between(stops: Stops, place: Place) -> dict[str, Tensor]:
    """On an arc, as pictures of noise are normal and would fade on a straight line."""
    a, b, t = place
    return {
        name: slerp(picture.reshape(1, -1), stops.noise[b][name].reshape(1, -1), t).reshape(picture.shape)
        for name, picture in stops.noise[a].items()
    }


# --- what it goes through -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a person wants to walk through.

    Attributes:
        rows: walks side by side.
        stops: samples that each goes through; by default 2, or 4 in a loop, and 1 where classes or directions change.
        seed: of the samples: row i has those from ``i * stops`` on.
        labels: of the rows, as :meth:`GAN.read_labels` gives them; the model's own by default.
        through: labels that every row goes through, with the noise of its sample.
        found: in the place of samples, latents to go through; with one of them, on to the sample of the seed.
        truncation: as ``sample`` takes it.
        space: ``"w"`` or ``"z"``; w where there is one by default.
        ranges: the directions, and from where to where along which.
        layer_noise: seed of the noise of layers.
    """

    rows: int = 1
    stops: int | None = None
    seed: int = 0
    labels: Tensor | None = None
    through: Tensor | None = None
    found: Sequence[Latents] = ()
    truncation: float | Truncation | None = None
    space: str | None = None
    ranges: tuple[Directions, Mapping[int, tuple[float, float]]] | None = None
    layer_noise: int | None = None


def make_stops(gan: GAN, asked: Asked, loop: bool = False) -> Stops:
    """The stops of what a person asked for.

    Args:
        gan: the model.
        asked: what.
        loop: whether the walk is one.

    Raises:
        UsageError: the model has no such space, labels or directions; its images do not change on the way; or what was
            asked for does not go together.
    """
    space = _space(gan, asked)
    given = _given_stops(gan, asked, space) if asked.found else _sampled_stops(gan, asked, space, loop)
    ranges = asked.ranges
    if ranges is None:
        return given
    directions, amounts = ranges
    changes = any(first != last for first, last in amounts.values())
    if changes and given.count == 1:
        given = _repeated(given, 2)
    if given.count == 1:
        raise UsageError("nothing changes on this walk: give a range of a direction, such as d0=-2..2, or more stops")
    return replace(given, move=directions.moves(amounts, given.count))


def _space(gan: GAN, asked: Asked) -> str:
    """Where the walk is: where it was asked for, where its directions are, or where the model has the most to say."""
    if NOISE not in gan.input_names:
        gan.noise(1, 0)  # which says what the model takes
    if asked.space is not None and asked.space not in ("w", "z"):
        raise UsageError(f"space={asked.space!r} does not work: it is 'w' or 'z'")
    of_directions = None if asked.ranges is None else asked.ranges[0].space
    if asked.space == "w":
        gan.refuse_without_w()
        if of_directions == "z":
            raise UsageError("the directions are of z, and the walk is in w: leave the space out")
    if any(one.space == "w" for one in asked.found) and "z" in (asked.space, of_directions):
        raise UsageError("the latents are w, and so is the way between them: directions and space cannot be z")
    return asked.space or ("w" if gan.has_w and of_directions != "z" else "z")


def _sampled_stops(gan: GAN, asked: Asked, space: str, loop: bool) -> Stops:
    changing = asked.through is not None or (
        asked.ranges is not None and any(first != last for first, last in asked.ranges[1].values())
    )
    count = asked.stops or (1 if changing else LOOPED if loop else 2)
    labels = 1 if asked.through is None else len(asked.through)
    if labels > 1 and count not in (1, labels):
        raise UsageError(
            f"{counted(count, 'stop')} and {counted(labels, 'class')} to go through do not go together: give as many,"
            " or leave the stops out"
        )
    if max(count, labels) == 1 and not changing:
        raise UsageError("a walk goes through two stops at least: nothing changes between one and itself")
    if asked.through is not None and labels == 1:
        raise UsageError("a walk through classes needs two at least: give another one")
    rows = asked.rows
    z = gan.noise(rows * count, asked.seed, asked.truncation).unflatten(0, (rows, count))
    y = gan.label_vectors(asked.labels, rows)[:, None]
    if asked.through is not None:
        y = gan.label_vectors(asked.through, labels)[None].expand(rows, -1, -1)
    most = max(count, labels)
    z, y = z.expand(-1, most, *z.shape[2:]), y.expand(-1, most, -1)
    columns = cycled(gan.examples, gan.input_names - {NOISE}, 0, rows)
    if asked.through is not None:
        _refuse_unchanged(gan, z[:1, 0], y[0], space)
    if space == "w":
        w = gan.styles(z.flatten(0, 1), y.flatten(0, 1)).unflatten(0, (rows, most))
        return Stops("w", w, y, columns)
    return Stops("z", z, y, columns)


def _given_stops(gan: GAN, asked: Asked, space: str) -> Stops:
    """Stops at latents that were found: one row."""
    for name, given in (("rows", asked.rows > 1), ("stops", asked.stops), ("through", asked.through is not None)):
        if given:
            raise UsageError(f"{name} is of samples, and this walk goes through latents that were found: leave it out")
    found = [one for several in asked.found for one in one_by_one(several)]
    changes = asked.ranges is not None and any(first != last for first, last in asked.ranges[1].values())
    if len(found) == 1 and not changes:  # on to a sample
        labels = found[0].labels if asked.labels is None else asked.labels[:1]
        found.append(Latents("z", gan.noise(1, asked.seed, asked.truncation), labels))
    if any(len(one.noise) for one in found):
        own = {name: module.constant.clone() for name, module in noise_modules(gan.get_submodule("G")).items()}
        noise: Sequence[Mapping[str, Tensor]] = [{**own, **one.noise} for one in found]
    else:
        noise = ()
    y = torch.cat([one.y(gan) for one in found])[None]
    values = [one.in_w(gan) if space == "w" else one.values for one in found]
    return Stops(space, torch.cat(values)[None], y, {}, noise=noise)


def _repeated(stops: Stops, count: int) -> Stops:
    """One stop as several."""
    values = stops.values.expand(-1, count, *stops.values.shape[2:])
    return replace(stops, values=values, y=stops.y.expand(-1, count, -1), noise=list(stops.noise) * count)


def _refuse_unchanged(gan: GAN, z: Tensor, y: Tensor, space: str) -> None:
    """Refuse a walk through labels that a generator does not see, or between which it has nothing.

    Args:
        gan: the model.
        z: of one image.
        y: label vectors ``(n, classes)``.
        space: of the walk; in w nothing but w is between them.
    """
    ends = y[0], next((row for row in y if not torch.equal(row, y[0])), y[0])
    if torch.equal(*ends):
        raise UsageError("a walk through one class alone changes nothing: give others")
    rows = torch.stack([torch.lerp(*ends, t) for t in (0.0, 0.3, 0.4, 1.0)])
    columns = cycled(gan.examples, gan.input_names - {NOISE}, 0, 1)
    columns = {name: column.expand(4, *column.shape[1:]) for name, column in columns.items()}
    images = gan.generate_moved(None, z.expand(4, *z.shape[1:]), rows, batch=4, **columns)
    if torch.equal(images[0], images[3]):
        raise UsageError("this model's generator draws the same image for every class, so there is no way between them")
    if space == "z" and any(torch.equal(a, b) for a, b in pairwise(images)):
        raise UsageError("this model's generator takes one class at a time, and draws nothing between two of them")


# --- in one call --------------------------------------------------------------------------------------------


def walk(
    gan: GAN,
    rows: int,
    steps: int,
    seed: int,
    numbers: Tensor | None,
    truncation: float | Truncation | None = None,
    space: str | None = None,
) -> Tensor:
    """Bytes ``(rows * steps, C, H, W)``, row by row; row i goes from sample 2i to sample 2i + 1 in ``steps`` images.

    Args:
        gan: the model.
        rows, steps: see above.
        seed: of the samples.
        numbers: labels of the rows; None for none.
        truncation: as ``sample`` takes it.
        space: ``"w"`` for straight lines in w, ``"z"`` for ways of the noise; w where there is one by default.

    Raises:
        UsageError: ``"w"`` of a model that has none.
    """
    stops = make_stops(gan, Asked(rows, seed=seed, labels=numbers, truncation=truncation, space=space))
    return torch.stack([*draw(gan, stops, Timing(steps).places(stops.count))], dim=1).flatten(0, 1)


def walked(
    gan: GAN,
    asked: Mapping[str, Any],
    timing: Timing,
    *,
    direction: Ranges | None = None,
    directions: str | PathLike[str] | Directions | None = None,
    latents: Sequence[str | PathLike[str] | Latents] = (),
) -> Tensor:
    """What :meth:`GAN.walk` gives: images ``(rows, frames, C, H, W)`` in [0, 1].

    Args:
        gan: the model.
        asked: fields of :class:`Asked`.
        timing: of the walk.
        direction, directions, latents: as :meth:`GAN.walk` takes them.
    """
    ranges = asked_ranges(gan, direction, directions)
    found = [asked_latents(gan, one) for one in latents]
    wanted = Asked(**asked, ranges=ranges, found=found)
    with noise_of_layers(gan.get_submodule("G"), wanted.layer_noise):
        stops = make_stops(gan, wanted, timing.ending == "loop")
        frames = [*draw(gan, stops, timing.places(stops.count))]
    return torch.stack(frames, dim=1).float().div_(255)
