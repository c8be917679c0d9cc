"""What all converters are held to, on a peer's own network or on tensors in its layout."""

import torch

import ganzoo
from ganzoo.folder.weights import make_plain
from ganzoo.foreign import Converted
from ganzoo.registry.loading import registry


def converter(name):
    """A registered converter, made."""
    return registry().find(name, ("converter",)).load()()


def alone(name, content):
    """The conversion of a content that the named converter takes, and no other."""
    fitting = [entry.name for entry in registry().entries("converter") if entry.load()().fits(content)]
    assert fitting == [name]
    return converter(name).convert(content)


def model(converted: Converted):
    """The model with every tensor in its place: none missing, none left over, each of its shape."""
    size = dict(converted.size)
    settings = {
        "init": "default",
        **size.pop("settings", {}),
    }  # orthogonal weights take their time, and all are replaced
    gan = ganzoo.build(converted.recipe, **size, settings=settings).eval()
    for name, tensors in converted.networks.items():
        network = gan.get_submodule(name)
        make_plain(network)
        network.load_state_dict(dict(tensors))
    return gan


def same(ours, theirs, tolerance=1e-4):
    """Whether two tensors agree."""
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < tolerance, float((ours - theirs).abs().max())


@torch.no_grad()
def made(network, seed=0):
    """A network in eval mode whose norms have statistics and affine parameters that are not those of the start."""
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=rng) + 0.5)
        elif tensor.is_floating_point() and tensor.ndim <= 1:
            tensor.add_(torch.randn(tensor.shape, generator=rng) * 0.2)
    return network.eval()
