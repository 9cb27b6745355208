"""Promises of a model under watch: on every reviewed day, capital is bet against each of them.

While a promise holds, no bet has an expected gain, whatever the bets before it were. So the capital *e*, which begins
with 1, ever reaches 20 with a probability of at most 1/20, however often and however long one looks (Ville, 1939,
"Etude critique de la notion de collectif"). The day on which it does is that of the alarm.

The unit is a day of `fraudsieve review draw`. Each campaign or account that was scored in it counts once, as one of its
records by chance. Let F of S campaigns be flagged. Drawn records are weighted by the inverse of their inclusion
probabilities, so that sums have the right expectation (`fraudsieve.review.draw`): A false positives of the records that
were drawn with certainty, B of the others, and M missed frauds. A stake s, from 0 to below 1, multiplies the capital
by::

    rate at most r      1 - s + s (A + B) / (r S)
    recall at least r   (1 - s)^(F - A) (1 + s r / (1 - r) M + s / (1 - s) B)

A record without an answer is in none of A, B and M. If it is flagged, it is no false positive for the first, and a
fraud that was caught for the second: what is missing speaks for both promises.

*The rate*: A + B has at most the expectation r S, since frauds among the S only lower it. Campaigns of a day may depend
on each other. The bet is that of Waudby-Smith and Ramdas (2023, "Estimating means of bounded random variables by
betting", JRSS B 86), with weights as in Waudby-Smith, Stark and Ramdas (2021, "RiLACS").

*Recall*: if all labels were known, a fraud would multiply the capital by ``1 + s r / (1 - r)`` if it is missed and by
``1 - s`` if it is caught: at most 1 in expectation. As ``1 + a M <= (1 + a)^M``, and likewise for B, the expectation
over draws is not above that product. This needs only the probability of each record, and no bound of the weights. The
frauds of a day are taken as independent, as they are where the bound is stated. Without an audit no missed fraud could
be seen: no bet.

Stakes are a grid, each with its own part of the capital. Every day, a small part of all capital is shared out evenly,
so that a promise that breaks after years still meets all stakes (Herbster and Warmuth, 1998, "Tracking the best
expert", Machine Learning 32).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np

from fraudsieve._microseconds import DAY
from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.models.artifact.folder import Model

from .labels import LabelRules, SubjectLabels, label_key
from .store.event_store import EventStore, StoreTransaction
from .store.facts import key_of_labels, read_sealed, sealed, subject_key

ALARM: Final = 20.0
"""One over the probability of a false alarm."""
MATURE: Final = 14 * DAY
"""Microseconds after a draw from which on no answer is waited for."""
FORGOTTEN: Final = 90 * DAY
"""Microseconds after which a draw that nobody watches is deleted."""
STAKES: Final = np.array([0.0, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.9])
SHARED: Final = 0.01
"""Part of the capital that is shared out evenly every day."""
MAX_CAPITAL: Final = 1e9
"""Capital from which on nothing is bet any more."""
RATE, RECALL = "false_positive_rate", "recall"
TITLES: Final = {RATE: "false positive rate at most", RECALL: "recall at least"}
DRAW, STATE = "draw", "promises"
"""First words of names in the table `meta`."""


class ReviewedDay(NamedTuple):
    """What the answers of a day say, in campaigns or accounts."""

    scored: float
    flagged: float
    # Weighted: false positives that were drawn with certainty, other ones, and missed frauds.
    certain: float
    others: float
    missed: float
    # Whether missed frauds could be drawn.
    covers: bool


@dataclass(frozen=True)
class Promise:
    """A promise of a model, and the capital that is bet against it."""

    # `RATE`, which is at most the bound, or `RECALL`, which is at least the bound.
    name: str
    bound: float
    # For each of `STAKES`.
    capital: tuple[float, ...] = (1 / len(STAKES),) * len(STAKES)
    # The number of days with a bet, and the last day.
    days: int = 0
    last: str | None = None
    # The first day on which the capital reached `ALARM`.
    since: str | None = None

    @property
    def e(self) -> float:
        """The capital: evidence against the promise."""
        return sum(self.capital)

    @property
    def title(self) -> str:
        """What is promised, in words."""
        return f"{TITLES[self.name]} {100 * self.bound:.4g} %"

    @property
    def text(self) -> str:
        """Whether it holds, in words."""
        e = f"{self.e:.1f}" if self.e < 10 else f"{self.e:.0f}"
        if self.since is not None:
            return f"broken since {self.since} (e = {e})"
        if not self.days:
            return "not watched: no reviewed day yet. Draw from days (review draw --state --day), and load the labels"
        return f"holds (e = {e})"

    def to_dict(self) -> JsonObject:
        """Return it in plain JSON types, without its parts of the capital."""
        return {name: value for name, value in vars(self).items() if name != "capital"} | {
            "e": self.e,
            "text": self.text,
        }

    def bet(self, day: str, seen: ReviewedDay) -> Self:
        """Return the promise after the bet of a day."""
        if self.last is not None and day <= self.last:  # a draw that was made too late
            return self
        if self.e > MAX_CAPITAL or not (seen.scored if self.name == RATE else seen.covers):
            return replace(self, last=day)
        gain = 1 + STAKES * ((seen.certain + seen.others) / (self.bound * seen.scored) - 1)
        if self.name == RECALL:
            caught, odds = max(seen.flagged - seen.certain, 0.0), self.bound / (1 - self.bound)
            gain = (1 - STAKES) ** caught * (1 + STAKES * odds * seen.missed + STAKES / (1 - STAKES) * seen.others)
        shared = (1 - SHARED) * np.array(self.capital) + SHARED * self.e / len(STAKES)
        after = replace(self, capital=tuple((shared * gain).tolist()), days=self.days + 1, last=day)
        return replace(after, since=day) if self.since is None and after.e >= ALARM else after


def promises_of(model: Model) -> tuple[Promise, ...]:
    """Return what a model promises of its decisions, before any bet."""
    sources = () if model.source_points is None else model.source_points.points.values()
    points = (*model.points[:1], *sources)
    rates, recalls = [point.max_false_positive_rate for point in points], [point.min_recall for point in points]
    of_rate = [Promise(RATE, max(rates))] if rates and all(rates) else []
    return (*of_rate, *([Promise(RECALL, min(recalls))] if recalls and all(recalls) else []))


class DrawnRecord(NamedTuple):
    """A drawn record: the key of its labels, and what it stands for."""

    key: int
    inclusion: float
    # Records of its campaign or account in the frame.
    size: int
    is_flagged: bool


class DrawnDay(NamedTuple):
    """What was drawn from the scores of a model on a day, as it waits for labels; without ids of records."""

    day: str
    digest: str
    # Campaigns or accounts.
    scored: float
    flagged: float
    covers: bool
    drawn: Sequence[DrawnRecord]
    # Microseconds since 1970.
    made: int

    @classmethod
    def of(
        cls,
        day: str,
        digest: str,
        groups: Array,
        is_flagged: Array,
        drawn: Mapping[int, tuple[int, float]],
        covers: bool,
    ) -> Self:
        """Return what was drawn from the records of a frame: their positions, with keys and inclusion probabilities."""
        _, code, counts = np.unique(groups, return_inverse=True, return_counts=True)
        size, rows = counts[code], list(drawn)
        both = zip(drawn.values(), size[rows].tolist(), is_flagged[rows].tolist(), strict=True)
        records = [DrawnRecord(*record, n_alike, flag) for record, n_alike, flag in both]
        flagged = float((1 / size[is_flagged]).sum())
        return cls(day, digest, len(counts), flagged, covers, records, time.time_ns() // 1000)

    @property
    def name(self) -> str:
        """Its name in the table `meta`."""
        return f"{DRAW} {self.day} {self.digest}"

    def review(self, is_fraud: dict[int, bool]) -> ReviewedDay:
        """Return what the labels of its records say."""
        certain = others = missed = 0.0
        for record in self.drawn:
            weight, label = 1 / (record.inclusion * record.size), is_fraud.get(record.key)
            if record.is_flagged and label is False:
                certain, others = (certain + weight, others) if record.inclusion == 1 else (certain, others + weight)
            missed += weight if label and not record.is_flagged else 0.0
        return ReviewedDay(self.scored, self.flagged, certain, others, missed, self.covers)


def record_draw(store: EventStore, days: Sequence[DrawnDay]) -> None:
    """Let what was drawn wait for its labels. Of several draws from a day, the first counts: it represents the day."""
    with store.writing() as transaction:
        known = {day.name: day for day in _waiting(transaction)}
        for day in days:
            if day.name not in known:
                _write(transaction, day.name, day._asdict())
        latest = max((day.made for day in days), default=0)
        for old in known.values():
            if old.made < latest - FORGOTTEN:
                _delete(transaction, old.name)


def forget_drawn(transaction: StoreTransaction, subjects: Iterable[tuple[str, str]]) -> None:
    """Remove records, by their types and ids, from the draws that wait for labels."""
    keys = {key_of_labels(*subject) for subject in subjects}
    for day in _waiting(transaction):
        kept = [record for record in day.drawn if record.key not in keys]
        if len(kept) < len(day.drawn):
            _write(transaction, day.name, day._replace(drawn=kept)._asdict())


def watch_promises(store: EventStore, model: Model, now: int | None = None) -> tuple[Promise, ...]:
    """Bet on the days that are complete, in their order, and return the promises of a model.

    A day is complete when all its drawn records have labels, or two weeks after its draw. Later labels change nothing.
    Processes can share the store: each day is bet on once.
    """
    now = time.time_ns() // 1000 if now is None else now
    with store.reading() as transaction:
        promises = _read(transaction, model)
        if not promises or not _complete(transaction, model, now):
            return promises
    with store.writing() as transaction:
        promises = _read(transaction, model)  # another process may have been faster
        for day, seen in _complete(transaction, model, now):
            promises = tuple(promise.bet(day.day, seen) for promise in promises)
            _delete(transaction, day.name)
        _write(transaction, f"{STATE} {model.digest}", {"promises": [asdict(promise) for promise in promises]})
    return promises


def _complete(transaction: StoreTransaction, model: Model, now: int) -> list[tuple[DrawnDay, ReviewedDay]]:
    """Return the days that are complete, in their order: none after one that is not."""
    found = []
    for day in _waiting(transaction, model.digest):
        is_fraud = _labels(transaction, model, [record.key for record in day.drawn])
        if len(is_fraud) < len(day.drawn) and now < day.made + MATURE:
            break
        found.append((day, day.review(is_fraud)))
    return found


def _labels(transaction: StoreTransaction, model: Model, keys: Sequence[int]) -> dict[int, bool]:
    """Return whether records are fraud, by the keys of their labels, as far as they have any."""
    rules = LabelRules(model)
    labels = defaultdict[int | None, SubjectLabels](lambda: SubjectLabels(rules))
    for entry in transaction.find(keys, 0):
        with suppress(RejectedRecordError):  # the model has no weight for its source
            labels[subject_key(entry)].add(label_key(entry))
    return {key: one.verdicts[-1].is_fraud for key, one in labels.items() if key is not None and one.verdicts}


def _waiting(transaction: StoreTransaction, digest: str | None = None) -> Iterator[DrawnDay]:
    """Iterate over the draws that wait for labels, of all models or of one, in the order of their days."""
    rows = transaction.sql.execute("SELECT content FROM meta WHERE name LIKE ?", (f"{DRAW} %",))
    days = [DrawnDay(**read_sealed(content, transaction.origin)) for (content,) in rows]
    for day in sorted(days, key=lambda day: day.day):
        if digest in (None, day.digest):
            yield day._replace(drawn=[DrawnRecord(*record) for record in day.drawn])


def _read(transaction: StoreTransaction, model: Model) -> tuple[Promise, ...]:
    """Return the promises of a model as the store has them."""
    rows = transaction.sql.execute("SELECT content FROM meta WHERE name = ?", (f"{STATE} {model.digest}",))
    if not rows:
        return promises_of(model)
    kept = read_sealed(rows[0][0], transaction.origin)["promises"]
    return tuple(Promise(**one | {"capital": tuple(one["capital"])}) for one in kept)


def _write(transaction: StoreTransaction, name: str, content: JsonObject) -> None:
    _delete(transaction, name)
    transaction.sql.execute("INSERT INTO meta (name, content) VALUES (?, ?)", (name, sealed(content)))


def _delete(transaction: StoreTransaction, name: str) -> None:
    transaction.sql.execute("DELETE FROM meta WHERE name = ?", (name,))
