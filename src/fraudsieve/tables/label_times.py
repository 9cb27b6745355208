"""Times from which labels count as known: if only the day is given, from the end of that day."""

import pandas as pd

from fraudsieve._translation import tr

from .cells import STRING

ONE_DAY = pd.Timedelta(days=1)


def has_only_dates(times: pd.Series) -> bool:
    """Return whether all times are at midnight, so that only their dates are known."""
    known = times.dropna()
    return bool(len(known)) and bool((known == known.dt.normalize()).all())


def resolve_label_times(labelled_at: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return the times from which labels were certainly known."""
    if not has_only_dates(labelled_at):
        return labelled_at, []
    return labelled_at + ONE_DAY, [
        tr("labelled_at holds dates without times: a label counts as known from the end of its day")
    ]


def with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a copy of a checked table with the columns ``label`` and ``labelled_at``, empty if they were missing."""
    frame = frame.copy()
    for name in (*columns, "labelled_at"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]")
    if "label" not in frame:
        frame["label"] = pd.Series(None, frame.index, STRING)
    return frame
