"""Optimizers by name, learning-rate schedulers, and the optimizers' state as plain tensors.

A scheduler is a function of the step and the horizon, not an object with a state: a resumed run needs nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop

from ganzoo.plan.plan import Plan


def rate(value: float | str, step: int, horizon: int) -> float:
    """The learning rate at ``step`` of ``horizon``.

    Args:
        value: a number, or a scheduler: ``cosine/FROM/TO`` or ``linear/FROM/TO``; after the horizon it stays at TO.
        step: counted from 0.
        horizon: steps that a scheduler spreads over.
    """
    if not isinstance(value, str):
        return float(value)
    shape, start, end = value.split("/")
    done = min(step / max(horizon, 1), 1.0)
    left = (1 + math.cos(math.pi * done)) / 2 if shape == "cosine" else 1 - done
    return float(end) + (float(start) - float(end)) * left


def schedules(plan: Plan) -> list[str]:
    """Names of the settings that are learning-rate schedulers, so that they depend on the horizon."""
    return [name for name in plan.settings if name.startswith("lr.") and isinstance(plan[name], str)]


def _setting(plan: Plan, name: str, player: str, otherwise: str) -> float | str:
    key = f"{name}.{player}"
    return plan[key if key in plan.settings else otherwise]


def lr_of(plan: Plan, player: str) -> float | str:
    """The learning rate of a player, or its scheduler; players without one of their own learn as G does."""
    return _setting(plan, "lr", player, "lr.g")


def repeat_of(plan: Plan, player: str) -> int:
    """Updates of a player in one step."""
    key = f"repeat.{player}"
    return int(plan[key]) if key in plan.settings else 1


def named_parameters(networks: Mapping[str, nn.Module]) -> dict[str, nn.Parameter]:
    """Trainable parameters by ``network.path``."""
    return {
        f"{name}.{path}": parameter
        for name, network in networks.items()
        for path, parameter in network.named_parameters()
        if parameter.requires_grad
    }


def make_optimizer(plan: Plan, player: str, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser of a player as its plan's settings say.

    ``adam`` is Adam (arXiv 1412.6980) with the setting ``betas``; ``rmsprop`` has PyTorch's decay of .99, ``sgd``
    no momentum. Each is fused or runs over all tensors at once, whichever the device has.
    """
    params = list(parameters)
    lr = rate(lr_of(plan, player), 0, 1)
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in params)
    if plan["optimizer"] == "adam":
        return Adam(params, lr=lr, betas=tuple(plan["betas"]), fused=fused)
    if plan["optimizer"] == "rmsprop":
        return RMSprop(params, lr=lr, foreach=True)
    return torch.optim.SGD(params, lr=lr, fused=fused)


def set_rate(optimizer: Optimizer, value: float) -> None:
    """Give every parameter group the learning rate ``value``."""
    for group in optimizer.param_groups:
        group["lr"] = value


def scale_betas(optimizer: Optimizer, power: float) -> None:
    """Raise Adam's betas to a power, for a player that takes further steps (lazy regularisation, StyleGAN2)."""
    for group in optimizer.param_groups:
        if power != 1 and "betas" in group:
            group["betas"] = tuple(beta**power for beta in group["betas"])


def norm(tensors: list[Tensor]) -> Tensor:
    """The Euclidean norm of all numbers of some tensors together, on their device, summed in float64; 0 of none.

    Sums in float32 would lose five digits of a large layer, and depend on how it is cut among threads.
    """
    if not tensors:
        return torch.zeros((), dtype=torch.float64)
    return torch.stack(torch._foreach_norm(tensors, dtype=torch.float64)).norm()


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The norm of the gradients of a player; parameters without one count as 0."""
    return norm([parameter.grad for parameter in parameters if parameter.grad is not None])


def state_of(optimizer: Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """What an optimiser remembers, as ``parameter/key`` → tensor; empty before its first step."""
    return {
        f"{name}/{key}": torch.as_tensor(value)
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def restore(optimizer: Optimizer, parameters: Mapping[str, nn.Parameter], state: Mapping[str, Tensor]) -> None:
    """Give back what :func:`state_of` returned; what is as large as its parameter also gets its memory layout."""
    optimizer.state.clear()
    for name, tensor in state.items():
        path, key = name.rsplit("/", 1)
        parameter = parameters[path]
        like = tensor.shape == parameter.shape
        mine = torch.empty_like(parameter, requires_grad=False).copy_(tensor) if like else tensor.clone()
        optimizer.state[parameter][key] = mine
