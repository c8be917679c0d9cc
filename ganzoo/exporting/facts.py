"""What an exported file says of the model in it."""

from __future__ import annotations

from typing import Any

from ganzoo.exporting.sampler import IMAGE, Exportable
from ganzoo.registry.about import VERSION


def facts_of(model: Exportable, digest: str) -> dict[str, Any]:
    """About a model, ready for JSON, never with a path of this machine.

    Args:
        model: what is exported.
        digest: sha256 of its ``model.safetensors``, in hex.
    """
    gan = model.gan
    config: Any = getattr(gan, "config", {})
    return {
        "ganzoo": VERSION,
        "recipe": str(gan.plan.recipe),
        "channels": gan.channels,
        "height": gan.height,
        "width": gan.width,
        "inputs": dict(model.about),
        "outputs": {IMAGE: f"float32 (n, {gan.channels}, {gan.height}, {gan.width}): images in [0, 1]"},
        "prior": str(gan.plan["prior"]),
        "classes": gan.classes,
        "class_names": list(gan.class_names),
        "label_kind": gan.label_kind if gan.classes else "none",
        "truncation_mean": model.mean if model.truncatable else "none",
        "step": config.get("step", 0),
        "dataset": config.get("dataset", {}).get("name", "unknown"),
        "license": config.get("license") or "unknown",
        "weights_sha256": digest,
    }
