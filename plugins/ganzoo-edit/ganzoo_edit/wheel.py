"""What stands behind the page of ``ganzoo steer``: one model, its directions, and images that are moved along them.

The page holds how its sliders stand and sends all of it with every question, so that nothing is kept here; what it
sends is checked before the model sees it.
"""

from __future__ import annotations

import io
import math
import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo import UsageError
from ganzoo.cli.kit import (
    Directions,
    Latents,
    LocalServer,
    TellingHandler,
    asked_latents,
    content_type,
    grid,
    model_digest,
    printable,
    refuse_other,
)
from ganzoo.data import to_uint8

PAGE: Mapping[str, str] = {
    "": "steer.html",
    **{name: name for name in ("paint.css", "steer.css", "steer.js", "icon.svg")},
}
SHOWN = 16  # sliders, at most
FURTHEST = 5.0  # sigma, to either side of a slider
SEEDS = 2**53
PSI, BOUND = (-0.5, 1.5, 1.0), (0.1, 3.0, 1.0)  # of truncation: least, most, and where its slider begins
LARGEST = 16_384  # bytes that the page sends


@dataclass(frozen=True)
class Setting:
    """How the page stands.

    Attributes:
        seed: of the images.
        label: number of their class; None for all in turn.
        truncation: None for none.
        amounts: how far along each direction, in sigma.
    """

    seed: int
    label: int | None
    truncation: float | None
    amounts: tuple[float, ...]


class Wheel:
    """One model and its directions. Every method may be called from any thread.

    Args:
        gan: the model.
        name: what it was called on the command line.
        directions: of it.
        file: that holds them.
        count: images side by side.
        seed, label: how the page begins.
        latents: in the place of samples, what was found; None for samples.
        latents_file: that holds them.

    Raises:
        UsageError: directions or latents are of another model.
    """

    def __init__(
        self,
        gan: ganzoo.GAN,
        name: str,
        directions: Directions,
        file: Path,
        *,
        count: int = 4,
        seed: int = 0,
        label: int | None = None,
        latents: Latents | None = None,
        latents_file: Path | None = None,
    ) -> None:
        refuse_other(directions, gan, model_digest(gan))
        if latents is not None:
            asked_latents(gan, latents)
            if latents.space == "w" and directions.space == "z":
                raise UsageError(f"the latents are w, and the directions of {file} are of z: find some of w")
        self.gan, self.name, self.directions, self.file = gan, name, directions, file
        self.latents, self.latents_file = latents, latents_file
        self.count = count if latents is None else len(latents)
        self.first = Setting(seed, label, None, (0.0,) * self.sliders)
        self._lock = threading.Lock()

    @property
    def sliders(self) -> int:
        """How many directions have one."""
        return min(SHOWN, len(self.directions.vectors))

    def about(self) -> dict[str, Any]:
        """What the page is made from."""
        least, most, start = PSI if self.gan.has_w else BOUND
        classes = self.gan.class_names if self.gan.label_kind == "class" and self.gan.classes else ()
        free = self.latents is None
        return {
            "title": printable(self.name),
            "found": printable(f"{self.directions.method}, in {self.directions.space}"),
            "sliders": self.sliders,
            "furthest": FURTHEST,
            "classes": [printable(one, 60) for one in classes] if free else [],
            "truncation": {"least": least, "most": most, "start": start, "psi": self.gan.has_w} if free else None,
            "seed": self.first.seed if free else None,
            "label": self.first.label,
        }

    def draw(self, setting: Setting) -> Tensor:
        """The images, bytes ``(count, C, H, W)``."""
        amounts = {number: amount for number, amount in enumerate(setting.amounts) if amount}
        move = self.directions.move(amounts) if amounts else None
        with self._lock:  # the generator keeps its truncation between noise and images
            if self.latents is not None:
                return to_uint8(self.latents.draw(self.gan, move), low=0)
            labels = self.gan.default_labels(self.count)
            if setting.label is not None:
                labels = torch.full((self.count,), setting.label)
            inputs = self.gan.inputs(self.count, setting.seed, labels, setting.truncation)
            return to_uint8(self.gan.generate_moved(move, **inputs), low=0)

    def line(self, setting: Setting) -> str:
        """The command that draws the same."""
        words = ["ganzoo", "sample", self.name]
        if self.latents_file is not None:
            words += ["--latents", str(self.latents_file)]
        else:
            words += ["-n", str(self.count), "--seed", str(setting.seed)]
            words += [] if setting.label is None else ["--label", self.gan.class_names[setting.label]]
            words += [] if setting.truncation is None else ["--truncation", f"{setting.truncation:g}"]
        moves = [f"d{number}={amount:g}" for number, amount in enumerate(setting.amounts) if amount]
        words += [word for move in moves for word in ("--direction", move)]
        words += ["--directions", str(self.file)] if moves else []
        return printable(shlex.join(words), None)

    def read(self, value: Mapping[str, Any]) -> Setting:
        """What the page sent.

        Raises:
            UsageError: it is no setting of this model.
        """
        amounts = value.get("amounts")
        if not isinstance(amounts, list) or len(amounts) != self.sliders:
            raise UsageError(f"amounts must be a list of {self.sliders} numbers")
        psi = self.gan.has_w
        truncation = value.get("truncation")
        return Setting(
            _whole(value, "seed", SEEDS),
            None if value.get("label") is None else _whole(value, "label", self.gan.classes),
            None if truncation is None else _number("truncation", truncation, *(PSI if psi else BOUND)[:2]),
            tuple(_number("amounts", amount, -FURTHEST, FURTHEST) for amount in amounts),
        )


class WheelServer(LocalServer):
    """Serves the page.

    Args:
        wheel: what it shows.
        port: to listen on; 0 for a free one.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    def __init__(self, wheel: Wheel, port: int = 0) -> None:
        self.wheel, self.largest = wheel, LARGEST
        super().__init__(Handler, port, "ganzoo steer")


class Handler(TellingHandler):
    """Answers one request."""

    server: WheelServer

    def answer(self, words: list[str], query: Mapping[str, str]) -> None:
        """The page and its parts, and what it is made from."""
        name = words[0] if len(words) == 1 else "/"  # which nothing is called
        if name in PAGE:
            file = PAGE[name]
            self.send((files("ganzoo_edit") / "page" / file).read_bytes(), content_type(file))
        elif name == "about.json":
            self.send_json(self.server.wheel.about())
        else:
            self.refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def receive(self, words: list[str], value: dict[str, Any]) -> None:
        """Draw what the sliders say: a PNG, or the command that draws the same."""
        wheel = self.server.wheel
        if words == ["picture.png"]:
            file = io.BytesIO()
            grid(wheel.draw(wheel.read(value)), columns=math.isqrt(wheel.count - 1) + 1).save(file, "PNG")
            self.send(file.getvalue(), "image/png")
        elif words == ["line"]:
            self.send_json({"line": wheel.line(wheel.read(value))})
        else:
            self.refuse(HTTPStatus.NOT_FOUND, "there is nothing here")


def _whole(value: Mapping[str, Any], name: str, end: int) -> int:
    number = value.get(name)
    if type(number) is not int or not 0 <= number < end:
        raise UsageError(f"{name} must be a whole number from 0 up to, not including, {end}")
    return number


def _number(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise UsageError(f"{name} must be from {least:g} to {most:g}")
    return float(value)
