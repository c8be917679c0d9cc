"""Two classes of a labelled data set as two sets without pairs."""

from __future__ import annotations

from dataclasses import replace

from ganzoo import DataError, UsageError, either, nearest
from ganzoo.data import DataRequest, ImageData, open_inner
from ganzoo_translate.data.inner import chosen, fingerprint_of

FORM = "classes:FIRST,SECOND:SOURCE, such as classes:horse,deer:cifar10"


def classes(argument: str, request: DataRequest) -> ImageData:
    """Two classes of a labelled set, without pairs: classes:horse,deer:SOURCE learns to make horses into deer.

    Names or numbers; SOURCE is any other value of --data that has labels.
    """
    given, _, text = argument.partition(":")
    wanted = [one.strip() for one in given.split(",")]
    if len(wanted) != 2 or not all(wanted):
        raise UsageError(f"classes:{argument} names no two classes: write {FORM}")
    inner = open_inner(text, request, f"classes:{given}")
    if inner.labels is None:
        raise DataError(f"{inner.name} has no labels to choose classes by; folders:FOLDER takes two folders without")
    first, second = (_number(one, inner) for one in wanted)
    if first == second:
        raise UsageError(f"classes:{given}: both are {inner.class_names[first]}; name two classes")
    rows = [(inner.labels == number).nonzero().flatten() for number in (first, second)]
    names = [inner.class_names[number] for number in (first, second)]
    for name, own in zip(names, rows, strict=True):
        if len(own) < 2:
            raise DataError(
                f"{inner.name} has {len(own)} images of {name}; two at least are needed, and thousands wanted"
            )
    return replace(
        inner,
        name=f"classes:{','.join(names)}:{inner.name}",
        images=chosen(inner.images, rows[1]),
        labels=None,
        class_names=(),
        fingerprint=fingerprint_of(f"classes {first} {second}", inner.fingerprint),
        paired={},
        unpaired={"source": chosen(inner.images, rows[0])},
    )


def _number(given: str, data: ImageData) -> int:
    """The number of a class given by name or number."""
    names = data.class_names
    if given in names:
        return names.index(given)
    if given.isdecimal() and int(given) < len(names):
        return int(given)
    near = either(nearest(given, names))
    raise UsageError(f"{data.name} has no class {given!r}; nearest: {near} (or a number below {len(names)})")
