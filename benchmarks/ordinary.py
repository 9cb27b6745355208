"""The ordinary call, without a recipe, beside LightGBM, XGBoost and CatBoost on raw columns and on counts made by hand.

``python -m benchmarks.ordinary [SET ...] --seeds 3``. Seven tables are made and have the columns of well-known ones:
payments of a shop whose thieves pay from devices that are new for the account, PaySim, IEEE-CIS, applications for an
account, card payments of which principal components are known alone, claims whose dates tell fraud, and payments with a
remark that tells half of it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.columns.handbook import handbook_columns
from benchmarks.contestants.ours import fit_task
from benchmarks.data.kinds import Task
from benchmarks.data.location import load_accounts
from benchmarks.decisions import Case, ordinary_scores
from benchmarks.runner import Bar, Report, progress, run_command
from benchmarks.sets.table import ACCOUNT_SETS
from fraudsieve._typing import Array
from fraudsieve.training.simulation.world import simulate

__all__ = ["PEERS", "main", "raw_columns", "run"]

MADE: Final = ("shop", "paysim", "ieee", "applications", "credit_card", "claims", "remarks")
TABLES: Final = ("customs_declarations", "credit_default")
TASKS: Final = ("fdh_cards", "s_ffsd", "amlgentex", "bitcoin_otc", "wikipedia_bans", "ethereum_phishing")
SETS: Final = (*MADE, *TABLES, *TASKS)
BEFORE: Final = {"customs_declarations": 0.308, "shop": 0.312}
"""Average precision at de8cbb83, where the contest has none."""
LEAST: Final = {"customs_declarations": 0.55}
WITHIN: Final = 0.03
"""How far below counts made by hand the shop may be."""
PATIENCE, ROUNDS = 50, 1000
PROTOCOL: Final = (
    "fraudsieve train without a recipe but one thread, no attack, no intervals, no tracking (sets of the contest: as "
    "there); test rows are later, or other accounts. Average precision, mean over seeds. Peers: learning rate .05, "
    "the latest fifth of the training rows stops them early; raw: numbers and categories, and ids of up to 20,000 "
    "values as categories; by hand: raw without ids, counts of the earlier events of account, counterparty, device, "
    "address and their pairs, and accounts of each; sets of the contest: the Handbook's columns. before: de8cbb83."
)
CUSTOMS: Final = {"Declaration ID": "event_id", "Importer ID": "account_id", "Seller ID": "counterparty_id"}
Sides = tuple[pd.DataFrame, pd.DataFrame]


class _Table(NamedTuple):
    """Columns of the training rows and of the test rows by who made them, whether each row is fraud, and our scores."""

    columns: dict[str, Sides]
    learned: Array
    tested: Array
    ours: Callable[[int], Array]
    # Further scores by who made them: parts of ours, and peers that read texts.
    others: Mapping[str, Callable[[int], Array]] = MappingProxyType({})


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    arguments: dict[str, dict[str, Any]] = {
        "sets": {"nargs": "*", "metavar": "SET", "help": f"{', '.join(SETS)}; by default all", "default": SETS},
        "--seeds": {"type": int, "default": 3, "help": "seeds of training (default 3)"},
    }
    return run_command("ordinary", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    return run(tuple(options.sets), options.seeds)


def run(sets: Sequence[str] = SETS, seeds: int = 3) -> Report:
    """Train on each set, and compare the average precision of the test rows."""
    ours: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {}
    bars, n_tested = [], 0
    fits = {name: fit for name, fit in PEERS.items() if find_spec(name)}
    for name in sets:
        table, key = _table(name), f"{name}.average_precision"
        n_tested = max(n_tested, len(table.tested))
        found: dict[str, list[float]] = {}
        for seed in range(seeds):
            progress(f"{name}, seed {seed}")
            scores = {"ours": table.ours(seed)}
            scores |= {who: scores_of(seed) for who, scores_of in table.others.items()}
            for columns, (X, X_test) in table.columns.items():
                scores |= {f"{who} {columns}": fit(X, table.learned, X_test, seed) for who, fit in fits.items()}
            for who, values in scores.items():
                found.setdefault(who, []).append(float(average_precision_score(table.tested, values)))
        means = {who: float(np.mean(values)) for who, values in found.items()}
        ours[key] = means.pop("ours")
        before = _before(name)
        for who, value in {**means, **({} if before is None else {"before": float(np.mean(before))})}.items():
            peers.setdefault(who, {})[key] = value
            progress(f"{name}: ours {ours[key]:.4f}, {who} {value:.4f}")
        bars += _bars(name, found, before)
    return Report("ordinary", ", ".join(sets), PROTOCOL, n_tested, ours, peers, bars)


def _bars(name: str, found: dict[str, list[float]], before: list[float] | None) -> list[Bar]:
    """Return the bars of a set: not below the value before, nor below LightGBM, beyond two standard errors of seeds."""
    key, ours = f"{name}.average_precision", found["ours"]
    of_lightgbm = max((values for who, values in found.items() if who.startswith("lightgbm")), key=np.mean)
    if name == "shop":
        return [Bar.at_least(key, float(np.mean(ours)), float(np.mean(of_lightgbm)) - WITHIN)]
    if name in MADE:
        return []
    return [
        Bar.at_least(key, float(np.mean(ours)), max(float(np.mean(peer)) - 2 * _error(ours, peer), LEAST.get(name, 0)))
        for peer in (of_lightgbm, *([] if before is None else [before]))
    ]


def _error(ours: list[float], peer: list[float]) -> float:
    return float(np.sqrt(sum(np.var(one, ddof=1) / len(one) for one in (ours, peer) if len(one) > 1)))


def _before(name: str) -> list[float] | None:
    """Return the values of the commit before, by seed: those of the contest's results."""
    if name in BEFORE:
        return [BEFORE[name]]
    lines = (Path(__file__).parent / "results" / "contest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["set"] == name and row["contestant"] == "fraudsieve"]
    return rows[-1]["values"] if rows else None


def _table(name: str) -> _Table:
    if name in TASKS:
        return _of_task(ACCOUNT_SETS[name].task())
    if name == "credit_default":
        return _of_case(_credit())
    return _of_case(_customs() if name == "customs_declarations" else _MADE[name](7))


def _of_task(task: Task) -> _Table:
    raw = raw_columns(task.rows)
    columns = {"raw": (raw.iloc[task.train], raw.iloc[task.test]), "by hand": handbook_columns(task)}
    if task.subject == "account" and not len(raw.columns):
        del columns["raw"]
    truth = task.truth.astype(bool)
    return _Table(columns, truth[task.train], truth[task.test], lambda seed: fit_task(task, seed)())


def _of_case(case: Case) -> _Table:
    known = case.learned if case.history is None else pd.concat([case.learned, case.history])
    rows = pd.concat([known, case.tested], ignore_index=True)
    raw, n = raw_columns(rows), len(case.learned)
    columns = {"raw": raw} | ({"by hand": _by_hand(rows)} if case.table == "events" else _days(rows))
    sides = {who: (made.iloc[:n], made.iloc[len(known) :]) for who, made in columns.items()}
    learned, tested = ((part["label"] == "fraud").to_numpy() for part in (case.learned, case.tested))
    others = _of_texts(case, rows) if case.texts else {}
    return _Table(sides, learned, tested, lambda seed: ordinary_scores(case, seed=seed)[0], others)


def _of_texts(case: Case, rows: pd.DataFrame) -> dict[str, Callable[[int], Array]]:
    """Return our scores by the columns alone and by the text alone, and those of CatBoost by both."""
    (name,) = case.texts
    names = {"event_id": "message_id", name: "text"}
    parts = (part[[*names, "label"]].rename(columns=names) for part in (case.learned, case.tested))
    messages = [part.fillna({"text": "-"}) for part in parts]
    both = raw_columns(rows.drop(columns=name)).assign(**{name: rows[name].fillna("")})
    learned, tested = both.iloc[: len(case.learned)], both.iloc[len(rows) - len(case.tested) :]
    is_fraud = (case.learned["label"] == "fraud").to_numpy()
    scores: dict[str, Callable[[int], Array]] = {
        "ours, columns alone": lambda seed: ordinary_scores(case._replace(texts=()), seed=seed)[0],
        "ours, text alone": lambda seed: ordinary_scores(Case(messages[0], messages[1], "messages"), seed=seed)[0],
    }
    if find_spec("catboost"):
        scores["catboost, raw and text"] = lambda seed: _catboost(learned, is_fraud, tested, seed, texts=[name])
    return scores


def _lightgbm(X: pd.DataFrame, y: Array, X_test: pd.DataFrame, seed: int) -> Array:
    import lightgbm as lgb

    settings: Any = {"n_estimators": ROUNDS, "learning_rate": 0.05, "n_jobs": 1, "random_state": seed, "verbosity": -1}
    model: Any = lgb.LGBMClassifier(**settings)
    X, y, X_last, y_last = _parts(X, y)
    stop = [lgb.early_stopping(PATIENCE, verbose=False)]
    model.fit(X, y, eval_X=X_last, eval_y=y_last, callbacks=stop)
    return np.asarray(model.predict_proba(X_test)[:, 1])


def _xgboost(X: pd.DataFrame, y: Array, X_test: pd.DataFrame, seed: int) -> Array:
    from xgboost import XGBClassifier

    settings: Any = {"n_estimators": ROUNDS, "learning_rate": 0.05, "n_jobs": 1, "random_state": seed}
    model = XGBClassifier(**settings, enable_categorical=True, early_stopping_rounds=PATIENCE, eval_metric="logloss")
    return _fitted(model, X, y, X_test, verbose=False)


def _catboost(X: pd.DataFrame, y: Array, X_test: pd.DataFrame, seed: int, texts: Sequence[str] = ()) -> Array:
    from catboost import CatBoostClassifier

    words = list(X.select_dtypes("category"))
    X, X_test = (part.astype(dict.fromkeys(words, "object")).fillna(dict.fromkeys(words, "")) for part in (X, X_test))
    settings: Any = {"iterations": ROUNDS, "learning_rate": 0.05, "thread_count": 1, "random_seed": seed}
    model = CatBoostClassifier(
        **settings, verbose=False, allow_writing_files=False, cat_features=words, text_features=[*texts]
    )
    return _fitted(model, X, y, X_test, early_stopping_rounds=PATIENCE)


def _fitted(model: Any, X: pd.DataFrame, y: Array, X_test: pd.DataFrame, **fit: Any) -> Array:
    """Stop early on the latest fifth, and score the test rows."""
    X, y, X_last, y_last = _parts(X, y)
    model.fit(X, y, eval_set=[(X_last, y_last)], **fit)
    return np.asarray(model.predict_proba(X_test)[:, 1])


def _parts(X: pd.DataFrame, y: Array) -> tuple[pd.DataFrame, Array, pd.DataFrame, Array]:
    """Split off the latest fifth of the rows, or a random one of rows in the order of their labels."""
    n, y = round(0.8 * len(y)), y.astype(int)
    if y[n:].all() or not y[n:].any():
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X.iloc[order], y[order]
    return X.iloc[:n], y[:n], X.iloc[n:], y[n:]


PEERS: Final = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}


def raw_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return numbers, dates as numbers, and categories."""
    rows = rows.assign(**{str(name): rows[name].astype("int64") for name in rows.select_dtypes("datetimetz")})
    left_out = [name for name in map(str, rows) if name.endswith("_at") or name in ("label", "event_id", "as_of")]
    kept: Any = rows.drop(columns=left_out)
    words = [name for name in kept if not pd.api.types.is_numeric_dtype(kept[name])]
    kept = kept.drop(columns=[name for name in words if kept[name].nunique() > 20_000])
    return pd.DataFrame(kept.astype({name: "category" for name in words if name in kept}))


def _days(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return numbers, categories and the days between all dates of accounts; nothing without dates."""
    dates = list(rows.select_dtypes("datetimetz"))
    pairs = [(first, second) for place, first in enumerate(dates) for second in dates[place + 1 :]]
    days = {f"{first} to {second}": (rows[second] - rows[first]).dt.days for first, second in pairs}
    return {"by hand": raw_columns(rows.drop(columns=dates)).assign(**days)} if days else {}


def _by_hand(rows: pd.DataFrame) -> pd.DataFrame:
    """Return numbers, categories and the hour, and counts of the events before each one."""
    past: Any = rows.sort_values("occurred_at", kind="stable")
    ids = [name for name in past if name.endswith("_id") or name == "ip"]
    counts: dict[str, Any] = {"hour": past["occurred_at"].dt.hour}
    for name in [one for one in ids if one != "event_id"]:
        counts[f"of_{name}"] = past.groupby(name).cumcount()
        if name != "account_id":
            first = ~past.duplicated([name, "account_id"])
            counts[f"of_account_and_{name}"] = past.groupby(["account_id", name]).cumcount()
            counts[f"accounts_of_{name}"] = first.groupby(past[name]).cumsum() - first.astype(int)
    return pd.concat(
        [raw_columns(rows).drop(columns=ids, errors="ignore"), pd.DataFrame(counts).loc[rows.index]], axis=1
    )


def _shop(seed: int, n: int = 25_400, days: int = 240, accounts: int = 2500) -> Case:
    """Return payments with a device, an address and a merchant; the last fifth is tested."""
    rng = np.random.default_rng(seed)
    weight, devices = rng.gamma(1.2, 1, accounts), rng.integers(1, 4, accounts)
    account = rng.choice(accounts, n, p=weight / weight.sum())
    is_fraud = rng.random(n) < 0.012
    thief = rng.integers(0, max(int(is_fraud.sum()) // 4, 1), n)
    own = np.char.add(np.char.add(account.astype(str), "-"), rng.integers(0, devices[account]).astype(str))
    new, shared = np.char.add("new", np.arange(n).astype(str)), np.char.add("thief", thief.astype(str))
    of_thief = np.where(rng.random(n) < 0.8, shared, new)
    of_others = np.where(rng.random(n) < 0.015, new, own)  # people buy telephones
    mobile = np.char.add("172.16.0.", rng.integers(0, 250, n).astype(str))
    home = np.char.add("10.1.", account.astype(str))
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    table = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "occurred_at": times,
            "account_id": account.astype(str),
            "counterparty_id": rng.integers(0, 150, n).astype(str),
            "device_id": np.where(is_fraud, of_thief, of_others),
            "ip": np.where(rng.random(n) < np.where(is_fraud, 0.5, 0.15), mobile, home),
            "amount": np.exp(rng.normal(3.2, 0.9, n) + 0.35 * is_fraud).round(2),
            "label": _words(is_fraud),
            "labelled_at": times + pd.to_timedelta(np.where(is_fraud, rng.uniform(30, 90, n), 60), unit="D"),
        }
    )
    return _later(table)


def _paysim(seed: int, n: int = 40_000, days: int = 30) -> Case:
    """Return transfers, of an account each, to receivers of whom mules get many; thieves empty accounts."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["PAYMENT", "TRANSFER", "CASH_OUT", "CASH_IN"], n, p=[0.4, 0.15, 0.3, 0.15])
    is_fraud = (rng.random(n) < 0.02) & np.isin(kind, ["TRANSFER", "CASH_OUT"])
    balance, mules = np.exp(rng.normal(8, 1.5, n)), np.char.add("C", rng.integers(0, 60, n).astype(str))
    amount = np.where(is_fraud & (rng.random(n) < 0.5), balance, np.exp(rng.normal(7, 1.5, n))).round(2)
    receiver = np.char.add("R", rng.integers(0, 8000, n).astype(str))
    table = _events(rng, n, days, is_fraud, late=5.0).assign(
        account_id=[f"C{i}" for i in rng.permutation(10 * n)[:n]],
        counterparty_id=np.where(is_fraud & (rng.random(n) < 0.7), mules, receiver),
        kind=kind,
        amount=amount,
        oldbalanceOrg=balance.round(2),
        newbalanceOrig=np.maximum(balance - amount, 0).round(2),
        oldbalanceDest=np.exp(rng.normal(8, 2, n)).round(2),
    )
    return _later(table)


def _ieee(seed: int, n: int = 30_000, days: int = 180) -> Case:
    """Return payments with cards, e-mail domains and devices; stolen cards pay from devices that many cards share."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(n) < 0.035
    card = rng.integers(0, 6000, n)
    device = np.where(is_fraud & (rng.random(n) < 0.5), rng.integers(0, 40, n), 100 + card)
    table = _events(rng, n, days, is_fraud, late=30.0).assign(
        account_id=card.astype(str),
        device_id=device.astype(str),
        amount=np.exp(rng.normal(4, 1, n) + 0.3 * is_fraud).round(2),
        ProductCD=rng.choice([*"WCRHS"], n),
        card4=rng.choice(["visa", "mastercard", "discover"], n),
        addr1=rng.integers(100, 500, n),
        P_emaildomain=np.where(rng.random(n) < 0.2 * is_fraud, "a.example", rng.choice([*"bcdef"], n)),
    )
    for i in range(1, 9):
        table[f"C{i}"] = rng.poisson(2 + is_fraud * (i < 3), n)
    return _later(table)


def _applications(seed: int, n: int = 20_000) -> Case:
    """Return applications for an account, each of another person, without a history."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=n) for i in range(12)}
    columns |= {name: rng.choice([*"abcdefg"], n) for name in ("payment_type", "employment_status", "housing_status")}
    columns["device_distinct_emails"] = rng.poisson(1, n)
    odds = columns["x0"] * columns["x1"] + (columns["payment_type"] == "a") * (columns["housing_status"] == "b") * 3
    is_fraud = rng.random(n) < 1 / (1 + np.exp(5 - odds - columns["device_distinct_emails"] / 2))
    table = pd.DataFrame({"account_id": [f"p{i}" for i in range(n)], **columns, "label": _words(is_fraud)})
    return Case(table[: int(0.7 * n)], table[int(0.7 * n) :].reset_index(drop=True), "accounts")


def _credit_card(seed: int, n: int = 40_000) -> Case:
    """Return card payments as principal components and an amount, without an id: one in 200 is fraud."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(n) < 0.005
    spread = np.geomspace(2, 0.3, 28)
    components = rng.normal(size=(n, 28)) * np.where(is_fraud & (rng.random(n) < 0.7), 2, 1)[:, None] * spread
    components[:, [2, 9, 13]] -= (is_fraud * rng.gamma(2, 1, n))[:, None] * spread[[2, 9, 13]]
    columns: dict[str, Any] = {f"V{i + 1}": components[:, i] for i in range(28)}
    columns["Amount"] = np.exp(rng.normal(3, 1.5, n)).round(2)
    table = pd.DataFrame({"account_id": [f"p{i}" for i in range(n)], **columns, "label": _words(is_fraud)})
    return Case(table[: int(0.7 * n)], table[int(0.7 * n) :].reset_index(drop=True), "accounts")


def _claims(seed: int, n: int = 12_000) -> Case:
    """Return claims with dates: frauds are soon after the policy began, and are reported late, or at night."""
    rng = np.random.default_rng(seed)
    days = {"age": rng.integers(18 * 365, 85 * 365, n), "began": rng.integers(5, 3000, n), "late": rng.gamma(1, 4, n)}
    reported = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, 500, n)), unit="D")
    incident = reported - pd.to_timedelta(days["late"], unit="D")
    amount = np.exp(rng.normal(8, 0.8, n))
    odds = 3 * (days["began"] < 120) + 2.5 * (days["late"] > 10) + (incident.hour < 6) + 0.6 * np.log(amount / 3000) - 5
    is_fraud = rng.random(n) < 1 / (1 + np.exp(-odds))
    table = pd.DataFrame(
        {
            "account_id": [f"p{i}" for i in range(n)],
            "as_of": reported,
            "policy_bind_date": (incident - pd.to_timedelta(days["began"], unit="D")).floor("D"),
            "incident_at": incident,
            "birth_date": (reported - pd.to_timedelta(days["age"], unit="D")).floor("D"),
            "amount_claimed": amount.round(2),
            "state": rng.choice(["OH", "IN", "IL"], n),
            "label": _words(is_fraud),
        }
    )
    return Case(table[: int(0.7 * n)], table[int(0.7 * n) :].reset_index(drop=True), "accounts")


def _remarks(seed: int, n: int = 12_000) -> Case:
    """Return payments with a remark, English or Chinese, that tells half of the fraud; columns tell the other half."""
    rng = np.random.default_rng(seed)
    world = simulate(seed=seed, days=240, messages_per_day=100.0, events_per_message=2.0, missing_labels=0.0)
    said = world.messages.merge(world.labels.drop_duplicates("subject_id"), left_on="message_id", right_on="subject_id")
    by_fraud = [said["text"][(said["label"] != "legitimate") == fraud].to_numpy(object) for fraud in (False, True)]
    is_fraud = rng.random(n) < 0.05
    says = is_fraud & (rng.random(n) < 0.5)
    remark = np.where(says, rng.choice(by_fraud[1], n), rng.choice(by_fraud[0], n))
    table = _events(rng, n, 200, is_fraud, late=5.0).assign(
        account_id=[f"C{i}" for i in rng.integers(0, 4000, n)],
        counterparty_id=[f"R{i}" for i in rng.integers(0, 300, n)],
        amount=np.exp(rng.normal(4, 1, n) + 1.5 * (is_fraud & ~says)).round(2),
        channel=np.where(is_fraud & ~says & (rng.random(n) < 0.5), "api", rng.choice(["app", "web", "api"], n)),
        remark=pd.Series(remark).where(rng.random(n) < 0.9),
    )
    return _later(table)._replace(texts=("remark",))


def _words(is_fraud: Array) -> Array:
    return np.where(is_fraud, "fraud", "legitimate")


def _events(rng: np.random.Generator, n: int, days: int, is_fraud: Array, *, late: float) -> pd.DataFrame:
    """Return ids, times, labels and when each becomes known: fraud after up to twice `late` days."""
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    known = times + pd.to_timedelta(np.where(is_fraud, rng.uniform(0, 2 * late, n), late), unit="D")
    ids = [f"e{i}" for i in range(n)]
    return pd.DataFrame({"event_id": ids, "occurred_at": times, "label": _words(is_fraud), "labelled_at": known})


def _later(table: pd.DataFrame) -> Case:
    """Return events whose last fifth is tested; those whose label is not known by then are history."""
    times = table["occurred_at"]
    start = times.iloc[int(0.8 * len(table))]
    known = table["occurred_at"] < start
    unknown = known & (table["labelled_at"] >= start)
    unlabelled: dict[str, Any] = {"label": None, "labelled_at": pd.NaT}
    history = table[unknown].assign(**unlabelled)
    return Case(table[known & ~unknown], table[~known].reset_index(drop=True), "events", history)


def _customs() -> Case:
    """Return declarations of goods, whose ids are named as a user would name them in the command."""
    table = load_accounts("customs_declarations")
    label = np.where(table["Fraud"].astype(int) == 1, "fraud", "legitimate")
    table = table.rename(columns={**CUSTOMS, "Date": "occurred_at"}).assign(label=label).drop(columns="Fraud")
    table["event_id"] = table["event_id"].astype(str)
    table["occurred_at"] = pd.to_datetime(table["occurred_at"], utc=True)
    split = table.pop("split")
    return Case(
        table[split == "train"].reset_index(drop=True), table[split == "valid"].reset_index(drop=True), "events"
    )


def _credit() -> Case:
    """Return credit card accounts; 30 in 100, drawn at random, are tested."""
    table = load_accounts("credit_default", "accounts")
    table = table.assign(label=_words(table["label"].to_numpy() == 1))
    order = np.random.default_rng(0).permutation(len(table))
    cut = round(0.7 * len(table))
    learned, tested = (table.iloc[np.sort(part)].reset_index(drop=True) for part in (order[:cut], order[cut:]))
    return Case(learned, tested, "accounts")


_MADE: Final[dict[str, Callable[[int], Case]]] = {
    "shop": _shop,
    "paysim": _paysim,
    "ieee": _ieee,
    "applications": _applications,
    "credit_card": _credit_card,
    "claims": _claims,
    "remarks": _remarks,
}


if __name__ == "__main__":
    sys.exit(main())
