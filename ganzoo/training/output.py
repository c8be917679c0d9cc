"""What a run leaves behind: grids, the animation of them, the model, the card and the log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.card import write_card
from ganzoo.files.write import atomic, make_folder, write_json
from ganzoo.folder.config import with_remarks
from ganzoo.folder.layout import ANIMATION, CONFIG, FRAMES, MODEL, SAMPLES, TRAINING, snapshot_path, snapshots
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.folder.weights import generator_state, write_tensors
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import panels
from ganzoo.images import Animation, grid, save_png, to_uint8

GRID = 64  # pictures, 8 by 8
FRAME_ROWS = 4  # of the grid that the animation shows, so that its file stays small
ANIMATION_REST = 20  # times the seconds that it takes to write an animation, before an unfinished one is rewritten


class RunOutput:
    """Writes the public files of a run; everything but the log is a function of the weights and the frames.

    Args:
        folder: of the run.
        seed: of the fixed noise.
        keep: snapshots of the weights to keep.
        examples: what a grid shows beside samples, as ``GAN.examples`` has it.
    """

    def __init__(self, folder: Path, seed: int, keep: int, examples: Mapping[str, Tensor]) -> None:
        self.folder, self.seed, self.keep, self.examples = folder, seed, keep, examples
        self.animation = Animation(folder / TRAINING / FRAMES)
        self._cost, self._animated = 1.0, time.monotonic()

    def samples(self, gan: GAN) -> Tensor:
        """The fixed noise and examples as the generator shows them: 64 images ``(64, C, H, W)`` in [0, 1]."""
        return gan.sample(GRID, seed=self.seed)

    def picture(self, samples: Tensor, frame: int | None = None) -> None:
        """Write ``samples.png``, and keep its first rows as the frame of a step if one is given."""
        images, columns = panels(to_uint8(samples, low=0), self.examples)
        save_png(grid(images, columns), self.folder / SAMPLES)
        if frame is not None:
            self.animation.add(grid(images[: FRAME_ROWS * columns], columns), frame)

    def update_animation(self) -> None:
        """Write ``progress.gif`` if that costs little by now; the last of a run is written whatever it costs."""
        begun = time.monotonic()
        if begun - self._animated >= ANIMATION_REST * self._cost:
            self.animation.write(self.folder / ANIMATION)
            self._animated = time.monotonic()
            self._cost = self._animated - begun

    def publish(self, gan: GAN, config: Mapping[str, Any], best: Path | None = None) -> None:
        """Write model, config and card; the model's file is copied from ``best`` where that is given."""
        if best is None:
            save_model(gan, self.folder, with_remarks(config, gan))
        else:
            with atomic(self.folder / MODEL) as temporary:
                shutil.copyfile(best, temporary)
            if gan.game.phases > 1:  # in the best one's phase its images may want words that those of today do not
                config = with_remarks(config, ModelFolder(self.folder, config).load())
            write_json(self.folder / CONFIG, config)
        write_card(ModelFolder(self.folder, config))

    def snapshot(self, gan: GAN, step: int) -> None:
        """Keep the weights of a step; only the last ``keep`` of them stay."""
        if not self.keep:
            return
        path = snapshot_path(self.folder, step)
        make_folder(path.parent)
        write_tensors(path, generator_state(gan))
        for old in list(snapshots(self.folder).values())[: -self.keep]:
            old.unlink()

    def drop_after(self, step: int) -> None:
        """Remove frames and snapshots of later steps, which are going to be taken again."""
        frames = {int(path.stem): path for path in self.animation.folder.glob("[0-9]*.png")}
        for later, path in [*frames.items(), *snapshots(self.folder).items()]:
            if later > step:
                path.unlink()
