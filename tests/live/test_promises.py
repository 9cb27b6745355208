"""Bets against the promises of a model: how often they cry wolf, what missing answers do, and what the store keeps."""

from dataclasses import replace
from datetime import date
from functools import cache, reduce
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve._microseconds import DAY
from fraudsieve.live.contents import describe_store, erase
from fraudsieve.live.promises import (
    MATURE,
    RATE,
    RECALL,
    DrawnDay,
    DrawnRecord,
    Promise,
    ReviewedDay,
    promises_of,
    record_draw,
    watch_promises,
)
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.facts import key_of_labels
from fraudsieve.live.store.score_rows import drop_old_scores
from fraudsieve.models import Model, Scorer
from fraudsieve.models.points import OperatingPoint, SourcePoints
from fraudsieve.review.draw import Frame, ReviewPlan, select
from tests.live import small_models

POINT = OperatingPoint("p", 0.5, 0.01, 0.6, 0.02, max_false_positive_rate=0.02, confidence=0.95, min_recall=0.6)
DAYS = 60
NOW = 1_000 * DAY


@cache
def model(digest: str = "5f", *points: OperatingPoint) -> Model:
    return replace(small_models.message_scorer().model, digest=digest, points=points or (POINT,))


def day_text(number: int) -> str:
    return date.fromordinal(738_000 + number).isoformat()


def simulated_day(rng: np.random.Generator, number: int, rate: float, recall: float) -> ReviewedDay:
    """A day of 150 legitimate and 12 fraudulent campaigns of up to 4 records, as `review draw` selects from it."""
    is_fraud = np.repeat([False, True], [150, 12])
    sizes = rng.integers(1, 5, len(is_fraud))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    of_fraud = is_fraud[groups]
    # All records of a campaign have the same decision.
    flagged = (rng.random(len(sizes)) < np.where(is_fraud, recall, rate))[groups]
    probability = np.where(flagged, 0.8, np.where(of_fraud, 0.3, 0.02)) * rng.uniform(0.5, 1, len(groups))
    plan = ReviewPlan(40, audit=0.4, near=0.1, seed=int(rng.integers(2**31)))
    drawn = select(Frame(probability, flagged, groups, np.zeros(len(groups))), plan, date.fromordinal(1))
    rows = drawn.rows.tolist()
    keyed = {row: (row, chance) for row, chance in zip(rows, drawn.probability.tolist(), strict=True)}
    of_day = DrawnDay.of(day_text(number), "5f", groups, flagged, keyed, drawn.covers)
    return of_day.review({row: bool(of_fraud[row]) for row in rows})


def lives(rate: float, recall: float, worlds: int) -> list[tuple[Promise, ...]]:
    """The promises after a simulated life, in several worlds."""
    found = []
    for world in range(worlds):
        rng, promises = np.random.default_rng([world, 3]), promises_of(model())
        for number in range(DAYS):
            seen = simulated_day(rng, number, rate, recall)
            promises = tuple(promise.bet(day_text(number), seen) for promise in promises)
        found.append(promises)
    return found


def test_a_promise_that_holds_is_seldom_broken_and_one_that_does_not_always() -> None:
    at = lives(0.02, 0.6, 60)
    for position in range(2):
        assert sum(life[position].since is not None for life in at) <= 4
    assert all(promise.since is not None for life in lives(0.06, 0.2, 5) for promise in life)


def test_what_a_day_says_has_the_right_expectation() -> None:
    rng = np.random.default_rng(5)
    days = np.array([simulated_day(rng, 0, 0.2, 0.5) for _ in range(1_500)])
    scored, flagged, certain, others, missed, covers = days.mean(axis=0)
    assert (scored, covers) == (162, 1)
    assert flagged == pytest.approx(0.2 * 150 + 0.5 * 12, rel=0.03)
    assert certain + others == pytest.approx(0.2 * 150, rel=0.03)
    assert others > 3  # alerts beyond the capacity
    assert missed == pytest.approx(0.5 * 12, rel=0.06)


def test_a_bet_is_fair_at_the_promise_and_loses_below_it() -> None:
    rate, recall = (promise for promise in promises_of(model()))
    false, caught = range(60), range(13)
    for share, fair in ((0.02, True), (0.01, False)):
        weight = np.array([binomial(150, k, share) for k in false])
        e = [rate.bet("d", ReviewedDay(150, k, k, 0, 0, True)).e for k in false]
        assert (weight @ e == pytest.approx(1, abs=1e-6)) == fair
        assert weight @ e <= 1 + 1e-6
    for share in (0.6, 0.8):
        weight = np.array([binomial(12, k, share) for k in caught])
        e = [recall.bet("d", ReviewedDay(150, k, 0, 0, 12 - k, True)).e for k in caught]
        assert weight @ e <= 1 + 1e-9


def binomial(n: int, k: int, p: float) -> float:
    return reduce(lambda product, i: product * (n - i) / (k - i), range(k), 1.0) * p**k * (1 - p) ** (n - k)


def test_answers_that_are_missing_speak_for_the_promises() -> None:
    rng = np.random.default_rng(1)
    records = [
        DrawnRecord(key, 1.0 if key < 20 else 0.25, int(rng.integers(1, 4)), bool(key % 2 == 0)) for key in range(40)
    ]
    of_day = DrawnDay("2026-05-01", "5f", 100, 15, True, records, 0)
    labels = {key: key % 3 == 0 for key in range(40)}
    all_answers = [promise.bet("d", of_day.review(labels)).e for promise in promises_of(model())]
    for dropped in range(40):
        some = {key: label for key, label in labels.items() if key != dropped}
        fewer = [promise.bet("d", of_day.review(some)).e for promise in promises_of(model())]
        assert all(e <= more for e, more in zip(fewer, all_answers, strict=True))
    promises = promises_of(model())
    for number in range(200):
        promises = tuple(promise.bet(day_text(number), of_day.review({})) for promise in promises)
    assert all(promise.e < 1 and promise.since is None for promise in promises)


def test_a_day_without_an_audit_says_nothing_about_recall() -> None:
    rate, recall = (promise.bet("d", ReviewedDay(100, 9, 9, 0, 0, False)) for promise in promises_of(model()))
    assert (rate.days, recall.days, recall.last) == (1, 0, "d")
    assert recall.e == pytest.approx(1)
    assert recall.text.startswith("not watched")


def test_a_promise_says_since_when_it_is_broken() -> None:
    promise = Promise(RATE, 0.02)
    days = (day_text(number) for number in count())
    while promise.since is None:
        last = next(days)
        promise = promise.bet(last, ReviewedDay(100, 8, 8, 0, 0, True))
    assert promise.since == promise.last == last
    assert promise.text == f"broken since {last} (e = {promise.e:.0f})"
    for _ in range(2_000):
        promise = promise.bet(next(days), ReviewedDay(100, 8, 8, 0, 0, True))
    assert (promise.since, promise.e < 1e12) == (last, True)
    assert Promise(RATE, 0.02).bet("d", ReviewedDay(100, 2, 2, 0, 0, True)).text == "holds (e = 1.0)"


def test_only_what_all_deciding_points_promise_is_watched() -> None:
    estimated = replace(POINT, max_false_positive_rate=None, min_recall=None)
    assert [promise.name for promise in promises_of(model())] == [RATE, RECALL]
    assert promises_of(model("1", estimated)) == ()
    by_source = {value: SourcePoints("channel", {"sms": point}) for value, point in (("a", POINT), ("b", estimated))}
    found = {name: promises_of(replace(model(), source_points=points)) for name, points in by_source.items()}
    assert (len(found["a"]), found["b"]) == (2, ())
    assert promises_of(replace(model(), points=())) == ()


def drawn_day(number: int, *names: str, digest: str = "5f", flagged: int = 2) -> DrawnDay:
    """A day of 100 campaigns: the first two records are flagged, the others of an audit."""
    records = [
        DrawnRecord(key_of_labels("message", name), 1.0 if place < 2 else 0.5, 1, place < 2)
        for place, name in enumerate(names)
    ]
    return DrawnDay(day_text(number), digest, 100, flagged, True, records, NOW)


def label(address: str, labels: dict[str, str], **fields: Any) -> None:
    with LiveState(Scorer(model()), address) as live:
        at = {"labelled_at": "2024-06-01T00:00:00Z"} | fields
        accepted = live.update(labels=[{"subject_id": name, "label": word} | at for name, word in labels.items()])
        assert not accepted.rejected


def watched(address: str, of: Model | None = None, now: int = NOW) -> list[tuple[int, float, str | None]]:
    with open_store(address) as store:
        return [(promise.days, promise.e, promise.last) for promise in watch_promises(store, of or model(), now)]


def record(address: str, *days: DrawnDay) -> None:
    with open_store(address) as store:
        record_draw(store, days)


def test_days_are_bet_on_once_in_their_order_when_all_records_have_labels(address: str) -> None:
    record(address, drawn_day(2, "d", "e", "f"), drawn_day(1, "a", "b", "c"))
    label(address, {"d": "fraud", "e": "fraud", "f": "legitimate"})
    unwatched: Any = [(0, pytest.approx(1), None)] * 2
    assert watched(address) == unwatched  # the first day has no labels yet
    label(address, {"a": "legitimate", "b": "legitimate", "c": "fraud"})
    first = watched(address)
    assert [(days, last) for days, _, last in first] == [(2, day_text(2))] * 2
    seen = [ReviewedDay(100, 2, 2, 0, 2, True), ReviewedDay(100, 2, 0, 0, 0, True)]
    for (_, e, _), promise in zip(first, promises_of(model()), strict=True):
        expected = reduce(lambda one, day: one.bet(day_text(day[0]), day[1]), enumerate(seen, 1), promise)
        assert e == pytest.approx(expected.e)
    assert watched(address) == first
    # Another draw from such a day, and other labels of its records, change nothing.
    record(address, drawn_day(1, "g"), drawn_day(2, "d"))
    label(address, {"a": "fraud", "c": "legitimate", "g": "legitimate"}, labelled_at="2024-06-03T00:00:00Z")
    assert watched(address) == first
    with open_store(address) as store, store.reading() as transaction:
        rows = transaction.sql.execute("SELECT content FROM meta WHERE name LIKE ?", ("draw %",))
    assert not rows


def test_of_two_draws_from_a_day_the_first_counts(address: str) -> None:
    record(address, drawn_day(1, "a"))
    record(address, drawn_day(1, "b"))
    label(address, {"b": "legitimate"})
    assert watched(address)[0][0] == 0
    label(address, {"a": "legitimate"})
    after: Any = (
        1,
        pytest.approx(Promise(RATE, 0.02).bet("d", ReviewedDay(100, 2, 1, 0, 0, True)).e),
    )
    assert watched(address)[0][:2] == after


def test_after_two_weeks_answers_that_are_missing_are_not_waited_for(address: str) -> None:
    record(address, drawn_day(1, "a", "b", "c"))
    label(address, {"a": "fraud"})
    assert watched(address, now=NOW + MATURE - 1)[0][0] == 0
    rate, recall = watched(address, now=NOW + MATURE)
    assert (rate[0], recall[0]) == (1, 1)
    assert max(rate[1], recall[1]) < 1


def test_two_models_have_promises_of_their_own(address: str) -> None:
    other = model("7e", replace(POINT, max_false_positive_rate=0.05))
    record(address, drawn_day(1, "a"), drawn_day(1, "b", digest="7e"))
    label(address, {"a": "legitimate", "b": "fraud"})
    first, second = watched(address), watched(address, other)
    assert first[0][1] != second[0][1]
    assert (watched(address), watched(address, other)) == (first, second)


def test_the_promises_outlive_retention_and_an_erasure_and_name_nobody(tmp_path: Path) -> None:
    address = str(tmp_path / "live.db")
    record(address, drawn_day(1, "a"))
    label(address, {"a": "legitimate"})
    before = watched(address)
    record(address, drawn_day(2, "b", "ann"), drawn_day(3, "c"))
    accounts = replace(model(), digest="3c")
    record(
        address,
        DrawnDay(day_text(2), "3c", 9, 1, True, [DrawnRecord(key_of_labels("account", "ann"), 1, 1, True)], NOW),
    )
    with open_store(address) as store:
        drop_old_scores(store, NOW, NOW)
        erase(store, account_id="ann")
        describe_store(store)
        with store.reading() as transaction:
            contents = "".join(content for (content,) in transaction.sql.execute("SELECT content FROM meta"))
    assert watched(address) == before
    assert str(key_of_labels("account", "ann")) not in contents
    assert str(key_of_labels("message", "ann")) in contents  # a message of that id is another subject
    assert watched(address, accounts, NOW)[0][0] == 1  # nothing is left to wait for


def test_a_draw_that_nobody_watches_is_deleted_in_time(address: str) -> None:
    record(address, drawn_day(1, "a", digest="old"))
    record(address, drawn_day(99, "b")._replace(made=NOW + 91 * DAY))
    with open_store(address) as store, store.reading() as transaction:
        names = [name for (name,) in transaction.sql.execute("SELECT name FROM meta WHERE name LIKE ?", ("draw %",))]
    assert names == [f"draw {day_text(99)} 5f"]
