"""``fraudsieve train``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import Answer, Report, notes, stop_on_sigterm
from fraudsieve.cli.options import (
    Group,
    LanguageOption,
    Name,
    Overwrite,
    ReadingOptions,
    TableOptions,
    Track,
    Verbose,
    split_names,
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
    subject: Annotated[
        str | None, typer.Option(help="What the model scores: auto, message, account or event (such as a payment).")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML) with all settings of the run.")] = None,
    output: Annotated[Path, typer.Option(help="Model folder to write.")] = Path("fraudsieve-model"),
    name: Name = None,
    legitimate: Annotated[
        str | None,
        typer.Option(
            help="Label of legitimate records, or none to train types only; by default, common words are recognised."
        ),
    ] = None,
    legitimate_after: Annotated[
        str | None,
        typer.Option(
            help="Age from which a record without a label counts as legitimate, such as 60d; by default, never."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split by: auto, time, campaign, account, group or random.")] = None,
    group: Group = None,
    threshold_by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column, such as channel, each value of which has a threshold of its own; it becomes a feature.",
        ),
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="Name of the MLflow experiment.")] = None,
    campaigns: Annotated[
        bool | None,
        typer.Option(
            "--campaigns",
            help="Use earlier near-duplicates of messages as features; scoring then also needs earlier messages.",
        ),
    ] = None,
    feature_columns: Annotated[
        str | None,
        typer.Option(help="Your own columns of messages to use as features, such as channel,country."),
    ] = None,
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
    sample_rate: Annotated[
        float | None,
        typer.Option(
            help="Train on this share of the legitimate accounts or events, and on all fraud, to save time and memory; "
            "by default on all, or on 150,000 of more."
        ),
    ] = None,
    track: Track = None,
    overwrite: Overwrite = False,
    language: LanguageOption = None,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    verbose: Verbose = False,
) -> Answer:
    """Train a model on labelled messages, accounts or events. Write it to a folder and log it to MLflow."""
    with stop_on_sigterm():
        from fraudsieve.training.output import check_model_output, claiming
        from fraudsieve.training.recipe.headers import TABLES, check_headers
        from fraudsieve.training.recipe.recipe import Recipe

        overrides = {
            **{f"data.{table}": place for table, place in vars(tables).items()},
            "data.features": features,
            **reading.overrides(),
            "data.subject": subject,
            "data.legitimate": legitimate,
            "labels.legitimate_after": legitimate_after,
            "name": name,
            "split.kind": split,
            "split.group": group,
            "thresholds.by": threshold_by,
            "features.campaigns": campaigns,
            "features.columns": None if feature_columns is None else split_names(feature_columns),
            "tune.budget": tune,
            "model.refit": refit,
            "model.sample_rate": sample_rate,
            "track.experiment": experiment,
            "track.enabled": track,
            "language": language,
            "seed": seed,
        }
        settings = Recipe.read(recipe, overrides)
        with claiming(output):
            check_model_output(output, overwrite=overwrite)
        check_headers(settings, {table: getattr(settings.data, table) for table in (*TABLES, "features")})
        from fraudsieve.training.fit import train  # its imports take seconds: wrong options and tables come first

        trained = train(settings, output=output, overwrite=overwrite, progress=progress)
    notes(trained.notes)
    beside = {"events": settings.data.events, "labels": settings.data.labels}
    given = {"recipe": recipe, "name": name} | vars(reading) | beside
    return Answer(
        trained_content(trained),
        f"Trained on {trained.model.training['rows']['train']:,} {trained.model.subject}s",
        trained_rows(trained) if verbose else trained_summary(trained, given),
    )
