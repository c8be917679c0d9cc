"""Numbers as a card has them."""

from __future__ import annotations

from ganzoo.card.markdown import Markdown


def shown(value: float) -> Markdown:
    """A number as a table has it: two decimals, three for a share, three digits of what is smaller."""
    return Markdown(f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3f}" if abs(value) >= 0.1 else f"{value:.3g}")


def number(value: object) -> object:
    """A whole number with commas between its thousands, another with four digits; anything else as it is."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return f"{value:,}" if type(value) is int else value
