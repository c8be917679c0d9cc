"""``config.json``: what it says, written from a GAN, and read from a folder that nobody vouches for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from ganzoo.errors import DataError, ModelError, counted, either
from ganzoo.files.untrusted import LARGEST_JSON, field, quoted, read_json
from ganzoo.files.write import json_text
from ganzoo.folder.cost import COST, checked_cost
from ganzoo.folder.layout import CONFIG
from ganzoo.folder.versions import CONFIG_FORMAT, kind_of_fingerprint, upgraded
from ganzoo.registry.about import NAMES, VERSION, install
from ganzoo.registry.entry import Entry
from ganzoo.registry.labels import LABEL_KINDS, LONGEST_NAME, kind_in
from ganzoo.registry.loading import log, normalised, registry
from ganzoo.registry.recipe import HEAD_KINDS, KINDS, NAME, Recipe
from ganzoo.registry.sizes import Size, read_size

if TYPE_CHECKING:  # so that commands that only read JSON start without torch
    from ganzoo.gan.gan import GAN
    from ganzoo.plan.plan import Plan

OWN_LOOP = {"trained": "own loop"}  # the origin of a model that ganzoo did not train: its author's program did
UNNAMED = "unknown"  # the name of the data of imported weights, where nobody said it
IMPORTED = "imported"  # the key of an origin that has the name of the foreign file whose weights these are
DTYPES = ("float32", "bfloat16", "float16")  # of published weights
BITS = (8, 16)  # of each value of an image
SELECTIONS = ("last", "best")
SIZES = {
    "height": (1, 65_536),
    "width": (1, 65_536),
    "channels": (1, 1_024),
    "classes": (0, 10_000_000),
    "z_dim": (1, 1_000_000),
}
REMARKS = "remarks"  # the key of what is to be said of a model's images; only models of which there is have it
MOST_REMARKS, LONGEST_REMARK = 10, 300
UNPACKAGED = "unpackaged"  # the key of parts that are in no package; only such models have it
SPELLING = re.compile(rf"(?:{'|'.join(KINDS)})/{NAME.pattern}")
MOST_UNPACKAGED = 100
SPARE = 1 << 16  # bytes of config.json for what is known later: scores' selection, frozen weights, remarks
PACKAGE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")  # PEP 503


def _entries(plan: Plan) -> Iterable[Entry]:
    """What a plan is made of, the preset that it came from included."""
    head = Recipe.parse(plan.recipe).head
    yield registry().find(head.spelling, HEAD_KINDS)
    for slot in (plan.head, *plan.slots):
        if slot.entry is not None:
            yield slot.entry


def unpackaged(plan: Plan) -> list[str]:
    """The parts of a plan, as ``kind/name``, that ``ganzoo.register`` made known to this program alone."""
    return sorted({entry.spelling for entry in _entries(plan) if not entry.packaged})


def warn_of_unpackaged(parts: Sequence[str]) -> None:
    """Log that others do not have some of a model's parts; nothing where they have all."""
    if parts:
        log.warning(
            "%s: registered in this program alone and in no package, so others cannot load this model, or cannot train"
            " or score with it, until they register the same; 'ganzoo new-plugin' writes a package",
            either(parts, "and"),
        )


def describe(gan: GAN, *, step: int, seed: int, dataset: Mapping[str, Any], license: str | None) -> dict[str, Any]:
    """The content of ``config.json``; ``dataset`` says name, fingerprint, count and licence, never a path.

    Raises:
        DataError: it has so many classes that nobody could read it again, by :func:`check_readable`.
    """
    others = {e.distribution: e.version for e in _entries(gan.plan) if e.packaged and not e.built_in}
    alone = unpackaged(gan.plan)
    warn_of_unpackaged(alone)
    config = {
        "format": CONFIG_FORMAT,
        "ganzoo": VERSION,
        **gan.plan.to_config(),
        "height": gan.height,
        "width": gan.width,
        "channels": gan.channels,
        "bits": gan.bits,
        "classes": gan.classes,
        "class_names": [name[:LONGEST_NAME] for name in gan.class_names],
        "class_counts": None if gan.class_counts is None else list(gan.class_counts),
        "label_kind": gan.label_kind if gan.classes else None,
        "z_dim": gan.z_dim,
        "dataset": dict(dataset),
        "fingerprint_kind": kind_of_fingerprint(dataset.get("fingerprint")),
        "plugins": dict(sorted(others.items())),
        "seed": seed,
        "step": step,
        "selection": {"chosen": "last", "split": None},
        "origin": None,
        "frozen": {},
        "dtype": "float32",
        "license": license,
        **({UNPACKAGED: alone} if alone else {}),
        **remarks_of(gan),
    }
    check_readable(config)
    return config


def check_readable(config: Mapping[str, Any]) -> None:
    """Refuse a ``config.json`` that is about to be written and would be too large to be read.

    Raises:
        DataError: for the names of its classes, which are what is long in it.
    """
    size = len(json_text(config).encode())
    if size > LARGEST_JSON - SPARE:
        classes = counted(len(config["class_names"]), "class")
        raise DataError(
            f"the names of {classes} make a {CONFIG} of {size / 2**20:.1f} MB, and none larger than"
            f" {LARGEST_JSON >> 20} MB is read: give the classes shorter names, such as numbers, or train on fewer"
        )


def with_remarks(config: Mapping[str, Any], gan: GAN) -> dict[str, Any]:
    """``config.json`` with the remarks of a model as it is now, in place of those that it had."""
    return {**{key: value for key, value in config.items() if key != REMARKS}, **remarks_of(gan)}


def remarks_of(gan: GAN) -> dict[str, list[str]]:
    """The field of ``config.json`` with what is to be said of a model's images; none where nothing is."""
    said = gan.game.remarks()
    return {REMARKS: said} if said else {}


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of a folder in format 2, whichever it was written in, every field checked.

    Raises:
        ModelError: for a folder that is no model, that a newer ganzoo wrote, or whose fields make no sense.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}")
    written = read_json(path)
    if field(written, "format", int, path) > CONFIG_FORMAT:
        raise ModelError(_newer(written, path))
    if written["format"] < 1:
        raise ModelError(f"{path} has format {written['format']}, which there never was")
    config = upgraded(written)
    for name, (low, high) in SIZES.items():
        if not low <= field(config, name, int, path) <= high:
            raise ModelError(f"{path}: {name} is {config[name]}; it is from {low} to {high}")
    if field(config, "bits", int, path) not in BITS:
        raise ModelError(f"{path}: bits is {config['bits']}; it is {either(BITS)}")
    for name in ("seed", "step"):
        field(config, name, int, path)
    field(config, "recipe", str, path)
    if field(field(config, "selection", dict, path), "chosen", str, path) not in SELECTIONS:
        raise ModelError(f"{path}: selection is {quoted(config['selection']['chosen'])}; it is {either(SELECTIONS)}")
    field(config["selection"], "split", (str, type(None)), path)
    for name, kind in {"class_counts": list, "fingerprint_kind": str, "origin": dict}.items():
        field(config, name, (kind, type(None)), path)
    field(config, "frozen", dict, path)
    if field(config, "dtype", str, path) not in DTYPES:
        raise ModelError(f"{path}: dtype is {quoted(config['dtype'])}; it is {either(DTYPES)}")
    names = field(config, "class_names", list, path)
    short = all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names)
    if len(names) != config["classes"] or not short:
        raise ModelError(f"{path}: class_names are not {config['classes']} short texts")
    counts = config["class_counts"]
    if counts is not None and (len(counts) != config["classes"] or not all(type(n) is int and n >= 0 for n in counts)):
        raise ModelError(f"{path}: class_counts are not {config['classes']} whole numbers from 0 up")
    _check_label_kind(config, path)
    _check_plugins(field(config, "plugins", dict, path), path)
    _check_unpackaged(config.get(UNPACKAGED, []), path)
    _check_remarks(config.get(REMARKS, []), path)
    if COST in config:
        config[COST] = checked_cost(config[COST], path)
    field(config, "dataset", dict, path)
    field(config, "license", (str, type(None)), path)
    return config


def resolution_of(config: Mapping[str, Any]) -> Size:
    """The size of the images of a checked config: the side of squares, or height and width."""
    return read_size((config["height"], config["width"]))


def shape_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Resolution, channels and bits of the images of a checked config, as a data set is asked for them."""
    return {"resolution": resolution_of(config), "channels": config["channels"], "bits": config["bits"]}


def _check_label_kind(config: Mapping[str, Any], path: Path) -> None:
    kind = field(config, "label_kind", (str, type(None)), path)
    if kind not in (None, *LABEL_KINDS):
        raise ModelError(f"{path}: label_kind is {quoted(kind)}; it is {either(LABEL_KINDS)}")
    provides = [key for key in field(config, "provides", list, path) if isinstance(key, str)]
    if config["classes"] and kind not in (None, kind_in(provides)):
        raise ModelError(f"{path}: label_kind is {kind}, and the parts are for labels of the kind {kind_in(provides)}")


def _newer(config: Mapping[str, Any], path: Path) -> str:
    said = f"{path} has format {config['format']}; ganzoo {VERSION} reads up to {CONFIG_FORMAT}"
    try:
        return f"{said}: {install(at_least=Version(str(config.get('ganzoo'))).public)}"
    except InvalidVersion:
        return f"{said}: {install(upgrade=True)}"


def _check_remarks(remarks: object, path: Path) -> None:
    short = isinstance(remarks, list) and len(remarks) <= MOST_REMARKS
    if not short or not all(isinstance(text, str) and len(text) <= LONGEST_REMARK for text in remarks):  # type: ignore[attr-defined]
        raise ModelError(f"{path}: {REMARKS} is {quoted(remarks)}; it is a list of a few short texts")


def _check_unpackaged(parts: object, path: Path) -> None:
    known = isinstance(parts, list) and all(isinstance(part, str) and SPELLING.fullmatch(part) for part in parts)
    if not known or len(parts) > MOST_UNPACKAGED:  # type: ignore[arg-type]
        raise ModelError(f"{path}: {UNPACKAGED} is {quoted(parts)}; it is a list of parts such as loss/mine")


def _check_plugins(plugins: Mapping[str, Any], path: Path) -> None:
    for name, version in plugins.items():
        if not PACKAGE_NAME.fullmatch(name):
            raise ModelError(f"{path}: {quoted(name)} is not the name of a package (PEP 503)")
        if normalised(name) in NAMES:  # or a hint would say to install what a stranger put there
            raise ModelError(f"{path}: plugins names {quoted(name)}, which is ganzoo itself and no plugin")
        try:
            Version(version)
        except (InvalidVersion, TypeError):
            raise ModelError(f"{path}: {quoted(version)} is not a version (PEP 440)") from None
