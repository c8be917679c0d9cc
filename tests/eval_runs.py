"""``ganzoo eval`` as it is typed, for the tests of what comes of scores."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from ganzoo.cli import main

NETWORK = "test_efficientnet:random"


def ganzoo(*words: object, status: int = 0) -> Result:
    """``ganzoo`` with these words, which ends with this status."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done


def evaluate(run: Path, letters: Path, *words: object, status: int = 0) -> Result:
    """A run measured against a folder of pictures, with a tiny network of features."""
    return ganzoo("eval", run, "--data", letters, "-n", 20, "--features", NETWORK, *words, status=status)
