"""Whether there is a network at all, told within a second or two: the Hub's client tries six times, for 24 seconds."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from ganzoo.errors import HubUnreachable
from ganzoo.hub.client import hub_errors

SOON = 1.5  # seconds within which a network has found and answered the Hub's machine, if there is one
PATIENCE = 10.0  # seconds to wait for what that machine says
CONNECTING = "connect_tcp.started"


def check_reachable() -> None:
    """Refuse to ask for a listing that nobody will answer.

    Raises:
        HubUnreachable: no connection within :data:`SOON`, no answer, or one that says to come back later.
        HubError: any other refusal.
    """
    asking, failed = _Asking(), list[Exception]()

    def ask() -> None:
        try:
            asking.ask()
        except Exception as error:  # raised again below, where somebody reads it
            failed.append(error)
        asking.connected.set()
        asking.done.set()

    # In a thread of its own, which nobody waits for: looking a name up has no time limit.
    Thread(target=ask, daemon=True).start()
    if not asking.connected.wait(SOON) or not asking.done.wait(PATIENCE):
        raise HubUnreachable("the Hub gives no answer; check the network")
    with hub_errors("models"):
        for error in failed:
            raise error


class _Asking:
    """One small question to the Hub, and how far it has come."""

    def __init__(self) -> None:
        self.connected, self.done = Event(), Event()

    def ask(self) -> None:
        from huggingface_hub.constants import ENDPOINT
        from huggingface_hub.utils import get_session, hf_raise_for_status, httpx

        limits = httpx.Timeout(PATIENCE, connect=SOON)
        answer = get_session().get(
            f"{ENDPOINT}/api/models", params={"limit": 1}, timeout=limits, extensions={"trace": self._note}
        )
        hf_raise_for_status(answer)

    def _note(self, event: str, info: dict[str, Any]) -> None:
        """What the client's connection reports; anything after the start of connecting shows that there is one."""
        if not event.endswith((CONNECTING, ".failed")):
            self.connected.set()
