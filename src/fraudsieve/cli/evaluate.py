"""``fraudsieve evaluate``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import answer, exit_on_error, notes, steps
from .options import Accounts, Events, Json, Labels, Messages, ModelOption
from .sheet_rows import sheet_rows

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
        bool, typer.Option("--attack", help="Disguise the fraudulent messages too, and say what recall is kept.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="A page to write, such as report.html; the sheet goes beside it as JSON.")
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
        from fraudsieve.training.data.after_training import flattering_rows, rows_since
        from fraudsieve.training.data.builders import builder_of_model, groups_of, read_data
        from fraudsieve.training.evaluation.labels import label_sheet, waiting_note
        from fraudsieve.training.evaluation.points import share_of_records
        from fraudsieve.training.fit import evaluate_model
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
        known = flattering_rows(data, scorer.model)
        say("looking for campaigns" if data.subject == "message" else "looking for accounts")
        groups, kind = groups_of(data)
        say("scoring, then under attack" if attack else "scoring")
        sheet = evaluate_model(
            scorer,
            data.rows,
            builder,
            attack=attack,
            groups=groups,
            group_kind=kind,
            share=share_of_records(data, data.rows),
            settings=read.evaluate,
        )
        sheet["not_later_than_training"] = known
        sheet["labels"] = label_sheet(
            every,
            scorer.model.training,
            legitimate=scorer.model.legitimate,
            since=since,
            trust=read.data.trusted,
        )
        content: dict[str, Any] = {"model": scorer.model.name, "digest": scorer.model.digest, "sheet": sheet}
        content["not_later_than_training"] = known
        counts = {"unlabelled": data.n_unlabelled, "rejected": len(data.rejected)}
        counts["rejected_labels"] = len(data.rejected_labels)
        written: dict[str, str] = {}
        if report is not None:
            page, beside = write_report(report, sheet, title=scorer.model.name, facts=model_facts(scorer.model))
            written = {"page": str(page), "sheet": str(beside)}
            content["report"] = written
    said = [FLATTERING.format(known=known, rows=len(data.rows)) if known else None, waiting_note(sheet["labels"])]
    notes((*data.notes, *filter(None, said)))
    rows = [*sheet_rows(sheet), ("set aside", ", ".join(f"{count:,} {what}" for what, count in counts.items()))]
    rows += _attack_rows(sheet["attack"]) if attack else []
    rows += [("report", f"{written['page']}, and as JSON {written['sheet']}")] if written else []
    title = f"{scorer.model.name} on {sheet['rows']:,} {scorer.model.subject}s"
    answer(content | counts, as_json=json, title=title, rows=rows)


def _attack_rows(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    """Lay out what is kept of the recall: a row a disguise, a column a strength."""
    strengths = list(sheet["character"])
    rate, language = f"{sheet['false_positive_rate']:.0%}", sheet["language"]
    rows = [
        ("under attack", f"kept of the recall of {sheet['recall']:.3f} at {rate} false positives on clean messages"),
        ("", "".join(f"{strength:>8}" for strength in strengths)),
    ]
    for name, one in sheet["disguises"].items():
        changed = any(one[strength]["changed"] for strength in strengths)
        kept = [one[strength]["kept"] for strength in strengths]
        rows.append((f"  {name}", _in_columns(kept) if changed else "       - nothing to change"))
    means = [sheet["character"][strength]["mean"] for strength in strengths]
    return [*rows, (f"  mean of characters ({language})", _in_columns(means))]


def _in_columns(shares: list[float | None]) -> str:
    return "".join(f"{'-' if share is None else f'{share:.3f}':>8}" for share in shares)
