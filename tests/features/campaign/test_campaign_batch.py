"""Campaign features in batch: equal to the live state, and independent of the future."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.campaign_batch import campaign_features, label_types
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.timeline import read_bands
from fraudsieve.features.live_state import HistoryState
from fraudsieve.tables.cells import STRING
from tests.features.bands import campaign_events
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
    labelled = [message for message in messages if message["label"] and message["labelled_at"]]
    events = campaign_events([message | {"label": None} for message in messages] + labelled, CAMPAIGNS)
    assert not state.update(events)
    return CAMPAIGNS.message_columns(state.features(campaign_subjects(messages)))


def frame_of(messages: Records) -> pd.DataFrame:
    frame = pd.DataFrame(messages, columns=NAMES)
    for name in NAMES:
        if name.endswith("_at"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        else:
            frame[name] = frame[name].astype(STRING)
    return frame


def apply_records(state: HistoryState, messages: list[Records]) -> None:
    """Add messages, each as the events of its bands."""
    for bands in messages:
        name = "campaign" if "campaign" in bands[0] else "labelled"
        state.apply([read_bands({**bands[0], name: [band[name] for band in bands]}, state.views)])


def apply_columns(state: HistoryState, messages: list[Records]) -> None:
    """Add messages, then their labels, as columns with a list of bands per message."""
    for band in ("campaign", "labelled"):
        chosen = [bands for bands in messages if band in bands[0]]
        columns = {name: [bands[0][name] for bands in chosen] for name in chosen[0][0] if name != band}
        prepared, rejected = state.prepare_columns(
            columns | {band: [[one[band] for one in b] for b in chosen]}, "messages"
        )
        assert not rejected
        state.apply(prepared)


@examples(30)
@given(MESSAGES)
def test_batch_equals_live_state(messages: Records) -> None:
    frame = frame_of(messages)
    ours = campaign_features(frame, frame, CAMPAIGNS)
    np.testing.assert_array_equal(ours, live(messages))


@pytest.mark.slow
@examples(30)
@given(MESSAGES, MINUTES, st.randoms(use_true_random=False))
def test_later_messages_and_labels_change_nothing(messages: Records, now: int, random: Any) -> None:
    frame = frame_of(messages)
    messages_now = frame_of([{"text": text, "sent_at": at(now)} for text in TEXTS])
    future = frame["sent_at"] >= at(now)
    known = frame["labelled_at"].where(frame["labelled_at"] < at(now))
    expected = campaign_features(frame, messages_now, CAMPAIGNS)
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
        np.testing.assert_array_equal(campaign_features(past, messages_now, CAMPAIGNS), expected, err_msg=name)


def test_the_order_of_contradicting_labels_does_not_matter() -> None:
    """A message with two classes at one time, each of them twice: the last in alphabetical order counts."""
    message = dict(zip(NAMES, (TEXTS[0], at(0), None, None, None, at(5)), strict=True)) | {"message_id": "m"}
    labels = [message | {"label": label} for label in ("spam", "ham", "spam", "ham")]
    later = {"text": TEXTS[1], "sent_at": at(9)}
    found = []
    for rows in (labels, labels[::-1]):
        past = frame_of(rows).assign(message_id="m")
        found.append(campaign_features(past, frame_of([later]), CAMPAIGNS)[0])
        bands = [campaign_events([row], CAMPAIGNS) for row in (message, *rows)]
        for as_columns in (False, True):
            state = HistoryState(CAMPAIGNS.views)
            apply_columns(state, bands) if as_columns else apply_records(state, bands)
            found.append(CAMPAIGNS.message_columns(state.features(campaign_subjects([later])))[0])
    assert found[0][-2:].tolist() == [0, 1]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_no_message_counts_its_own_label() -> None:
    spam = frame_of([{"text": TEXTS[0], "sent_at": at(10), "label": "spam", "labelled_at": at(1)}])
    assert campaign_features(spam, spam, CAMPAIGNS)[0, -2:].tolist() == [0, 0]
    day = spam.assign(
        labelled_at=at(24 * 60)
    )  # label times are used as given; resolve_label_times handles dates without times
    assert campaign_features(day, spam.assign(sent_at=at(24 * 60 + 1)), CAMPAIGNS)[0, -2:].tolist() == [1, 0]
    later = spam.assign(sent_at=at(10.1))
    assert campaign_features(spam, later, CAMPAIGNS)[0, -2:].tolist() == [1, 0]


def test_messages_without_a_time_have_no_campaign_features() -> None:
    frame = frame_of([{"text": TEXTS[0], "sent_at": None}, {"text": TEXTS[0], "sent_at": at(1)}])
    ours = campaign_features(frame, frame, CAMPAIGNS)
    assert np.isnan(ours[0]).all()
    assert ours[1, 0] == 0


def test_missing_columns_are_errors() -> None:
    frame = frame_of([{"text": TEXTS[0], "sent_at": at(1)}])
    slim = frame[["text", "sent_at"]]
    assert campaign_features(slim.assign(label="spam", labelled_at=at(1)), slim, CAMPAIGNS).shape == (1, 9)
    with pytest.raises(SchemaError, match="'sent_at' is missing"):
        campaign_features(frame[["text"]], frame, CAMPAIGNS)


def test_label_types_are_those_of_labels_with_times() -> None:
    frame = frame_of(
        [
            {"text": "a", "label": "spam", "labelled_at": at(1)},
            {"text": "b", "label": "scam", "labelled_at": None},
            {"text": "c", "label": None, "labelled_at": at(1)},
        ]
    )
    assert label_types(frame) == ("spam",)
    assert label_types(frame[["text", "label"]]) == ()
