"""The words and pieces of words that BERT's uncased models read.

WordPiece as BERT (Devlin et al. 2018, arXiv 1810.04805) has it: lower case, accents off, punctuation apart, and of each
word the longest known piece first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
LONGEST_WORD = 100  # letters; a longer one is unknown
MOST = 256  # tokens of a sentence, both marks included
CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def tokens(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The numbers of a sentence's pieces, between those of both marks, :data:`MOST` at most."""
    found = [vocabulary[piece] for word in words(text) for piece in pieces(word, vocabulary)]
    return [vocabulary[START], *found[: MOST - 2], vocabulary[END]]


def words(text: str) -> list[str]:
    """Words in lower case without accents; punctuation and Chinese characters are words of their own."""
    plain = unicodedata.normalize("NFD", "".join(_cleaned(text)).lower())
    letters = (letter for letter in plain if unicodedata.category(letter) != "Mn")
    return "".join(f" {letter} " if _stands_alone(letter) else letter for letter in letters).split()


def _cleaned(text: str) -> Iterator[str]:
    """Without control characters; every kind of space is one."""
    for letter in text:
        if letter in "\t\n\r" or unicodedata.category(letter) == "Zs":
            yield " "
        elif letter not in "\0\ufffd" and not unicodedata.category(letter).startswith("C"):
            yield letter


def _stands_alone(letter: str) -> bool:
    code = ord(letter)
    ascii_sign = 33 <= code <= 126 and not letter.isalnum()
    chinese = any(first <= code <= last for first, last in CHINESE)
    return ascii_sign or chinese or unicodedata.category(letter).startswith("P")


def pieces(word: str, vocabulary: Mapping[str, int]) -> list[str]:
    """A word as known pieces, those after the first marked with ``##``; unknown if it has no such parts."""
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    found: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if mark + word[start:end] in vocabulary), None)
        if end is None:
            return [UNKNOWN]
        found.append(mark + word[start:end])
        start = end
    return found
