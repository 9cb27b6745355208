"""Applications, claims and accounts: a row is a subject of its own, with or without a history."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable, json_records
from tests.walk.zoo.files import HISTORY_ROWS, NEW_ROWS, Layout, write_files, write_frame
from tests.walk.zoo.rows import START, choose, hashes, make_events, make_frauds

__all__ = ["APPLICATIONS"]


def _subjects(seed: int, n: int) -> tuple[np.random.Generator, "pd.Series[Any]"]:
    rng = np.random.default_rng(seed)
    return rng, pd.Series(make_frauds(rng, n))


def openings(folder: Path) -> TableFiles:
    """Write account openings: a row an application, months as numbers, -1 where a value is missing, no time."""
    rng, fraud = _subjects(41, 1100)
    n, shift = len(fraud), fraud * 0.25
    frame = pd.DataFrame(
        {
            "application_id": np.arange(n),
            "fraud_bool": fraud.astype(int),
            "income": (rng.integers(1, 10, n) / 10).round(1),
            "name_email_similarity": np.clip(rng.beta(3, 2, n) - shift, 0, 1).round(4),
            "prev_address_months_count": np.where(rng.random(n) < 0.7, -1, rng.integers(1, 300, n)),
            "customer_age": rng.integers(1, 9, n) * 10,
            "days_since_request": rng.exponential(1, n).round(4),
            "payment_type": choose(rng, fraud, ("AA", "AB", "AD"), ("AC",)),
            "velocity_6h": (rng.normal(5500, 2500, n) * (1 + shift)).round(2),
            "employment_status": choose(rng, fraud, ("CA", "CB", "CF"), ("CC",)),
            "credit_risk_score": (rng.normal(120, 60, n) + 200 * shift).round().astype(int),
            "email_is_free": (rng.random(n) < 0.4 + shift).astype(int),
            "housing_status": choose(rng, fraud, ("BB", "BC", "BE"), ("BA",)),
            "source": np.where(rng.random(n) < 0.98, "INTERNET", "TELEAPP"),
            "device_os": choose(rng, fraud, ("linux", "macintosh", "other"), ("windows",)),
            "device_fraud_count": 0,
            "month": np.sort(rng.integers(0, 8, n)),
        }
    )
    names = {"account_id": "application_id", "label": "fraud_bool"}
    return write_files(folder, frame, Layout("accounts", ".csv", names, ("fraud_bool",)))


def claims(folder: Path) -> TableFiles:
    """Write insurance claims: categories as words, `?` where a value is missing, dates, an empty column, Y and N."""
    rng, fraud = _subjects(42, 900)
    n = len(fraud)
    incident = START + pd.to_timedelta(np.sort(rng.integers(0, 60, n)), unit="D")
    frame = pd.DataFrame(
        {
            "months_as_customer": rng.integers(0, 480, n),
            "policy_number": rng.permutation(n) + 100_000,
            "policy_bind_date": (incident - pd.to_timedelta(rng.integers(30, 9000, n), unit="D")).strftime("%Y-%m-%d"),
            "policy_state": rng.choice(["OH", "IN", "IL"], n),
            "policy_csl": rng.choice(["100/300", "250/500", "500/1000"], n),
            "insured_zip": rng.integers(430_000, 620_000, n),
            "insured_hobbies": choose(rng, fraud, ("reading", "golf", "yachting"), ("chess", "cross-fit")),
            "capital-loss": np.where(rng.random(n) < 0.5, 0, -rng.integers(10, 999, n) * 100),
            "incident_date": incident.strftime("%Y-%m-%d"),
            "incident_severity": choose(
                rng, fraud, ("Minor Damage", "Total Loss", "Trivial Damage"), ("Major Damage",)
            ),
            "authorities_contacted": rng.choice(["Police", "Fire", "None", "Other"], n),
            "property_damage": rng.choice(["YES", "NO", "?"], n),
            "total_claim_amount": (rng.lognormal(10, 0.5, n) * (1 + fraud * 0.4)).round().astype(int),
            "auto_make": rng.choice(["Saab", "Dodge", "Suburu", "Mercedes"], n),
            "fraud_reported": np.where(fraud, "Y", "N"),
            "_c39": None,
        }
    )
    names = {"account_id": "policy_number", "as_of": "incident_date", "label": "fraud_reported"}
    layout = Layout("accounts", ".csv", names, ("fraud_reported",), train_options=("--legitimate", "N"))
    return write_files(folder, frame, layout)


def _loans() -> pd.DataFrame:
    rng, fraud = _subjects(43, 700)
    n = len(fraud)
    return pd.DataFrame(
        {
            "申请编号": [f"A{number:06d}" for number in range(n)],
            "申请日期": START + pd.to_timedelta(np.sort(rng.integers(0, 120, n)), unit="D"),
            "贷款金额": (rng.lognormal(9, 0.6, n) * (1 + fraud * 0.6)).round(2),
            "年龄": rng.integers(19, 70, n),
            "学历": choose(rng, fraud, ("本科", "硕士", "高中"), ("初中",)),
            "用途": choose(rng, fraud, ("装修", "购车", "教育"), ("其他",)),
            "月收入": rng.lognormal(8.5, 0.5, n).round(),
            "是否欺诈": np.where(fraud, "是", "否"),
        }
    )


LOAN_NAMES = {"account_id": "申请编号", "as_of": "申请日期", "label": "是否欺诈"}


def loans(folder: Path) -> TableFiles:
    """Write loan applications in Excel: Chinese titles, dates alone, yes and no in Chinese."""
    return write_files(folder, _loans(), Layout("accounts", ".xlsx", LOAN_NAMES, ("是否欺诈",)))


def titled_loans(folder: Path) -> TableFiles:
    """Write the same with a title in the row above the header, as reports have."""
    layout = Layout("accounts", ".xlsx", LOAN_NAMES, ("是否欺诈",), write={"title": "贷款申请清单"})
    return write_files(folder, _loans(), layout)


def websites(folder: Path) -> TableFiles:
    """Write websites whose columns and label are -1, 0 and 1: here, -1 is the phishing site."""
    rng, fraud = _subjects(44, 800)
    columns = ("having_IP_Address", "URL_Length", "Shortining_Service", "SSLfinal_State", "web_traffic", "Page_Rank")
    values = rng.choice([-1, 0, 1], (len(fraud), len(columns)), p=[0.3, 0.2, 0.5])
    values[fraud & (rng.random(len(fraud)) < 0.6), 3:] = -1
    frame = pd.DataFrame(values, columns=list(columns))
    frame.insert(0, "index", np.arange(len(frame)) + 1)
    frame["Result"] = np.where(fraud, -1, 1)
    layout = Layout(
        "accounts", ".csv", {"account_id": "index", "label": "Result"}, ("Result",), train_options=("--legitimate", "1")
    )
    return write_files(folder, frame, layout)


def wide(folder: Path) -> TableFiles:
    """Write a wide table: sixty columns, most of them mostly missing, T and F, domains of e-mail."""
    rng, fraud = _subjects(45, 900)
    n = len(fraud)
    values = rng.normal(0, 1, (n, 45)) + np.where(fraud, 0.8, 0.0)[:, None] * rng.choice([0, 0, 1], 45)
    values[rng.random(values.shape) < 0.6] = np.nan
    frame = pd.DataFrame(values.round(4), columns=[f"V{number}" for number in range(1, 46)])
    flags = {f"M{number}": pd.Series(rng.choice(["T", "F"], n)).where(rng.random(n) < 0.5) for number in range(1, 10)}
    head = {
        "TransactionID": np.arange(n) + 2_987_000,
        "isFraud": fraud.astype(int),
        "TransactionAmt": rng.lognormal(4, 1, n).round(3),
        "ProductCD": choose(rng, fraud, ("W", "H", "R"), ("C",)),
        "card4": rng.choice(["visa", "mastercard", "discover"], n),
        "addr1": np.where(rng.random(n) < 0.1, np.nan, rng.integers(100, 540, n)),
        "P_emaildomain": choose(rng, fraud, ("gmail.com", "yahoo.com", "aol.com"), ("mail.example", "anonymous.com")),
    }
    layout = Layout("accounts", ".parquet", {"account_id": "TransactionID", "label": "isFraud"}, ("isFraud",))
    return write_files(folder, pd.DataFrame({**head, **flags}).join(frame), layout)


def merchants(folder: Path) -> TableFiles:
    """Write accounts with their events and a table of labels: hashes as ids, dates alone, words for the label."""
    rng, made = make_events(46, 4000, accounts=500, others=60, share=0.0)
    fraud = pd.Series(make_frauds(rng, 500, 0.15))
    made["amount"] = (made["amount"] * np.where(fraud[made["account"]], 2.5, 1.0)).round(2)
    keys = pd.Series(hashes(pd.Series(range(500)), "merchant")).str[:20]
    accounts = pd.DataFrame(
        {
            "merchant": keys,
            "opened": (START - pd.to_timedelta(rng.integers(1, 2000, 500), unit="D")).strftime("%Y-%m-%d"),
            "sector": choose(rng, fraud, ("food", "books", "tools"), ("tickets", "phones")),
            "employees": rng.integers(1, 50, 500),
            "snapshot": (START + pd.to_timedelta(np.sort(rng.integers(30, 91, 500)), unit="D")).strftime("%Y-%m-%d"),
        }
    )
    events = pd.DataFrame(
        {
            "merchant": keys[made["account"]].to_numpy(),
            "settled": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "gross": made["amount"],
            "buyer_id": made["other"],
        }
    )
    labels = pd.DataFrame({"subject_id": keys, "label": np.where(fraud, "fraud", "genuine")})
    names = {
        "account_id": "merchant",
        "created_at": "opened",
        "as_of": "snapshot",
        "occurred_at": "settled",
        "counterparty_id": "buyer_id",
        "amount": "gross",
    }
    files = write_files(folder, accounts, Layout("accounts", ".csv", names))
    write_frame(events, folder / "events.csv")
    n_train = int(len(accounts) * 0.7)
    write_frame(labels.iloc[:n_train], folder / "train_labels.csv")
    write_frame(labels.iloc[n_train:-NEW_ROWS], folder / "later_labels.csv")
    recent = events[events["merchant"].isin(keys.tail(NEW_ROWS))].tail(HISTORY_ROWS)
    write_frame(recent, folder / "history.csv")
    return replace(
        files,
        train={**files.train, "events": folder / "events.csv", "labels": folder / "train_labels.csv"},
        later={**files.later, "events": folder / "events.csv", "labels": folder / "later_labels.csv"},
        history={"events": folder / "history.csv"},
        events=json_records(recent, {theirs: ours for ours, theirs in names.items()}),
    )


APPLICATIONS = (
    UserTable("openings", "account", openings),
    UserTable("claims", "account", claims),
    UserTable("loans", "account", loans),
    UserTable("titled_loans", "account", titled_loans),
    UserTable("websites", "account", websites),
    UserTable("wide", "account", wide),
    UserTable("merchants", "account", merchants, has_history=True),
)
