"""``fraudsieve state``: what is in an event store, and how it gets in and out; ``fraudsieve scores``."""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    Events,
    LabelDays,
    Lateness,
    Messages,
    ModelOption,
    ReadingOptions,
    input_table,
    subcommand,
)
from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.live.loading import Loaded
    from fraudsieve.live.state import LiveState
    from fraudsieve.live.store.event_store import EventStore
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


scores_app = typer.Typer(
    name="scores",
    help="Scores that a service logged (serve --score-log): write them as a table.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@subcommand(scores_app, "export")
def export_scores_command(
    *,
    progress: Report,
    address: Address,
    since: Annotated[
        datetime | None, typer.Option(help="Write only scores that were answered from this time on (UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Write only scores that were answered before this time (UTC).")
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "scores.parquet"
    ),
    records: Annotated[
        Path | None, typer.Option(help="File for the records that were scored, as the service got them.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="message, account or event: which scores, if services of several types log to the store."),
    ] = None,
    repeated: Annotated[
        bool, typer.Option("--repeated", help="Write every score of a record; by default only the latest.")
    ] = False,
) -> Answer:
    """Write logged scores as the table that predict writes, with the request, model, offset and time of the answer.

    fraudsieve scores export live.db --since 2026-05-01 --output scores.parquet --records records.parquet
    """
    progress("reading the log")
    from fraudsieve.live.score_tables import export_scores

    with opened_store(address) as store:
        found = export_scores(
            store, output, since=since, until=until, subject=subject, records=records, repeated=repeated
        )
    rows = [("scores", f"{found.scores:,}")]
    rows += [] if records is None else [("records", f"{found.records:,}, in {records}")]
    if found.superseded:
        notes((f"{count_of(found.superseded, 'earlier score')} of the same records left out; --repeated writes them",))
    if found.without_id:
        notes((f"{count_of(found.without_id, 'score')} of records without an id, which no label can be joined to",))
    if found.left_out_fields:
        notes((f"{count_of(found.left_out_fields, 'value')} of further fields of records left out",))
    return Answer({"output": str(output), **found._asdict()}, str(output), rows)


@dataclass(frozen=True)
class PartOptions:
    """Records to load, by their type."""

    events: Events = None
    messages: Messages = None
    labels: Annotated[
        list[str] | None, typer.Option(metavar="TABLE", help="Labels of the records that the model scores.")
    ] = None


@subcommand(state_app, "info")
def info_command(address: Address) -> Answer:
    """Describe a store: rows, offsets, times, fields, snapshots and removals."""
    from fraudsieve.live.contents import describe_store

    with opened_store(address) as store:
        content = describe_store(store)
    rows = [(name, _text(value)) for name, value in content.items() if name != "removals"]
    rows += [("removed", ", ".join(f"{name} {value}" for name, value in one.items())) for one in content["removals"]]
    return Answer(content, content["address"], rows)


@subcommand(state_app, "load")
def load_command(
    *,
    progress: Report,
    address: Address,
    model: ModelOption,
    tables: PartOptions,
    reading: ReadingOptions,
    lateness: Lateness = "1d",
    label_days: LabelDays = 180.0,
) -> Answer:
    """Add records to a store, in order of time, such as those of past months. Records of one id count once.

    fraudsieve state load live.db --events events.parquet --labels labels.csv --model fraudsieve-model

    JSON Lines from standard input have the name -

    kcat -C -t payments -e | fraudsieve state load live.db --events - --model fraudsieve-model
    """
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
    from fraudsieve.live.loading import json_lines, load_records
    from fraudsieve.live.state import LiveState
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
    return _answer_loaded(address, loaded, rejected)


def _load_tables(
    live: "LiveState", inputs: dict[Any, "InputTable"], progress: Any
) -> tuple["Loaded", "defaultdict[str, Counter[Cause]]"]:
    """Load tables in order of time; return what was loaded, and by type why rows were rejected when they were read."""
    from fraudsieve.live.loading import Loaded, load_in_order

    rejected: defaultdict[str, Counter[Cause]] = defaultdict(Counter)
    if not inputs:
        return Loaded(), rejected
    from fraudsieve.live.loading import merge_tables, records_of_table
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


def _answer_loaded(address: str, loaded: "Loaded", rejected: "Mapping[str, Counter[Cause]]") -> Answer:
    reasons = Counter[str]()
    for (_, reason), count in (pair for causes in rejected.values() for pair in causes.items()):
        reasons[reason] += count  # two columns may have one reason
    content = {"accepted": loaded.accepted.total(), "rejected": reasons.total(), "reasons": dict(reasons)}
    content |= {"unknown": loaded.unknown}
    rows = [(f"accepted {part}", f"{count:,}") for part, count in loaded.accepted.items()]
    rows += [("rejected", f"{reasons.total():,}")]
    rows += [(f"{count:,} times", reason) for reason, count in reasons.most_common()]
    rows += [("labels without a record so far", f"{loaded.unknown:,}")] if loaded.unknown else []
    return Answer(content, f"Loaded into {address}", rows)


@subcommand(state_app, "export")
def export_command(
    *,
    progress: Report,
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
) -> Answer:
    """Write the events, labels and logged messages of a store as tables, to train on."""
    progress("reading the store")
    from fraudsieve.live.export import export_tables
    from fraudsieve.models.predict import Scorer

    with opened_store(address) as store:
        trained = None if model is None else Scorer.load(model).model
        content = export_tables(store, output, trained, since=since, until=until)
    return Answer(content, str(output), [(name, _text(value)) for name, value in content.items()])


@subcommand(state_app, "erase")
def erase_command(
    address: Address,
    account_id: Annotated[str, typer.Option(help="Id of the account; - reads it from standard input.")],
) -> Answer:
    """Erase all rows with an account in any id field, and all snapshots. Running services follow by themselves."""
    from fraudsieve.live.removal import erase

    with opened_store(address) as store:
        content = {"erased": erase(store, account_id=sys.stdin.readline() if account_id == "-" else account_id)}
    return Answer(content, "Erased", [("rows", f"{content['erased']:,}")])


@subcommand(state_app, "rewind")
def rewind_command(
    address: Address,
    until: Annotated[str, typer.Option(help="Remove rows with a later time than this, such as 2026-05-01T10:00:00Z.")],
) -> Answer:
    """Remove rows that are dated after a time. Events with wrong times in the future make correct ones too late."""
    from fraudsieve.live.removal import rewind

    with opened_store(address) as store:
        content = {"removed": rewind(store, until)}
    return Answer(content, "Rewound", [("rows", f"{content['removed']:,}")])


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
    """Open a store that exists."""
    from fraudsieve.live.store.event_store import existing_store

    return existing_store(address)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
