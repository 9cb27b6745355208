"""The messages of errors are in one file, ``tests/messages.txt``; a test says the class and the field.

``pytest --write-messages PATH ...`` writes the messages of the tests that it runs. Read the difference.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import pytest

GOLDEN: Final = Path(__file__).with_name("messages.txt")
PLACES: Final = {
    r"[^\s'\"(]*/pytest-\d+/(popen-gw\d+/)?[^\s/:'\",;)]+": "TMP",
    re.escape(tempfile.gettempdir()) + r"/tmp\w+": "TMP",
    re.escape(str(Path(__file__).parents[1])): "ROOT",
    r"(?<=postgresql://)%2F\w+%2F\w+%2Fs/live\d+": "DATABASE",
    r"(?<=127\.0\.0\.1:)\d+": "PORT",
}
"""What differs between runs, and what stands for it."""


Error = TypeVar("Error", bound=BaseException)


class Messages:
    """The messages in the file, by the test and the place of the error in it."""

    def __init__(self) -> None:
        self.known = dict(_entries(GOLDEN.read_text("utf-8")))
        self.seen: dict[str, str] = {}
        self.writes = False
        self._test, self._numbers = "", count(1)

    def check(self, message: str) -> None:
        """Compare a message with that of the file, or keep it to be written."""
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
        if test != self._test:
            self._test, self._numbers = test, count(1)
        key = f"{test} {next(self._numbers)}"
        for pattern, word in PLACES.items():
            message = re.sub(pattern, word, message)
        message = "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in message)
        if self.writes:
            self.seen[key] = message
        else:
            assert message == self.known.get(key), f"{key}: another message than in {GOLDEN.name}"

    def write(self) -> None:
        """Write the messages of tests that ran in place of theirs before, and keep those of others."""
        ran = {key.rpartition(" ")[0] for key in self.seen}
        kept = {key: text for key, text in self.known.items() if key.rpartition(" ")[0] not in ran and exists(key)}
        entries = sorted((kept | self.seen).items(), key=lambda entry: (entry[0].partition("::")[0], entry[0]))
        GOLDEN.write_text("".join(f"{key}\n{_indented(text)}\n" for key, text in entries), "utf-8")


def exists(key: str) -> bool:
    """Return whether the test of a message exists."""
    file, _, test = key.partition("::")
    path = GOLDEN.parents[1] / file
    return path.exists() and f"def {re.split(r'[^0-9A-Za-z_]', test)[0]}(" in path.read_text("utf-8")


@contextmanager
def refused(kind: type[Error], *fields: str) -> Iterator[pytest.ExceptionInfo[Error]]:
    """Expect an error of a class that names these fields, with the message that the file has for this place."""
    with pytest.raises(kind) as caught:
        yield caught
    missing = [field for field in fields if field not in str(caught.value)]
    assert missing == [], f"expected the names {missing} in: {caught.value}"
    MESSAGES.check(f"{caught.type.__name__}: {caught.value}")


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if entry:
            key, _, message = entry.partition("\n")
            yield key, re.sub("^    ", "", message.removesuffix("\n"), flags=re.MULTILINE)


def _indented(text: str) -> str:
    return re.sub("^", "    ", text, flags=re.MULTILINE)


MESSAGES: Final = Messages()
