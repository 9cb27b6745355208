"""Entities with more events than a window holds: a live state drops what no window can have, and equals the batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.campaign.campaign_batch import campaign_features
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.declaration import MEASURES, History
from fraudsieve.features.history.history_batch import count_beyond_bound, history_features
from fraudsieve.features.history.records import RecordIds, id_digest
from fraudsieve.features.history.timeline import signed
from fraudsieve.features.live_state import HistoryState
from tests.features.bands import campaign_events
from tests.messages import refused

from .live_records import at, stream


@pytest.mark.slow
@pytest.mark.parametrize("windows", [("1h", "1d"), ("1h", "30d", "all"), ("all",)])
def test_features_stay_the_same_while_entities_with_many_events_lose_them(
    windows: tuple[str, ...], tmp_path: Path
) -> None:
    """One event in ten comes late, and many share a time."""
    rng = np.random.default_rng(0)
    view = History(windows, kinds=("pay",), by_kind=MEASURES[:-1], max_events=20)
    events = [event | {"kind": str(rng.choice(["pay", "other"], p=[0.1, 0.9]))} for event in stream(3000, days=8)]
    arrival = np.arange(3000) + rng.integers(0, 8, 3000) * (rng.random(3000) < 0.1)
    events = [events[place] for place in np.argsort(arrival, kind="stable")]
    state = HistoryState(view, lateness="2h")
    for start in range(0, len(events), 100):
        for event in events[start : start + 100]:
            assert state.update(event) == ()
        if start % 500 == 0:
            state.save(tmp_path / "state")
            state = HistoryState.load(tmp_path / "state")
        newest = max(event["occurred_at"] for event in events[: start + 100])
        subjects = [
            {"account_id": f"account-{n}", "as_of": newest - pd.Timedelta(minutes=minutes)}
            for n in range(5)
            for minutes in (-1, 0, 30, 120)
        ]
        expected = history_features(pd.DataFrame(events[: start + 100]), pd.DataFrame(subjects), view)
        np.testing.assert_array_equal(state.features(subjects), expected)
    assert state.n_events < 5 * (20 + 8) * 8 / 7 + 90
    assert state.n_events == sum(view.n_rows for view in state.views)
    with refused(ValueError):
        state.rewind(at(4 * 1440))


@pytest.mark.parametrize("entity", ["account_id", "card_id"])
@pytest.mark.parametrize("minutes", [range(10), [9] * 10])
def test_an_entity_that_lost_events_has_history_as_others_have(entity: str, minutes: Any) -> None:
    subjects = [{entity: "ann", "as_of": at(cutoff)} for cutoff in (69, 70, 200)]
    expected = [True, entity == "account_id", entity == "account_id"]
    for max_events in (2, 4096):
        view = History(("1h",), entity=entity, measures=("count",), max_events=max_events)
        state = HistoryState(view, lateness="1m")
        for minute in minutes:
            state.update({"account_id": "ann", "card_id": "ann", "occurred_at": at(minute)})
        for minute in range(9, 70):  # meanwhile, old events of others are dropped
            state.update({"account_id": "bob", "card_id": "bob", "occurred_at": at(minute)})
        assert state.rows_of(subjects)[1].tolist() == expected


@pytest.mark.parametrize("times", [(0, 1, 2, 3), (0, 1, 1), (0, 1, 1, 2), (0, 1, 1, 1)])
def test_a_window_has_the_newest_events_also_of_those_at_one_time(times: tuple[int, ...]) -> None:
    view = History(("1h",), measures=("count", "since_last"), max_events=2)
    events = [{"account_id": "ann", "occurred_at": at(time)} for time in times]
    state, subject = HistoryState(view, lateness="1m"), {"account_id": "ann", "as_of": at(10)}
    for event in [*events, {"account_id": "bob", "occurred_at": at(11)}]:
        state.update(event)
    found = state.features(subject)[0]
    assert found.tolist() == [2, (10 - times[-1]) * 60]
    batch = history_features(pd.DataFrame(events), pd.DataFrame([subject]), view)[0]
    assert batch.tolist() == found.tolist()


def test_labels_are_bounded_and_can_be_taken_back() -> None:
    measures = ("known", "frauds", "fraud_rate", "since_fraud", "since_clean", "fraud_run")
    view = History(("1h",), measures=measures, prior=(0.0, 1.0), max_events=3)
    labels = [{"account_id": "ann", "labelled_at": at(time), "is_fraud": time == 0} for time in range(10)]
    state, subject = HistoryState(view, lateness="1m"), {"account_id": "ann", "as_of": at(10)}
    for label in labels:
        state.update(labels=label)
    assert state.features(subject).tolist() == [[3.0, 0.0, 0.0, 600.0, 60.0, 0.0]]
    prepared, _ = state.prepare(labels[-1], "labels")
    state.apply([record._replace(is_retracted=True) for record in prepared])
    assert state.features(subject).tolist() == [[3.0, 0.0, 0.0, 600.0, 120.0, 0.0]]


MEASURED = ("count", "sum", "distinct", "max", "burst", "known", "frauds")
N = 4097


def crowd(times: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return payments of one payer, or to one receiver, with a fraud label for one in a hundred."""
    days = rng.integers(0, 3, 3 * N)
    minutes = {"one": 0 * days, "dates": days * 1440, "distinct": rng.permutation(3 * N) / 4}[times]
    frame = pd.DataFrame({"account_id": "payer", "counterparty_id": "receiver", "kind": "pay"}, index=range(3 * N))
    frame["event_id"] = [f"e{n}" for n in range(3 * N)]
    frame["amount"] = rng.integers(1, 10_000, 3 * N) / 100
    frame["occurred_at"] = pd.to_datetime([at(float(minute)) for minute in minutes]).astype("datetime64[us, UTC]")
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("times", ["one", "dates", "distinct"])
@pytest.mark.parametrize("entity", ["account_id", "counterparty_id"])
def test_thousands_of_events_at_one_moment_empty_no_window(times: str, entity: str) -> None:
    """The newest 4,096 payments and labels count: of one time, those with the largest digests."""
    rng = np.random.default_rng(0)
    events = crowd(times, rng)
    labels = events[["account_id", "counterparty_id", "event_id"]].assign(
        labelled_at=events["occurred_at"], is_fraud=rng.random(len(events)) < 0.01
    )
    view = History(("1d", "30d"), entity=entity, measures=MEASURED, order_key="key")
    state = HistoryState(view, lateness="all")
    for rows in np.array_split(rng.permutation(len(events)), 50):
        assert state.update(events.iloc[rows], labels.iloc[rows]) == ()
    subject = {"account_id": "payer", "counterparty_id": "receiver", "as_of": at(3 * 1440)}
    found = dict(zip(view.columns, state.features(subject)[0].tolist(), strict=True))
    batch = history_features(events, pd.DataFrame([subject]), view, labels=labels)[0]
    np.testing.assert_array_equal(batch, [*found.values()])
    pool, bound = state.views[0].events, state.views[0].events.bound
    ids = [signed(RecordIds({"event_id": one}).delivery("event")) for one in events["event_id"]]
    receiver, n = signed(id_digest("receiver")), len(events)
    amounts = events["amount"].to_numpy().view(np.int64)
    content = np.column_stack([events["occurred_at"].astype(np.int64), ids, amounts, [-1] * n, [receiver] * n])
    bound.fill_digests(content)
    newest = events.assign(digest=content[:, 1]).sort_values(["occurred_at", "digest"]).iloc[-4096:]
    assert found["volume__count_30d"] == 4096
    assert found["value__sum_30d"] == pytest.approx(newest["amount"].sum(), abs=1e-6)
    assert found["value__max_30d"] == newest["amount"].max()
    assert pool.rows_of(0)[-1, 1] == newest["digest"].iloc[-1]
    assert found["network__known_30d"] == 4096
    assert 20 < found["network__frauds_30d"] < 70


def test_entities_with_more_events_than_a_window_has_are_counted() -> None:
    view, bounded = History(("1h",), measures=("count",)), History(("1h",), measures=("count",), max_events=2)
    state = HistoryState(bounded, lateness="all")
    minutes = {"few": (0,), "spread": (0, 100, 200), "dense": (0, 5, 9, 300), "tied": (7, 7, 7, 7, 8)}
    for account, times in minutes.items():
        state.update([{"account_id": account, "occurred_at": at(time)} for time in times])
    rows = [(account, at(time)) for account, times in minutes.items() for time in times]
    events = pd.DataFrame([*rows, (None, at(0))], columns=["account_id", "occurred_at"])
    assert (count_beyond_bound(events, bounded), count_beyond_bound(events, view)) == (2, 0)
    assert state.n_at_bound == 3  # those that hold as many events as a window may have, or more


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0, 1])
def test_thousands_of_copies_at_one_moment_do_not_erase_a_campaign(spread: int) -> None:
    sent = pd.to_datetime([at(n * spread / 100) for n in range(N)]).astype("datetime64[us, UTC]")
    copies = pd.DataFrame({"text": "win 100 now, call me at once", "account_id": [f"a{n}" for n in range(N)]})
    copies = copies.assign(message_id=[f"m{n}" for n in range(N)], sent_at=sent)
    campaigns, later = CampaignHistory(("1h", "1d"), order_key="key"), at(50)
    state, message = HistoryState(campaigns.views), {"text": "Win 999 now, call me at once!", "sent_at": later}
    records: list[dict[str, Any]] = copies.to_dict("records")  # type: ignore[assignment]
    state.update(campaign_events(records, campaigns))
    found = campaigns.message_columns(state.features(campaign_subjects([message])))
    batch = campaign_features(copies, pd.DataFrame([message]), campaigns)
    assert found.tolist() == batch.tolist()
    assert found[0, :4].tolist() == [2048] * 4  # messages and senders
