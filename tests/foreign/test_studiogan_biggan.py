"""PyTorch-StudioGAN's BigGAN, with each of its heads: the same numbers. Names and shapes: test_studiogan_resnet.py."""

import pytest
import torch

from ganzoo import ModelError
from tests.foreign.peers import converter
from tests.foreign.studiogan import Config, Discriminator, Generator, but, compared

TINY = Config(ch=2, z=8, classes=3, shared=5, codes=4, width=7, g_sn=True, hierarchical=True)


@pytest.mark.parametrize(
    "config, within",
    [
        (but(TINY, ch=8, g_attention=(2,), d_attention=(1,)), "sa@d,16"),
        (but(TINY, labelled=False, head="W/O"), "plain"),
        (but(TINY, size=64, ch=4, z=10, g_attention=(3,), head="AC"), "ac:"),
        (but(TINY, size=128, ch=1, z=12, head="AC", aux="TAC"), "tac"),
        (but(TINY, head="AC", aux="ADC"), "adc"),
        (but(TINY, head="MH"), "mh"),
        (but(TINY, head="MD", d_sn=False, g_sn=False), "md"),
        (but(TINY, head="2C"), "d2dce:width=7"),
        (but(TINY, head="2C", aux="TAC"), "aux=tac"),
        (but(TINY, head="2C", aux="ADC"), "aux=adc"),
        (but(TINY, info="cBN"), "info-context"),
        (but(TINY, info="cBN", labelled=False, head="W/O"), "info-context"),
        (but(TINY, info="concat"), "inject=concat"),
    ],
    ids=str,
)
def test_it_computes_what_theirs_does(config, within):
    assert within in compared("studiogan-biggan", config).recipe


def test_a_d_of_another_size_is_refused():
    content = {"G": Generator(TINY).state_dict(), "D": Discriminator(but(TINY, size=64)).state_dict()}
    with pytest.raises(ModelError, match="5 blocks, and ours has 4 at 32 pixels"):
        converter("studiogan-biggan").convert(content)


def test_attention_that_ours_has_not_is_refused():
    d = Discriminator(but(TINY, ch=8, d_attention=(3,)))  # ours stands behind each map of 8 pixels
    with pytest.raises(ModelError, match=r"no attention where 'blocks.3.0.sigma' stands"):
        converter("studiogan-biggan").convert({"G": Generator(TINY).state_dict(), "D": d.state_dict()})


def test_half_precision_is_widened():
    state = {name: t.half() if t.is_floating_point() else t for name, t in Generator(TINY).state_dict().items()}
    tensors = converter("studiogan-biggan").convert({"state_dict": state}).networks["G"].values()
    assert {t.dtype for t in tensors} == {torch.float32}
