"""How fast a generator draws: called by hand, by ``gan.sample``, and in layouts and arithmetics that may be faster."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.layers.layout import as_written, lay_out
from ganzoo.machine.precision import has_bf16
from ganzoo.machine.timing import DeviceClock
from ganzoo.training.layerwise import Untracked
from ganzoo.training.peak import Peak

WARM = 2  # rounds that do not count
LEVELS = 127.5  # of 255, in images from -1 to 1
BY_HAND = "by hand"

Way = Callable[[], tuple[float, Tensor]]  # draws: its seconds, and images in [-1, 1]


def drawing_speed(gan: GAN, device: torch.device, batch: int, rounds: int) -> dict[str, dict[str, float]]:
    """Images per second of one batch, each way in turn; the least time of each counts, as others' work only adds to it.

    Args:
        gan: draws from noise; it is moved to the device.
        device: where it draws.
        batch: images at once.
        rounds: of each way.

    Returns:
        By way, ``images_per_second``, ``ratio`` to the first way, ``levels``: how far a picture is from that of the
        first, in levels of 255, and ``fraction_of_peak``: its rate over the best that was measured of large products in
        float32. Ways: ``by hand`` (``gan.G`` without gradients, its weights laid out as they were made; on a CPU in a
        process of its own, see :func:`aside`), ``gan.sample`` (with the noise and the way back to the CPU),
        ``channels last``, and ``bf16`` on top of that where the device has it.

    Raises:
        UsageError: the GAN draws from other things than noise.
    """
    if gan.input_names != {NOISE}:
        recipe = gan.plan.recipe
        raise UsageError(f"--sample times what draws from noise, and {recipe} takes something else: leave it out")
    gan.to(device).eval()
    inputs = gan.inputs(batch, seed=0, labels=gan.default_labels(batch))
    z, y = (inputs[name].to(device) for name in ("z", "y"))
    wide, clock = copy.deepcopy(gan.G), DeviceClock(device)
    lay_out(wide)
    peak, flop = Peak(torch.float32, device), operations(gan, z, y)
    with ExitStack() as stack, torch.no_grad():
        ways: dict[str, Way] = {
            BY_HAND: stack.enter_context(aside(gan.G, z, y))
            if device.type == "cpu"
            else timed(lambda: gan.G(z, y), clock),
            "gan.sample": timed(lambda: 2 * gan.sample(batch, seed=0, batch=batch) - 1, clock),
            "channels last": timed(lambda: wide(z, y), clock),
        }
        if has_bf16(device):

            def in_bf16() -> Tensor:
                with torch.autocast(device.type, torch.bfloat16):
                    return wide(z, y).float()

            ways["bf16"] = timed(in_bf16, clock)
        seconds, images = _in_turn(ways, rounds, peak)
    first = images[BY_HAND].clamp(-1, 1)
    found: dict[str, dict[str, Any]] = {}
    for way, spent in seconds.items():
        away = float((images[way].to(device).clamp(-1, 1) - first.to(device)).abs().max())
        found[way] = {
            "images_per_second": round(batch / spent, 2),
            "ratio": round(seconds[BY_HAND] / spent, 4),
            "levels": round(LEVELS * away, 4),
            "fraction_of_peak": round(flop / spent / 1e9 / peak.best, 4),
        }
    return found


def operations(gan: GAN, z: Tensor, y: Tensor) -> int:
    """Floating point operations of ``gan.G(z, y)``: its matrix products and convolutions."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = Untracked()  # type: ignore[assignment]
    with counter, as_written(), torch.no_grad():
        gan.G(z, y)
    return counter.get_total_flops()


def timed(draw: Callable[[], Tensor], clock: DeviceClock) -> Way:
    """A way to draw in this process."""

    def way() -> tuple[float, Tensor]:
        begun = perf_counter()
        images = draw()
        clock.wait()
        return perf_counter() - begun, images

    return way


@contextmanager
def aside(generator: nn.Module, z: Tensor, y: Tensor) -> Iterator[Way]:
    """A generator called by hand in a process of its own, whose memory the C library hands out as it does unless told.

    This process keeps its memory from its first drawing or training on, so that here nothing would be as by hand. One
    that cannot be pickled, such as a stranger's that holds a function without a name, is called here nevertheless, and
    so is each where there can be no such process, as in a program that Python reads from its standard input.

    Args:
        generator: on the CPU, in eval mode.
        z, y: noise and label vectors.
    """
    context = get_context("spawn")
    ours, there = context.Pipe()
    process = context.Process(target=_called_by_hand, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        try:  # by value, and behind the start: arguments of a process that dies at once would be waited for, for ever
            ours.send_bytes(pickle.dumps((plain_copy(generator), z, y, torch.get_num_threads())))
            ours.recv()
        except (pickle.PicklingError, AttributeError, TypeError, RuntimeError, EOFError, OSError):
            here = copy.deepcopy(generator)  # which no drawing of this process lays out anew
            yield timed(lambda: here(z, y), DeviceClock(z.device))
        else:
            yield partial(_asked, ours)
    finally:
        ours.close()
        process.join()


def _asked(pipe: Connection) -> tuple[float, Tensor]:
    """A drawing by hand of the process at the other end."""
    pipe.send(True)
    seconds, images = pipe.recv()
    return seconds, torch.from_numpy(images)


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy whose reparametrised weights are the plain ones that they make, as a model's are that was loaded."""
    copied = copy.deepcopy(network)
    for module in [each for each in copied.modules() if parametrize.is_parametrized(each)]:
        weights = {name: getattr(module, name).detach() for name in module.parametrizations}  # type: ignore[union-attr, operator]
        # Not by torch's own function, which takes the weights out of the class, and that is the original's, too.
        module.__class__ = parametrize.type_before_parametrizations(module)
        del module.parametrizations
        for name, weight in weights.items():
            module.register_parameter(name, nn.Parameter(weight))
    return copied


def _called_by_hand(pipe: Connection) -> None:
    """What that process does: it draws whenever it is asked to, until nobody is there to ask."""
    try:
        generator, z, y, threads = pickle.loads(pipe.recv_bytes())  # of the process that began this one
        torch.set_num_threads(threads)
        pipe.send(True)
        while pipe.recv():
            with torch.no_grad():
                begun = perf_counter()
                images = generator(z, y)
                seconds = perf_counter() - begun
            pipe.send((seconds, images.contiguous().numpy()))
    except EOFError:
        return


def _in_turn(ways: Mapping[str, Way], rounds: int, peak: Peak) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The least of each way's seconds, and what it drew; the peak is measured between the rounds.

    Each draws once more before it is timed, so that none finds in the caches what the way before it left there.
    """
    times: dict[str, list[float]] = {way: [] for way in ways}
    images: dict[str, Tensor] = {}
    for index in range(WARM + rounds):
        peak.measure(1)
        for way, draw in ways.items():
            draw()
            seconds, images[way] = draw()
            if index >= WARM:
                times[way].append(seconds)
    return {way: min(spent) for way, spent in times.items()}, images
