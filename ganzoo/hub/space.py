"""A Space of the Hub that shows a model: what is there already, and three small files in one commit on top of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import HubError, HubUnreachable, UsageError
from ganzoo.hub.client import client, hub_errors, page
from ganzoo.hub.download import COMMIT, PATIENCE
from ganzoo.hub.push import check_text

KIND, SDK, APP = "space", "gradio", "app.py"
MARK = "Written by 'ganzoo push --space', which replaces this file while this line stands in it."
LARGEST = 1 << 20  # bytes of a file of ours


@dataclass(frozen=True)
class SpaceRequest:
    """A Space as it was asked for.

    Attributes:
        space: ``org/name``; made if it is not there.
        model: the repository of the model that it shows.
        private: make it private; it is private, too, where the model is.
        token: of the Hub; that of the login by default.
    """

    space: str
    model: str
    private: bool = False
    token: str | None = None

    @property
    def label(self) -> str:
        """What errors call it, which is where its page is."""
        return f"spaces/{self.space}"


@dataclass(frozen=True)
class SpaceResult:
    """What came of it.

    Attributes:
        url: the page to look at.
        changed: whether there is a new commit.
        kept: files that a person changed, and that were left as they are.
    """

    url: str
    changed: bool
    kept: tuple[str, ...]


def check_space(request: SpaceRequest, readme: str) -> None:
    """Refuse what cannot become the Space of a model, before the model is sent.

    Args:
        request: the Space.
        readme: its ``README.md``, which the Hub looks at.

    Raises:
        UsageError: a Space of that name is there that ganzoo did not make.
        HubError: it is public, and the model is not; or what the Hub refused.
    """
    with hub_errors(request.label, request.token):
        api = client(request.token)
        check_text(readme, request.label, KIND)
        there = _there(api, request)
        if there is not None:
            _refuse_public(api, request, there)
            _refuse_others(api, request, there)


def send_space(request: SpaceRequest, files: Mapping[str, str]) -> SpaceResult:
    """Make the Space, or bring its files up to date; those that a person changed are left alone.

    Args:
        request: the Space.
        files: texts by name; each holds :data:`MARK`.

    Raises:
        UsageError, HubError: as :func:`check_space`, and what the Hub refused.
    """
    from huggingface_hub import CommitOperationAdd

    with hub_errors(request.label, request.token):
        api = client(request.token)
        there = _there(api, request)
        if there is None:
            private = _is_private(api, request) or None
            api.create_repo(request.space, repo_type=KIND, space_sdk=SDK, private=private, exist_ok=True)
            there = api.repo_info(request.space, repo_type=KIND, timeout=PATIENCE)
        _refuse_public(api, request, there)
        parent = _commit_of(there, request)
        held = {name: text for name in files if (text := _text(api, request, there, name)) is not None}
        fresh = not _ours(held.get(APP))  # what the Hub puts into a new Space is nobody's
        _refuse_others(api, request, there)
        kept = tuple(name for name, text in held.items() if not (fresh or _ours(text)))
        changes = {name: text for name, text in files.items() if name not in kept and held.get(name) != text}
        if changes:
            done = api.create_commit(
                request.space,
                [
                    CommitOperationAdd(path_in_repo=name, path_or_fileobj=text.encode())
                    for name, text in changes.items()
                ],
                commit_message=f"Show {request.model}",
                repo_type=KIND,
                parent_commit=parent,
            )
            if not COMMIT.fullmatch(str(done.oid)):
                raise HubUnreachable(f"the Hub does not say whether it made the Space: see {page(request.label)}")
    return SpaceResult(page(request.label), bool(changes), kept)


def _there(api: Any, request: SpaceRequest) -> Any:
    """The Space as it is; None where there is none."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        return api.repo_info(request.space, repo_type=KIND, timeout=PATIENCE)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        return None


def _commit_of(there: Any, request: SpaceRequest) -> str:
    if not isinstance(there.sha, str) or not COMMIT.fullmatch(there.sha):
        raise HubUnreachable(f"the Hub names no commit of {request.label}; see {page(request.label)}")
    return there.sha


def _is_private(api: Any, request: SpaceRequest) -> bool:
    """Whether the Space has to be private: so that it tells nobody of a model that is."""
    from huggingface_hub.errors import RepositoryNotFoundError

    if request.private:
        return True
    try:
        return bool(api.model_info(request.model, timeout=PATIENCE).private)
    except RepositoryNotFoundError:
        return False  # it is to be made, and public


def _refuse_public(api: Any, request: SpaceRequest, there: Any) -> None:
    if not there.private and _is_private(api, request):
        raise HubError(
            f"the Space {request.space} is there already, and public, and would tell of {request.model}, which is"
            f" private: change that at {page(request.label)}/settings first, or name another: --space ORG/NAME"
        )


def _refuse_others(api: Any, request: SpaceRequest, there: Any) -> None:
    """Refuse a Space with an app that is not ours."""
    text = _text(api, request, there, APP)
    if text is not None and not _ours(text):
        raise UsageError(
            f"the Space {request.space} is there already, and its {APP} is not what ganzoo writes: name another,"
            f" --space ORG/NAME, or delete that file at {page(request.label)}/tree/main"
        )


def _ours(text: str | None) -> bool:
    return text is not None and MARK in text


def _text(api: Any, request: SpaceRequest, there: Any, name: str) -> str | None:
    """A file of the Space at the commit that was looked at; None where it is not there."""
    if name not in [one.rfilename for one in there.siblings or []]:
        return None
    path = Path(api.hf_hub_download(request.space, name, repo_type=KIND, revision=_commit_of(there, request)))
    with path.open("rb") as file:
        return file.read(LARGEST).decode(errors="replace")
