"""``fraudsieve evaluate``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fraudsieve._translation import tr
from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import (
    Group,
    LanguageOption,
    ModelOption,
    ReadingOptions,
    RulesOption,
    TableOptions,
    Verbose,
)
from fraudsieve.cli.summary import evaluation_summary
from fraudsieve.cli.tables import evaluation_content, evaluation_rows


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
    notes(result.notes)
    title = f"{result.model.name} on {result.report.rows:,} {result.model.subject}s"
    page = None if files is None else files[0]
    short = evaluation_summary(result, page, model, tables.events)
    rows = evaluation_rows(result, files) if verbose else short
    return Answer(evaluation_content(result, files), title, rows)
