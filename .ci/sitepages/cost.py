"""What a training costs: multiply-accumulates of its convolutions and matrix products, counted from its networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ganzoo.gan.catalogue import fitted
from ganzoo.gan.gan import GAN
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.visual.anatomy import anatomy, networks

SPEED = 10e12  # floating-point operations a second that hours are told at: some GPU of today, not at its best
LABEL = "label"
_known: dict[object, tuple[int, int]] = {}

HOW = f"""\
**Cost** is counted, not measured: the floating-point operations of all convolutions and matrix products of the training (two for
each multiply-accumulate), as `ganzoo build RECIPE --layers` counts them for one image. An update of D sends a batch through G, and
two through D there and back; an update of G sends one through both there and back. Penalties and consistency terms add to it. The
hours beside it are what they take at {SPEED / 1e12:.0f} TFLOP/s, kept up all the time; what your machine keeps up, `ganzoo plan
RECIPE --data D --steps N` measures.
"""


@dataclass(frozen=True)
class Cost:
    """Of one training.

    Attributes:
        flops: floating-point operations.
        images: real images shown to D.
        generator, discriminator: parameters of G and D.
    """

    flops: float
    images: int
    generator: int
    discriminator: int

    def __str__(self) -> str:
        hours = self.flops / SPEED / 3600
        return f"{_digits(self.flops / 1e15, 3)} PFLOP, {_digits(hours, 2)} h at {SPEED / 1e12:.0f} TFLOP/s; {self.images:,} images"


def _digits(value: float, count: int) -> str:
    """A number to so many digits, written out however large it is."""
    rounded = float(f"{value:.{count}g}")
    return f"{rounded:,.0f}" if rounded >= 10**count else f"{rounded:.{count}g}"


@cache
def cost(
    recipe: str, steps: int, settings: tuple[tuple[str, str], ...] = (), size: int = 32, classes: int = 10
) -> Cost:
    """The cost of a training.

    Args:
        recipe: of the GAN.
        steps: of it.
        settings: that are set, as pairs of texts.
        size: of the images, in pixels.
        classes: of the data; what has no place for labels does without.
    """
    plan = make_plan(recipe, {"image", LABEL, *wants(recipe)}, dict(settings))
    gan = fitted(plan, size, classes)
    number = {name: plan.settings[name].value for name in ("batch", "repeat.d", "repeat.g")}
    batch, d, g = (int(str(number[name])) for name in ("batch", "repeat.d", "repeat.g"))
    makes, judges = macs(gan)
    per_step = batch * (d * (makes + 6 * judges) + g * (3 * makes + 2 * judges))
    sizes = [sum(p.numel() for p in gan.networks[name].parameters()) for name in ("G", "D")]
    return Cost(2.0 * per_step * steps, batch * d * steps, *sizes)


def macs(gan: GAN) -> tuple[int, int]:
    """Multiply-accumulates of G and D for one image; counted once for networks with the same weights and options."""
    head = (gan.plan.head.name, *sorted(gan.plan.head.options.items(), key=lambda pair: pair[0]))
    shapes = [
        (name, parameter, tuple(value.shape))
        for name, network in networks(gan).items()
        for parameter, value in network.named_parameters()
    ]
    key = (str(head), tuple(shapes))
    if key not in _known:
        calls = anatomy(gan)
        _known[key] = (calls["G"].macs, calls["D"].macs)
    return _known[key]
