"""``fraudsieve train``."""

from pathlib import Path
from typing import Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps, stop_on_sigterm
from fraudsieve.cli.options import (
    Accounts,
    Columns,
    DayFirst,
    Encoding,
    Events,
    Json,
    Labels,
    Messages,
    Separator,
    TextColumn,
    reading_overrides,
    split_names,
)
from fraudsieve.cli.tables import trained_content, trained_rows

__all__ = ["train_command"]


def train_command(
    messages: Messages = None,
    accounts: Accounts = None,
    events: Events = None,
    labels: Labels = None,
    features: Annotated[
        str | None,
        typer.Option(help="Parquet with a feature matrix that is ready (fraudsieve.spark), in place of other tables."),
    ] = None,
    text_column: TextColumn = None,
    column: Columns = None,
    encoding: Encoding = None,
    separator: Separator = None,
    day_first: DayFirst = None,
    subject: Annotated[
        str | None, typer.Option(help="What is scored: auto, message, account or event (is this payment fraud?).")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with all settings of the run.")] = None,
    output: Annotated[Path, typer.Option(help="The model folder to write.")] = Path("fraudsieve-model"),
    name: Annotated[str | None, typer.Option(help="Name of the registered model.")] = None,
    legitimate: Annotated[
        str | None, typer.Option(help="The label of records that are not fraud; by default it is found.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="auto, time, campaign, account or random.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Experiment in MLflow.")] = None,
    campaigns: Annotated[
        bool | None,
        typer.Option("--campaigns", help="Use earlier near-duplicates; scoring then needs earlier messages too."),
    ] = None,
    feature_columns: Annotated[
        str | None,
        typer.Option(help="Own columns of messages that are features, by commas: channel,country."),
    ] = None,
    tune: Annotated[
        str | None,
        typer.Option(help="Time for a search of settings inside the training slice: 90s, 20m, 2h. It can be resumed."),
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option(
            "--refit", help="Train again on all mature rows; the metrics are those of the model of the split."
        ),
    ] = None,
    sample_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of the legitimate accounts or events to train on, with all fraud: saves time and memory."
        ),
    ] = None,
    track: Annotated[
        bool | None,
        typer.Option("--track/--no-track", help="Log the run and the model to MLflow; by default they are logged."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older model folder.")] = False,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    json: Json = False,
) -> None:
    """Train a model on labelled messages, accounts or events; write it to a folder and log it to MLflow."""
    with exit_on_error(as_json=json), stop_on_sigterm(), steps(quiet=json) as progress:
        from fraudsieve.training.fit import train
        from fraudsieve.training.recipe.recipe import Recipe

        overrides = {
            "data.messages": messages,
            "data.accounts": accounts,
            "data.events": events,
            "data.labels": labels,
            "data.features": features,
            **reading_overrides(column, text_column, encoding, separator, day_first),
            "data.subject": subject,
            "data.legitimate": legitimate,
            "name": name,
            "split.kind": split,
            "features.campaigns": campaigns,
            "features.columns": None if feature_columns is None else split_names(feature_columns),
            "tune.budget": tune,
            "model.refit": refit,
            "model.sample_rate": sample_rate,
            "track.experiment": experiment,
            "track.enabled": track,
            "seed": seed,
        }
        trained = train(Recipe.read(recipe, overrides), output=output, overwrite=overwrite, progress=progress)
    notes(trained.notes)
    answer(
        trained_content(trained),
        as_json=json,
        title=f"Trained on {trained.model.training['rows']['train']:,} {trained.model.subject}s",
        rows=trained_rows(trained),
    )
