"""What came before a drawn record: the last events, or messages, of its account and of its counterparty."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject

from .candidates import Candidates, times_of

LAST: Final = 5
"""Records that are shown of each entity, the latest first."""
ENTITIES: Final = ("account_id", "counterparty_id", "recipient_id")
SHOWN: Final = ("kind", "amount", *ENTITIES)
"""Columns that are shown by default: no text, since nobody has drawn these records."""


class Before(NamedTuple):
    """The last records of an entity before a drawn one."""

    # The column that names the entity.
    entity: str
    columns: tuple[str, ...]
    # Shape (n_records, n_columns). The time, and the columns.
    rows: list[list[Any]]


Context = Mapping[str, Sequence[Before]]
"""What came before each drawn record, by its id."""


def context_of(drawn: Candidates, history: pd.DataFrame, shown: Sequence[str] = SHOWN) -> dict[str, list[Before]]:
    """Return what came strictly before each drawn record, by the entities that it shares with the history."""
    times = times_of(history, Subject.MESSAGE if drawn.subject.has_text else Subject.EVENT)
    if times is None:
        return {}
    known = times.notna().to_numpy(np.bool_)
    history = history[known].assign(time=times[known]).sort_values("time", kind="stable", ignore_index=True)
    at, cutoffs = (column.dt.tz_convert(None).to_numpy("M8[us]") for column in (history["time"], drawn.time))
    names = [name for name in ENTITIES if name in history and name in drawn.records]
    members = {name: history.groupby(name).indices for name in names}
    found: dict[str, list[Before]] = {}
    for place, (subject, cutoff) in enumerate(zip(drawn.scored["subject_id"], cutoffs, strict=True)):
        if not np.isnat(cutoff):
            record = drawn.records.iloc[place]
            for name in names:
                rows = None if pd.isna(record[name]) else members[name].get(record[name])
                earlier = np.zeros(0, np.int64) if rows is None else np.asarray(rows)
                earlier = earlier[: np.searchsorted(at[earlier], cutoff)][-LAST:][::-1]
                if len(earlier):
                    last = history.iloc[earlier]
                    columns = tuple(one for one in shown if one in last and one != name and last[one].notna().any())
                    cells = last[["time", *columns]].astype(object).to_numpy().tolist()
                    found.setdefault(str(subject), []).append(Before(name, columns, cells))
    return found
