"""``fraudsieve monitor``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraudsieve.cli.console import BOUND_EXCEEDED, Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    Labels,
    LanguageOption,
    ModelOption,
    ReadingOptions,
    RulesOption,
    ScoredOptions,
    input_table,
    records_to_score,
)
from fraudsieve.cli.tables import table_rows
from fraudsieve.exceptions import RecipeError

from .state import opened_store

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.retrain import Recomputation
    from fraudsieve.training.monitoring.report import MonitorReport


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
    others: Mapping[str, object],
    progress: Report,
) -> Answer:
    """Compute logged scores again, and say what differs; exit with 3 if a difference has no known cause."""
    if given.state is None:
        raise RecipeError("--state", ["expected the store with the score log, got none. Add --state"])
    unused = {name: value for name, value in vars(tables).items() if name != "events"} | {**others}
    for name, value in unused.items():
        if value is not None:
            option = "--" + name.replace("_", "-")
            raise RecipeError(option, ["--recompute does not use it. Leave it out"])
    settings = {name: value for name, value in vars(given).items() if name not in ("recompute", "state")}
    settings |= {"events": input_table(tables.events, reading), "known_labels": input_table(labels, reading)}
    progress("loading the model")
    from fraudsieve.models.predict import Scorer
    from fraudsieve.retrain import recompute_scores

    with opened_store(given.state) as store:
        result = recompute_scores(Scorer.load(model), store, **settings, progress=progress)
    notes(result.notes)
    content = result.to_dict() | ({} if given.output is None else {"output": str(given.output)})
    title = f"{result.model}: {len(result.rows):,} of {count_of(result.logged, 'logged score')} computed again"
    code = BOUND_EXCEEDED if result.different else 0
    return Answer(content, title, _recomputed_rows(result, given.output), code)


def _recomputed_rows(result: "Recomputation", output: Path | None) -> list[tuple[str, str]]:
    """Return the rows of the table: what is equal, the causes of differences, and what was left out."""
    n, n_complete = len(result.rows), sum(result.causes.values())
    rows = [("at their offsets", f"{n - result.different:,} equal, {result.different:,} different")]
    rows += [("complete history", f"{n - n_complete:,} equal, {n_complete:,} different")]
    rows += [("", f"{count:,} by cause: {cause}") for cause, count in result.causes.items()]
    rows += [("left out", f"{count:,}: {cause}") for cause, count in result.left_out.items()]
    return rows + ([] if output is None else [("rows", str(output))])


def monitor_command(
    *,
    progress: Report,
    model: ModelOption,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE",
            help="Reference records that were not trained on, such as the test slice or the first week in use. "
            "Required, unless --recompute is given.",
        ),
    ] = None,
    tables: ScoredOptions,
    labels: Labels = None,
    reading: ReadingOptions,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML); its section [monitor] has the bounds.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML page to write, such as monitor.html; monitor.json is written next to it.")
    ] = None,
    rules: RulesOption = None,
    language: LanguageOption = None,
    recomputing: RecomputeOptions,
) -> Answer:
    """Report what has changed since a reference period: features, scores, alerts, calibration, unknown accounts.

    With --recompute, compare the scores that a service logged with those of the batch, with the history at their
    offsets: none may differ. --events and --labels name the complete history; without them, it is that of the store.

    Exit code 3 means that the command succeeded and a bound of the recipe is exceeded; the output names the bound. With
    --recompute, it means that a score differs for no known cause. Other codes are as usual: 0 for success, 1 for a
    failure, 2 for wrong options or wrong data.
    """
    if recomputing.recompute:
        others = {"reference": reference, "recipe": recipe, "report": report, "rules": rules, "language": language}
        return recompute_logged(model, recomputing, tables, labels, reading, others, progress)
    recomputing.check_unused()
    inputs = tables.inputs(reading)
    labelled, before = input_table(labels, reading), input_table(reference, reading)
    if before is None:
        raise RecipeError("--reference", ["expected reference records, got none. Add --reference"])
    progress("loading the model")
    from fraudsieve.models.predict import Scorer
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.training.monitoring.monitoring_run import monitor_tables
    from fraudsieve.training.recipe.recipe import Recipe

    scorer = Scorer.load(model)
    records, beside = records_to_score(scorer.model, inputs)
    result = monitor_tables(
        scorer,
        before,
        records,
        labels=labelled,
        **beside,
        recipe=Recipe.read(recipe, {"language": language}),
        rules=None if rules is None else read_rules(rules),
        page=report,
        progress=progress,
    )
    notes(result.notes)
    figures = result.to_dict()
    content = {"model": result.model, "digest": result.digest, "exceeded": figures["exceeded"], "report": figures}
    rows = list(_rows(result))
    if report is not None:
        files = {"page": str(report), "json": str(report.with_suffix(".json"))}
        content["files"] = files
        rows.append(("report", f"{files['page']}, and as JSON {files['json']}"))
    counts = f"{result.rows.current:,} current {result.subject}s, {result.rows.reference:,} in the reference"
    return Answer(content, f"{result.model}: {counts}", rows, BOUND_EXCEEDED if result.exceeded else 0)


def _rows(report: "MonitorReport") -> Iterator[tuple[str, str]]:
    """Yield exceeded bounds, and the tables of the page but that of all columns."""
    from fraudsieve.training.monitoring.page import drift_tables

    yield from [("exceeded", bound.text) for bound in report.exceeded] or [("exceeded", "no bound")]
    for heading, tables in drift_tables(report).items():
        for table in tables if heading != "Columns" else ():
            yield from table_rows(table)
