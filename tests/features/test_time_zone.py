"""Hours and days in a time zone: what a clock shows, the same in batch, live and single records."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.declaration import History
from fraudsieve.features.live_state.state import HistoryState
from fraudsieve.live.records import LoggedFields, to_entry
from fraudsieve.models.artifact.matrix import build_matrix
from tests.features.bands import campaign_events

ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
MEASURES = ("count", "night", "weekend", "hour_entropy")


def events() -> pd.DataFrame:
    """Return a year of events, with some at the very change of daylight saving time."""
    rng = np.random.default_rng(1)
    changes = pd.to_datetime(["2026-03-08 07:00", "2026-11-01 06:00", "2026-04-04 15:00", "2026-10-03 15:30"])
    near = [change + pd.Timedelta(minutes=minutes) for change in changes for minutes in (-61, -1, 0, 1, 59, 61)]
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 365 * 86_400, 400), unit="s")
    frame = pd.DataFrame({"occurred_at": [*times, *near]}).sort_values("occurred_at", ignore_index=True)
    return frame.assign(account_id=rng.choice(["ann", "bob"], len(frame)), amount=1.0)


def clock(times: Any, zone: str) -> list[datetime]:
    return [time.to_pydatetime().replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for time in times]


@pytest.mark.parametrize("zone", ZONES)
def test_hours_and_days_are_what_a_clock_of_the_zone_shows(zone: str) -> None:
    history, table = History(("all",), measures=MEASURES, night=(22, 6), time_zone=zone), events()
    features = AccountFeatures(table, subject="event", history=history, time_zone=zone, exclude=["amount"])
    rows = pd.DataFrame(features.fit(table).transform(table), columns=features.matrix_.columns)
    shown = clock(table["occurred_at"], zone)
    assert rows["rhythm__hour"].tolist() == [time.hour for time in shown]
    assert rows["rhythm__weekday"].tolist() == [time.weekday() for time in shown]
    last = table.index[table["account_id"] == "ann"][-1]
    before = [time for time, account in zip(shown, table["account_id"], strict=True) if account == "ann"][:-1]
    assert rows["rhythm__night_all"][last] == np.mean([time.hour >= 22 or time.hour < 6 for time in before])
    assert rows["rhythm__weekend_all"][last] == np.mean([time.weekday() >= 5 for time in before])
    counts = np.unique([time.hour for time in before], return_counts=True)[1] / len(before)
    assert rows["rhythm__hour_entropy_all"][last] == pytest.approx(-(counts * np.log(counts)).sum())


@pytest.mark.parametrize("zone", ZONES)
def test_a_live_state_and_a_record_equal_the_batch_to_the_last_bit(zone: str) -> None:
    history, table = History(("7d", "all"), measures=MEASURES, time_zone=zone), events()
    features = AccountFeatures(table, subject="event", history=history, time_zone=zone, exclude=["amount"]).fit(table)
    matrix = build_matrix("event", features.matrix_.to_dict(), {})
    assert matrix == features.matrix_
    state = HistoryState(matrix.event_views, lateness="400d")
    records: Any = table.assign(occurred_at=table["occurred_at"].dt.tz_localize("UTC")).to_dict("records")
    assert state.update(records, now=datetime(2027, 1, 1, tzinfo=UTC)) == ()
    np.testing.assert_array_equal(matrix.rows(records, state).X, features.transform(table))


def test_views_of_other_zones_are_other_declarations() -> None:
    view = History(("1d",), measures=MEASURES)
    assert History.from_dict(view.to_dict() | {"time_zone": "Asia/Shanghai"}) != view
    declared = view.to_dict()
    del declared["time_zone"]  # of a model that was trained before there were zones
    assert History.from_dict(declared) == view
    with pytest.raises(ValueError, match="nearest are Asia/Shanghai"):
        History(time_zone="Asia/Shangai")


NAIVE = {"account_id": "ann", "occurred_at": "2026-07-01 01:30", "amount": 1.0}
ZONED = NAIVE | {"occurred_at": "2026-06-30T17:30:00Z"}


def state_of(zone: str) -> HistoryState:
    return HistoryState(History(("1d",), measures=("count", "night", "since_last"), time_zone=zone))


def as_columns(record: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [value] for name, value in record.items()}


@pytest.mark.parametrize("event", [NAIVE, ZONED, NAIVE | {"occurred_at": np.datetime64("2026-06-30T17:30")}])
@pytest.mark.parametrize("form", [dict, as_columns])
def test_a_record_without_a_zone_has_that_of_the_model_and_other_times_are_utc(event: Any, form: Any) -> None:
    state = state_of("Asia/Shanghai")
    assert state.update(form(event)) == ()
    for as_of in ("2026-07-01 02:30", "2026-06-30T18:30Z", np.datetime64("2026-06-30T18:30")):
        assert state.features({"account_id": "ann", "as_of": as_of}).tolist() == [[1, 1, 3600]]
    fields = LoggedFields(frozenset(), frozenset({"amount"}))
    assert to_entry(event, fields, "Asia/Shanghai") == to_entry(ZONED, fields)


def test_a_record_to_score_without_a_zone_has_that_of_the_model() -> None:
    history = History(("1d",), measures=("count", "night"), time_zone="Asia/Shanghai")
    matrix = AccountMatrix(Subject.EVENT, (history,), time_zone="Asia/Shanghai")
    naive, zoned = (matrix.rows([record], matrix.new_state()).X for record in (NAIVE, ZONED))
    np.testing.assert_array_equal(naive, zoned)
    assert naive[0, -2:].tolist() == [1, 2]
    account = AccountMatrix(Subject.ACCOUNT, (), time_zone="Asia/Shanghai")
    record = {"account_id": "ann", "created_at": "2026-06-30", "as_of": "2026-06-30T16:00Z"}
    assert account.rows([record]).X.tolist() == [[1]]


def test_messages_without_a_zone_have_that_of_their_campaigns() -> None:
    campaigns = CampaignHistory.from_dict(CampaignHistory(("1d",), ("spam",), time_zone="Asia/Shanghai").to_dict())
    sent = {"text": "win 100 now, call me", "sent_at": "2026-07-01 01:30", "account_id": "ann"}
    label = sent | {"label": "spam", "labelled_at": "2026-07-01 01:40"}
    later = {"text": "win 999 now, call me", "sent_at": "2026-07-01 01:50"}
    rows = []
    for zone in ("", "+08:00"):
        state = HistoryState(campaigns.views)
        times = {"sent_at", "labelled_at"}
        first, labelled, last = (
            {name: f"{value}{zone}" if name in times else value for name, value in record.items()}
            for record in (sent, label, later)
        )
        assert state.update(campaign_events([first], campaigns)) == ()
        assert state.update(campaign_events([labelled], campaigns)) == ()
        rows.append(campaigns.message_columns(state.features(campaign_subjects([last]))))
    assert [row.tolist() for row in rows] == [[[1, 1, 0, 1200, 1]]] * 2
