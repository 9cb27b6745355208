"""Options of the commands that record evidence."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fraudsieve.exceptions import EvidenceError

if TYPE_CHECKING:
    from fraudsieve.evidence.settings import EvidenceSettings


@dataclass(frozen=True)
class EvidenceOptions:
    """The log of evidence, and what it contains."""

    evidence: Annotated[
        Path | None, typer.Option(help="Log file for evidence of every flagged score, such as evidence.jsonl.")
    ] = None
    evidence_all: Annotated[
        bool, typer.Option("--evidence-all", help="Record evidence of all scores, not only of flagged ones.")
    ] = False
    evidence_content: Annotated[
        Literal["omitted", "pseudonymised", "kept"],
        typer.Option(help="What evidence records keep of texts and identifiers."),
    ] = "omitted"
    evidence_key: Annotated[
        Path | None, typer.Option(help="File with the key for pseudonyms and digests, at least 32 characters.")
    ] = None

    def settings(self) -> "EvidenceSettings | None":
        """Return the settings of the options; None without a log."""
        if self.evidence is None:
            if self != EvidenceOptions():
                problem = "expected a file, because other options of evidence are given"
                raise EvidenceError("--evidence", problem, "Add it.")
            return None
        if self.evidence_content == "pseudonymised" and self.evidence_key is None:
            fix = "Add --evidence-key FILE; create one, for example with: openssl rand -hex 32."
            raise EvidenceError("--evidence-content", "pseudonyms need a key", fix)
        from fraudsieve.evidence.settings import EvidenceSettings

        which: Literal["all", "flagged"] = "all" if self.evidence_all else "flagged"
        return EvidenceSettings(self.evidence, which, self.evidence_content, self.evidence_key)
