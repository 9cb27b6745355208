"""Replaced labels through tables of training and of scoring, and a live state; the oracle is a loop over labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features import History, history_features
from fraudsieve.features.campaign.campaign_batch import campaign_features
from fraudsieve.features.history.declaration import LABEL_MEASURES
from fraudsieve.features.label_trust import Trust
from fraudsieve.features.message_matrix import message_history
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.batch.scored_tables import read_history
from fraudsieve.training.data.builders import _past
from fraudsieve.training.data.labelled import Labelling, known_labels_of, load_events, load_labelled
from tests.live.samples import event, with_views
from tests.live.small_models import account_scorer, message_scorer

START = pd.Timestamp("2024-05-01T10:00:00Z")
TRUST = {"bank": 1.0, "review": 0.5, "rumour": 0.0}
VIEW = History(("3h", "9h"), measures=("count", *LABEL_MEASURES), prior=(0.1, 4.0))
ASKED = range(-60, 1500, 45)
Records = list[dict[str, Any]]


def at(minutes: int) -> pd.Timestamp:
    return START + pd.Timedelta(minutes=minutes)


def random_labels(rng: np.random.Generator, ids: list[str]) -> Records:
    """Return labels of records, replaced up to three times, also at equal times and before their record."""
    subjects = [name for name in ids for _ in range(int(rng.integers(0, 5)))]
    return [
        {
            "subject_id": name,
            "label": str(rng.choice(["fraud", "legitimate"])),
            "labelled_at": at(int(rng.integers(-3, 40)) * 30),
            "source": str(rng.choice([*TRUST])),
        }
        for name in subjects
    ]


def in_any_order(rng: np.random.Generator, records: Records, labels: Records) -> list[tuple[str, dict[str, Any]]]:
    every = [*(("records", one) for one in records), *(("labels", one) for one in labels)]
    return [every[place] for place in rng.permutation(len(every))]


def held(labels: Records, record: tuple[str, int], minutes: int, trust: dict[str, float]) -> tuple[int, bool] | None:
    """Return since when a record has had its label before a cutoff time, and whether it is fraud."""
    name, since = record
    known = [
        one for one in labels if one["subject_id"] == name and trust[one["source"]] and one["labelled_at"] < at(minutes)
    ]
    ordered = sorted((one["labelled_at"], trust[one["source"]], one["label"] == "fraud") for one in known)
    by_time = {time: (weight, is_fraud) for time, weight, is_fraud in ordered}
    found: tuple[Any, float, bool] | None = None
    for time, (weight, is_fraud) in by_time.items():
        if found is None or weight >= found[1]:
            found = (time if found is None or found[2] != is_fraud else found[0], weight, is_fraud)
    if found is None or minutes <= since:
        return None
    return max(int((found[0] - START).total_seconds() // 60), since), found[2]


def by_hand(labels: Records, times: dict[str, int], minutes: int, trust: dict[str, float]) -> list[float]:
    every = [held(labels, record, minutes, trust) for record in times.items()]
    known = [one for one in every if one is not None]
    row = dict[str, float]()
    for window, length in {"3h": 180, "9h": 540}.items():
        recent = [one for one in known if one[0] >= minutes - length]
        n, frauds = len(recent), sum(is_fraud for _, is_fraud in recent)
        row |= {f"known_{window}": n, f"frauds_{window}": frauds, f"fraud_rate_{window}": (frauds + 0.4) / (n + 4)}
    clean = max((time for time, is_fraud in recent if not is_fraud), default=None)
    fraud = max((time for time, is_fraud in known if is_fraud), default=None)
    row["since_fraud"] = np.nan if fraud is None else (minutes - fraud) * 60
    row["since_clean"] = np.nan if clean is None else (minutes - clean) * 60
    row["fraud_run"] = sum(is_fraud and (clean is None or time > clean) for time, is_fraud in recent)
    return [row[name.partition("__")[2]] for name in VIEW.columns if name.startswith("network__")]


@pytest.mark.parametrize("seed", range(6))
def test_labels_of_events(seed: int, tmp_path: Path) -> None:
    rng, trust = np.random.default_rng(seed), TRUST if seed % 2 else dict.fromkeys(TRUST, 1.0)
    training = {"recipe": {"data": {"trust": TRUST}}} if seed % 2 else {}
    scorer = with_views(account_scorer(), subject=Subject.EVENT, network=None, histories=(VIEW,))
    scorer = Scorer(replace(scorer.model, training=training))
    times = {f"e{number}": int(rng.integers(0, 10)) * 40 for number in range(9)}
    events = [event(event_id=name, occurred_at=at(minutes)) for name, minutes in times.items()]
    labels = random_labels(rng, [*times])
    expected = np.array([by_hand(labels, times, minutes, trust) for minutes in ASKED])
    subjects = [{"account_id": "ann", "as_of": at(minutes)} for minutes in ASKED]
    tables = pd.DataFrame(events), pd.DataFrame(labels)
    _, scored, _ = read_history(scorer.model, events=tables[0], known_labels=tables[1])
    loaded = load_events(tables[0], labels=tables[1], labelling=Labelling(trust=Trust(TRUST) if seed % 2 else None))
    of_labels = [name.startswith("network__") for name in VIEW.columns]
    for known in (scored, known_labels_of(loaded, "legitimate")):
        found = history_features(tables[0], pd.DataFrame(subjects), VIEW, labels=known)
        np.testing.assert_array_equal(found[:, of_labels], expected)
    with LiveState(scorer, tmp_path / "live.db", lateness="30d") as live:
        for part, one in in_any_order(rng, events, labels):
            assert not live.update(one if part == "records" else (), one if part == "labels" else ()).rejected
        np.testing.assert_array_equal(live.state.features(subjects)[:, of_labels], expected)


@pytest.mark.parametrize("seed", range(4))
def test_labels_of_messages_with_campaigns(seed: int, tmp_path: Path) -> None:
    rng, scorer = np.random.default_rng(seed), message_scorer()
    matrix: Any = scorer.model.matrix
    longest = matrix.campaigns.views[1].widths[0] // 60_000_000
    times = {f"m{number}": 37 * number for number in range(8)}
    text = "Your parcel is held, pay now at shop.example"
    sent = [{"message_id": name, "text": text, "sent_at": at(minutes)} for name, minutes in times.items()]
    labels = random_labels(rng, [*times])
    expected = []
    for minutes in ASKED:
        every = [held(labels, record, minutes, dict.fromkeys(TRUST, 1.0)) for record in times.items()]
        recent = [one for one in every if one is not None and one[0] >= minutes - longest]
        n_frauds = sum(is_fraud for _, is_fraud in recent)
        expected.append(
            [{"fraud": n_frauds, "legitimate": len(recent) - n_frauds}[name] for name in matrix.campaigns.types]
        )
    asked = [{"text": text, "sent_at": at(minutes)} for minutes in ASKED]
    loaded = load_labelled(pd.DataFrame(sent), pd.DataFrame(labels))
    found = campaign_features(_past(loaded), pd.DataFrame(asked), matrix.campaigns)
    np.testing.assert_array_equal(found[:, -len(expected[0]) :], expected)
    with LiveState(scorer, tmp_path / "live.db", lateness="30d") as live:
        for part, one in in_any_order(rng, sent, labels):
            outcome = live.observe(one) if part == "records" else live.update(labels=one)
            assert outcome.rejected == ()
        np.testing.assert_array_equal(message_history(asked, live.state, (), matrix.campaigns)[1], found)
