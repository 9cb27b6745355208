"""``fraudsieve state``: what is in an event store, and how it gets in and out."""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import answer, exit_on_error, notes, steps
from fraudsieve.cli.options import (
    Command,
    Events,
    Json,
    LabelDays,
    Lateness,
    Messages,
    ModelOption,
    ReadingOptions,
    input_table,
    with_groups,
)
from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.live.state import LiveState
    from fraudsieve.live.store.event_store import EventStore
    from fraudsieve.live.tables.loading import Loaded
    from fraudsieve.tables.limits import Cause
    from fraudsieve.tables.source import InputTable

state_app = typer.Typer(
    name="state",
    help="Event store of a live state: describe it, load and export events, erase an account, or rewind.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Address = Annotated[
    str, typer.Argument(help="Event store: a file such as live.db, or postgresql://USER@HOST/DATABASE.")
]


@dataclass(frozen=True)
class PartOptions:
    """Records to load, by their type."""

    events: Events = None
    messages: Messages = None
    labels: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="Labels of the records that the model scores.")
    ] = None


@state_app.command("info", cls=Command)
def info_command(address: Address, json: Json = False) -> None:
    """Describe a store: rows, offsets, times, fields, snapshots and removals."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.contents import describe_store

        with opened_store(address) as store:
            content = describe_store(store)
    rows = [(name, _text(value)) for name, value in content.items() if name != "removals"]
    rows += [("removed", ", ".join(f"{name} {value}" for name, value in one.items())) for one in content["removals"]]
    answer(content, as_json=json, title=content["address"], rows=rows)


@state_app.command("load", cls=Command)
@with_groups
def load_command(
    *,
    address: Address,
    model: ModelOption,
    tables: PartOptions,
    reading: ReadingOptions,
    lateness: Lateness = "1d",
    label_days: LabelDays = 180.0,
    json: Json = False,
) -> None:
    """Add records to a store, in order of time, such as those of past months. Records of one id count once.

    fraudsieve state load live.db --events events.parquet --labels labels.csv --model fraudsieve-model

    JSON Lines from standard input have the name -

    kcat -C -t payments -e | fraudsieve state load live.db --events - --model fraudsieve-model
    """
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        given: dict[Any, list[str]] = {part: sources for part, sources in vars(tables).items() if sources}
        if not given:
            raise RecipeError("state load", ["expected a table: --events, --messages or --labels"])
        streams = [part for part, sources in given.items() if sources == ["-"]]
        if len(streams) > 1:
            raise RecipeError("state load", ["expected one table from standard input, got several"])
        inputs = {
            part: table
            for part, sources in given.items()
            if part not in streams and (table := input_table(sources, reading)) is not None
        }
        progress("loading the model")
        from fraudsieve.live.state import LiveState
        from fraudsieve.live.tables.loading import json_lines, load_records
        from fraudsieve.models.predict import Scorer

        scorer = Scorer.load(model)
        progress("opening the store")
        with LiveState(scorer, address, lateness=lateness, label_days=label_days) as live:
            loaded, rejected = _load_tables(live, inputs, progress)
            for part in streams:
                load_records(live, part, json_lines(sys.stdin.buffer), partial(progress, "loading"), loaded)
        for part, reasons in loaded.rejected.items():
            rejected[part].update({("", reason): count for reason, count in reasons.items()})
        for part, causes in rejected.items():
            source = ", ".join(given.get(part) or [name for sources in given.values() for name in sources])
            _check_rejected(source, part, loaded.accepted, causes, reading.max_rejected)
    _answer_loaded(address, loaded, rejected, as_json=json)


def _load_tables(
    live: "LiveState", inputs: dict[Any, "InputTable"], progress: Any
) -> tuple["Loaded", "defaultdict[str, Counter[Cause]]"]:
    """Load tables in order of time; return what was loaded, and by type why rows were rejected when they were read."""
    from fraudsieve.live.tables.loading import Loaded, load_in_order

    rejected: defaultdict[str, Counter[Cause]] = defaultdict(Counter)
    if not inputs:
        return Loaded(), rejected
    from fraudsieve.live.tables.reading import merge_tables, records_of_table
    from fraudsieve.tables.source import origin_of

    progress("reading")
    tables = []
    for part, table in inputs.items():
        read = records_of_table(table, part, live.scorer.model)
        rejected[part] = read.rejected
        tables.append(read.records)
        if read.missing:
            columns = ", ".join(read.missing)
            notes((f"{origin_of(table)}: no column {columns}, which the model uses: stored as missing",))
    return load_in_order(live, merge_tables(tables), partial(progress, "loading")), rejected


def _answer_loaded(address: str, loaded: "Loaded", rejected: "Mapping[str, Counter[Cause]]", *, as_json: bool) -> None:
    reasons = Counter[str]()
    for (_, reason), count in (pair for causes in rejected.values() for pair in causes.items()):
        reasons[reason] += count  # two columns may have one reason
    content = {"accepted": loaded.accepted.total(), "rejected": reasons.total(), "reasons": dict(reasons)}
    content |= {"unknown": loaded.unknown}
    rows = [(f"accepted {part}", f"{count:,}") for part, count in loaded.accepted.items()]
    rows += [("rejected", f"{reasons.total():,}")]
    rows += [(f"{count:,} times", reason) for reason, count in reasons.most_common()]
    rows += [("labels without a record so far", f"{loaded.unknown:,}")] if loaded.unknown else []
    answer(content, as_json=as_json, title=f"Loaded into {address}", rows=rows)


@state_app.command("export", cls=Command)
def export_command(
    address: Address,
    output: Annotated[Path, typer.Option(help="Folder for the Parquet tables.")] = Path("live-tables"),
    model: Annotated[
        str | None,
        typer.Option(help="Model whose labels and records are written, with the names of columns of its training."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Export only records from this time on (UTC).")] = None,
    until: Annotated[
        str | None, typer.Option(help="Export only records before this time, such as 2026-05-01T10:00:00Z.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the events, labels and logged messages of a store as tables, to train on."""
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        progress("reading the store")
        from fraudsieve.live.tables.export import export_tables
        from fraudsieve.models.predict import Scorer

        with opened_store(address) as store:
            trained = None if model is None else Scorer.load(model).model
            content = export_tables(store, output, trained, since=since, until=until)
    answer(content, as_json=json, title=str(output), rows=[(name, _text(value)) for name, value in content.items()])


@state_app.command("erase", cls=Command)
def erase_command(
    address: Address,
    account_id: Annotated[str, typer.Option(help="Id of the account; - reads it from standard input.")],
    json: Json = False,
) -> None:
    """Erase all rows with an account in any id field, and all snapshots. Running services follow by themselves."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.removal import erase

        with opened_store(address) as store:
            content = {"erased": erase(store, account_id=sys.stdin.readline() if account_id == "-" else account_id)}
    answer(content, as_json=json, title="Erased", rows=[("rows", f"{content['erased']:,}")])


@state_app.command("rewind", cls=Command)
def rewind_command(
    address: Address,
    until: Annotated[str, typer.Option(help="Remove rows with a later time than this, such as 2026-05-01T10:00:00Z.")],
    json: Json = False,
) -> None:
    """Remove rows that are dated after a time. Events with wrong times in the future make correct ones too late."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.removal import rewind

        with opened_store(address) as store:
            content = {"removed": rewind(store, until)}
    answer(content, as_json=json, title="Rewound", rows=[("rows", f"{content['removed']:,}")])


def _check_rejected(
    source: str, part: str, accepted: Counter[str], causes: Counter["Cause"], max_rejected: float | None
) -> None:
    """Raise SchemaError if too many of the records were rejected; an empty file is not an error."""
    from fraudsieve.tables.limits import check_rejected

    if causes:
        stored = ", ".join(f"{count:,} {name}" for name, count in accepted.items() if count) or "nothing"
        check_rejected(
            causes,
            accepted[part] + causes.total(),
            max_rejected=max_rejected,
            origin="standard input" if source == "-" else source,
            expected="Correct the records, or give them with the option of their type.",
            stored=stored,
        )


def opened_store(address: str) -> "EventStore":
    """Open a store that exists: raise FileNotFoundError for a file that does not, which would be created."""
    from fraudsieve.live.store.addresses import open_store, require_store

    require_store(address)
    return open_store(address)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
