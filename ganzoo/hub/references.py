"""What a reference means: a folder, a model of the Hub, or a model by its bare name. Never a guess."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ganzoo.errors import UsageError
from ganzoo.files.paths import to_path

ORGANISATION, DEFAULT = "GANZOO_ORG", "ganzoo-models"
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
REVISION = r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}"
REFERENCE = re.compile(rf"(?P<model>{NAME}(?P<slash>/{NAME})?)(?:@(?P<revision>{REVISION}))?")
FOLDER = (".", "/", "~")
FORMS = "write org/name or org/name@revision for a model of the Hub, a bare name, or a folder as ./folder"


@dataclass(frozen=True)
class Reference:
    """A reference, taken apart: one of ``folder``, ``repo`` (``org/name``) and ``name`` is set.

    Attributes:
        folder: a folder of this machine.
        repo: a model of the Hub.
        name: a model that ganzoo ships, or of the default organisation.
        revision: branch, tag or commit; None for the newest, and for folders.
    """

    folder: Path | None = None
    repo: str | None = None
    name: str | None = None
    revision: str | None = None


def parse(ref: str | PathLike[str], revision: str | None = None) -> Reference:
    """Take a reference apart; looks at no disk and at no network.

    Args:
        ref: a path object, text with ``.``, ``/`` or ``~`` in front, ``org/name``, or a bare name; the last two may
            end in ``@revision``.
        revision: the same as ``@revision``.

    Raises:
        UsageError: for text that is none of these, and for a revision of a folder.
    """
    if not isinstance(ref, (str, PathLike)) or isinstance(ref, bytes):
        raise UsageError(f"{ref!r:.80} is no model: {FORMS}")
    if not isinstance(ref, str) or ref.startswith(FOLDER):
        if revision is not None:
            raise UsageError(f"{ref} is a folder: it has no revision {revision!r}; leave the revision out")
        return Reference(folder=to_path(ref))
    found = REFERENCE.fullmatch(ref)
    if found is None or ".." in found["model"] or "--" in found["model"]:
        raise UsageError(f"{ref!r} is no model: {FORMS}")
    if revision is not None and found["revision"] not in (None, revision):
        raise UsageError(f"{ref} names one revision and revision={revision!r} another; keep one")
    wanted = found["revision"] or revision
    if wanted is not None and (not re.fullmatch(REVISION, wanted) or ".." in wanted):
        raise UsageError(f"{wanted!r} is no revision: give a branch, a tag or a commit, such as main")
    if found["slash"]:
        return Reference(repo=found["model"], revision=wanted)
    return Reference(name=found["model"], revision=wanted)


def check_repo(repo: str) -> str:
    """``org/name`` as something to push to.

    Raises:
        UsageError: for anything else, a bare name and a revision included.
    """
    try:
        asked = parse(repo)
    except UsageError:
        asked = Reference()
    if asked.repo is None or asked.revision is not None:
        raise UsageError(f"{repo!r} is no repository: write organisation/name, such as my-org/dcgan-digits")
    return asked.repo


def default_repo(name: str) -> str:
    """Where the Hub has the model that is called ``name`` alone.

    Raises:
        UsageError: ``GANZOO_ORG`` is no organisation.
    """
    organisation = os.environ.get(ORGANISATION) or DEFAULT
    if not re.fullmatch(NAME, organisation):
        raise UsageError(f"{ORGANISATION}={organisation!r} is no organisation of the Hub; unset it, or give its name")
    return f"{organisation}/{name}"
