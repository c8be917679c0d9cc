"""``ganzoo paint``'s page, as :mod:`ganzoo.watch.local` serves pages: what it may ask, and what it may send.

All that the page sends is checked here, before the canvas sees it: types, ranges, and lengths to the byte.
"""

from __future__ import annotations

import binascii
import io
from base64 import b64decode
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ganzoo import UsageError
from ganzoo.cli.kit import LocalServer, TellingHandler, content_type, to_pil
from ganzoo_edit.constraints import Strokes, luma
from ganzoo_edit.studio import Studio

PAGE: Mapping[str, str] = {
    "": "paint.html",
    **{name: name for name in ("paint.css", "paint.js", "pad.js", "pixels.js", "server.js", "icon.svg")},
}
REST = 4096  # bytes of a body besides its pixels


class PaintServer(LocalServer):
    """Serves the page of one canvas.

    Args:
        studio: the canvas.
        port: to listen on; 0 for a free one.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    def __init__(self, studio: Studio, port: int = 0) -> None:
        self.studio = studio
        pixels = studio.manifold.size[2] ** 2
        self.largest = 8 * pixels + REST + 16  # RGBA and two planes of bytes, as base64
        super().__init__(Handler, port, "ganzoo paint")


class Handler(TellingHandler):
    """Answers one request."""

    server: PaintServer

    def answer(self, words: list[str], query: Mapping[str, str]) -> None:
        """The page and its parts, how the canvas stands, and the two files that can be saved."""
        name = words[0] if len(words) == 1 else "/"  # which nothing is called
        studio = self.server.studio
        if name in PAGE:
            file = PAGE[name]
            self.send((files("ganzoo_edit") / "page" / file).read_bytes(), content_type(file))
        elif name == "state.json":
            self.send_json(studio.state(), query.get("version", ""))
        elif name == "layers.json":
            self.send_json(studio.layers())
        elif name == "picture.png":
            self._save(png(studio.picture()), "image/png", "painted.png")
        elif name == "z.safetensors":
            self._save(save(studio.latent()), "application/octet-stream", "painted.safetensors")
        else:
            self.refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def receive(self, words: list[str], value: dict[str, Any]) -> None:
        """Do what the page asks, and tell it how the canvas stands then."""
        deed = DEEDS.get(words[0]) if len(words) == 1 else None
        if deed is None:
            self.refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        deed(self.server.studio, value)
        self.send_json(self.server.studio.state())

    def _save(self, body: bytes, kind: str, name: str) -> None:
        self.send(body, kind, {"Content-Disposition": f'attachment; filename="{name}"'})


def png(pixels: Tensor) -> bytes:
    """Bytes ``(C, H, W)`` as a PNG file."""
    file = io.BytesIO()
    to_pil(pixels[None])[0].save(file, "PNG")
    return file.getvalue()


# --- what may be sent ---------------------------------------------------------------------------------------


def _paint(studio: Studio, value: Mapping[str, Any]) -> None:
    """``{stroke, hold, colour, sketch, keep}``: all strokes there are, in the resolution of the model."""
    channels, side, _ = studio.manifold.size
    layers = {name: _text(value, name) for name in ("colour", "sketch", "keep")}
    colour = pixels_of(layers["colour"], "colour", 4, side)
    sketch, keep = (pixels_of(layers[name], name, 1, side)[0] for name in ("sketch", "keep"))
    paint, covered, device = _planes(colour[:3], channels), colour[3], studio.manifold.device
    strokes = Strokes(*(plane.to(device) for plane in (paint, covered, sketch, keep)))
    studio.paint(_whole(value, "stroke", 2**53), strokes, layers, _share(value, "hold"))


def _photo(studio: Studio, value: Mapping[str, Any]) -> None:
    """``{pixels}``: a photo as RGBA, cut and resized by the page."""
    channels, side, _ = studio.manifold.size
    rgba = pixels_of(_text(value, "pixels"), "pixels", 4, side)
    studio.project(_planes(rgba[:3] * rgba[3] + 1 - rgba[3], channels))


def _choose(studio: Studio, value: Mapping[str, Any]) -> None:
    """``{row}``: a candidate."""
    studio.choose(_whole(value, "row", studio.count))


def _reclass(studio: Studio, value: Mapping[str, Any]) -> None:
    """``{label}``: the number of a class."""
    studio.reclass(_whole(value, "label", studio.manifold.classes))


def _slide(studio: Studio, value: Mapping[str, Any]) -> None:
    """``{blend}``: from 0, the original, to 1, the result."""
    studio.slide(_share(value, "blend"))


DEEDS: Mapping[str, Callable[[Studio, Mapping[str, Any]], None]] = {
    "paint": _paint,
    "photo": _photo,
    "choose": _choose,
    "class": _reclass,
    "slide": _slide,
    "new": lambda studio, value: studio.new(),
    "settle": lambda studio, value: studio.settle(),
    "undo": lambda studio, value: studio.undo(),
}


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise UsageError(f"{name} must be text")
    return text


def _whole(value: Mapping[str, Any], name: str, end: int) -> int:
    number = value.get(name)
    if type(number) is not int or not 0 <= number < end:
        raise UsageError(f"{name} must be a whole number from 0 up to, not including, {end}")
    return number


def _share(value: Mapping[str, Any], name: str) -> float:
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
        raise UsageError(f"{name} must be a number from 0 to 1")
    return float(number)


def pixels_of(text: str, name: str, planes: int, side: int) -> Tensor:
    """Pixels sent as base64 of interleaved bytes, as ``(planes, side, side)`` in [0, 1].

    Raises:
        UsageError: it is not base64, or not of this many bytes.
    """
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{name} must be base64") from None
    if len(data) != planes * side * side:
        raise UsageError(f"{name} must be {planes}x{side}x{side} bytes, not {len(data)}")
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(side, side, planes).permute(2, 0, 1) / 255


def _planes(rgb: Tensor, channels: int) -> Tensor:
    """Colours ``(3, R, R)`` as the model has them."""
    return rgb if channels == 3 else luma(rgb[None])[0]
