"""Between machines: where gloo listens, whether all reach each other, and how soon a cut link is noticed.

Gloo listens at the address of the host's own name. On many systems the hosts file gives that name 127.0.1.1, where no
other machine reaches it: then the interface is chosen here that leads to the first machine, unless
``GLOO_SOCKET_IFNAME`` names one. A connection to a machine that is gone is dropped after ``GANZOO_LINK_TIMEOUT``
seconds, where the kernel by itself tries for a quarter of an hour.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import stat
import struct
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ganzoo.distributed.launch import Launch
from ganzoo.errors import RunError, UsageError, either

INTERFACE = "GLOO_SOCKET_IFNAME"  # gloo's own variable
LINK_TIMEOUT = "GANZOO_LINK_TIMEOUT"
LINK_SECONDS = 60
ARRIVE = 300.0  # seconds in which a process comes to the meeting point after the first one
REACH = 10.0  # seconds for a connection to another machine
LOOK = 0.1  # seconds between looks at the meeting point
PROBES = 3  # that a silent machine is sent before it counts as gone
ADDRESS_OF = 0x8915  # SIOCGIFADDR: the IPv4 address of an interface
ELSEWHERE = ("192.0.2.1", 9)  # an address for documentation, which only a default route leads to
ESTABLISHED = 1  # the state of a TCP connection that is up
FAILED = "failed"  # the key of the first error that ended a process


class Store(Protocol):
    """What is used of ``torch.distributed.Store`` here."""

    def set(self, key: str, value: str) -> None:
        """Put a text under a key, for all processes."""

    def get(self, key: str) -> bytes:
        """The text of a key."""

    def check(self, keys: list[str]) -> bool:
        """Whether all keys are there."""


@dataclass(frozen=True)
class Place:
    """Where a process is.

    Attributes:
        name: of its machine.
        host: the rank of the first process of that machine.
        address, port: where the first process of a machine listens while all are tried; an empty text for the others.
    """

    name: str
    host: int
    address: str = ""
    port: int = 0


# --- the interface ------------------------------------------------------------------------------------------


def interfaces() -> dict[str, str]:
    """The IPv4 address of each network interface of this machine that has one, by name."""
    import fcntl

    found = {}
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as any_socket:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has no address
                answer = fcntl.ioctl(any_socket.fileno(), ADDRESS_OF, struct.pack("256s", name.encode()[:15]))
                found[name] = socket.inet_ntoa(answer[20:24])
    return found


def is_loopback(address: str) -> bool:
    """Whether an address is one that leads nowhere but to the machine itself."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def own_address() -> str:
    """The address of this machine's own name, where gloo listens by itself; that of localhost where it has none."""
    try:
        candidates = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return "127.0.0.1"
    for family, kind, protocol, _, place in candidates:
        with suppress(OSError), closing(socket.socket(family, kind, protocol)) as trial:
            trial.bind(place)
            return str(place[0])
    return "127.0.0.1"


def source_address(towards: tuple[str, int]) -> str | None:
    """This machine's address on the way to another one; None where no way leads there."""
    with suppress(OSError):
        for family, kind, protocol, _, place in socket.getaddrinfo(*towards, type=socket.SOCK_DGRAM):
            with suppress(OSError), closing(socket.socket(family, kind, protocol)) as trial:
                trial.connect(place)  # sends nothing: it is the kernel's routes that are asked
                return str(trial.getsockname()[0])
    return None


def choose_interface(environment: Mapping[str, str]) -> dict[str, str]:
    """What to add to the environment so that gloo listens where other machines reach it; often nothing.

    Args:
        environment: with ``MASTER_ADDR`` and ``MASTER_PORT``, where the first machine is.

    Raises:
        UsageError: ``GLOO_SOCKET_IFNAME`` names no interface, or none can be chosen.
    """
    have = interfaces()
    shown = either([f"{name} ({address})" for name, address in have.items()], "and")
    named = environment.get(INTERFACE, "").partition(",")[0]
    if named and named not in [name for _, name in socket.if_nameindex()]:
        raise UsageError(f"{INTERFACE}={named} is no interface of this machine: it has {shown}")
    if named or not have or not is_loopback(own_address()):
        return {}
    first = (environment.get("MASTER_ADDR", ""), int(environment.get("MASTER_PORT") or 0))
    outward = {name: address for name, address in have.items() if not is_loopback(address)}
    way = source_address(first)
    inside = way is not None and is_loopback(way)  # this is the first machine; perhaps all are, as in a trial
    wanted = source_address(ELSEWHERE) if inside else way
    chosen = [name for name, address in outward.items() if address == wanted or len(outward) == 1]
    if not chosen and inside:
        return {}
    if not chosen:
        name = socket.gethostname()
        raise UsageError(
            f"the name of this machine, {name}, leads to {own_address()}, where no other machine reaches it: set "
            f"{INTERFACE} to the interface that leads to the others; it has {shown}"
        )
    return {INTERFACE: chosen[0]}


def gloo_address(environment: Mapping[str, str]) -> str:
    """Where gloo listens; an empty text for an interface whose address is not known, as it is none of IPv4."""
    named = environment.get(INTERFACE, "").partition(",")[0]
    return interfaces().get(named, "") if named else own_address()


# --- whether all reach each other ---------------------------------------------------------------------------


def meet(launch: Launch, store: Store) -> dict[int, str]:
    """Make sure that the machines of a run reach each other; the names of all processes' machines, by rank.

    Every process comes to the same end: where two machines do not reach each other, all say so.

    Raises:
        UsageError: no interface can be chosen on this machine.
        RunError: a process does not come, or a machine is not reached.
    """
    os.environ.update(choose_interface(os.environ))
    address = gloo_address(os.environ)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
        mine = Place(socket.gethostname(), launch.host)
        if launch.local_rank == 0 and address:
            listener.bind((address, 0))
            listener.listen(launch.size)  # the kernel answers: nothing has to be accepted
            mine = Place(mine.name, mine.host, address, listener.getsockname()[1])
        store.set(f"place-{launch.rank}", json.dumps(vars(mine)))
        told = await_keys(store, [f"place-{rank}" for rank in range(launch.size)])
        places = [Place(**text) for text in told.values()]
        firsts = {place.host: place for place in places if place.address}
        if mine.address:
            store.set(f"reach-{launch.rank}", json.dumps(_unreached(mine, firsts.values())))
        verdicts = await_keys(store, [f"reach-{host}" for host in firsts])
    wrong = [text for texts in verdicts.values() for text in texts]
    if wrong:
        raise RunError(
            f"{either(wrong, 'and')}: on every machine set {INTERFACE} to the interface that leads to the others "
            f"('ip -br address' lists them), such as {INTERFACE}={_example()}, and open the ports between them"
        )
    return {rank: place.name for rank, place in enumerate(places)}


def _example() -> str:
    outward = [name for name, address in interfaces().items() if not is_loopback(address)]
    return outward[0] if outward else "eth0"


def _unreached(mine: Place, others: Iterable[Place]) -> list[str]:
    """What is wrong with the ways from this machine, one text for each other machine that is not reached."""
    wrong = []
    for other in others:
        if other.host == mine.host:
            continue
        try:
            socket.create_connection((other.address, other.port), REACH).close()
        except OSError as error:
            reason = error.strerror or str(error)
            wrong.append(f"{mine.name} does not reach {other.name} at {other.address}, where gloo listens ({reason})")
    return wrong


def await_keys(store: Store, keys: list[str]) -> dict[str, Any]:
    """The content of each key, once all are there.

    Raises:
        RunError: one does not come in time, or a process has failed meanwhile, whose error is told.
    """
    end = time.monotonic() + ARRIVE
    while not store.check(keys):
        if store.check([FAILED]):
            host, text = json.loads(store.get(FAILED))
            raise RunError(f"{host} says: {text}")
        if time.monotonic() > end:
            missing = [key.rpartition("-")[2] for key in keys if not store.check([key])]
            raise RunError(
                f"process {either(missing, 'and')} of this run did not come within {ARRIVE:.0f} seconds: see what its "
                "machine says, and start all of them again"
            )
        time.sleep(LOOK)
    return {key: json.loads(store.get(key)) for key in keys}


# --- a link that is cut -------------------------------------------------------------------------------------


def link_seconds() -> int:
    """After how many seconds of silence a machine counts as gone.

    Raises:
        UsageError: ``GANZOO_LINK_TIMEOUT`` is no such number.
    """
    text = os.environ.get(LINK_TIMEOUT, "")
    if text and not (text.isdecimal() and 5 <= int(text) <= 86_400):
        raise UsageError(f"{LINK_TIMEOUT}={text} does not work: it is a number of seconds from 5 to 86400")
    return int(text or LINK_SECONDS)


def open_sockets() -> set[tuple[int, int]]:
    """The sockets of this process, by descriptor and inode; none where the system does not list them."""
    found = set()
    for name in os.listdir("/proc/self/fd") if Path("/proc/self/fd").is_dir() else []:
        with suppress(OSError):  # the descriptor of the listing itself
            status = os.fstat(int(name))
            if stat.S_ISSOCK(status.st_mode):
                found.add((int(name), status.st_ino))
    return found


def drop_when_silent(sockets: Iterable[tuple[int, int]], seconds: int) -> None:
    """Let the kernel drop TCP connections whose other end does not answer for so many seconds.

    A machine that is busy answers all the same, as its kernel does it. A connection that is dropped ends what waits for
    it with an error, as one does whose other end was closed.
    """
    for descriptor, _ in sockets:
        blocking = os.get_blocking(descriptor)
        with socket.socket(
            fileno=os.dup(descriptor)
        ) as duplicate:  # options are of the connection, not of a descriptor
            if duplicate.type == socket.SOCK_STREAM and duplicate.family in (socket.AF_INET, socket.AF_INET6):
                with suppress(OSError):  # it was closed meanwhile
                    _watch(duplicate, seconds)
        os.set_blocking(descriptor, blocking)  # a default timeout of Python's sockets would have changed it


def _watch(connection: socket.socket, seconds: int) -> None:
    between = max(seconds // (PROBES + 1), 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, between)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, between)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)


def is_connected(port: int) -> bool:
    """Whether this process has a connection to a port that is up; also where the system does not list connections."""
    sockets = open_sockets()
    return not sockets or any(_leads_to(descriptor, port) for descriptor, _ in sockets)


def _leads_to(descriptor: int, port: int) -> bool:
    blocking = os.get_blocking(descriptor)
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
        os.set_blocking(descriptor, blocking)
        if duplicate.family in (socket.AF_INET, socket.AF_INET6) and duplicate.getpeername()[1] == port:
            state = duplicate.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
            return state[0] == ESTABLISHED
    return False
