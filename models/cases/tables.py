"""Cases from a file of scores and the tables that were scored, and the folder that they are written to."""

import os
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, new_folder, write_file
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.tables.reader import read_table
from fraudsieve.features.tables.source import Source, as_input, origin_of

from .book import CHANGES, CaseBook
from .run import Cases, find_cases
from .settings import CaseSettings
from .summary import ReviewTime

__all__ = ["find_cases_in_tables", "read_book", "write_cases"]

IDS: Final = {"message_id": "messages", "event_id": "events", "account_id": "accounts"}
"""The id of a score, in the order in which they are looked for, and the table of what was scored."""
RENAMED: Final = {"recipient_id": "counterparty_id", "sent_at": "occurred_at", "created_at": "occurred_at"}
SCORES: Final = {"label": "type", "reason_1": "reason"}
KEPT: Final = ("members", "changes")


def find_cases_in_tables(
    scores: Source,
    *,
    key: bytes,
    messages: Source | None = None,
    events: Source | None = None,
    accounts: Source | None = None,
    threshold: float | None = None,
    settings: CaseSettings | None = None,
    as_of: pd.Timestamp | None = None,
    book: CaseBook | None = None,
    review: ReviewTime | None = None,
    seed: int = 0,
) -> Cases:
    """Form cases of the records that ``fraudsieve predict`` has flagged.

    Parameters
    ----------
    scores : path or DataFrame
        Scores of messages, events or accounts, as ``predict`` writes them. A record is flagged if its ``decision`` is
        ``flag``. With a column ``known_at``, that is when it was known.
    key : bytes
        A secret of 1 to 64 bytes for the digests of identifiers.
    messages, events, accounts : path or DataFrame, default=None
        The tables that were scored. Records that are not flagged say how common an identifier is.
    threshold : float, default=None
        Flags records of at least this probability instead.
    settings : CaseSettings, default=None
        As for `find_cases`.
    as_of : Timestamp, default=None
        As for `find_cases`.
    book : CaseBook, default=None
        As for `find_cases`.
    review : ReviewTime, default=None
        As for `find_cases`.
    seed : int, default=0
        As for `find_cases`.

    Returns
    -------
    Cases
        As from `find_cases`.

    Raises
    ------
    SchemaError
        If the scores have no id or no decision, nothing is flagged, or flagged records are missing from the table.

    Examples
    --------
    >>> scores = pd.DataFrame({"event_id": ["1", "2"], "probability": [0.9, 0.8], "decision": ["flag", "flag"]})
    >>> events = pd.DataFrame({"event_id": ["1", "2"], "account_id": ["ann", "ann"], "kind": "transfer",
    ...     "occurred_at": ["2026-05-01", "2026-05-02"]})
    >>> find_cases_in_tables(scores, events=events, key=b"a key").cases["actions"].tolist()
    [2]
    """
    scored = as_input(scores).loaded.frame
    origin = origin_of(scores)
    name = next((name for name in IDS if name in scored), None)
    if name is None:
        raise SchemaError(origin, f"expected one of the columns {', '.join(IDS)}", "Give the scores of predict.")
    given = {"messages": messages, "events": events, "accounts": accounts}[IDS[name]]
    scored = scored.assign(action_id=scored[name].astype("str"))
    flagged = scored[_is_flagged(scored, threshold, origin)]
    if flagged.empty:
        fix = "Choose a lower threshold, or score more records."
        raise SchemaError(origin, f"none of the {len(scored)} records is flagged", fix)
    records = None if given is None else _records(given, name)
    actions = _join(flagged, records, name, origin)
    unflagged = None if records is None else records[~records["action_id"].isin(flagged["action_id"])]
    return find_cases(
        actions, key=key, settings=settings, as_of=as_of, unflagged=unflagged, book=book, review=review, seed=seed
    )


def _is_flagged(scored: pd.DataFrame, threshold: float | None, origin: str) -> pd.Series:
    column = "decision" if threshold is None else "probability"
    if column not in scored:
        raise SchemaError(origin, f"column {column!r} is missing", "Give the scores of predict.")
    return scored["decision"].eq("flag") if threshold is None else scored["probability"].ge(threshold)


def _records(source: Source, name: str) -> pd.DataFrame:
    """Read what was scored, with the columns of actions."""
    records = read_table(source, IDS[name], require=[name]).good
    records = records[records[name].notna()]
    renamed = {old: new for old, new in RENAMED.items() if old in records and new not in records}
    out = records.rename(columns=renamed).drop(columns=["label", "labelled_at"], errors="ignore")
    if name == "account_id" and "kind" not in out:
        out["kind"] = "sign_up"
    return out.assign(action_id=records[name].astype("str"))


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
        raise SchemaError(origin, problem, "Give the table that was scored.")
    known = records.drop(columns=[column for column in scores if column != "action_id"], errors="ignore")
    return known.merge(scores, on="action_id", how="inner", validate="one_to_one")


def write_cases(cases: Cases, folder: str | os.PathLike[str]) -> Path:
    """Write cases to a new folder, which only its owner can read.

    Parameters
    ----------
    cases : Cases
        The cases.
    folder : str or path
        A folder that does not exist yet.

    Returns
    -------
    Path
        The folder: ``cases.parquet``, ``members.parquet``, ``links.parquet``, ``hubs.parquet``, and
        ``changes.parquet``, what happened to the cases so far.

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> sorted(path.stem for path in write_cases(found, Path(tempfile.mkdtemp(), "cases")).iterdir())
    ['cases', 'changes', 'hubs', 'links', 'members']
    """
    tables = {name: getattr(cases, name) for name in ("cases", "members", "links", "hubs")}
    tables["changes"] = _change_table(cases.book)
    with new_folder(Path(folder), mode=0o700) as staged:
        for name, table in tables.items():
            write_file(staged / f"{name}.parquet", table.to_parquet(index=False), mode=PRIVATE)
    return Path(folder)


def _change_table(book: CaseBook) -> pd.DataFrame:
    times = pd.to_datetime(book.history["as_of"], utc=True)
    return book.history.assign(as_of=times, actions=book.history["actions"].astype(np.int64)).astype(
        {"change": "str", "case_id": "str", "other_id": "str"}
    )


def read_book(folder: str | os.PathLike[str]) -> CaseBook:
    """Read the ids of earlier cases, so that they stay.

    Parameters
    ----------
    folder : str or path
        A folder that `write_cases` has written.

    Returns
    -------
    CaseBook
        The ids, and what happened to the cases so far.

    Raises
    ------
    SchemaError
        If the folder does not hold cases.

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> read_book(write_cases(found, Path(tempfile.mkdtemp(), "cases"))).members.equals(found.book.members)
    True
    """
    paths = [Path(folder) / f"{name}.parquet" for name in KEPT]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        problem = f"expected a folder of cases, {' and '.join(missing)} is missing"
        raise SchemaError(os.fspath(folder), problem, "Give a folder that 'fraudsieve cases' has written.")
    members, changes = map(pd.read_parquet, paths)
    index = pd.Index(members["action_id"].to_numpy(object), dtype=object)
    ids = pd.Series(members["case_id"].to_numpy(object), index, dtype="str")
    used = frozenset(changes["case_id"]) | frozenset(changes["other_id"].dropna())
    return CaseBook(ids, changes[CHANGES], used)
