"""Cases from a file of scores and the tables that were scored, and the folder to which they are written."""

import os
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, new_folder, write_file
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.label_values import AUTO
from fraudsieve.tables.source import Source

from .actions import labels_of_records, read_case_inputs, read_case_labels
from .case_finding import CHANGES, CaseLedger, Cases, find_cases
from .settings import CaseSettings
from .summary import ReviewTime

KEPT: Final = ("members", "changes")


def find_cases_in_tables(
    scores: Source | list[Source],
    *,
    key: bytes,
    messages: Source | None = None,
    events: Source | None = None,
    accounts: Source | None = None,
    labels: Source | None = None,
    legitimate: str = AUTO,
    threshold: float | None = None,
    settings: CaseSettings | None = None,
    as_of: pd.Timestamp | None = None,
    ledger: CaseLedger | None = None,
    review: ReviewTime | None = None,
    seed: int = 0,
) -> Cases:
    """Group the records that ``fraudsieve predict`` flagged into cases.

    Parameters
    ----------
    scores : path, DataFrame, or a list of them
        Scores of messages, events or accounts, as ``predict`` writes them; a list to combine several. A record is
        flagged if its ``decision`` is ``flag``. A column ``known_at`` sets the time at which it was known.
    key : bytes
        A secret of 1 to 64 bytes for the digests of identifiers.
    messages, events, accounts : path or DataFrame, default=None
        The tables that were scored. Records that are not flagged show how common an identifier is. Events without
        scores show which identifiers, such as devices, the accounts of flagged records used before.
    labels : path or DataFrame, default=None
        Confirmed records: ``subject_id``, ``label`` and, if known, ``labelled_at``. With several subjects, an id may
        begin with its subject, as in ``message:17``.
    legitimate : str, default="auto"
        The label of legitimate records; ``auto`` to recognise the usual words.
    threshold : float, default=None
        Records with at least this probability are flagged instead.
    settings : CaseSettings, default=None
        As for `find_cases`.
    as_of : Timestamp, default=None
        As for `find_cases`.
    ledger : CaseLedger, default=None
        As for `find_cases`.
    review : ReviewTime, default=None
        As for `find_cases`.
    seed : int, default=0
        As for `find_cases`.

    Returns
    -------
    Cases
        As from `find_cases`. ``subject`` and ``record`` of a member are its type and its id.

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
    given = scores if isinstance(scores, list) else [scores]
    inputs = read_case_inputs(given, {"messages": messages, "events": events, "accounts": accounts}, threshold)
    confirmed = None
    if labels is not None:
        confirmed = labels_of_records(read_case_labels(labels, legitimate), inputs.scored, labels)
    return find_cases(
        inputs.flagged,
        key=key,
        settings=settings,
        as_of=as_of,
        unflagged=inputs.unflagged,
        context=inputs.context,
        labels=confirmed,
        ledger=ledger,
        review=review,
        seed=seed,
    )


def write_cases(cases: Cases, folder: str | os.PathLike[str], page: str | None = None) -> Path:
    """Write cases to a new folder, which only its owner can read.

    Parameters
    ----------
    cases : Cases
    folder : str or path
        A folder that does not exist yet.
    page : str, default=None
        An HTML page, which is written next to the tables as ``cases.html``.

    Returns
    -------
    Path
        The folder: ``cases.parquet``, ``members.parquet``, ``links.parquet``, ``hubs.parquet``, and
        ``changes.parquet`` (the history of changes).

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> sorted(path.stem for path in write_cases(found, Path(tempfile.mkdtemp(), "cases")).iterdir())
    ['cases', 'changes', 'hubs', 'links', 'members']
    """
    tables = {name: getattr(cases, name) for name in ("cases", "members", "links", "hubs")}
    tables["changes"] = _change_table(cases.ledger)
    with new_folder(Path(folder)) as staged:
        for name, table in tables.items():
            write_file(staged / f"{name}.parquet", table.to_parquet(index=False), mode=PRIVATE)
        if page is not None:
            write_file(staged / "cases.html", page.encode(), mode=PRIVATE)
    return Path(folder)


def _change_table(ledger: CaseLedger) -> pd.DataFrame:
    times = pd.to_datetime(ledger.history["as_of"], utc=True)
    return ledger.history.assign(as_of=times, actions=ledger.history["actions"].astype(np.int64)).astype(
        {"change": STRING, "case_id": STRING, "other_id": STRING}
    )


def read_ledger(folder: str | os.PathLike[str]) -> CaseLedger:
    """Read the ids of earlier cases, so that `find_cases` keeps them.

    Parameters
    ----------
    folder : str or path
        A folder that `write_cases` has written.

    Returns
    -------
    CaseLedger
        The ids and the history of changes.

    Raises
    ------
    SchemaError
        If the folder does not hold cases.

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> read_ledger(write_cases(found, Path(tempfile.mkdtemp(), "cases"))).members.equals(found.ledger.members)
    True
    """
    paths = [Path(folder) / f"{name}.parquet" for name in KEPT]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        problem = f"expected a folder of cases, {' and '.join(missing)} is missing"
        raise SchemaError(os.fspath(folder), problem, "Pass a folder that 'fraudsieve cases' wrote.")
    members, changes = map(pd.read_parquet, paths)
    index = pd.Index(members["action_id"].to_numpy(object), dtype=object)
    ids = pd.Series(members["case_id"].to_numpy(object), index, dtype=STRING)
    used = frozenset(changes["case_id"]) | frozenset(changes["other_id"].dropna())
    return CaseLedger(ids, changes[CHANGES], used)
