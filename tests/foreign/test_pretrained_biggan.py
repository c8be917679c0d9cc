"""pytorch-pretrained-biggan, against the package's own class."""

import importlib
import importlib.util
import sys
import types
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo import ModelError, UsageError
from ganzoo.layers import SelfAttention
from tests.foreign.peers import alone, converter, made, model, same


def package():
    """The modules of networks and configurations; not that of downloads, which wants clients of cloud storage."""
    name = "pytorch_pretrained_biggan"
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        pytest.skip(f"pip install --no-deps {name.replace('_', '-')}", allow_module_level=True)
    above, downloads = types.ModuleType(name), types.ModuleType(f"{name}.file_utils")
    above.__path__ = [str(Path(found.origin).parent)]
    downloads.cached_path = None
    try:
        sys.modules |= {name: above, f"{name}.file_utils": downloads}
        return importlib.import_module(f"{name}.model")
    finally:
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == name]:
            del sys.modules[loaded]


biggan = package()

WIDE = {4: [16, 8, 4, 2, 1], 5: [16, 16, 8, 4, 2, 1], 6: [16, 16, 8, 8, 4, 2, 1]}


def layers(doublings):
    """The blocks of the published configurations: two of each width, the second of which doubles the map."""
    pairs = zip(WIDE[doublings][:-1], WIDE[doublings][1:], strict=True)
    return [block for a, b in pairs for block in ((False, a, a), (True, a, b))]


@cache
def peer(doublings=4, ch=3, z=6, classes=5, rows=11, attention=4):
    """A network of the package's class, its rows of statistics all different, and its singular vectors rough."""
    torch.manual_seed(0)
    config = biggan.BigGANConfig(
        output_dim=4 << doublings,
        z_dim=z,
        class_embed_dim=z,
        channel_width=ch,
        num_classes=classes,
        layers=layers(doublings),
        attention_layer_position=attention,
        n_stats=rows,
    )
    network = biggan.BigGAN(config)
    torch.nn.init.ones_(network.generator.bn.weight)
    torch.nn.init.zeros_(network.generator.bn.bias)
    torch.nn.init.ones_(network.generator.layers[attention].gamma)
    made(network)
    with torch.no_grad():
        for name, tensor in network.named_buffers():
            if name.endswith("running_means"):
                tensor.normal_(0, 0.3)
            if name.endswith("running_vars"):
                tensor.uniform_(0.5, 1.5)
        for module in network.modules():
            if hasattr(module, "weight_u"):  # near the first singular vectors, as in training, and not there
                left, _, right = torch.linalg.svd(module.weight_orig.flatten(1), full_matrices=False)
                for vector, found in ((module.weight_u, left[:, 0]), (module.weight_v, right[0])):
                    off = torch.nn.functional.normalize(torch.randn_like(found), dim=0)
                    vector.copy_(torch.nn.functional.normalize(found + 0.3 * off, dim=0))
        generator, maps = network.generator, []
        generator.conv_to_rgb.register_forward_hook(lambda module, given, made: maps.append(made[:, :3]))
        drawn(network, torch.randn(2, z), torch.tensor([0, 1]), 1.0)
        for tensor in (generator.bn.weight, generator.bn.bias):
            tensor *= 0.7 / maps[0].std()
    return network


@cache
def ours():
    """Its conversion at the smallest size."""
    converted = alone("pretrained-biggan", peer().state_dict())
    return model(replace(converted, recipe=f"{converted.recipe}+weight/none"))  # sooner built


@torch.no_grad()
def drawn(network, z, labels, truncation):
    """What the package draws, in [0, 1]."""
    return (network(z, torch.nn.functional.one_hot(labels, network.config.num_classes).float(), truncation) + 1) / 2


@pytest.mark.parametrize("truncation", [None, 0.47])
def test_it_draws_what_the_package_draws(truncation):
    z, labels = torch.randn(2, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 4])
    expected = drawn(peer(), z, labels, truncation or 1.0)
    assert 0.1 < float(expected.std()) < 0.45, "neither grey nor black and white"
    same(ours().sample(z=z, labels=labels, truncation=truncation), expected)


def test_every_truncation_has_the_statistics_that_it_has_in_the_package():
    x, ours_norm, theirs = torch.randn(2, 3, 2, 2), ours().G.trunk.norm, peer().generator.bn
    for truncation in (1.0, 0.5, 0.3, 0.7, 0.61, 0.123, 0.999, 0.02, 0.1, 1e-6):  # 0.3 is just below its row in floats
        ours().G.truncate(truncation)
        with torch.no_grad():
            same(ours_norm(x, torch.zeros(2, 5)), theirs(x, truncation))
    ours().G.truncate(None)


def test_sizes_come_from_the_file():
    theirs = peer(doublings=5, ch=3, rows=51, attention=6, z=9, classes=7)
    converted = converter("pretrained-biggan").convert({"state_dict": theirs.state_dict()})
    gan = ganzoo.build(f"{converted.recipe}+weight/none", **converted.size, device="meta")
    assert (gan.resolution, gan.z_dim, gan.classes) == (128, 9, 7)
    assert isinstance(gan.G.trunk.attentions[2], SelfAttention)
    tables = (gan.G.state_dict(), converted.networks["G"])
    ours, made = ({key: tensor.shape for key, tensor in table.items()} for table in tables)
    assert ours == made and made["trunk.norm.running_mean"] == (51, 3)


def test_noise_is_drawn_as_the_package_does_and_truncations_without_statistics_are_refused():
    gan = ours()
    whole, half = gan.noise(200, 0), gan.noise(200, 0, 0.5)
    assert 1.5 < float(whole.abs().max()) <= 2
    same(half, whole / 2)
    with pytest.raises(UsageError, match="above 0 and up to 1"):
        gan.sample(2, truncation=1.5)
    gan.noise(1, 0, 0.5)
    assert gan.G.trunk.norm.places == (5, 5, 0)
    gan.sample(0, truncation=0.2)
    assert gan.G.trunk.norm.places == (10, 10, 0), "whoever comes next is not truncated"


def test_other_blocks_are_refused_by_the_tensor_that_tells():
    state = dict(peer().state_dict())
    state["generator.layers.2.bn_0.running_means"] = torch.zeros(11, 12)
    with pytest.raises(ModelError, match=r"layers\.2\.bn_0\.running_means has 12 maps .* has 24"):
        converter("pretrained-biggan").convert(state)
    with pytest.raises(ModelError, match=r"layers\.5 is attention behind 5 blocks"):
        converter("pretrained-biggan").convert(peer(attention=5).state_dict())
