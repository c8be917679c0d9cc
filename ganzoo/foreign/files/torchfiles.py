"""Files that ``torch.save`` wrote: described first, checked, and only then loaded, with ``weights_only``."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

from ganzoo.errors import ModelError, UsageError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.archives import check_stored
from ganzoo.foreign.files.legacy import Layout, read_layout, storage_of
from ganzoo.foreign.files.opcodes import Limits, Machine, Source
from ganzoo.foreign.files.plain import Plain
from ganzoo.foreign.files.standins import Names, Storage, numpy_names

LARGEST_PICKLE = 32 << 20


def read_zip(file: BinaryIO, size: int, listed: dict[str, ZipInfo]) -> Any:
    """The content of a file that torch wrote since 1.6.

    Args:
        file: open, seekable.
        size: its bytes.
        listed: its entries, by name.

    Raises:
        ModelError: it is broken, claims more than it has, or names what is not allowed.
        UsageError: it is a program of TorchScript.
    """
    root = next(iter(listed)).split("/")[0]
    stray = next((name for name in listed if name.split("/")[0] != root), None)
    if stray is not None:
        raise ModelError(f"{quoted(stray)} in it lies outside of {quoted(root)}, where torch keeps everything")
    if f"{root}/constants.pkl" in listed:
        raise UsageError(
            "it is a program of TorchScript, which would run. If you trust who made it: "
            "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pt')"
        )
    check_stored(listed, size)
    with ZipFile(file) as archive:
        layout = _described(archive, listed, root)
    return _loaded(file, size, layout)


def read_legacy(file: BinaryIO, size: int) -> Any:
    """The content of a file that torch wrote before 1.6, or with the old layout.

    Raises:
        ModelError: as :func:`read_zip`.
    """
    return _loaded(file, size, read_layout(Source(file, size), Limits()))


def _described(archive: ZipFile, listed: dict[str, ZipInfo], root: str) -> Layout:
    """What the pickle of a zip describes, each storage checked against the entry that has its numbers."""
    about = listed.get(f"{root}/data.pkl")
    if about is None or about.file_size > LARGEST_PICKLE:
        raise ModelError(f"its {root}/data.pkl is missing, or larger than {LARGEST_PICKLE >> 20} MB")
    order = listed.get(f"{root}/byteorder")
    if order is not None and (order.file_size > 16 or archive.read(order) != b"little"):
        raise ModelError("it was written on a machine with another order of bytes")
    limits = Limits()
    names = Names(limits)
    storages: dict[str, Storage] = {}

    def stored(identity: object) -> Storage:
        key, storage = storage_of(identity, storages)
        entry = listed.get(f"{root}/data/{key}")
        if entry is None or entry.file_size != storage.count * storage.size:
            there = "none" if entry is None else f"{entry.file_size:,}"
            needed = storage.count * storage.size
            raise ModelError(f"the storage {quoted(key)} in it should have {needed:,} bytes and has {there}")
        return storage

    data = archive.read(about)
    machine = Machine(Source(BytesIO(data), len(data)), names.find, limits, stored)
    content = machine.run()
    if machine.protocol != 2:
        raise ModelError(f"it has protocol {machine.protocol}, where torch reads 2: save it without pickle_protocol=")
    return Layout(content, names)


def _loaded(file: BinaryIO, size: int, layout: Layout) -> Any:
    """What torch makes of a file whose description was found right."""
    import torch

    checked = Plain(size, lambda view: None)
    checked.of(layout.content)
    for view in layout.names.views:
        if problem := view.problem():
            raise ModelError(f"a tensor in it {problem}")
    # torch takes a class, by the name that a file has for it, from this list alone, and every name here is one of ours.
    allowed = [(make, name) for name, make in [*numpy_names().items(), *layout.names.shells.items()]]
    file.seek(0)
    with torch.serialization.safe_globals(allowed):  # type: ignore[arg-type]
        content = torch.load(file, map_location="cpu", weights_only=True)
    return Plain(size, checked.tensor).of(content)
