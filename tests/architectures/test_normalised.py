"""Which layers of each network carry spectral norm: a table, a row for every preset and architecture.

``all`` are all convolutions, linear layers and embeddings; ``all but`` names those without, with ``*`` for numbers.
What stands in no row has no spectral norm at all.
"""

from __future__ import annotations

import re

import pytest
from torch import nn
from torch.nn.utils import parametrize

from ganzoo.gan.catalogue import fitted
from ganzoo.gan.weights import WEIGHTED
from ganzoo.layers.weight import SpectralNorm
from ganzoo.parts.freeze import learning_modules
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry

D_ALONE = {"G": "none", "D": "all"}
BOTH = {"G": "all", "D": "all"}
BIGGAN = {"G": "all but trunk.shared.embedding", "D": "all"}
TABLE = {
    "sngan sndcgan sngan-cond cgan-pd sngan-r1 sngan-lecam acgan logan sngan-ada sngan-apa": D_ALONE,
    "ssgan infomax-gan vitgan": D_ALONE,
    "sagan sagan-uncond csnsagan biggan-uncond": BOTH,
    "biggan biggan-deep biggan-deep-studiogan crgan icrgan contragan reacgan mhgan mdgan adcgan": BIGGAN,
    "biggan-ada biggan-apa reacgan-ada unet-gan": BIGGAN,
    "fastgan fastgan-diffaug fastgan-lite projected-gan projected-gan-lite": BOTH,
}
ROWS = {name: row for names, row in TABLE.items() for name in names.split()}
COMPLETE = [entry for entry in registry().entries() if entry.built_in and entry.complete]


def carried(network: nn.Module) -> str:
    """The layers of a network with spectral norm, of those that learn, in the words of the table."""
    learning = set(learning_modules(network))
    weighted = {name: m for name, m in network.named_modules() if isinstance(m, (*WEIGHTED, nn.Embedding))}
    layers = {name: m for name, m in weighted.items() if m in learning}
    normed = {name for name, layer in layers.items() if is_normed(layer)}
    if not normed:
        return "none"
    free = sorted({re.sub(r"\d+", "*", name) for name in layers.keys() - normed})
    return f"all but {' '.join(free)}" if free else "all"


def is_normed(layer: nn.Module) -> bool:
    if not parametrize.is_parametrized(layer, "weight"):
        return False
    return any(isinstance(one, SpectralNorm) for one in layer.parametrizations.weight)


@pytest.mark.parametrize("entry", COMPLETE, ids=lambda entry: entry.spelling)
def test_spectral_norm_is_where_the_table_says(entry: Entry) -> None:
    keys = {"image", "label", "label-class", *wants(entry.spelling)}
    gan = fitted(make_plan(entry.spelling, keys), 32, 10)
    found = {name: carried(network) for name, network in gan.networks.items()}
    assert found == ROWS.get(entry.name, dict.fromkeys(found, "none"))


def test_every_row_is_of_something_that_there_is() -> None:
    assert ROWS.keys() <= {entry.name for entry in COMPLETE}


def test_what_the_table_looks_for_is_found_where_it_is_put() -> None:
    """Neither another parametrization nor a network without any is taken for it."""
    for recipe, wanted in {
        "dcgan+sn": ("all", "all"),
        "dcgan+wn": ("none", "none"),
        "dcgan+sn@g": ("all", "none"),
    }.items():
        gan = fitted(make_plan(recipe, {"image"}), 32)
        assert (carried(gan.G), carried(gan.D)) == wanted
