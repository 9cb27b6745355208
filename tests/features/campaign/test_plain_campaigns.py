"""Campaign columns as of a moment, against plain Python that knows which messages are of one campaign.

Neither the folding nor the bands of the library are used: campaigns are told apart by what wrote their messages, and
messages that are only similar by a MinHash in whole numbers.
"""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.campaign.campaign_batch import campaign_features
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.live_state import HistoryState
from tests.features.bands import campaign_events
from tests.profiles import size

pytestmark = pytest.mark.slow

CAMPAIGNS = CampaignHistory(("1h", "1d"), ("scam", "spam"))
LETTERS = ("abcde", "fghij", "klmno", "pqrst")
"""The letters of each campaign: two campaigns have no run of three letters in common."""
Rows = list[dict[str, Any]]


def variant(campaign: int, chance: random.Random) -> str:
    """Write a message of a campaign: other numbers, capitals, full-width and invisible characters."""
    skeleton = random.Random(campaign)
    words = ["".join(skeleton.choices(LETTERS[campaign], k=7)) for _ in range(12)]
    words[::2] = [str(chance.randint(1000, 9999)) for _ in range(6)]
    forms: list[Callable[[str], str]] = [
        str,
        str.upper,
        lambda word: "".join(chr(ord(sign) + 0xFEE0) for sign in word),
        lambda word: word[:3] + "\u200b" + word[3:],
    ]
    return " ".join(chance.choice(forms)(word) for word in words)


def simulated(chance: random.Random, n: int) -> Rows:
    """Return messages of four campaigns, many of them at equal times or at the edges of windows."""
    start, rows = datetime(2026, 5, 1, tzinfo=UTC), Rows()
    for number in range(n):
        sent = start + timedelta(minutes=chance.choice((0, 1, 59, 60, 61, 1439, 1440, 1441, chance.randint(0, 3000))))
        label = chance.choice((None, None, "scam", "spam"))
        after = timedelta(minutes=chance.choice((-30, 0, 1, 60, 1440, chance.randint(0, 2000))))
        campaign = chance.randrange(len(LETTERS))
        rows.append(
            {
                "message_id": f"m{number}",
                "campaign": campaign,
                "text": variant(campaign, chance),
                "sent_at": sent,
                "account_id": chance.choice((None, "ann", "bob", "eve")),
                "recipient_id": chance.choice((None, "x", "y")),
                "label": label,
                "labelled_at": None if label is None else sent + after,
            }
        )
    return rows


def known_before(earlier: Rows, moment: datetime) -> list[float]:
    """Count messages of one campaign in the hour and the day before a moment, without the moment itself."""
    hour, day = (
        [row for row in earlier if moment - timedelta(hours=hours) <= row["sent_at"] < moment] for hours in (1, 24)
    )
    counts: list[float] = [len(hour), len(day)]
    for who in ("account_id", "recipient_id"):
        counts += [len({row[who] for row in window if row[who] is not None}) for window in (hour, day)]
    counts.append(max(((moment - row["sent_at"]).total_seconds() for row in day), default=math.nan))
    for name in ("scam", "spam"):
        known = [max(row["labelled_at"], row["sent_at"]) for row in earlier if row["label"] == name]
        counts.append(sum(moment - timedelta(days=1) <= time < moment for time in known))
    return counts


def as_frame(rows: Rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.assign(
        sent_at=pd.to_datetime(frame["sent_at"], utc=True), labelled_at=pd.to_datetime(frame["labelled_at"], utc=True)
    )


def live_columns(rows: Rows) -> Any:
    state = HistoryState(CAMPAIGNS.views, lateness="14d")
    labelled = [row for row in rows if row["label"]]
    events = campaign_events([row | {"label": None} for row in rows] + labelled, CAMPAIGNS)
    assert state.update(events, now=datetime(2027, 1, 1, tzinfo=UTC)) == ()
    return CAMPAIGNS.message_columns(state.features(campaign_subjects(rows)))


@pytest.mark.parametrize("seed", range(size(40, usual=4)))
def test_columns_are_the_counts_of_the_campaign_strictly_before(seed: int) -> None:
    rows = simulated(random.Random(seed), 60)
    expected = [
        known_before([one for one in rows if one["campaign"] == row["campaign"]], row["sent_at"]) for row in rows
    ]
    frame = as_frame(rows)
    np.testing.assert_array_equal(campaign_features(frame, frame, CAMPAIGNS), expected)
    np.testing.assert_array_equal(live_columns(rows), expected)


MASK, MULTIPLIER, OF_BANDS = 2**64 - 1, 0xFF51AFD7ED558CCD, 0x9E3779B97F4A7C15
WORDS = ("prize", "call", "now", "parcel", "bank", "account", "held", "link", "click", "card", "verify", "code")


def plain_bands(text: str) -> list[int]:
    """Return the keys of the eight bands of a text of lower-case words: five MinHash values of its 3-grams each."""
    seeds = [int(seed) for seed in np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64)]
    least = [2**32 - 1] * 40
    for first in range(len(text) - 2):
        state = MULTIPLIER
        for sign in text[first : first + 3]:
            state = (state ^ ord(sign)) * MULTIPLIER & MASK
            state ^= state >> 32
        for place in range(40):
            least[place] = min(least[place], ((state ^ seeds[place]) * MULTIPLIER & MASK) >> 32)
    keys = []
    for band in range(8):
        key = (band + 1) * OF_BANDS & MASK
        for value in least[5 * band : 5 * band + 5]:
            key = (key ^ value) * OF_BANDS & MASK
            key ^= key >> 29
        keys.append(key)
    return keys


@pytest.mark.parametrize("seed", range(size(20, usual=2)))
def test_messages_that_are_only_similar_count_as_their_shared_bands_say(seed: int) -> None:
    chance = random.Random(seed)
    base = [chance.choices(WORDS, k=10) for _ in range(3)]
    rows = simulated(chance, 40)
    for row in rows:
        words = list(chance.choice(base))
        words[chance.randrange(10)] = chance.choice(WORDS)
        row["text"] = " ".join(words)
    keys = [plain_bands(row["text"]) for row in rows]
    expected = []
    for row, own in zip(rows, keys, strict=True):
        bands = [
            known_before([one for one, of in zip(rows, keys, strict=True) if key in of], row["sent_at"]) for key in own
        ]
        expected.append(
            [
                max((value for value in column if value == value), default=math.nan)
                for column in zip(*bands, strict=True)
            ]
        )
    frame = as_frame(rows)
    found = campaign_features(frame, frame, CAMPAIGNS)
    np.testing.assert_array_equal(found, expected)
    assert len({tuple(own) for own in keys}) > 10
    assert (found[:, 1] > 0).any()
