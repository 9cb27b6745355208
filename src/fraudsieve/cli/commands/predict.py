"""``fraudsieve predict``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import Events, Json, ModelOption

__all__ = ["predict_command"]


def predict_command(
    model: ModelOption,
    input: Annotated[Path, typer.Option(help="Messages, accounts or events to score: Parquet, CSV or JSON Lines.")],
    events: Events = None,
    labels: Annotated[Path | None, typer.Option(help="Labels known by then, for models that use them.")] = None,
    past: Annotated[
        Path | None, typer.Option(help="Earlier messages, with known labels, for models of campaigns.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The Parquet file of scores to write.")] = Path("scores.parquet"),
    json: Json = False,
) -> None:
    """Score a file of messages, accounts or events."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the model")
        from fraudsieve.models.batch.score import score_file
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer

        scorer = Scorer.load(model_folder(model), n_threads=0)
        say("reading")

        def done(rows: int, total: int) -> None:
            say("scoring", rows, total)

        scored = score_file(scorer, input, output, done, events=events, labels=labels, past=past)
    notes(scored.notes)
    rows = [("scores", str(scored.output)), ("scored", f"{scored.scored:,}"), ("rejected", f"{scored.rejected:,}")]
    if scored.rejected_output is not None:
        rows.append(("rejected rows", str(scored.rejected_output)))
    content = asdict(scored) | {"model": scorer.model.name, "digest": scorer.model.digest}
    answer(content, as_json=json, title=f"Scored with {scorer.model.name}", rows=rows)
