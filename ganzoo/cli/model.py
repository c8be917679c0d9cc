"""For commands that draw from a trained model: opening it, and checking where pictures go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.cli.show import say
from ganzoo.errors import ModelError, UsageError, either
from ganzoo.files.waiting import doing
from ganzoo.folder.layout import DISCRIMINATOR

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder
    from ganzoo.gan.gan import GAN
    from ganzoo.hub.locate import ModelReference


def open_model(model: str, device: str | None = None, step: str | None = None, discriminator: bool = False) -> GAN:
    """The model that the command line calls ``model``, ready to sample.

    Takes ``device``, ``step`` and ``discriminator``, and raises, as :func:`open_found` does.
    """
    return open_found(model, device, step, discriminator)[0]


def open_found(
    model: str, device: str | None = None, step: str | None = None, discriminator: bool = False
) -> tuple[GAN, ModelReference]:
    """The model that the command line calls ``model``, ready to sample, and where it was found.

    Args:
        model: as typed: a folder that is there, else what ``ganzoo.load`` knows, such as ``org/name``.
        device: as typed; the GPU if there is one, else the CPU, by default.
        step: a kept step, ``best``, or None for the model itself.
        discriminator: bring D, too.

    Raises:
        UsageError: for text that is not a step, or a device that is not here.
        ModelError: there is no such model or step, or it cannot be trusted.
        HubError: the Hub refuses it or gives no answer.
    """
    from ganzoo.hub.locate import on_command_line

    if step is not None and step != "best" and not step.isdecimal():
        raise UsageError(f"--step {step} does not work: give the number of a kept step, or best")
    if device is not None:  # refused before anything is fetched
        from ganzoo.machine.precision import choose_device

        choose_device(device)
    if step is not None and not Path(model).is_dir():
        raise ModelError(f"there is no folder {model}, and only folders have kept steps: leave --step out")
    with doing(f"looking for {model}"):
        found = on_command_line(model, (DISCRIMINATOR,) if discriminator else ())
    from ganzoo.machine.precision import choose_device  # and torch, which a name that means nothing need not wait for

    kept = int(step) if step and step.isdecimal() else step
    with doing(f"loading {model}"):
        gan = found.load(str(choose_device(device)), kept, discriminator)
    for remark in gan.game.remarks():
        say(f"note: {found.label}: {remark}", err=True)
    return gan, found


def model_folder(model: str, also: tuple[str, ...] = ()) -> ModelFolder:
    """The folder of the model that the command line calls ``model``, fetched if it is on the Hub.

    Args:
        model: as typed.
        also: what else than config and weights is wanted where it is published, such as ``metrics.json``.
    """
    from ganzoo.hub.locate import on_command_line

    with doing(f"looking for {model}"):
        return on_command_line(model, also).folder


def file_name(model: str, what: str) -> Path:
    """A file in the working directory named after the model: ``first-samples.png`` for ``runs/first``.

    Args:
        model: as typed.
        what: the end of the name, such as ``samples.png``.
    """
    folder = Path(model)
    name = folder.resolve().name if folder.is_dir() else model.replace("/", "-")
    return Path(f"{name}-{what}")


def check_out(out: Path, endings: tuple[str, ...], option: str = "--out") -> None:
    """Refuse a file that could not be written, before any work is done.

    Args:
        out: as given.
        endings: that it may have.
        option: that it was given to.

    Raises:
        UsageError: for another ending than ``endings``.
        RunError: for a folder that cannot be written to.
    """
    from ganzoo.files.write import check_writable

    if out.suffix.lower() not in endings:
        raise UsageError(f"{option} {out} does not work: write a name that ends in {either(endings)}")
    if out.is_dir():
        raise UsageError(f"{option} {out} is a folder; name a file")
    check_writable(out.parent)
    out.parent.mkdir(parents=True, exist_ok=True)
