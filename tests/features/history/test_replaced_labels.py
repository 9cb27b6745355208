"""Labels that are replaced: each counts from its own time until the next one of its subject. The oracle is a loop."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve.features.campaign.campaign_batch import campaign_features
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.declaration import LABEL_MEASURES, History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.live_state import HistoryState
from tests.features.bands import campaign_events

START = pd.Timestamp("2026-05-01T10:00:00Z")
VIEW = History(("2h", "9h"), entity="device_id", measures=("count", *LABEL_MEASURES), prior=(0.1, 4.0))
Labels = list[dict[str, Any]]


def at(minutes: int) -> pd.Timestamp:
    return START + pd.Timedelta(minutes=minutes)


def random_labels(rng: np.random.Generator) -> Labels:
    """Return labels of 12 events, replaced up to three times, at equal times too; some are of no known event."""
    events = [number for number in range(12) for _ in range(int(rng.integers(1, 5)))]
    return [
        {
            "event_id": f"e{event}" if event else None,
            "device_id": f"d{event % 2}",
            "minutes": int(rng.integers(0, 120)) * 10,
            "is_fraud": bool(rng.integers(2)),
        }
        for event in events
    ]


def counting(labels: Labels, device: str, minutes: int) -> list[tuple[int, bool]]:
    """Return the labels that count at a cutoff time: the last of each event, and of those at one time a fraud."""
    known = [one for one in labels if one["device_id"] == device and one["minutes"] < minutes]
    last: dict[Any, tuple[int, bool]] = {}
    for place, one in enumerate(known):
        key = one["event_id"] or place
        last[key] = max(last.get(key, (-1, False)), (one["minutes"], one["is_fraud"]))
    return list(last.values())


def by_hand(labels: Labels, device: str, minutes: int) -> list[float]:
    known, row = counting(labels, device, minutes), dict[str, float]()
    for window, length in {"2h": 120, "9h": 540}.items():
        recent = [one for one in known if one[0] >= minutes - length]
        n, frauds = len(recent), sum(is_fraud for _, is_fraud in recent)
        row |= {f"known_{window}": n, f"frauds_{window}": frauds, f"fraud_rate_{window}": (frauds + 0.4) / (n + 4)}
    recent = [one for one in known if one[0] >= minutes - 540]
    clean = max((time for time, is_fraud in recent if not is_fraud), default=-1)
    fraud = max((time for time, is_fraud in known if is_fraud), default=-1)
    row["since_fraud"] = (minutes - fraud) * 60 if fraud >= 0 else np.nan
    row["since_clean"] = (minutes - clean) * 60 if clean >= 0 else np.nan
    row["fraud_run"] = sum(is_fraud and time > clean for time, is_fraud in recent)
    return [row[name.partition("__")[2]] for name in VIEW.columns if name.startswith("network__")]


def expected(labels: Labels, asked: list[tuple[str, int]]) -> npt.NDArray[np.float64]:
    return np.array([by_hand(labels, *one) for one in asked])


def as_subjects(asked: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"device_id": device, "as_of": at(minutes)} for device, minutes in asked]


OF_LABELS = [name.startswith("network__") for name in VIEW.columns]


@pytest.mark.parametrize("seed", range(12))
def test_events(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = random_labels(rng)
    asked = [(f"d{device}", minutes) for device in range(3) for minutes in range(0, 1800, 45)]
    events = pd.DataFrame({"device_id": ["d0"], "account_id": "ann", "occurred_at": at(0)})
    timed = [one | {"labelled_at": at(one["minutes"])} for one in labels]
    found = history_features(events, pd.DataFrame(as_subjects(asked)), VIEW, labels=pd.DataFrame(timed))
    np.testing.assert_array_equal(found[:, OF_LABELS], expected(labels, asked))
    state = HistoryState(VIEW, lateness="30d")
    for one in (
        [timed[place] for place in rng.permutation(len(timed))] if seed % 2 else [timed]
    ):  # one by one, or as columns
        assert state.update((), one) == ()
    np.testing.assert_array_equal(state.features(as_subjects(asked))[:, OF_LABELS], expected(labels, asked))


@pytest.mark.parametrize("max_events", [2, 4096])
def test_a_state_in_order_of_time_forgets_no_fraud(max_events: int) -> None:
    """Old labels are dropped after each call, but the last fraud label may be older, and may be taken back later."""
    view = History(("1h",), entity="device_id", measures=("known", "since_fraud"), max_events=max_events)
    rng = np.random.default_rng(5)
    state, labels = HistoryState(view, lateness="1m"), list[dict[str, Any]]()
    for minutes in range(0, 20_000, 25):
        event = f"e{rng.integers(max(len(labels) // 2 - 12, 0), len(labels) // 2 + 1)}"
        new = {"event_id": event, "device_id": "d0", "minutes": minutes, "is_fraud": bool(rng.random() < 0.1)}
        labels.append(new)
        clock = {"account_id": "ann", "occurred_at": at(minutes)}  # labels do not move the clock of a state
        assert state.update(clock, new | {"labelled_at": at(minutes)}) == ()
        known = counting(labels, "d0", minutes + 1)
        fraud = max((time for time, is_fraud in known if is_fraud), default=None)
        since = np.nan if fraud is None else (minutes + 1 - fraud) * 60
        n_known = sum(time > minutes - 60 for time, _ in known)
        found = state.features({"device_id": "d0", "as_of": at(minutes + 1)})[0].tolist()
        assert found[1] == pytest.approx(since, nan_ok=True)
        assert found[0] == n_known or (found[0] < n_known and max_events == 2)
    assert state.n_events < len(labels) / 4


@pytest.mark.parametrize("seed", range(6))
def test_messages_with_campaigns(seed: int) -> None:
    rng, types = np.random.default_rng(seed), ("phishing", "spam")
    campaigns = CampaignHistory(("9h",), types)
    text = "your parcel is held, pay now at shop.example"
    sent: Labels = [{"message_id": f"m{n}", "text": text, "sent_at": at(n), "account_id": "ann"} for n in range(6)]
    labels = [
        sent[number] | {"minutes": int(rng.integers(0, 120)) * 10, "label": str(rng.choice([*types, "other"]))}
        for number in range(6)
        for _ in range(int(rng.integers(1, 5)))
    ]
    labels = [one | {"labelled_at": at(one["minutes"])} for one in labels]
    asked = [{"text": text, "sent_at": at(minutes)} for minutes in range(0, 1800, 45)]
    wanted = []
    for minutes in range(0, 1800, 45):
        last: dict[str, tuple[int, int, str]] = {}
        for one in labels:
            since = max(one["minutes"], int(one["message_id"][1:]))
            order = ["other", *types].index(one["label"])
            if since < minutes:
                last[one["message_id"]] = max(last.get(one["message_id"], (-1, -1, "")), (since, order, one["label"]))
        held = [label for since, _, label in last.values() if since >= minutes - 540]
        wanted.append([held.count(name) for name in types])
    past = pd.concat([pd.DataFrame(sent), pd.DataFrame(labels)], ignore_index=True)
    found = campaign_features(past, pd.DataFrame(asked), campaigns)
    np.testing.assert_array_equal(found[:, -2:], wanted)
    state = HistoryState(campaigns.views, lateness="30d")
    every = [*sent, *labels]
    for one in [every[place] for place in rng.permutation(len(every))]:
        assert state.update(campaign_events([one], campaigns)) == ()
    live = campaigns.message_columns(state.features(campaign_subjects(asked)))
    np.testing.assert_array_equal(live, found)
