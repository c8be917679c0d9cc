"""The client of the Hub: made with a token that is well formed, its exceptions turned into one line each."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, HubError, HubUnreachable, NotOnHub, UsageError
from ganzoo.registry.about import VERSION

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LOGIN = "type 'hf auth login' or set HF_TOKEN"
TOKEN = re.compile(r"[!-~]{1,500}")  # what a header can carry: the client would show any other in its error
BUSY = (408, 429)
CLIENT = "huggingface_hub"
ODD_SHAPE = (  # what the client trips over where an answer is none that the Hub gives
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    UnicodeError,
    JSONDecodeError,
)
LONGEST_WAIT = 30  # seconds between two tries

log = logging.getLogger("ganzoo")


def client(token: str | None = None) -> HfApi:
    """A client that sends ``token``, or the one that the machine is logged in with, if any.

    Raises:
        UsageError: for a token that no header can carry; the message does not hold it.
    """
    from huggingface_hub import HfApi

    known = token if token is not None else _saved_token()
    if known is not None and not TOKEN.fullmatch(known):
        raise UsageError("the token of the Hub holds spaces or other letters that no token has; copy it again")
    return HfApi(token=token, library_name="ganzoo", library_version=VERSION)


def _saved_token() -> str | None:
    from huggingface_hub import get_token

    return get_token()


def has_token(token: str | None = None) -> bool:
    """Whether there is a token to send: ``token`` itself, ``HF_TOKEN``, or that of ``hf auth login``."""
    return (token if token is not None else _saved_token()) is not None


def page(repo: str) -> str:
    """The address of a model's page."""
    from huggingface_hub.constants import ENDPOINT

    return f"{ENDPOINT}/{repo}"


@contextmanager
def hub_errors(repo: str, token: str | None = None, revision: str | None = None) -> Iterator[None]:
    """Raise what the client says inside as one line of ganzoo's.

    Args:
        repo: that is asked about.
        token: that was given, if one was; it never appears in a message.
        revision: that was asked for.

    Raises:
        NotOnHub: there is no such model, revision or file, for this token.
        HubUnreachable: no answer, or one that says to come back later.
        HubError: any other refusal.
    """
    from huggingface_hub.utils import httpx

    expected = (OSError, RuntimeError, ValueError, httpx.RequestError, httpx.InvalidURL)
    try:
        with _patience_has_an_end(repo):
            yield
    except Exception as error:
        # What the client trips over, when an answer is of another shape than the Hub's, can be any exception; one that
        # arose outside of it is a mistake of ours, and stays what it is.
        if isinstance(error, GanzooError) or not (isinstance(error, expected) or _of_the_client(error)):
            raise
        raise _said(error, repo, token if token is not None else _saved_token(), revision or "main") from error


def _of_the_client(error: BaseException) -> bool:
    """Whether an exception came out of the client's code, or that of what it is made of."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] == CLIENT:
            return True
        trace = trace.tb_next
    return False


@contextmanager
def _patience_has_an_end(repo: str) -> Iterator[None]:
    """Let the client wait as a server asks it to, but not for minutes, and say it: it would wait for days."""
    from huggingface_hub.utils import get_session

    def look(response: Any) -> None:
        wait = _asked_to_wait(response)
        if wait is None:
            return
        if wait > LONGEST_WAIT:
            raise HubUnreachable(f"the Hub asks to come back in {in_words(wait)} about {repo}: try again then")
        log.warning("the Hub is busy, and asks to wait for %s", in_words(wait))

    session = get_session()
    before = session.event_hooks
    session.event_hooks = {**before, "response": [*before.get("response", []), look]}
    try:
        yield
    finally:
        session.event_hooks = before


def _asked_to_wait(response: Any) -> int | None:
    """Seconds that an answer of a busy server asks its client to wait; None for other answers.

    Both of the headers that the client obeys are looked at.
    """
    from huggingface_hub.utils import parse_ratelimit_headers

    if response.status_code not in BUSY and response.status_code < 500:
        return None
    limit = parse_ratelimit_headers(response.headers)
    if response.status_code == 429 and limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds
    asked = response.headers.get("Retry-After", "").strip()
    return int(asked[:12]) if asked.isascii() and asked.isdigit() else None


def in_words(seconds: int) -> str:
    """A time as a person says it: seconds up to two minutes, else minutes, hours or days."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{round(seconds / unit):,} {name}"
    return f"{seconds} s"


def _said(error: Exception, repo: str, secret: str | None, revision: str) -> HubError:
    """What the client's exception means; one that only wraps another means what that means."""
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx

    if isinstance(error, (RuntimeError, errors.LocalEntryNotFoundError)) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, HubError):  # that the client wrapped
        return error
    if isinstance(error, errors.HfHubHTTPError):
        return _answered(error, repo, secret, revision)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubUnreachable(f"the Hub is not asked for {repo}: HF_HUB_OFFLINE is set; unset it to download")
    if isinstance(error, errors.HFValidationError):
        return HubError(f"the Hub has no models called {repo!r}: {_one_line(error, secret)}")
    if isinstance(error, (httpx.TransportError, ConnectionError, errors.LocalEntryNotFoundError)):
        return HubUnreachable(f"the Hub cannot be reached for {repo}: {_one_line(error, secret)}; check the network")
    if isinstance(error, ODD_SHAPE):
        return HubUnreachable(
            f"what answers in the place of the Hub about {repo} is not understood ({type(error).__name__}:"
            f" {_one_line(error, secret)}): a network that wants a sign-in, HF_ENDPOINT, or a fault of the Hub; see"
            f" {page(repo)}"
        )
    if isinstance(error, OSError) and error.errno is not None:
        return HubError(f"cannot keep {repo} in the Hub's cache: {_one_line(error, secret)}; make room, or set HF_HOME")
    return HubError(f"the exchange with the Hub about {repo} failed: {_one_line(error, secret)}; try it again")


def _answered(error: Any, repo: str, secret: str | None, revision: str) -> HubError:
    """The meaning of an answer of the Hub, by status and kind; its wording is not relied on."""
    from huggingface_hub import errors

    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError):
        then = "wait until its authors let you in" if secret else LOGIN
        return NotOnHub(f"{repo} is gated: accept its terms at {page(repo)}, then {then}")
    if isinstance(error, errors.RepositoryNotFoundError):
        if secret:
            return NotOnHub(f"the Hub has no model {repo}, or your token may not read it: check the name and the token")
        return NotOnHub(f"the Hub has no public model {repo}: check the name; for a private model {LOGIN}")
    if isinstance(error, errors.RevisionNotFoundError):
        return NotOnHub(f"{repo} has no revision {revision!r}: see {page(repo)}/commits/main")
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return NotOnHub(f"{repo} is no whole model of ganzoo: a file is missing there; see {page(repo)}/tree/main")
    if status == 401:
        return HubError(f"the Hub does not know the token that was sent: make another and {LOGIN}")
    if status == 403:
        return HubError(f"your token may not do this to {repo}: make one with the right to write, and {LOGIN}")
    if status == 412:
        return HubError(f"{repo} was changed by somebody else meanwhile: look at {page(repo)}, then push again")
    if status in BUSY or status >= 500:
        wait = _asked_to_wait(error.response)
        when = "later" if wait is None else f"in {in_words(wait)}, as it asks"
        return HubUnreachable(f"the Hub answers {status} about {repo}: it is busy or down; try again {when}")
    return HubError(f"the Hub refuses this about {repo} ({status}): {_one_line(error, secret)}")


def _one_line(error: BaseException, secret: str | None) -> str:
    """A message of the client or of a server on one line, without what a terminal would obey or a token."""
    from ganzoo.files.untrusted import printable

    text = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    return printable(re.sub(r"hf_\w+", "hf_...", text.replace(secret, "...") if secret else text), 300)
