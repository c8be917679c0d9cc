"""For the commands of plugins: opening a model, checking ``--out``, scoring, printing, a local page.

A package brings a command as an entry point of the group ``ganzoo.commands``, a click command, and a library to be
timed by ``ganzoo bench`` as one of the group ``ganzoo.peers``, a :class:`Peer`. :func:`about` declares its group in
``ganzoo --help``, and the examples at the end of its own; :func:`about_of` gives them to tests, which run them. What
may be a path has the type :data:`PATH` (or :class:`PathType` with its checks), and :data:`PLACE` where it may be
something else. Names that a shell completes have the types :data:`MODEL`, :data:`DATA`, :data:`RECIPE`,
:data:`SETTING`, :data:`FEATURES` and :data:`DEVICE`.
Errors derived from ``ganzoo.GanzooError`` become one line and an exit status. Nothing here imports torch before it is
called; tests run a command line through :func:`main`, click's own ``CliRunner`` included::

    @about("look", '''
        Draw an image of a model:
        ganzoo first dcgan-mnist
        In a file of another name:
        ganzoo first dcgan-mnist --out zero.png
    ''')
    @click.command()
    @click.argument("model", type=MODEL)
    @click.option("--out", type=PATH, default="first.png")
    def first(model: str, out: Path) -> None:
        "Draw one image of MODEL."
        check_out(out, (".png",))
        save_png(open_model(model).sample(1, seed=0, output="pil")[0], out)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.cli import main
    from ganzoo.cli.about import GROUPS, about, about_of
    from ganzoo.cli.eval import score_model, show_scores
    from ganzoo.cli.model import check_out, file_name, open_model
    from ganzoo.cli.names import DATA, DEVICE, FEATURES, MODEL, RECIPE, SETTING
    from ganzoo.cli.options import SKIP_BAD
    from ganzoo.cli.page import OPEN, PORT, serve
    from ganzoo.cli.paths import PATH, PLACE, PathType
    from ganzoo.cli.show import say, show_json, show_table
    from ganzoo.files.streams import is_terminal
    from ganzoo.files.untrusted import printable, quoted, read_shapes, read_tensors
    from ganzoo.files.write import atomic, check_writable, make_folder, write_json
    from ganzoo.folder.directions import model_digest, read_directions, refuse_other, save_directions
    from ganzoo.folder.latents import asked_latents, latent_tensors, read_latents, save_latents
    from ganzoo.folder.scores import Score, read_scores
    from ganzoo.folder.weights import keep_tensors, kept_tensors, write_tensors
    from ganzoo.gan.latents import Latents, noise_maps, noise_modules
    from ganzoo.gan.steering import Directions
    from ganzoo.images import grid, save_gif, save_png, to_pil
    from ganzoo.registry.cache import cache_for
    from ganzoo.training.peers import (
        Peer,
        PeerArchitecture,
        PeerTraining,
        Workload,
        check_peer,
        find_peer,
        prepare_peer,
    )
    from ganzoo.visual.directions import sefa
    from ganzoo.watch.local import LocalHandler, LocalServer, TellingHandler, content_type

_HOMES = {
    "DATA": "ganzoo.cli.names",
    "DEVICE": "ganzoo.cli.names",
    "FEATURES": "ganzoo.cli.names",
    "GROUPS": "ganzoo.cli.about",
    "MODEL": "ganzoo.cli.names",
    "OPEN": "ganzoo.cli.page",
    "PATH": "ganzoo.cli.paths",
    "PLACE": "ganzoo.cli.paths",
    "PORT": "ganzoo.cli.page",
    "PathType": "ganzoo.cli.paths",
    "RECIPE": "ganzoo.cli.names",
    "SETTING": "ganzoo.cli.names",
    "SKIP_BAD": "ganzoo.cli.options",
    "Directions": "ganzoo.gan.steering",
    "Latents": "ganzoo.gan.latents",
    "LocalHandler": "ganzoo.watch.local",
    "LocalServer": "ganzoo.watch.local",
    "Peer": "ganzoo.training.peers",
    "PeerArchitecture": "ganzoo.training.peers",
    "PeerTraining": "ganzoo.training.peers",
    "Score": "ganzoo.folder.scores",
    "TellingHandler": "ganzoo.watch.local",
    "Workload": "ganzoo.training.peers",
    "about": "ganzoo.cli.about",
    "about_of": "ganzoo.cli.about",
    "asked_latents": "ganzoo.folder.latents",
    "atomic": "ganzoo.files.write",
    "cache_for": "ganzoo.registry.cache",
    "check_out": "ganzoo.cli.model",
    "check_peer": "ganzoo.training.peers",
    "check_writable": "ganzoo.files.write",
    "content_type": "ganzoo.watch.local",
    "file_name": "ganzoo.cli.model",
    "find_peer": "ganzoo.training.peers",
    "grid": "ganzoo.images",
    "keep_tensors": "ganzoo.folder.weights",
    "kept_tensors": "ganzoo.folder.weights",
    "is_terminal": "ganzoo.files.streams",
    "latent_tensors": "ganzoo.folder.latents",
    "main": "ganzoo.cli",
    "make_folder": "ganzoo.files.write",
    "model_digest": "ganzoo.folder.directions",
    "noise_maps": "ganzoo.gan.latents",
    "noise_modules": "ganzoo.gan.latents",
    "open_model": "ganzoo.cli.model",
    "prepare_peer": "ganzoo.training.peers",
    "printable": "ganzoo.files.untrusted",
    "quoted": "ganzoo.files.untrusted",
    "read_directions": "ganzoo.folder.directions",
    "read_latents": "ganzoo.folder.latents",
    "read_scores": "ganzoo.folder.scores",
    "read_shapes": "ganzoo.files.untrusted",
    "read_tensors": "ganzoo.files.untrusted",
    "refuse_other": "ganzoo.folder.directions",
    "save_directions": "ganzoo.folder.directions",
    "save_gif": "ganzoo.images",
    "save_latents": "ganzoo.folder.latents",
    "save_png": "ganzoo.images",
    "say": "ganzoo.cli.show",
    "score_model": "ganzoo.cli.eval",
    "sefa": "ganzoo.visual.directions",
    "serve": "ganzoo.cli.page",
    "show_json": "ganzoo.cli.show",
    "show_scores": "ganzoo.cli.eval",
    "show_table": "ganzoo.cli.show",
    "to_pil": "ganzoo.images",
    "write_json": "ganzoo.files.write",
    "write_tensors": "ganzoo.folder.weights",
}

__all__ = [
    "DATA",
    "DEVICE",
    "FEATURES",
    "GROUPS",
    "MODEL",
    "OPEN",
    "PATH",
    "PLACE",
    "PORT",
    "RECIPE",
    "SETTING",
    "SKIP_BAD",
    "Directions",
    "Latents",
    "LocalHandler",
    "LocalServer",
    "PathType",
    "Peer",
    "PeerArchitecture",
    "PeerTraining",
    "Score",
    "TellingHandler",
    "Workload",
    "about",
    "about_of",
    "asked_latents",
    "atomic",
    "cache_for",
    "check_out",
    "check_peer",
    "check_writable",
    "content_type",
    "file_name",
    "find_peer",
    "grid",
    "is_terminal",
    "keep_tensors",
    "kept_tensors",
    "latent_tensors",
    "main",
    "make_folder",
    "model_digest",
    "noise_maps",
    "noise_modules",
    "open_model",
    "prepare_peer",
    "printable",
    "quoted",
    "read_directions",
    "read_latents",
    "read_scores",
    "read_shapes",
    "read_tensors",
    "refuse_other",
    "save_directions",
    "save_gif",
    "save_latents",
    "save_png",
    "say",
    "score_model",
    "sefa",
    "serve",
    "show_json",
    "show_scores",
    "show_table",
    "to_pil",
    "write_json",
    "write_tensors",
]


if not TYPE_CHECKING:  # for type checkers a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
