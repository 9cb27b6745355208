"""The tables of a retraining that come from the event store of a service."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fraudsieve.exceptions import StateError
from fraudsieve.live.handover import holds_history
from fraudsieve.live.store.addresses import open_store, require_store
from fraudsieve.live.tables.export import StoredTables, read_stored_tables
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.source import InputTable, Source, as_input


@dataclass(frozen=True, eq=False)
class GivenTables:
    """The tables of a retraining."""

    tables: Mapping[str, Source]
    # The time from which on the records of the store have all their history; None if no old rows were deleted.
    trains_since: str | None = None
    notes: tuple[str, ...] = ()
    holds_history: bool = True


def with_store(model: Model, given: Mapping[str, Source | None], state: str | Path | None) -> GivenTables:
    """Return the tables that were given, after those of a store if there is one."""
    tables = {name: table for name, table in given.items() if table is not None}
    if state is None:
        return GivenTables(tables)
    require_store(state)
    with open_store(state) as store:
        stored, origin = read_stored_tables(store, model), store.origin
        with store.reading() as transaction:
            holds = holds_history(transaction, model.matrix.history_declaration)
    table = f"{model.subject}s"
    if stored.not_kept and table not in tables:
        lacking = " and ".join(stored.not_kept)
        fix = f"Give --{table}" + (
            "." if model.subject == "account" else ", or log records: serve --score-log records."
        )
        raise StateError(origin, f"it does not keep {lacking}, which the model learns from", fix)
    if "labels" not in stored.tables and not tables.keys() & {table, "labels"}:
        fix = "Send them to /v1/labels, load them with state load, or give --labels."
        raise StateError(origin, f"it holds no labels of {table}", fix)
    options, used = options_of_model(model), {table, "labels", *model.matrix.history_parts}
    for name in filter(used.__contains__, stored.tables):  # a store may have events of another model
        own = InputTable(stored.tables[name], options, origin)
        tables[name] = [own, *as_input(tables[name]).parts] if name in tables else own
    return GivenTables(tables, stored.trains_since, tuple(_notes(stored, given, origin)), holds)


def _notes(stored: StoredTables, given: Mapping[str, Source | None], origin: str) -> Iterator[str]:
    if stored.trains_since is not None:
        yield f"{origin}: old rows were deleted, so records before {stored.trains_since} lack a part of their history"
    lacking = stored.rows["messages_without_text"]
    if lacking and given.get("messages") is None:
        yield f"{origin}: {lacking:,} of the messages in the history were not scored, so campaigns lack them"
