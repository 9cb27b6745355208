"""Tables with the heads of well-known ones, and how many tries a model of each takes.

``python scripts/known_tables.py [NAME ...]`` writes the tables to the working folder, which has a simulated world in
``fraudsieve-world``. A try is a command. The second one adds what the error of the first proposes. ``predict`` then
scores the table without these options. Rows are made up; heads, and how values are written, are those of the tables.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from typer.testing import CliRunner, Result

from fraudsieve.cli.app import app

WORLD: Final = Path("fraudsieve-world")
N: Final = 1_500
MAX_TRIES: Final = 3


def _times(rng: np.random.Generator, first: str, days: int) -> pd.Series:
    seconds = np.sort(rng.integers(0, days * 86_400, N))
    return pd.Series(pd.Timestamp(first) + pd.to_timedelta(seconds, unit="s"))


def _texts(rng: np.random.Generator, *, chinese: bool = False) -> tuple[list[str], Any]:
    """Return texts of a simulated world, in one script, and which of them are fraud."""
    messages, labels = (pd.read_parquet(WORLD / f"{name}.parquet") for name in ("messages", "labels"))
    labels = labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    messages = messages.assign(label=messages["message_id"].map(labels)).dropna(subset=["label"])
    messages = messages[messages["text"].str.contains("[\u4e00-\u9fff]") == chinese][:N]
    order = rng.permutation(len(messages))
    return messages["text"].iloc[order].tolist(), (messages["label"] != "legitimate").to_numpy()[order]


def credit_card(rng: np.random.Generator, y: Any) -> pd.DataFrame:
    """Return payments without accounts or ids, at seconds since a start."""
    numbers = rng.normal(size=(N, 28)) + y[:, None] * rng.normal(1.0, 0.5, 28)
    table = pd.DataFrame(numbers, columns=[f"V{place}" for place in range(1, 29)])
    table.insert(0, "Time", np.sort(rng.integers(0, 172_792, N)).astype(float))
    return table.assign(Amount=rng.lognormal(3, 1, N).round(2), Class=y.astype(int))


def paysim(rng: np.random.Generator, y: Any) -> pd.DataFrame:
    """Return transfers at hours since a start."""
    amount, before = rng.lognormal(9, 1, N).round(2), rng.lognormal(9, 1.5, N).round(2)
    before = np.where(y & (rng.random(N) < 0.8), amount, before)
    return pd.DataFrame(
        {
            "step": np.sort(rng.integers(1, 744, N)),
            "type": np.where(y, "TRANSFER", rng.choice(["PAYMENT", "TRANSFER", "CASH_OUT", "CASH_IN", "DEBIT"], N)),
            "amount": amount,
            "nameOrig": [f"C{number}" for number in rng.integers(1e8, 1e9, N)],
            "oldbalanceOrg": before,
            "newbalanceOrig": np.maximum(before - amount, 0).round(2),
            "nameDest": [f"C{number}" for number in rng.integers(1, 300, N)],
            "oldbalanceDest": 0.0,
            "newbalanceDest": amount,
            "isFraud": y.astype(int),
            "isFlaggedFraud": 0,
        }
    )


def ieee_cis(rng: np.random.Generator, y: Any) -> pd.DataFrame:
    """Return card payments joined with their devices, with hundreds of columns and gaps."""
    table: dict[str, Any] = {
        "TransactionID": np.arange(2_987_000, 2_987_000 + N),
        "isFraud": y.astype(int),
        "TransactionDT": np.sort(rng.integers(86_400, 15_811_131, N)),
        "TransactionAmt": rng.lognormal(4, 1, N).round(3),
        "ProductCD": rng.choice([*"WHCSR"], N),
        "card1": rng.integers(1_000, 1_300, N),
        "card2": rng.choice([111.0, 222.0, np.nan], N),
        "card4": rng.choice(["visa", "mastercard"], N),
        "card6": rng.choice(["debit", "credit"], N),
        "addr1": rng.choice([315.0, 204.0, np.nan], N),
        "dist2": np.nan,
        "P_emaildomain": rng.choice(["gmail.com", "yahoo.com", None], N),
    }
    table |= {f"C{place}": rng.poisson(1 + 2 * y, N).astype(float) for place in range(1, 15)}
    table |= {f"D{place}": rng.choice([0.0, 14.0, np.nan], N) for place in range(1, 16)}
    table |= {f"M{place}": rng.choice(["T", "F", None], N) for place in range(1, 10)}
    table |= {f"V{place}": rng.normal(size=N) for place in range(1, 60)}
    return pd.DataFrame(table | {"DeviceType": rng.choice(["desktop", "mobile", None], N)})


def account_opening(rng: np.random.Generator, y: Any) -> pd.DataFrame:
    """Return applications for bank accounts, without ids, by month."""
    return pd.DataFrame(
        {
            "fraud_bool": y.astype(int),
            "income": rng.choice(np.arange(1, 10) / 10, N),
            "name_email_similarity": rng.random(N),
            "current_address_months_count": (rng.integers(0, 200, N) * np.where(y, 0.4, 1)).astype(int),
            "customer_age": rng.choice([20, 30, 40, 50], N),
            "payment_type": rng.choice(["AA", "AB", "AC"], N),
            "velocity_6h": rng.normal(5_000, 1_000, N),
            "date_of_birth_distinct_emails_4w": rng.integers(0, 20, N),
            "employment_status": rng.choice(["CA", "CB"], N),
            "credit_risk_score": rng.integers(0, 300, N) + 60 * y,
            "email_is_free": rng.integers(0, 2, N),
            "source": "INTERNET",
            "device_os": rng.choice(["linux", "windows", "other"], N),
            "month": np.sort(rng.integers(0, 8, N)),
        }
    )


def job_postings(rng: np.random.Generator, _: Any) -> pd.DataFrame:
    """Return advertisements with several texts and columns."""
    texts, y = _texts(rng)
    n = len(texts)
    table: dict[str, Any] = {
        "job_id": np.arange(1, n + 1),
        "title": [text[:25] for text in texts],
        "location": rng.choice(["US, NY, New York", "GB, , London"], n),
        "department": rng.choice(["Sales", None], n),
        "description": texts,
        "telecommuting": rng.integers(0, 2, n),
        "has_company_logo": np.where(y, 0, rng.integers(0, 2, n)),
        "employment_type": rng.choice(["Full-time", None], n),
        "function": rng.choice(["Sales", None], n),
        "fraudulent": y.astype(int),
    }
    return pd.DataFrame(table)


def sms_collection(rng: np.random.Generator, _: Any) -> pd.DataFrame:
    """Return texts and labels in columns without names."""
    texts, y = _texts(rng)
    return pd.DataFrame({"v1": np.where(y, "spam", "ham"), "v2": texts, "Unnamed: 2": None, "Unnamed: 3": None})


def insurance_claims(rng: np.random.Generator, _: Any) -> pd.DataFrame:
    """Return claims with dates and an answer, Y or N."""
    y = rng.random(N) < 0.25
    return pd.DataFrame(
        {
            "months_as_customer": rng.integers(0, 400, N),
            "policy_number": rng.choice(np.arange(100_000, 999_999), N, replace=False),
            "policy_bind_date": rng.choice(["17-10-2014", "27-06-2006", "06-09-2000"], N),
            "policy_state": rng.choice(["OH", "IN"], N),
            "policy_csl": "250/500",
            "insured_hobbies": np.where(y & (rng.random(N) < 0.4), "chess", rng.choice(["reading", "golf"], N)),
            "incident_date": _times(rng, "2015-01-01", 80).dt.strftime("%Y-%m-%d"),
            "incident_severity": np.where(y & (rng.random(N) < 0.7), "Major Damage", rng.choice(["Minor", "Total"], N)),
            "total_claim_amount": rng.integers(100, 100_000, N),
            "fraud_reported": np.where(y, "Y", "N"),
            "_c39": np.nan,
        }
    )


def card_simulator(rng: np.random.Generator, y: Any) -> pd.DataFrame:
    """Return card payments with merchants and row numbers."""
    times = _times(rng, "2019-01-01", 200)
    return pd.DataFrame(
        {
            "Unnamed: 0": np.arange(N),
            "trans_date_trans_time": times.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "cc_num": rng.choice(rng.integers(10**15, 10**16, 90), N),
            "merchant": rng.choice(["fraud_Rippin, Kub and Mann", "fraud_Heller", "fraud_Lind"], N),
            "category": np.where(y & (rng.random(N) < 0.6), "shopping_net", rng.choice(["grocery_pos", "gas"], N)),
            "amt": np.where(y, rng.lognormal(6, 1, N), rng.lognormal(4, 1, N)).round(2),
            "gender": rng.choice([*"FM"], N),
            "job": "Psychologist, counselling",
            "dob": "1988-03-09",
            "trans_num": [f"{place:032x}" for place in range(N)],
            "unix_time": np.arange(N) + 1_325_376_018,
            "is_fraud": y.astype(int),
        }
    )


def mails(rng: np.random.Generator, _: Any) -> pd.DataFrame:
    """Return mails with the dates of their headers."""
    texts, y = _texts(rng)
    times = _times(rng, "2001-01-01", 300)[: len(texts)]
    return pd.DataFrame(
        {
            "Message ID": np.arange(len(texts)),
            "Subject": [text[:20] for text in texts],
            "Message": texts,
            "Spam/Ham": np.where(y, "spam", "ham"),
            "Date": times.dt.strftime("%a, %d %b %Y %H:%M:%S -0800 (PST)"),
        }
    )


def calls(rng: np.random.Generator, _: Any) -> pd.DataFrame:
    """Return Chinese calls with Chinese names and answers."""
    texts, y = _texts(rng, chinese=True)
    times = _times(rng, "2024-01-01", 90)[: len(texts)].dt.strftime("%Y-%m-%d %H:%M")
    return pd.DataFrame(
        {"通话编号": np.arange(len(texts)), "通话时间": times, "对话内容": texts, "是否诈骗": np.where(y, "是", "否")}
    )


TABLES: Final[dict[str, tuple[str, Callable[[np.random.Generator, Any], pd.DataFrame]]]] = {
    "creditcard": ("--events", credit_card),
    "paysim": ("--events", paysim),
    "ieee-cis": ("--events", ieee_cis),
    "account-opening": ("--accounts", account_opening),
    "job-postings": ("--messages", job_postings),
    "sms-collection": ("--messages", sms_collection),
    "insurance-claims": ("--events", insurance_claims),
    "card-simulator": ("--events", card_simulator),
    "mails": ("--messages", mails),
    "calls": ("--messages", calls),
}


def try_table(name: str, kind: str) -> tuple[int, str]:
    """Return the number of tries until there is a model that scores, and the command or the last error."""
    command = ["train", "--no-track", kind, f"{name}.csv", "--output", f"{name}-model"]
    for tries in range(1, MAX_TRIES + 1):
        done = _run(command)
        if done.exit_code == 0:
            scored = _run(["predict", "--model", f"{name}-model", *command[2:4], "--output", f"{name}-scores.csv"])
            return (0, scored.stderr) if scored.exit_code else (tries, shlex.join(["fraudsieve", *command]))
        if not (proposed := [*_proposed(done.stderr)]):
            break
        if "--accounts" in proposed:
            command[command.index(kind)] = "--accounts"
        command += [word for word in proposed if word != "--accounts"]
    return 0, done.stderr.strip()


def _run(command: list[str]) -> Result:
    return CliRunner().invoke(app, command)


def _proposed(error: str) -> Iterator[str]:
    """Yield the options that an error proposes."""
    if found := re.search(r"score its rows alone: (--accounts) with (.*?)\)\. Expected", error, re.DOTALL):
        yield from (found[1], *shlex.split(found[2]))
    elif found := re.search(r"Then add (.*?)(?:; perhaps also (.*?))?\)\. Expected", error, re.DOTALL):
        yield from shlex.split(f"{found[1]} {found[2] or ''}")


def main(names: list[str]) -> int:
    """Write the tables, try each of them, and print the numbers; return 1 if one took more than two tries."""
    worst = 0
    for number, (name, (kind, make)) in enumerate(TABLES.items()):
        if names and name not in names:
            continue
        rng = np.random.default_rng(number)
        make(rng, rng.random(N) < 0.08).to_csv(f"{name}.csv", index=False, encoding="utf-8")
        tries, command = try_table(name, kind)
        worst = max(worst, tries or MAX_TRIES)
        sys.stdout.write(f"{tries or 'no'} tries  {name}\n  {command}\n")
    return int(worst > 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
