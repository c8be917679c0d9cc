"""The data sets that this package registers; builds are import strings, so that listing them imports no torch."""

from __future__ import annotations

import ganzoo


@ganzoo.hookimpl
def register_datasets(register: ganzoo.Register) -> None:
    """``image`` is what is to be made, ``source`` what it is to be made from."""
    unpaired = {"image", "source"}
    register("pairs", "ganzoo_translate.data.pairs:pairs", provides={"image", "source", "pairs"})
    register("classes", "ganzoo_translate.data.classes:classes", provides=unpaired)
    register("folders", "ganzoo_translate.data.folders:folders", provides=unpaired)
    register("cartoon", "ganzoo_translate.data.cartoon:cartoon", provides=unpaired)
    register(
        "rendered-digits",
        "ganzoo_translate.data.digits:rendered_digits",
        provides=unpaired | {"source_label"},
        paper="arxiv:1612.07828",
    )
