"""A headless Chromium that does as it is told: the DevTools protocol over two pipes, so that no package is needed."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-pipe", "--force-device-scale-factor=1",
)  # fmt: skip
HIGH = 100  # the lowest number of a pipe's end that the browser is given
PATIENCE = 120  # seconds: machines are shared


class Browser:
    """One page in one browser.

    Args:
        profile: an empty folder for the browser.
        size: of the window.
    """

    def __init__(self, profile: Path, size: tuple[int, int] = (1360, 900)) -> None:
        ours, theirs = os.pipe(), os.pipe()  # commands to it, answers from it
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]

        def place() -> None:  # the browser reads from 3 and writes to 4
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        # Away from 3 and 4, at numbers that nothing of this process has.
        reading, writing = high = [fcntl.fcntl(end, fcntl.F_DUPFD, HIGH) for end in (ours[0], theirs[1])]
        self.process = subprocess.Popen(
            [*command, "about:blank"], preexec_fn=place, pass_fds=(3, 4, *high),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.to, self.back = ours[1], theirs[0]
        self.rest, self.count, self.said = b"", 0, []
        self.session = None
        page = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what the console says on the way is kept in ``said``."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session and not method.startswith("Target."):
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self.count:
                assert "error" not in heard, heard
                return heard["result"]
            if heard.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                self.said.append(json.dumps(heard["params"]))

    def _hear(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            assert select.select([self.back], [], [], max(0, end - time.monotonic()))[0], "the browser is silent"
            piece = os.read(self.back, 1 << 16)
            assert piece, "the browser has ended"
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)

    def open(self, url: str) -> None:
        """Go to a page."""
        self.ask("Page.navigate", url=url)

    def run(self, code: str) -> Any:
        """The value of JavaScript on the page, waited for."""
        told = self.ask("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, code: str, seconds: float = PATIENCE) -> Any:
        """The value of JavaScript once it is true."""
        end = time.monotonic() + seconds
        while not (value := self.run(code)):
            assert time.monotonic() < end, f"{code} stays {value!r}; the page said {self.said}"
            time.sleep(0.05)
        return value

    def mouse(self, kind: str, x: float, y: float, held: bool = True) -> None:
        """Press, move or release the mouse."""
        button = "left" if held else "none"
        self.ask("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, button=button, buttons=int(held),
                 clickCount=1)  # fmt: skip

    def drag(self, box: dict[str, float], *places: tuple[float, float]) -> None:
        """Draw through places of a box, in shares of its sides."""
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.mouse("Moved", *points[0], held=False)
        self.mouse("Pressed", *points[0])
        for point in points[1:]:
            self.mouse("Moved", *point)
        self.mouse("Released", *points[-1])

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is, once it has been scrolled to."""
        found = f"document.querySelector({json.dumps(selector)})"
        return self.run(f"{found}.scrollIntoView({{block: 'nearest'}}), {found}.getBoundingClientRect().toJSON()")

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        self.drag(self.box(selector), (0.5, 0.5))

    def screenshot(self, path: Path) -> None:
        """A PNG of what is seen."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the browser."""
        self.process.kill()
        self.process.wait()
        for end in (self.to, self.back):
            os.close(end)
