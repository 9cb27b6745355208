"""``fraudsieve evaluate``, ``monitor``, ``promote`` and ``rollback``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraudsieve._io import check_output_file
from fraudsieve._translation import tr
from fraudsieve.cli.console import BOUND_EXCEEDED, Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    Group,
    Labels,
    LanguageOption,
    ModelOption,
    Name,
    ReadingOptions,
    RulesOption,
    ScoredOptions,
    TableOptions,
    Verbose,
    input_table,
    loaded_scorer,
    records_to_score,
)
from fraudsieve.cli.tables import (
    decision_rows,
    decision_summary,
    evaluation_content,
    evaluation_rows,
    evaluation_summary,
    table_rows,
)
from fraudsieve.exceptions import RecipeError

from .state import opened_store


def evaluate_command(
    *,
    progress: Report,
    model: ModelOption,
    tables: TableOptions,
    reading: ReadingOptions,
    attack: Annotated[
        bool,
        typer.Option("--attack", help="Also obfuscate the fraudulent messages, and report the recall that remains."),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="HTML page to write, such as report.html; report.json is written next to it.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML); its section [evaluate] has the review capacity and the costs.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(help="Evaluate only records from this time on (UTC); earlier ones are their history."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column whose values are slices of the report: channel. Repeatable."),
    ] = None,
    group: Group = None,
    rules: RulesOption = None,
    language: LanguageOption = None,
    verbose: Verbose = False,
) -> Answer:
    """Score labelled messages, accounts or events with a model, and evaluate the scores."""
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
    from fraudsieve.training.recipe.recipe import Recipe
    from fraudsieve.training.report_page.evaluation import check_report_path, model_facts, write_report

    if report is not None:
        check_report_path(report, *vars(tables).values())
    changes = {"language": language, "evaluate.by": by or None, "split.group": group}
    settings = Recipe.read(recipe, {**reading.overrides(), **changes})
    result = evaluate_tables(
        model,
        **vars(tables),
        recipe=settings,
        attack=attack,
        since=since,
        rules=None if rules is None else read_rules(rules),
        progress=progress,
    )
    files = None
    if report is not None:
        files = write_report(
            report,
            result.report,
            title=tr("Evaluation: {name}", name=result.model.name),
            facts=model_facts(result.model, language=settings.language),
            language=settings.language,
        )
    notes(result.notes, settings.language)
    title = tr(f"{{name}} on {{n:,}} {result.model.subject}s", name=result.model.name, n=result.report.rows)
    page = None if files is None else files[0]
    short = evaluation_summary(result, page, model, tables.events)
    rows = evaluation_rows(result, files) if verbose else short
    return Answer(evaluation_content(result, files), title, rows, language=settings.language)


def rollback_command(
    *,
    progress: Report,
    name: Name = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML) that names the model and the MLflow store.")
    ] = None,
) -> Answer:
    """Restore the model that was champion before the last promotion."""
    progress("reading the registry")
    from fraudsieve.training.promotion.decision import rollback
    from fraudsieve.training.recipe.recipe import Recipe

    decision = rollback(Recipe.read(recipe, {"name": name}))
    rows = [
        ("was", f"models:/{decision.name}/{decision.version}"),
        ("champion", f"models:/{decision.name}/{decision.champion}"),
        *(("restart", reason) for reason in decision.reasons[1:]),
    ]
    return Answer(decision.to_dict(), decision.reasons[0], rows)


def promote_command(
    *,
    progress: Report,
    name: Name = None,
    challenger: Annotated[
        str | None, typer.Option(help="Model version, as models:/NAME/VERSION; by default models:/NAME@challenger.")
    ] = None,
    tables: TableOptions,
    reading: ReadingOptions,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML); its section [gates] has the gates.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare and apply the gates, and change and log nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Promote by hand, whatever the gates say. Needs --reason.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Reason of a promotion by hand; it is recorded.")] = None,
    state: Annotated[
        str | None,
        typer.Option(help="With --dry-run: store of a service that logs records, to rehearse the challenger on them."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="With --state: rehearse only scores answered from this time on (UTC).")
    ] = None,
    verbose: Verbose = False,
) -> Answer:
    """Make a challenger the champion if it passes the gates on later records. Log the decision in any case."""
    inputs = tables.inputs()
    if (state is not None and not dry_run) or (since is not None and state is None):
        raise RecipeError("promote", ["expected --dry-run with --state, and --state with --since. Add it"])
    from fraudsieve.training.promotion.decision import challenger_to_compare, promote
    from fraudsieve.training.recipe.recipe import Recipe

    settings, rehearsed = Recipe.read(recipe, {"name": name, **reading.overrides()}), None
    if state is not None:
        from fraudsieve.retrain import rehearse

        scorer, said = challenger_to_compare(settings, challenger)
        notes(tuple(said))
        with opened_store(state) as store:
            rehearsed = rehearse(store, scorer, since=since, progress=progress)
        if not any(inputs.values()):
            return _rehearsed(rehearsed)
    decision = promote(
        settings,
        challenger=challenger,
        **inputs,
        dry_run=dry_run,
        force=force,
        reason=reason,
        progress=progress,
    )
    comparison = decision.comparison
    notes((*decision.notes, *(() if comparison is None else comparison.warnings)))
    given = {"name": name, "recipe": recipe} | vars(tables) | vars(reading)
    rows = list(decision_rows(decision) if verbose else decision_summary(decision, given))
    outcome = decision.decision if dry_run else f"is {decision.decision}"
    title = f"models:/{decision.name}/{decision.version} {outcome}"
    content = decision.to_dict() | {"promoted": decision.promoted}
    if rehearsed is not None:
        content["rehearsal"] = rehearsed.to_dict()
        rows += _rehearsed(rehearsed).rows
    return Answer(content, title, rows)


if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.retrain import Recomputation, Rehearsal
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
        typer.Option(
            help="Event store of a service, such as live.db or postgresql://USER@HOST/DB. Alone: whether the promises "
            "of the model hold, by the labels of reviewed days. With --recompute: the log."
        ),
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
            if name != "state" and value not in (None, False):
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
    events, known_labels = input_table(tables.events, reading), input_table(labels, reading)
    from fraudsieve.retrain import recompute_scores

    with opened_store(given.state) as store:
        result = recompute_scores(
            loaded_scorer(model, progress),
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
    code = BOUND_EXCEEDED if result.different else 0
    return Answer(content, title, _recomputed_rows(result, given.output), code)


def watch_stored(model: str, state: str, given: Mapping[str, object], progress: Report) -> Answer:
    """Say whether the promises of a model hold; exit with 3 if one is broken."""
    for name, value in given.items():
        if value is not None:
            problem = "expected no table or setting beside --state, which has the reviewed days. Leave it out"
            raise RecipeError("--" + name.replace("_", "-"), [problem])
    from fraudsieve.live.promises import Promise, watch_promises

    scorer = loaded_scorer(model, progress)
    with opened_store(state) as store:
        promises = watch_promises(store, scorer.model)
    rows = [(promise.title, promise.text) for promise in promises]
    rows = rows or [("promises", "none: the deciding point promises no false positive rate")]
    content = {"model": scorer.model.name, "digest": scorer.model.digest, "promises": [*map(Promise.to_dict, promises)]}
    broken = any(promise.since is not None for promise in promises)
    return Answer(content, scorer.model.name, rows, BOUND_EXCEEDED if broken else 0)


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
            "Required, unless --state is given.",
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

    With --state alone, say whether the promises of the model hold: its false positive rate, and its recall.

    With --recompute, compare the scores that a service logged with those of the batch, with the history at their
    offsets: none may differ. --events and --labels name the complete history; without them, it is that of the store.

    Exit code 3 means that the command succeeded and a bound of the recipe is exceeded, or a promise is broken; the
    output names it. With --recompute, it means that a score differs for no known cause. Other codes are as usual: 0 for
    success, 1 for a failure, 2 for wrong options or wrong data.
    """
    others = {"reference": reference, "recipe": recipe, "report": report, "rules": rules, "language": language}
    if recomputing.recompute:
        return recompute_logged(model, recomputing, tables, labels, reading, others, progress)
    recomputing.check_unused()
    if recomputing.state is not None:
        return watch_stored(model, recomputing.state, others | vars(tables) | {"labels": labels}, progress)
    inputs = tables.inputs(reading)
    labelled, before = input_table(labels, reading), input_table(reference, reading)
    if before is None:
        raise RecipeError("--reference", ["expected reference records, got none. Add --reference"])
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.training.monitoring.monitoring_run import monitor_tables
    from fraudsieve.training.recipe.recipe import Recipe

    scorer = loaded_scorer(model, progress)
    records, beside = records_to_score(scorer.model, inputs)
    result = monitor_tables(
        scorer,
        before,
        records,
        labels=labelled,
        events=beside["events"],
        history=beside["history"],
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


def rehearse_command(
    *,
    progress: Report,
    model: ModelOption,
    state: Annotated[
        str,
        typer.Option(help="Event store of a service that logs records, such as live.db or postgresql://USER@HOST/DB."),
    ],
    since: Annotated[datetime | None, typer.Option(help="Only scores answered from this time on (UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Only scores answered before this time (UTC).")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Flag records with at least this probability; by default, that of the model.", min=0, max=1),
    ] = None,
    rules: RulesOption = None,
    capacity: Annotated[
        int | None, typer.Option(help="Flag at most this many records a day (UTC), the most probable ones.", min=1)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write with a row for each day: .parquet, .csv, .xlsx or .jsonl.")
    ] = None,
) -> Answer:
    """Estimate what another model, threshold, rules or capacity would have found in what a service logged.

    fraudsieve rehearse --state live.db --since 2026-05-01 --model newer-model
    """
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.retrain import rehearse
    from fraudsieve.tables.formats.output import check_output_format, write_frame

    if output is not None:
        check_output_format(output)
        check_output_file(output)
    read = None if rules is None else read_rules(rules)
    with opened_store(state) as store:
        result = rehearse(
            store,
            loaded_scorer(model, progress),
            since=since,
            until=until,
            threshold=threshold,
            rules=read,
            capacity=capacity,
            progress=progress,
        )
    if output is not None:
        write_frame(result.days, output)
    return _rehearsed(result)


def _rehearsed(result: "Rehearsal") -> Answer:
    title = f"{result.model}: {result.totals['records']:,} of {count_of(result.logged, 'logged score')} rehearsed"
    return Answer(result.to_dict(), title, list(_rehearsal_rows(result)))


def _rehearsal_rows(result: "Rehearsal") -> Iterator[tuple[str, str]]:
    """Yield what happened beside what was rehearsed, why something is not estimated, and what was left out."""
    totals, n_days = result.totals, len(result.days)
    was, now, new, old = (totals[n] for n in ("flagged", "flagged_rehearsed", "newly_flagged", "newly_passed"))
    yield "flagged", f"{was:,} happened, {now:,} rehearsed: {now - was:+,}"
    yield "on a day", f"{was / n_days:,.1f} happened, {now / n_days:,.1f} rehearsed, on {count_of(n_days, 'day')}"
    yield (
        "decisions",
        f"{new:,} newly flagged, {old:,} newly passed, {1 - (new + old) / totals['records']:.1%} the same",
    )
    for name, one in {
        "frauds found": result.frauds,
        "false alarms": result.false_alarms,
        "amount": result.amount,
    }.items():
        if one is not None:
            both = f"{one.happened:,.0f} happened, {one.rehearsed:,.0f} rehearsed"
            yield name, f"{both}: {one.difference:+,.0f} (95 %: {one.low:+,.0f} to {one.high:+,.0f})"
    if result.refusal is not None:
        yield "no estimate", result.refusal
    yield from (("left out", f"{count:,}: {cause}") for cause, count in result.left_out.items())
