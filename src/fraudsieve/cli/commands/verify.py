"""``fraudsieve verify``."""

from dataclasses import asdict
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Json, ModelOption


def verify_command(
    *,
    model: ModelOption,
    digest: Annotated[str | None, typer.Option(help="Digest that the model must have, as train prints it.")] = None,
    json: Json = False,
) -> None:
    """Check a model folder, score sample records with it, and list the checks. If a check fails, exit with 2."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        progress("checking")
        from fraudsieve.models.verification import verify

        verified = verify(model, digest=digest)
    notes(verified.notes)
    content = asdict(verified) | {"folder": str(verified.folder), "checks": dict(verified.checks)}
    facts = [("digest", verified.digest), ("trained on", verified.trained_on)]
    rows = [*facts, *((f"checked {name}", text) for name, text in verified.checks)]
    answer(
        content, as_json=json, title=f"{verified.folder}: {verified.name}, a model of {verified.subject}s", rows=rows
    )
