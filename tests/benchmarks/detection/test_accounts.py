"""The account sets of the detection benchmark on synthetic events: available information, and the report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.detection import __main__ as detection
from benchmarks.detection import account_sets
from benchmarks.detection.account_contest import contest, contest_bars
from benchmarks.detection.account_features import account_history, account_network, event_history, event_labels
from benchmarks.detection.account_folds import Fold, drawn_splits, shuffled_splits, stratified_folds
from benchmarks.detection.account_peer import PEER, account_counts, running_counts

from fraudsieve.features.network.declaration import Network

SHARED = Network(counterparty="", identifiers=("counterparty_id",))


def made_up(rows: int = 400, *, seed: int = 0) -> pd.DataFrame:
    """Events of thirty accounts with ten others, a minute or more apart; those with others 0 and 1 are fraud."""
    random = np.random.default_rng(seed)
    others = random.integers(10, size=rows)
    return pd.DataFrame(
        {
            "event_id": np.arange(rows),
            "account_id": [f"a{number}" for number in random.integers(30, size=rows)],
            "occurred_at": pd.Timestamp("2026-05-04") + pd.to_timedelta(60 * np.arange(rows), unit="s"),
            "kind": "pay",
            "counterparty_id": [f"c{number}" for number in others],
            "amount": random.integers(1, 100, rows) + 50.0 * (others < 2),
            "label": (others < 2).astype(np.int8),
        }
    )


def made_up_accounts() -> tuple[pd.Series, pd.Series]:
    """Ids and labels of the accounts of `made_up`."""
    numbers = np.arange(30)
    return pd.Series([f"a{number}" for number in numbers]), pd.Series((numbers % 3 == 0).astype(np.int64))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return tmp_path / "accounts"


def write(folder: Path, name: str, **tables: pd.DataFrame) -> None:
    (folder / name).mkdir(parents=True)
    for table, rows in tables.items():
        rows.to_parquet(folder / name / f"{table}.parquet")


def test_running_counts_are_of_earlier_rows() -> None:
    events = made_up(60)
    counts = running_counts(events)
    for row in (0, 20, 59):
        earlier = events.iloc[:row]
        for entity, other in (("account_id", "counterparty_id"), ("counterparty_id", "account_id")):
            same = earlier[earlier[entity] == events[entity].iloc[row]]
            expected = [len(same), same[other].nunique(), same["amount"].sum(), same["amount"].mean()]
            actual = counts.loc[row, [f"{entity}.{name}" for name in ("n", "distinct", "sum", "mean")]]
            np.testing.assert_allclose(actual.to_numpy(np.float64), expected)


def test_account_counts_by_side() -> None:
    events = pd.DataFrame({"account_id": ["a", "a"], "counterparty_id": ["b", "b"], "amount": [1.0, 3.0]})
    counts = account_counts(events, pd.Series(["b", "a"]), sides=("account_id", "counterparty_id"))
    assert counts.filter(like="account_id.").iloc[1].tolist() == [2.0, 1.0, 4.0, 2.0]
    assert counts.filter(like="counterparty_id.").iloc[0].tolist() == [2.0, 1.0, 4.0, 2.0]


def test_events_do_not_use_later_ones() -> None:
    events = made_up().drop(columns=["label", "kind", "event_id"])
    whole, first = (event_history(rows, ("1h", "all")) for rows in (events, events.iloc[:100]))
    pd.testing.assert_frame_equal(whole.iloc[:100], first)
    assert not [name for name in whole if "hour" in str(name) or "night" in str(name) or "week" in str(name)]


def test_events_do_not_reveal_the_date() -> None:
    events = made_up().drop(columns=["label", "kind", "event_id"])
    later = events.assign(occurred_at=events["occurred_at"] + pd.Timedelta("1001h"))
    pd.testing.assert_frame_equal(event_history(events, ("1h", "all")), event_history(later, ("1h", "all")))


def test_labels_of_other_rows_and_of_the_row_itself_are_not_used() -> None:
    events, rows = made_up(), np.arange(300)
    labels = event_labels(events, rows, delay=pd.Timedelta(0))
    others = events.assign(label=events["label"].where(events.index < 300, 1 - events["label"]))
    pd.testing.assert_frame_equal(event_labels(others, rows, delay=pd.Timedelta(0)), labels)
    swapped = events.copy()
    swapped.loc[[298, 299], "label"] = 1 - swapped.loc[[298, 299], "label"]
    after = event_labels(swapped, rows, delay=pd.Timedelta(0)).filter(regex="frauds|known")
    pd.testing.assert_frame_equal(after.iloc[:299], labels.filter(regex="frauds|known").iloc[:299])


def test_labels_count_after_the_delay() -> None:
    events = pd.DataFrame(
        {
            "account_id": ["a", "a", "a"],
            "counterparty_id": ["b", "b", "b"],
            "occurred_at": pd.to_datetime(["2026-05-01 10:00", "2026-05-01 10:30", "2026-05-01 11:01"]),
            "label": [1, 0, 0],
        }
    )
    labels = event_labels(events, np.arange(3), delay=pd.Timedelta("1h"))
    assert labels["network__account_frauds_all"].tolist() == [0.0, 0.0, 1.0]


def test_accounts_do_not_reveal_the_date() -> None:
    events, (ids, _) = made_up(), made_up_accounts()
    later = events.assign(occurred_at=events["occurred_at"] + pd.Timedelta("70D"))  # whole weeks: weekends stay
    before, after = (account_history(rows, ids, sides=("account_id",)) for rows in (events, later))
    pd.testing.assert_frame_equal(before, after)


def test_network_is_blind_to_test_labels() -> None:
    events, (ids, labels) = made_up(), made_up_accounts()
    fold, y = Fold(np.arange(20), np.arange(20, 30)), labels.to_numpy()
    flipped = np.where(np.arange(30) < 20, y, 1 - y)
    parts = zip(*(account_network(events, ids, of, fold, network=SHARED) for of in (y, flipped)), strict=True)
    for one, other in parts:
        pd.testing.assert_frame_equal(one, other)


def test_only_given_ratings_count() -> None:
    events, (ids, labels) = made_up(), made_up_accounts()
    received = events.assign(account_id="r" + events["counterparty_id"], counterparty_id=events["account_id"])
    both, fold, y = pd.concat([events, received]), Fold(np.arange(20), np.arange(20, 30)), labels.to_numpy()
    for one, other in zip(
        *(account_network(rows, ids, y, fold, network=SHARED) for rows in (events, both)), strict=True
    ):
        pd.testing.assert_frame_equal(one, other)
    one, other = (account_history(rows, ids, sides=("account_id",)) for rows in (events, both))
    pd.testing.assert_frame_equal(one, other)


def test_means_are_by_fold_then_by_repeat() -> None:
    y = np.array([0, 1, 0, 1])
    good, bad = np.array([0.1, 0.9]), np.array([0.9, 0.1])
    folds = [Fold(np.arange(2), np.array([2, 3]), repeat=number // 2) for number in range(4)]
    replies = iter([good, good, good, bad])
    contestants = {"ours": lambda fold: [next(replies)], PEER: lambda fold: [bad]}
    figures = contest(y, folds, contestants, ["roc_auc", "accuracy"], scheme="random", test_share=1.0)
    assert figures["ours"]["random.roc_auc"] == 0.75
    assert figures["ours"]["random.accuracy.std"] == pytest.approx(np.std([1.0, 0.5], ddof=1))
    assert figures["ours"][f"random.roc_auc.vs_{PEER}.mean"] == 0.75
    assert figures[PEER] == {
        "random.roc_auc": 0.0,
        "random.accuracy": 0.0,
        "random.roc_auc.std": 0.0,
        "random.accuracy.std": 0.0,
    }
    assert [bar.name for bar in contest_bars(figures, {"roc_auc": 0.7}, scheme="random")] == [
        "random.roc_auc.ahead_of_peer",
        "random.accuracy.ahead_of_peer",
        "random.roc_auc.published",
    ]


def test_every_seed_is_a_run_and_the_peer_runs_once() -> None:
    y, scores = np.array([0, 1]), np.array([0.2, 0.8])
    fold = Fold(np.arange(2), np.arange(2), seeds=(0, 1))
    figures = contest(y, [fold], {"ours": lambda fold: [scores, 1 - scores], PEER: lambda _: [scores]}, ["roc_auc"])
    assert figures["ours"]["roc_auc"] == 0.5
    assert figures["ours"]["roc_auc.std"] == pytest.approx(np.sqrt(0.5))
    assert figures[PEER] == {"roc_auc": 1.0}


def test_folds_share_no_row() -> None:
    y = np.arange(50) % 2
    folds = [
        *stratified_folds(y, folds=5, repeats=2),
        *shuffled_splits(np.arange(50), cut=40, repeats=2),
        *drawn_splits(y, repeats=2),
    ]
    for fold in folds:
        assert not set(fold.train.tolist()) & set(fold.test.tolist())
        assert len(fold.test) == 10


@pytest.mark.slow
def test_event_sets(folder: Path) -> None:
    events = made_up()
    write(folder, "wikipedia_bans", events=events.drop(columns="amount"))
    unlabelled = events.assign(label=np.where(events.index % 5 == 0, -1, events["label"]), location="x")
    write(folder, "s_ffsd", events=unlabelled)
    bans, payments = account_sets.wikipedia_bans(seeds=2), account_sets.s_ffsd(seeds=2)
    assert (bans.rows, payments.rows) == (400, 320)
    assert set(bans.figures) == {"roc_auc", "average_precision", "roc_auc.std", "average_precision.std"}
    assert payments.figures["temporal.roc_auc"] > 0.9
    assert payments.figures["random.average_precision"] > 0.5
    assert [bar.name for bar in payments.bars if "published" in bar.name] == [
        "random.roc_auc.published",
        "random.average_precision.published",
    ]


@pytest.mark.slow
def test_account_sets(folder: Path) -> None:
    events, (ids, labels) = made_up(), made_up_accounts()
    rows = events.drop(columns="label")
    accounts = pd.DataFrame({"account_id": ids, "label": labels, "split": np.where(ids.index < 20, "train", "test")})
    write(folder, "ethereum_phishing", events=rows, accounts=accounts)
    more = pd.DataFrame({"account_id": ["silent"], "label": [1]})
    write(folder, "bitcoin_otc", events=rows, accounts=pd.concat([accounts.drop(columns="split"), more]))
    addresses, raters = account_sets.ethereum_phishing(seeds=1), account_sets.bitcoin_otc(folds=3, repeats=2)
    assert (addresses.rows, raters.rows) == (30, 30)
    assert [bar.name for bar in addresses.bars] == [
        "accuracy.ahead_of_peer",
        "roc_auc.ahead_of_peer",
        "accuracy.published",
    ]
    assert {"roc_auc", "roc_auc.std", f"roc_auc.vs_{PEER}.se_corrected"} <= set(raters.figures)
    assert set(raters.peers) == {PEER}


def test_a_set_of_phones(folder: Path) -> None:
    random, n = np.random.default_rng(0), 200
    y = np.arange(n) % 2
    phones = pd.DataFrame({"account_id": [f"p{row}" for row in range(n)], "arpu_sum": random.normal(size=n) + 2 * y})
    phones = phones.assign(imeis=1.0, label=y, row=np.arange(n), split=np.repeat(["train", "test"], n // 2))
    edges = pd.DataFrame({"src_row": np.arange(n - 1), "dst_row": np.arange(1, n), "w": 1})
    write(folder, "sichuan_telecom", accounts=phones, edges=edges)
    report = account_sets.sichuan_telecom(seeds=2, repeats=2)
    assert report.figures["given.roc_auc"] > 0.8
    assert {name.split(".")[0] for name in report.peers[PEER]} == {"given", "random"}


def test_one_command_line_call(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "wikipedia_bans", events=made_up(200).drop(columns="amount"))
    assert detection.main(["wikipedia_bans", "--json"]) == 0
    captured = capsys.readouterr()
    whole = json.loads(captured.out.splitlines()[-1])
    assert [bar["name"] for bar in whole["bars"]] == ["roc_auc.ahead_of_peer", "average_precision.ahead_of_peer"]
    assert "lightgbm_counts: roc_auc" in captured.err


def test_a_missing_set_is_skipped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detection.main(["s_ffsd", "--json"]) == 0
    assert "Skipped s_ffsd" in json.loads(capsys.readouterr().out.splitlines()[-1])["skipped"]
