"""Weights of other projects: their files read without running anything of them, and made models of ganzoo.

A converter is one file: a table that says which of our tensors each of a peer's is, and what tells the peer's files.
``@ganzoo.hookimpl def register_converters(register)`` makes one known.
"""

from ganzoo.foreign.converter import Converted, Converter, averaged, state_dicts
from ganzoo.foreign.files.reading import ForeignFile, read_foreign
from ganzoo.foreign.files.recorded import Recorded
from ganzoo.foreign.keys import Line, highest, line, renamed
from ganzoo.foreign.spectral import plain_iterated, plain_spectral

__all__ = [
    "Converted",
    "Converter",
    "ForeignFile",
    "Line",
    "Recorded",
    "averaged",
    "highest",
    "line",
    "plain_iterated",
    "plain_spectral",
    "read_foreign",
    "renamed",
    "state_dicts",
]
