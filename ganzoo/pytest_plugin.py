"""``pytest --ganzoo NAME``: the conformance suite, one test for each check of each part.

pytest imports this in every project of an environment that has ganzoo, so it imports nothing and does nothing until
the option is given. Without paths on the command line only the suite runs.
"""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """The options ``--ganzoo`` and ``--ganzoo-everything``."""
    group = parser.getgroup("ganzoo")
    group.addoption(
        "--ganzoo",
        action="append",
        default=[],
        metavar="NAME",
        help="check a part (softhinge, loss/softhinge) or all that a distribution or entry point registers, as "
        "ganzoo's own parts are checked; may be given several times. Tests of paths that are given run too.",
    )
    group.addoption(
        "--ganzoo-everything",
        action="store_true",
        help="check them together with the parts of every plugin that is installed; else with ganzoo's, those of "
        "their own package and of packages that it requires",
    )


def pytest_configure(config: Any) -> None:
    """Take part in this run if there is something to check."""
    names = config.getoption("ganzoo")
    if names:
        from ganzoo.testing.collecting import Conformance

        config.pluginmanager.register(
            Conformance(config, names, config.getoption("ganzoo_everything")), "ganzoo-conformance"
        )
