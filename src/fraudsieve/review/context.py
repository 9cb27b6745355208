"""What came before a drawn record: the last events, or messages, of its account and of its counterparty."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from .candidates import TIMES, Candidates

LAST: Final = 5
"""Records that are shown of each entity, the latest first."""
ENTITIES: Final = ("account_id", "counterparty_id", "recipient_id")
SHOWN: Final = ("kind", "amount", "text", *ENTITIES)


class Before(NamedTuple):
    """The last records of an entity before a drawn one."""

    # The column that names the entity.
    entity: str
    columns: tuple[str, ...]
    # Shape (n_records, n_columns). The time, and the columns.
    rows: list[list[Any]]


Context = Mapping[str, Sequence[Before]]
"""What came before each drawn record, by its id."""


def context_of(drawn: Candidates, history: pd.DataFrame) -> dict[str, list[Before]]:
    """Return what came strictly before each drawn record, by the entities that it shares with the history."""
    times = next((history[name] for name in TIMES if name in history), None)
    if times is None:
        return {}
    known = times.notna().to_numpy(np.bool_)
    history = history[known].assign(time=times[known]).sort_values("time", kind="stable", ignore_index=True)
    at = history["time"].astype("int64").to_numpy()
    names = [name for name in ENTITIES if name in history and name in drawn.records]
    members = {name: history.groupby(name).indices for name in names}
    found: dict[str, list[Before]] = {}
    for place, (subject, time) in enumerate(zip(drawn.scored["subject_id"], drawn.time, strict=True)):
        if not pd.isna(time):
            cutoff = pd.Series([time]).astype("int64").iloc[0]
            record = drawn.records.iloc[place]
            parts = ((name, members[name].get(record[name])) for name in names if not pd.isna(record[name]))
            found[str(subject)] = [*_before(history, at, cutoff, parts)]
    return found


def _before(history: pd.DataFrame, at: Any, cutoff: int, parts: Any) -> Iterator[Before]:
    for name, rows in parts:
        earlier = [] if rows is None else rows[: np.searchsorted(at[rows], cutoff)][-LAST:][::-1]
        if len(earlier):
            columns = tuple(column for column in SHOWN if column in history and column != name)
            shown = history.iloc[earlier]
            columns = tuple(column for column in columns if shown[column].notna().any())
            yield Before(name, columns, shown[["time", *columns]].astype(object).to_numpy().tolist())
