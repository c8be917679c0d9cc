"""What is checked of each kind of part, as a list of checks that have names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple
from unittest import SkipTest

import torch

from ganzoo.errors import PluginError, RecipeError
from ganzoo.machine.randomness import preserved_randomness
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import normalised, registry, using
from ganzoo.testing import (
    adversarial,
    composing,
    data,
    declared,
    features,
    foreign,
    layers,
    metrics,
    pieces,
    samplers,
    waits,
    whole,
)
from ganzoo.testing.expect import error_line
from ganzoo.testing.partners import partners

Checks = Mapping[str, Callable[[Entry], None]]


class Check(NamedTuple):
    """One check of one part.

    Attributes:
        id: such as ``loss/softhinge-gradients``.
        run: raises AssertionError with one line that names the part and what does not hold, or
            :class:`unittest.SkipTest` where it cannot be done here.
    """

    id: str
    run: Callable[[], None]

    def __repr__(self) -> str:
        return f"Check({self.id!r})"


_DECLARED: Checks = {"declarations": declared.check_declarations, "options": declared.check_options}
_TRAINED: Checks = {
    "training": whole.check_training,
    "dtype": whole.check_dtype,
    "device": whole.check_device,
    "seed": whole.check_seed,
    "state": whole.check_state,
    "resume": whole.check_resume,
    "bf16": whole.check_bf16,
    "waits": waits.check_waits,
    "pieces": pieces.check_pieces,
}
_WHOLE: Checks = {"networks": whole.check_networks, "shapes": whole.check_shapes, "gradients": whole.check_reach}


def _part(own: Checks) -> Checks:
    """What is checked of a part that stands in recipes, with what is its kind's own."""
    with_others: Checks = {"ranges": composing.check_ranges, "composes": composing.check_composes}
    return {**_DECLARED, **own, **_TRAINED, **with_others}


SUITE: Mapping[str, Checks] = {
    "architecture": _part(_WHOLE),
    "normalization": _part({"shapes": layers.check_normalization, "gradients": layers.check_normalization_learns}),
    "weight": _part({"shapes": layers.check_weight, "gradients": layers.check_weight_learns}),
    "attention": _part({"shapes": layers.check_attention, "gradients": layers.check_attention_learns}),
    "conditioning": _part({"shapes": layers.check_conditioning, "gradients": layers.check_conditioning_learns}),
    "loss": _part({"shapes": adversarial.check_loss, "gradients": adversarial.check_loss_teaches}),
    "regularizer": _part({"shapes": adversarial.check_regularizer, "gradients": adversarial.check_regularizer_learns}),
    "augment": _part({"shapes": data.check_augment, "gradients": data.check_augment_learns}),
    "dataset": {
        "declarations": declared.check_declarations,
        "shapes": data.check_batches,
        "sizes": data.check_sizes,
        "seed": data.check_repeats,
        "refusal": data.check_refusal,
    },
    "metric": {**_DECLARED, "numbers": metrics.check_metric},
    "features": {**_DECLARED, "images": features.check_features},
    "sampler": {**_DECLARED, "noise": samplers.check_sampler},
    "converter": {**_DECLARED, "refusal": foreign.check_converter},
    "preset": {"declarations": declared.check_declarations, **_WHOLE, **_TRAINED},
}
"""The checks of each kind, by name, the quick and telling ones first."""


def checks(name: str, everything: bool = False) -> list[Check]:
    """Everything that is checked of a part, or of all parts of a package.

    Args:
        name: of a part, such as ``"softhinge"`` or ``"loss/softhinge"``; or of an installed distribution or its entry
            point, for all that it registers.
        everything: among the parts of every plugin that is installed, not only its own and ganzoo's.

    Raises:
        PluginError: the plugin of that name failed to load.
        RecipeError: nothing is called that.
    """
    return [check for entry in parts_of(name) for check in checks_of(entry, everything)]


def checks_of(entry: Entry, everything: bool = False) -> list[Check]:
    """Everything that is checked of one part; see :func:`checks`."""
    own = SUITE[entry.kind].items()
    return [Check(f"{entry.spelling}-{name}", partial(_run, name, check, entry, everything)) for name, check in own]


def _run(name: str, check: Callable[[Entry], None], entry: Entry, everything: bool) -> None:
    """A check, which leaves the caller's random numbers alone, and names the part whatever goes wrong."""
    with preserved_randomness(), using(registry() if everything else partners(entry)):
        torch.manual_seed(0)
        try:
            check(entry)
        except (AssertionError, SkipTest):
            raise
        except Exception as error:
            raise AssertionError(f"{entry.spelling}: its check {name} ends with {error_line(error)}") from error


def parts_of(name: str) -> list[Entry]:
    """The part called ``name``, and what the distribution or entry point of that name registers.

    Raises:
        PluginError: the plugin of that name failed to load.
        RecipeError: nothing is called that.
    """
    known, plain = registry(), normalised(name)
    plugins = [plugin for plugin in known.plugins if plain in (normalised(plugin.name), plugin.distribution)]
    for plugin in plugins:
        if plugin.error is not None:
            raise PluginError(f"plugin {plugin.name} of {plugin.distribution} cannot be used: {plugin.error}")
    theirs = [entry for plugin in plugins for entry in plugin.entries]
    try:
        named = [known.find(name, what="part, plugin or distribution")]
    except RecipeError:
        if not theirs:
            raise
        named = []
    return list(dict.fromkeys([*named, *theirs]))
