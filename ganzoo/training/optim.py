"""Optimisers by name, what their settings are in a step, and the optimisers' state as plain tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.plan.plan import Plan
from ganzoo.schedules import number_at, uses_horizon

Numbers = dict[str, float]  # of an optimiser by the setting's name: lr, beta1, beta2, eps, weight-decay and clip
SCHEDULED = ("lr", "beta1", "beta2", "eps", "weight-decay", "clip")
KINDS: dict[str, Callable[..., Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
}
FUSED = ("adam", "adamw", "sgd")


def schedules(plan: Plan) -> list[str]:
    """Names of the settings and options that are schedules without a length, so that they depend on the horizon."""
    settings = [name for name, setting in plan.settings.items() if uses_horizon(setting.value)]
    slots = (plan.head, *plan.slots)
    options = [f"{slot.name}:{key}" for slot in slots for key, value in slot.scheduled.items() if uses_horizon(value)]
    return [*settings, *dict.fromkeys(options)]


def lr_of(plan: Plan, player: str) -> float | str:
    """The learning rate of a player, or its schedule; players without one of their own learn as G does."""
    return plan[f"lr.{player}"]


def repeat_of(plan: Plan, player: str) -> int:
    """Updates of a player in one step."""
    return int(plan[f"repeat.{player}"])


def numbers_of(plan: Plan, player: str, step: int, horizon: int, images_seen: int) -> Numbers:
    """What the settings of a player's optimiser are in a step; see :func:`ganzoo.schedules.number_at`."""
    return {name: number_at(plan[f"{name}.{player}"], step, horizon, images_seen) for name in SCHEDULED}


def named_parameters(networks: Mapping[str, nn.Module], still: Iterable[nn.Parameter] = ()) -> dict[str, nn.Parameter]:
    """Trainable parameters by ``network.path``, those of ``still`` left out."""
    frozen = set(still)
    return {
        f"{name}.{path}": parameter
        for name, network in networks.items()
        for path, parameter in network.named_parameters()
        if parameter.requires_grad and parameter not in frozen
    }


def make_optimizer(plan: Plan, player: str, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser of a player as its plan's settings say, which the first :func:`set_numbers` makes as of its step.

    All are torch's own with their defaults: ``adam`` is Adam (arXiv 1412.6980), ``rmsprop`` has a decay of .99, ``sgd``
    no momentum. Each is fused or runs over all tensors at once, whichever the device has.
    """
    params, name = list(parameters), str(plan[f"optimizer.{player}"])
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in params)
    optimizer = KINDS[name](params, **({"fused": fused} if name in FUSED else {"foreach": True}))
    set_numbers(optimizer, numbers_of(plan, player, step=0, horizon=1, images_seen=0))
    return optimizer


def set_numbers(optimizer: Optimizer, numbers: Numbers, factor: float = 1.0, power: float = 1.0) -> None:
    """Give every parameter group the numbers of a step, those of them that its optimiser knows.

    Args:
        optimizer: one of a player.
        numbers: as :func:`numbers_of` gives them.
        factor: of the learning rate.
        power: to which Adam's betas are raised, for a player that takes further steps (lazy regularisation, StyleGAN2).
    """
    betas = numbers["beta1"], numbers["beta2"]
    now = {"lr": factor * numbers["lr"], "eps": numbers["eps"], "weight_decay": numbers["weight-decay"]}
    now["betas"] = betas if power == 1 else tuple(beta**power for beta in betas)  # type: ignore[assignment]
    for group in optimizer.param_groups:
        group.update({name: value for name, value in now.items() if name in group})


def clip_gradients(parameters: Iterable[nn.Parameter], length: Tensor, most: float) -> None:
    """Scale the gradients of a player so that their norm is at most ``most``; 0 leaves them as they are.

    Args:
        parameters: of the player.
        length: the norm of their gradients; one that is infinite or NaN stays so, for the health checks to find.
        most: the setting ``clip``.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if most > 0 and gradients:
        torch._foreach_mul_(gradients, (most / length.clamp(min=most)).to(gradients[0].dtype))


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
    """Give back what :func:`state_of` returned; what is as large as its parameter also gets its memory layout.

    A fused optimiser counts steps on its device, others on the CPU, where to look at the count costs no wait.
    """
    optimizer.state.clear()
    fused = {p for group in optimizer.param_groups if group.get("fused") for p in group["params"]}
    for name, tensor in state.items():
        path, key = name.rsplit("/", 1)
        parameter = parameters[path]
        like = tensor.shape == parameter.shape
        place = parameter.device if parameter in fused else "cpu"
        own = torch.empty_like(parameter, requires_grad=False) if like else torch.empty_like(tensor, device=place)
        optimizer.state[parameter][key] = own.copy_(tensor)
