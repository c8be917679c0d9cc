"""Editing on the manifold of a generator (iGAN, Zhu et al. 2016, arXiv 1609.03552): a photo's latents, and a canvas.

``ganzoo project`` finds the noise, or the w, whose image is nearest to a photo; ``ganzoo paint`` lets a person draw on
an image and moves its noise so that the model follows; ``ganzoo steer`` has a slider for each direction of a model.
They work with every noise-to-image model of ganzoo. In Python: :func:`project_photo`.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ganzoo
    from ganzoo_edit.projection import Projection

__all__ = ["project_photo"]


def project_photo(
    gan: ganzoo.GAN,
    photo: str | PathLike[str],
    *,
    space: str | None = None,
    label: int | str | None = None,
    find_noise: bool = False,
    crop: bool = False,
    pixels: str = "l2",
    features: str | None = None,
    feature_weight: float = 0.05,
    **search: Any,
) -> Projection:
    """Find the latents whose image is nearest to a photo, as ``ganzoo project`` does, without its encoder.

    Args:
        gan: a model that draws from noise; it is left in eval mode, in float32, without gradients.
        photo: a picture in any format that Pillow reads by itself.
        space: ``"z"``, ``"w"`` or ``"w+"``; w where there is one by default.
        label: the class, by number or name; by default every class takes part.
        find_noise: find the noise of layers, too.
        crop: take the middle of a photo of other proportions.
        pixels: ``"l2"`` or ``"l1"``.
        features: of a feature term: ``"lpips"``, ``"perceptual"`` or a network's name; None for none.
        feature_weight: of that term.
        search: ``steps``, ``starts``, ``draws``, ``seed`` and ``prior``: see :class:`ganzoo_edit.projection.Search` and
            :class:`ganzoo_edit.styled.StyleSearch`.

    Returns:
        The projection: ``image`` ``(C, H, W)`` in [0, 1], ``psnr`` in dB, and ``place.latents()``, which
        ``gan.sample(latents=...)`` draws again.

    Raises:
        UsageError: the model has no such space, class or noise, or the photo other proportions.
        DataError: the photo cannot be read.

    Example:
        >>> found = ganzoo_edit.project_photo(gan, "photo.png", space="w+", steps=500)
    """
    from ganzoo_edit.manifold import Manifold
    from ganzoo_edit.nearness import Nearness
    from ganzoo_edit.photo import read_photo
    from ganzoo_edit.projection import project, search_in

    manifold = Manifold(gan, "the model", painted=False)
    wanted = search_in(manifold, space, find_noise, **search)
    number = None if label is None else gan.class_numbers([label])[0]
    image, _ = read_photo(Path(photo), manifold.size, crop)
    near = Nearness((image / 255).to(manifold.device), pixels, features, feature_weight)
    return project(manifold, near, wanted, label=number)
