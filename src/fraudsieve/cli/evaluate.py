"""``fraudsieve evaluate``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import answer, exit_on_error, notes, steps
from .options import Accounts, Events, Json, Labels, Messages, ModelOption
from .tables import attack_rows, report_rows

__all__ = ["evaluate"]

FLATTERING = (
    "{known:,} of {rows:,} records are not later than what the model was trained and calibrated on: figures on them "
    "flatter. Give later ones, or --since"
)


def evaluate(
    model: ModelOption,
    messages: Messages = None,
    accounts: Accounts = None,
    events: Events = None,
    labels: Labels = None,
    attack: Annotated[
        bool, typer.Option("--attack", help="Obfuscate the fraudulent messages too, and say what recall is kept.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="A page to write, such as report.html; report.json is written next to it."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A TOML file; its section [evaluate] says what people can review, and costs.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Look at records from this time on (UTC); earlier ones are their history.")
    ] = None,
    json: Json = False,
) -> None:
    """Score labelled messages, accounts or events with a model, and say how good the scores are."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the model")
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.attack.recall import check_attackable
        from fraudsieve.training.data.after_training import count_rows_in_training, rows_since
        from fraudsieve.training.data.builders import builder_of_model, groups_of, read_data
        from fraudsieve.training.evaluation.labels import label_metrics, waiting_note
        from fraudsieve.training.evaluation.points import share_of_records
        from fraudsieve.training.evaluation.report import ReportDetails
        from fraudsieve.training.evaluation.run import evaluate_model
        from fraudsieve.training.pages.evaluation import check_report_path, model_facts, write_report
        from fraudsieve.training.recipe.recipe import Recipe

        if report is not None:
            check_report_path(report)
        scorer = Scorer.load(model_folder(model))
        if attack:
            check_attackable(scorer.model)
        say("reading")
        read = Recipe.read(recipe, {"data.subject": scorer.model.subject})
        tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
        data = read_data(read, tables, min_label_rows=1)
        builder = builder_of_model(scorer.model, data)  # of all records: what was known before is history
        every, data = data, data if since is None else rows_since(data, since)
        known = count_rows_in_training(data, scorer.model)
        say("looking for campaigns" if data.subject == "message" else "looking for accounts")
        groups, kind = groups_of(data)
        say("scoring, then under attack" if attack else "scoring")
        label_report = label_metrics(
            every,
            scorer.model.training,
            legitimate=scorer.model.legitimate,
            since=since,
            trust=read.data.trusted,
        )
        result = evaluate_model(
            scorer,
            data.rows,
            builder,
            attack=attack,
            groups=groups,
            group_kind=kind,
            share=share_of_records(data, data.rows),
            settings=read.evaluate,
            details=ReportDetails(labels=label_report, not_later_than_training=known),
        )
        figures = result.to_dict()
        content: dict[str, Any] = {"model": scorer.model.name, "digest": scorer.model.digest, "report": figures}
        counts = {"unlabelled": data.n_unlabelled, "rejected": len(data.rejected)}
        counts["rejected_labels"] = len(data.rejected_labels)
        written: dict[str, str] = {}
        if report is not None:
            page, beside = write_report(report, figures, title=scorer.model.name, facts=model_facts(scorer.model))
            written = {"page": str(page), "json": str(beside)}
            content["files"] = written
    said = [FLATTERING.format(known=known, rows=len(data.rows)) if known else None, waiting_note(label_report.youngest)]
    notes((*data.notes, *filter(None, said)))
    rows = [*report_rows(result), ("set aside", ", ".join(f"{count:,} {what}" for what, count in counts.items()))]
    rows += attack_rows(result.attack) if result.attack else []
    rows += [("report", f"{written['page']}, and as JSON {written['json']}")] if written else []
    title = f"{scorer.model.name} on {result.rows:,} {scorer.model.subject}s"
    answer(content | counts, as_json=json, title=title, rows=rows)
