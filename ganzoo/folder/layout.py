"""Where everything is in the folder of a model or a run: every file name, in one place, without torch."""

from __future__ import annotations

from pathlib import Path

CONFIG, MODEL, SNAPSHOTS, TRAINING = "config.json", "model.safetensors", "snapshots", "training"


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
