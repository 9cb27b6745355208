"""Options that commands share, declared once: a command takes a group of options as one parameter."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: PyArrow takes time
    from fraudsieve.tables.source import InputTable

__all__ = [
    "Accounts",
    "Events",
    "Json",
    "Labels",
    "MaxRejected",
    "Messages",
    "ModelOption",
    "Name",
    "ReadingOptions",
    "RulesOption",
    "TableOptions",
    "input_table",
    "split_names",
    "with_groups",
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
MaxRejected = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Share of rejected rows above which a table is an error; by default 0.2."),
]


@dataclass(frozen=True)
class TableOptions:
    """The tables of a command."""

    messages: Messages = None
    accounts: Accounts = None
    events: Events = None
    labels: Labels = None

    def inputs(self, reading: "ReadingOptions | None" = None) -> dict[str, Any]:
        """Return the tables to read by name; None for those that were not given."""
        return {name: input_table(source, reading) for name, source in vars(self).items()}


@dataclass(frozen=True)
class ReadingOptions:
    """How tables are read."""

    text_column: Annotated[
        str | None, typer.Option(help="Column with the text of messages, if its name is not text.")
    ] = None
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=COLUMN for a column with another name: sent_at=date, events.account_id=card. Repeatable."
        ),
    ] = None
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text files, such as gb18030; detected by default.")
    ] = None
    separator: Annotated[str | None, typer.Option(help="Separator of text files; detected by default.")] = None
    sheet: Annotated[str | None, typer.Option(help="Sheet of workbooks; by default the first.")] = None
    header_row: Annotated[
        int | None,
        typer.Option(min=1, help="Row with the names of the columns, counted from 1; found by default."),
    ] = None
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="Read 03/04/2026 as 3 April, or as March 4."),
    ] = None
    decimal: Annotated[
        str | None, typer.Option(help="Decimal sign of numbers such as 1.234,50: . or ,; found by default.")
    ] = None
    time_zone: Annotated[
        str | None,
        typer.Option(help="Zone of times without one, such as Asia/Shanghai, and of hours of the day; by default UTC."),
    ] = None
    max_rejected: MaxRejected = None

    def overrides(self) -> dict[str, Any]:
        """Return the settings of a recipe that say how tables are read; None for those that were not given."""
        return {f"data.{name}": value for name, value in self.given().items()}

    def given(self) -> dict[str, Any]:
        """Return the options by their names in `ReadOptions`; None for those that were not given."""
        names = dict(_pair(column) for column in self.column or [])
        if self.text_column is not None:
            names["messages.text"] = self.text_column
        others = {name: value for name, value in vars(self).items() if name not in ("text_column", "column")}
        return {"columns": names or None, **others}


def split_names(names: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in names.split(",") if name.strip()]


def _pair(column: str) -> tuple[str, str]:
    ours, equals, theirs = column.partition("=")
    if not equals or not ours or not theirs:
        raise RecipeError("--column", ["expected NAME=COLUMN, such as text=content"])
    return ours.strip(), theirs


def input_table(source: str | None, reading: ReadingOptions | None = None) -> "InputTable | str | None":
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
    options = {} if reading is None else {name: value for name, value in reading.given().items() if value is not None}
    return InputTable(source, ReadOptions(**options)) if options else source


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for each field of the parameters that are dataclasses.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Paging:
    ...     page: int = 1
    >>> def show(name: str, paging: Paging) -> None:
    ...     print(name, paging.page)
    >>> list(inspect.signature(with_groups(show)).parameters)
    ['name', 'page']
    >>> with_groups(show)(name="cases", page=2)
    cases 2
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}

    @wraps(command)
    def call(**options: Any) -> None:
        for name, group in groups.items():
            options[name] = group(**{field.name: options.pop(field.name) for field in fields(group)})
        command(**options)

    options = [option for one in parameters for option in _options_of(one)]
    call.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    call.__annotations__ = {option.name: option.annotation for option in options}
    return call


def _options_of(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return a parameter as it is, or the fields of its group."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    if not is_dataclass(parameter.annotation):
        return [parameter.replace(kind=keyword)]
    hints = get_type_hints(parameter.annotation, include_extras=True)
    return [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
        for field in fields(parameter.annotation)
    ]
