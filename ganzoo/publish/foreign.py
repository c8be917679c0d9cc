"""A foreign file as a model folder, which samples, is scored and published like any other."""

from __future__ import annotations

from pathlib import Path

from ganzoo.folder.config import UNNAMED, describe
from ganzoo.foreign.importing import Foreign
from ganzoo.publish.push import check_licence, check_target
from ganzoo.publish.save import write_folder


def write_foreign(model: Foreign, target: Path, license: str | None = None, data: str = UNNAMED) -> Path:
    """Write an imported model to a new folder: weights, card with their origin, samples; D, too, if the file had it.

    Args:
        model: as :func:`ganzoo.foreign.importing.load_file` gives it.
        target: the new folder; must be free.
        license: an SPDX identifier; that of the project's published weights, where they have one, by default.
        data: what it was trained on, as its authors call it; the file does not say.

    Returns:
        The folder.

    Raises:
        UsageError: the target is there, or nobody knows the licence.
    """
    check_target(target)
    license = model.converter.license if license is None else check_licence(license)
    config = describe(model.gan, step=0, seed=0, dataset={"name": data}, license=license)
    return write_folder(model.gan, target, {**config, "origin": model.origin}, discriminator=model.discriminator)
