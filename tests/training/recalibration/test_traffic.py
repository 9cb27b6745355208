"""The traffic of a recalibration is scored as in use, also by models that use labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models import read_model, score_file
from fraudsieve.training import Recipe, recalibrate, train
from fraudsieve.training.recalibration.outcomes import fraud_of
from fraudsieve.training.recalibration.traffic import read_traffic
from tests.messages import refused
from tests.shared import shared_folder

SUBJECTS = ("event", "account")
SETTINGS: dict[str, Any] = {"track": {"enabled": False}, "n_jobs": 1, "model": {"n_rounds": 20}}
SETTINGS["evaluate"] = {"replicates": 0}
UNTRACKED = Recipe.read(overrides={"track.enabled": False})


@pytest.fixture(scope="module")
def folder() -> Path:
    """Two models that use labels, of events and of accounts, with the traffic of each and all its labels."""

    def make(folder: Path) -> None:
        rng = np.random.default_rng(0)
        n, n_accounts, start = 4000, 400, pd.Timestamp("2026-01-01", tz="UTC")
        bad = rng.random(n_accounts) < 0.2
        account = rng.integers(0, n_accounts, n)
        times = start + pd.to_timedelta(np.sort(rng.random(n)) * 100, unit="D").round("us")
        is_fraud = rng.random(n) < np.where(bad[account], 0.6, 0.01)
        partner = np.where(bad[account], rng.integers(0, 15, n), rng.integers(15, 300, n))
        events = pd.DataFrame(
            {
                "event_id": [f"e{row}" for row in range(n)],
                "account_id": [f"a{row}" for row in account],
                "occurred_at": times,
                "kind": "pay",
                "amount": rng.lognormal(size=n),
                "counterparty_id": [f"c{row}" for row in partner],
            }
        )
        events.to_parquet(folder / "events.parquet")
        of_events = {"subject_id": events["event_id"], "label": _words(is_fraud), "labelled_at": times + _days(1)}
        pd.DataFrame(of_events).to_parquet(folder / "event-labels.parquet")
        events[:3000].to_parquet(folder / "event-first.parquet")
        events[3000:].to_parquet(folder / "event-traffic.parquet")
        # Accounts: one half is labelled in the middle, and known when the other half is scored.
        names = [f"a{row}" for row in range(n_accounts)]
        accounts = pd.DataFrame(
            {"account_id": names, "as_of": np.where(np.arange(n_accounts) % 2, "2026-04-10", "2026-02-20")}
        )
        accounts["as_of"] = pd.to_datetime(accounts["as_of"], utc=True)
        of_accounts = {"subject_id": names, "label": _words(bad), "labelled_at": accounts["as_of"] + _days(1)}
        pd.DataFrame(of_accounts).to_parquet(folder / "account-labels.parquet")
        accounts.to_parquet(folder / "account-first.parquet")
        accounts[1::2].to_parquet(folder / "account-traffic.parquet")
        _train(folder)

    return shared_folder("recalibration-labels", make)


def _train(folder: Path) -> None:
    view = {"windows": ["30d"], "measures": ["count", "known", "frauds", "fraud_rate"]}
    histories = {"event": {"network": False, "views": [view]}, "account": {"network": True, "views": []}}
    for subject, history in histories.items():
        recipe = Recipe.model_validate(SETTINGS | {"history": history, "split": {"kind": "random"}})
        labels, first = folder / f"{subject}-labels.parquet", folder / f"{subject}-first.parquet"
        if subject == "event":
            train(recipe, output=folder / subject, events=first, labels=labels)
        else:
            train(recipe, output=folder / subject, accounts=first, events=folder / "events.parquet", labels=labels)


def _words(is_fraud: Any) -> Any:
    return np.where(is_fraud, "fraud", "legitimate")


def _days(n: int) -> pd.Timedelta:
    return pd.Timedelta(days=n)


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_known_labels_give_the_scores_of_scoring(folder: Path, tmp_path: Path, subject: str) -> None:
    traffic, events, labels = (
        folder / f"{name}.parquet" for name in (f"{subject}-traffic", "events", f"{subject}-labels")
    )
    past: dict[str, Any] = {"history" if subject == "event" else "events": events}
    read = read_traffic(read_model(folder / subject), traffic, known_labels=labels, **past)
    score_file(folder / subject, traffic, tmp_path / "scores.parquet", known_labels=labels, **past)
    scores = pd.read_parquet(tmp_path / "scores.parquet").set_index(f"{subject}_id")["probability"]
    assert fraud_of(read_model(folder / subject), read) == pytest.approx(scores[read.ids].to_numpy())
    assert scores.nunique() > 5
    # Not those without labels: what is known makes a difference.
    late = pd.read_parquet(labels).assign(labelled_at=pd.Timestamp("2030-01-01", tz="UTC"))
    unknown = read_traffic(read_model(folder / subject), traffic, known_labels=late, **past)
    assert (read.log_odds != unknown.log_odds).mean() > 0.2
    # The labels that set rates are not features.
    audited = read_traffic(read_model(folder / subject), traffic, labels=labels, known_labels=late, **past)
    assert (audited.log_odds == unknown.log_odds).all()


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_model_that_uses_labels_is_not_recalibrated_without_them(folder: Path, tmp_path: Path, subject: str) -> None:
    traffic, labels = folder / f"{subject}-traffic.parquet", folder / f"{subject}-labels.parquet"
    given: dict[str, Any] = {"history" if subject == "event" else "events": folder / "events.parquet"}
    with refused(SchemaError, "--known-labels"):
        recalibrate(
            folder / subject, traffic, labels=folder / f"{subject}-labels.parquet", output=tmp_path / "m",
            recipe=UNTRACKED, **given,
        )  # fmt: skip
    given["known_labels"] = pd.read_parquet(labels).drop(columns="labelled_at")
    with pytest.raises(SchemaError, match="got none with a time"):
        recalibrate(folder / subject, traffic, output=tmp_path / "m", recipe=UNTRACKED, **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_recalibrated_model_flags_what_it_was_set_to_flag(folder: Path, tmp_path: Path) -> None:
    traffic, events, labels = (folder / f"{name}.parquet" for name in ("event-traffic", "events", "event-labels"))
    table = pd.read_parquet(labels)
    audit = table[table["subject_id"].isin(pd.read_parquet(traffic)["event_id"])]
    result = recalibrate(
        folder / "event", traffic, labels=audit, known_labels=labels, history=events, output=tmp_path / "m",
        flagged=0.05, recipe=UNTRACKED,
    )  # fmt: skip
    assert set(result.facts["digests"]) == {"traffic", "labels", "known_labels"}
    capacity = next(point for point in result.model.points if point.name == "capacity")
    score_file(tmp_path / "m", traffic, tmp_path / "scores.parquet", history=events, known_labels=labels)
    probability = pd.read_parquet(tmp_path / "scores.parquet")["probability"]
    assert (probability >= capacity.threshold).mean() == pytest.approx(capacity.flagged)
    assert 0.01 < capacity.flagged <= 0.05
    assert probability.mean() == pytest.approx((audit["label"] == "fraud").mean(), abs=0.02)
