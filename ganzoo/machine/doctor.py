"""``ganzoo doctor``: versions, devices, caches and optional packages of this machine, as plain data."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo.files.paths import user_cache
from ganzoo.registry.about import DISTRIBUTION, VERSION, install
from ganzoo.registry.cache import cache_folder, default_root
from ganzoo.registry.loading import normalised
from ganzoo.registry.namesake import namesake

PACKAGES = ("torch", "torchvision", "timm", "huggingface_hub", "safetensors")


def report() -> dict[str, Any]:
    """All of it by name, ready for JSON."""
    return {
        "versions": versions(),
        "package": package(),
        "devices": devices(),
        "caches": caches(),
        "extras": extras(),
    }


def versions() -> dict[str, str | None]:
    """Versions by package; None for what is not installed."""
    return {
        "python": platform.python_version(),
        "ganzoo": VERSION,
        **{package: _version(package) for package in PACKAGES},
    }


def package() -> dict[str, Any]:
    """What pip knows ganzoo as, the version of it that is installed, and what is wrong with that in one line."""
    found = namesake()
    return {
        "distribution": DISTRIBUTION,
        "installed": _version(DISTRIBUTION),
        "namesake": None if found is None else {**asdict(found), "folder": str(found.folder), "problem": str(found)},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def devices() -> list[dict[str, Any]]:
    """The CPU and every CUDA device, with what they are good at."""
    import torch

    flags = _cpu_flags()
    found: list[dict[str, Any]] = [
        {
            "device": "cpu",
            "model": f"{_cpu_model()}, {torch.get_num_threads()} threads",
            "features": {
                "avx512": any(flag.startswith("avx512") for flag in flags),
                "bf16": bool({"avx512_bf16", "amx_bf16", "bf16"} & flags),
                "amx": "amx_tile" in flags,
            },
        }
    ]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(
            {
                "device": f"cuda:{index}",
                "model": f"{properties.name}, {properties.total_memory // 10**9} GB",
                "features": {"bf16": properties.major >= 8},
            }
        )
    return found


def _cpu_lines(*keys: str) -> list[str]:
    """Values of the first processor in Linux's table; nothing elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for key, _, value in pairs if key.strip() in keys][:1]


def _cpu_model() -> str:
    return next(iter(_cpu_lines("model name", "Model")), "") or platform.processor() or platform.machine()


def _cpu_flags() -> frozenset[str]:
    return frozenset(" ".join(_cpu_lines("flags", "Features")).split())


def caches() -> list[dict[str, Any]]:
    """Folders that ganzoo and the libraries under it keep things in, with their sizes in bytes."""
    home = user_cache()
    hub = Path(os.environ.get("HF_HOME") or home / "huggingface")
    folders = {
        "registrations": cache_folder() / "plugins.json",
        "data": default_root(),
        "Hugging Face Hub": Path(os.environ.get("HF_HUB_CACHE") or hub / "hub"),
        "torch hub": Path(os.environ.get("TORCH_HOME") or home / "torch"),
    }
    return [{"what": what, "path": str(path), "bytes": _bytes(path)} for what, path in folders.items()]


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*") if path.is_dir() else ()
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def extras() -> list[dict[str, Any]]:
    """Optional groups of packages: whether all of each are installed, and the command that installs them."""
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return []
    found = []
    for extra in distribution.metadata.get_all("Provides-Extra") or ():
        installed = all(_version(name) for name in _packages(distribution, extra))
        found.append({"name": extra, "installed": installed, "install": None if installed else install(extra)})
    return found


def _packages(distribution: metadata.Distribution, extra: str) -> list[str]:
    """What an extra asks for on this machine beyond ganzoo itself."""
    from packaging.requirements import Requirement

    wanted = map(Requirement, distribution.requires or ())
    return [
        normalised(requirement.name)
        for requirement in wanted
        if requirement.marker
        and requirement.marker.evaluate({"extra": extra})
        and not requirement.marker.evaluate({"extra": ""})
    ]
