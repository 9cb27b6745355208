"""``fraudsieve scores``: what a service answered, as a table."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, count_of, exit_on_error, notes, steps
from fraudsieve.cli.options import Command, Json

from .state import Address, opened_store

scores_app = typer.Typer(
    name="scores",
    help="Scores that a service logged (serve --score-log): write them as a table.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@scores_app.command("export", cls=Command)
def export_scores_command(
    *,
    address: Address,
    since: Annotated[
        datetime | None, typer.Option(help="Write only scores that were answered from this time on (UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Write only scores that were answered before this time (UTC).")
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "scores.parquet"
    ),
    records: Annotated[
        Path | None, typer.Option(help="File for the records that were scored, as the service got them.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="message, account or event: which scores, if services of several types log to the store."),
    ] = None,
    repeated: Annotated[
        bool, typer.Option("--repeated", help="Write every score of a record; by default only the latest.")
    ] = False,
    json: Json = False,
) -> None:
    """Write logged scores as the table that predict writes, with the request, model, offset and time of the answer.

    fraudsieve scores export live.db --since 2026-05-01 --output scores.parquet --records records.parquet
    """
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        progress("reading the log")
        from fraudsieve.live.score_tables import export_scores

        with opened_store(address) as store:
            found = export_scores(
                store, output, since=since, until=until, subject=subject, records=records, repeated=repeated
            )
    rows = [("scores", f"{found.scores:,}")]
    rows += [] if records is None else [("records", f"{found.records:,}, in {records}")]
    if found.superseded:
        notes((f"{count_of(found.superseded, 'earlier score')} of the same records left out; --repeated writes them",))
    if found.without_id:
        notes((f"{count_of(found.without_id, 'score')} of records without an id, which no label can be joined to",))
    if found.left_out_fields:
        notes((f"{count_of(found.left_out_fields, 'value')} of further fields of records left out",))
    answer({"output": str(output), **found._asdict()}, as_json=json, title=str(output), rows=rows)
