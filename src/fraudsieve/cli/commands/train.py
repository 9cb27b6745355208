"""``fraudsieve train``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import Answer, Report, notes, stop_on_sigterm
from fraudsieve.cli.options import (
    LanguageOption,
    Overwrite,
    ReadingOptions,
    RunOptions,
    TableOptions,
    Track,
    Verbose,
)
from fraudsieve.cli.summary import trained_summary
from fraudsieve.cli.tables import trained_content, trained_rows


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
        from fraudsieve.training.recipe.headers import TABLES, check_headers

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
        check_headers(settings, {table: getattr(settings.data, table) for table in (*TABLES, "features")})
        from fraudsieve.training.fit import train  # its imports take seconds: wrong options and tables come first

        trained = train(settings, output=output, overwrite=overwrite, progress=progress)
    notes(trained.notes)
    beside = {"events": settings.data.events, "labels": settings.data.labels}
    given = {"recipe": run.recipe, "name": run.name} | vars(reading) | beside
    return Answer(
        trained_content(trained),
        f"Trained on {trained.model.training['rows']['train']:,} {trained.model.subject}s",
        trained_rows(trained) if verbose else trained_summary(trained, given),
    )
