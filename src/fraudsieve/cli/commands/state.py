"""``fraudsieve state``: what is in an event store, and how it gets in and out."""

import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraudsieve.cli.console import answer, exit_on_error, steps
from fraudsieve.cli.options import (
    Columns,
    DayFirst,
    Encoding,
    Json,
    MaxRejected,
    ModelOption,
    Separator,
    TextColumn,
    input_table,
    reading_overrides,
)

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.tables.limits import Cause

__all__ = ["state_app"]

state_app = typer.Typer(
    name="state",
    help="Event store of a live state: describe it, load and export events, erase an account, or rewind.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Address = Annotated[
    str, typer.Argument(help="Event store: a file such as live.db, or postgresql://USER@HOST/DATABASE.")
]


class Part(StrEnum):
    """Types of records."""

    EVENTS = "events"
    LABELS = "labels"
    ACCOUNT_LABELS = "account_labels"
    MESSAGES = "messages"


@state_app.command("info")
def info_command(address: Address, json: Json = False) -> None:
    """Describe a store: rows, offsets, times, fields, snapshots and removals."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.contents import describe_store
        from fraudsieve.live.store.addresses import open_store

        _check_exists(address)
        with open_store(address) as store:
            content = describe_store(store)
    rows = [(name, _text(value)) for name, value in content.items() if name != "removals"]
    rows += [("removed", ", ".join(f"{name} {value}" for name, value in one.items())) for one in content["removals"]]
    answer(content, as_json=json, title=content["address"], rows=rows)


@state_app.command("load")
def load_command(
    address: Address,
    model: ModelOption,
    source: Annotated[
        str, typer.Argument(help="File (Parquet, CSV or JSON Lines); - for JSON Lines from standard input.")
    ] = "-",
    part: Annotated[Part, typer.Option(help="Type of the records.")] = Part.EVENTS,
    text_column: TextColumn = None,
    column: Columns = None,
    encoding: Encoding = None,
    separator: Separator = None,
    day_first: DayFirst = None,
    max_rejected: MaxRejected = None,
    json: Json = False,
) -> None:
    """Add records to a store, such as the history of past months. Repeated records with one event_id count once.

    fraudsieve state load live.db events.parquet --model fraudsieve-model

    kcat -C -t payments -e | fraudsieve state load live.db --model fraudsieve-model
    """
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        options = reading_overrides(column, text_column, encoding, separator, day_first, max_rejected)
        table = None if source == "-" else input_table(source, options)
        progress("loading the model")
        from fraudsieve.live.loading import batches_of, json_lines, load_records
        from fraudsieve.live.state import LiveState
        from fraudsieve.models.predict import Scorer

        scorer = Scorer.load(model)
        causes: Counter[Cause] = Counter()
        if table is None:
            batches = json_lines(sys.stdin.buffer)
        else:
            from fraudsieve.live.tables import records_of_table

            progress("reading")
            records, causes = records_of_table(table, part, scorer.model)
            batches = batches_of(records)
        progress("opening the store")
        with LiveState(scorer, address) as live:
            accepted, reasons = load_records(live, part.value, batches, lambda done: progress("loading", done))
        causes.update({("", reason): count for reason, count in reasons.items()})
        _check_rejected(source, accepted, causes, max_rejected)
    content = {"accepted": accepted, "rejected": causes.total(), "reasons": dict(reasons)}
    rows = [("accepted", f"{accepted:,}"), ("rejected", f"{content['rejected']:,}")]
    rows += [(f"{count:,} times", reason) for reason, count in reasons.most_common()]
    answer(content, as_json=json, title=f"Loaded {part.value}", rows=rows)


@state_app.command("export")
def export_command(
    address: Address,
    output: Annotated[Path, typer.Option(help="Folder for the Parquet tables.")] = Path("live-tables"),
    json: Json = False,
) -> None:
    """Write the events and labels of a store as tables, to train on."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        progress("reading the store")
        from fraudsieve.live.store.addresses import open_store
        from fraudsieve.live.tables import export_tables

        _check_exists(address)
        with open_store(address) as store:
            content = export_tables(store, output)
    answer(content, as_json=json, title=str(output), rows=[(name, f"{n:,}") for name, n in content.items()])


@state_app.command("erase")
def erase_command(
    address: Address,
    account_id: Annotated[str, typer.Option(help="Id of the account; - reads it from standard input.")],
    json: Json = False,
) -> None:
    """Erase all rows with an account in any id field, and all snapshots. Running services follow by themselves."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.removal import erase
        from fraudsieve.live.store.addresses import open_store

        _check_exists(address)
        with open_store(address) as store:
            content = {"erased": erase(store, account_id=sys.stdin.readline() if account_id == "-" else account_id)}
    answer(content, as_json=json, title="Erased", rows=[("rows", f"{content['erased']:,}")])


@state_app.command("rewind")
def rewind_command(
    address: Address,
    until: Annotated[str, typer.Option(help="Remove rows with a later time than this, such as 2026-05-01T10:00:00Z.")],
    json: Json = False,
) -> None:
    """Remove rows that are dated after a time. Events with wrong times in the future make correct ones too late."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.removal import rewind
        from fraudsieve.live.store.addresses import open_store

        _check_exists(address)
        with open_store(address) as store:
            content = {"removed": rewind(store, until)}
    answer(content, as_json=json, title="Rewound", rows=[("rows", f"{content['removed']:,}")])


def _check_rejected(source: str, accepted: int, causes: Counter["Cause"], max_rejected: float | None) -> None:
    """Raise SchemaError if too many of the records were rejected; an empty file is not an error."""
    from fraudsieve.tables.limits import check_rejected

    if causes:
        check_rejected(
            causes,
            accepted + causes.total(),
            max_rejected=max_rejected,
            origin="standard input" if source == "-" else source,
            expected="Correct the records, or choose their type with --part.",
        )


def _check_exists(address: str) -> None:
    """Raise FileNotFoundError if the address is a file that does not exist: opening it would create it."""
    if "://" not in address and not Path(address).exists():
        raise FileNotFoundError(f"{address}: there is no such store. Check the path.")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
