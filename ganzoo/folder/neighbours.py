"""What was found of the training images that samples lie nearest to: ``pictures/neighbours.json``, beside its strip.

Like a score it is measured, never typed, and says of which weights, images and feature network it is. It is kept where
published pictures are, so that ``ganzoo push`` sends it. Nothing in this module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError, counted
from ganzoo.files.untrusted import field as checked
from ganzoo.files.untrusted import quoted, read_json
from ganzoo.files.write import make_folder, write_json
from ganzoo.folder.layout import NEIGHBOURS_RECORD, PICTURES
from ganzoo.folder.records import dataset_of, hash_of, network_of, real, real_or_none, whole
from ganzoo.registry.about import install

NEIGHBOURS_FORMAT = 1
PIXELS, FEATURES = "pixels", "features"
KINDS = (PIXELS, FEATURES)
SURE = 3.0  # standard errors from which on a share is not taken for chance
LEVELS = 2  # of 255, root mean square: what differs by no more is the same picture but for rounding
HELD_OUT, TRAINING = "held out", "training"
SOURCES = (None, HELD_OUT, TRAINING)
"""Of which images the inputs of a model are that makes its own from others; None for one that draws from noise."""


@dataclass(frozen=True)
class NeighboursRecord:
    """How near samples of a model lie to what it learned from, beside held-out real images.

    Attributes:
        weights: sha256 of the ``model.safetensors`` that drew the samples.
        step, seed: of the samples.
        each: neighbours that the strip shows of each sample.
        sources: one of :data:`SOURCES`.
        data: the training images, all of which were searched: ``name``, ``fingerprint``, ``split`` and ``count``.
        held_data: the real images that the held-out ones were drawn from, likewise; None where there are none.
        network: the feature network, as a score has it.
        numbers: as :func:`sentence` reads them, and ``training``, how many images were searched.
    """

    weights: str
    step: int
    seed: int
    each: int
    sources: str | None
    data: Mapping[str, Any]
    held_data: Mapping[str, Any] | None
    network: Mapping[str, Any]
    numbers: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What it says of memorisation."""
        return sentence(self.numbers)

    def called_as_in(self, known: Iterable[Mapping[str, Any]]) -> NeighboursRecord:
        """With the images called as other records call the same ones, such as a model's scores: files have any name.

        Args:
            known: ``name``, ``fingerprint`` and, where it is known, ``split`` of images.
        """
        names = {one.get("fingerprint"): one for one in known}

        def called(data: Mapping[str, Any]) -> dict[str, Any]:
            same = names.get(data["fingerprint"], {})
            return {**data, **{key: same[key] for key in ("name", "split") if key in same}}

        held = None if self.held_data is None else called(self.held_data)
        return replace(self, data=called(self.data), held_data=held)

    @property
    def caption(self) -> str:
        """What the strip shows."""
        return (
            f"Of {self.numbers['samples']:,} samples those that lie nearest to any of the {self.numbers['training']:,}"
            f" images of {self.data['name']}: left the sample, then the {counted(self.each, 'image')} nearest in"
            " pixels, then in features."
        )

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "format": NEIGHBOURS_FORMAT,
            "weights": self.weights,
            "step": self.step,
            "seed": self.seed,
            "each": self.each,
            "sources": self.sources,
            "data": dict(self.data),
            "held_out_data": None if self.held_data is None else dict(self.held_data),
            "network": dict(self.network),
            **self.numbers,
        }


def write_neighbours(folder: Path, found: NeighboursRecord) -> None:
    """Keep what was found in a model's folder.

    Raises:
        RunError: when it cannot be written.
    """
    make_folder(folder / PICTURES)
    write_json(folder / PICTURES / NEIGHBOURS_RECORD, found.to_json())


def read_neighbours(folder: Path) -> NeighboursRecord | None:
    """What was found of a model, every field checked; None where nobody looked.

    Raises:
        ModelError: for a file that makes no sense, or is of a newer format.
    """
    path = folder / PICTURES / NEIGHBOURS_RECORD
    if not path.is_symlink() and not path.exists():
        return None
    table = read_json(path)
    if checked(table, "format", int, path) > NEIGHBOURS_FORMAT:
        raise ModelError(f"{path} has format {table['format']}, newer than this ganzoo: {install(upgrade=True)}")
    held = checked(table, "held_out_data", (dict, type(None)), path)
    sources = checked(table, "sources", (str, type(None)), path)
    if sources not in SOURCES:
        raise ModelError(f"{path}: sources is {quoted(sources)}, which it cannot be")
    return NeighboursRecord(
        weights=hash_of(table, "weights", path),
        step=whole(table, "step", path),
        seed=whole(table, "seed", path),
        each=whole(table, "each", path, 1),
        sources=sources,
        data=dataset_of(checked(table, "data", dict, path), path),
        held_data=None if held is None else dataset_of(held, path),
        network=network_of(checked(table, "network", dict, path), path),
        numbers=_numbers(table, path),
    )


def _numbers(table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The measured part of the file."""
    samples, held = whole(table, "samples", path, 1), whole(table, "held_out", path)
    found: dict[str, Any] = {"samples": samples, "training": whole(table, "training", path, 1), "held_out": held}
    for name, most in {"copies": samples, "copies_but_for_rounding": samples, "held_out_copies": held}.items():
        found[name] = whole(table, name, path, 0, most)
    for kind in KINDS:
        one = checked(table, kind, dict, path)
        beside = real if held else real_or_none
        found[kind] = {
            **{name: real(one, name, path) for name in ("samples", "nearest_sample")},
            **{name: beside(one, name, path) for name in ("held_out", "nearest_held_out", "samples_nearer")},
        }
    return found


# --- what it says -------------------------------------------------------------------------------------------


def sentence(numbers: Mapping[str, Any]) -> str:
    """What distances say of memorisation, and what they cannot say.

    Args:
        numbers: ``samples`` and ``held_out``, how many there are; ``copies`` of samples that equal a training image,
            ``copies_but_for_rounding``, and ``held_out_copies``, but for rounding, too; by ``pixels`` and ``features``
            the medians ``samples`` and ``held_out`` of distances to the nearest training image, the least of them,
            ``nearest_sample`` and ``nearest_held_out``, and ``samples_nearer``, the share of pairs in which the sample
            is the nearer one: None, the last three of held-out images, where there are none.
    """
    if numbers["copies_but_for_rounding"]:
        return _said_of_copies(numbers)
    share = numbers[FEATURES]["samples_nearer"]
    if share is None:
        return "without held-out images to compare with, these distances say nothing of memorisation"
    far = (share - 0.5) / share_error(numbers["samples"], numbers["held_out"])
    if far > SURE:
        return (
            f"samples lie nearer to the training images than held-out images do (in {share:.0%} of pairs; by chance"
            " 50%): a sign of copying, of samples plainer than real images, or of held-out images of another kind;"
            " see the picture"
        )
    beside = "farther from" if far < -SURE else "as near to"
    return (
        f"samples lie {beside} the training images {'than' if far < -SURE else 'as'} held-out images do (nearer in"
        f" {share:.0%} of pairs; by chance 50%): no sign of copying as a rule, which says nothing of rare copies,"
        " or of shifted and recoloured ones"
    )


def _said_of_copies(numbers: Mapping[str, Any]) -> str:
    """Of samples that equal training images, beside held-out images that do: data may repeat themselves."""
    copied, n, m = numbers["copies_but_for_rounding"], numbers["samples"], numbers["held_out"]
    exactly = copied == numbers["copies"]
    how = "pixel by pixel" if exactly else f"but for rounding ({LEVELS} of 255 on average at most)"
    what = f"{counted(copied, 'sample')} of {n:,} equal a training image {how}"
    again = numbers["held_out_copies"]
    beside = f"; of held-out images {again:,} of {m:,}" if m else ""
    overall = (copied + again) / (n + m)
    if again and copied / n - again / m <= SURE * sqrt(overall * (1 - overall) * (1 / n + 1 / m)):
        return f"{what}{beside} do, as the data repeat themselves: no sign of copying"
    return f"{what}{beside}: the model draws copies"


def share_error(n: int, m: int) -> float:
    """The standard deviation of the share of pairs where both are draws of one law: ``√((n + m + 1) / (12 n m))``."""
    return sqrt((n + m + 1) / (12 * n * m))
