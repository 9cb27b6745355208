"""``fraudsieve state``: what is in an event store, and how it gets in and out."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import answer, exit_on_error, steps
from fraudsieve.cli.options import (
    Command,
    Events,
    Json,
    Messages,
    ModelOption,
    ReadingOptions,
    input_table,
    with_groups,
)
from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.live.state import LiveState
    from fraudsieve.tables.limits import Cause
    from fraudsieve.tables.source import InputTable

__all__ = ["Address", "check_store_exists", "state_app"]

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
    labels: Annotated[list[str] | None, typer.Option(metavar="TABLE", help="Labels of events or messages.")] = None
    account_labels: Annotated[list[str] | None, typer.Option(metavar="TABLE", help="Labels of accounts.")] = None


@state_app.command("info", cls=Command)
def info_command(address: Address, json: Json = False) -> None:
    """Describe a store: rows, offsets, times, fields, snapshots and removals."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.contents import describe_store
        from fraudsieve.live.store.addresses import open_store

        check_store_exists(address)
        with open_store(address) as store:
            content = describe_store(store)
    rows = [(name, _text(value)) for name, value in content.items() if name != "removals"]
    rows += [("removed", ", ".join(f"{name} {value}" for name, value in one.items())) for one in content["removals"]]
    answer(content, as_json=json, title=content["address"], rows=rows)


@state_app.command("load", cls=Command)
@with_groups
def load_command(
    *, address: Address, model: ModelOption, tables: PartOptions, reading: ReadingOptions, json: Json = False
) -> None:
    """Add records to a store, such as the history of past months. Repeated records with one event_id count once.

    fraudsieve state load live.db --events events.parquet --model fraudsieve-model

    JSON Lines from standard input have the name -

    kcat -C -t payments -e | fraudsieve state load live.db --events - --model fraudsieve-model
    """
    with exit_on_error(as_json=json), steps(quiet=json) as progress:
        given = {part: sources for part, sources in vars(tables).items() if sources}
        if not given:
            raise RecipeError("state load", ["expected a table: --events, --messages, --labels or --account-labels"])
        inputs = {part: None if sources == ["-"] else input_table(sources, reading) for part, sources in given.items()}
        progress("loading the model")
        from fraudsieve.live.state import LiveState
        from fraudsieve.models.predict import Scorer

        scorer = Scorer.load(model)
        n_accepted, rejected = Counter[str](), Counter[str]()
        progress("opening the store")
        with LiveState(scorer, address) as live:
            for part, table in inputs.items():
                n_accepted[part], causes = _load_part(live, part, table, progress)
                for (_, reason), count in causes.items():  # two columns may have one reason
                    rejected[reason] += count
                _check_rejected(", ".join(given[part]), n_accepted[part], causes, reading.max_rejected)
    content = {"accepted": n_accepted.total(), "rejected": rejected.total(), "reasons": dict(rejected)}
    rows = [(f"accepted {part.replace('_', ' ')}", f"{count:,}") for part, count in n_accepted.items()]
    rows += [("rejected", f"{rejected.total():,}")]
    rows += [(f"{count:,} times", reason) for reason, count in rejected.most_common()]
    answer(content, as_json=json, title=f"Loaded into {address}", rows=rows)


def _load_part(live: "LiveState", part: Any, table: "InputTable | None", progress: Any) -> tuple[int, Counter["Cause"]]:
    """Load the records of a type; return how many were accepted, and why others were rejected."""
    from fraudsieve.live.loading import batches_of, json_lines, load_records

    causes: Counter[Cause] = Counter()
    if table is None:
        batches = json_lines(sys.stdin.buffer)
    else:
        from fraudsieve.live.tables import records_of_table

        progress("reading")
        records, causes = records_of_table(table, part, live.scorer.model)
        batches = batches_of(records)
    accepted, reasons = load_records(live, part, batches, lambda done: progress("loading", done))
    causes.update({("", reason): count for reason, count in reasons.items()})
    return accepted, causes


@state_app.command("export", cls=Command)
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

        check_store_exists(address)
        with open_store(address) as store:
            content = export_tables(store, output)
    answer(content, as_json=json, title=str(output), rows=[(name, f"{n:,}") for name, n in content.items()])


@state_app.command("erase", cls=Command)
def erase_command(
    address: Address,
    account_id: Annotated[str, typer.Option(help="Id of the account; - reads it from standard input.")],
    json: Json = False,
) -> None:
    """Erase all rows with an account in any id field, and all snapshots. Running services follow by themselves."""
    with exit_on_error(as_json=json):
        from fraudsieve.live.removal import erase
        from fraudsieve.live.store.addresses import open_store

        check_store_exists(address)
        with open_store(address) as store:
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
        from fraudsieve.live.store.addresses import open_store

        check_store_exists(address)
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
            expected="Correct the records, or give them with the option of their type.",
        )


def check_store_exists(address: str) -> None:
    """Raise FileNotFoundError if the address is a file that does not exist: opening it would create it."""
    if "://" not in address and not Path(address).exists():
        raise FileNotFoundError(f"{address}: there is no such store. Check the path.")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
