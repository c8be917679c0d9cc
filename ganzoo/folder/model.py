"""The folder of a model as one object: read and checked once, and carried by whoever works on the model.

Nothing here imports torch before networks are asked for, so that commands that only read start at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ModelError, UsageError, either, printable
from ganzoo.files.untrusted import file_digest, file_state, is_regular, quoted
from ganzoo.files.write import write_json
from ganzoo.folder.config import read_config
from ganzoo.folder.layout import CONFIG, MODEL, bests, snapshots
from ganzoo.folder.scores import Score, add_scores, read_scores

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganzoo.gan.gan import GAN
    from ganzoo.plan.plan import Plan


class ModelFolder:
    """The folder of a model or a run. It is not trusted: what it says is checked when it is first read, and kept.

    It does not follow a folder that another process changes, such as that of a training: take a new one then, or hold
    the folder's lock. What is written through it, it knows.

    Args:
        path: of the folder; nothing is read yet.
        config: the content of its ``config.json``, where the caller has checked or written it.
    """

    def __init__(self, path: str | PathLike[str], config: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self._digests: dict[Path, str] = {}
        self._states: dict[Path, tuple[int, ...]] = {}  # of files of weights, when they were read
        if config is not None:
            self.config = dict(config)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"ModelFolder({printable(str(self.path))!r})"

    # --- what it says ---------------------------------------------------------------------------------------

    @cached_property
    def config(self) -> dict[str, Any]:
        """The content of ``config.json`` in the newest format, every field checked.

        Raises:
            ModelError: for a folder that is no model, that a newer ganzoo wrote, or whose fields make no sense.
        """
        return read_config(self.path)

    @cached_property
    def plan(self) -> Plan:
        """The plan that ``config.json`` describes; parts that no installed package has, and G does without, by name.

        Raises:
            ModelError: when a part is missing, with what to install, or the plan does not hold together.
        """
        from ganzoo.folder.building import plan_of

        return plan_of(self.config, self.path, sampling=True)

    @cached_property
    def scores(self) -> list[Score]:
        """Every score in ``metrics.json``, oldest first, also those of other weights than the folder's.

        Raises:
            ModelError: for a file that is too large, malformed, or of a newer format.
        """
        return read_scores(self.path)

    @property
    def own_scores(self) -> list[Score]:
        """The scores of the weights that are in the folder now, oldest first.

        Raises:
            ModelError: for a malformed file, or a folder without weights.
        """
        return [score for score in self.scores if score.weights == self.digest]

    @property
    def snapshots(self) -> dict[int, Path]:
        """Kept weights by step, oldest first."""
        return snapshots(self.path)

    @property
    def bests(self) -> dict[int, Path]:
        """Checkpoint folders of the best step by step, oldest first; the last is the best one now."""
        return bests(self.path)

    def has(self, name: str) -> bool:
        """Whether a regular file of that name, such as ``samples.png``, is there and may be read."""
        return is_regular(self.path / name)

    # --- its weights ----------------------------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """sha256 of ``model.safetensors`` in hex.

        Raises:
            ModelError: when it is missing or no regular file.
        """
        return self._digest_of(self.path / MODEL)

    def step_digest(self, step: int | str | None) -> str:
        """sha256, in hex, of the weights of a step, as :meth:`weights_file` finds them."""
        return self._digest_of(self.weights_file(step))

    def _digest_of(self, file: Path) -> str:
        """Computed once for each file: weights are what takes long to read. It is that of the weights that were loaded.

        Raises:
            ModelError: the file has been written to since, or is now, such as by a training.
        """
        if file not in self._digests:
            digest = file_digest(file)
            self._refuse_change(file, self._states.setdefault(file, file_state(file)))
            self._digests[file] = digest
        return self._digests[file]

    def _refuse_change(self, file: Path, before: tuple[int, ...]) -> None:
        if file_state(file) != before:
            raise ModelError(
                f"{file} was changed while it was being read: wait until what writes it is done, then try again"
            )

    def weights_file(self, step: int | str | None = None) -> Path:
        """The file that holds the weights of a step, or of the model.

        Args:
            step: a kept step (``train --keep``), or ``"best"``; the model itself by default.

        Raises:
            ModelError: there are no weights of that step; the text says of which there are.
        """
        if step is None or step == self.config["step"] or step == self.config["selection"]["chosen"]:
            return self.path / MODEL
        best = self.bests
        kept = {**self.snapshots, **{number: path / MODEL for number, path in best.items()}}
        step = max(best, default=step) if step == "best" else step
        if step in kept:
            return kept[int(step)]
        have = either(sorted({*kept, self.config["step"]}), "and")
        if step == "best":
            raise ModelError(f"{self} holds the last step: no score has chosen a best one; it has the steps {have}")
        raise ModelError(f"{self} has no step {quoted(step)}; it has {have} (train --keep K keeps more)")

    def build(self, discriminator: bool = False) -> GAN:
        """What the folder promises: the GAN on ``meta``, without reparametrisations such as ``sn``.

        Args:
            discriminator: whether what only D needs has to be installed, too.

        Raises:
            ModelError: when a part is missing or the plan cannot be built; the text says which and why.
        """
        from ganzoo.folder.building import build_from

        return build_from(self.config, self.path, "meta", plain=True, plan=None if discriminator else self.plan)

    def expected_tensors(self) -> dict[str, Tensor]:
        """The tensors that ``model.safetensors`` must hold, on ``meta``, by ``network.path``.

        Raises:
            ModelError: when the networks cannot be built.
        """
        from ganzoo.folder.building import exported

        return exported(self.build(), self.config)[1]

    def load(
        self, device: str | torch.device = "cpu", step: int | str | None = None, discriminator: bool = False
    ) -> GAN:
        """The trained model, ready to sample.

        Only the generator side is there, unless more is asked for: a discriminator is not needed to sample.

        Args:
            device: where the weights go.
            step: a kept step (``train --keep``), or ``"best"``; the model itself by default.
            discriminator: bring D, too, for samplers: that of the run, or one that was published.

        Returns:
            A GAN in eval mode; its ``config`` is the content of ``config.json``.

        Raises:
            ModelError: for anything that does not hold together, before memory is taken for weights.
        """
        from ganzoo.folder.building import read_weights
        from ganzoo.gan.arguments import META, read_device
        from ganzoo.gan.inputs import NOISE
        from ganzoo.gan.shown import Loaded

        where = read_device(device)
        if where.type == META:
            raise UsageError("nothing can be drawn on the device 'meta': name another")
        gan, file = self.build(discriminator), self.weights_file(step)
        if file.exists():  # what is missing is said when it is read
            before = file_state(file)
            if self._states.get(file) != before:
                self._digests.pop(file, None)
            self._states[file] = before
        others = self._discriminators(gan, step) if discriminator else {}
        read_weights(gan, self.config, file)
        for name, network in others.items():
            setattr(gan, name, network)
        self._refuse_change(file, self._states[file])
        gan.config = dict(self.config)
        gan.loaded = Loaded(self.path, file, self._step_in(file), str(self))
        if gan.input_names != {NOISE}:
            from ganzoo.folder import examples  # others need not wait for what reads pictures

            gan.examples = examples.read(self.path, gan)
        if gan.classes and gan.label_kind != "class":
            from ganzoo.folder import label_rows

            gan.label_rows = label_rows.read(self.path, gan)
        return gan.to(where).eval()

    def _step_in(self, file: Path) -> int:
        """The step whose weights a file of :meth:`weights_file` holds."""
        best = {path / MODEL: number for number, path in self.bests.items()}
        kept = {path: number for number, path in self.snapshots.items()}
        return int({**best, **kept}.get(file, self.config["step"]))

    def _discriminators(self, gan: GAN, step: int | str | None) -> Mapping[str, Any]:
        """What :meth:`load` adds: the networks that are not on the generator's side, by name."""
        from ganzoo.folder.discriminator import read_discriminators

        number = max(self.bests, default=None) if step == "best" else step
        own = number in (None, self.config["step"])
        return read_discriminators(gan, self.config, self.path, None if own else number)  # type: ignore[arg-type]

    # --- writing --------------------------------------------------------------------------------------------

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace ``config.json``, unless it says the same already."""
        if config != self.config:
            write_json(self.path / CONFIG, config)
            self.config = dict(config)
            self.__dict__.pop("plan", None)

    def add_scores(self, scores: Iterable[Score]) -> None:
        """Add scores to ``metrics.json``; one that measures the same thing again takes the old one's place.

        Raises:
            ModelError: when the file that is there makes no sense.
            RunError: when it cannot be written.
        """
        add_scores(self.path, scores)
        self.__dict__.pop("scores", None)


def save_model(gan: GAN, folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and then ``config.json``, each in one piece."""
    from ganzoo.folder.weights import generator_state, write_tensors

    write_tensors(folder / MODEL, generator_state(gan))
    write_json(folder / CONFIG, config)
