"""Two hosts on one machine: network namespaces with a cable between them, whose hosts files are as Debian writes them.

Each has a name of its own, which its own hosts file gives 127.0.1.1. Only root can make them; where that is not allowed
the tests that need them are skipped.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

NETWORK = "10.77.0"
SETUP = 'hostname "$1"; mount --bind "$2" /etc/hosts; mount --bind "$3" /etc/resolv.conf; shift 3; exec "$@"'
NOBODY = "02:00:00:00:00:99"  # a network card that nobody has


def ip(*words: str) -> None:
    """The command ``ip``.

    Raises:
        subprocess.CalledProcessError: it is not allowed.
    """
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class TwoHosts:
    """Two hosts with a cable between them.

    Args:
        folder: for what they print, and their files in /etc.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = [f"gz{os.getpid()}{letter}" for letter in "ab"]
        self.addresses = [f"{NETWORK}.{number}" for number in (1, 2)]
        self.started: dict[int, subprocess.Popen[bytes]] = {}

    def make(self) -> None:
        """Make them."""
        for name in self.names:
            ip("netns", "add", name)
        a, b = self.names
        ip("link", "add", a, "netns", a, "type", "veth", "peer", "name", b, "netns", b)
        others = "".join(f"{address} {name}\n" for address, name in zip(self.addresses, self.names, strict=True))
        (self.folder / "resolv.conf").touch()
        for name, address in zip(self.names, self.addresses, strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", name)
            ip("-n", name, "link", "set", name, "up")
            ip("-n", name, "link", "set", "lo", "up")
            (self.folder / name).write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n{others}")

    def remove(self) -> None:
        """End what runs there, and remove them."""
        if shutil.which("ip") is None:
            return
        for node in (0, 1):
            self.kill(node)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def start(self, node: int, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        """Start a command on host 0 or 1."""
        name = self.names[node]
        inside = ("sh", "-c", SETUP, "sh", name, self.folder / name, self.folder / "resolv.conf", *words)
        command = ["ip", "netns", "exec", name, "unshare", "--uts", "--mount", *map(str, inside)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **(env or {})}
        with open(self.folder / f"{name}.txt", "wb") as output:
            self.started[node] = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder
            )

    def torchrun(self, node: int, words: str, env: Mapping[str, str] | None = None) -> None:
        """Start ``torchrun`` of a host with one process for ``ganzoo train`` and ``words``."""
        where = f"--nnodes 2 --node-rank {node} --master-addr {self.addresses[0]} --master-port 29517 "
        self.start_line(node, f"torchrun {where} --nproc-per-node 1 -m ganzoo train {words}", env)

    def start_line(self, node: int, line: str, env: Mapping[str, str] | None = None) -> None:
        """Start a line that a person types, whose first word is ``torchrun``."""
        program, *words = shlex.split(line)
        assert program == "torchrun"
        self.start(node, sys.executable, "-m", "torch.distributed.run", *words, env=env)

    def printed(self, node: int) -> str:
        """What host 0 or 1 printed until now."""
        return (self.folder / f"{self.names[node]}.txt").read_text(errors="replace")

    def kill(self, node: int) -> None:
        """End everything on a host at once."""
        pids = subprocess.run(["ip", "netns", "pids", self.names[node]], capture_output=True, text=True, check=False)
        for pid in pids.stdout.split():
            os.kill(int(pid), 9)
        if node in self.started:
            self.started[node].wait()

    def cut(self) -> None:
        """Cut the cable: what either sends is lost, and neither is told."""
        for name, other in zip(self.names, reversed(self.addresses), strict=True):
            ip("-n", name, "neigh", "replace", other, "lladdr", NOBODY, "nud", "permanent", "dev", name)

    def wait(self, condition: Callable[[], object], seconds: float = 150.0) -> float:
        """Wait until something holds; how long that took."""
        begun = time.monotonic()
        while not condition():
            if time.monotonic() - begun > seconds:
                raise AssertionError("\n----\n".join(self.printed(node) for node in self.started))
            time.sleep(0.1)
        return time.monotonic() - begun

    def ended(self) -> bool:
        """Whether both have ended."""
        return all(process.poll() is not None for process in self.started.values())

    def error(self, node: int) -> str:
        """The one line of error of a host; an empty text where it has none yet."""
        lines = [line for line in self.printed(node).splitlines() if line.startswith("ganzoo: error: ")]
        assert len(lines) < 2, lines
        return lines[0] if lines else ""

    def both_say(self) -> bool:
        """Whether both hosts have an error."""
        return bool(self.error(0) and self.error(1))


@contextmanager
def two_hosts(folder: Path) -> Iterator[TwoHosts]:
    """Two hosts, removed at the end; the test is skipped where they cannot be made."""
    hosts = TwoHosts(folder)
    try:
        try:
            hosts.make()
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no network namespaces here: {getattr(error, 'stderr', '') or error}")
        yield hosts
    finally:
        hosts.remove()
