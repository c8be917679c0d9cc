"""``ganzoo push``: publish a model folder on the Hugging Face Hub."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.paths import PATH, PLACE
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, counted, printable
from ganzoo.files.streams import is_terminal
from ganzoo.files.waiting import doing, no_status

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder
    from ganzoo.hub.push import PushRequest, PushResult
    from ganzoo.hub.space import SpaceResult
    from ganzoo.publish.push import Manifest
    from ganzoo.publish.space import SpacePush


@about(
    "share",
    """
    See what would go:
    ganzoo push runs/first my-org/dcgan-digits --license mit --dry-run
    Publish:
    ganzoo push runs/first my-org/dcgan-digits --license cc-by-4.0
    Publish, and make a Space to play with it:
    ganzoo push runs/first my-org/dcgan-digits --license cc-by-4.0 --space
    Into a folder of this machine, as the Hub would hold it:
    ganzoo push runs/first ./dcgan-digits --license mit
    """,
)
@click.command(short_help="Publish a model folder on the Hugging Face Hub.")
@click.argument("folder", type=PATH)
@click.argument("repo", type=PLACE)
@click.option("--private", is_flag=True, help="Make the repository private.")
@click.option("--revision", metavar="BRANCH", help="The branch to push to; main by default.")
@click.option("--create-pr", is_flag=True, help="Propose the change as a pull request.")
@click.option("--dry-run", is_flag=True, help="Show what would go; write and send nothing.")
@click.option("--message", metavar="TEXT", help="Of the commit; recipe and step by default.")
@click.option("--token", metavar="TOKEN", help="Of the Hub; better 'hf auth login' or HF_TOKEN, which no log sees.")
@click.option("--unscored", is_flag=True, help="Publish a model that has no score.")
@click.option("--with-discriminator", is_flag=True, help="Publish D too, so that others can fine-tune the model.")
@click.option(
    "--space",
    is_flag=False,
    flag_value="",
    metavar="[ORG/NAME]",
    help="Make a Space, too, where anybody can play with the model; of its name by default. Give it last.",
)
@click.option("--license", metavar="ID", help="Of the weights, such as mit; the one that the model states, by default.")
def push(
    folder: Path,
    repo: str,
    private: bool,
    revision: str | None,
    create_pr: bool,
    dry_run: bool,
    message: str | None,
    token: str | None,
    unscored: bool,
    with_discriminator: bool,
    space: str | None,
    license: str | None,
) -> None:
    """Publish FOLDER as REPO (organisation/name) in one commit; or write what the Hub would hold to a new ./FOLDER.

    The licence of the weights is their owner's choice: --license, else what the model states; at a terminal you are
    asked for it. Only the published files go: config, weights, scores, card and pictures; never training/. A push that
    broke off can be repeated and sends only what is missing.

    A Space (--space) is three small files beside the model, which show what 'ganzoo demo' shows. It is private where
    the model is, and of its files those that you changed are left alone.
    """
    from ganzoo.folder.model import ModelFolder
    from ganzoo.hub.push import PushRequest
    from ganzoo.hub.references import check_repo
    from ganzoo.publish.push import push as publish

    model = ModelFolder(folder)
    if repo.startswith((".", "/", "~")):
        from ganzoo.publish.push import export

        if space is not None:
            raise UsageError("--space shows a model of the Hub: push to organisation/name, or leave it out")
        _show(folder, repo, export(model, Path(repo), license, unscored, with_discriminator))
        return
    request = PushRequest(check_repo(repo), revision, private, create_pr, message, token)
    shown = _space_push(model, request, space, dry_run)
    with doing(f"publishing {folder}"):
        result = publish(
            model,
            request,
            license=license,
            unscored=unscored,
            with_discriminator=with_discriminator,
            dry_run=dry_run,
            show=shown or (lambda manifest: _show(folder, repo, manifest)),
            ask=_asking(),
        )
    if result is None:
        if shown is not None:
            _show_space(shown)
        say("nothing was written or sent; a push also makes the card anew: leave out --dry-run")
        return
    _say_pushed(result, repo, revision)
    if shown is not None:
        _say_space(shown.send(result))


def _say_pushed(result: PushResult, repo: str, revision: str | None) -> None:
    """What came of the push."""
    if result.removed:
        say(f"no longer there: {', '.join(result.removed)}")
    if not result.changed:
        say(f"nothing to send: {result.url} has these files already")
        return
    say(f"{result.url}: commit {result.commit[:7]}. To load it:")
    at = f"@{revision}" if revision else ""
    say(f'python -c \'import ganzoo; ganzoo.load("{repo}{at}").sample(16, seed=0, output="pil")\'')


def _space_push(model: ModelFolder, request: PushRequest, space: str | None, dry_run: bool) -> SpacePush | None:
    """The Space that was asked for; None for none."""
    from ganzoo.publish.space import SpacePush, space_request

    if space is None:
        return None
    asked = space_request(space or True, request)
    return SpacePush(model, request, asked, not dry_run, lambda manifest: _show(model.path, request.repo, manifest))


def _show_space(space: SpacePush) -> None:
    """The files of a Space, which are short."""
    for name, text in space.files.items():
        say(f"Space {space.space.space}, {name}:")
        for line in text.rstrip("\n").split("\n"):
            say(f"  {line}")


def _say_space(result: SpaceResult) -> None:
    if result.kept:
        say(f"left as they are there, since you changed them: {', '.join(result.kept)}")
    say(f"{result.url}: the Space, which the Hub now builds" if result.changed else f"{result.url} is up to date")


def _asking() -> Callable[[], str] | None:
    """What asks for the licence, where there is somebody to ask: at a terminal."""
    return _ask if is_terminal(sys.stdin) else None


def _ask() -> str:
    """The licence that is typed in; what the Hub does not know is asked for again."""
    from ganzoo.publish.push import EXAMPLES, check_licence

    def known(text: str) -> str:
        try:
            return check_licence(text.strip())
        except UsageError as error:
            raise click.BadParameter(str(error)) from error

    with no_status():
        return click.prompt(f"Licence of the weights ({EXAMPLES})", value_proc=known, err=True)


def _show(folder: Path, repo: str, manifest: Manifest) -> None:
    """What goes, each file with its size, and what stays."""
    say(f"{folder} -> {repo}: weights under {manifest.license}")
    width = max(map(len, manifest.sizes))
    for name, size in manifest.sizes.items():
        say(f"  {name.ljust(width)}  {spelled(size):>9}")
    say(f"  {counted(len(manifest.sizes), 'file')}, {spelled(sum(manifest.sizes.values()))}")
    if manifest.stays:
        say(f"stays here: {', '.join(printable(name, None) for name in manifest.stays)}")


def spelled(size: float) -> str:
    """Bytes in a unit that a person reads."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
