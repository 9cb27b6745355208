"""The simulated world: repeatable, complete, in order, and unkind in the ways that it promises."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from fraudsieve.training.simulation.everyday import NOTICES, PERSONAL
from fraudsieve.training.simulation.fraud import CRIMES, FRAUD
from fraudsieve.training.simulation.obfuscation import KINDS, apply_obfuscations
from fraudsieve.training.simulation.text import fill
from fraudsieve.training.simulation.world import World, simulate

TABLES = [field.name for field in fields(World)]
IDS = {"messages": "message_id", "accounts": "account_id", "events": "event_id"}
START, LENGTH = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timedelta(days=120)
HONEST: dict[str, Any] = {"missing_labels": 0.0, "wrong_labels": 0.0}
HAN = re.compile("[一-鿿]")
ODD = "[\u200b\u200c\u200d\u2060\ufeff\u0370-\u03ff\u0400-\u04ff０-９⓪①-⑨]"


@pytest.fixture(scope="module")
def world() -> World:
    return simulate()


@pytest.fixture(scope="module")
def honest() -> World:
    """A world whose labels are complete and right, and so tell the truth."""
    return simulate(**HONEST)


@pytest.fixture(scope="module")
def told(honest: World) -> pd.DataFrame:
    return labelled_messages(honest)


@pytest.fixture(scope="module")
def rife() -> pd.DataFrame:
    """The fraud messages of a world that has many, and the progress of time."""
    world = simulate(days=400, n_accounts=3000, messages_per_day=60.0, fraud_share=0.5, **HONEST)
    told = labelled_messages(world)
    return told[told["label"] != "legitimate"].assign(progress=lambda rows: (rows["sent_at"] - START).dt.days / 400)


def labelled_messages(world: World) -> pd.DataFrame:
    return world.messages.merge(world.labels, left_on="message_id", right_on="subject_id", validate="1:1")


def fraud_accounts(world: World) -> list[str]:
    fraud = world.labels[world.labels["label"] != "legitimate"]
    return sorted(set(fraud["subject_id"]) & set(world.accounts["account_id"]))


def test_default_world_has_the_promised_size(world: World) -> None:
    assert len(world.messages) == 8_040
    assert len(world.events) == 40_200
    assert len(world.accounts) == 1_500


def test_same_seed_gives_the_same_tables(world: World) -> None:
    again = simulate(seed=0)
    for name in TABLES:
        assert_frame_equal(getattr(world, name), getattr(again, name))


@pytest.mark.parametrize("name", TABLES)
def test_other_seed_gives_other_tables(world: World, name: str) -> None:
    assert not getattr(world, name).equals(getattr(simulate(seed=1), name))


@pytest.mark.parametrize(("name", "column"), IDS.items())
def test_ids_are_text_and_unique(world: World, name: str, column: str) -> None:
    ids = getattr(world, name)[column]
    assert ids.dtype == "str"
    assert ids.is_unique
    assert ids.notna().all()


def test_ids_of_messages_and_accounts_do_not_collide(world: World) -> None:
    assert not set(world.messages["message_id"]) & set(world.accounts["account_id"])


def test_references_lead_somewhere(world: World) -> None:
    accounts = set(world.accounts["account_id"])
    subjects = accounts | set(world.messages["message_id"])
    assert set(world.messages["account_id"]) | set(world.messages["recipient_id"]) <= accounts
    assert set(world.events["account_id"]) | set(world.events["counterparty_id"].dropna()) <= accounts
    assert set(world.labels["subject_id"]) <= subjects


def test_nobody_deals_with_themselves(world: World) -> None:
    assert (world.messages["account_id"] != world.messages["recipient_id"]).all()
    assert (world.events["account_id"] != world.events["counterparty_id"]).all()


@pytest.mark.parametrize("crime", [*CRIMES, "legitimate"])
def test_every_type_is_written_in_both_languages(told: pd.DataFrame, crime: str) -> None:
    chinese = told.loc[told["label"] == crime, "text"].str.contains(HAN)
    assert chinese.any()
    assert not chinese.all()


@pytest.mark.parametrize("crime", CRIMES)
def test_every_type_is_written_in_both_languages_by_the_least_fraud(crime: str) -> None:
    small = simulate(days=7, messages_per_day=23.0, fraud_share=0.1, **HONEST)
    texts = labelled_messages(small)
    chinese = texts.loc[texts["label"] == crime, "text"].str.contains(HAN)
    assert sorted(chinese) == [False, True]


def test_share_of_fraud(told: pd.DataFrame) -> None:
    assert (told["label"] != "legitimate").sum() == round(0.12 * len(told))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("messages", "sent_at"),
        ("accounts", "created_at"),
        ("events", "occurred_at"),
        ("labels", "labelled_at"),
    ],
)
def test_times_are_utc_microseconds_in_order(world: World, name: str, column: str) -> None:
    times = getattr(world, name)[column]
    assert str(times.dtype) == "datetime64[us, UTC]"
    assert times.is_monotonic_increasing


def test_messages_and_events_fill_the_period(world: World) -> None:
    for times in (world.messages["sent_at"], world.events["occurred_at"]):
        assert times.min() - START < 0.01 * LENGTH
        assert START + LENGTH - times.max() < 0.01 * LENGTH


def test_messages_and_events_do_not_leave_the_period() -> None:
    short = simulate(days=7, messages_per_day=2000.0, fraud_share=0.5)
    for times in (short.messages["sent_at"], short.events["occurred_at"]):
        assert times.min() >= START
        assert times.max() < START + pd.Timedelta(days=7)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("column", ["account_id", "counterparty_id"])
def test_accounts_act_and_are_met_only_once_created(column: str, seed: int) -> None:
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


def test_money_moves_in_payments_and_transfers_alone(world: World) -> None:
    moves = world.events["kind"].isin(["payment", "transfer"])
    assert (world.events.loc[moves, "amount"] > 0).all()
    for column in ("amount", "card_id"):
        assert (world.events[column].notna() == moves).all()
    assert world.events[["device_id", "ip"]].notna().all(axis=None)


def test_labels_follow_messages_by_the_delay(told: pd.DataFrame) -> None:
    delay = (told["labelled_at"] - told["sent_at"]).dt.total_seconds()
    assert delay.min() > 0
    assert delay.mean() / 86_400 == pytest.approx(5.0, rel=0.05)


def test_labels_of_fraud_accounts_follow_their_first_fraud(honest: World, told: pd.DataFrame) -> None:
    first = told[told["label"] != "legitimate"].groupby("account_id")["sent_at"].min()
    labelled = honest.labels.set_index("subject_id").loc[first.index]
    assert len(first) > 50
    assert (labelled["labelled_at"] > first).all()
    assert (labelled["label"] != "legitimate").all()


def test_accounts_are_labelled_too(honest: World) -> None:
    labels = honest.labels.set_index("subject_id")["label"].loc[honest.accounts["account_id"]]
    assert set(labels) == {*CRIMES, "legitimate"}
    assert 0.03 < (labels != "legitimate").mean() < 0.15


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_share_of_missing_labels(share: float) -> None:
    small = simulate(days=30, n_accounts=200, missing_labels=share)
    subjects = len(small.messages) + len(small.accounts)
    assert subjects - small.labels["subject_id"].nunique() == round(share * subjects)


def test_share_of_wrong_labels(honest: World) -> None:
    doubtful = simulate(missing_labels=0.0, wrong_labels=0.1)
    for name in ("messages", "accounts", "events"):
        assert_frame_equal(getattr(doubtful, name), getattr(honest, name))
    truth = honest.labels.set_index("subject_id")["label"]
    first = doubtful.labels.drop_duplicates("subject_id").set_index("subject_id")["label"]
    wrong = first != truth.loc[first.index]
    assert wrong.sum() == round(0.1 * len(first))


def test_reversals_come_later_and_are_right(world: World, honest: World) -> None:
    rows = world.labels[world.labels["subject_id"].duplicated(keep=False)]
    truth = honest.labels.set_index("subject_id")["label"]
    assert rows["subject_id"].nunique() == 33
    for subject, pair in rows.groupby("subject_id"):
        assert pair["labelled_at"].is_monotonic_increasing
        assert pair["label"].iloc[0] != truth[subject]
        assert pair["label"].iloc[1] == truth[subject]


def test_fraud_comes_in_campaigns_from_several_accounts(rife: pd.DataFrame) -> None:
    """Nearly every campaign has a link of its own, and no disguise touches it."""
    campaigns = rife.groupby(rife["text"].str.extract(r"(\w+-\w+\.example/\d+)", expand=False))
    size, senders = campaigns.size(), campaigns["account_id"].nunique()
    spread = campaigns["sent_at"].max() - campaigns["sent_at"].min()
    assert (size >= 8).sum() > 20
    assert (senders[size >= 8] > 1).all()
    assert (spread < pd.Timedelta(days=4)).mean() > 0.98
    assert (campaigns["recipient_id"].nunique() > 0.9 * size).mean() > 0.9


def test_wording_is_renewed(rife: pd.DataFrame) -> None:
    """Many templates are first seen late, though every one would turn up early if it could."""
    template = pd.concat([used_templates(rows, str(crime)) for crime, rows in rife.groupby("label")])
    first_seen = rife["progress"].loc[template.index].groupby(template).min()
    assert len(first_seen) > 0.9 * sum(len(crime["zh"] + crime["en"]) for crime in FRAUD.values())
    assert 0.2 < (first_seen > 0.5).mean() < 0.4


def used_templates(rows: pd.DataFrame, crime: str) -> pd.Series[str]:
    """Find the template of every message that is not disguised."""
    patterns = {
        template: ".+?".join(map(re.escape, re.split(r"{\w+}", template)))
        for template in FRAUD[crime]["zh"] + FRAUD[crime]["en"]
    }
    found = {template: rows["text"].str.contains(pattern) for template, pattern in patterns.items()}
    return pd.DataFrame(found).loc[lambda hits: hits.any(axis=1)].idxmax(axis=1).astype("str")


def test_disguise_spreads_and_grows_stronger(rife: pd.DataFrame, told: pd.DataFrame) -> None:
    odd = rife["text"].str.count(ODD)
    early, late = odd[rife["progress"] < 0.25], odd[rife["progress"] >= 0.75]
    assert 0.02 < (early > 0).mean() < 0.13
    assert 0.25 < (late > 0).mean() < 0.5
    assert late[late > 0].mean() > 2.2 * early[early > 0].mean()
    legitimate = told.loc[told["label"] == "legitimate", "text"]
    assert 0 < legitimate.str.contains(ODD).mean() < 0.03


@pytest.mark.parametrize("column", ["device_id", "ip", "card_id"])
def test_rings_share_devices_addresses_and_cards(honest: World, column: str) -> None:
    events = honest.events.assign(fraud=honest.events["account_id"].isin(fraud_accounts(honest)))
    users = events.groupby(column).agg(accounts=("account_id", "nunique"), fraud=("fraud", "mean"))
    assert ((users["accounts"] >= 3) & (users["fraud"] == 1)).sum() >= 24


def test_honest_people_share_devices_too(honest: World) -> None:
    fraud = fraud_accounts(honest)
    users = honest.events[~honest.events["account_id"].isin(fraud)].groupby("device_id")["account_id"].nunique()
    assert (users == 2).sum() > 50
    assert (users > 2).sum() > 5


def test_fraud_accounts_are_young_and_act_at_night_with_strangers(honest: World) -> None:
    fraud = fraud_accounts(honest)
    accounts, events = honest.accounts, honest.events
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_templates_are_many_distinct_and_fillable(language: str) -> None:
    rng = np.random.default_rng(0)
    fraud = [FRAUD[crime][language] for crime in CRIMES]
    legitimate = NOTICES[language] + PERSONAL[language]
    assert min(len(templates) for templates in fraud) >= 12
    assert len(legitimate) >= 60
    everything = [template for templates in fraud for template in templates] + list(legitimate)
    assert len(set(everything)) == len(everything)
    for template in everything:
        assert "{" not in fill(template, rng=rng, language=language)
        assert bool(HAN.search(template)) == (language == "zh")


def test_contacts_are_fictional(world: World) -> None:
    text = world.messages["text"].str.cat(sep="\n")
    assert set(re.findall(r"https?://\S*?(\.[a-z]+)(?=[/\s])", text)) == {".example"}
    assert "www." in text
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", text)


@pytest.mark.parametrize(("language", "kind"), [(lang, kind) for lang in KINDS for kind in KINDS[lang]])
def test_each_disguise_changes_text_but_no_link(language: str, kind: str) -> None:
    plain = {"en": "Call 555-0123 to have a place: ", "zh": "您的VIP账户冻结，加微联系1000000123："}[language]
    link = "https://s.example/ka123"
    changed = apply_obfuscations(plain + link, rng=np.random.default_rng(0), language=language, kinds=[kind], rate=0.5)
    assert changed.endswith(link)
    assert not changed.startswith(plain)


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        ("2025-03-01", "2025-03-01T00:00Z"),
        (datetime(2025, 3, 1), "2025-03-01T00:00Z"),
        ("2025-03-01T07:00+08:00", "2025-02-28T23:00Z"),
        (datetime(2025, 3, 1, 7, tzinfo=timezone(timedelta(hours=8))), "2025-02-28T23:00Z"),
    ],
)
def test_start(start: str | datetime, moment: str) -> None:
    first = simulate(days=7, n_accounts=100, start=start).events["occurred_at"].min()
    assert pd.Timedelta(0) <= first - pd.Timestamp(moment) < pd.Timedelta(hours=2)


@pytest.mark.parametrize("seed", range(5))
def test_smallest_world(seed: int) -> None:
    world = simulate(seed=seed, days=7, n_accounts=100, messages_per_day=23.0, fraud_share=0.1, events_per_message=2.0)
    assert len(world.messages) == 161
    assert len(world.events) == 322


def test_world_of_labels_at_once() -> None:
    world = simulate(days=7, n_accounts=100, label_delay_days=0.0, **HONEST)
    told = labelled_messages(world)
    assert (told["labelled_at"] - told["sent_at"] == pd.Timedelta(seconds=1)).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed must be at least 0; -1 came"),
        ({"seed": None}, TypeError, "seed must be a whole number; NoneType came"),
        ({"days": 6}, ValueError, "days must be at least 7; 6 came"),
        ({"days": 30.5}, TypeError, "days must be a whole number; float came"),
        ({"days": True}, TypeError, "days must be a whole number; bool came"),
        ({"n_accounts": 99}, ValueError, "n_accounts must be at least 100; 99 came"),
        ({"messages_per_day": 0}, ValueError, "messages_per_day must be from 1 to 1000000; 0 came"),
        ({"events_per_message": 1.9}, ValueError, "events_per_message must be from 2 to 1000; 1.9 came"),
        ({"fraud_share": 0.6}, ValueError, "fraud_share must be from 0 to 0.5; 0.6 came"),
        ({"fraud_share": "much"}, TypeError, "fraud_share must be a number; str came"),
        (
            {"fraud_share": 0.0},
            ValueError,
            "at least 16 fraud messages.* give 0. Raise days, messages_per_day or",
        ),
        ({"label_delay_days": -1}, ValueError, "label_delay_days must be from 0 to 365; -1 came"),
        ({"label_delay_days": float("nan")}, ValueError, "label_delay_days must be from 0 to 365; nan came"),
        ({"missing_labels": 1.1}, ValueError, "missing_labels must be from 0 to 1; 1.1 came"),
        ({"wrong_labels": -0.1}, ValueError, "wrong_labels must be from 0 to 1; -0.1 came"),
        (
            {"start": "soon"},
            ValueError,
            "start must be a date such as '2026-01-01' or a datetime; 'soon' came",
        ),
        ({"start": None}, ValueError, "start must be a date such as '2026-01-01' or a datetime; None came"),
    ],
)
def test_arguments_are_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(**arguments)


def test_written_tables_come_back_the_same(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    paths = world.write(folder)
    assert list(paths) == TABLES
    assert sorted(folder.iterdir()) == sorted(paths.values())
    for name, path in paths.items():
        assert path.name == f"{name}.parquet"
        assert_frame_equal(pd.read_parquet(path), getattr(world, name))


def test_a_world_that_does_not_drift_is_the_same_all_the_time() -> None:
    def by_quarter(drift: bool) -> pd.DataFrame:
        world = simulate(seed=3, days=120, drift=drift)
        told = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
        rows = world.messages.assign(label=world.messages["message_id"].map(told)).dropna(subset="label")
        fraud = rows[rows["label"] != "legitimate"]
        quarter = (
            (pd.to_datetime(fraud["sent_at"], utc=True) - pd.Timestamp("2026-01-01", tz="UTC")).dt.days // 30
        ).clip(0, 3)
        return fraud["text"].str.contains("\u200b|\u200c|\u200d|\u2060|\ufeff").groupby(quarter).agg(["size", "mean"])

    still, drifting = by_quarter(False), by_quarter(True)
    assert still["size"].max() < 1.25 * still["size"].min()
    assert abs(still["mean"].iloc[-1] - still["mean"].iloc[0]) < 0.05
    assert drifting["mean"].iloc[-1] > drifting["mean"].iloc[0] + 0.03
