"""Confirmed members: labels of flagged actions as known at a cutoff time. They never change the partition."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.label_times import resolve_label_times
from fraudsieve.tables.label_values import AUTO, read_labels
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, origin_of

from .actions import Actions, ids_of, microseconds, microseconds_of, values_of

CONFIRMED: Final = {True: "fraud", False: "legitimate"}
"""Values of ``confirmed``."""


def read_case_labels(labels: Source, legitimate: str = AUTO) -> pd.DataFrame:
    """Read a table of labels."""
    table = read_table(labels, "labels").good
    reading = read_labels(table["label"], legitimate, of_two=False)
    classes = reading.apply(table["label"])
    out = pd.DataFrame({"action_id": table["subject_id"], "is_fraud": classes != reading.legitimate})
    if "labelled_at" in table:
        out["labelled_at"] = resolve_label_times(table["labelled_at"])[0]
    return out[classes.notna()].reset_index(drop=True)


def labels_of_records(labels: pd.DataFrame, scored: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Return labels by ``action_id``; they may also name a ``record`` that only one subject has, flagged or not."""
    count = scored["record"].value_counts()
    by_record = scored.set_index("record")["action_id"]
    ambiguous = labels["action_id"].isin(count.index[count > 1]) & ~labels["action_id"].isin(scored["action_id"])
    if ambiguous.any():
        problem = f"{int(ambiguous.sum())} labels fit records of several subjects"
        raise SchemaError(origin_of(source), problem, "Write the subject before the id, as in message:17.")
    by_record = by_record[count.reindex(by_record.index).eq(1).to_numpy()]
    named = labels["action_id"].map(by_record)
    return labels.assign(action_id=named.where(named.notna(), labels["action_id"]))


def with_labels(actions: Actions, labels: pd.DataFrame | None, as_of: pd.Timestamp | None) -> Actions:
    """Return actions with their confirmed labels, in the columns ``confirmed`` and ``labelled_at``."""
    if labels is None:
        return actions
    _check(labels, ("action_id", "is_fraud"))
    times = values_of(labels.get("labelled_at", pd.Series(pd.NaT, labels.index)), "time", "labels")
    known = labels.assign(action_id=ids_of(labels["action_id"]), labelled_at=times)
    known = known.sort_values(["labelled_at", "is_fraud"], kind="stable", na_position="first")
    if as_of is not None:
        known = known[known["labelled_at"].notna() & (microseconds_of(known, "labelled_at") < microseconds(as_of))]
    last = known.drop_duplicates("action_id", keep="last").set_index("action_id")
    rows = last.reindex(actions.frame["action_id"].to_numpy(object))
    words = rows["is_fraud"].map(CONFIRMED).astype(STRING).to_numpy(object)
    frame = actions.frame.assign(confirmed=pd.array(words, STRING), labelled_at=rows["labelled_at"].array)
    return Actions(frame, actions.account, actions.counterparty, actions.time, actions.known, actions.names)


def _check(labels: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in labels]
    if missing:
        problem = f"expected the columns {', '.join(names)}, {', '.join(missing)} is missing"
        raise SchemaError("labels", problem, "Pass the labels of flagged actions.")


def confirmed_probability(frame: pd.DataFrame, probability: Array) -> Array:
    """Return 1 for confirmed fraud, 0 for confirmed legitimate actions, and the probability of all others."""
    if "confirmed" not in frame:
        return probability
    confirmed = frame["confirmed"].to_numpy(object)
    return np.where(confirmed == CONFIRMED[True], 1.0, np.where(confirmed == CONFIRMED[False], 0.0, probability))
