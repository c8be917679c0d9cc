"""Peers of ``ganzoo bench``: other libraries' training steps and samples, brought by packages that are installed.

A package brings a peer as an entry point of the group ``ganzoo.peers`` whose object is a :class:`Peer`::

    [project.entry-points."ganzoo.peers"]
    their-library = "my_package.their_library:PEER"

A peer runs as its users get it: its own losses, its own optimiser calls, its own arithmetic, on the device of the
images that it is given. Peers are listed by name without an import, and each is imported when it is asked for, so that
one which is broken keeps no other from being measured. ``GANZOO_PLUGINS`` chooses among packages as it does for parts
and commands. ganzoo itself has no peer; those that it is compared with are in the package ``ganzoo-peers``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError, PluginError, UsageError, either, nearest
from ganzoo.registry.loading import PEERS, by_name, distribution, load, log, one_line, providers, selected
from ganzoo.registry.lookup import known_names, known_provider

if TYPE_CHECKING:  # ``ganzoo bench --help`` lists peers, and needs no torch for that
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Workload:
    """What a peer is asked to train on.

    Attributes:
        real: a batch of images ``(B, C, H, W)`` in [-1, 1]; an update sees what it and ``labels`` hold at the time.
        labels: their classes ``(B,)``.
        classes: how many there are; 0 for an unconditional GAN.
        z_dim: length of the noise.
    """

    real: Tensor
    labels: Tensor
    classes: int
    z_dim: int


@dataclass(frozen=True)
class PeerTraining:
    """A peer's networks and optimisers, ready to be trained on a :class:`Workload`.

    Attributes:
        step: one update of D, then one of G.
        critic: one of D only, for peers whose D is updated more often; what it returns is its own affair.
        draw: so many images ``(n, C, H, W)`` in [-1, 1], as its own code makes those that it shows or scores.
        updates: of D for one of G, as its authors train it.
    """

    step: Callable[[], None]
    critic: Callable[[], object]
    draw: Callable[[int], Tensor]
    updates: int = 1


@dataclass(frozen=True)
class PeerArchitecture:
    """One architecture of a peer.

    Attributes:
        prepare: makes its networks and optimisers for a workload; imports the library, or raises a ``UsageError`` that
            says what installs it. It is called, as is what it returns, with the workload's device as torch's default.
        conditional: whether it cannot do without classes.
        sizes: heights of the square images that it can make, in pixels.
    """

    prepare: Callable[[Workload], PeerTraining]
    conditional: bool = False
    sizes: Collection[int] = (32,)


@dataclass(frozen=True)
class Peer:
    """Another library: what an entry point of ``ganzoo.peers`` stands for.

    Attributes:
        architectures: what it can train, by the name that ganzoo's counterpart has in a recipe, such as ``dcgan``.
    """

    architectures: Mapping[str, PeerArchitecture]


def listed_peers() -> dict[str, str]:
    """The installed peers by name, each with the package that brings it and its version; nothing is imported."""
    return {name: providers(points) for name, points in sorted(by_name(PEERS).items())}


def find_peer(name: str) -> Peer:
    """Import the peer called ``name``.

    Raises:
        UsageError: none is installed under that name; the message has the nearest ones and who is known to bring it.
        PluginError: it cannot be imported, is no :class:`Peer`, or comes from several packages.
    """
    points = by_name(PEERS).get(name)
    if points is None:
        raise UsageError(_unknown(name))
    peer = load("peer", points)
    if not isinstance(peer, Peer):
        raise PluginError(
            f"the peer {name!r} of {providers(points)} is no ganzoo.cli.kit.Peer: {points[0].value} is {peer!r}"
        )
    return peer


def check_peer(name: str, head: str, classes: int = 0, resolution: int | None = None) -> None:
    """Refuse a peer that is unknown by ``name``, has no architecture ``head``, or only with classes or at other sizes.

    Args:
        name: of the peer.
        head: the architecture, by its name in a recipe.
        classes: of the data; 0 for none.
        resolution: height and width of the images, in pixels; None where any will do.

    Raises:
        UsageError: for each of these.
        PluginError: as :func:`find_peer` does.
    """
    architectures = find_peer(name).architectures
    if head not in architectures:
        raise UsageError(
            f"{name} has no {head}: it has {either(architectures, 'and')}; peers with {head}: {either(_having(head))}"
        )
    if architectures[head].conditional and not classes:
        raise UsageError(
            f"{head} of {name} draws classes, and there are none: they need labelled data, or ganzoo bench --classes 10"
        )
    if resolution is not None and resolution not in (sizes := architectures[head].sizes):
        has = either([f"{size}" for size in sorted(sizes)])
        raise UsageError(
            f"{head} of {name} has images of {has} pixels, and these have {resolution}: --resolution {has}"
        )


def prepare_peer(name: str, head: str, workload: Workload) -> PeerTraining:
    """What the peer ``name`` does with the architecture ``head``, which :func:`check_peer` let pass, on a workload.

    Raises:
        UsageError: the peer's library is not installed.
        PluginError: the peer fails to make its networks.
    """
    architecture, device = find_peer(name).architectures[head], workload.real.device
    try:
        with device:
            made = architecture.prepare(workload)
        return replace(made, step=_on(device, made.step), critic=_on(device, made.critic), draw=_on(device, made.draw))
    except GanzooError:
        raise
    except Exception as error:  # other libraries age: a new torch may break what worked
        who = listed_peers()[name]
        raise PluginError(f"the peer {name!r} of {who} cannot make its {head}: {one_line(error)}") from error


def _on(device: torch.device, call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that makes new tensors on a device."""

    def placed(*arguments: Any) -> Any:
        with device:
            return call(*arguments)

    return placed


def _having(head: str) -> list[str]:
    """Installed peers with the architecture; those that cannot be imported are warned of and left out."""
    names = []
    for name in listed_peers():
        try:
            if head in find_peer(name).architectures:
                names.append(name)
        except PluginError as error:
            log.warning("%s", error)
    return names


def _unknown(name: str) -> str:
    """That no peer of the name is there, what is spelled like it, and how to get it."""
    installed, left_out = by_name(PEERS), {point.name: distribution(point) for point in selected(PEERS)[1]}
    known = {*installed, *left_out, *known_names("peer")}
    message, meant = f"no peer called {name!r} is installed", name
    if name not in known:
        close = nearest(name, known)
        message += f"; nearest: {', '.join(close) or 'there are none'}"
        # A misspelt name of a peer that is not there either gets the same help as one that is spelled right.
        meant = next(iter(close), name)
    if meant in installed:
        return message
    if meant in left_out:
        return f"{message}. {left_out[meant]} provides {meant}, and GANZOO_PLUGINS leaves it out"
    who, command = known_provider("peer", meant) or ("", "")
    return f"{message}. {who} provides {meant}: {command}" if who else message
