"""The part of the sheet on labels: how long they take, what is still to come, and what was taken back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.tables.label_times import known_from
from fraudsieve.training.data.labelled import Labelled, with_times
from fraudsieve.training.labels.maturity import DAY, MATURE, DelayCurve, delay_curve, maturity_gaps, seen_until
from fraudsieve.training.labels.trust import Trust, reversals
from fraudsieve.training.pages.svg_scale import number

__all__ = ["label_sheet", "short_days", "waiting_note"]


SHARES = (0.5, 0.9, MATURE, 0.99)
CURVE_POINTS = 100
MOST_SOURCES = 12
INSTANT = 1 / DAY
"""Delays that are all under a second, in days: the records were looked at when their labels came."""


def label_sheet(
    data: Labelled,
    training: Mapping[str, Any],
    *,
    legitimate: str | None = None,
    since: Any = None,
    trust: Trust | None = None,
) -> dict[str, Any]:
    """Say how far the labels of some records can be relied on.

    Parameters
    ----------
    data : Labelled
        The records, and those that wait for a label.
    training : mapping
        What the model says of its training (``model.training``): which gap it was tested with.
    legitimate : str, default=None
        The class that is no crime; None where there is none, and then the frauds to come are not counted.
    since : datetime, default=None
        Of the records from this moment on those that wait are counted; the delays are those of all. A naive one is UTC.
    trust : Trust, default=None
        Weights of the sources of labels: what an untrusted one said is no reversal. None trusts all alike.

    Returns
    -------
    dict
        ``delays`` (``share`` of the labels that come, and the ``days`` by which it is there), ``mature_by_class`` (days
        at 95 %) and ``curve`` (pairs of age in days and share), None where labels have no times; ``timed``, the labels
        that these rest on; ``gap`` (``days`` and ``why``); ``records`` and those ``unlabelled``; ``youngest`` (see
        `waiting_note`; None where no delays are known); ``reversals`` (``count`` and ``pairs``), None where a record
        has one label; ``by_source``, where there are several.

    Examples
    --------
    >>> from fraudsieve.training.data.labelled import load_labelled
    >>> frame = pd.DataFrame({"message_id": ["a", "b", "c"], "text": ["win", "hi", "hello"],
    ...     "label": ["spam", "ham", None],
    ...     "sent_at": ["2026-05-01 10:00", "2026-05-02 10:00", "2026-05-03 10:00"],
    ...     "labelled_at": ["2026-05-02 10:00", "2026-05-04 10:00", None]})
    >>> sheet = label_sheet(load_labelled(frame), {"split": "time", "gap_days": 3.0})
    >>> sheet["gap"]["days"], sheet["delays"][2], sheet["youngest"]["waiting"]
    (3.0, {'share': 0.95, 'days': 2.0}, 1)
    """
    subjects, gap = data.subjects, _gap_used(training)
    curve = delay_curve(subjects)
    told = curve.age_at(1.0) >= INSTANT
    asked = subjects if since is None else subjects[subjects["as_of"] >= pd.to_datetime(since, utc=True)]
    return {
        "delays": [{"share": share, "days": curve.age_at(share)} for share in SHARES] if told else None,
        "mature_by_class": maturity_gaps(subjects) if told else None,
        "curve": [[curve.age_at(share), float(share)] for share in _steps()] if told else None,
        "timed": curve.n_labelled,
        "gap": gap,
        "records": len(asked),
        "unlabelled": int(asked["label"].isna().sum()),
        "youngest": _youngest(subjects, asked, curve, gap["days"], legitimate) if told else None,
        "reversals": None if data.said is None else _reversals(data.said, trust),
        "by_source": _by_source(data, trust),
    }


def _steps() -> Array:
    return np.asarray(np.linspace(0, 1, CURVE_POINTS + 1)[1:])


def _gap_used(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gap that the model was tested with, and where it is from."""
    kind, days = training.get("split"), training.get("gap_days")
    given = ((training.get("recipe") or {}).get("split") or {}).get("gap_days")
    if kind != "time" or days is None:
        why = "the model does not say" if kind in (None, "time") else f"split by {kind}, not by time"
        return {"days": None, "why": why}
    if given is not None:
        return {"days": days, "why": "as given"}
    return {"days": days, "why": f"{MATURE:.0%} of the labels are there by then" if days else "labels have no times"}


def _youngest(
    subjects: pd.DataFrame, asked: pd.DataFrame, curve: DelayCurve, gap: float | None, legitimate: str | None
) -> dict[str, Any]:
    days = max(curve.age_at(MATURE), gap or 0.0)
    ages = ((seen_until(subjects) - asked["as_of"]).dt.total_seconds() / DAY).to_numpy()
    young = ages < days
    waiting = ages[young & asked["label"].isna().to_numpy()]
    frauds = None
    if legitimate is not None:
        kinds = subjects["label"].where(subjects["label"].isna() | (subjects["label"] == legitimate), "fraud")
        of_fraud = delay_curve(subjects.assign(label=kinds), label="fraud")
        frauds = float(of_fraud.chance_to_come(waiting, curve).sum())
    return {
        "days": days,
        "records": int(young.sum()),
        "waiting": len(waiting),
        "share_to_come": float(curve.share_to_come(ages[young]).mean()) if young.any() else None,
        "expected": float(curve.chance_to_come(waiting).sum()),
        "expected_frauds": frauds,
    }


def _reversals(said: pd.DataFrame, trust: Trust | None) -> dict[str, Any]:
    found = reversals(said, trust=trust)
    return {"count": int(found["count"].sum()), "pairs": found.to_dict("records")}


def _by_source(data: Labelled, trust: Trust | None) -> list[dict[str, Any]] | None:
    """Tell sources apart: how much each says, how soon where it is the first, and how often it is replaced."""
    said, moments = _with_sources(data)
    counts = said["source"].value_counts()
    if len(counts) < 2:
        return None
    replaced = reversals(said, trust=trust, by_source=True).groupby("source")["count"].sum()
    first = said.sort_values("labelled_at", kind="stable", na_position="first").drop_duplicates("subject_id")
    first = first.assign(as_of=first["subject_id"].map(moments), label=first["source"])
    # Sources compete as classes do: the first that speaks keeps the others from being it.
    waiting = pd.DataFrame({"as_of": data.waiting})
    subjects = pd.concat([first.loc[first["as_of"].notna(), ["as_of", "labelled_at", "label"]], waiting])
    found = []
    for source, labels in counts.head(MOST_SOURCES).items():
        curve = delay_curve(subjects, label=str(source))
        days = [curve.age_at(share) for share in SHARES] if curve.age_at(1.0) >= INSTANT else None
        facts = {"source": str(source), "labels": int(labels), "first": int((first["source"] == source).sum())}
        found.append(facts | {"days": days, "reversed": int(replaced.get(source, 0))})
    return found


def _with_sources(data: Labelled) -> tuple[pd.DataFrame, pd.Series]:
    """Return all labels with their sources, and the moments of the records by their ids."""
    columns = ["subject_id", "label", "labelled_at", "source"]
    if data.said is None:
        said = data.rows.reindex(columns=columns).assign(subject_id=data.rows.index)
        return said, data.rows["as_of"]
    said = with_times(data.said.reindex(columns=columns))
    said["labelled_at"] = known_from(said["labelled_at"])[0]
    moments = data.rows.drop_duplicates(f"{data.subject}_id").set_index(f"{data.subject}_id")["as_of"]
    return said, moments


def waiting_note(labels: Mapping[str, Any]) -> str | None:
    """Warn of the youngest records, where they still wait for labels.

    Parameters
    ----------
    labels : mapping
        As from `label_sheet`. Of ``youngest``: ``days``, the time in which labels mature, or the gap where that is
        longer; the ``records`` of so many last days; those of them ``waiting``; ``share_to_come``, of all their labels;
        ``expected``, the labels that the waiting ones will get; and ``expected_frauds``, if fraud is as frequent among
        them as before: campaigns come in bursts, so take that number with care.

    Returns
    -------
    str or None
        None where not even one label is to be expected.

    Examples
    --------
    >>> young = {"days": 7.0, "records": 2847, "waiting": 373, "expected": 210.2, "expected_frauds": 12.0}
    >>> waiting_note({"youngest": young})
    '373 of 2,847 records of the last 7 days wait for labels; about 210 will come, 12 of fraud if it is as frequent as
    before: figures on the last 7 days lack the frauds that are not yet known'
    """
    young = labels["youngest"]
    if not young or young["expected"] < 0.5:
        return None
    last = f"the last {short_days(young['days'])} days"
    frauds = ""
    if young["expected_frauds"] is not None:
        frauds = f", {young['expected_frauds']:,.0f} of fraud if it is as frequent as before"
    return (
        f"{young['waiting']:,} of {young['records']:,} records of {last} wait for labels; about "
        f"{young['expected']:,.0f} will come{frauds}: figures on {last} lack the frauds that are not yet known"
    )


def short_days(days: float) -> str:
    """Return a number of days as people write it.

    Parameters
    ----------
    days : float
        Days.

    Returns
    -------
    str
        Up to three digits that count.

    Examples
    --------
    >>> short_days(12.985), short_days(0.04166), short_days(1234.5)
    ('13', '0.0417', '1,230')
    """
    return number(float(f"{days:.3g}"))
