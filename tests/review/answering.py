"""The page of a draw in a browser, with a person who answers."""

import tempfile
import time
from pathlib import Path

import pandas as pd

from fraudsieve._translation import check_language
from fraudsieve.review import render_review_page
from tests.chromium import Chromium

__all__ = ["Page"]

LABELS = ["fraud", "legitimate", "phishing", "=spam"]
SCREEN = ("#progress", "#heading", "#message", "#text")


class Page:
    """A page of a draw in a browser, which saves files to its folder."""

    def __init__(self, chromium: Chromium, folder: Path) -> None:
        self.chromium, self.folder = chromium, folder

    def open(
        self, records: pd.DataFrame, *, width: int = 1280, scheme: str = "light", language: str = "en", name: str = ""
    ) -> None:
        path = self.folder / f"review{name}.html"
        path.write_text(render_review_page(records, LABELS, language=check_language(language)), "utf-8")
        self.show(path, width, scheme)

    def show(self, path: Path, width: int = 1280, scheme: str = "light") -> None:
        """Open a page that is written already."""
        self.chromium.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.folder))
        self.chromium.open(path, width, scheme)

    def texts(self) -> list[str]:
        return [self.text(name) for name in SCREEN]

    def text(self, selector: str) -> str:
        return str(self.chromium.value(f"document.querySelector({selector!r}).textContent"))

    def name(self, reviewer: str = "ann") -> None:
        self.chromium.value(f"document.querySelector('#reviewer').value = {reviewer!r}")

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field, and leave the field."""
        self.chromium.value(f"document.querySelector({selector!r}).focus()")
        self.chromium.call("Input.insertText", text=text)
        self.chromium.press("Escape", number=27)

    def keys(self, keys: str) -> None:
        for key in keys:
            self.chromium.press(key, f"Digit{key}" if key.isdigit() else f"Key{key.upper()}")

    def saved(self) -> Path:
        """Save the answers, and return the file, in a folder of its own."""
        self.keys("d")
        until = time.monotonic() + 10
        while not (found := [*self.folder.glob("answers-*.csv")]) or not found[0].read_bytes().endswith(b"\n"):
            assert time.monotonic() < until, self.texts()
            time.sleep(0.05)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return found[0].rename(folder / found[0].name)

    def read(self, file: Path) -> None:
        chosen = self.chromium.call("Runtime.evaluate", expression="document.querySelector('#file')")
        found = chosen["result"]["objectId"]
        self.chromium.value("document.querySelector('#message').textContent = ''")
        self.chromium.call("DOM.setFileInputFiles", files=[str(file)], objectId=found)
        self.chromium.wait_for("document.querySelector('#message').textContent !== ''")

    def asks(self) -> bool:
        """Return whether leaving asks."""
        return not self.chromium.value("dispatchEvent(new Event('beforeunload', {cancelable: true}))")
