"""What ``ganzoo sample`` writes: one picture, a folder of single ones, or arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.model import check_out
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Drawn:
    """What is written.

    Attributes:
        images: bytes or uint16 ``(N, C, H, W)``.
        numbers: their labels; None for none.
        examples: what they were made of, by input.
        names: of the pictures that they were made of, one for each; none where they were made of noise alone.
        truncations: of a sweep, of each image; none where there is one for all.
    """

    images: Tensor
    numbers: Tensor | None
    examples: Mapping[str, Tensor]
    names: Sequence[str] = ()
    truncations: Sequence[float] = ()


def swept(drawn: Drawn, rows: Sequence[Tensor], truncations: Sequence[float]) -> Drawn:
    """The same samples at several truncations, one after the other, as ``drawn`` has the first of them."""
    import torch

    count = len(drawn.images)
    numbers = None if drawn.numbers is None else torch.cat([drawn.numbers] * len(rows))
    each = [value for value in truncations for _ in range(count)]
    names = [f"{value:g}/{index:05d}" for value in truncations for index in range(count)]
    return Drawn(torch.cat([*rows]), numbers, {}, names, each)


Writer = Callable[[Drawn, Path], None]


def writer_of(out: Path) -> Writer:
    """How ``out`` is written, once it is known that it can be."""
    if out.suffix:
        if out.suffix.lower() not in WRITERS:
            raise UsageError(
                f"--out {out} does not work: name a file ending in .png or .npz, or a folder without a dot"
            )
        check_out(out, tuple(WRITERS))
        return WRITERS[out.suffix.lower()]
    from ganzoo.files.write import check_writable

    if out.is_dir() and any(out.iterdir()):
        raise UsageError(f"--out {out} holds files already; name a new folder, or a file ending in .png or .npz")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a new folder, or a file ending in .png or .npz")
    check_writable(out)
    return _write_pictures


def _write_grid(drawn: Drawn, out: Path) -> None:
    from ganzoo.gan.inputs import panels
    from ganzoo.images import grid, save_png, to_bytes

    if drawn.truncations:  # a row for each
        columns = len(drawn.images) // len(set(drawn.truncations))
        save_png(grid(to_bytes(drawn.images), columns), out)
        return
    shown, columns = panels(to_bytes(drawn.images), drawn.examples)
    if len(shown) == len(drawn.images) and not drawn.examples:
        columns = max(columns, math.isqrt(len(drawn.images) - 1) + 1)
    save_png(grid(shown, columns), out)


def _write_pictures(drawn: Drawn, out: Path) -> None:
    from ganzoo.cli.given import result_names
    from ganzoo.files.write import atomic_folder
    from ganzoo.images import save_picture, to_pil

    width = max(5, len(str(len(drawn.images) - 1)))
    names = [*drawn.names] if drawn.truncations else result_names(drawn.names)
    names = names or [f"{index:0{width}d}" for index in range(len(drawn.images))]
    with atomic_folder(out) as folder:
        for name, image in zip(names, drawn.images, strict=True):
            path = folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if image.dtype.itemsize > 1 and len(image) > 1:  # colour of 16 bits, which Pillow cannot write
                save_picture(image, path)
            else:
                to_pil(image[None])[0].save(path)


def _write_arrays(drawn: Drawn, out: Path) -> None:
    import numpy as np

    from ganzoo.files.write import atomic

    arrays: dict[str, Any] = {"images": drawn.images.permute(0, 2, 3, 1).contiguous().numpy()}
    if drawn.numbers is not None:
        arrays["labels"] = drawn.numbers.numpy()
    if drawn.truncations:
        arrays["truncations"] = np.array(drawn.truncations)
    elif drawn.names:
        arrays["names"] = np.array(drawn.names)
    with atomic(out) as temporary:
        np.savez(temporary, **arrays)


WRITERS: dict[str, Writer] = {".png": _write_grid, ".npz": _write_arrays}
