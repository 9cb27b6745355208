"""Deletion of old rows: what other processes, other models, erasures and rewinds still find afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.live.contents import describe_store, erase, rewind
from fraudsieve.live.export import export_tables
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import EventStore, open_store
from fraudsieve.live.store.facts import START
from fraudsieve.live.store.snapshots import drop_old_rows
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import DAILY, daily_scorer, event, features_of, old_and_new, with_views
from tests.live.small_models import event_scorer
from tests.messages import refused

JULY = "2024-07-01T11:00:00Z"


def event_of_july(name: str, **change: str) -> dict[str, object]:
    return event(event_id=name, occurred_at="2024-07-01T10:05:00Z") | change


@pytest.mark.slow
@pytest.mark.parametrize(
    "remove",
    [
        lambda store: erase(store, account_id="zed"),
        lambda store: rewind(store, "2024-07-01T10:01:00Z"),
    ],
    ids=["erase", "rewind"],
)
def test_the_rows_that_are_left_are_the_history(
    remove: Callable[[EventStore], int], account_scorer: Scorer, address: str
) -> None:
    daily = daily_scorer(account_scorer)
    with LiveState(daily, address, label_days=0) as live:
        live.update(event())
        live.update(event(event_id="e2", occurred_at="2024-07-01T10:00:00Z"))
        live.update(event_of_july("newest", account_id="zed"))
        live.checkpoint()
        with open_store(address) as store:
            assert store.facts.start.offset == 1
            assert remove(store) == 1
        live.catch_up()
        assert (features_of(live, as_of=JULY), features_of(live, "zed", JULY)) == ([1.0], [0.0])
        assert live.update(event_of_july("later")).rejected == ()
        assert features_of(live, as_of=JULY) == [2.0]
        live.checkpoint()
    with LiveState(daily, address, label_days=0) as live:
        assert features_of(live, as_of=JULY) == [2.0]


@pytest.mark.slow
def test_nothing_is_left_and_more_arrives(account_scorer: Scorer, address: str) -> None:
    with LiveState(daily_scorer(account_scorer), address, label_days=0) as live:
        old_and_new(live)
        with open_store(address) as store:
            assert erase(store, account_id="ann") == 1
        assert live.update(event_of_july("later")).rejected == ()
        assert features_of(live, as_of=JULY) == [1.0]


@pytest.mark.slow
def test_rows_that_were_rewritten_meanwhile_stay(account_scorer: Scorer, address: str) -> None:
    with LiveState(daily_scorer(account_scorer), address, label_days=0) as live, open_store(address) as store:
        live.update([event(), event_of_july("new")])
        assert rewind(store, "2024-06-01") == 1
        covered, july = store.head.offset, 1_719_828_000_000_000
        assert drop_old_rows(store, july, covered, 0) == 0  # of a state that still has the event of July
        assert drop_old_rows(store, july, covered, 1) == 1


@pytest.mark.slow
def test_an_event_of_the_future_deletes_no_row(account_scorer: Scorer, address: str) -> None:
    now = datetime.now(UTC)
    ahead, daily = now + timedelta(days=50), daily_scorer(account_scorer)
    with LiveState(daily, address, label_days=0) as live:
        live.update([event(event_id=number, occurred_at=now - timedelta(minutes=1)) for number in range(5)])
        live.update(event(event_id="ahead", account_id="zed", occurred_at=ahead), now=ahead)
    with open_store(address) as store:
        assert store.facts.start.offset == 0
        assert rewind(store, now) == 1
    with LiveState(daily, address, label_days=0) as live:
        assert features_of(live, as_of=now.isoformat()) == [5.0]


@pytest.mark.slow
@pytest.mark.parametrize("is_update", [False, True])
def test_a_process_that_has_not_read_deleted_rows_goes_on(
    is_update: bool, account_scorer: Scorer, address: str
) -> None:
    daily = daily_scorer(account_scorer)
    with (
        LiveState(daily, address, label_days=0, follow=False) as one,
        LiveState(daily, address, label_days=0, follow=False) as two,
    ):
        old_and_new(one)
        with open_store(address) as store:
            assert store.facts.start.offset == 1
        if is_update:
            assert two.update(event_of_july("mine")).rejected == ()
            one.catch_up()
        assert two.catch_up() == one.offset == 2 + is_update
        assert content(two.state) == content(one.state)


@pytest.mark.slow
def test_rows_that_were_deleted_before_they_are_read(account_scorer: Scorer, address: str) -> None:
    with LiveState(daily_scorer(account_scorer), address, label_days=0) as live, open_store(address) as store:
        old_and_new(live)
        with refused(StateError):
            next(store.rows(START))


@pytest.mark.slow
def test_rows_stay_for_another_model_that_was_opened(account_scorer: Scorer, address: str) -> None:
    daily = daily_scorer(account_scorer)
    longer = with_views(daily, histories=(replace(DAILY, windows=("90d",)),))
    one, two = (LiveState(scorer, address, label_days=0, follow=False) for scorer in (daily, longer))
    with one:
        old_and_new(one)
        two._session.close()  # type: ignore[union-attr]  # as a kill does: without a snapshot of the rows
        with LiveState(longer, address, label_days=0) as again:
            assert features_of(again, as_of=JULY) == [2.0]
            with open_store(address) as store:
                assert store.facts.start.offset == 0
        one.update(event_of_july("new"))
        one.checkpoint()  # the snapshot of the other model has the row of May now
        with open_store(address) as store:
            assert store.facts.start.offset == 1
        with LiveState(longer, address, label_days=0) as again:
            assert features_of(again, as_of=JULY) == [3.0]


@pytest.mark.parametrize("label_days", [0, 30, 90])
def test_events_are_kept_as_long_as_labels_take(label_days: int, tmp_path: Path) -> None:
    """The event of May is 61 days old in July, and left the windows in memory."""
    scorer = with_views(event_scorer(), histories=(DAILY,))
    with LiveState(scorer, tmp_path / "live.db", label_days=label_days) as live:
        old_and_new(live)
        label = {"subject_id": "e1", "label": "fraud", "labelled_at": "2024-06-30T10:00:00Z"}
        assert live.update(labels=label).unknown == (() if label_days == 90 else (0,))
    with open_store(tmp_path / "live.db") as store:
        tables = export_tables(store, tmp_path / "tables", scorer.model)
        described = describe_store(store)
    kept = (2, None, None)
    days = {0: ("2024-06-29T09:00:00Z", "2024-07-01T10:00:00Z"), 30: ("2024-05-30T09:00:00Z", "2024-06-01T10:00:00Z")}
    expected = (1, *days[label_days]) if label_days in days else kept
    assert (tables["events"], tables["complete_since"], tables["trains_since"]) == expected
    assert described["complete_since"] == tables["complete_since"]
    assert described["bytes_per_row"] > 100


@pytest.mark.parametrize("label_days", [29, 31])
def test_labels_that_a_later_event_counts_have_their_events(label_days: int, tmp_path: Path) -> None:
    """The label that an event counts may be of an event that is older by the time until a label."""
    scorer = with_views(event_scorer(), histories=(replace(DAILY, measures=("count", "known")),))
    with LiveState(scorer, tmp_path / "live.db", label_days=label_days) as live:
        old_and_new(live)
    with open_store(tmp_path / "live.db") as store:
        tables = export_tables(store, tmp_path / "tables", scorer.model)
    expected = {29: (1, "2024-05-02T09:00:00Z", "2024-06-02T10:00:00Z"), 31: (2, None, None)}
    assert (tables["events"], tables["complete_since"], tables["trains_since"]) == expected[label_days]
