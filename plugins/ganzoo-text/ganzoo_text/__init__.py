"""Text to image: StackGAN, and data with a caption for each image.

``ganzoo train stackgan --data captions:cifar10`` learns to draw what a caption says, ``ganzoo sample MODEL --text ...``
draws it, and ``ganzoo caption-accuracy`` measures whether captions steer the class.
"""

from __future__ import annotations

import ganzoo


@ganzoo.hookimpl
def register_architectures(register: ganzoo.Register) -> None:
    """``stackgan``, whose two stages have a critic each."""
    register(
        "stackgan",
        "ganzoo_text.networks:stackgan",
        networks={"G": "g", "D1": "d", "D2": "d"},
        game="ganzoo_text.game:StackGame",
        requires={"text"},
        provides={"features", "maps", "noise"},
        implies=("bn",),
        train={"init": "normal"},
        paper="arxiv:1612.03242",
    )


@ganzoo.hookimpl
def register_datasets(register: ganzoo.Register) -> None:
    """Captions made of class names, and captions that somebody wrote."""
    register("captions", "ganzoo_text.captions:captions", provides={"image", "label", "text"})
    register("captioned", "ganzoo_text.captions:captioned", provides={"image", "text"})


@ganzoo.hookimpl
def register_metrics(register: ganzoo.Register) -> None:
    """Whether captions steer the class."""
    register("caption-accuracy", "ganzoo_text.accuracy:CaptionAccuracy", requires={"model"}, paper="arxiv:1807.09499")
