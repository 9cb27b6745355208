"""``fraudsieve monitor --recompute``: logged scores, computed again in batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraudsieve.cli.console import BOUND_EXCEEDED, answer, count_of, exit_on_error, notes, steps
from fraudsieve.cli.options import ReadingOptions, ScoredOptions, input_table
from fraudsieve.exceptions import RecipeError

from .state import check_store_exists

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.retrain import Recomputation


@dataclass(frozen=True)
class RecomputeOptions:
    """Logged scores to compute again."""

    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="Instead, compute the scores that a service logged again in batch, and list what differs and why.",
        ),
    ] = False
    state: Annotated[
        str | None,
        typer.Option(help="With --recompute: event store with the log, such as live.db or postgresql://USER@HOST/DB."),
    ] = None
    since: Annotated[
        datetime | None, typer.Option(help="With --recompute: only scores answered from this time on (UTC).")
    ] = None
    until: Annotated[
        str | None, typer.Option(help="With --recompute: only scores answered before this time (UTC).")
    ] = None
    max_scores: Annotated[
        int | None, typer.Option(min=1, help="With --recompute: how many scores, chosen at random; by default all.")
    ] = None
    output: Annotated[
        Path | None, typer.Option(help="With --recompute: Parquet file to write, with a row for each score.")
    ] = None

    def check_unused(self) -> None:
        """Check that no option was given that needs --recompute."""
        for name, value in vars(self).items():
            if value not in (None, False):
                problem = "expected --recompute with it. Add --recompute, or leave it out"
                raise RecipeError("--" + name.replace("_", "-"), [problem])


def recompute_logged(
    model: str,
    given: RecomputeOptions,
    tables: ScoredOptions,
    labels: list[str] | None,
    reading: ReadingOptions,
    *,
    others: Mapping[str, object],
    as_json: bool,
) -> None:
    """Compute logged scores again, and print what differs; exit with 3 if a difference has no known cause."""
    with exit_on_error(as_json=as_json), steps(quiet=as_json) as progress:
        if given.state is None:
            raise RecipeError("--state", ["expected the store with the score log, got none. Add --state"])
        unused = {name: value for name, value in vars(tables).items() if name != "events"} | {**others}
        for name, value in unused.items():
            if value is not None:
                option = "--" + name.replace("_", "-")
                raise RecipeError(option, ["--recompute does not use it. Leave it out"])
        check_store_exists(given.state)
        events, known_labels = input_table(tables.events, reading), input_table(labels, reading)
        progress("loading the model")
        from fraudsieve.live.store.addresses import open_store
        from fraudsieve.models.predict import Scorer
        from fraudsieve.retrain import recompute_scores

        scorer = Scorer.load(model)
        with open_store(given.state) as store:
            result = recompute_scores(
                scorer,
                store,
                since=given.since,
                until=given.until,
                max_scores=given.max_scores,
                events=events,
                known_labels=known_labels,
                output=given.output,
                progress=progress,
            )
    notes(result.notes)
    content = result.to_dict() | ({} if given.output is None else {"output": str(given.output)})
    title = f"{result.model}: {len(result.rows):,} of {count_of(result.logged, 'logged score')} computed again"
    answer(content, as_json=as_json, title=title, rows=_rows(result, given.output))
    if result.different:
        raise typer.Exit(BOUND_EXCEEDED)


def _rows(result: "Recomputation", output: Path | None) -> list[tuple[str, str]]:
    """Return the rows of the table: what is equal, the causes of differences, and what was left out."""
    n, n_complete = len(result.rows), sum(result.causes.values())
    rows = [("at their offsets", f"{n - result.different:,} equal, {result.different:,} different")]
    rows += [("complete history", f"{n - n_complete:,} equal, {n_complete:,} different")]
    rows += [("", f"{count:,} by cause: {cause}") for cause, count in result.causes.items()]
    rows += [("left out", f"{count:,}: {cause}") for cause, count in result.left_out.items()]
    return rows + ([] if output is None else [("rows", str(output))])
