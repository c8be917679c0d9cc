"""CutMix: its masks, its terms pixel by pixel, when it acts, and what D is shown."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.losses.regularizers.cutmix import CutMix, rectangles
from ganzoo.parts import TurnContext
from ganzoo.training.loop import Trainer

SIDE, BATCH = 16, 4


def gan(words: str) -> ganzoo.GAN:
    return ganzoo.build(f"dcgan:ch=2+unet@d:ch=1{words}", SIDE, 1, 3)


def context(made: ganzoo.GAN) -> TurnContext:
    """An update of D, in eval mode, so that spectral norm holds its vectors."""
    torch.manual_seed(5)
    batch = {"image": torch.rand(BATCH, 1, SIDE, SIDE) * 2 - 1, "label": torch.arange(BATCH) % 3}
    game: Any = made.eval().game
    ctx: TurnContext = game.context(batch, 0, "d")
    return ctx


def by_hand(made: Any, ctx: TurnContext, form: Any) -> tuple[Tensor, Tensor]:
    """Both sums of the paper, image by image and pixel by pixel."""
    masks = rectangles(ctx.real)
    whole, pixels, gaps = [], [], []
    for i in range(BATCH):
        y, m = ctx.y_real[i : i + 1], masks[i : i + 1]
        mixed = torch.where(m == 1, ctx.real[i : i + 1], ctx.fake[i : i + 1])
        said = made.D(mixed, y)
        real, fake = (made.D(x[i : i + 1], y).scores[1][0] for x in (ctx.real, ctx.fake))
        whole.append(form(said.scores[0][0]))
        for at, score in enumerate(said.scores[1][0]):
            inside = m.flatten()[at] == 1
            pixels.append(form(-score if inside else score))
            gaps.append((score - (real[at] if inside else fake[at])) ** 2)
    return torch.stack(whole).mean() + torch.stack(pixels).mean(), torch.stack(gaps).mean()


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("p=1,weight=2,consistency=3", lambda s: torch.log(1 + s.exp())),
        ("p=1,weight=2,consistency=3,form=hinge", lambda s: (1 + s).clamp(min=0)),
    ],
)
def test_terms_are_those_of_the_formula_with_their_gradients(words: str, form: Any) -> None:
    made = gan(f"+cutmix:{words}")
    (part,), ctx = made.regularizers, context(made)
    torch.manual_seed(7)
    terms = part.terms(ctx)
    torch.manual_seed(7), torch.rand(())
    wanted = [factor * value for factor, value in zip((2, 3), by_hand(made, ctx, form), strict=True)]
    assert list(terms) == ["cutmix", "cutmix_consistency"]
    parameters = [parameter for parameter in made.D.parameters() if parameter.requires_grad]
    slopes = []
    for values in (list(terms.values()), wanted):
        slopes.append(torch.autograd.grad(values[0] + values[1], parameters, allow_unused=True))
    for ours, theirs in zip(terms.values(), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    for mine, other in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


def test_rectangles_have_uniform_areas_and_lie_anywhere() -> None:
    torch.manual_seed(0)
    masks = rectangles(torch.zeros(1000, 1, 32, 64))
    assert masks.shape == (1000, 1, 32, 64) and set(masks.unique().tolist()) == {0.0, 1.0}
    areas = masks.mean((1, 2, 3)).sort().values
    assert (areas - torch.linspace(0, 1, 1000)).abs().max() < 0.06
    heights, widths = masks.amax(3).sum((1, 2)), masks.amax(2).sum((1, 2))
    assert torch.equal(heights * widths, masks.sum((1, 2, 3))) and (2 * heights - widths).abs().max() <= 2
    middle = (masks * torch.linspace(-1, 1, 64)).sum((1, 2, 3)) / masks.sum((1, 2, 3)).clamp(min=1)
    assert abs(middle.mean()) < 0.06 and middle.abs().max() > 0.8


def test_it_acts_as_often_as_p_says_and_p_may_rise() -> None:
    made = gan("+cutmix:p=0.3")
    (part,), ctx = made.regularizers, context(made)
    torch.manual_seed(1)
    part.of_mixed = lambda ctx, real: {"cutmix": real.mean()}
    acted = sum(bool(part.terms(ctx)) for _ in range(1000))
    assert abs(acted - 300) < 4 * math.sqrt(1000 * 0.3 * 0.7)
    assert CutMix(p="linear/0/1/100").p == "linear/0/1/100"
    risen = gan("+cutmix:p=linear/0/1/10")
    assert [part.terms(context(risen)) for part in risen.regularizers] == [{}], "at the start p is 0"


def test_d_sees_mixed_images_without_augmentations_and_passes_are_shared_without_any() -> None:
    for words, passes in (("+cutmix:p=1", 3), ("+cutmix:p=1+diffaugment", 5)):
        made = gan(words)
        shown: list[Tensor] = []
        made.D.register_forward_hook(lambda module, given, said, shown=shown: shown.append(given[0]))
        ctx = context(made)
        terms = made.parts.loss.discriminator(ctx), made.regularizers[0].terms(ctx)
        assert torch.isfinite(sum(terms[1].values())) and len(shown) == passes
        mixed = shown[2]
        assert torch.isclose(mixed, ctx.real).logical_or(torch.isclose(mixed, ctx.fake)).all()


def test_a_training_with_it_goes_on() -> None:
    made = gan("+cutmix:p=1")
    batch = {"image": torch.rand(BATCH, 1, SIDE, SIDE) * 2 - 1, "label": torch.arange(BATCH) % 3}
    trainer = Trainer(made, 0, 1)
    trainer.train_step([batch] * trainer.batches_per_step)
    trainer.check()


@pytest.mark.parametrize(
    ("recipe", "settings", "says"),
    [
        ("dcgan+cutmix", {}, "cutmix needs 'pixels' (from unet)"),
        ("dcgan+unet@d+cutmix", {"fake-labels": "uniform"}, "cutmix works with fake-labels=batch alone"),
        ("dcgan+unet@d+cutmix:every=0", {}, "cutmix:every=0 does not work"),
        ("dcgan+unet@d+cutmix:form=ls", {}, "cutmix:form=ls"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line(recipe: str, settings: dict[str, object], says: str) -> None:
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, SIDE, 1, 3, settings=settings, device="meta")
    assert says in str(caught.value) and "\n" not in str(caught.value)
