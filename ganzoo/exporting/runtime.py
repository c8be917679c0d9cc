"""onnxruntime-web, the npm package that draws in a page: found where a person has it, and never fetched."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import UsageError, printable

PACKAGE = "onnxruntime-web"
USUAL = Path("node_modules") / PACKAGE  # where npm install puts it
ABOUT, SCRIPT, WASM = "package.json", "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
LARGEST = {ABOUT: 1 << 20, SCRIPT: 4 << 20, WASM: 128 << 20}
MAGIC = b"\0asm"
INSIDE = "package/"  # the folder that npm packs everything in
HOW = f"npm pack {PACKAGE} fetches it, and --runtime FILE.tgz takes it"


@dataclass(frozen=True)
class Runtime:
    """What a page needs of the package.

    Attributes:
        version: of the package.
        script: a module of JavaScript.
        wasm: what that runs.
    """

    version: str
    script: bytes
    wasm: bytes


def read_runtime(place: Path | None) -> Runtime:
    """Read the package.

    Args:
        place: its folder, or the file that ``npm pack`` makes; the one in ``node_modules`` here by default.

    Raises:
        UsageError: it is not there, or something else; the text says how to get it.
    """
    if place is None and not USUAL.is_dir():
        raise UsageError(f"--to html puts {PACKAGE} into its page, and there is no ./{USUAL}: {HOW}")
    found = place or USUAL
    try:
        files = (_of_folder if found.is_dir() else _of_archive)(found)
        about = json.loads(files[ABOUT])
        name, version, script, wasm = about["name"], about["version"], files[SCRIPT], files[WASM]
    except (OSError, tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, TypeError):
        raise UsageError(f"{found} is not the npm package {PACKAGE} with {SCRIPT} and {WASM}: {HOW}") from None
    if name != PACKAGE or not wasm.startswith(MAGIC):
        raise UsageError(f"{found} is {printable(name, 80)}, and not the npm package {PACKAGE}: {HOW}")
    return Runtime(printable(version, 40), script, wasm)


def _of_folder(folder: Path) -> dict[str, bytes]:
    def read(name: str) -> bytes:
        with (folder / name).open("rb") as file:
            return _capped(name, file.read)

    return {name: read(name) for name in LARGEST}


def _of_archive(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            name = member.name.removeprefix(INSIDE)
            file = archive.extractfile(member) if name in LARGEST and member.isfile() else None
            if file is not None:
                files[name] = _capped(name, file.read)
            if len(files) == len(LARGEST):
                break
    return files


def _capped(name: str, read: Callable[[int], bytes]) -> bytes:
    data = read(LARGEST[name] + 1)
    if len(data) > LARGEST[name]:
        raise ValueError(f"{name} is too large")
    return data
