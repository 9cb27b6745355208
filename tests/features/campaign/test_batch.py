"""Campaigns over time, in batch: the live state's figures, and nothing of the future."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.batch import campaign_features, label_types
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_events, campaign_subjects
from fraudsieve.features.live_state import HistoryState
from tests.profiles import examples

CAMPAIGNS = CampaignHistory(("1h", "1d"), ("spam", "ham"))
TEXTS = ["win 100 yuan today, call me on 138", "Win 999 yuan today, call me on 139", "see you at six, bring the bags"]
MINUTES = st.integers(0, 20) | st.integers(0, 3 * 24 * 60)
NAMES = ("text", "sent_at", "account_id", "recipient_id", "label", "labelled_at")
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(TEXTS),
        MINUTES.map(lambda minutes: at(minutes)),
        st.none() | st.sampled_from(["ann", "bob"]),
        st.none() | st.sampled_from(["x", "y"]),
        st.none() | st.sampled_from(["spam", "ham"]),
        st.none() | MINUTES.map(lambda minutes: at(minutes + 0.1)),
    ).map(lambda cells: dict(zip(NAMES, cells, strict=True))),
    max_size=25,
)
Records = list[dict[str, Any]]


def at(minutes: float) -> datetime:
    return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=minutes)


def live(messages: Records) -> Any:
    state = HistoryState(CAMPAIGNS.views, lateness="14d")
    told = [message for message in messages if message["label"] and message["labelled_at"]]
    events = campaign_events([message | {"label": None} for message in messages] + told, CAMPAIGNS)
    assert not state.update(events)
    return CAMPAIGNS.of_messages(state.features(campaign_subjects(messages)))


def frame_of(messages: Records) -> pd.DataFrame:
    frame = pd.DataFrame(messages, columns=NAMES)
    for name in NAMES:
        if name.endswith("_at"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        else:
            frame[name] = frame[name].astype("str")
    return frame


@examples(30)
@given(MESSAGES)
def test_batch_is_what_the_live_state_says(messages: Records) -> None:
    frame = frame_of(messages)
    ours = campaign_features(frame, frame, CAMPAIGNS)
    np.testing.assert_array_equal(ours, live(messages))


@examples(30)
@given(MESSAGES, MINUTES, st.randoms(use_true_random=False))
def test_the_future_changes_nothing(messages: Records, now: int, random: Any) -> None:
    frame = frame_of(messages)
    asked = frame_of([{"text": text, "sent_at": at(now)} for text in TEXTS])
    future = frame["sent_at"] >= at(now)
    known = frame["labelled_at"].where(frame["labelled_at"] < at(now))
    expected = campaign_features(frame, asked, CAMPAIGNS)
    scrambled = frame.copy()
    scrambled.loc[future, "text"] = random.choice(TEXTS)
    scrambled.loc[future, "sent_at"] = at(now + random.randint(0, 500))
    changed = {
        "dropped": frame[~future],
        "scrambled": scrambled,
        "labels dropped": frame.assign(labelled_at=known),
        "labels changed": frame.assign(label=frame["label"].where(known.notna(), "spam")),
    }
    for name, past in changed.items():
        np.testing.assert_array_equal(campaign_features(past, asked, CAMPAIGNS), expected, err_msg=name)


def test_no_message_sees_its_own_label_whatever_its_time() -> None:
    spam = frame_of([{"text": TEXTS[0], "sent_at": at(10), "label": "spam", "labelled_at": at(1)}])
    assert campaign_features(spam, spam, CAMPAIGNS)[0, -2:].tolist() == [0, 0]
    day = spam.assign(labelled_at=at(24 * 60))  # as it is given: whoever reads days alone has settled their end
    assert campaign_features(day, spam.assign(sent_at=at(24 * 60 + 1)), CAMPAIGNS)[0, -2:].tolist() == [1, 0]
    later = spam.assign(sent_at=at(10.1))
    assert campaign_features(spam, later, CAMPAIGNS)[0, -2:].tolist() == [1, 0]


def test_messages_without_a_time_are_of_no_campaign() -> None:
    frame = frame_of([{"text": TEXTS[0], "sent_at": None}, {"text": TEXTS[0], "sent_at": at(1)}])
    ours = campaign_features(frame, frame, CAMPAIGNS)
    assert np.isnan(ours[0]).all()
    assert ours[1, 0] == 0


def test_columns_that_are_missing() -> None:
    frame = frame_of([{"text": TEXTS[0], "sent_at": at(1)}])
    slim = frame[["text", "sent_at"]]
    assert campaign_features(slim.assign(label="spam", labelled_at=at(1)), slim, CAMPAIGNS).shape == (1, 9)
    with pytest.raises(SchemaError, match="'sent_at' is missing"):
        campaign_features(frame[["text"]], frame, CAMPAIGNS)


def test_types_are_those_that_became_known() -> None:
    frame = frame_of(
        [
            {"text": "a", "label": "spam", "labelled_at": at(1)},
            {"text": "b", "label": "scam", "labelled_at": None},
            {"text": "c", "label": None, "labelled_at": at(1)},
        ]
    )
    assert label_types(frame) == ("spam",)
    assert label_types(frame[["text", "label"]]) == ()
