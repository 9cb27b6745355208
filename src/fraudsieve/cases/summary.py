"""Summaries of cases: size, accounts, types, times, amounts, expected frauds and rank."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from fraudsieve._typing import Array
from fraudsieve.tables.cells import STRING

from .actions import CONFIRMED, NO_TIME, Actions, confirmed_probability
from .links.table import LINK_KINDS, Links

MAX_WORDS: Final = 3
"""Maximum number of types, kinds of links and reasons that are named."""


@dataclass(frozen=True)
class ReviewTime:
    """The time that a review takes.

    Parameters
    ----------
    case_minutes : float, default=10.0
        Minutes per case.
    action_minutes : float, default=1.0
        Minutes per action of the case.

    Examples
    --------
    >>> ReviewTime().action_minutes
    1.0
    """

    case_minutes: float = 10.0
    action_minutes: float = 1.0


def summarise_cases(
    actions: Actions, case: Array, links: Links, bridges: tuple[Array, Array], review: ReviewTime
) -> pd.DataFrame:
    """Summarise every case, and rank the cases by expected frauds per minute of review.

    The result is in the order of `case`: ``rank`` (from 1), ``actions``, ``accounts``, ``first_seen``, ``last_seen``,
    ``known_at`` (when its last member was known), ``amount``, ``amount_at_stake`` (amounts times probabilities),
    ``expected_frauds`` (sum of the probabilities; a confirmed member counts as 1 or 0), ``confirmed_frauds`` and
    ``confirmed_legitimate`` (members with labels), ``review_minutes``, ``finds_per_hour``, ``types``, ``links``,
    ``link_kinds``, ``density`` (linked pairs among all pairs), ``bridges`` and ``shared_reasons``.
    """
    n_cases = int(case.max()) + 1 if len(case) else 0
    frame = actions.frame
    size = np.bincount(case, minlength=n_cases)
    probability = confirmed_probability(frame, _numbers(frame, "probability", 1.0))
    amount = _numbers(frame, "amount", 0.0)
    inside = links[case[links.source] == case[links.target]]
    out = pd.DataFrame(
        {
            "actions": size,
            "accounts": _count_accounts(actions, case, n_cases),
            "first_seen": _times(actions.time, case, n_cases, "min"),
            "last_seen": _times(actions.time, case, n_cases, "max"),
            "known_at": _times(actions.known, case, n_cases, "max"),
            "amount": np.bincount(case, amount, n_cases),
            "amount_at_stake": np.bincount(case, amount * probability, n_cases),
            "expected_frauds": np.bincount(case, probability, n_cases),
            "review_minutes": review.case_minutes + review.action_minutes * size,
        }
    )
    for answer, word in zip(("frauds", "legitimate"), CONFIRMED.values(), strict=True):
        is_confirmed = frame["confirmed"].eq(word) if "confirmed" in frame else np.zeros(len(frame))
        out[f"confirmed_{answer}"] = np.bincount(case, is_confirmed, n_cases).astype(np.int64)
    out["finds_per_hour"] = 60 * out["expected_frauds"] / out["review_minutes"]
    out["types"] = _frequent(frame["type"], case, n_cases) if "type" in frame else ""
    out["links"] = np.bincount(case[inside.source], minlength=n_cases)
    kinds = np.array(LINK_KINDS, object)[inside.kind]
    out["link_kinds"] = _frequent(pd.Series(kinds, dtype=STRING), case[inside.source], n_cases)
    out["density"] = _density(inside, case, size)
    out["bridges"] = np.bincount(case[bridges[0]], minlength=n_cases)
    out["shared_reasons"] = _frequent(frame["reason"], case, n_cases, least=2) if "reason" in frame else ""
    order = np.lexsort((np.arange(n_cases), -out["expected_frauds"], -out["finds_per_hour"]))
    rank = np.empty(n_cases, np.int64)
    rank[order] = np.arange(1, n_cases + 1)
    out.insert(0, "rank", rank)
    return out


def _numbers(frame: pd.DataFrame, column: str, default: float) -> Array:
    if column not in frame:
        return np.full(len(frame), default)
    return np.asarray(pd.to_numeric(frame[column]).fillna(default), np.float64)


def _count_accounts(actions: Actions, case: Array, n_cases: int) -> Array:
    """Count the distinct accounts and counterparties of each case."""
    both = np.concatenate([actions.account, actions.counterparty])
    cases = np.tile(case, 2)[both >= 0]
    pairs = np.unique(cases * np.int64(len(actions.names) + 1) + both[both >= 0])
    return np.bincount(pairs // (len(actions.names) + 1), minlength=n_cases)


def _times(times: Array, case: Array, n_cases: int, which: str) -> pd.Series:
    has_time = times != NO_TIME
    found = pd.Series(times[has_time].astype("datetime64[us]")).groupby(case[has_time]).agg(which)
    out: pd.Series = found.reindex(range(n_cases)).dt.tz_localize("UTC")
    return out


def _frequent(words: pd.Series, case: Array, n_cases: int, least: int = 1) -> Array:
    """Return the most frequent words of each case, with their counts."""
    known = words.notna().to_numpy()
    pairs = pd.DataFrame({"case": case[known], "word": words[known].to_numpy(object)})
    counts = pairs.groupby(["case", "word"]).size().rename("count").reset_index()
    counts = counts[counts["count"] >= least].sort_values(["case", "count", "word"], ascending=[True, False, True])
    counts = counts[counts.groupby("case").cumcount() < MAX_WORDS]
    text = counts["word"].astype(STRING) + " " + counts["count"].astype(STRING)
    joined = text.groupby(counts["case"]).agg(", ".join)
    return np.asarray(joined.reindex(range(n_cases)).fillna(""), object)


def _density(inside: Links, case: Array, size: Array) -> Array:
    """Return the share of pairs of members that are linked; NaN for a single action."""
    linked = sp.coo_matrix((np.ones(len(inside)), (inside.source, inside.target)), (len(case),) * 2).tocsr()
    pairs = np.bincount(case[linked.tocoo().row], minlength=len(size))
    possible = size * (size - 1) / 2
    density: Array = np.divide(pairs, possible, out=np.full(len(size), np.nan), where=possible > 0)
    return density
