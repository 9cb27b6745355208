"""The command line: each command calls one function of the library and prints what came of it."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

__all__ = ["app", "main"]

try:
    import typer

    from fraudsieve._console import answer, exit_on_error, notes, steps
except ModuleNotFoundError as error:  # the base installation scores, and has no command line
    sys.exit(f"fraudsieve: {error.name} is not installed. The command line needs: pip install 'fraudsieve[train]'")

app = typer.Typer(
    name="fraudsieve",
    help="Labelled messages and account histories in, a fraud model out, scores back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, and so messages
    add_completion=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on the output.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="A model folder, or an address such as models:/NAME@champion.")
]
Messages = Annotated[Path | None, typer.Option(help="Messages: Parquet, CSV or JSON Lines.")]
Accounts = Annotated[Path | None, typer.Option(help="Accounts and what they say of themselves.")]
Events = Annotated[Path | None, typer.Option(help="Events: the history of accounts, or of the senders of messages.")]
Labels = Annotated[Path | None, typer.Option(help="Labels, when they are not a column of what is labelled.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        import fraudsieve

        typer.echo(fraudsieve.__version__)
        raise typer.Exit


@app.command()
def train(
    messages: Messages = None,
    accounts: Accounts = None,
    events: Events = None,
    labels: Labels = None,
    subject: Annotated[
        str | None, typer.Option(help="What is scored: auto, message, account or event (is this payment fraud?).")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A TOML file that says all that the run needs.")] = None,
    output: Annotated[Path, typer.Option(help="The model folder to make.")] = Path("fraudsieve-model"),
    name: Annotated[str | None, typer.Option(help="Name of the registered model.")] = None,
    legitimate: Annotated[str | None, typer.Option(help="The label that is no crime.")] = None,
    split: Annotated[str | None, typer.Option(help="auto, time, campaign, account or random.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Experiment in MLflow.")] = None,
    campaigns: Annotated[
        bool | None,
        typer.Option("--campaigns", help="Look at near-duplicates sent before; scoring needs to be told of them too."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is drawn.")] = None,
    json: Json = False,
) -> None:
    """Train a model on labelled messages, accounts or events, and keep it in MLflow and in a folder."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        from fraudsieve.training.fit import train as run
        from fraudsieve.training.recipe import Recipe

        overrides = {
            "data.messages": messages and str(messages),
            "data.accounts": accounts and str(accounts),
            "data.events": events and str(events),
            "data.labels": labels and str(labels),
            "data.subject": subject,
            "data.legitimate": legitimate,
            "name": name,
            "split.kind": split,
            "features.campaigns": campaigns,
            "track.experiment": experiment,
            "seed": seed,
        }
        trained = run(Recipe.read(recipe, overrides), output=output, progress=say)
    notes(trained.notes)
    answer(
        _trained_content(trained),
        as_json=json,
        title=f"Trained on {trained.model.training['rows']['train']:,} {trained.model.subject}s",
        rows=_trained_rows(trained),
    )


@app.command()
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
    json: Json = False,
) -> None:
    """Score labelled messages, accounts or events with a model, and say how good the scores are."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the model")
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.attack_recall import check_attackable
        from fraudsieve.training.builders import builder_of_model, groups_of, read_data
        from fraudsieve.training.fit import evaluate_model
        from fraudsieve.training.recipe import Recipe
        from fraudsieve.training.report import check_report_path, model_facts, write_report

        if report is not None:
            check_report_path(report)
        scorer = Scorer.load(model_folder(model))
        if attack:
            check_attackable(scorer.model)
        say("reading")
        read = Recipe.read(recipe, {"data.subject": scorer.model.subject})
        tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
        data = read_data(read, tables, min_label_rows=1)
        say("looking for campaigns" if data.subject == "message" else "looking for accounts")
        groups, kind = groups_of(data)
        say("scoring, then under attack" if attack else "scoring")
        builder = builder_of_model(scorer.model, data)
        sheet = evaluate_model(
            scorer, data.rows, builder, attack=attack, groups=groups, group_kind=kind, settings=read.evaluate
        )
        content = {"model": scorer.model.name, "digest": scorer.model.digest, "sheet": sheet}
        counts = {"unlabelled": data.n_unlabelled, "rejected": len(data.rejected)}
        counts["rejected_labels"] = len(data.rejected_labels)
        written: dict[str, str] = {}
        if report is not None:
            page, beside = write_report(report, sheet, title=scorer.model.name, facts=model_facts(scorer.model))
            written = {"page": str(page), "sheet": str(beside)}
            content["report"] = written
    notes(data.notes)
    rows = [*_sheet_rows(sheet), ("set aside", ", ".join(f"{count:,} {what}" for what, count in counts.items()))]
    rows += _attack_rows(sheet["attack"]) if attack else []
    rows += [("report", f"{written['page']}, and as JSON {written['sheet']}")] if written else []
    title = f"{scorer.model.name} on {sheet['rows']:,} {scorer.model.subject}s"
    answer(content | counts, as_json=json, title=title, rows=rows)


@app.command()
def predict(
    model: ModelOption,
    input: Annotated[Path, typer.Option(help="Messages, accounts or events to score: Parquet, CSV or JSON Lines.")],
    events: Events = None,
    labels: Annotated[Path | None, typer.Option(help="What became known, for models that look at it.")] = None,
    past: Annotated[
        Path | None, typer.Option(help="Messages sent before, with labels where known, for models of campaigns.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The Parquet file of scores to write.")] = Path("scores.parquet"),
    json: Json = False,
) -> None:
    """Score a file of messages, accounts or events."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the model")
        from fraudsieve.models.batch import score_file
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer

        scorer = Scorer.load(model_folder(model))
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


@app.command()
def simulate(
    output: Annotated[Path, typer.Option(help="The folder for the four tables.")] = Path("fraudsieve-world"),
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    days: Annotated[int, typer.Option(help="Length of the period.")] = 120,
    accounts: Annotated[int, typer.Option(help="Number of accounts.")] = 1500,
    json: Json = False,
) -> None:
    """Make up a small world: messages, accounts, events and labels. Scores on it prove the plumbing, nothing else."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("simulating")
        from fraudsieve.training.simulate import simulate as run

        world = run(seed=seed, days=days, n_accounts=accounts)
        paths = world.write(output)
        counts = {name: len(getattr(world, name)) for name in paths}
    rows = [(name, f"{counts[name]:,} rows in {path}") for name, path in paths.items()]
    content = {name: {"path": str(path), "rows": counts[name]} for name, path in paths.items()}
    answer(content, as_json=json, title="A simulated world", rows=rows)


@app.command()
def quickstart(
    folder: Annotated[Path, typer.Option(help="The folder to make; everything goes there.")] = Path(
        "fraudsieve-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    json: Json = False,
) -> None:
    """Simulate a small world, train on it, evaluate, register and score: the whole road in under two minutes."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        from fraudsieve.training.quickstart import quickstart as run

        done = run(folder, seed=seed, progress=say)
    notes(done.trained.notes)
    scores = {"scores": str(done.scored.output), "scored": done.scored.scored}
    answer(
        _trained_content(done.trained) | scores,
        as_json=json,
        title="A simulated world: these figures prove the plumbing and nothing else",
        rows=[*_trained_rows(done.trained), ("scores", f"{done.scored.scored:,} new messages in {done.scored.output}")],
    )


def _trained_content(trained: Any) -> dict[str, Any]:
    return {
        "folder": str(trained.folder),
        "digest": trained.model.digest,
        "model_uri": trained.logged.model_uri,
        "aliases": list(trained.logged.aliases),
        "tracking_uri": trained.logged.uri,
        "run_id": trained.logged.run_id,
        "run": trained.logged.address,
        "sheet": trained.sheet,
        "operating_points": [asdict(point) for point in trained.model.points],
        "unlabelled": trained.data.n_unlabelled,
        "rejected": len(trained.data.rejected),
        "rejected_labels": len(trained.data.rejected_labels),
        "notes": list(trained.notes),
    }


def _trained_rows(trained: Any) -> list[tuple[str, str]]:
    sheet, split = trained.sheet, trained.split
    apart = " and ".join(split.keeps_apart) or "nothing: these figures flatter"
    rows = [
        ("test", f"{sheet['rows']:,} {trained.model.subject}s, split by {split.kind}, apart: {apart}"),
        *_sheet_rows(sheet),
    ]
    set_aside = f"{trained.data.n_unlabelled:,} unlabelled, {len(trained.data.rejected):,} rejected"
    return [
        *rows,
        ("set aside", set_aside),
        ("model folder", str(trained.folder)),
        ("model", f"{trained.logged.model_uri} ({', '.join(trained.logged.aliases) or 'not registered'})"),
        ("run in MLflow", trained.logged.address),
    ]


def _sheet_rows(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "average_precision": "average precision",
        "base_rate": "base rate",
        "recall_at_1pct_fpr": "recall at 1 % false positives",
        "recall_at_capacity": "recall at the review capacity",
        "precision_at_capacity": "precision at the review capacity",
        "cost_per_1000": "cost for 1,000, in reviews",
        "roc_auc": "ROC AUC",
        "ece": "calibration error",
        "macro_f1": "macro-F1 over types",
    }
    found = {name: text for name, text in names.items() if sheet.get(name) is not None}
    return [(text, f"{sheet[name]:.3f}{_between(sheet['intervals'].get(name))}") for name, text in found.items()]


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f"  ({interval[0]:.3f} to {interval[1]:.3f})"


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


def main() -> None:
    """Run the command line."""
    app()
