"""Sending a model's files in one commit on top of what was looked at, so that nobody's change is lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import HubError, HubUnreachable, UsageError, either
from ganzoo.files.hub_cache import content_digest
from ganzoo.files.untrusted import printable
from ganzoo.folder.layout import CARD, LICENCE, largest
from ganzoo.hub.client import LOGIN, ODD_SHAPE, client, has_token, hub_errors, page
from ganzoo.hub.download import COMMIT, Listing, listing
from ganzoo.hub.references import check_repo

MAIN = "main"

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class PushRequest:
    """A push as it was asked for.

    Attributes:
        repo: ``org/name``; made if it is not there.
        revision: the branch, made if it is not there; ``main`` by default.
        private: make the repository private.
        create_pr: propose the change and leave the branch alone.
        message: of the commit.
        token: of the Hub; that of the login by default.
    """

    repo: str
    revision: str | None = None
    private: bool = False
    create_pr: bool = False
    message: str | None = None
    token: str | None = None

    def check(self) -> None:
        """Refuse what cannot be meant, before anything is done.

        Raises:
            UsageError: for no repository, or a proposal to another branch than main.
            HubError: there is no token.
        """
        check_repo(self.repo)
        if self.create_pr and self.revision not in (None, MAIN):
            raise UsageError(f"--create-pr proposes a change to main: leave out --revision {self.revision}")
        if not has_token(self.token):
            raise HubError(f"a push needs a token with the right to write: {LOGIN}")


@dataclass(frozen=True)
class PushResult:
    """What came of a push.

    Attributes:
        commit: its id; the one that was there, when nothing had changed.
        changed: whether there is a new commit.
        removed: published files that were there and are no longer in the folder; never a licence, as somebody may have
            put it there by hand.
        url: the page to look at.
    """

    commit: str
    changed: bool
    removed: tuple[str, ...]
    url: str


def send(folder: Path, names: Sequence[str], request: PushRequest, summary: str) -> PushResult:
    """Make the published files of a repository those of a folder; other files there are left alone.

    Files that arrived with an earlier push, or a broken one, are not sent again.

    Args:
        folder: where the files are; nothing writes to them.
        names: of the files.
        request: the repository and how to change it.
        summary: what the commit says by default.

    Raises:
        HubError: what the Hub refused; the text says what to do.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    with hub_errors(request.repo, request.token, request.revision):
        api = client(request.token)
        check_text((folder / CARD).read_text(encoding="utf-8"), request.repo)
        there = _prepare(api, request)
        old = {file.rfilename for file in there.siblings or [] if isinstance(file.rfilename, str)} - set(names)
        removed = tuple(name for name in sorted(old) if largest(name) is not None and name != LICENCE)
        sent = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names]
        gone = [CommitOperationDelete(path_in_repo=name, is_folder=False) for name in removed]
        done = _commit(api, request, [*gone, *sent], there.sha, summary)
        _compare(api, request, done.oid, sent)
    return PushResult(done.oid, done.oid != there.sha, removed, done.pr_url or page(request.repo))


def _commit(api: Any, request: PushRequest, changes: list[Any], parent: str, summary: str) -> Any:
    """Make the commit; of an answer that says nothing of it, say where it can be seen whether it was made.

    Raises:
        HubUnreachable: there is no telling.
    """
    try:
        done = api.create_commit(
            request.repo,
            changes,
            commit_message=request.message or summary,
            revision=request.revision,
            create_pr=request.create_pr,
            parent_commit=parent,
        )
        if COMMIT.fullmatch(done.oid):
            return done
        error: Exception = ValueError(printable(done.oid, 80))
    except (*ODD_SHAPE, ValueError) as odd:
        if isinstance(odd, OSError):  # a refusal, which says what it is
            raise
        error = odd
    raise HubUnreachable(
        f"the Hub's answers to the push are not understood ({type(error).__name__}: {printable(error, 200)}): see at"
        f" {page(request.repo)}/commits/{request.revision or MAIN} whether it was made; it may be repeated, and sends"
        " nothing twice"
    ) from error


def _compare(api: Any, request: PushRequest, commit: str, sent: Sequence[Any]) -> None:
    """Make sure that a commit holds what was sent.

    Raises:
        HubError: it holds something else.
    """
    repo = request.repo
    try:
        with hub_errors(repo, request.token, commit):
            held = listing(api, repo, commit)
    except HubUnreachable as error:
        log.warning("%s was pushed, but could not be compared with what was sent: %s", repo, error)
        return
    other = [one.path_in_repo for one in sent if not _held(held, one)]
    if other:
        raise HubError(
            f"the Hub holds something else than was sent as {either(other[:3], 'and')}: look at"
            f" {page(repo)}/tree/{commit}, then push again"
        )


def _held(held: Listing, sent: Any) -> bool:
    """Whether a commit holds a file as it was sent."""
    name = sent.path_in_repo
    if held.sizes.get(name) != sent.upload_info.size:
        return False
    listed = held.digests.get(name)
    with sent.as_file() as file:
        return listed is None or content_digest(file, listed) == listed


def check_text(card: str, repo: str, kind: str = "model") -> None:
    """Let the Hub look at a card, before there is a repository; the client itself would do so only after.

    Args:
        card: the text of ``README.md``.
        repo: that it is for.
        kind: of repository: ``"model"`` or ``"space"``.

    Raises:
        HubError: what is wrong with it.
    """
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.utils import get_session, hf_raise_for_status

    answer = get_session().post(f"{ENDPOINT}/api/validate-yaml", json={"content": card, "repoType": kind})
    if answer.status_code == 400:
        said = printable(_wrong(answer.text), 300)
        raise HubError(f"the Hub refuses the card of the {kind} for {repo}: {said}; see ganzoo card")
    hf_raise_for_status(answer)


def _wrong(text: str) -> str:
    """What the Hub says is wrong with a card: its answer holds a list."""
    try:
        return "; ".join(str(error["message"]) for error in json.loads(text)["errors"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())


def _prepare(api: Any, request: PushRequest) -> Any:
    """What is there, once there is a repository and a branch to push to.

    Raises:
        HubError: it is public already and was to be private.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        there = _looked_at(api, request.repo)
    except RepositoryNotFoundError:
        if request.create_pr:
            raise
        api.create_repo(request.repo, private=request.private or None, exist_ok=True)
        there = _looked_at(api, request.repo)
    if request.private and not there.private:
        raise HubError(
            f"{request.repo} is there already, and public: change that at {page(request.repo)}/settings first"
        )
    if request.revision in (None, MAIN):
        return there
    try:
        return _looked_at(api, request.repo, request.revision)
    except RevisionNotFoundError:
        api.create_branch(request.repo, branch=request.revision, exist_ok=True)
        return _looked_at(api, request.repo, request.revision)


def _looked_at(api: Any, repo: str, revision: str | None = None) -> Any:
    """What is there now, at a commit that has a name.

    Raises:
        HubUnreachable: the answer names none.
    """
    there = api.model_info(repo, revision=revision)
    if not isinstance(there.sha, str) or not COMMIT.fullmatch(there.sha):
        raise HubUnreachable(f"the Hub names no commit of {repo}; see {page(repo)}")
    return there
