"""A discriminator of images and of their pixels: its size by hand, its scores, and how labels enter both."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.architectures.biggan import D_WIDTHS
from ganzoo.training.loop import Trainer


def conv(inputs: int, outputs: int, side: int = 3) -> int:
    return inputs * outputs * side**2 + outputs


def block(inputs: int, outputs: int, hidden: int) -> int:
    """Two 3x3 convolutions and a 1x1 shortcut."""
    return conv(inputs, hidden) + conv(hidden, outputs) + conv(inputs, outputs, 1)


@pytest.mark.parametrize(("side", "k"), [(64, 4), (256, 6)])
def test_its_size_is_that_of_the_papers_blocks(side: int, k: int) -> None:
    """BigGAN's encoder, whose last block may need no shortcut, and a decoder that mirrors it."""
    wide = [64 * times for times in D_WIDTHS[k]]
    pairs = list(pairwise(wide))
    encoder = block(3, wide[0], wide[0]) + sum(block(a, b, b) for a, b in pairs)
    if wide[-1] == wide[-2]:
        encoder -= conv(wide[-2], wide[-1], 1)
    steps = [*wide[: k - 1][::-1], wide[0]]
    seen = [wide[-1], *(2 * width for width in steps[:-1])]
    decoder = sum(block(a, b, b) for a, b in zip(seen, steps, strict=True))
    gan = ganzoo.build("unet-gan", side, 3, device="meta")
    heads = wide[-1] + 1 + wide[0] + 1
    assert sum(parameter.numel() for parameter in gan.D.parameters()) == encoder + decoder + heads


@pytest.mark.parametrize("size", [16, (32, 64)])
def test_it_scores_the_image_and_each_pixel(size: int | tuple[int, int]) -> None:
    gan = ganzoo.build("dcgan:ch=2+unet@d:ch=2", size, 1, 3)
    height, width = gan.height, gan.width
    output = gan.D(torch.rand(2, 1, height, width), torch.eye(3)[:2])
    assert [tuple(scores.shape) for scores in output.scores] == [(2,), (2, height * width)]
    assert output.features.shape == (2, gan.D.features)
    assert torch.equal(output.extras["pixels"].flatten(1), output.scores[1])


def test_a_pixels_score_is_of_what_lies_around_it() -> None:
    """What changes in a corner changes the scores there more than those in the opposite one."""
    torch.manual_seed(0)
    gan = ganzoo.build("dcgan:ch=2+unet@d:ch=8", 32, 1)
    x = torch.rand(1, 1, 32, 32) * 2 - 1
    other = x.clone()
    other[..., :6, :6] *= -1
    y = torch.zeros(1, 0)
    gan.eval()
    gap = (gan.D(x, y).extras["pixels"] - gan.D(other, y).extras["pixels"]).abs()[0, 0]
    assert gap[:8, :8].mean() > 5 * gap[-8:, -8:].mean()


def test_labels_enter_both_scores_and_a_classifiers_logits_are_means() -> None:
    gan = ganzoo.build("dcgan:ch=2+unet@d:ch=2", 16, 1, 3).eval()
    x = torch.rand(1, 1, 16, 16)
    one, other = (gan.D(x, torch.eye(3)[k : k + 1]).scores for k in (0, 1))
    assert all((a != b).any() for a, b in zip(one, other, strict=True))
    named = ganzoo.build("dcgan:ch=2+unet@d:ch=2+ac", 16, 1, 3).eval()
    seen: list[torch.Tensor] = []
    for module in named.D.modules():
        if isinstance(module, nn.Linear) and module.out_features == 3:
            module.register_forward_hook(lambda layer, given, made: seen.append(made.mean(0)))
    logits = named.D(x, torch.eye(3)[:1]).extras["class_logits"]
    assert len(seen) == 2
    torch.testing.assert_close(logits[0], (seen[0] + seen[1]) / 2)


@pytest.mark.parametrize("recipe", ["dcgan:ch=2+unet@d:ch=2+ac", "sngan:ch=2+unet@d:ch=2+mh"])
def test_it_trains_with_other_heads(recipe: str) -> None:
    gan = ganzoo.build(recipe, 16, 1, 3)
    batch = {"image": torch.rand(4, 1, 16, 16) * 2 - 1, "label": torch.arange(4) % 3}
    trainer = Trainer(gan, 0, 1)
    trainer.train_step([batch] * trainer.batches_per_step)
    assert torch.isfinite(gan.sample(2, seed=0)).all()


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("unet", "unet has no generator, so it cannot be the first word"),
        ("dcgan+unet@g", "unet has no generator: it can stand on d alone"),
        ("dcgan+unet@d+d2dce", "d2dce does not work with a part that brings 'patches'"),
        ("dcgan+unet@d+san", "san needs a D whose one head sees all of its features, and no patches"),
        ("dcgan+unet@d:ch=0", "unet:ch=0 does not work"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line(recipe: str, says: str) -> None:
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, 16, 1, 3, device="meta")
    assert says in str(caught.value) and "\n" not in str(caught.value)
