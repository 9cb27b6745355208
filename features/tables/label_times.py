"""When a label counts as known: never before its event, and, where only its day was noted, from the end of that day."""

import pandas as pd

__all__ = ["ONE_DAY", "has_only_dates", "resolve_label_times"]

ONE_DAY = pd.Timedelta(days=1)


def has_only_dates(times: pd.Series) -> bool:
    """Tell whether times are days alone: all at midnight.

    Parameters
    ----------
    times : Series of datetime64
        Times; missing ones say nothing.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_only_dates(pd.to_datetime(pd.Series(["2026-05-01", None])))
    True
    >>> has_only_dates(pd.to_datetime(pd.Series(["2026-05-01 10:00"])))
    False
    """
    known = times.dropna()
    return bool(len(known)) and bool((known == known.dt.normalize()).all())


def resolve_label_times(labelled_at: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return from when on labels were surely known.

    Parameters
    ----------
    labelled_at : Series of datetime64, shape (n_rows,)
        As it was noted.

    Returns
    -------
    times : Series of datetime64, shape (n_rows,)
        The end of the day where all of them are days alone: a label of the first of May may have come at any time of
        it, and an event of that noon must not know it.
    notes : list of str
        What was assumed.

    Examples
    --------
    >>> times, notes = resolve_label_times(pd.to_datetime(pd.Series(["2026-05-01"])))
    >>> str(times[0]), len(notes)
    ('2026-05-02 00:00:00', 1)
    """
    if not has_only_dates(labelled_at):
        return labelled_at, []
    return labelled_at + ONE_DAY, ["labelled_at holds days alone: a label counts as known from the end of its day"]
