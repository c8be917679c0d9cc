"""The canvas behind the page: one scene, what led to it, and a thread that moves it while nobody waits."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.cli.kit import printable
from ganzoo.data import to_uint8
from ganzoo_edit.constraints import Strokes
from ganzoo_edit.latent import latent_tensors
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.nearness import Nearness, psnr
from ganzoo_edit.projection import Search, labels_of, look_for
from ganzoo_edit.scene import STEPS, Scene, at, draw_on, follow_strokes, fresh

REMEMBERED = 50  # scenes that undo can go back through
THUMB = 64  # pixels of a candidate in the strip


@dataclass(frozen=True)
class Move:
    """One step of what the thread does.

    Attributes:
        apply: what becomes of the scene.
        images: of the candidates it then has, where they are known.
        done: share of the work, from 0 to 1.
        note: how it stands, for a person.
    """

    apply: Callable[[Scene], Scene]
    done: float
    note: str
    images: Tensor | None = None


class Studio:
    """One person's canvas. Every method may be called from any thread.

    Args:
        manifold: the model.
        title: what the page is called.
        scene: the first one.
        seed: of everything drawn from then on.
    """

    def __init__(self, manifold: Manifold, title: str, scene: Scene, seed: int = 0) -> None:
        self.manifold, self.title, self.scene, self.seed = manifold, title, scene, seed
        self.past: list[Scene] = []
        self.blend = 1.0
        self.stroke: int | None = None
        self.redrawn = 0  # times that strokes changed otherwise than by the page's hand
        self.done, self.note, self.busy = 1.0, "", ""
        self._work: Iterator[Move] | None = None
        self._changed = threading.Condition(threading.RLock())
        self._rendered: tuple[Tensor, int | None, Tensor] | None = None
        self._before: tuple[Tensor, int | None, Tensor] | None = None
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def count(self) -> int:
        """How many candidates stand side by side."""
        return len(self.scene.z)

    # --- what the page asks for ---------------------------------------------------------------------------

    def new(self) -> None:
        """Other random images."""
        with self._changed:
            self.seed += 1
            self._turn_to(fresh(self.manifold, self.count, self.seed, self.scene.label, self.scene.hold))

    def paint(self, stroke: int, strokes: Strokes, layers: dict[str, str], hold: float) -> None:
        """Strokes in place of those before; those of one ``stroke`` are undone together."""
        with self._changed:
            if stroke != self.stroke:
                self._remember()
                self.stroke = stroke
            scene = draw_on(replace(self.scene, hold=hold), self.manifold, strokes, layers, self.seed)
            self.scene, self.blend = scene if strokes.wanted or strokes.keep.any() else scene.settle(), 1.0
            self._begin_strokes()

    def choose(self, row: int) -> None:
        """Show another candidate."""
        with self._changed:
            self.scene, self.blend = self.scene.choose(row), 1.0

    def settle(self) -> None:
        """Keep the picture and drop the strokes."""
        with self._changed:
            self._turn_to(self.scene.settle())

    def reclass(self, label: int) -> None:
        """The same noise, told another class."""
        with self._changed:
            self._turn_to(replace(self.scene, label=label))
            self._begin_strokes()

    def undo(self) -> None:
        """Back to before the last change; nothing where there is none."""
        with self._changed:
            if self.past:
                before = self.past.pop()
                self._turn_to(before, remember=False)

    def slide(self, t: float) -> None:
        """Show what is ``t`` of the way from the original to the result."""
        with self._changed:
            self.blend = t

    def project(self, photo: Tensor, label: int | None = None) -> None:
        """Look for a photo ``(C, R, R)`` in [0, 1], in every class by default; what is found comes on the canvas."""
        with self._changed:
            self._turn_to(self.scene.settle())
            self._begin("looking for the photo", self._projection(photo, Search(seed=self.seed), label))

    # --- what the page is told ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that the page shows: pictures as base64 of RGB bytes, row by row."""
        with self._changed:
            scene, t = self.scene, self.blend
            told = {
                "title": printable(self.title),
                "resolution": self.manifold.size[2],
                "classes": [printable(name, 60) for name in self.manifold.gan.class_names],
                "label": scene.label,
                "chosen": scene.chosen,
                "hold": scene.hold,
                "blend": t,
                "undo": bool(self.past),
                "drawn": scene.strokes is not None,
                "redrawn": self.redrawn,
                "busy": self.busy,
                "done": self.done,
                "note": self.note,
            }
        pictures = self._pictures(scene)
        shown = pictures[scene.chosen] if t == 1 else self._blended(scene, t)
        small = pictures if pictures.shape[-1] <= THUMB else functional.adaptive_avg_pool2d(pictures, THUMB)
        before = self._before = self._looked(self._before, scene.anchor, scene.label)
        return {
            **told,
            "shown": packed(shown),
            "before": packed(before[2][0]),
            "candidates": [packed(picture) for picture in small],
            "side": small.shape[-1],
        }

    def layers(self) -> dict[str, Any]:
        """The strokes as the page sent them; nothing where there are none."""
        with self._changed:
            return dict(self.scene.layers)

    def picture(self) -> Tensor:
        """What is shown, bytes ``(C, R, R)``."""
        with self._changed:
            scene, t = self.scene, self.blend
        return to_uint8(self._blended(scene, t), low=0)

    def latent(self) -> dict[str, Tensor]:
        """The place of what is shown, as ``ganzoo project`` saves one."""
        with self._changed:
            return latent_tensors(self.scene.blended(self.manifold, self.blend), self.scene.label)

    def _pictures(self, scene: Scene) -> Tensor:
        rendered = self._rendered = self._looked(self._rendered, scene.z, scene.label)
        return rendered[2]

    def _looked(self, known: Any, z: Tensor, label: int | None) -> tuple[Tensor, int | None, Tensor]:
        """Noise, class and images ``(n, C, R, R)``, drawn anew only where they are not those known."""
        if known is not None and known[0] is z and known[1] == label:
            return known
        numbers = None if label is None else torch.full((len(z),), label)
        return z, label, self.manifold.look(z, self.manifold.labels(numbers, len(z)))

    def _blended(self, scene: Scene, t: float) -> Tensor:
        return self.manifold.look(scene.blended(self.manifold, t), scene.labels(self.manifold, 1))[0]

    # --- moving on ----------------------------------------------------------------------------------------

    def _remember(self) -> None:
        self.past = [*self.past[-REMEMBERED + 1 :], self.scene]

    def _turn_to(self, scene: Scene, remember: bool = True) -> None:
        """Put another scene on the canvas; what was going on ends."""
        if remember:
            self._remember()
        self.scene, self.blend, self.stroke = scene, 1.0, None
        self.redrawn += 1
        self._work, self.busy, self.done, self.note = None, "", 1.0, ""

    def _begin_strokes(self) -> None:
        self._begin("following the strokes", self._strokes(self.scene))

    def _begin(self, busy: str, work: Iterator[Move]) -> None:
        self._work, self.busy, self.done, self.note = work, busy, 0.0, ""
        self._changed.notify_all()

    def _strokes(self, scene: Scene) -> Iterator[Move]:
        for step, seen in enumerate(follow_strokes(scene, self.manifold), 1):
            note = f"{seen.loss:.4f} from what was drawn"
            yield Move(_with_noise(seen.z), step / STEPS, note, seen.images)

    def _projection(self, photo: Tensor, search: Search, label: int | None) -> Iterator[Move]:
        near, best = Nearness(photo.to(self.manifold.device)), None
        whole = 2 * search.steps * (1 + search.starts / 4)  # evaluations at most, or thereabouts
        for place, _, spent in look_for(self.manifold, near, search, label=label):
            if best is not None and place.loss >= best.loss:
                continue
            best = place
            image = self.manifold.look(place.z, labels_of(self.manifold, place))[0]
            scene = at(self.manifold, place.z, place.label, self.count, search.seed)
            note = f"{psnr(image, near.photo[0]):.1f} dB from the photo"
            yield Move(_turning_to(scene), spent / whole, note)

    def _run(self) -> None:
        """Do one move after another; what was begun later takes the place of what was begun before."""
        while True:
            with self._changed:
                while self._work is None:
                    self._changed.wait()
                work = self._work
            move, trouble = _next(work)
            with self._changed:
                if work is not self._work:
                    continue
                if move is None:
                    self._work, self.busy, self.done, self.note = None, "", 1.0, trouble or self.note
                else:
                    self.scene, self.done, self.note = move.apply(self.scene), min(1.0, move.done), move.note
                    if move.images is not None:
                        self._rendered = (self.scene.z, self.scene.label, move.images)


def _with_noise(z: Tensor) -> Callable[[Scene], Scene]:
    return lambda now: replace(now, z=z)


def _turning_to(scene: Scene) -> Callable[[Scene], Scene]:
    return lambda now: replace(scene, hold=now.hold)


def _next(work: Iterator[Move]) -> tuple[Move | None, str]:
    """The next move, or None at the end; what went wrong is told to the page, and the canvas goes on."""
    try:
        return next(work, None), ""
    except Exception as error:  # whatever a device or somebody's generator raises: this thread must live
        return None, printable(f"that failed: {type(error).__name__}: {error}")


def packed(image: Tensor) -> str:
    """An image ``(C, R, R)`` in [0, 1] as base64 of its RGB bytes, row by row."""
    pixels = to_uint8(image, low=0)
    rgb = pixels if len(pixels) == 3 else pixels[:1].expand(3, -1, -1)
    return b64encode(rgb.permute(1, 2, 0).contiguous().numpy().tobytes()).decode()
