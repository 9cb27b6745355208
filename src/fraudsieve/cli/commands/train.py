"""``fraudsieve quickstart``, ``simulate``, ``train``, ``features``, ``recalibrate`` and ``retrain``."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraudsieve._io import check_output_file
from fraudsieve._translation import tr
from fraudsieve._typing import JsonObject
from fraudsieve.cli.console import Answer, Report, notes, stop_on_sigterm
from fraudsieve.cli.options import (
    AsOf,
    KnownLabels,
    Labels,
    LanguageOption,
    ModelOption,
    Name,
    Overwrite,
    ReadingOptions,
    RunOptions,
    ScoredOptions,
    TableOptions,
    Track,
    Verbose,
    input_table,
    loaded_scorer,
    records_to_score,
)
from fraudsieve.cli.tables import plan_rows, retrained_rows, trained_content, trained_rows, trained_summary


def train_command(
    *,
    progress: Report,
    tables: TableOptions,
    features: Annotated[
        str | None,
        typer.Option(help="Parquet with a computed feature matrix (fraudsieve.spark), instead of other tables."),
    ] = None,
    reading: ReadingOptions,
    run: RunOptions,
    output: Annotated[Path, typer.Option(help="Model folder to write.")] = Path("fraudsieve-model"),
    experiment: Annotated[str | None, typer.Option(help="Name of the MLflow experiment.")] = None,
    tune: Annotated[
        str | None,
        typer.Option(
            help="Time for a search of settings inside the training slice: 90s, 20m, 2h. A search can be resumed."
        ),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option(
            "--refit/--no-refit",
            help="Whether to train again on all mature rows, after the evaluation; by default this is done.",
        ),
    ] = None,
    track: Track = None,
    overwrite: Overwrite = False,
    language: LanguageOption = None,
    verbose: Verbose = False,
) -> Answer:
    """Train a model on labelled messages, accounts or events. Write it to a folder and log it to MLflow."""
    with stop_on_sigterm():
        from fraudsieve.training.output import check_model_output, claiming
        from fraudsieve.training.recipe.headers import TABLES, check_headers, with_kinds

        more = {
            "data.features": features,
            "tune.budget": tune,
            "model.refit": refit,
            "track.experiment": experiment,
            "track.enabled": track,
            "language": language,
        }
        settings = run.read(tables, reading, more)
        with claiming(output):
            check_model_output(output, overwrite=overwrite)
        given_tables = {table: getattr(settings.data, table) for table in (*TABLES, "features")}
        check_headers(with_kinds(settings, given_tables), given_tables)
        from fraudsieve.training.fit import train  # its imports take seconds: wrong options and tables come first

        trained = train(settings, output=output, overwrite=overwrite, progress=progress)
    notes(trained.notes, settings.language)
    beside = {"events": settings.data.events, "labels": settings.data.labels}
    given = {"recipe": run.recipe, "name": run.name} | vars(reading) | beside
    return Answer(
        trained_content(trained),
        tr(f"Trained on {{n:,}} {trained.model.subject}s", n=trained.model.training["rows"]["train"]),
        trained_rows(trained) if verbose else trained_summary(trained, given),
        language=settings.language,
    )


def features_command(
    *,
    progress: Report,
    tables: TableOptions,
    reading: ReadingOptions,
    run: RunOptions,
    output: Annotated[Path, typer.Option(help="File of features to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "features.parquet"
    ),
) -> Answer:
    """Write the features that train would learn from, with label and slice, to train other models on them."""
    from fraudsieve.tables.formats.output import check_output_format

    check_output_format(output)
    settings = run.read(tables, reading, {})
    from fraudsieve.training.feature_table import write_features  # its imports take seconds: wrong options come first

    table = write_features(settings, output=output, progress=progress)
    notes(table.notes)
    rows = [("file", str(output)), *((f"rows of {name}", f"{n:,}") for name, n in table.rows.items())]
    rows.append(("columns", f"{len(table.columns):,} features, and label and slice"))
    return Answer(asdict(table), "Features of labelled records", rows)


def simulate_command(
    *,
    progress: Report,
    output: Annotated[Path, typer.Option(help="Folder for the four tables.")] = Path("fraudsieve-world"),
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    days: Annotated[int, typer.Option(min=7, help="Number of days.")] = 120,
    n_accounts: Annotated[int, typer.Option(min=100, help="Number of accounts.")] = 1500,
) -> Answer:
    """Simulate a small world: messages, accounts, events and labels. Metrics on it say nothing about real data."""
    check_output_file(output / "messages.parquet")
    progress("simulating")
    from fraudsieve.training.simulation.world import simulate

    world = simulate(seed=seed, days=days, n_accounts=n_accounts)
    paths = world.write(output)
    counts = {name: len(getattr(world, name)) for name in paths}
    rows = [(name, f"{counts[name]:,} rows in {path}") for name, path in paths.items()]
    content = {name: {"path": str(path), "rows": counts[name]} for name, path in paths.items()}
    return Answer(content, "A simulated world", rows)


def quickstart_command(
    *,
    progress: Report,
    folder: Annotated[Path, typer.Option(help="Folder to create; all files are written there.")] = Path(
        "fraudsieve-quickstart"
    ),
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    verbose: Verbose = False,
) -> Answer:
    """Simulate a small world, then train, evaluate, register and score, in a minute or two."""
    from fraudsieve.training.first_run import quickstart

    result = quickstart(folder, seed=seed, progress=progress)
    notes(result.trained.notes)
    scores = {"scores": str(result.scored.output), "scored": result.scored.scored}
    short = trained_summary(result.trained, {}, folder / "world" / "messages.parquet")
    return Answer(
        trained_content(result.trained) | scores,
        "Simulated data: these metrics only show that every step works",
        [
            ("scores", f"{result.scored.scored:,} new messages in {result.scored.output}"),
            *(trained_rows(result.trained) if verbose else short),
        ],
    )


def retrain_command(
    *,
    progress: Report,
    model: ModelOption,
    name: Name = None,
    tables: TableOptions,
    state: Annotated[
        str | None,
        typer.Option(
            help="Event store of the service, such as live.db: its events, labels and logged records are read first.",
        ),
    ] = None,
    reading: ReadingOptions,
    as_of: AsOf = None,
    output: Annotated[Path, typer.Option(help="Model folder to write.")] = Path("fraudsieve-retrained"),
    overwrite: Overwrite = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be done, and do nothing.")] = False,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Whether the new model becomes champion if it passes.")
    ] = True,
    language: LanguageOption = None,
    verbose: Verbose = False,
) -> Answer:
    """Train the recipe of a model on all tables of today. Promote the result if it is as good as the champion."""
    with stop_on_sigterm():
        inputs = tables.inputs() | {"state": state}
        from fraudsieve.retrain import plan_retraining, retrain

        changes = {"name": name, "language": language, "data.as_of": as_of, **reading.overrides()}
        if plan:
            planned = plan_retraining(model, **inputs, changes=changes, progress=progress)
        else:
            result = retrain(
                model,
                **inputs,
                output=output,
                overwrite=overwrite,
                promote=promote,
                changes=changes,
                progress=progress,
            )
    if plan:
        return Answer(planned.to_dict(), f"Plan for {planned.name}", plan_rows(planned))
    notes(result.notes)
    title = f"{result.version or result.plan.name}: {result.outcome}"
    return Answer(result.to_dict(), title, retrained_rows(result, verbose=verbose))


if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.training.recalibration.recalibration_run import Recalibrated


def recalibrate_command(
    *,
    progress: Report,
    model: ModelOption,
    tables: ScoredOptions,
    output: Annotated[Path, typer.Option(help="Model folder to write.")],
    labels: Labels = None,
    known_labels: KnownLabels = None,
    alerts_a_day: Annotated[float | None, typer.Option(min=0, help="Alerts per day that people can review.")] = None,
    flagged: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of the records to flag; by default, the share at the model's review capacity."
        ),
    ] = None,
    reading: ReadingOptions,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML); its section [track] names the MLflow store.")
    ] = None,
    track: Track = None,
    overwrite: Overwrite = False,
) -> Answer:
    """Adapt thresholds and calibration of a model to other traffic, with the same trees.

    Without labels, thresholds are set by alert volume. Labels of all records, or of review collect, also set the
    calibration and the false positive rates.
    """
    with stop_on_sigterm():
        inputs, labelled = tables.inputs(reading), input_table(labels, reading)
        known = input_table(known_labels, reading)
        from fraudsieve.training.recalibration.recalibration_run import recalibrate
        from fraudsieve.training.recipe.recipe import Recipe

        settings = Recipe.read(recipe, {"track.enabled": track})
        scorer = loaded_scorer(model, progress)
        records, beside = records_to_score(scorer.model, inputs)
        result = recalibrate(
            scorer,
            records,
            output=output,
            labels=labelled,
            known_labels=known,
            alerts_a_day=alerts_a_day,
            flagged=flagged,
            recipe=settings,
            overwrite=overwrite,
            address=model,
            progress=progress,
            events=beside["events"],
            history=beside["history"],
        )
    notes(result.notes)
    title = f"Recalibrated {result.model.name}"
    return Answer(_content(result), title, _rows(result))


def _content(result: "Recalibrated") -> JsonObject:
    logged = result.logged
    return {
        "folder": str(result.folder),
        "digest": result.model.digest,
        "model": None if logged is None else logged.model_uri,
        "recalibration": result.facts,
        "operating_points": [asdict(point) for point in result.model.points],
        "notes": list(result.notes),
    }


def _rows(result: "Recalibrated") -> Iterator[tuple[str, str]]:
    facts = result.facts
    yield "folder", str(result.folder)
    yield "digest", result.model.digest
    yield "set", " and ".join(facts["of"]).replace("_", " ")
    yield "labels", f"{facts['labels']:,}"
    low, high = facts["flagged_interval"]
    yield "alerts at the capacity", f"{facts['flagged']:.2%} of the records, next time {low:.2%} to {high:.2%}"
    for place, point in enumerate(result.model.points):
        rate = "" if point.false_positive_rate is None else f", false positives {point.false_positive_rate:.2%}"
        interval = facts.get("false_positive_rate_interval", {}).get(point.name)
        between = "" if interval is None else f" ({interval[0]:.2%} to {interval[1]:.2%})"
        decides = "; decides" if place == 0 else ""
        yield f"  {point.name}", f"threshold {point.threshold:.4f}, flags {point.flagged:.2%}{rate}{between}{decides}"
    if "observed_over_expected_interval" in facts:
        ends, error = facts["observed_over_expected_interval"], facts["max_calibration_error"]
        ratio = f"observed over expected {ends[0]:.2f} to {ends[1]:.2f}"
        yield "calibration", f"error at most {error:.3f}, {ratio} (95 %)"
    if result.logged is not None:
        yield "model", result.logged.model_uri
