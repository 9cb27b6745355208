"""Frauds that a champion knew and that are legitimate by a later label, by the source of that label."""

from collections.abc import Mapping
from dataclasses import dataclass

from fraudsieve.features.label_trust import Trust, labels_that_counted
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.label_times import with_times
from fraudsieve.training.data.after_training import learned_until
from fraudsieve.training.data.labelled import LabelledData


@dataclass(frozen=True)
class Overturned:
    """Frauds known when the champion was trained, and how many of them each source has overturned, most first."""

    known: int
    by_source: Mapping[str, int]


def overturned_frauds(data: LabelledData, champion: Model, trust: Trust) -> Overturned | None:
    """Count the frauds that labels have overturned since the last record that a champion has learned from.

    None if it cannot be known, or no fraud was known then.
    """
    until = learned_until(champion)
    if data.all_labels is None or until is None:
        return None
    now = labels_that_counted(with_times(data.all_labels), trust=trust, legitimate=data.legitimate)
    before = now[~(now["labelled_at"] > until)]  # a label without a time was always known
    before, now = (labels.drop_duplicates("subject_id", keep="last") for labels in (before, now))
    frauds = before.loc[before["label"] != data.legitimate, "subject_id"]
    overturned = now[now["subject_id"].isin(frauds) & (now["label"] == data.legitimate)]
    counts = overturned["source"].astype(object).fillna("none").value_counts()
    return Overturned(len(frauds), {str(source): int(n) for source, n in counts.items()}) if len(frauds) else None
