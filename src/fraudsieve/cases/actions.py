"""Flagged actions (messages, payments, sign-ups) in a canonical order, with codes in place of identifiers.

Flagged records from files of scores, with the tables that were scored.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.scoring.score_fields import CLASS
from fraudsieve.models.scoring.scores import reached
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.label_values import AUTO, read_labels, resolve_label_times
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import shapes_of
from fraudsieve.tables.source import Source, as_input, origin_of
from fraudsieve.tables.values.reading import PLAIN, Kind, Reading

ENDS: Final = ("account_id", "counterparty_id")
TIMES: Final = ("occurred_at", "known_at")
"""Columns of times."""
NO_TIME: Final = np.iinfo(np.int64).min
"""Marks an unknown time."""


@dataclass(frozen=True, eq=False)
class Actions:
    """Flagged actions, sorted by time and id, so that no result depends on the order of the input.

    Parameters
    ----------
    frame : DataFrame of shape (n_actions, n_columns)
        The actions: ``action_id`` and, if known, ``account_id``, ``counterparty_id``, ``occurred_at``, ``known_at``,
        ``kind``, ``type``, ``amount``, ``probability``, ``text``, ``ip`` and identifiers (columns that end in
        ``_id``).
    account, counterparty : ndarray of int64, shape (n_actions,)
        Positions in `names`; -1 if there is none.
    time, known : ndarray of int64, shape (n_actions,)
        When the action occurred, and when it was known to be flagged, in microseconds since 1970; `NO_TIME` if unknown.
    names : ndarray of str
        Ids of the accounts and counterparties.
    """

    frame: pd.DataFrame
    account: Array
    counterparty: Array
    time: Array
    known: Array
    names: Array

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, as_of: pd.Timestamp | None = None) -> "Actions":
        """Sort actions, and leave out those that were not yet known at a cutoff time.

        Parameters
        ----------
        frame : DataFrame
            The actions, in any order; ``action_id`` is unique. Without ``known_at``, an action is known when it occurs.
        as_of : Timestamp, default=None
            The cutoff time: only actions that were known strictly before it count. None for all. An action without a
            time counts.

        Returns
        -------
        Actions

        Raises
        ------
        SchemaError
            If there is no column ``action_id``, an id is missing or occurs twice, or a time cannot be read.

        Examples
        --------
        >>> Actions.from_frame(pd.DataFrame({"action_id": ["b", "a"]})).frame["action_id"].tolist()
        ['a', 'b']
        """
        if "action_id" not in frame:
            raise SchemaError("actions", "column 'action_id' is missing", "Add the id of each flagged action.")
        frame = frame.reset_index(drop=True)
        read = {name: ids_of(frame[name]) for name in ("action_id", *ENDS) if name in frame}
        frame = frame.assign(**read, **{name: values_of(frame[name], "time") for name in TIMES if name in frame})
        ids = frame["action_id"]
        if ids.isna().any():
            problem = f"{int(ids.isna().sum())} rows have no id"
            raise SchemaError("actions", problem, "Give each flagged action an id: a string or a whole number.")
        if ids.duplicated().any():
            count = int(ids.duplicated().sum())
            raise SchemaError("actions", f"{count} ids occur more than once", "Keep one row per flagged action.")
        time = microseconds_of(frame, "occurred_at")
        known = np.maximum(microseconds_of(frame, "known_at"), time)
        order = np.lexsort((ids.to_numpy(object).astype(str), time))
        if as_of is not None:
            order = order[known[order] < microseconds(as_of)]
        kept = frame.iloc[order].reset_index(drop=True)
        account, counterparty, names = _codes(kept)
        return cls(kept, account, counterparty, time[order], known[order], names)

    def actors(self) -> Array:
        """Return the account of each action, and a unique number for an action without an account.

        Returns
        -------
        ndarray of int64, shape (n_actions,)
        """
        return np.where(self.account >= 0, self.account, len(self.names) + np.arange(len(self)))


def microseconds(time: pd.Timestamp) -> int:
    """Return a time in microseconds since 1970; a time without a zone is in UTC."""
    zoned = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    return int(zoned.to_datetime64().astype("datetime64[us]").astype(np.int64))


def values_of(
    column: "pd.Series[Any]", kind: Kind, origin: str = "actions", reading: Reading = PLAIN
) -> "pd.Series[Any]":
    """Return times or numbers as the reader of tables does."""
    converted = convert(column.reset_index(drop=True), kind, reading)
    faults = {reason: rows for reason, rows in converted.faults.items() if rows.any()}
    if faults:
        counts = ", ".join(f"{reason} in {rows.sum()} rows" for reason, rows in faults.items())
        fix = "Correct these cells."
        shapes = {str(column.name): shapes_of(column[np.logical_or.reduce([*faults.values()])])}
        raise SchemaError(origin, f"column {column.name!r}: {counts}", fix, shapes)
    return converted.column.set_axis(column.index)


def microseconds_of(frame: pd.DataFrame, column: str) -> Array:
    """Return the times of a column in microseconds since 1970; `NO_TIME` where one is missing, as in pandas."""
    if column not in frame:
        return np.full(len(frame), NO_TIME)
    times: Array = values_of(frame[column], "time").dt.tz_convert(None).to_numpy("datetime64[us]")
    return times.astype(np.int64)


def ids_of(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Return ids as strings, as the reader of tables does, so that 11 and 11.0 are one id."""
    return convert(column.reset_index(drop=True), "id").column.set_axis(column.index)


def _codes(frame: pd.DataFrame) -> tuple[Array, Array, Array]:
    missing = pd.Series(None, frame.index, STRING)
    columns = [frame.get(name, missing) for name in ENDS]
    codes, names = pd.factorize(pd.concat(columns, ignore_index=True))
    account, counterparty = np.split(codes.astype(np.int64), 2)
    return account, counterparty, np.asarray(names, object)


IDS: Final = {"message_id": "messages", "event_id": "events", "account_id": "accounts"}
"""Id columns of scores, in the order in which they are tried, and the table that was scored."""
RENAMED: Final = {"recipient_id": "counterparty_id", "sent_at": "occurred_at", "created_at": "occurred_at"}
SCORES: Final = {"label": "type", "reason_1": "reason", "reason_1_sentence": "reason_sentence"}
MAX_GAP: Final = 1e-6
LABELS: Final = ["label", "labelled_at"]
"""Columns of records that say what people have found."""


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
    missing = [name for name in ("action_id", "is_fraud") if name not in labels]
    if missing:
        problem = f"expected the columns action_id, is_fraud, {', '.join(missing)} is missing"
        raise SchemaError("labels", problem, "Pass the labels of flagged actions.")
    times = values_of(labels.get("labelled_at", pd.Series(pd.NaT, labels.index)), "time", "labels")
    known = labels.assign(action_id=ids_of(labels["action_id"]), labelled_at=times)
    known = known.sort_values(["labelled_at", "is_fraud"], kind="stable", na_position="first")
    if as_of is not None:
        known = known[known["labelled_at"].notna() & (microseconds_of(known, "labelled_at") < microseconds(as_of))]
    last = known.drop_duplicates("action_id", keep="last").set_index("action_id")
    rows = last.reindex(actions.frame["action_id"].to_numpy(object))
    words = rows["is_fraud"].map(CONFIRMED).astype(STRING).to_numpy(object)
    frame = actions.frame.assign(confirmed=pd.array(words, STRING), labelled_at=rows["labelled_at"].array)
    return replace(actions, frame=frame)


def confirmed_probability(frame: pd.DataFrame, probability: Array) -> Array:
    """Return 1 for confirmed fraud, 0 for confirmed legitimate actions, and the probability of all others."""
    if "confirmed" not in frame:
        return probability
    confirmed = frame["confirmed"].to_numpy(object)
    return np.where(confirmed == CONFIRMED[True], 1.0, np.where(confirmed == CONFIRMED[False], 0.0, probability))


@dataclass(frozen=True, eq=False)
class CaseInputs:
    """The input of cases."""

    # The flagged records with their scores, as `find_cases` expects them. `subject` is the type of a record (message,
    # event or account) and `record` is its id. `action_id` is also the id, after the subject and a colon if there are
    # several subjects.
    flagged: pd.DataFrame
    # Records that are not flagged.
    unflagged: pd.DataFrame | None
    # Events that were given without scores of events.
    context: pd.DataFrame | None
    # Shape (n_scored, 2). `record` and `action_id` of every record with a score, flagged or not.
    scored: pd.DataFrame


def read_case_inputs(
    scores: Sequence[Source], tables: Mapping[str, Source | None], threshold: float | None = None
) -> CaseInputs:
    """Read scores, and the tables that were scored."""
    named = [read_scored_table(source) for source in scores]
    names, is_several = [name for _, name, _ in named], len(named) > 1
    repeated = sorted({IDS[name] for name in names if names.count(name) > 1})
    if repeated:
        problem = f"expected one file of scores for {' and '.join(repeated)}, got several"
        raise SchemaError("scores", problem, "Score these records in one file.")
    parts = [_read_part(*part, tables.get(IDS[part[1]]), threshold, prefix=is_several) for part in named]
    flagged = [part for part, _ in parts if len(part)]
    if not flagged:
        total = sum(len(scored) for scored, _, _ in named)
        fix = "Choose a lower threshold, or score more records."
        raise SchemaError(named[0][2] if named else "scores", f"none of the {total} records is flagged", fix)
    unflagged = [part for _, part in parts if part is not None]
    events = tables.get("events")
    context = None if events is None or "event_id" in names else read_table(events, "events").good
    context = None if context is None else context.drop(columns=LABELS, errors="ignore")
    scored_ids = [
        pd.DataFrame({"record": (ids := ids_of(scored[name])), "action_id": _action_ids(ids, name, prefix=is_several)})
        for scored, name, _ in named
    ]
    return CaseInputs(
        pd.concat(flagged, ignore_index=True),
        pd.concat(unflagged, ignore_index=True) if unflagged else None,
        context,
        pd.concat(scored_ids, ignore_index=True),
    )


def _action_ids(record: "pd.Series[str]", name: str, *, prefix: bool) -> "pd.Series[str]":
    return f"{name.removesuffix('_id')}:" + record if prefix else record


def read_scored_table(source: Source) -> tuple[pd.DataFrame, str, str]:
    """Return scores, the column of their ids, and where they come from."""
    given, origin = as_input(source), origin_of(source)
    scored = given.loaded.frame.reset_index(drop=True)
    name = next((name for name in IDS if name in scored), None)
    if name is None:
        raise SchemaError(origin, f"expected one of the columns {', '.join(IDS)}", "Pass the scores of predict.")
    if name == "account_id" and "occurred_at" in scored:
        problem = "the scores are of events without event_id, so that no event can be found again"
        raise SchemaError(origin, problem, "Give the events a column event_id, and score them again.")
    reading = given.options.reading(given.loaded)
    columns = {name: convert(scored[name], "id", reading).column}
    repeated = int(columns[name].dropna().duplicated().sum())
    if repeated:
        problem = f"{repeated} ids of column {name!r} occur more than once"
        raise SchemaError(origin, problem, "Keep one score per record.")
    kinds: dict[str, Kind] = {"probability": "number", **dict.fromkeys(TIMES, "time")}
    for column, kind in kinds.items():
        if column in scored:
            columns[column] = values_of(scored[column], kind, origin, reading)
    return _with_reasons(_with_crimes(scored.assign(**columns))), name, origin


def _with_crimes(scored: pd.DataFrame) -> pd.DataFrame:
    """Return scores with the likeliest crime as label.

    A record is flagged by the sum of the probabilities of all crimes, so the likeliest of all classes may be the
    legitimate one. Its probability is what the probability of fraud leaves.
    """
    names = [str(name) for name in scored if str(name).startswith(CLASS)]
    if len(names) < 2 or not {"label", "probability"} <= {*scored}:
        return scored
    known = scored["probability"].notna().to_numpy()
    by_class = scored.loc[known, names].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64, copy=True)
    rest = 1 - scored.loc[known, "probability"].to_numpy(np.float64)
    gaps = np.abs(by_class - rest[:, None]).max(axis=0, initial=0.0)
    if not gaps.min() <= MAX_GAP:  # a model of types alone, or another table
        return scored
    by_class[:, gaps.argmin()] = -1.0
    labels = scored["label"].to_numpy(object, copy=True)
    labels[known] = np.array([name.removeprefix(CLASS) for name in names], object)[by_class.argmax(axis=1)]
    return scored.assign(label=pd.Series(labels, scored.index, dtype=scored["label"].dtype))


def _with_reasons(scored: pd.DataFrame) -> pd.DataFrame:
    """Return scores with the columns of the first reason; those of a service have a list of reasons."""
    if "reason_1" in scored or "reasons" not in scored:
        return scored
    first = [_first_reason(value) for value in scored["reasons"].tolist()]
    names, sentences = zip(*first, strict=True) if first else ((), ())
    return scored.assign(reason_1=list(names), reason_1_sentence=list(sentences)).astype(
        {"reason_1": STRING, "reason_1_sentence": STRING}
    )


def _first_reason(value: Any) -> tuple[str | None, str | None]:
    content = json.loads(value) if isinstance(value, str) else value
    reasons = content.get("reasons") if isinstance(content, dict) else content
    if reasons is None or isinstance(reasons, float):
        return None, None
    reason = next((reason for reason in reasons if reason.get("cue") is not None), None)
    return (None, None) if reason is None else (f"{reason['family']}__{reason['cue']}", reason.get("sentence"))


def _read_part(
    scored: pd.DataFrame, name: str, origin: str, table: Source | None, threshold: float | None, *, prefix: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the flagged records of one subject, and those that are not flagged if the table is given."""
    flagged = scored[flagged_mask(scored, threshold, origin)]
    flagged = flagged.assign(action_id=ids_of(flagged[name]))
    records = None if table is None else _records(table, name)
    actions = _join(flagged, records, name, origin)
    unflagged = None if records is None else records[~records["action_id"].isin(flagged["action_id"])]
    actions = actions.assign(subject=name.removesuffix("_id"), record=actions["action_id"])
    actions["action_id"] = _action_ids(actions["record"], name, prefix=prefix)
    if unflagged is not None:
        unflagged = unflagged.assign(action_id=_action_ids(unflagged["action_id"], name, prefix=prefix))
    return actions, unflagged


def flagged_mask(scored: pd.DataFrame, threshold: float | None, origin: str) -> pd.Series:
    """Return which records are flagged: by their decision, or by a threshold of the probability."""
    column = "decision" if threshold is None else "probability"
    if column not in scored:
        raise SchemaError(origin, f"column {column!r} is missing", "Pass the scores of predict.")
    if threshold is None:
        if len(scored) and not scored["decision"].notna().any():
            problem = "expected a decision of at least one record, got none: the model has no operating point"
            raise SchemaError(origin, problem, "Give a threshold.")
        return scored["decision"].eq("flag").fillna(value=False).astype(bool)
    return pd.Series(reached(scored["probability"].to_numpy(np.float64), threshold), scored.index)


def _records(source: Source, name: str) -> pd.DataFrame:
    """Read what was scored, with the columns of actions."""
    records = read_table(source, IDS[name], require=[name]).good
    records = records[records[name].notna()]
    renamed = {old: new for old, new in RENAMED.items() if old in records and new not in records}
    out = records.rename(columns=renamed).drop(columns=LABELS, errors="ignore")
    if name == "account_id" and "kind" not in out:
        out["kind"] = "sign_up"
    return out.assign(action_id=records[name].astype(STRING))


def _join(flagged: pd.DataFrame, records: pd.DataFrame | None, name: str, origin: str) -> pd.DataFrame:
    """Return the flagged records with their scores."""
    kept = ["action_id", *(column for column in ("probability", "known_at", *SCORES) if column in flagged)]
    scores = flagged[kept].rename(columns=SCORES)
    if records is None:
        own = [column for column in ("account_id", "occurred_at") if column in flagged]
        return scores.join(flagged[own])
    missing = int((~scores["action_id"].isin(records["action_id"])).sum())
    if missing:
        problem = f"{missing} flagged records are not in the table of {IDS[name]}"
        raise SchemaError(origin, problem, "Pass the table that was scored.")
    known = records.drop(columns=[column for column in scores if column != "action_id"], errors="ignore")
    return known.merge(scores, on="action_id", how="inner", validate="one_to_one")
