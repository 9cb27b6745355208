"""``fraudsieve train``."""

from pathlib import Path
from typing import Annotated

import typer

from .console import answer, exit_on_error, notes, steps
from .options import Accounts, Events, Json, Labels, Messages
from .tables import trained_content, trained_rows

__all__ = ["train"]


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
    tune: Annotated[
        str | None,
        typer.Option(help="Search the settings inside the training slice, so long: 90s, 20m, 2h. Resumes when killed."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is drawn.")] = None,
    json: Json = False,
) -> None:
    """Train a model on labelled messages, accounts or events, and keep it in MLflow and in a folder."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        from fraudsieve.training.fit import train as run
        from fraudsieve.training.recipe.recipe import Recipe

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
            "tune.budget": tune,
            "track.experiment": experiment,
            "seed": seed,
        }
        trained = run(Recipe.read(recipe, overrides), output=output, progress=say)
    notes(trained.notes)
    answer(
        trained_content(trained),
        as_json=json,
        title=f"Trained on {trained.model.training['rows']['train']:,} {trained.model.subject}s",
        rows=trained_rows(trained),
    )
