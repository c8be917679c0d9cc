"""Packages installed in a folder of a test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import ganzoo

HOOKS = """
    import pathlib, ganzoo
    with open({marker!r}, "a") as marker:
        marker.write(__name__ + "\\n")

    class Part:
        "A part for tests."
        def d(self, critic, real, fake): return critic(fake).mean() - critic(real).mean()
        def g(self, critic, real, fake): return -critic(fake).mean()

    @ganzoo.hookimpl
    def register_{hook}(register):
        register({name!r}, {build})
"""

EVERYONE = "*"


class Site:
    """A folder of installed packages, and ``ganzoo`` run with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.marker = folder / "site", folder / "cache", folder / "imported"
        self.folder.mkdir()
        self.packages: list[str] = []

    def install(self, distribution: str, source: str, entry_points: str = "", version: str = "1.0") -> str:
        """A distribution of one module, whose name is returned; by default the module is a plugin."""
        self.packages.append(distribution)
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(dedent(source))
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(dedent(entry_points) or f"[ganzoo]\n{module} = {module}\n")
        return module

    def install_loss(self, distribution: str, name: str, hook: str = "losses", build: str = "Part") -> None:
        self.install(distribution, HOOKS.format(marker=str(self.marker), hook=hook, name=name, build=build))

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``ganzoo WORDS`` where the packages of this folder are installed; see :meth:`python`."""
        return self.python("-m", "ganzoo", *words, **environment)

    def python(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``python WORDS`` there.

        Plugins that this environment happens to have stay out by ``GANZOO_PLUGINS``; ``GANZOO_PLUGINS=EVERYONE`` is as
        if nobody had set it.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GANZOO_")}
        given = {"GANZOO_PLUGINS": ",".join(self.packages), **environment}
        if given["GANZOO_PLUGINS"] == EVERYONE:
            del given["GANZOO_PLUGINS"]
        return subprocess.run(
            [sys.executable, *words],
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join([str(self.folder), str(Path(ganzoo.__file__).parents[1])]),
                "XDG_CACHE_HOME": str(self.cache),
                **given,
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def imported(self) -> list[str]:
        """Modules that were imported since the last call."""
        names = self.marker.read_text().split() if self.marker.exists() else []
        self.marker.unlink(missing_ok=True)
        return names
