"""``fraudsieve verify``."""

from dataclasses import asdict
from typing import Annotated

import typer

from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import ModelOption


def verify_command(
    *,
    progress: Report,
    model: ModelOption,
    digest: Annotated[str | None, typer.Option(help="Digest that the model must have, as train prints it.")] = None,
) -> Answer:
    """Check a model folder, score sample records with it, and list the checks. If a check fails, exit with 2."""
    progress("checking")
    from fraudsieve.models.verification import verify

    verified = verify(model, digest=digest)
    notes(verified.notes)
    content = asdict(verified) | {"folder": str(verified.folder), "checks": dict(verified.checks)}
    facts = [("digest", verified.digest), ("trained on", verified.trained_on)]
    rows = [*facts, *((f"checked {name}", text) for name, text in verified.checks)]
    return Answer(content, f"{verified.folder}: {verified.name}, a model of {verified.subject}s", rows)
