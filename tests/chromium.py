"""Chromium, controlled over a pipe with its DevTools protocol.

Screenshots are written to the folder in ``FRAUDSIEVE_SCREENSHOTS``, if it is set.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NEEDS_CHROMIUM", "Chromium"]

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
NEEDS_CHROMIUM = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed: apt-get install chromium")
PATIENCE = 60.0


class Chromium:
    """A browser with one page."""

    def __init__(self, profile: Path) -> None:
        assert BROWSER is not None
        browser_in, our_out = os.pipe()
        our_in, browser_out = os.pipe()
        # Chromium expects its pipe at the descriptors 3 and 4.
        command = f'exec "$0" "$@" 3</proc/self/fd/{browser_in} 4>/proc/self/fd/{browser_out}'
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", command, BROWSER, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(browser_in, browser_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in (browser_in, browser_out):
            os.close(end)
        self.out, self.answers = os.fdopen(our_out, "wb"), os.fdopen(our_in, "rb")
        self.events: list[dict[str, Any]] = []
        self.number, self.session, self.rest = 0, "", b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        request |= {"sessionId": self.session} if self.session else {}
        self.out.write(json.dumps(request).encode() + b"\0")
        self.out.flush()
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.answers.fileno(), 1 << 20)
            assert part, "Chromium ended."
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer

    def open(self, page: Path, width: int, scheme: str, media: str = "screen") -> None:
        """Show a page, and keep its events."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        until = time.monotonic() + PATIENCE
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < until, "The page did not load."
            self.value("1")
        time.sleep(0.2)
        self.value("1")  # reads the events that have arrived

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str, code: str = "", number: int = 0) -> None:
        """Press a key: its value, the place of its key, and the number that Tab and Enter need to work."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind, extra in (("keyDown", text), ("keyUp", {})):
            names = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
            self.call("Input.dispatchKeyEvent", type=kind, **names, **extra)

    def wait_for(self, expression: str) -> None:
        until = time.monotonic() + 5
        while not self.value(expression):
            assert time.monotonic() < until, expression
            time.sleep(0.02)

    def of(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def keep_picture(self, name: str) -> None:
        """Take a screenshot, and write it if somebody wants to look at it."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        if folder := os.environ.get("FRAUDSIEVE_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(base64.b64decode(shot["data"]))

    def check_page(self, page: Path, width: int, scheme: str, within: str = "main *") -> None:
        """Check the page that was opened: no requests, no errors, nothing too wide, and the colour of the scheme."""
        requested = [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]
        assert [url for url in requested if not url.startswith("data:")] == [page.as_uri()]
        assert self.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
        assert self.value("document.documentElement.scrollWidth") <= width
        too_wide = (
            f"[...document.querySelectorAll('{within}')].filter(e => !e.closest('.table') && !e.closest('svg') && "
            "e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName)"
        )
        assert self.value(too_wide) == []
        paper = self.value("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(17, 21, 27)")

    def check_scrolling(self) -> None:
        """Check that no table is wider than its place."""
        scrolled = (
            "[...document.querySelectorAll('.table')].filter(t => t.scrollWidth > t.clientWidth + 1)"
            ".map(t => t.getAttribute('aria-label'))"
        )
        assert self.value(scrolled) == []

    def check_texts(self, charts: str, overlap: float) -> int:
        """Check that texts of charts do not leave them, or overlap by some pixels; return the number of charts."""
        boxes = json.loads(
            self.value(
                f"JSON.stringify([...document.querySelectorAll('{charts}')].map(s => "
                "({svg: s.getBoundingClientRect(), texts: [...s.querySelectorAll('text')].map(t => "
                "[t.childNodes[0].textContent, t.getBoundingClientRect()])})))"
            )
        )
        for chart in boxes:
            for i, (text, box) in enumerate(chart["texts"]):
                assert chart["svg"]["left"] - 1 <= box["left"], text
                assert box["right"] <= chart["svg"]["right"] + 1, text
                assert box["bottom"] <= chart["svg"]["bottom"] + 1, text
                for other, other_box in chart["texts"][i + 1 :]:
                    across = min(box["right"], other_box["right"]) - max(box["left"], other_box["left"])
                    down = min(box["bottom"], other_box["bottom"]) - max(box["top"], other_box["top"])
                    assert min(across, down) < overlap, (text, other)
        return len(boxes)

    def close(self) -> None:
        self.out.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
