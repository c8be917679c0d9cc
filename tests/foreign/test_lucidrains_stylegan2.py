"""Checkpoints of lucidrains' stylegan2-pytorch are told from those of others, and refused with the reason."""

import importlib.util
import sys
from types import ModuleType
from unittest.mock import MagicMock

import pytest
import torch
from click.testing import CliRunner

import ganzoo
from ganzoo import ModelError
from ganzoo.cli.kit import main
from ganzoo.registry.loading import registry

NAMES = ("initial_conv.weight", "blocks.0.to_noise1.weight", "blocks.0.to_rgb.conv.weight", "blocks.0.conv1.weight")


def fitting(content):
    return [entry.name for entry in registry().entries("converter") if entry.load()().fits(content)]


@pytest.mark.parametrize("place", ["GE.", "G.", ""])
def test_its_checkpoint_is_refused_with_the_reason(tmp_path, place):
    state = {f"{place}{name}": torch.zeros(2, 2, 3, 3) for name in NAMES}
    torch.save({"GAN": state, "version": "1.9.0"}, tmp_path / "model_100.pt")
    with pytest.raises(ModelError, match="not the StyleGAN2 of the paper"):
        ganzoo.load_foreign(tmp_path / "model_100.pt")
    done = CliRunner().invoke(main, ["import", str(tmp_path / "model_100.pt"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1 and "doubles maps by interpolation" in done.output and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_its_own_classes_are_told(monkeypatch):
    """Their module asks for CUDA, and for packages that G does not need."""
    if importlib.util.find_spec("stylegan2_pytorch") is None:
        pytest.skip("stylegan2-pytorch is not here")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("fire", "aim", "kornia", "kornia.filters", "vector_quantize_pytorch"):
        stand_in = ModuleType(name)
        stand_in.filter2d = stand_in.VectorQuantize = MagicMock()
        monkeypatch.setitem(sys.modules, name, stand_in)
    peer = importlib.import_module("stylegan2_pytorch.stylegan2_pytorch")
    nets = {"GE": peer.Generator(16, 8, network_capacity=2), "SE": peer.StyleVectorizer(8, 2)}
    state = {f"{name}.{key}": tensor for name, net in nets.items() for key, tensor in net.state_dict().items()}
    assert fitting({"GAN": state, "version": "1.9.0"}) == ["lucidrains-stylegan2"]
