"""Labels of several sources, generated, and which of them counted, computed by a loop."""

import pandas as pd
from hypothesis import strategies as st

from fraudsieve.features.label_trust import Trust

__all__ = ["LABEL_ROWS", "START", "TRUST", "LabelRows", "held_since", "histories_by_hand", "labels_of"]

START = pd.Timestamp("2026-01-01", tz="UTC")
TRUST = Trust({"review": 1.0, "report": 0.5, "rule": 0.5, "joke": 0.0})

LabelRows = list[tuple[str, str, int | None, str]]
LABEL_ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["spam", "phishing", "legitimate"]),
        st.none() | st.integers(0, 6),
        st.sampled_from(sorted(TRUST.by_source)),
    ),
    max_size=25,
)


def labels_of(label_rows: LabelRows) -> pd.DataFrame:
    frame = pd.DataFrame(label_rows, columns=["subject_id", "label", "day", "source"])
    days = frame.pop("day").astype("float64")
    return frame.assign(labelled_at=START + pd.to_timedelta(days, unit="D"))


def histories_by_hand(label_rows: LabelRows, day: int | None, trust: Trust) -> dict[str, list[tuple[int, str, float]]]:
    """Return the labels that counted for every subject in order: (time, label, weight)."""
    known_rows = [row for row in label_rows if row[2] is None or day is None or row[2] < day]
    by_time: dict[tuple[str, int], list[tuple[float, bool, str]]] = {}
    for subject, label, time, source in known_rows:
        weight = trust.by_source[source] if trust.declared else 1.0
        if weight > 0:
            by_time.setdefault((subject, -1 if time is None else time), []).append(
                (weight, label != "legitimate", label)
            )
    out: dict[str, list[tuple[int, str, float]]] = {}
    for (subject, time), at_once in sorted(by_time.items()):
        weight, _, label = max(at_once)
        before = out.setdefault(subject, [])
        if not before or weight >= before[-1][2]:
            before.append((time, label, weight))
    return out


def held_since(rows: list[tuple[int, str, float]]) -> int:
    """Return the earliest time since which the last label of a subject has held, -1 without times."""
    first = next((place for place in range(len(rows) - 1, -1, -1) if rows[place][1] != rows[-1][1]), -1) + 1
    return min((time for time, _, _ in rows[first:] if time >= 0), default=-1)
