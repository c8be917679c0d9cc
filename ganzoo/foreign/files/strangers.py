"""Files that hold no weights ganzoo reads: what they are by their content, and what to do instead."""

from __future__ import annotations

import re
from typing import NoReturn

from ganzoo.errors import UsageError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.archives import first_of_gzip, first_of_tar

TEXT_PICKLE = re.compile(rb"c([\w.]{1,80})\n([\w.]{1,80})\n")
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs.github.com/spec", "it is a pointer of git-lfs, not the file itself: git lfs pull"),
    (b"\x89HDF\r\n\x1a\n", "it is HDF5, as Keras writes it; ganzoo reads weights of PyTorch"),
    (b"\x93NUMPY", "it is one array of NumPy; weights are many, each with its name"),
    (b"BZh", "it is packed: bunzip2 FILE, and give what comes out"),
    (b"\xfd7zXZ", "it is packed: unxz FILE, and give what comes out"),
    (b"\x28\xb5\x2f\xfd", "it is packed: unzstd FILE, and give what comes out"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: 7z x FILE, and give a file of weights in it"),
    (b"Rar!", "it is a RAR archive: unrar x FILE, and give a file of weights in it"),
    (b"\x89PNG", "it is a picture"),
    (b"\xff\xd8\xff", "it is a picture"),
    (b"GGUF", "it is GGUF, which language models have"),
)
PAGE = re.compile(rb"\s*(<!doctype|<html|<head|<\?xml|<error)", re.IGNORECASE)
TABLE_END = bytes.fromhex("57fb808b247547db")  # of the tables that TensorFlow's .index files are
CONVERT = "ganzoo reads weights of PyTorch: look for a port of them, or convert them with the code that wrote them"


def refuse_stranger(head: bytes, tail: bytes) -> NoReturn:
    """Say what a file is that is none of those that are read.

    Args:
        head: the first bytes, up to a page.
        tail: the last eight.

    Raises:
        UsageError: always, for whatever it is.
    """
    found = next((said for start, said in STARTS if head.startswith(start)), None) or _other(head, tail)
    raise UsageError(found)


def _other(head: bytes, tail: bytes) -> str:
    if not head:
        return "it is empty: a download that broke off, perhaps"
    if PAGE.match(head):
        return "it is a web page, not a file of weights: the download needs another link, or gave an error"
    if head.startswith(b"\x1f\x8b"):
        inner = first_of_gzip(head)
        if inner is None:
            return "it is packed: gunzip FILE, and give what comes out"
        return f"it is a packed tar archive with {quoted(inner)} in it: tar -xzf FILE, and give a file of weights in it"
    if (inner := first_of_tar(head)) is not None:
        return f"it is a tar archive with {quoted(inner)} in it: tar -xf FILE, and give a file of weights in it"
    if tail == TABLE_END:
        return f"it is the index of a checkpoint of TensorFlow; {CONVERT}"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head.lower()):
        return f"it is ONNX, a program whose weights have lost their names; {CONVERT}"
    if head[:1] in (b"\x0a", b"\x08") and any(word in head for word in (b"Const", b"Placeholder", b"\x12\x05value")):
        return f"it is a graph of TensorFlow; {CONVERT}"
    if head.lstrip()[:1] in (b"{", b"["):
        return "it is JSON, which describes weights at best: give the file that has their numbers"
    if named := TEXT_PICKLE.search(head):
        full = b".".join(named.groups()).decode("ascii")
        return (
            f"it is a pickle of protocol 0 or 1 that names {quoted(full)}, which ganzoo does not run; weights come in "
            "protocols 2 to 5"
        )
    return (
        "it is no file of weights that ganzoo knows: those of torch.save, pickles of StyleGAN2-ADA, StyleGAN3 and "
        "R3GAN, safetensors, ncnn's .param beside its .bin, and the model.json of a layers model of TensorFlow.js"
    )


def refuse_archive(names: list[str]) -> NoReturn:
    """Say what a zip archive is that torch did not write.

    Raises:
        UsageError: always.
    """
    if names and all(name.endswith(".npy") for name in names):
        raise UsageError(f"it is NumPy's .npz with {quoted(names[0])} in it; {CONVERT}")
    if not names:
        raise UsageError("it is an empty zip archive")
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    raise UsageError(
        f"it is a zip archive with {quoted(names[0])}{more} in it, and no weights of torch.save: unzip FILE, and give "
        "a file of weights in it"
    )
