"""What is left after the months, compared with the source tables: rows, answers, scores, training tables, models."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve.live.store.facts import Row
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.batch.scored_tables import TableHistory, options_of_model, read_history
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import as_input

from .payments import ASKED
from .traffic import Answer

__all__ = [
    "Arrivals",
    "Faults",
    "ScoreFaults",
    "arrivals_of",
    "choose_cuts",
    "compare_answers",
    "compare_scores",
    "known_to",
    "valid_until",
]

FIGURES: Final = ("probability", "label", "decision", "false_positive_rate", "status", "unlike_training")
IDS: Final = ("account_id", "counterparty_id")
WINDOW: Final = pd.Timedelta(days=8)
"""A day more than the longest window of the recipe."""
FOREVER: Final = 2**62


class Faults(NamedTuple):
    """Things that should be there once: how many there are, are missing, are there again, and are different."""

    number: int
    missing: int
    repeated: int
    differing: int = 0


class ScoreFaults(NamedTuple):
    """How many scores were compared with those of batches, how many differ, and the number of batches."""

    number: int
    differing: int
    batches: int


class Arrivals(NamedTuple):
    """The offset of each payment, and of each label by its place in the table; -1 if the store never had it."""

    events: Any
    labels: Any
    of_events: Faults
    of_labels: Faults


def arrivals_of(rows: Iterable[Row], events: pd.DataFrame, labels: pd.DataFrame) -> Arrivals:
    """Find the payments and the labels among all rows that a store ever had."""
    of_events: dict[Any, list[int]] = {}
    of_labels: dict[Any, list[int]] = {}
    for offset, time, entry, _ in rows:
        ((part, (_, fields)),) = json.loads(entry).items()
        if part == "events":
            of_events.setdefault(fields["event_id"], []).append(offset)
        elif part == "label":
            key = fields["subject_id"], fields["label"], time, fields["source"]
            of_labels.setdefault(key, []).append(offset)
    times = _microseconds(labels["labelled_at"]).tolist()
    keys = list(zip(labels["subject_id"], labels["label"], times, labels["source"], strict=True))
    return Arrivals(
        _first(of_events, events["event_id"]),
        _first(of_labels, keys),
        _found(of_events, events["event_id"]),
        _found(of_labels, keys),
    )


def _first(found: Mapping[Any, Sequence[int]], keys: Iterable[Any]) -> Any:
    return np.array([found[key][0] if key in found else -1 for key in keys], np.int64)


def _found(found: Mapping[Any, Sequence[Any]], keys: Iterable[Any]) -> Faults:
    expected = set(keys)
    repeated = sum(len(places) - 1 for places in found.values()) + len(found.keys() - expected)
    return Faults(len(expected), len(expected - found.keys()), repeated)


def compare_answers(answers: Mapping[str, Sequence[Answer]], logged: pd.DataFrame) -> Faults:
    """Compare the scores that clients got with those of the log.

    A score that is not recorded is logged again if its request is repeated: only those of other payments are repeated.
    """
    rows = {name: group.to_dict("records") for name, group in logged.groupby("event_id", sort=False)}
    differing = sum(
        not any(_is_answer(answer, row) for row in rows.get(name, ())) for name, several in answers.items()
        for answer in several
    )  # fmt: skip
    asked = {name for name in answers if name.startswith(ASKED)}
    once: dict[Any, Sequence[Any]] = {name: of[:1] if name in asked else of for name, of in rows.items()}
    return _found(once, answers)._replace(differing=differing)


def _is_answer(answer: Answer, row: Mapping[Any, Any]) -> bool:
    place = (answer.request, answer.offset, answer.score["model"]["digest"])
    same = place == (row["request_id"], row["offset"], row["model_digest"])
    figures = [(answer.score[name], row[name]) for name in FIGURES]
    figures += [(value, row[f"probability__{name}"]) for name, value in answer.score["probabilities"].items()]
    return same and all(one == other or (one is None and pd.isna(other)) for one, other in figures)


def valid_until(scores: pd.DataFrame, events: pd.DataFrame, labels: pd.DataFrame) -> Any:
    """Return the last offset at which the history of each score is the one that it saw.

    Rows that arrive later change it only if they are of an earlier time and share an account or a counterparty. A
    score that depends on others is then found as one that differs.

    Parameters
    ----------
    scores : DataFrame
        ``event_id``, ``account_id``, ``counterparty_id``, ``occurred_at`` and ``offset``.
    events, labels : DataFrame
        The source tables, with the column ``offset``.
    """
    until, offsets, times = (
        np.full(len(scores), FOREVER),
        scores["offset"].to_numpy(),
        _microseconds(scores["occurred_at"]),
    )
    sides = [pd.Series(np.arange(len(scores)), scores[name]) for name in IDS]
    places = pd.concat(sides).groupby(level=0).apply(np.array).to_dict()
    late = _changes(events, labels)
    for name in IDS:
        for identifier, time, offset in zip(late[name], late["time"], late["offset"], strict=True):
            of = places.get(identifier)
            if of is not None:
                changed = of[(offsets[of] < offset) & (times[of] > time)]
                until[changed] = np.minimum(until[changed], offset - 1)
    return until


def _changes(events: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Return when each payment and each label arrived, and from which time on it changes a history."""
    names = [*IDS, "time", "offset"]
    own = events.assign(time=events["occurred_at"])[names]
    joined = labels.sort_values("offset").merge(events[["event_id", *IDS]], left_on="subject_id", right_on="event_id")
    # Another label of a payment also takes back the first one.
    joined["time"] = joined.groupby("subject_id")["labelled_at"].cummin()
    changes = pd.concat([own, joined[names]], ignore_index=True)
    return changes.assign(time=_microseconds(changes["time"]))


def _microseconds(times: "pd.Series[Any]") -> Any:
    return times.to_numpy("datetime64[us]").astype(np.int64)


def choose_cuts(offsets: Any, until: Any) -> list[tuple[int, Any]]:
    """Choose offsets, as few as possible, so that each span from an offset to a last one has one of them.

    Returns each chosen offset with the positions of its spans.

    Examples
    --------
    >>> [(cut, sorted(of.tolist())) for cut, of in choose_cuts(np.array([1, 2, 6]), np.array([5, 3, 9]))]
    [(3, [0, 1]), (9, [2])]
    """
    left, cuts = np.argsort(until, kind="stable"), list[tuple[int, Any]]()
    while len(left):
        cut = int(until[left[0]])
        is_of = offsets[left] <= cut
        cuts.append((cut, left[is_of]))
        left = left[~is_of]
    return cuts


def compare_scores(
    logged: pd.DataFrame, events: pd.DataFrame, labels: pd.DataFrame, load: Callable[[str], Scorer]
) -> ScoreFaults:
    """Compare each logged score with that of a batch on what had arrived by its offset, and on nothing else.

    Parameters
    ----------
    logged : DataFrame
        The score log.
    events, labels : DataFrame
        The source tables, with the column ``offset``. Payments that were asked alone are found by their own id.
    load : callable
        Returns the model of a version.
    """
    every = pd.concat([events, events.assign(event_id=ASKED + events["event_id"])], ignore_index=True)
    scores = logged[["event_id", "offset"]].merge(every[["event_id", *IDS, "occurred_at"]], on="event_id")
    cuts = choose_cuts(scores["offset"].to_numpy(), valid_until(scores, events, labels))
    differing = batches = 0
    for cut, positions in cuts:
        arrived = (frame[frame["offset"] <= cut].drop(columns="offset") for frame in (events, labels))
        history, known = known_to(scores.iloc[positions], *arrived)
        of_cut = logged.iloc[positions]
        # A table has each id once, and a score that was asked again is logged again.
        for (version, _), rows in of_cut.groupby(["model_version", of_cut.groupby("event_id").cumcount()]):
            records = rows[["event_id"]].merge(every, on="event_id").drop(columns="offset")
            batch = _score(load(str(version)), records, history, known if len(known) else None)
            differing += _count_differing(rows[[*batch]].reset_index(drop=True), batch)
            batches += 1
    return ScoreFaults(len(scores), differing, batches)


def _score(scorer: Scorer, records: pd.DataFrame, history: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """Score payments with this history alone. They are not history of each other, as they are for `predict`."""
    events, labels, _ = read_history(scorer.model, events=history, known_labels=known)
    checked = read_table(as_input(records, options_of_model(scorer.model)), "events").good
    rows = feature_rows(scorer.model, checked, TableHistory(events, labels))
    scores = scorer.score_rows(rows.X, rows.why, rows.has_history)
    return pd.DataFrame({"event_id": checked["event_id"], **scores})


def known_to(records: pd.DataFrame, events: pd.DataFrame, labels: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the part of a history that scores of some records depend on: batches of all history would take hours.

    These are the payments of their accounts and counterparties that the windows of the recipe hold, or whose label they
    hold, and the first one of each account, which tells whether there is a history. See `valid_until`.
    """
    ids = pd.unique(pd.concat([records[name] for name in IDS]))
    events = events[events["account_id"].isin(ids) | events["counterparty_id"].isin(ids)]
    since = records["occurred_at"].min() - WINDOW
    late = labels.loc[labels["labelled_at"] >= since, "subject_id"]
    is_kept = (events["occurred_at"] >= since) | events["event_id"].isin(late)
    is_kept[events.sort_values("occurred_at").drop_duplicates("account_id").index] = True
    kept = events[is_kept]
    return kept, labels[labels["subject_id"].isin(kept["event_id"])]


def _count_differing(logged: pd.DataFrame, batch: pd.DataFrame) -> int:
    same = (logged == batch) | (logged.isna() & batch.isna())
    return int((~same.all(axis=1)).sum())
