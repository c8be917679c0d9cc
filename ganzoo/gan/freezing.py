"""FreezeD: the first blocks of a discriminator stay as they came, which helps to fine-tune on little data.

Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs (Mo et al. 2020, arXiv 2002.10964): G and the upper
layers of D learn, the lower layers of D, nearer the image, do not. Here ``freeze.d=N`` counts blocks from the image on,
as each discriminator lists them in ``feature_blocks``; its head is in none of them, and always learns.

The parameters of frozen blocks get no gradient, no step and no weight decay, and what a loss does to weights after a
step, such as clipping, does not reach them. The vectors of spectral norm stay, too. Batch norms go on normalising with
the statistics of each batch, as in the authors' code, and their running ones, which a training does not use, go on
moving. Gradients still flow through frozen blocks to G.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.plan.plan import Plan
from ganzoo.plan.settings import FREEZE


def feature_blocks(network: nn.Module) -> Sequence[Sequence[nn.Module]]:
    """The modules of each block of a discriminator, from the image on; none where it does not list any."""
    blocks: Sequence[Sequence[nn.Module]] = getattr(network, "feature_blocks", ())
    return blocks


def frozen_modules(gan: GAN) -> dict[str, nn.Module]:
    """What ``freeze.d`` freezes, by its name in ``gan``: in each discriminator, its first blocks."""
    count = int(gan.plan[FREEZE])
    names = {module: name for name, module in gan.named_modules()} if count else {}
    blocks = [block for critic in gan.critics for block in feature_blocks(gan.get_submodule(critic))[:count]]
    return {names[module]: module for block in blocks for module in block}


def frozen_parameters(gan: GAN) -> list[nn.Parameter]:
    """The parameters that ``freeze.d`` freezes."""
    return [parameter for module in frozen_modules(gan).values() for parameter in module.parameters()]


def refuse_freezing(plan: Plan, gan: GAN) -> None:
    """Refuse to freeze more blocks than a discriminator has, or one that has no blocks.

    Raises:
        UsageError: saying what works.
    """
    count = int(plan[FREEZE])
    for critic in gan.critics if count and not plan.unknown else ():
        there, name = len(feature_blocks(gan.get_submodule(critic))), plan.architecture("d").name
        if there == 0:
            raise UsageError(f"{FREEZE}={count} does not work: {critic} of {name} has no blocks; leave it out")
        if count > there:
            raise UsageError(
                f"{FREEZE}={count} does not work: {critic} of {name} has {there} blocks at this size; give at most"
                f" {FREEZE}={there}"
            )
