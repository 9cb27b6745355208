"""The published protocols of accounts and events on synthetic ones: figures, bars and the report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from benchmarks.data.folds import Fold
from benchmarks.data.kinds import Published, Scheme
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.detection.accounts import PEER, compare_accounts, contest, contest_bars
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Report
from benchmarks.sets import bitcoin_otc, ethereum_phishing, s_ffsd, tolokers, wikipedia_bans

from tests.benchmarks.columns.test_declared import made_up, made_up_accounts


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return tmp_path / "accounts"


def write(folder: Path, name: str, **tables: pd.DataFrame) -> None:
    (folder / name).mkdir(parents=True)
    for table, rows in tables.items():
        rows.to_parquet(folder / name / f"{table}.parquet")


def report_of(published: Published) -> Report:
    return compare_accounts("made", published)


def scheme_of(name: str, folds: Sequence[Fold], *metrics: str, **more: Any) -> Scheme:
    return Scheme(name, folds, lambda fold: ([], []), {}, metrics, **more)


def metrics_of(scheme: Scheme, y: npt.NDArray[Any]) -> Mapping[str, Callable[[Fold, npt.NDArray[Any]], float]]:
    return {
        name: lambda fold, scores, metric=METRICS[name]: metric(y[fold.test], scores)  # type: ignore[misc]
        for name in scheme.metrics
    }


def test_means_are_by_fold_then_by_repeat() -> None:
    y = np.array([0, 1, 0, 1])
    good, bad = np.array([0.1, 0.9]), np.array([0.9, 0.1])
    folds = [Fold(np.arange(2), np.array([2, 3]), repeat=number // 2) for number in range(4)]
    replies = iter([good, good, good, bad])
    runs = {"ours": lambda fold: [next(replies)], PEER: lambda fold: [bad]}
    scheme = scheme_of("random", folds, "roc_auc", "accuracy", test_share=1.0, published={"roc_auc": 0.7})
    figures = contest(scheme, metrics_of(scheme, y), runs)
    assert figures["ours"]["random.roc_auc"] == 0.75
    assert figures["ours"]["random.accuracy.std"] == pytest.approx(np.std([1.0, 0.5], ddof=1))
    assert figures["ours"][f"random.roc_auc.vs_{PEER}.mean"] == 0.75
    assert figures[PEER] == {
        "random.roc_auc": 0.0,
        "random.accuracy": 0.0,
        "random.roc_auc.std": 0.0,
        "random.accuracy.std": 0.0,
    }
    assert [bar.name for bar in contest_bars(figures, scheme)] == [
        "random.roc_auc.ahead_of_peer",
        "random.accuracy.ahead_of_peer",
        "random.roc_auc.published",
    ]


@pytest.mark.slow
def test_event_sets(folder: Path) -> None:
    events = made_up()
    write(folder, "wikipedia_bans", events=events.drop(columns="amount"))
    unlabelled = events.assign(label=np.where(events.index % 5 == 0, -1, events["label"]), location="x")
    write(folder, "s_ffsd", events=unlabelled)
    bans, payments = report_of(wikipedia_bans.published(seeds=2)), report_of(s_ffsd.published(seeds=2))
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
    addresses, raters = (
        report_of(ethereum_phishing.published(seeds=1)),
        report_of(bitcoin_otc.published(folds=3, repeats=2)),
    )
    assert (addresses.rows, raters.rows) == (30, 30)
    assert [bar.name for bar in addresses.bars] == [
        "accuracy.ahead_of_peer",
        "roc_auc.ahead_of_peer",
        "accuracy.published",
    ]
    assert {"roc_auc", "roc_auc.std", f"roc_auc.vs_{PEER}.se_corrected"} <= set(raters.figures)
    assert set(raters.peers) == {PEER}


@pytest.mark.slow
def test_workers_are_known_by_those_that_they_are_linked_to(folder: Path) -> None:
    rng, n = np.random.default_rng(0), 400
    banned = np.arange(n) % 4 == 0
    numbers = rng.normal(size=(n, 10)) + 0.3 * banned[:, None]
    ends = rng.integers(0, n // 4, (4000, 2)) * 4 + rng.integers(0, 4, 4000)[:, None]  # links join rows of one kind
    workers = pd.DataFrame(numbers, columns=list(tolokers.NUMBERS))
    workers = workers.assign(account_id=np.arange(n).astype(str), label=np.where(banned, "banned", "active"))
    parts = {
        name: rng.permutation(np.repeat(["train", "validation", "test"], [200, 100, 100])) for name in tolokers.SPLITS
    }
    write(folder, "tolokers", accounts=workers.assign(**parts), edges=pd.DataFrame(ends, columns=["a", "b"]))
    report = report_of(tolokers.published())
    assert report.figures["roc_auc"] > 0.95
    assert set(report.figures) > {"roc_auc.std", "average_precision.std"}
    [of_set] = tolokers.SETS
    splits = of_set.task().splits
    assert [(len(one.train), len(one.test)) for one in splits] == [(200, 100)] * 5
    assert splits[0].truth.sum() == 100
