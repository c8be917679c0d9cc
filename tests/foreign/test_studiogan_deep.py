"""PyTorch-StudioGAN's BigGAN-deep in both forms, and its DCGAN. Names and shapes: test_studiogan_resnet.py."""

import pytest
import torch

from ganzoo import ModelError
from tests.foreign.peers import converter
from tests.foreign.studiogan import Config, DeepDiscriminator, DeepGenerator, but, compared

DEEP = Config(ch=4, z=8, classes=3, shared=5, codes=4, width=7, g_sn=True)
CONV = Config(ch=4, z=6, classes=3, shared=5, codes=4, width=7, d_sn=False)


@pytest.mark.parametrize(
    "config, within",
    [
        (but(DEEP, g_attention=(2,), d_attention=(1,)), "sa@d,16"),
        (but(DEEP, form="own", g_attention=(2,), d_attention=(1,)), "form=studiogan"),
        (but(DEEP, labelled=False, head="W/O", depth=3), "depth=3"),
        (but(DEEP, size=64, g_attention=(3,), head="AC"), "sa@g,32"),
        (but(DEEP, size=64, form="own", head="MH", d_sn=False, g_sn=False), "weight/none@d"),
        (but(DEEP, info="cBN"), "info-context"),
    ],
    ids=str,
)
def test_biggan_deep_computes_what_theirs_does(config, within):
    assert within in compared("studiogan-biggan-deep", config).recipe


@pytest.mark.parametrize(
    "config, within",
    [
        (but(CONV, labelled=False, head="W/O"), "bn@d"),
        (but(CONV, g_sn=True, d_sn=True), "projection"),
        (but(CONV, labelled=False, head="W/O", info="cBN"), "info-context"),
    ],
    ids=str,
)
def test_dcgan_computes_what_theirs_does(config, within):
    assert within in compared("studiogan-dcgan", config).recipe


def test_a_d_of_another_depth_is_refused():
    content = {"G": DeepGenerator(DEEP).state_dict(), "D": DeepDiscriminator(but(DEEP, depth=1)).state_dict()}
    with pytest.raises(ModelError, match="3 blocks, and ours has 6"):
        converter("studiogan-biggan-deep").convert(content)


def test_widths_of_no_size_are_refused():
    state = {
        **DeepGenerator(but(DEEP, g_sn=False)).state_dict(),
        "bn4.weight": torch.zeros(5),
        "blocks.0.0.conv2d4.weight": torch.zeros(5, 4, 1, 1),
    }
    with pytest.raises(ModelError, match="those of no size"):
        converter("studiogan-biggan-deep").convert({"state_dict": state})


@pytest.mark.parametrize(
    "name, tensor, message",
    [
        ("blocks.1.0.bn2.gain.weight_orig", torch.zeros(4, 3), "vectors of 4 and 13 numbers"),
        ("blocks.1.0.conv2d1.weight_orig", None, "no tensor blocks.1.0.conv2d1.weight"),
        ("linear0.weight_orig", torch.zeros(128, 13, 1, 1, 1), "vectors of 256 and 13"),
    ],
)
def test_tensors_that_do_not_go_together_are_refused(name, tensor, message):
    state = {**DeepGenerator(DEEP).state_dict(), name: tensor}
    state = {key: value for key, value in state.items() if value is not None}
    with pytest.raises(ModelError, match=message):
        converter("studiogan-biggan-deep").convert({"state_dict": state})
