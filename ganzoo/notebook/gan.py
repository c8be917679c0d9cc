"""A GAN in a few lines, and as HTML: its samples, recipe, sizes, and the scores of its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import nn

from ganzoo.errors import counted
from ganzoo.folder.scores import Score
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE, TEXT, decode_text, panels
from ganzoo.images import grid, to_uint8
from ganzoo.machine.randomness import preserved_randomness
from ganzoo.notebook.html import box, facts, note, picture, piece, whole
from ganzoo.notebook.scores import explained, in_words, rows_of, scores_of
from ganzoo.registry.shown import block, readable, some
from ganzoo.registry.sizes import colours_text, pixels_text

SAMPLES, AT_ONCE = 16, 4
PATIENCE = 0.4  # seconds of work, whatever else the machine does, after which no more images are drawn
WIDEST = 560  # pixels of a row of samples
SHOWN = 3  # scores in the text
CLASSES = 5  # names in the text


def text(gan: GAN) -> str:
    """The lines of ``repr(gan)``."""
    first = {score.metric: score for score in reversed(_scores(gan))}  # of each metric the one to be said first
    scores = [("score", in_words(score)) for score in list(reversed(first.values()))[:SHOWN]]
    return block(f"GAN {gan.plan.recipe}", [*known(gan), *scores, ("layers", layers(gan))])


def html(gan: GAN) -> str:
    """What a notebook shows of it: self-contained, and nothing in it runs."""
    return whole(lambda: _html(gan), gan)


def _html(gan: GAN) -> str:
    scores = _scores(gan)
    told = facts([*known(gan), ("layers", layers(gan))])
    table = [piece(lambda: rows_of(scores), "scores"), *explained(scores)] if scores else []
    return box(f"GAN {gan.plan.recipe}", [samples(gan), told, *table])


# --- facts --------------------------------------------------------------------------------------------------


def known(gan: GAN) -> Iterator[tuple[str, object]]:
    """What is known of it besides samples and scores."""
    yield from readable(sizes(gan))
    yield from readable(trained(gan))


def sizes(gan: GAN) -> Iterator[tuple[str, object]]:
    """What goes in, what comes out, and how large the networks are."""
    yield "images", f"{colours_text(gan.channels, gan.bits)}, {pixels_text(gan.size)}"
    others = sorted(gan.input_names - {NOISE})
    noise = [f"noise z ({gan.z_dim} numbers)"] if NOISE in gan.input_names else []
    yield "made from", " and ".join([*noise, *(f"{name}=" for name in others)])
    if gan.classes:
        what = "classes" if gan.label_kind == "class" else f"{gan.label_kind} labels"
        yield what, f"{gan.classes:,}: {some(gan.class_names, CLASSES)}"
    yield "networks", ", ".join(f"{name} {_size(network)}" for name, network in _networks(gan).items())


def trained(gan: GAN) -> Iterator[tuple[str, object]]:
    """Where its weights come from, as far as it was loaded."""
    if gan.config is None or gan.loaded is None:
        yield "weights", "of no folder: fresh, or trained in this program"
        return
    data, licence = gan.config["dataset"].get("name", "unknown data"), gan.config["license"]
    yield "loaded", gan.loaded.label + (f" (licence {licence})" if licence else "")
    yield "trained", f"{counted(gan.loaded.step, 'step')} on {data}"


def layers(gan: GAN) -> str:
    """How to see what is in it."""
    return f"print(gan.{next(iter(_networks(gan)), 'G')})"


def _networks(gan: GAN) -> dict[str, nn.Module]:
    """Those that are there: a model that was loaded to sample has no discriminator. The generator's side first."""
    names = sorted({name for names in gan.players.values() for name in names}, key=lambda name: (name[0] != "G", name))
    return {name: network for name in names if isinstance(network := gan._modules.get(name), nn.Module)}


def _size(network: nn.Module) -> str:
    return counted(sum(parameter.numel() for parameter in network.parameters()), "parameter")


def _scores(gan: GAN) -> tuple[Score, ...]:
    """The scores of the folder that it was loaded from; none where they cannot be read."""
    try:
        return () if gan.loaded is None else scores_of(gan.loaded)
    except Exception:  # a folder that is gone, or whose scores make no sense: a text has no place to say it
        return ()


# --- pictures -----------------------------------------------------------------------------------------------


def samples(gan: GAN) -> str:
    """A grid of samples of seed 0, and what they are; fewer of a model that takes its time."""
    if any(parameter.is_meta for parameter in gan.parameters()):
        return note("no samples: it was built on the device 'meta', without weights")
    return piece(lambda: _samples(gan), "samples")


def _samples(gan: GAN) -> str:
    with preserved_randomness():
        images = _drawn(gan)
    rows, columns = panels(to_uint8(images, low=0), gan.examples)
    sheet = grid(_small(rows, columns), columns, scale=None)
    return picture(sheet, f"{len(images)} samples") + note(_caption(gan, len(images)))


def _drawn(gan: GAN) -> torch.Tensor:
    """Images of seed 0 and the default labels, four at a time for as long as there is patience."""
    begun, count = time.thread_time(), 0
    every = 1 if sum(parameter.numel() for parameter in gan.parameters()) > 3e7 else AT_ONCE
    images = torch.zeros(0, *gan.image)
    labels = gan.default_labels(SAMPLES)
    while count < SAMPLES and (count == 0 or time.thread_time() - begun < PATIENCE):
        own = None if labels is None else labels[count : count + every]
        inputs = gan.inputs(every, 0, own, start=count)
        z, y = inputs.pop("z"), inputs.pop("y")
        images = torch.cat([images, gan.generate(z, y, every, **inputs)])
        count += every
    return images


def _small(images: torch.Tensor, columns: int) -> torch.Tensor:
    """Images at most so large that a row of them fits into a notebook."""
    most = max(32, WIDEST // columns)
    height, width = images.shape[2:]
    if max(height, width) <= most:
        return images
    size = (max(1, height * most // max(height, width)), max(1, width * most // max(height, width)))
    shrunk = torch.nn.functional.interpolate(images.float(), size, mode="area")
    return shrunk.round().clamp(0, 255).byte()


def _caption(gan: GAN, count: int) -> str:
    if gan.examples:
        beside = "Each sample stands behind its source." if "source" in gan.examples else ""
        texts = some(decode_text(gan.examples[TEXT][:CLASSES]), CLASSES) if TEXT in gan.examples else ""
        return f"Samples of its own examples. {beside}{texts}"
    of = f", of {some((gan.class_names[k] for k in gan.drawn_classes[:count]), 8)}" if _by_class(gan) else ""
    return f"gan.sample({count}, seed=0){of}."


def _by_class(gan: GAN) -> bool:
    return bool(gan.classes) and gan.label_kind == "class"
