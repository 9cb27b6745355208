"""Options that commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: PyArrow takes time
    from fraudsieve.tables.source import InputTable

__all__ = [
    "Accounts",
    "Columns",
    "DayFirst",
    "Encoding",
    "Events",
    "Json",
    "Labels",
    "MaxRejected",
    "Messages",
    "ModelOption",
    "Name",
    "RulesOption",
    "Separator",
    "TextColumn",
    "input_table",
    "reading_overrides",
    "split_names",
]

Json = Annotated[bool, typer.Option("--json", help="Print the result as a single JSON object.")]
ModelOption = Annotated[str, typer.Option("--model", help="Model folder, or an address such as models:/NAME@champion.")]
Messages = Annotated[
    str | None,
    typer.Option(
        help="Messages: a file (Parquet, CSV, Excel, JSON), a folder of Parquet files, s3://..., or a table or query "
        "of a database, such as postgresql://user@host/name#sms."
    ),
]
Accounts = Annotated[str | None, typer.Option(help="Accounts, with their profile columns.")]
Events = Annotated[str | None, typer.Option(help="Events: the history of accounts, or of the senders of messages.")]
Labels = Annotated[str | None, typer.Option(help="Labels, if they are not a column of another table.")]
Name = Annotated[str | None, typer.Option(help="Name of the registered model; by default the name in the recipe.")]
RulesOption = Annotated[
    Path | None,
    typer.Option("--rules", help="Rules file (TOML): senders, hosts and accounts that are always flagged or passed."),
]
TextColumn = Annotated[str | None, typer.Option(help="Column with the text of messages, if its name is not text.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", help="NAME=COLUMN for a column with another name: sent_at=date, events.account_id=card. Repeatable."
    ),
]
Encoding = Annotated[str | None, typer.Option(help="Encoding of text files, such as gb18030; detected by default.")]
Separator = Annotated[str | None, typer.Option(help="Separator of text files; detected by default.")]
DayFirst = Annotated[bool | None, typer.Option("--day-first", help="Read 03/04/2026 as 3 April, not as March 4.")]

MaxRejected = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Share of rejected rows above which a table is an error; by default 0.2."),
]


def reading_overrides(
    columns: list[str] | None,
    text_column: str | None,
    encoding: str | None,
    separator: str | None,
    day_first: bool | None,
    max_rejected: float | None,
) -> dict[str, Any]:
    """Return the settings of a recipe that say how tables are read; None for those that were not given."""
    names = dict(_pair(column) for column in columns or [])
    if text_column is not None:
        names["messages.text"] = text_column
    return {
        "data.columns": names or None,
        "data.encoding": encoding,
        "data.separator": separator,
        "data.day_first": day_first,
        "data.max_rejected": max_rejected,
    }


def split_names(names: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in names.split(",") if name.strip()]


def _pair(column: str) -> tuple[str, str]:
    ours, equals, theirs = column.partition("=")
    if not equals or not ours or not theirs:
        raise RecipeError("--column", ["expected NAME=COLUMN, such as text=content"])
    return ours.strip(), theirs


def input_table(source: str | None, overrides: dict[str, Any]) -> "InputTable | str | None":
    """Return a table to read, with the options that were given; those of the model complete them.

    A file that does not exist is an error here, before the work and the imports of a command.
    """
    if source is None:
        return None
    from fraudsieve.tables.formats.loaded import ReadOptions
    from fraudsieve.tables.formats.signatures import check_exists
    from fraudsieve.tables.source import InputTable, local_file

    file = local_file(source)
    if file is not None:
        check_exists(file, source)
    given = {name.removeprefix("data."): value for name, value in overrides.items() if value is not None}
    if not given:
        return source
    return InputTable(source, ReadOptions(**given))
