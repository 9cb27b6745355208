"""Settings of the evidence that a command records: the log, which scores, and what it keeps of their input."""

from dataclasses import dataclass, replace
from pathlib import Path

from .kept_content import Content, ContentKind, read_key
from .log import EvidenceLog, Which


@dataclass(frozen=True)
class EvidenceSettings:
    """The log of evidence, and what it contains."""

    path: Path
    which: Which = "flagged"
    content: ContentKind = "omitted"
    # File with the key of pseudonyms and digests; None for no key.
    key_file: Path | None = None

    def of_worker(self, number: int) -> "EvidenceSettings":
        """Return the settings of one of several processes, each of which has its own log."""
        return replace(self, path=self.path.with_suffix(f".{number}{self.path.suffix}"))

    def open(self, *, deferred: bool = False) -> EvidenceLog:
        """Open the log; `deferred` is as for `EvidenceLog`."""
        key = None if self.key_file is None else read_key(self.key_file)
        return EvidenceLog(self.path, which=self.which, content=Content(self.content, key), deferred=deferred)
