"""The folder of a model: what ``sample`` needs, and nothing that could run. Writing it, and reading a stranger's."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from packaging.version import InvalidVersion, Version
from torch import Tensor, nn
from torch.nn.utils import parametrize

import ganzoo
from ganzoo.builder import assemble
from ganzoo.entry import BUILT_IN, Entry
from ganzoo.errors import GanzooError, ModelError, RunError, UnknownPart, either
from ganzoo.files import atomic, write_json
from ganzoo.folder import field, printable, quoted, read_json, read_tensors
from ganzoo.gan import GAN
from ganzoo.inputs import NOISE
from ganzoo.plan import Plan
from ganzoo.recipe import EMPTY, HEAD_KINDS, Recipe
from ganzoo.registry import registry

FORMAT = 1
LONGEST_NAME = 200  # of a class
CONFIG, MODEL, SNAPSHOTS, TRAINING = "config.json", "model.safetensors", "snapshots", "training"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SIZES = {"resolution": (1, 65_536), "channels": (1, 1_024), "classes": (0, 10_000_000), "z_dim": (1, 1_000_000)}
DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")  # PEP 503


# --- what a folder holds ------------------------------------------------------------------------------------


def plain_places(network: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Module and attribute of each tensor of a network, a reparametrised weight counting as the plain one it makes."""
    places: dict[str, tuple[nn.Module, str]] = {}
    for path, module in network.named_modules():
        if "parametrizations" in path.split("."):
            continue
        names = [*module._parameters, *module._buffers, *getattr(module, "parametrizations", ())]
        places |= {f"{path}.{name}".lstrip("."): (module, name) for name in names if getattr(module, name) is not None}
    return places


@torch.no_grad()
def plain_state(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network with its reparametrisations, such as ``sn``, baked into plain weights."""
    was_training = network.training
    network.eval()
    try:
        return {name: getattr(module, key).detach() for name, (module, key) in plain_places(network).items()}
    finally:
        network.train(was_training)


def make_plain(network: nn.Module) -> nn.Module:
    """Take out the reparametrisations that an architecture made by itself.

    For networks of which there is no copy: copies share their classes, and would lose their weights.
    """
    network.eval()
    for module in list(network.modules()):
        for name in list(getattr(module, "parametrizations", ())):
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    return network


def generator_side(gan: GAN) -> dict[str, nn.Module]:
    """The networks that samples come from, by name."""
    return {name: getattr(gan, name) for name in gan.players["g"]}


def generator_state(gan: GAN) -> dict[str, Tensor]:
    """What ``model.safetensors`` holds: the generator side, baked, as ``network.path``."""
    networks = generator_side(gan).items()
    return {f"{name}.{key}": tensor for name, network in networks for key, tensor in plain_state(network).items()}


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """sha256, in hex, of the file that :func:`write_tensors` would write."""
    from safetensors.torch import save

    return sha256(save(_flat(tensors))).hexdigest()


def _flat(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, in the order of their indices."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Replace the file at ``path`` by tensors in safetensors form; the same tensors give the same bytes.

    Raises:
        RunError: the disk is full or the folder cannot be written to.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    flat = _flat(tensors)
    with atomic(path) as temporary:
        try:
            save_file(flat, temporary)
            temporary.chmod(0o644)  # the library makes files that nobody else can read
        except SafetensorError as error:
            raise RunError(f"cannot write {path}: {error}; make room or choose another folder") from error


def _entries(plan: Plan) -> Iterable[Entry]:
    """What a plan is made of, the preset that it came from included."""
    head = Recipe.parse(plan.recipe).head
    yield registry().find(head.spelling, HEAD_KINDS)
    for slot in (plan.head, *plan.slots):
        if slot.entry is not None:
            yield slot.entry


def describe(
    gan: GAN, *, step: int, seed: int, dataset: Mapping[str, Any], license: str | None, selection: str = "last"
) -> dict[str, Any]:
    """The content of ``config.json``; ``dataset`` says name, fingerprint, count and licence, never a path."""
    others = {entry.distribution: entry.version for entry in _entries(gan.plan) if entry.distribution != BUILT_IN}
    return {
        "format": FORMAT,
        "ganzoo": ganzoo.__version__,
        **gan.plan.to_config(),
        "resolution": gan.resolution,
        "channels": gan.channels,
        "classes": gan.classes,
        "class_names": [name[:LONGEST_NAME] for name in gan.class_names],
        "z_dim": gan.z_dim,
        "dataset": dict(dataset),
        "plugins": dict(sorted(others.items())),
        "seed": seed,
        "step": step,
        "selection": selection,
        "dtype": "float32",
        "license": license,
    }


def save_model(gan: GAN, folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and then ``config.json``, each in one piece."""
    write_tensors(folder / MODEL, generator_state(gan))
    write_json(folder / CONFIG, config)


def snapshot_path(folder: Path, step: int) -> Path:
    """Where the weights of a kept step are."""
    return folder / SNAPSHOTS / f"step-{step:08d}.safetensors"


def snapshots(folder: Path) -> dict[int, Path]:
    """Kept weights by step, oldest first."""
    inside = folder / SNAPSHOTS
    files = [] if inside.is_symlink() else sorted(inside.glob("step-*.safetensors"))
    return {int(file.stem[5:]): file for file in files if file.stem[5:].isdecimal()}


def bests(folder: Path) -> dict[int, Path]:
    """Checkpoint folders of the best step by step, oldest first; the last is the best one now. Runs have them."""
    inside = folder / TRAINING
    found = [] if inside.is_symlink() else sorted(inside.glob("best-*"))
    return {int(path.name[5:]): path for path in found if path.name[5:].isdecimal() and not path.is_symlink()}


# --- reading one --------------------------------------------------------------------------------------------


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of a folder, every field checked.

    Raises:
        ModelError: for a folder that is no model, that a newer ganzoo wrote, or whose fields make no sense.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}")
    config = read_json(path)
    written = field(config, "format", int, path)
    if written > FORMAT:
        raise ModelError(_newer(config, path))
    for name, (low, high) in SIZES.items():
        if not low <= field(config, name, int, path) <= high:
            raise ModelError(f"{path}: {name} is {config[name]}; it is from {low} to {high}")
    for name in ("seed", "step"):
        field(config, name, int, path)
    for name in ("recipe", "selection"):
        field(config, name, str, path)
    if field(config, "dtype", str, path) not in DTYPES:
        raise ModelError(f"{path}: dtype is {quoted(config['dtype'])}; it is {either(DTYPES)}")
    names = field(config, "class_names", list, path)
    short = all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names)
    if len(names) != config["classes"] or not short:
        raise ModelError(f"{path}: class_names are not {config['classes']} short texts")
    _check_plugins(field(config, "plugins", dict, path), path)
    field(config, "dataset", dict, path)
    field(config, "license", (str, type(None)), path)
    return config


def _newer(config: Mapping[str, Any], path: Path) -> str:
    said = f"{path} has format {config['format']}; ganzoo {ganzoo.__version__} reads up to {FORMAT}"
    try:
        return f"{said}: pip install 'ganzoo>={Version(str(config.get('ganzoo')))}'"
    except InvalidVersion:
        return f"{said}: pip install --upgrade ganzoo"


def _check_plugins(plugins: Mapping[str, Any], path: Path) -> None:
    for name, version in plugins.items():
        if not DISTRIBUTION.fullmatch(name):
            raise ModelError(f"{path}: {quoted(name)} is not the name of a package (PEP 503)")
        try:
            Version(version)
        except (InvalidVersion, TypeError):
            raise ModelError(f"{path}: {quoted(version)} is not a version (PEP 440)") from None


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
        from ganzoo import examples  # others need not wait for what reads pictures

        gan.examples = examples.read(folder, gan)
    return gan.to(device).eval()
