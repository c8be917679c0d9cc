"""Networks with weights that nothing is special about, for tests that compare them with plain forms."""

from __future__ import annotations

import torch
from torch import nn


def rough(module: nn.Module, spread: float = 0.3) -> nn.Module:
    """The module, each of its parameters drawn from N(0, spread²)."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter) * spread)
    return module
