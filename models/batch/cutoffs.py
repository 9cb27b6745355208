"""The default cutoff time of accounts: just after the last event, or now without events."""

from dataclasses import dataclass
from typing import Self

import pandas as pd

from fraudsieve.models.artifact.folder import Model


@dataclass(frozen=True)
class DefaultCutoff:
    """The cutoff time of the accounts of a run that have no ``as_of``. It is the same for all of them."""

    # The time; None if the records need none: they are not accounts, or the model uses no times.
    time: pd.Timestamp | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, events: pd.DataFrame | None) -> Self:
        """Return the cutoff time for a model, from the events that it uses."""
        if not model.subject.is_account or not model.matrix.timed:
            return cls(None, ())
        time, note = end_of_events(events)
        has_events = events is not None and len(events)
        when = "as of the last event" if has_events else "as of the time of this run, since there are no events"
        return cls(time, (*([note] if note else []), f"accounts without as_of are scored {when}"))

    def fill(self, accounts: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Return the accounts, each with ``as_of``; and the notes, if one had none."""
        if self.time is None:
            return accounts, ()
        missing = accounts["as_of"].isna() if "as_of" in accounts else pd.Series(True, accounts.index)
        if not missing.any():
            return accounts, ()
        cutoffs = pd.Series(self.time, accounts.index, "datetime64[us, UTC]")
        filled = accounts["as_of"].where(~missing, cutoffs) if "as_of" in accounts else cutoffs
        return accounts.assign(as_of=filled), self.notes


def end_of_events(events: pd.DataFrame | None) -> tuple[pd.Timestamp, str | None]:
    """Return the time just after the last event, ignoring events in the future (from a wrong clock)."""
    now = pd.Timestamp.now("UTC").as_unit("us")
    if events is None or events.empty:
        return now, None
    times = events["occurred_at"]
    future = times > now + pd.Timedelta(days=1)
    if future.all():
        return times.max() + pd.Timedelta(microseconds=1), None
    note = f"{int(future.sum())} events are in the future: they are not part of the history"
    return times[~future].max() + pd.Timedelta(microseconds=1), note if future.any() else None
