"""A model with its weights in half as many bytes, written only if its scores do not mind.

Networks compute in float32 whatever their file holds, so nothing but rounding of the weights changes. Scores belong to
the very bytes that were scored: those of the new weights are measured, never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ganzoo.card import draw_pictures, make_card
from ganzoo.card.facts import folder_name, read_card
from ganzoo.card.sections import named_ref
from ganzoo.errors import ModelError, RunError, UsageError, either
from ganzoo.files.untrusted import quoted
from ganzoo.files.write import atomic_folder, write_json, write_text
from ganzoo.folder.cost import with_cost
from ganzoo.folder.layout import CARD, CONFIG, LOG, METRICS, MODEL
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Score
from ganzoo.folder.weights import DTYPES, generator_state, write_tensors
from ganzoo.publish.push import check_target, copy_files, pack
from ganzoo.scoring.verify import ScoreVerifier, Verification
from ganzoo.training.output import RunOutput

MADE_ANEW = {CONFIG, MODEL, METRICS, CARD}


def convert_model(
    folder: ModelFolder,
    target: Path,
    dtype: str = "float16",
    verifier: ScoreVerifier | None = None,
    show: Callable[[Sequence[Verification]], None] | None = None,
) -> list[str]:
    """Write a model's published files to a new folder, with weights of another dtype.

    Args:
        folder: of the model; it stays as it is.
        target: the new folder; must be free.
        dtype: ``"float16"``, ``"bfloat16"`` or ``"float32"``.
        verifier: measures every score of the weights again from the new ones, against the real images that it has. By
            default nothing is measured, and the new folder has no scores.
        show: called with what became of the scores, before a folder is refused for it.

    Returns:
        What a person should know.

    Raises:
        UsageError: the target is there, or the weights have that dtype already.
        ModelError: weights that the dtype cannot hold; nothing is recorded that could be measured again.
        RunError: a score moved by more than the verifier allows: nothing was written.
    """
    config = with_cost(folder.config, folder.path)
    if dtype not in DTYPES:
        raise UsageError(f"--dtype {dtype} does not work: it is {either(DTYPES)}")
    if config["dtype"] == dtype:
        raise UsageError(f"the weights in {folder} are {dtype} already")
    check_target(target)
    recorded = folder.own_scores if verifier is not None else []
    if verifier is not None and not recorded:
        raise ModelError(f"{folder} has no scores of its weights to hold the new ones against: leave --data out")
    tensors = round_to(generator_state(folder.load()), dtype)
    with atomic_folder(target) as place:
        copy_files(folder.path, place, pack(folder, config["license"] or "").sizes.keys() - MADE_ANEW)
        write_tensors(place / MODEL, tensors)
        write_json(place / CONFIG, {**config, "dtype": dtype})
        copy = ModelFolder(place, {**config, "dtype": dtype})
        if verifier is not None:
            verifications = verifier.measure_again(copy.load(verifier.device), recorded)
            if show is not None:
                show(verifications)
            copy.add_scores(_accepted(verifications, copy.digest, target))
        return _present(copy, folder, target)


def _present(copy: ModelFolder, folder: ModelFolder, target: Path) -> list[str]:
    """Draw samples and pictures of the new weights, and write their card with what a person wrote into the old one.

    Returns:
        What was not drawn, and why.
    """
    gan, card = copy.load(), read_card(folder)
    output = RunOutput(copy.path, copy.config["seed"], 0, gan.examples)
    output.picture(output.samples(gan))
    if card is not None:
        write_text(copy.path / CARD, card)
    if folder.has(LOG):  # of a run: its curves are drawn from it; it is not published
        copy_files(folder.path, copy.path, [LOG])
    notes = draw_pictures(copy)
    (copy.path / LOG).unlink(missing_ok=True)
    write_text(copy.path / CARD, make_card(copy, _called(card, target)))
    return notes


def _called(card: str | None, target: Path) -> str:
    """How the new card calls the model: as the old one does, where that names what is published, else by its folder."""
    named = named_ref(card or "")
    return named if named and not named.startswith("./") else f"./{folder_name(target)}"


def round_to(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Tensors with their floating point numbers in ``dtype``; others as they are.

    Raises:
        ModelError: for numbers beyond what it can hold.
    """
    rounded = {name: t.to(DTYPES[dtype]) if t.is_floating_point() else t for name, t in tensors.items()}
    for name, tensor in rounded.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            largest = float(tensors[name].abs().max())
            raise ModelError(f"{quoted(name)} holds {largest:.3g}, more than {dtype} can: --dtype bfloat16 holds it")
    return rounded


def _accepted(verifications: Sequence[Verification], digest: str, target: Path) -> list[Score]:
    """The scores of the new weights, for their record.

    Raises:
        ModelError: none could be measured.
        RunError: one does not hold.
    """
    measured = [(one.recorded, one.measured) for one in verifications if one.measured is not None]
    if not measured:
        raise ModelError(f"no score could be measured again, so {target} was not written: {verifications[0].reason}")
    moved = [one.recorded.key for one in verifications if one.measured is not None and not one.holds]
    if moved:
        raise RunError(
            f"{either(moved, 'and')} moved by more than {verifications[0].tolerance:.2%}, so {target} was not written:"
            " keep the weights as they are, try another --dtype, or allow more with --tolerance"
        )
    return [replace(new, step=old.step, weights=digest, floor=old.floor) for old, new in measured]
