"""Options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Accounts", "Events", "Json", "Labels", "Messages", "ModelOption", "Name"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to the output, and nothing else.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="A model folder, or an address such as models:/NAME@champion.")
]
Messages = Annotated[Path | None, typer.Option(help="Messages: Parquet, CSV or JSON Lines.")]
Accounts = Annotated[Path | None, typer.Option(help="Accounts, with the columns of their profiles.")]
Events = Annotated[Path | None, typer.Option(help="Events: the history of accounts, or of the senders of messages.")]
Labels = Annotated[Path | None, typer.Option(help="Labels, if they are not a column of the labelled table.")]
Name = Annotated[str | None, typer.Option(help="Name of the registered model; by default that of the recipe.")]
