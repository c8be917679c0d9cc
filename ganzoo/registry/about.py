"""What this release is called, and how it is installed: read by :mod:`ganzoo`, ``pyproject.toml`` and all that hints.

The package that is imported, the command and the repository are ``ganzoo``; on PyPI that name is a stranger's, so what
is installed is called :data:`DISTRIBUTION`. Every command to install it has a lower bound.
"""

from __future__ import annotations

VERSION = "0.2.0"
DISTRIBUTION = "ganzoo-core"
FORMER = "ganzoo"  # what the distribution was called in checkouts of 0.1.0; on PyPI a stranger's package of 2018
NAMES = frozenset({DISTRIBUTION, FORMER})  # no plugin's package may be called one of these
HOME = f"https://pypi.org/project/{DISTRIBUTION}/"
MODELS_DISTRIBUTION = "ganzoo-models"  # has the models of model_cards/, for whom there is no checkout
SINCE = "0.2"  # the first release called DISTRIBUTION


def requirement(*extras: str, at_least: str = SINCE) -> str:
    """ganzoo as a requirement (PEP 508), such as ``ganzoo-core[hf]>=0.2``.

    Args:
        extras: optional groups of packages to install with it.
        at_least: the oldest version that will do.
    """
    return f"{DISTRIBUTION}{'[' + ','.join(extras) + ']' if extras else ''}>={at_least}"


def install(*extras: str, at_least: str = SINCE, upgrade: bool = False) -> str:
    """The command that installs ganzoo, such as ``pip install 'ganzoo-core[hf]>=0.2'``: safe to type in a shell.

    Args:
        extras: optional groups of packages to install with it.
        at_least: the oldest version that will do; text that holds no quote.
        upgrade: take the newest version, though one that would do is installed.
    """
    return f"pip install {'--upgrade ' if upgrade else ''}'{requirement(*extras, at_least=at_least)}'"


def install_exactly(version: str) -> str:
    """The command that installs one version of ganzoo, which is that of another machine, say; it holds no quote."""
    return f"pip install '{DISTRIBUTION}=={version}'"
