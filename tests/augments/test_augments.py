"""What D is shown of an image: each change is what its paper says, for every image another."""

import numpy as np
import pytest
import torch
from scipy import ndimage

import ganzoo
from ganzoo.errors import UsageError
from ganzoo.parts import TurnContext
from ganzoo.parts.update import Update
from ganzoo.training.loop import Trainer

SIDE = 16


def shown(x, seed=0, **options):
    """What D sees of ``x``."""
    off = {"color": 0.0, "translation": 0.0, "cutout": 0.0}
    torch.manual_seed(seed)
    return ganzoo.create("diffaugment", **{**off, **options}).images(x, None)


@pytest.fixture
def images():
    return torch.rand(64, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_without_strength_images_are_shown_as_they_are(images):
    assert shown(images) is images


def test_each_image_changes_in_its_own_way_and_the_same_for_a_seed(images):
    same = images[:1].expand(32, -1, -1, -1)
    for name in ("color", "translation", "cutout"):
        seen = shown(same, **{name: 0.5})
        assert len({picture.numpy().tobytes() for picture in seen}) > 16
        assert torch.equal(seen, shown(same, **{name: 0.5})) and not torch.equal(seen, shown(same, 1, **{name: 0.5}))


def test_a_moved_image_is_itself_elsewhere_with_zeros_around_it(images):
    far = 2
    shifts = set()
    for image, seen in zip(images, shown(images, translation=far / SIDE), strict=True):
        wide = torch.zeros(3, SIDE + 2 * far, SIDE + 2 * far)
        wide[:, far:-far, far:-far] = image
        places = [(y, x) for y in range(2 * far + 1) for x in range(2 * far + 1)]
        (place,) = [(y, x) for y, x in places if torch.equal(wide[:, y : y + SIDE, x : x + SIDE], seen)]
        shifts.add(place)
    assert {y for y, _ in shifts} == {x for _, x in shifts} == set(range(2 * far + 1))


def test_a_hole_is_a_square_that_may_lie_across_the_border():
    gone = shown(torch.ones(256, 1, SIDE, SIDE), cutout=0.5)[:, 0] == 0
    heights, widths = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(gone.sum((1, 2)), heights * widths)  # a rectangle
    assert heights.max() == widths.max() == SIDE // 2 and heights.min() >= SIDE // 4 and widths.min() >= SIDE // 4
    assert (heights < SIDE // 2).any() and gone.any(0).all()  # none is safe


def test_colours_change_within_the_range_of_the_paper(images):
    flat = shown(torch.zeros(512, 3, 4, 4), color=1.0)
    brightness = flat[:, 0, 0, 0]
    assert torch.equal(flat, brightness[:, None, None, None].expand_as(flat))
    assert -0.5 <= brightness.min() < -0.45 and 0.45 < brightness.max() <= 0.5

    grey = images[:, :1].expand(-1, 3, -1, -1)
    contrast = shown(grey, color=1.0).std((1, 2, 3)) / grey.std((1, 2, 3))
    assert 0.499 < contrast.min() < 0.6 and 1.4 < contrast.max() < 1.501

    seen = shown(images, color=1.0)
    chroma, before = ((x - x.mean(1, keepdim=True)).std((1, 2, 3)) for x in (seen, images))
    both = chroma / before  # saturation times contrast
    assert 0 <= both.min() < 0.2 and 1.5 < both.max() < 3.01
    mild = shown(torch.zeros(512, 3, 4, 4), color=0.1)
    assert mild.abs().max() <= 0.05


def test_grey_and_wide_images_are_fine():
    for shape in ((3, 1, 8, 8), (2, 3, 8, 16), (1, 4, 5, 5)):
        x = torch.rand(shape)
        assert shown(x, color=1.0, translation=0.5, cutout=0.5).shape == x.shape


@pytest.mark.parametrize("recipe", ["dcgan:ch=4+diffaugment", "dcgan:ch=4+bn@g+normalization/none@d+diffaugment+gp"])
def test_g_learns_through_it_and_penalties_too(recipe):
    torch.manual_seed(0)
    gan = ganzoo.build(recipe, resolution=SIDE, channels=3, z_dim=8)
    before = {name: value.clone() for name, value in gan.G.named_parameters()}
    trainer = Trainer(gan, 0, 1)
    trainer.train_step([{"image": torch.rand(8, 3, SIDE, SIDE) * 2 - 1}] * trainer.batches_per_step)
    assert all(
        value.isfinite().all() and not torch.equal(value, before[name]) for name, value in gan.G.named_parameters()
    )


@pytest.mark.parametrize("option", ["color=2", "translation=-0.1", "cutout=1.5"])
def test_strengths_are_shares(option):
    with pytest.raises(UsageError, match=f"diffaugment:{option.partition('=')[0]}"):
        ganzoo.build(f"dcgan+diffaugment:{option}")


def blurred(x, sigma, images_seen=0):
    """What D sees of ``x`` once so many images were seen."""
    update = Update(step=0, player="d", images_seen=images_seen)
    part = ganzoo.create("blur", sigma=sigma)
    return part.images(x, TurnContext(update, None, None, real=x, z=x, y_real=x, y_fake=x, batch={}, networks={}))


def test_blur_is_a_gaussian_filter_and_keeps_the_mean_level(images):
    wanted = ndimage.gaussian_filter(images.double().numpy(), (0, 0, 1.5, 1.5), truncate=10 / 3, mode="nearest")
    assert np.abs(blurred(images, 1.5).numpy() - wanted).max() < 2e-3
    assert torch.allclose(blurred(torch.full_like(images, 0.3), 10.0), torch.tensor(0.3), atol=1e-5)
    assert blurred(images, 0.0) is images


def test_blur_fades_by_images_and_is_gone_for_good(images):
    for seen, sigma in ((0, 10.0), (150_000, 2.5), (190_000, 0.5)):
        assert torch.allclose(blurred(images, "linear/10/0/200k", seen), blurred(images, sigma), atol=1e-6)
    assert blurred(images, 2.5).std() < blurred(images, 0.5).std() < images.std()
    assert all(blurred(images, "linear/10/0/200k", seen) is images for seen in (200_000, 10**9))


@pytest.mark.parametrize("sigma", ["-1", "linear/200/0/1k"])
def test_blur_of_other_widths_is_refused(sigma):
    with pytest.raises(UsageError, match="blur:sigma"):
        ganzoo.build(f"dcgan+blur:sigma={sigma}")
