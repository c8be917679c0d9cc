"""The folder of a model: what ``sample`` needs, and nothing that could run. Writing it, and reading a stranger's."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.version import Version
from torch import Tensor, nn

from ganzoo.errors import GanzooError, ModelError, UnknownPart, either
from ganzoo.files.untrusted import printable, quoted, read_tensors
from ganzoo.files.write import write_json
from ganzoo.folder.config import SIZES, read_config
from ganzoo.folder.layout import CONFIG, MODEL, bests, snapshots
from ganzoo.folder.weights import DTYPES, generator_side, generator_state, make_plain, write_tensors
from ganzoo.gan.builder import assemble
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.plan.plan import Plan
from ganzoo.registry.recipe import EMPTY, Recipe

# --- what a folder holds ------------------------------------------------------------------------------------


def save_model(gan: GAN, folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and then ``config.json``, each in one piece."""
    write_tensors(folder / MODEL, generator_state(gan))
    write_json(folder / CONFIG, config)


# --- reading one --------------------------------------------------------------------------------------------


def _missing_plugins(config: Mapping[str, Any], folder: Path, error: GanzooError) -> ModelError:
    """What to install, as the model has it: a stranger's claim, so quoted and marked as one."""
    missing = []
    for name, version in config["plugins"].items():
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(f"'{name}=={Version(version)}'")
    hint = f"; as claimed by the model, it needs: pip install {' '.join(missing)}" if missing else ""
    return ModelError(f"{folder} cannot be built: {printable(error)}{hint}")


def _without_weights(plan: Plan) -> Plan:
    """The plan with plain weights on both sides: what a baked network looks like."""
    slots = [replace(s, name=EMPTY, options={}, entry=None) if s.kind == "weight" else s for s in plan.slots]
    return replace(plan, slots=tuple(slots))


def plan_of(config: Mapping[str, Any], folder: Path) -> Plan:
    """The plan that a checked ``config.json`` describes; ``folder`` is where it is from, for messages.

    Raises:
        ModelError: when a part is missing, with what to install, or the plan does not hold together.
    """
    try:
        Recipe.parse(config["recipe"])
        return Plan.from_config(config)
    except UnknownPart as error:
        raise _missing_plugins(config, folder, error) from error
    except GanzooError as error:
        raise ModelError(f"{folder} cannot be built: {printable(error)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AssertionError) as error:
        raise ModelError(f"{folder} cannot be built: {quoted(error)}") from error


def build_from(config: Mapping[str, Any], folder: Path, device: str, plain: bool = False) -> GAN:
    """The GAN that a checked ``config.json`` describes, with fresh weights or on ``meta``.

    Args:
        config: checked.
        folder: where it is from, for messages.
        device: where the weights live.
        plain: leave out the reparametrisations, such as ``sn``.

    Raises:
        ModelError: when a part is missing or the plan cannot be built; the text says which and why.
    """
    sizes = {name: config[name] for name in SIZES}
    plan = plan_of(config, folder)
    try:
        gan = assemble(_without_weights(plan) if plain else plan, device=device, **sizes)
    except GanzooError as error:
        raise ModelError(f"{folder} cannot be built: {printable(error)}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, StopIteration, AssertionError) as error:
        raise ModelError(f"{folder} cannot be built: {quoted(error)}") from error
    if gan.classes != config["classes"]:
        raise ModelError(f"{folder} says {config['classes']} classes; its recipe {gan.plan.recipe} takes none")
    gan.plan, gan.class_names = plan, tuple(config["class_names"])
    return gan


def weights_file(folder: Path, config: Mapping[str, Any], step: int | str | None) -> Path:
    """The file that holds the weights of a step, or of the model."""
    if step is None or step == config["step"] or step == config["selection"]:
        return folder / MODEL
    kept = {**snapshots(folder), **{number: path / MODEL for number, path in bests(folder).items()}}
    step = max(bests(folder), default=step) if step == "best" else step
    if step in kept:
        return kept[int(step)]
    have = either(sorted({*kept, config["step"]}), "and")
    if step == "best":
        raise ModelError(f"{folder} holds the last step: no score has chosen a best one; it has the steps {have}")
    raise ModelError(f"{folder} has no step {quoted(step)}; it has {have} (train --keep K keeps more)")


def skeleton(config: Mapping[str, Any], folder: Path) -> tuple[GAN, dict[str, nn.Module], dict[str, Tensor]]:
    """What a checked ``config.json`` promises, on ``meta``: the GAN, its generator side, the tensors of the file.

    Raises:
        ModelError: when it cannot be built; ``folder`` is where it is from, for messages.
    """
    gan = build_from(config, folder, "meta", plain=True)
    plain = {name: make_plain(network) for name, network in generator_side(gan).items()}
    dtype = DTYPES[config["dtype"]]
    expected = {key: t.to(dtype) if t.is_floating_point() else t for key, t in generator_state(gan).items()}
    return gan, plain, expected


def load_folder(path: str | Path, device: str = "cpu", step: int | str | None = None) -> GAN:
    """A trained model from its folder, ready to sample; the folder is not trusted.

    Only the generator side is there: a discriminator is not needed to sample, and not published.

    Args:
        path: of the folder.
        device: where the weights go.
        step: a kept step (``train --keep``), or ``"best"``; the model itself by default.

    Returns:
        A GAN in eval mode; its ``config`` is the content of ``config.json``.

    Raises:
        ModelError: for anything that does not hold together, before memory is taken for weights.
    """
    folder = Path(path)
    config = read_config(folder)
    gan, plain, expected = skeleton(config, folder)
    tensors = read_tensors(weights_file(folder, config, step), expected)
    for child in list(gan._modules):
        delattr(gan, child)
    for name, network in plain.items():
        own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
        full = {key: t.float() if t.is_floating_point() else t for key, t in own.items()}
        network.load_state_dict(full, strict=True, assign=True)
        setattr(gan, name, network.requires_grad_(False))
    gan.config = config  # type: ignore[assignment]
    if gan.takes != {NOISE}:
        from ganzoo.folder import examples  # others need not wait for what reads pictures

        gan.examples = examples.read(folder, gan)
    return gan.to(device).eval()
