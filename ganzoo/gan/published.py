"""A GAN as a folder and on the Hub: saved, loaded and pushed under the names that other libraries have for it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.registry.entry import resolve

if TYPE_CHECKING:
    from typing_extensions import Self

# By their names: what writes folders, pictures and cards, and what asks the Hub, stands above this room.
SAVE, LOAD, PUSH = "ganzoo.publish.save:save", "ganzoo.api:load", "ganzoo.publish.hub:push_gan"


class Published:
    """What brings a GAN to others, and theirs here."""

    def save(
        self,
        folder: str | PathLike[str],
        *,
        data: str = "unknown",
        step: int = 0,
        seed: int = 0,
        license: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a model folder that ``ganzoo.load``, ``ganzoo eval`` and ``ganzoo push`` read: for a loop of one's own.

        It holds ``config.json``, the generator side as it is now, samples and a card: all of that, or nothing. D and
        optimisers are not in it; ``torch.save`` keeps those.

        Args:
            folder: a new one; a path that holds nothing yet.
            data: what it was trained on, in a word or two, for the card; never a path.
            step: how many steps it was trained.
            seed: of the training, and of the samples.
            license: of the weights, such as ``"mit"``; to be chosen when it is pushed, by default.
            overwrite: replace the model that was saved in ``folder`` before, of the same recipe and size.

        Returns:
            The folder.

        Raises:
            UsageError: the folder holds something else, or the networks are no longer those of the recipe.
            RunError: it cannot be written.

        Example:
            >>> gan.save("runs/mine", data="my photos", step=10_000)
            >>> ganzoo.load("./runs/mine").sample(16, seed=0, output="pil")
        """
        facts = {"data": data, "step": step, "seed": seed, "license": license}
        made: Path = resolve(SAVE)(self, folder, facts, overwrite)
        return made

    def save_pretrained(self, save_directory: str | PathLike[str], **facts: Any) -> Path:
        """:meth:`save` under the name that it has in other libraries of the Hub.

        Args:
            save_directory: a new folder.
            facts: as :meth:`save` takes them: ``data``, ``step``, ``seed``, ``license``, ``overwrite``.
        """
        return self.save(save_directory, **facts)

    @classmethod
    def from_pretrained(cls, ref: str | PathLike[str], **options: Any) -> Self:
        """:func:`ganzoo.load` under the name that it has in other libraries of the Hub.

        Args:
            ref: ``"org/name"``, the name of a shipped model, or a folder.
            options: as :func:`ganzoo.load` takes them: ``device``, ``dtype``, ``revision``, ``token``, ``step``.
        """
        gan: Self = resolve(LOAD)(ref, **options)
        return gan

    def push_to_hub(
        self,
        repo: str,
        *,
        license: str | None = None,
        data: str = "unknown",
        step: int = 0,
        seed: int = 0,
        unscored: bool = False,
        private: bool = False,
        revision: str | None = None,
        create_pr: bool = False,
        message: str | None = None,
        token: str | None = None,
    ) -> str:
        """Publish the generator as it is now; :func:`ganzoo.push` publishes a folder, scores and all.

        Args:
            repo: ``"org/name"``; made if it is not there.
            license: of the weights, such as ``"mit"``; nobody but their owner can choose one.
            data, step, seed: as in :meth:`save`.
            unscored: yes, publish a model that has no score: weights that were just saved have none.
            private: make the repository private.
            revision: the branch; ``main`` by default.
            create_pr: propose the change and leave the branch alone.
            message: of the commit; recipe and step by default.
            token: of the Hub; that of ``hf auth login`` or ``HF_TOKEN`` by default.

        Returns:
            The page to look at.

        Raises:
            UsageError: no licence, or no leave to publish without a score.
            HubError: what the Hub refused; the text says what to do.
        """
        facts = {"data": data, "step": step, "seed": seed, "license": license}
        options = {"private": private, "revision": revision, "create_pr": create_pr, "message": message, "token": token}
        page: str = resolve(PUSH)(self, repo, facts, unscored, options)
        return page
