"""Labels from reviewers, users and rules: late, incomplete, and sometimes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import Generator

from fraudsieve._microseconds import DAY, SECOND

from .basics import Bools, Floats, Ints, lookup, utc_times
from .messages import Messages
from .people import People
from .templates import CRIMES

_LABELS: Final = (*CRIMES, "legitimate")
_LEGITIMATE: Final = len(CRIMES)
_SOURCES: Final = ("review", "user_report", "automatic")
_SOURCE_SHARE: Final = (0.45, 0.30, 0.25)
_SLOWNESS: Final = np.array([1.2, 1.0, 0.64])
_REVERSED_SHARE: Final = 0.4


def account_truth(rng: Generator, people: People, messages: Messages) -> tuple[Ints, Ints]:
    """Return the crime of each account, a position in `CRIMES` or -1, and the time of its first evidence.

    The evidence is the first fraud message; for accounts without one the time is drawn from their lifetime.
    """
    fraud, in_ring, end = messages.crime >= 0, people.ring >= 0, people.period.end
    first = np.full(len(people.ring), end)
    np.minimum.at(first, messages.sender[fraud], messages.sent[fraud])
    begin = np.where(in_ring, np.maximum(people.begin, people.rings.start[people.ring]), people.begin)
    since = np.where(first < end, first, rng.integers(begin, end))
    return np.where(in_ring, people.rings.crime[people.ring], -1), since


def make_labels(
    rng: Generator,
    *,
    subjects: Sequence[str],
    crime: Ints,
    since: Ints,
    delay_days: float,
    missing: float,
    wrong: float,
) -> pd.DataFrame:
    """Make the labels table, ordered by ``labelled_at``.

    `crime` has positions in `CRIMES` or -1, `since` the times from which the mean delay `delay_days` counts. A share
    `missing` of the subjects has no label. A share `wrong` of the others first has a wrong label, of which four in ten
    are corrected later.
    """
    subject = np.flatnonzero(~_chosen(rng, len(subjects), missing))
    truth = np.where(crime < 0, _LEGITIMATE, crime)[subject]
    mistaken = _chosen(rng, len(subject), wrong)
    label = np.where(mistaken, _another(rng, truth), truth)
    source = rng.choice(len(_SOURCES), size=len(subject), p=_SOURCE_SHARE)
    at = since[subject] + _delay(rng, delay_days * _SLOWNESS[source])
    corrected = np.flatnonzero(mistaken)[: ceil(_REVERSED_SHARE * mistaken.sum())]
    later = at[corrected] + _delay(rng, np.full(len(corrected), delay_days))
    return _frame(
        subjects,
        np.append(subject, subject[corrected]),
        np.append(label, truth[corrected]),
        np.append(at, later),
        np.append(source, np.zeros_like(corrected)),
    )


def _chosen(rng: Generator, n: int, share: float) -> Bools:
    """Choose a share of n things."""
    return rng.permutation(n) < round(share * n)


def _another(rng: Generator, truth: Ints) -> Ints:
    """Draw a wrong label; fraud is mostly mistaken for legitimate."""
    other = (truth + rng.integers(1, len(_LABELS), size=len(truth))) % len(_LABELS)
    missed = (truth != _LEGITIMATE) & (rng.random(len(truth)) < 0.6)
    return np.where(missed, _LEGITIMATE, other)


def _delay(rng: Generator, mean_days: Floats) -> Ints:
    return SECOND + (rng.exponential(mean_days) * DAY).astype(np.int64)


def _frame(subjects: Sequence[str], subject: Ints, label: Ints, at: Ints, source: Ints) -> pd.DataFrame:
    order = np.lexsort((subject, at))
    columns = {
        "subject_id": lookup(subjects, subject[order]),
        "label": lookup(_LABELS, label[order]),
        "labelled_at": utc_times(at[order]),
        "source": lookup(_SOURCES, source[order]),
    }
    return pd.DataFrame(columns)
