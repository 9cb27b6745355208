"""Campaigns over time: counts of a message's near-duplicates strictly before it was sent.

Near-duplicates share bands of their fingerprints (Leskovec et al., Mining of Massive Datasets, chapter 3). Each band is
an entity with its own history, computed by the same kernels as the history of an account, in batch and live. A message
has eight bands, and each column is the maximum over them, so obfuscation hides a campaign only if it changes all bands.
With five hashes per band, two messages of similarity s share a band with probability ``1 - (1 - s**5)**8``: .98 for .8,
.48 for .6, .02 for .3. Needs only NumPy and Numba.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fraudsieve._typing import Array, JsonObject, Record
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.records import record_time
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH, normalise_label, read_category

from .fingerprints import fingerprints

N_BANDS, ROWS = 8, 5
MAX_MESSAGES = 2048
"""Messages of a band that a window holds, at most; all eight bands are computed for a message."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)


@dataclass(frozen=True)
class CampaignHistory:
    """The declaration of the campaign features of a message."""

    windows: tuple[str, ...] = ("1h", "1d", "7d", "30d")
    # Labels of near-duplicates that are counted, each from the time it became known; empty if labels have no times.
    types: tuple[str, ...] = ()
    # Classes by label, as in `LabelReading`: 1 may stand for fraud.
    label_classes: Mapping[str, str | None] = field(default_factory=dict)
    time_zone: str = "UTC"
    order_key: str = ""

    def class_of(self, label: str) -> str | None:
        """Return the class that a label stands for; None for a label that means that a message has none, such as -1."""
        return self.label_classes.get(normalise_label(label), label)

    @cached_property
    def views(self) -> tuple[History, ...]:
        """The feature views of the events that messages and their labels are converted to."""
        sent = History(
            self.windows,
            entity="campaign",
            counterparty="sender_id",
            identifiers=("recipient_id",),
            measures=("count", "distinct", "span"),
            name="campaign",
            time_zone=self.time_zone,
            max_events=MAX_MESSAGES,
            order_key=self.order_key,
        )
        if not self.types:
            return (sent,)
        labels = History(
            (sent.longest,),
            self.types,
            entity="labelled",
            subject="campaign",
            counterparty="subject_id",
            by_kind=("held",),
            measures=("held",),
            name="labelled",
            time_zone=self.time_zone,
            max_events=MAX_MESSAGES,
            order_key=self.order_key,
        )
        return sent, labels

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        counts = [f"{count}_{window}" for count in ("messages", "senders", "recipients") for window in self.windows]
        labelled = [f"labelled_{name}" for name in self.types]
        return tuple(f"campaign__{name}" for name in (*counts, "age", *labelled))

    @cached_property
    def positions(self) -> list[int]:
        """Positions of `columns` among the columns of the views."""
        sent, names = self.views[0], history_columns(self.views)
        view_columns = [f"volume__campaign_count_{window}" for window in self.windows]
        view_columns += [f"counterparties__campaign_distinct_{window}" for window in self.windows]
        view_columns += [f"counterparties__campaign_distinct_recipient_id_{window}" for window in self.windows]
        view_columns += [f"rhythm__campaign_span_{sent.longest}"]
        view_columns += [f"volume__labelled_held_{sent.longest}_{name}" for name in self.types]
        return [names.index(name) for name in view_columns]

    def message_columns(self, band_columns: Array) -> Array:
        """Return the columns of messages: the maximum over the bands of each message.

        The age is the time in seconds since the first near-duplicate in the longest window; NaN without one.
        """
        block = band_columns[:, self.positions].reshape(-1, N_BANDS, len(self.columns))
        return np.asarray(np.fmax.reduce(block, axis=1))

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types."""
        return {
            "windows": list(self.windows),
            "types": list(self.types),
            "label_classes": dict(self.label_classes),
            "time_zone": self.time_zone,
            "order_key": self.order_key,
        }

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> "CampaignHistory":
        """Read a declaration that `to_dict` returned."""
        windows, types = (tuple(map(str, declared[name])) for name in ("windows", "types"))
        classes = {str(label): name if name is None else str(name) for label, name in declared["label_classes"].items()}
        others = str(declared.get("time_zone", "UTC")), str(declared.get("order_key", ""))
        return cls(windows, types, classes, *others)


def band_keys(folded: CodePoints) -> Array:
    """Return the band keys of texts; near-duplicates are likely to share at least one."""
    bands = fingerprints(folded)[:, : N_BANDS * ROWS].reshape(-1, N_BANDS, ROWS).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, N_BANDS + 1, dtype=np.uint64) * MULTIPLIER, bands.shape[:2]).copy()
    for row in range(ROWS):
        keys = (keys ^ bands[:, :, row]) * MULTIPLIER
        keys ^= keys >> SHIFT
    return keys


def message_event(message: Record, keys: Sequence[int], campaigns: CampaignHistory) -> Record | None:
    """Convert a message, or its label, to an event with the list of its bands; None for a label that never counts."""
    label = read_category(message.get("label"), "label")
    name = None if label is None else campaigns.class_of(label)
    identifier = message.get("message_id")
    if label is None:
        ids = {"sender_id": message.get("account_id"), "recipient_id": message.get("recipient_id")}
        return {"campaign": keys, "occurred_at": message.get("sent_at"), "event_id": identifier, **ids}
    if name is None or not campaigns.types:
        return None
    known = {"occurred_at": _label_time(message, campaigns.time_zone), "kind": name}
    return {"labelled": keys, **known, "event_id": identifier, "subject_id": identifier}


def campaign_subjects(messages: Sequence[Record]) -> list[Record]:
    """Convert messages to subjects of a live state.

    There are eight per message, for `CampaignHistory.message_columns`.
    """
    pairs = zip(messages, message_keys(messages), strict=True)
    return [{"campaign": key, "as_of": message.get("sent_at")} for message, keys in pairs for key in keys]


def _label_time(message: Record, zone: str) -> Any:
    """Return the time from which a label counts, which is never before the message was sent."""
    labelled = record_time(message.get("labelled_at"), "labelled_at", zone)
    sent = record_time(message.get("sent_at"), "sent_at", zone)
    return None if labelled is None else np.datetime64(max(labelled, labelled if sent is None else sent), "us")


def message_keys(messages: Sequence[Record]) -> list[list[int]]:
    """Return the keys of the bands of each message, at once; those of the empty text for one that cannot be read."""
    found = (message.get("text") for message in messages)
    texts = [text if isinstance(text, str) and len(text) <= MAX_TEXT_LENGTH else "" for text in found]
    return band_keys(fold_codes(pack(texts))[0]).tolist() if messages else []
