"""Campaign features of the live state: equal to a plain loop over all earlier messages, in bounded memory."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.campaign.over_time import (
    N_BANDS,
    CampaignHistory,
    band_keys,
    campaign_subjects,
)
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from tests.features.bands import campaign_events

START = datetime(2026, 5, 1, tzinfo=UTC)
CAMPAIGNS = CampaignHistory(("1h", "1d"), ("spam", "ham"))
TEXTS = [
    "win 100 yuan today, call me on 13800000000",
    "Win 999 yuan today, call me on 13900000000",
    "w​in 100 yuan today, c​all me on 13800000000!!",
    "see you at six, bring the bags",
    "see you at six, bring the cards",
    "ok",
]
MINUTES = st.integers(0, 20) | st.integers(0, 3 * 24 * 60)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.sampled_from(TEXTS),
            "sent_at": MINUTES,
            "account_id": st.none() | st.sampled_from(["ann", "bob", "eve"]),
            "recipient_id": st.none() | st.sampled_from(["x", "y"]),
            "label": st.none() | st.sampled_from(["spam", "ham"]),
            "after": MINUTES,
        }
    ),
    max_size=25,
)
Records = list[dict[str, Any]]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def timed(messages: Records) -> Records:
    """Add ids and times to messages, and to some of them a label some minutes later."""
    return [
        {name: message[name] for name in ("text", "account_id", "recipient_id", "label")}
        | {"message_id": f"m{place}", "sent_at": at(message["sent_at"])}
        | {"labelled_at": message["label"] and at(message["sent_at"] + message["after"])}
        for place, message in enumerate(messages)
    ]


def keys_of(text: str) -> set[int]:
    return set(band_keys(fold_codes(pack([text]))[0])[0].tolist())


def oracle(past: Records, message: Mapping[str, Any]) -> list[float]:
    """Compute the columns of `CAMPAIGNS` in plain loops."""
    best: list[list[float]] = []
    cutoff = message["sent_at"]
    for key in keys_of(message["text"]):
        members = [one for one in past if key in keys_of(one["text"])]
        row: list[float] = []
        sent = {
            hours: [one for one in members if cutoff - timedelta(hours=hours) <= one["sent_at"] < cutoff]
            for hours in (1, 24)
        }
        row += [len(sent[hours]) for hours in (1, 24)]
        for who in ("account_id", "recipient_id"):
            row += [len({one[who] for one in sent[hours]} - {None}) for hours in (1, 24)]
        row.append(max([(cutoff - one["sent_at"]).total_seconds() for one in sent[24]], default=np.nan))
        for name in ("spam", "ham"):
            label_times = [one["labelled_at"] for one in members if one["label"] == name]
            row.append(sum(cutoff - timedelta(hours=24) <= time < cutoff for time in label_times))
        best.append(row)
    return np.fmax.reduce(np.array(best)).tolist()  # type: ignore[no-any-return]


def live(past: Records, messages: Records) -> np.ndarray[Any, Any]:
    state = HistoryState(CAMPAIGNS.views, lateness="14d")
    now = at(60 * 24 * 30)
    labelled = [message for message in past if message["label"]]
    assert not state.update(campaign_events([one | {"label": None} for one in past] + labelled, CAMPAIGNS), now=now)
    return CAMPAIGNS.message_columns(state.features(campaign_subjects(messages)))


@pytest.mark.slow
@given(MESSAGES, st.randoms(use_true_random=False))
def test_live_equals_plain_loops_in_any_order(drawn: Records, random: Any) -> None:
    messages = timed(drawn)
    ours = live(random.sample(messages, len(messages)), messages)
    assert ours.shape == (len(messages), len(CAMPAIGNS.columns))
    for row, message in zip(ours, messages, strict=True):
        np.testing.assert_array_equal(row, oracle(messages, message))


@pytest.mark.parametrize(
    "obfuscated", ["WIN 500 yuan today, call me on 13777777777", "w*i*n 100 yuan today, call me on 138"]
)
def test_obfuscation_and_other_numbers_do_not_hide_the_campaign(obfuscated: str) -> None:
    past = timed(
        [dict.fromkeys(("account_id", "recipient_id", "label")) | {"text": TEXTS[0], "sent_at": 0, "after": 0}]
    )
    row = live(past, [{"text": obfuscated, "sent_at": at(5)}])[0]
    assert dict(zip(CAMPAIGNS.columns, row, strict=True))["campaign__messages_1h"] == 1


def test_band_keys_differ_and_do_not_depend_on_other_texts() -> None:
    keys = band_keys(pack(["a" * 30, TEXTS[0], TEXTS[3]]))
    assert keys.shape == (3, N_BANDS)
    assert len(np.unique(keys)) == 3 * N_BANDS
    assert np.array_equal(keys[1:2], band_keys(pack([TEXTS[0]])))
    assert band_keys(pack([])).shape == (0, N_BANDS)


def test_a_label_never_counts_before_its_message() -> None:
    spam = {"text": TEXTS[0], "sent_at": at(10), "label": "spam", "labelled_at": "2026-04-30T00:00:00Z"}
    events = campaign_events([spam], CAMPAIGNS)
    assert {event["occurred_at"] for event in events} == {np.datetime64(at(10).replace(tzinfo=None), "us")}
    assert not campaign_events([spam], CampaignHistory())


def test_columns_without_labels_and_round_trip_of_the_declaration() -> None:
    assert CampaignHistory().columns[-1] == "campaign__age"
    assert CampaignHistory.from_dict(CAMPAIGNS.to_dict()) == CAMPAIGNS
    assert len(CAMPAIGNS.positions) == len(CAMPAIGNS.columns) == len(set(CAMPAIGNS.positions))


@pytest.mark.slow
def test_memory_is_limited_to_the_windows() -> None:
    state = HistoryState(CAMPAIGNS.views, lateness="1h")
    sizes = []
    for day in range(40):
        for minute in range(20):
            text = f"{chr(0x4E00 + day * 20 + minute)}" * 12
            message = {"text": text, "sent_at": at(day * 24 * 60 + minute), "account_id": "ann"}
            state.update(campaign_events([message], CAMPAIGNS), now=at(10**6))
        sizes.append((state.n_entities, state.n_events))
    assert max(sizes[5:]) <= (4 * 20 * N_BANDS, 4 * 20 * N_BANDS)
    assert sizes[-1][0] > 0


def test_a_saved_state_computes_the_same_features(tmp_path: Path) -> None:
    state = HistoryState(CAMPAIGNS.views)
    messages = timed(
        [dict.fromkeys(("account_id", "recipient_id", "label")) | {"text": t, "sent_at": 0, "after": 0} for t in TEXTS]
    )
    state.update(campaign_events(messages, CAMPAIGNS), now=at(10))
    state.save(tmp_path / "state")
    subjects = campaign_subjects([{"text": TEXTS[1], "sent_at": at(3)}])
    after = HistoryState.load(tmp_path / "state").features(subjects)
    np.testing.assert_array_equal(after, state.features(subjects))
    assert after[:, 0].max() >= 2


@pytest.mark.parametrize("label", [1, "1", " 1 ", "1.0", True, "TRUE", "fraud"])
def test_an_observed_label_is_read_as_the_labels_of_training(label: Any) -> None:
    classes = {"0": "legitimate", "1": "fraud", "true": "fraud", "-1": None}
    campaigns = CampaignHistory(("1d",), ("fraud", "legitimate"), classes)
    assert CampaignHistory.from_dict(json.loads(json.dumps(campaigns.to_dict()))) == campaigns
    message = {"text": TEXTS[0], "sent_at": at(0), "labelled_at": at(5)}
    state = HistoryState(campaigns.views)
    none = message | {"label": -1}  # the message has no label
    assert state.update(campaign_events([message, message | {"label": label}, none], campaigns)) == ()
    row = campaigns.message_columns(state.features(campaign_subjects([message | {"sent_at": at(9)}])))[0]
    counts = dict(zip(campaigns.columns, row.tolist(), strict=True))
    assert (counts["campaign__messages_1d"], counts["campaign__labelled_fraud"]) == (1, 1)
    assert counts["campaign__labelled_legitimate"] == 0
