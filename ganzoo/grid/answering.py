"""Whether a Ray cluster answers at an address, known soon: Ray itself tries for many minutes, and cannot be stopped."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from urllib.parse import urlsplit

from ganzoo.errors import RunError
from ganzoo.files.untrusted import printable

PATIENCE = 30.0  # seconds in which a cluster that lives has answered
REACH = 10.0  # seconds for a connection
REFUSED = 3  # exit status of TRIAL where Ray says no
LOGGED = re.compile(r"^\[[^]]*\] \S+: ")  # before what Ray logs: when, where, and in which line of its source
TRIAL = f"""
import sys
import ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
except (ConnectionError, RuntimeError, ValueError) as error:
    print(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
    sys.exit({REFUSED})
ray.shutdown()
"""


def check_answers(address: str) -> None:
    """Refuse an address where no Ray cluster answers, within a minute.

    Args:
        address: such as ``10.0.0.1:6379`` or ``ray://10.0.0.1:10001``.

    Raises:
        RunError: nothing listens there, or what does is no Ray cluster.
    """
    _check_listens(address)
    try:
        trial = subprocess.run(
            [sys.executable, "-c", TRIAL, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise no_answer(address, f"not within {PATIENCE:.0f} seconds") from error
    if trial.returncode == REFUSED:
        logged = [line for line in trial.stderr.splitlines() if line.strip()]
        reasons = [trial.stdout.strip(), *(LOGGED.sub("", line) for line in logged[-1:])]
        raise no_answer(address, "; ".join(reasons))


def no_answer(address: str, reason: str) -> RunError:
    """The error of an address where no cluster answers."""
    return RunError(
        f"no Ray cluster answers at {address or 'this machine'} ({printable(reason)}): 'ray start --head' on the first "
        "machine prints the address; give it as --ray HOST:6379, or write a bare --ray last to use this machine alone"
    )


def _check_listens(address: str) -> None:
    """A quick no where nothing listens; an address of another form is Ray's to read."""
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = place.port
    except ValueError:
        raise no_answer(address, "its port is no number from 0 to 65535") from None
    if place.hostname is None or port is None:
        return
    try:
        socket.create_connection((place.hostname, port), REACH).close()
    except OSError as error:
        raise no_answer(address, error.strerror or str(error)) from error
