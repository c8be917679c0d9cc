"""The layout of torch before 1.6, which storages within other pickles have to this day: five pickles, then numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.opcodes import Limits, Machine, Named, Source, shown
from ganzoo.foreign.files.standins import STORAGES, Names, Storage

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
VERSION = 1001


@dataclass(eq=False)
class Layout:
    """What a file of torch says it holds, before a tensor is made.

    Attributes:
        content: with :class:`View` for tensors.
        names: what it named.
        places: of each storage by its key: where its numbers start in the file, or in the bytes.
    """

    content: Any
    names: Names
    places: dict[str, int] = field(default_factory=dict)


def storage_of(identity: object, known: dict[str, Storage]) -> tuple[str, Storage]:
    """The key and the storage that a persistent identity of torch's describes.

    Args:
        identity: ``("storage", kind, key, place, count)``, and in the old layout a view, which must be None.
        known: storages by key; the new one is added.

    Raises:
        ModelError: for any other identity, such as that of a whole network with its source.
    """
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        what = shown(identity[0]) if isinstance(identity, tuple) and identity else "something"
        raise ModelError(
            f"it refers to {what} outside of its tensors, as whole networks saved by torch before 1.6 do. In the code "
            "that it belongs to, save its tensors alone: torch.save(model.state_dict(), 'weights.pt')"
        )
    _, kind, key, _, count = identity[:5]
    if type(kind) is not Named or kind.module != "torch" or kind.name not in STORAGES:
        named = quoted(f"{kind.module}.{kind.name}") if type(kind) is Named else shown(kind)
        raise ModelError(f"it stores numbers as {named}, which is no kind that weights have")
    if len(identity) == 6 and identity[5] is not None:
        raise ModelError("it stores parts of storages (torch before 0.4): load and save it in a newer torch")
    if type(key) is not str or not key.isdigit() or type(count) is not int or not 0 <= count < 1 << 50:
        raise ModelError(f"it has a storage {shown(key)} of {shown(count)} numbers")
    dtype, size = STORAGES[kind.name]
    storage = known.setdefault(key, Storage(dtype, size, count))
    if (storage.dtype, storage.count) != (dtype, count):
        raise ModelError(f"it describes the storage {quoted(key)} in two ways")
    return key, storage


def read_layout(source: Source, limits: Limits) -> Layout:
    """What a file in the old layout describes, each storage checked against the bytes that are there.

    Raises:
        ModelError: it is broken, or asks for more than it has.
    """
    names = Names(limits)
    storages: dict[str, Storage] = {}
    start = source.left
    if source.read(len(MAGIC)) != MAGIC:
        raise ModelError("it does not start as torch's files do")
    if Machine(source, names.find, limits).run() != VERSION:
        raise ModelError("it is of another version than torch's files are")
    about = Machine(source, names.find, limits).run()
    if not isinstance(about, dict) or about.get("little_endian") is not True:
        raise ModelError("it was written on a machine with another order of bytes")
    content = _old_pickle(source, names, limits, storages)
    keys = Machine(source, names.find, limits).run()
    if not isinstance(keys, list) or not all(type(key) is str for key in keys) or sorted(keys) != sorted(storages):
        raise ModelError("it lists other storages than its tensors have")
    places = {}
    for key in keys:
        storage = storages[key]
        if int.from_bytes(source.read(8), "little") != storage.count:
            raise ModelError(f"the storage {quoted(key)} in it has another size than its tensors say")
        places[key] = start - source.left
        source.skip(storage.count * storage.size)
    return Layout(content, names, places)


def _old_pickle(source: Source, names: Names, limits: Limits, storages: dict[str, Storage]) -> Any:
    machine = Machine(source, names.find, limits, lambda identity: storage_of(identity, storages)[1])
    content = machine.run()
    if machine.protocol != 2:
        raise ModelError(f"it has protocol {machine.protocol}, where torch reads 2: save it without pickle_protocol=")
    return content
