"""Payments as public files have them: cards, mobile money, components, orders and transfers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable
from tests.walk.zoo.files import WITHOUT_IDS, Layout, write_files
from tests.walk.zoo.rows import DAY, START, choose, make_events

__all__ = ["PAYMENTS"]

WITHOUT_HISTORY = {"events": "the model uses no history"}
FIRST, LAST = ("Ann", "Bob", "Carla", "Dev", "Eve", "Femi", "Gu", "Hana"), ("Abel", "Bauer", "Chen", "Diaz", "Evans")
STREETS, CITIES = ("Oak St", "Mill Lane", "Harbor Rd", "5th Ave"), ("Ashton", "Brook", "Carver", "Dunmore", "Elk Hill")


def _seconds(frame: pd.DataFrame) -> "pd.Series[Any]":
    return (frame["time"] - START).dt.total_seconds().astype(int)


def _handbook(seed: int) -> pd.DataFrame:
    rng, made = make_events(seed, accounts=90)
    seconds = _seconds(made)
    return pd.DataFrame(
        {
            "TRANSACTION_ID": np.arange(len(made)) + 288_062,
            "TX_DATETIME": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "CUSTOMER_ID": made["account"] + 1000,
            "TERMINAL_ID": made["other"] + 3000,
            "TX_AMOUNT": made["amount"],
            "TX_TIME_SECONDS": seconds,
            "TX_TIME_DAYS": seconds // DAY,
            "TX_FRAUD": made["fraud"].astype(int),
            "TX_FRAUD_SCENARIO": np.where(made["fraud"], rng.integers(1, 4, len(made)), 0),
        }
    )


HANDBOOK_NAMES = {
    "event_id": "TRANSACTION_ID",
    "occurred_at": "TX_DATETIME",
    "account_id": "CUSTOMER_ID",
    "counterparty_id": "TERMINAL_ID",
    "amount": "TX_AMOUNT",
    "label": "TX_FRAUD",
}


def handbook(folder: Path) -> TableFiles:
    """Write card payments as the Fraud Detection Handbook has them; the second label column is left out by a recipe.

    New records have neither of the label columns, so a model that used the second could not score them.
    """
    recipe = folder / "handbook.toml"
    recipe.write_text('[history]\nexclude = ["TX_FRAUD_SCENARIO"]\n', encoding="utf-8")
    layout = Layout(
        "events", ".csv", HANDBOOK_NAMES, ("TX_FRAUD", "TX_FRAUD_SCENARIO"), train_options=("--recipe", str(recipe))
    )
    return write_files(folder, _handbook(1), layout)


def handbook_leak(folder: Path) -> TableFiles:
    """Write the same as a user who has not noticed the second label column: a note says so, and new records have it."""
    layout = Layout("events", ".csv", HANDBOOK_NAMES, ("TX_FRAUD",))
    return write_files(folder, _handbook(1), layout)


def sparkov(folder: Path) -> TableFiles:
    """Write card payments with persons, places and unix time.

    Names, streets and dates of birth are expected to be left out of the categories, with a note. The ids of few
    branches are categories, and the type of a terminal is a code of whole numbers.
    """
    rng, made = make_events(2, accounts=60)
    person = made["account"]
    lat, long = 35 + person % 12 + 0.1234, -80 - person % 30 - 0.4321
    away = np.where(made["fraud"], 3.0, 0.4)
    frame = pd.DataFrame(
        {
            "trans_date_trans_time": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "cc_num": person * 7_919 + 4_000_123_412_340_000,
            "merchant": [f"fraud_Shop {code}, and Sons" for code in made["other"]],
            "category": choose(
                rng, made["fraud"], ("grocery_pos", "gas_transport", "home"), ("shopping_net", "misc_net")
            ),
            "amt": made["amount"],
            "first": [FIRST[code % len(FIRST)] for code in person],
            "last": [LAST[code % len(LAST)] for code in person],
            "gender": np.where(person % 2, "F", "M"),
            "street": [f"{code * 13 + 7} {STREETS[code % len(STREETS)]}" for code in person],
            "city": [CITIES[code % len(CITIES)] for code in person],
            "state": [("NC", "OH", "TX")[code % 3] for code in person],
            "zip": [f"{code * 317 + 1001:05d}" for code in person],
            "lat": lat.round(4),
            "long": long.round(4),
            "city_pop": person * 911 + 300,
            "deviceId": [f"d{code % 40}" for code in made["other"]],
            "branchId": rng.integers(1, 6, len(made)),
            "terminal_type": rng.choice([101, 204, 3001], len(made)),
            "job": [("Nurse", "Teacher", "Engineer, site", "Clerk")[code % 4] for code in person],
            "dob": (pd.Timestamp("1950-02-03") + pd.to_timedelta(person * 211, unit="D")).dt.strftime("%Y-%m-%d"),
            "trans_num": [f"{code:032x}" for code in rng.integers(1, 2**62, len(made))],
            "unix_time": _seconds(made) + int(START.timestamp()),
            "merch_lat": (lat + rng.normal(0, away)).round(6),
            "merch_long": (long + rng.normal(0, away)).round(6),
            "is_fraud": made["fraud"].astype(int),
        }
    )
    names = {
        "event_id": "trans_num",
        "occurred_at": "trans_date_trans_time",
        "account_id": "cc_num",
        "counterparty_id": "merchant",
        "amount": "amt",
        "label": "is_fraud",
    }
    return write_files(folder, frame, Layout("events", ".csv", names, ("is_fraud",)))


def _paysim(seed: int) -> pd.DataFrame:
    rng, made = make_events(seed, days=30, accounts=120, others=60)
    old = np.round(rng.lognormal(6, 1, len(made)), 2) + made["amount"]
    received = np.round(rng.lognormal(6, 1, len(made)), 2)
    return pd.DataFrame(
        {
            "step": _seconds(made) // 3600 + 1,
            "type": choose(rng, made["fraud"], ("PAYMENT", "CASH_IN", "DEBIT", "TRANSFER"), ("TRANSFER", "CASH_OUT")),
            "amount": made["amount"],
            "nameOrig": [f"C{code * 7919 + 1_000_000}" for code in made["account"]],
            "oldbalanceOrg": old,
            "newbalanceOrig": np.where(made["fraud"] & (rng.random(len(made)) < 0.6), 0.0, old - made["amount"]).round(
                2
            ),
            "nameDest": [f"{'C' if code % 2 else 'M'}{code * 104_729}" for code in made["other"]],
            "oldbalanceDest": received,
            "newbalanceDest": np.where(
                made["fraud"] & (rng.random(len(made)) < 0.6), received, received + made["amount"]
            ).round(2),
            "isFraud": made["fraud"].astype(int),
            "isFlaggedFraud": 0,
        }
    )


PAYSIM_NAMES = {
    "occurred_at": "step",
    "account_id": "nameOrig",
    "counterparty_id": "nameDest",
    "kind": "type",
    "label": "isFraud",
}


def paysim_steps(folder: Path) -> TableFiles:
    """Write mobile money as the file is: hours since the start as times, which its service sends too."""
    layout = Layout("events", ".csv", PAYSIM_NAMES, ("isFraud",), ("--time-unit", "h"), as_given=True)
    return write_files(folder, _paysim(3), layout)


def paysim(folder: Path) -> TableFiles:
    """Write mobile money after its owner has added a time to the hours; a flag of one value stays in it."""
    frame = _paysim(3)
    frame.insert(0, "time", START + pd.to_timedelta(frame["step"], unit="h"))
    layout = Layout("events", ".parquet", {**PAYSIM_NAMES, "occurred_at": "time"}, ("isFraud",))
    return write_files(folder, frame, layout)


def _components(seed: int) -> pd.DataFrame:
    rng, made = make_events(seed, days=2)
    shift = np.where(made["fraud"], 0.7, 0.0)[:, None] * rng.choice([-1, 0, 1], 28)
    values = rng.normal(0, 1, (len(made), 28)) + shift
    frame = pd.DataFrame(values.round(9), columns=[f"V{number}" for number in range(1, 29)])
    frame.insert(0, "Time", _seconds(made).astype(float))
    return frame.assign(Amount=made["amount"], Class=made["fraud"].astype(int))


def components_raw(folder: Path) -> TableFiles:
    """Write payments of components as the file is: no account, and seconds since the first as times."""
    layout = Layout("events", ".csv", {"occurred_at": "Time", "amount": "Amount", "label": "Class"}, ("Class",))
    return write_files(folder, _components(4), layout)


def components(folder: Path) -> TableFiles:
    """Write payments of components with an id (as the file of 2023 has): no history, so a table of accounts."""
    frame = _components(4)
    frame.insert(0, "id", np.arange(len(frame)))
    layout = Layout("accounts", ".csv", {"account_id": "id", "label": "Class"}, ("Class",))
    return write_files(folder, frame, layout)


def orders(folder: Path) -> TableFiles:
    """Write orders and refunds: names with spaces, negative amounts, one currency, an empty column, TRUE and FALSE."""
    rng, made = make_events(5, accounts=70, others=25)
    refund = rng.random(len(made)) < np.where(made["fraud"], 0.6, 0.1)
    frame = pd.DataFrame(
        {
            "Order ID": [f"ORD-{number:06d}" for number in range(len(made))],
            "Order Date": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
            "Customer Number": made["account"] + 500,
            "Type of Order": np.where(refund, "refund", "order"),
            "Total Amount": np.where(refund, -made["amount"], made["amount"]),
            "Currency": "EUR",
            "Coupon Code": None,
            "Items in Cart": rng.integers(1, 9, len(made)),
            "Customer Since": (made["time"] - pd.to_timedelta(rng.integers(1, 900, len(made)), unit="D")).dt.strftime(
                "%Y-%m-%d"
            ),
            "Delivery Note": [
                None if number % 11 == 0 else f"{note} {number % 40}"
                for number, note in enumerate(
                    choose(
                        rng, made["fraud"], ("leave it at the door", "请放门口", "call before"), ("送到驿站 urgent",)
                    )
                )
            ],
            "Seen Before": (made["time"] - pd.to_timedelta(rng.uniform(-1, 9, len(made)), unit="D")).dt.strftime(
                "%Y-%m-%d %H:%M"
            ),
            "Payment Method": choose(rng, made["fraud"], ("card", "invoice", "wallet"), ("gift card",)),
            "Store ID": made["other"],
            "Is Fraud": np.where(made["fraud"], "TRUE", "FALSE"),
        }
    )
    names = {
        "event_id": "Order ID",
        "occurred_at": "Order Date",
        "account_id": "Customer Number",
        "kind": "Type of Order",
        "amount": "Total Amount",
        "label": "Is Fraud",
    }
    texts = "--text-column", "Delivery Note"
    layout = Layout("events", ".csv", names, ("Is Fraud",), train_options=texts, as_given=True)
    return write_files(folder, frame, layout)


def dollar_orders(folder: Path) -> TableFiles:
    """Write orders whose amounts have a currency sign, and whose dates begin with the month and have no zone."""
    _, made = make_events(6)
    frame = pd.DataFrame(
        {
            "order_date": made["time"].dt.strftime("%m/%d/%Y %H:%M"),
            "customer": made["account"],
            "total": [f"${amount:,.2f}" for amount in made["amount"]],
            "fraud": made["fraud"].astype(int),
        }
    )
    names = {"occurred_at": "order_date", "account_id": "customer", "amount": "total", "label": "fraud"}
    remembered = "--month-first", "--time-zone", "America/New_York"
    layout = Layout("events", ".csv", names, ("fraud",), train_options=remembered)
    return write_files(folder, frame, layout, made["time"].dt.floor("min"))


def limits(folder: Path) -> TableFiles:
    """Write payments whose fraud depends on two columns of their own: large trees, and no history, are chosen."""
    rng, made = make_events(7, 5000, days=120)
    used, age = rng.normal(size=(2, len(made)))
    frame = pd.DataFrame(
        {
            "Payment No": np.arange(len(made)) + 70_000,
            "Booked": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Customer": rng.integers(0, 60, len(made)),
            "Amount": rng.gamma(2, 20, len(made)).round(2),
            "Limit Used": used.round(6),
            "Card Age": age.round(6),
            "Fraud": (np.sin(3 * used) * np.sin(3 * age) > 0.5).astype(int),
        }
    )
    names = {"event_id": "Payment No", "occurred_at": "Booked", "account_id": "Customer", "amount": "Amount"}
    files = write_files(folder, frame, Layout("events", ".csv", {**names, "label": "Fraud"}, ("Fraud",)))
    return replace(files, history={}, events=())


PAYMENTS = (
    UserTable("handbook", "event", handbook, on_spark=True),
    UserTable("handbook_leak", "event", handbook_leak),
    UserTable("sparkov", "event", sparkov, on_spark=True),
    UserTable("paysim", "event", paysim, refused=WITHOUT_IDS, on_spark=True),
    UserTable("paysim_steps", "event", paysim_steps, refused=WITHOUT_IDS),
    UserTable("components", "account", components),
    UserTable("components_raw", "event", components_raw, refused={"train": "account_id"}),
    UserTable("orders", "event", orders),
    UserTable("dollar_orders", "event", dollar_orders, refused=WITHOUT_IDS),
    UserTable("limits", "event", limits, refused=WITHOUT_HISTORY),
)
