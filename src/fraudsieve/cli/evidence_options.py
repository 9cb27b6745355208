"""Options of the commands that record evidence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from fraudsieve.exceptions import EvidenceError

if TYPE_CHECKING:
    from fraudsieve.evidence.settings import EvidenceSettings

EvidenceFile = Annotated[
    Path | None, typer.Option(help="Log file for evidence of every flagged score, such as evidence.jsonl.")
]
EvidenceAll = Annotated[
    bool, typer.Option("--evidence-all", help="Record evidence of all scores, not only of flagged ones.")
]
Kind: TypeAlias = Literal["omitted", "pseudonymised", "kept"]
EvidenceContent = Annotated[Kind, typer.Option(help="What evidence records keep of texts and identifiers.")]
EvidenceKey = Annotated[
    Path | None, typer.Option(help="File with the key for pseudonyms and digests, at least 32 characters.")
]


def evidence_settings(path: Path | None, every: bool, content: Kind, key: Path | None) -> "EvidenceSettings | None":
    """Return the settings of the options; None without a log."""
    if path is None:
        if every or content != "omitted" or key is not None:
            raise EvidenceError("--evidence", "expected a file, because other options of evidence are given", "Add it.")
        return None
    if content == "pseudonymised" and key is None:
        fix = "Add --evidence-key FILE; create one, for example with: openssl rand -hex 32."
        raise EvidenceError("--evidence-content", "pseudonyms need a key", fix)
    from fraudsieve.evidence.settings import EvidenceSettings

    return EvidenceSettings(path, "all" if every else "flagged", content, key)
