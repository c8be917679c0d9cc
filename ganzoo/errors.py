"""Errors with a message of one line: what was given, what would work, what to type next; and helpers to write it."""

import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from operator import index
from os import fsencode
from pathlib import PurePath
from unicodedata import category


def printable(text: object, longest: int | None = 400) -> str:
    """Text as a terminal or a page may show it: one line, and nothing in it is obeyed. The one escaper of ganzoo.

    Names of files and whatever stands in them may be a stranger's. Line breaks, control characters, letters that show
    as nothing or turn the line around, and bytes that are no text are written as Python writes them, ``\\x1b``.

    Args:
        text: anything.
        longest: letters that are shown; None for all.
    """
    shown = "".join(map(_shown, str(text)[: None if longest is None else longest + 1]))
    return shown if longest is None or len(shown) <= longest else f"{shown[:longest]}..."


def _shown(letter: str) -> str:
    return letter if letter.isprintable() or category(letter) == "Zs" else ascii(letter)[1:-1]


def printable_lines(text: str) -> str:
    """Text of several lines of our own with names of others in it, each line as :func:`printable` has it."""
    return "\n".join(printable(line, None) for line in text.split("\n"))


class GanzooError(Exception):
    """Something failed that a person can act on; its text is the whole message, in one line. Exit status 1."""

    status = 1

    def __init__(self, *said: object) -> None:
        super().__init__(*(printable(one, None) if isinstance(one, str) else one for one in said))


class UsageError(GanzooError):
    """What was asked for cannot be meant; nothing was touched. Exit status 2."""

    status = 2


class RecipeError(UsageError):
    """A recipe that does not parse, or whose parts do not fit together."""


class UnknownPart(RecipeError):
    """A name that nothing registered provides."""


class ResolutionError(RecipeError):
    """An image size that an architecture cannot have; ``nearest`` holds sizes that it can, as ``--resolution``
    has them: the side of squares, or height and width.
    """

    def __init__(self, message: str, nearest: tuple[int | tuple[int, int], ...]) -> None:
        super().__init__(message)
        self.nearest = nearest


class PluginError(GanzooError):
    """A plugin that cannot be loaded, or two that provide the same name."""


class DataError(GanzooError):
    """Data that is missing, empty, corrupt, or not what a recipe needs."""


class RunError(GanzooError):
    """A run folder that is locked, foreign, torn, or does not agree with what was asked."""


class ModelError(GanzooError):
    """A model folder that cannot be trusted or does not hold together."""


class PartMissing(ModelError):
    """A model with a part that no installed package brings; its text says what the model claims to need."""


class CardError(UsageError):
    """A model card whose marks do not pair up, so that writing it anew could lose a person's text."""


class HubError(GanzooError):
    """The Hugging Face Hub refused something."""


class NotOnHub(HubError):
    """A model, revision or file that the Hub does not have, or does not show to this token."""


class HubUnreachable(HubError):
    """The Hub gave no answer, or said that it cannot give one now; a copy in the cache may serve."""


def out_of_memory(error: BaseException) -> str | None:
    """What to say of an error where a device, or the machine, has no memory left; None of any other error.

    torch's is known by its name, since a command line that never imported torch asks too.
    """
    text = " ".join(str(error).split()).rpartition("DefaultCPUAllocator: ")[2]  # without where in torch it arose
    kind = type(error).__name__
    if kind not in ("OutOfMemoryError", "MemoryError") and "can't allocate memory" not in text:
        return None
    said = ". ".join(part for part in text.split(". ")[:2] if part)[:200].rstrip(".") or "there is no memory left"
    return f"{said}: take a smaller batch, smaller images or a narrower network; 'ganzoo plan' says what fits"


def nearest(name: str, choices: Iterable[str], count: int = 3) -> list[str]:
    """The ``count`` choices spelled most like ``name``, best first; fewer only where there are fewer."""
    return get_close_matches(name, sorted(set(choices)), n=count, cutoff=0.0)


def either(names: Iterable[object], joiner: str = "or") -> str:
    """Names as a list in words: ``a``, ``a or b``, ``a, b or c``; ``nothing`` for none."""
    *most, last = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(most)} {joiner} {last}" if most else last


def whole(name: str, value: object, least: int | None = None, most: int | None = None) -> int:
    """An argument that counts something, as a whole number.

    Args:
        name: of the argument, such as ``"batch"``.
        value: what was given: a number without a fraction, of Python, NumPy or torch; True and False are none.
        least, most: the range, ends included; None for no end.

    Raises:
        UsageError: for anything else, naming the argument, the value and the range.
    """
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    fits = number is not None and (least is None or number >= least) and (most is None or number <= most)
    if number is None or isinstance(value, bool) or not fits:
        allowed = "" if least is None else f" from {least} up" if most is None else f" from {least} to {most}"
        raise UsageError(f"{name}={value!r} does not work: it is a whole number{allowed}")
    return number


def command(*words: object) -> str:
    """A command line of ganzoo that can be copied into a shell: what needs quotes has them.

    Words that a terminal cannot show, such as a path of other bytes than UTF-8, are written ``$'caf\\xe9'``, which
    bash, zsh and ksh read.

    Args:
        words: after ``ganzoo``; a path object that looks like an option or a home directory gets ``./`` in front.
    """
    texts = (f"./{word}" if isinstance(word, PurePath) and str(word).startswith(("-", "~")) else word for word in words)
    return " ".join(["ganzoo", *(_quoted(str(text)) for text in texts)])


def _quoted(word: str) -> str:
    """A word as a shell takes it, in letters that can be shown."""
    if printable(word, None) == word:
        return shlex.quote(word)
    letters = (
        chr(byte) if chr(byte) not in "'\\" and 32 <= byte < 127 else f"\\x{byte:02x}" for byte in fsencode(word)
    )
    return f"$'{''.join(letters)}'"


def read_text(name: str, value: object, example: str) -> str:
    """An argument that is text, as it was given.

    Raises:
        UsageError: for anything else, naming the argument and an example.
    """
    if not isinstance(value, str):
        raise UsageError(f"{name}={value!r:.80} does not work: it is a text such as {example!r}")
    return value


def read_texts(name: str, value: object, example: str) -> Sequence[str]:
    """An argument that is one text or a list of texts, as it was given.

    Raises:
        UsageError: for anything else, naming the argument and an example.
    """
    if not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{name}={value!r:.80} does not work: it is a list of texts such as {[example]!r}")
    return value


def counted(number: int, noun: str) -> str:
    """``1 class``, ``2 classes``, ``1,000 images``."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def within(option: str, value: float | None, least: float, most: float | None = None) -> None:
    """Refuse an option's number outside [least, most]; None, which stands for a default, passes.

    Args:
        option: as a recipe writes it, such as ``"dcgan:ch"``.
        value: what was given.
        least, most: the range, ends included.

    Raises:
        UsageError: naming the option, the number and the range.
    """
    if value is None or (value >= least and (most is None or value <= most)):
        return
    allowed = f"{least:g} or more" if most is None else f"from {least:g} to {most:g}"
    shown = f"{value:g}" if float(f"{value:g}") == value else repr(value)  # or 1.0000001 would be "1"
    raise UsageError(f"{option}={shown} does not work: it is {allowed}")
