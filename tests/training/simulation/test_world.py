"""The simulated world: reproducible, complete, in order, and as difficult as documented."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from fraudsieve.tables.cells import STRING
from fraudsieve.training.simulation.world import World, simulate
from tests.training.simulation.worlds import LENGTH, START, fraud_accounts

TABLES = [field.name for field in fields(World)]


def test_the_seed_alone_makes_the_tables(world: World) -> None:
    again, other = simulate(seed=0), simulate(seed=1)
    for name in TABLES:
        assert_frame_equal(getattr(world, name), getattr(again, name))
        assert not getattr(world, name).equals(getattr(other, name))


def test_ids_are_text_and_unique(world: World) -> None:
    ids = pd.concat([world.messages["message_id"], world.accounts["account_id"], world.events["event_id"]])
    assert ids.dtype == STRING
    assert ids.is_unique
    assert ids.notna().all()


def test_references_exist(world: World) -> None:
    accounts = set(world.accounts["account_id"])
    subjects = accounts | set(world.messages["message_id"])
    assert set(world.messages["account_id"]) | set(world.messages["recipient_id"]) <= accounts
    assert set(world.events["account_id"]) | set(world.events["counterparty_id"].dropna()) <= accounts
    assert set(world.labels["subject_id"]) <= subjects


def test_no_account_deals_with_itself(world: World) -> None:
    assert (world.messages["account_id"] != world.messages["recipient_id"]).all()
    assert (world.events["account_id"] != world.events["counterparty_id"]).all()


def test_share_of_fraud(labelled: pd.DataFrame) -> None:
    assert (labelled["label"] != "legitimate").sum() == round(0.12 * len(labelled))


@pytest.mark.parametrize(
    "column", ["messages.sent_at", "accounts.created_at", "events.occurred_at", "labels.labelled_at"]
)
def test_times_are_utc_microseconds_in_order(world: World, column: str) -> None:
    table, _, name = column.partition(".")
    times = getattr(world, table)[name]
    assert str(times.dtype) == "datetime64[us, UTC]"
    assert times.is_monotonic_increasing


def test_messages_and_events_fill_the_period(world: World) -> None:
    for times in (world.messages["sent_at"], world.events["occurred_at"]):
        assert times.min() - START < 0.01 * LENGTH
        assert START + LENGTH - times.max() < 0.01 * LENGTH


@pytest.mark.slow
def test_messages_and_events_do_not_leave_the_period() -> None:
    short = simulate(days=7, messages_per_day=2000.0, fraud_share=0.5)
    for times in (short.messages["sent_at"], short.events["occurred_at"]):
        assert times.min() >= START
        assert times.max() < START + pd.Timedelta(days=7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("column", ["account_id", "counterparty_id"])
def test_accounts_act_and_are_contacted_only_after_creation(column: str, seed: int) -> None:
    world = simulate(seed=seed, days=14, n_accounts=100)
    created = world.accounts.set_index("account_id")["created_at"]
    events = world.events.dropna(subset=[column])
    assert (events["occurred_at"].array >= created.loc[events[column]].array).all()
    assert (world.messages["sent_at"].array >= created.loc[world.messages["recipient_id"]].array).all()


def test_every_message_is_an_event(world: World) -> None:
    events = world.events.query("kind == 'message'").reset_index(drop=True)
    sent = world.messages
    assert_frame_equal(
        events[["account_id", "counterparty_id", "occurred_at"]],
        sent[["account_id", "recipient_id", "sent_at"]].set_axis(
            ["account_id", "counterparty_id", "occurred_at"], axis=1
        ),
    )


def test_only_payments_and_transfers_have_amounts(world: World) -> None:
    moves = world.events["kind"].isin(["payment", "transfer"])
    assert (world.events.loc[moves, "amount"] > 0).all()
    for column in ("amount", "card_id"):
        assert (world.events[column].notna() == moves).all()
    assert world.events[["device_id", "ip"]].notna().all(axis=None)


@pytest.mark.parametrize("column", ["device_id", "ip", "card_id"])
def test_rings_share_devices_addresses_and_cards(well_labelled: World, column: str) -> None:
    events = well_labelled.events.assign(fraud=well_labelled.events["account_id"].isin(fraud_accounts(well_labelled)))
    users = events.groupby(column).agg(accounts=("account_id", "nunique"), fraud=("fraud", "mean"))
    assert ((users["accounts"] >= 3) & (users["fraud"] == 1)).sum() >= 24


def test_legitimate_accounts_share_devices_too(well_labelled: World) -> None:
    fraud = fraud_accounts(well_labelled)
    users = (
        well_labelled.events[~well_labelled.events["account_id"].isin(fraud)]
        .groupby("device_id")["account_id"]
        .nunique()
    )
    assert (users == 2).sum() > 50
    assert (users > 2).sum() > 5


def test_fraud_accounts_are_young_and_act_at_night_with_strangers(well_labelled: World) -> None:
    fraud = fraud_accounts(well_labelled)
    accounts, events = well_labelled.accounts, well_labelled.events
    of_fraud = accounts["account_id"].isin(fraud)
    age = START + LENGTH - accounts["created_at"]
    assert 2 * age[of_fraud].median() < age[~of_fraud].median()
    chinese = events[events["account_id"].isin(accounts.query("country == 'CN'")["account_id"])]
    night = chinese["occurred_at"].dt.tz_convert("Asia/Shanghai").dt.hour < 6
    by_fraud = chinese["account_id"].isin(fraud)
    assert night[by_fraud].mean() > 2 * night[~by_fraud].mean()
    transfers = events.query("kind == 'transfer'")
    repeated = transfers.duplicated(["account_id", "counterparty_id"])
    by_fraud = transfers["account_id"].isin(fraud)
    assert repeated[by_fraud].mean() < repeated[~by_fraud].mean() / 2


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2025-03-01", "2025-03-01T00:00Z"),
        (datetime(2025, 3, 1), "2025-03-01T00:00Z"),
        ("2025-03-01T07:00+08:00", "2025-02-28T23:00Z"),
        (datetime(2025, 3, 1, 7, tzinfo=timezone(timedelta(hours=8))), "2025-02-28T23:00Z"),
    ],
)
def test_start(start: str | datetime, expected: str) -> None:
    first = simulate(days=7, n_accounts=100, start=start).events["occurred_at"].min()
    assert pd.Timedelta(0) <= first - pd.Timestamp(expected) < pd.Timedelta(hours=2)


@pytest.mark.parametrize("seed", range(5))
def test_smallest_world(seed: int) -> None:
    world = simulate(seed=seed, days=7, n_accounts=100, messages_per_day=23.0, fraud_share=0.1, events_per_message=2.0)
    assert len(world.messages) == 161
    assert len(world.events) == 322


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": None}, TypeError, "seed must be an integer, got NoneType"),
        ({"days": 6}, ValueError, "days must be at least 7, got 6"),
        ({"days": 30.5}, TypeError, "days must be an integer, got float"),
        ({"days": True}, TypeError, "days must be an integer, got bool"),
        ({"n_accounts": 99}, ValueError, "n_accounts must be at least 100, got 99"),
        ({"messages_per_day": 0}, ValueError, "messages_per_day must be from 1 to 1000000, got 0"),
        ({"events_per_message": 1.9}, ValueError, "events_per_message must be from 2 to 1000, got 1.9"),
        ({"fraud_share": 0.6}, ValueError, "fraud_share must be from 0 to 0.5, got 0.6"),
        ({"fraud_share": "much"}, TypeError, "fraud_share must be a number, got str"),
        (
            {"fraud_share": 0.0},
            ValueError,
            "At least 16 fraud messages .* got 0. Raise days, messages_per_day or",
        ),
        ({"label_delay_days": -1}, ValueError, "label_delay_days must be from 0 to 365, got -1"),
        ({"label_delay_days": float("nan")}, ValueError, "label_delay_days must be from 0 to 365, got nan"),
        ({"missing_labels": 1.1}, ValueError, "missing_labels must be from 0 to 1, got 1.1"),
        ({"wrong_labels": -0.1}, ValueError, "wrong_labels must be from 0 to 1, got -0.1"),
        (
            {"start": "soon"},
            ValueError,
            "start must be a datetime or a date such as '2026-01-01', got 'soon'",
        ),
        ({"start": None}, ValueError, "start must be a datetime or a date such as '2026-01-01', got None"),
    ],
)
def test_invalid_arguments_are_rejected(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(**arguments)


def test_written_tables_come_back_the_same(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    paths = world.write(folder)
    assert list(paths) == TABLES
    assert sorted(folder.iterdir()) == sorted(paths.values())
    for name, path in paths.items():
        assert path.name == f"{name}.parquet"
        frame = getattr(world, name)
        strings = frame.columns[frame.dtypes == STRING]
        assert_frame_equal(pd.read_parquet(path).astype(dict.fromkeys(strings, STRING)), frame)


@pytest.mark.slow
def test_a_world_that_does_not_drift_is_the_same_all_the_time() -> None:
    def by_quarter(drift: bool) -> pd.DataFrame:
        world = simulate(seed=3, days=120, drift=drift)
        labelled = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
        rows = world.messages.assign(label=world.messages["message_id"].map(labelled)).dropna(subset="label")
        fraud = rows[rows["label"] != "legitimate"]
        quarter = (
            (pd.to_datetime(fraud["sent_at"], utc=True) - pd.Timestamp("2026-01-01", tz="UTC")).dt.days // 30
        ).clip(0, 3)
        return fraud["text"].str.contains("\u200b|\u200c|\u200d|\u2060|\ufeff").groupby(quarter).agg(["size", "mean"])

    still, drifting = by_quarter(False), by_quarter(True)
    assert still["size"].max() < 1.25 * still["size"].min()
    assert abs(still["mean"].iloc[-1] - still["mean"].iloc[0]) < 0.05
    assert drifting["mean"].iloc[-1] > drifting["mean"].iloc[0] + 0.03
