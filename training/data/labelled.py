"""Read labelled messages as one frame of rows to train on, and what all subjects share for that.

Read labelled accounts and events as rows to train on, together with the events that are their history.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, history_of_labels, join_labels, labels_with_times
from fraudsieve.models.batch.scored_tables import end_of_events, of_kind
from fraudsieve.tables.checks import input_names
from fraudsieve.tables.label_values import LabelReader, LabelReading, read_classes, read_labels, with_times
from fraudsieve.tables.reader import CheckedTable, read_table
from fraudsieve.tables.source import Source, data_digest, origin_of
from fraudsieve.training.labels import DAY, MATURE, RATE, DelayCurve, kind_curves, maturity_gap, seen_until
from fraudsieve.training.recipe.headers import required_columns
from fraudsieve.training.recipe.recipe import LabelledSize

from .assumed_labels import Assumption, reported, with_assumed_labels, with_inclusion_weights, without_assumed_labels
from .precomputed_matrix import PrecomputedMatrix

PLACE = "fraudsieve: row"
"""The column of positions in the input while rows are read; no table has a column of this name."""

FEW_ROWS_OF_LABEL = "the label has fewer than"
MAX_UNLABELLED = 20_000
MIN_LEGITIMATE = 5
"""The fewest legitimate rows that fraud is told apart from."""
MAX_NAMED = 5
"""Labels that a note names."""
SLOW = 0.1
"""Labels of a kind are slow if a larger share of them is still to come when all labels together are mature."""
ALIKE = 0.8
"""Two kinds are known equally often if the smaller share is at least this part of the larger one."""
PARTS = 3
"""The span of the records over the longest delay of labels that it allows, see `LabelledData.delays`."""
DAYS_A_MONTH = 365.25 / 12
WITHOUT_LABEL_TIMES = (
    "labels have no labelled_at: no feature counts the earlier frauds of an account, a device or a counterparty. The "
    "times at which the labels became known would give such features"
)


def months_for(days: float) -> int:
    """Return how many months of records a delay of labels needs."""
    return math.ceil(PARTS * days / DAYS_A_MONTH)


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Labelled records, and those that are rejected, unlabelled or too young. Every input row is in one of these parts.

    Parameters
    ----------
    rows : DataFrame
        Labelled messages, accounts or events, always with the columns ``label``, ``labelled_at`` and ``as_of``. If
        labels have inclusion probabilities, also with ``inclusion_weight``, see `with_inclusion_weights`.
    rejected : DataFrame
        Rejected records, with the reasons.
    rejected_labels : DataFrame
        Rejected rows of the table of labels, with the reasons; empty without such a table.
    n_unlabelled : int
        Records without a label; they are not trained on, and not treated as legitimate.
    notes : tuple of str
        Assumptions and changes that the user should know.
    digests : dict of str to str
        SHA-256 of each table.
    read_as : mapping of str to str, optional
        The encoding of the first table that is not ASCII, and the decimal signs of the columns that decided them.
    subject : Subject, default=message
        The kind of record in a row.
    events : DataFrame, default=None
        All valid events: the history of the rows.
    rejected_events : DataFrame, optional
        Rejected events, if the rows are not events.
    messages : DataFrame, default=None
        All valid messages without their labels, as the history of the rows.
    waiting : Series of datetime64, optional
        The cutoff times (``as_of``) of the records without a label.
    assumed_after : timedelta, default=None
        The age from which a record without a label counts as legitimate; None if none does. The rows then have a
        column ``label_assumed``.
    unlabelled : DataFrame, optional
        Records without a label, at most 20,000 drawn at random: labels are compared with them.
    young : DataFrame, optional
        The ``as_of``, ``labelled_at`` and ``label`` of labelled records that are younger than that. They are not
        trained on: most of the legitimate ones beside them have no label yet.
    all_labels : DataFrame, default=None
        All rows of the table of labels about these records, replaced ones too; None without such a table.
    known_labels : DataFrame, default=None
        The labels that features may use, each until the next one of its record: ``label`` and ``labelled_at``, with the
        columns of the records. None for those of `rows`. Of accounts, they have only ids, and include those of accounts
        that are not in the table of accounts.
    reading : LabelReading, optional
        How labels were read as classes, and which of them is legitimate.
    precomputed : PrecomputedMatrix, default=None
        The precomputed feature matrix of the rows; None if it must be computed.
    group : str, default=None
        The column of `rows` whose values belong together; None for campaigns or accounts alone.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame
    rejected_labels: pd.DataFrame
    n_unlabelled: int
    notes: tuple[str, ...]
    digests: dict[str, str]
    read_as: Mapping[str, str] = field(default_factory=dict)
    subject: Subject = Subject.MESSAGE
    events: pd.DataFrame | None = None
    rejected_events: pd.DataFrame = field(default_factory=pd.DataFrame)
    messages: pd.DataFrame | None = None
    waiting: pd.Series = field(default_factory=lambda: pd.Series([], dtype="datetime64[us, UTC]"))
    assumed_after: timedelta | None = None
    unlabelled: pd.DataFrame = field(default_factory=pd.DataFrame)
    young: pd.DataFrame = field(default_factory=pd.DataFrame)
    all_labels: pd.DataFrame | None = None
    known_labels: pd.DataFrame | None = None
    reading: LabelReading = field(default_factory=LabelReading)
    precomputed: PrecomputedMatrix | None = None
    group: str | None = None

    @property
    def legitimate(self) -> str:
        """The class of legitimate records, whether any record has it or not."""
        return self.reading.legitimate

    @property
    def size(self) -> LabelledSize:
        """The number of rows, and of the rarer of fraud and legitimate ones; without one of these, of all."""
        n_rows = len(self.rows) + (0 if self.precomputed is None else self.precomputed.declared.left_out)
        n_frauds = int((self.rows["label"] != self.legitimate).sum())
        return LabelledSize(n_rows, min(n_frauds, n_rows - n_frauds) or n_rows)

    @property
    def subjects(self) -> pd.DataFrame:
        """The ``as_of``, ``labelled_at`` and ``label`` of all records, labelled or not, for `delay_curve`.

        A record of a sample has a ``sampling_rate``. One whose label is assumed has none.
        """
        waiting = pd.DataFrame({"as_of": self.waiting})
        # In other tables a column of that name is the user's own.
        is_sample = self.precomputed is not None and self.precomputed.declared.until is not None
        names = ["as_of", "labelled_at", "label", *([RATE] if is_sample else [])]
        return pd.concat([without_assumed_labels(self.rows)[names], self.young, waiting], ignore_index=True)

    @cached_property
    def kind_curves(self) -> tuple[DelayCurve, DelayCurve]:
        """The delay curves of fraud and of legitimate records."""
        return kind_curves(self.subjects, self.legitimate)

    @cached_property
    def delays(self) -> tuple[float, float]:
        """The age, in days, at which labels are mature, and the largest one that the span of the records allows.

        A third of the span is left to learn from, a third is the gap before the test, and in the last third the labels
        of the test arrive.
        """
        subjects = self.subjects
        age, span = maturity_gap(subjects), seen_until(subjects) - subjects["as_of"].min()
        # The many labels of legitimate records hide that those of fraud come later. But 95 % of few labels are nearly
        # all of them, so that an age of each kind would depend on the slowest single label.
        slow = [curve.age_at(MATURE) for curve in self.kind_curves if curve.share_to_come(age) > SLOW]
        return max([age, *slow]), 0.0 if pd.isna(span) else span.total_seconds() / DAY / PARTS

    def gap_days(self, given: float | None = None) -> float:
        """Return the age, in days, from which rows count: given, or that at which labels are mature if there is time.

        It is at least the age from which records without a label count as legitimate.
        """
        days = min(self.delays) if given is None else given
        return days if self.assumed_after is None else max(days, self.assumed_after.total_seconds() / DAY)

    def known_shares(self, age: Any) -> list[float]:
        """Return the mean shares of the labels of fraud and of legitimate records that have arrived by ages in days.

        Labels without a time were always known.
        """
        return [1 - float(np.mean(one.share_to_come(age))) if one.n_labelled else 1.0 for one in self.kind_curves]

    def known_alike(self, since: pd.Timestamp) -> bool:
        """Return whether fraud and legitimate records since a time are known equally often, by their delay curves."""
        times = self.subjects["as_of"]
        ages = seen_until(self.subjects) - times[times >= since]
        shares = self.known_shares(ages.dt.total_seconds() / DAY)
        return min(shares) >= ALIKE * max(shares)

    def delay_note(self, gap: float) -> str | None:
        """Return a note that the records span too little time for the delay of their labels; None if they do not."""
        mature, longest = self.delays
        delay = max(mature, gap)
        if delay <= longest:
            return None
        known = f"{100 * min(self.known_shares(gap)):.0f} % or more of the labels of each kind have arrived"
        return (
            f"labels that take {delay:.0f} days need about {months_for(delay)} months of records, those given span "
            f"{PARTS * longest / DAYS_A_MONTH:.1f}: they count from an age of {gap:.0f} days on, when {known}"
        )


@dataclass(frozen=True)
class Labelling:
    """How labels are read.

    Parameters
    ----------
    min_label_rows : int, default=1
        Rows of a label with fewer rows are rejected, unless this would leave no fraud beside the legitimate rows.
    trust : Trust, default=None
        Weights of the sources of labels; the rows then have a column ``label_weight``. None trusts all sources equally.
    reader : callable, optional
        Reads labels as classes: 0 and 1, for example, as ``legitimate`` and ``fraud``. See `LabelledData.reading`.
    legitimate_after : timedelta, default=None
        The age from which a record without a label counts as legitimate; None if none does.

    Examples
    --------
    >>> Labelling(min_label_rows=10).trust is None
    True
    """

    min_label_rows: int = 1
    trust: Trust | None = None
    reader: "LabelReader" = read_labels
    legitimate_after: timedelta | None = None


USUAL: Final = Labelling()


def load_labelled(
    messages: "Source",
    labels: "Source | None" = None,
    *,
    events: "Source | None" = None,
    labelling: Labelling = USUAL,
) -> LabelledData:
    """Read messages and their labels.

    Parameters
    ----------
    messages : path or DataFrame
        The table of messages; its column ``label`` is used for messages that have no label in `labels`.
    labels : path or DataFrame, default=None
        The table of labels. If a message has several, the most trusted one counts, of equally trusted ones the latest,
        and of these one that means fraud.
    events : path or DataFrame, default=None
        The events of the senders.
    labelling : Labelling, optional
        How the labels are read.

    Returns
    -------
    LabelledData
        Rows to train on, and the rejected rows.

    Raises
    ------
    SchemaError
        When a table cannot be used, or no message has a label.

    Examples
    --------
    >>> frame = pd.DataFrame({"message_id": ["a", "b"], "text": ["win now", "hi"], "label": ["spam", None]})
    >>> loaded = load_labelled(frame)
    >>> len(loaded.rows), loaded.n_unlabelled
    (1, 1)
    """
    table = read_table(messages, "messages", require=required_columns(Subject.MESSAGE, labels))
    sources = {"messages": messages, "labels": labels, "events": events}
    loaded, frame = _loaded(
        Subject.MESSAGE, table, _read(labels, "labels"), _read(events, "events"), sources, labelling
    )
    return replace(loaded, messages=frame.drop(columns=["label", "labelled_at"]))


def _read(source: Source | None, name: str) -> CheckedTable | None:
    return None if source is None else read_table(source, name)


def _loaded(
    subject: Subject,
    table: CheckedTable,
    labels: CheckedTable | None,
    history: CheckedTable | None,
    sources: Mapping[str, Source | None],
    labelling: Labelling,
    kind: str | None = None,
) -> tuple[LabelledData, pd.DataFrame]:
    """Keep the labelled rows whose label has enough rows, and return them with all rows and their labels.

    With a kind, rows of others are history only, whatever their labels.

    If records without a label count as legitimate after some time, old ones are labelled too, and young ones are left
    out. The frame of all rows stays as it is: features use only the labels that people gave.
    """
    time, name = subject.time, subject.id
    min_label_rows, trust, legitimate_after = labelling.min_label_rows, labelling.trust, labelling.legitimate_after
    frame, labels, reading = read_classes(with_times(table.good, time), labels, labelling.reader)
    frame = join_labels(frame, labels, name, trust, legitimate=reading.legitimate)
    notes = [*table.notes, *(history.notes if history else ()), *reading.notes]
    if time == "as_of":
        notes += _set_cutoff_times(frame, history)
    else:
        frame["as_of"] = frame[time]
    known, time_notes = history_of_labels(frame, labels, name, trust, reading.legitimate)
    notes += [*time_notes, *(() if labels is None else labels.notes)]
    given = {name: source for name, source in sources.items() if source is not None}
    if not frame["label"].notna().any():
        of_others = "" if labels is None else f": none of the {len(labels.good):,} labels has the id of one"
        problem, fix = f"no {subject} has a label{of_others}", f"Give labels for the ids of these {subject}s."
        raise SchemaError(origin_of(next(iter(given.values()))), problem, fix)
    places = np.setdiff1d(np.arange(len(frame) + len(table.rejected)), table.rejected["row"])
    if len(places) != len(frame):  # of several tables, each with its own row numbers
        places = np.arange(len(frame))
    rows = of_kind(frame.assign(**{PLACE: places}), kind)
    is_young = np.zeros(len(rows), bool)
    if legitimate_after is not None:
        is_reported = reported(table, labels, name, reading)[rows.index.to_numpy()]
        rows, is_young = with_assumed_labels(rows, is_reported, Assumption(legitimate_after, reading))
    rows = with_inclusion_weights(rows, labels, name, trust)
    has_label, rejected, all_labels = rows["label"].notna(), table.rejected, None
    if labels is not None:
        n = int((~labels.good["subject_id"].isin(rows[name])).sum())
        notes += [tr("{n:,} labels have no matching {subject}", n=n, subject=tr(str(subject)))] if n else []
        all_labels = labels.good[labels.good["subject_id"].isin(rows[name])]
    labelled = rows[has_label & ~is_young]
    rare = is_rare(labelled["label"], min_label_rows, reading.legitimate)
    if rare.any():
        of_rare = _rejected_rare(labelled[rare], min_label_rows)
        rejected = pd.concat([rejected, of_rare] if len(rejected) else [of_rare], ignore_index=True)
        notes.append(_rare_labels_note(labelled["label"], rare, min_label_rows))
    waiting = rows.loc[~has_label, "as_of"].reset_index(drop=True)
    data = LabelledData(
        rows=labelled[~rare].drop(columns=PLACE).reset_index(drop=True),
        rejected=rejected,
        rejected_labels=pd.DataFrame() if labels is None else labels.rejected,
        n_unlabelled=len(waiting),
        notes=tuple(notes),
        digests={name: data_digest(source) for name, source in given.items()},
        read_as=dict(pair for one in (history, labels, table) if one for pair in one.read_as.items()),
        subject=subject,
        events=None if history is None else history.good,
        rejected_events=pd.DataFrame() if history is None else history.rejected,
        waiting=waiting,
        assumed_after=legitimate_after,
        unlabelled=_drawn(rows, np.flatnonzero(~has_label)),
        young=rows.loc[has_label & is_young, ["as_of", "labelled_at", "label"]].reset_index(drop=True),
        all_labels=all_labels,
        known_labels=known,
        reading=reading,
    )
    return data, frame


def is_rare(labels: "pd.Series[str]", min_label_rows: int, legitimate: str) -> "pd.Series[bool]":
    """Return which rows have a label of too few rows; none has if that would leave only fraud, or none of it."""
    rare, is_fraud = labels.map(labels.value_counts()) < min_label_rows, labels != legitimate
    alone = [bool(rare[kind].all()) for kind in (is_fraud, ~is_fraud)]
    if alone == [True, False]:
        return rare & ~is_fraud
    return rare & is_fraud if alone == [False, True] and (~is_fraud).sum() >= MIN_LEGITIMATE else rare


def _drawn(frame: pd.DataFrame, places: Array) -> pd.DataFrame:
    if len(places) > MAX_UNLABELLED:
        places = np.random.default_rng(0).choice(places, MAX_UNLABELLED, replace=False)
    return frame.iloc[places].drop(columns=PLACE).reset_index(drop=True)


def _rejected_rare(rows: pd.DataFrame, min_label_rows: int) -> pd.DataFrame:
    reason = f"{FEW_ROWS_OF_LABEL} {min_label_rows} rows: too few to train and to test"
    reasons = pd.DataFrame({"row": rows[PLACE], "column": "label", "reason": reason})
    cells = rows.drop(columns=PLACE)
    return pd.concat([reasons, cells.set_axis(input_names(list(cells.columns)), axis=1)], axis=1)


def nearest_label(name: str, others: Iterable[str]) -> str | None:
    """Return the label that is most like another; None if none is."""
    folded = {other.casefold(): other for other in others if other != name}
    match = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    return folded[match[0]] if match else None


def _rare_labels_note(labels: "pd.Series[str]", is_rare: "pd.Series[bool]", min_label_rows: int) -> str:
    """Return a note on labels of too few rows, and which others they may stand for."""
    rare, common = labels[is_rare].value_counts(), labels[~is_rare].unique()
    named = []
    for name in rare.index[:MAX_NAMED]:
        meant = nearest_label(name, common)
        named.append(repr(name) if meant is None else f"{name!r} (did you mean {meant!r}?)")
    more = f" and {len(rare) - MAX_NAMED} more" if len(rare) > MAX_NAMED else ""
    rows = int(rare.sum())
    one = len(rare) == 1
    return (
        f"{rows:,} row{'' if rows == 1 else 's'} with the label{'' if one else 's'} {', '.join(named)}{more} "
        f"{'is' if rows == 1 else 'are'} rejected, because {'it has' if one else 'they have'} fewer than "
        f"{min_label_rows} rows"
    )


def load_accounts(
    events: Source | None,
    *,
    accounts: Source | None = None,
    labels: Source | None = None,
    labelling: Labelling = USUAL,
) -> LabelledData:
    """Read accounts, their labels and their events.

    The cutoff time of an account is its ``as_of``, otherwise just before its label became known, otherwise the end of
    the events.
    """
    label_table = _read(labels, "labels")
    if accounts is not None:
        table = read_table(accounts, "accounts", require=required_columns(Subject.ACCOUNT, labels, events))
    elif label_table is None:
        problem = "expected a table of accounts or of labels, got neither"
        raise SchemaError("recipe", problem, "Give --accounts, --labels or both.")
    else:
        ids = label_table.good["subject_id"].drop_duplicates().reset_index(drop=True)
        table = CheckedTable(pd.DataFrame({"account_id": ids}), pd.DataFrame({"row": [], "column": [], "reason": []}))
    sources = {"accounts": accounts, "events": events, "labels": labels}
    return _loaded(Subject.ACCOUNT, table, label_table, _read(events, "events"), sources, labelling)[0]


def load_events(
    events: Source, *, labels: Source | None = None, kind: str | None = None, labelling: Labelling = USUAL
) -> LabelledData:
    """Read events as subjects, with their labels: those of a kind, or all."""
    table = read_table(events, "events", require=required_columns(Subject.EVENT, labels))
    label_table, sources = _read(labels, "labels"), {"events": events, "labels": labels}
    loaded, frame = _loaded(Subject.EVENT, table, label_table, None, sources, labelling, kind)
    early, notes = int((frame["labelled_at"] < frame["occurred_at"]).sum()), []
    if early:
        notes.append(f"{early} labels are dated before their event: they count from the time of the event on")
    known = loaded.known_labels
    if frame["label"].notna().any() and known is not None and known.empty:
        notes.append(WITHOUT_LABEL_TIMES)
    loaded = replace(loaded, events=table.good, notes=(*loaded.notes, *notes))
    is_replaced = label_table is not None and label_table.good["subject_id"].duplicated().any()
    # Labels that are too rare to train on are fraud to the features, as in scoring, and assumed labels are none.
    if frame["label"].count() == len(loaded.rows) and loaded.assumed_after is None and not is_replaced:
        return replace(loaded, known_labels=None)
    return loaded


def _set_cutoff_times(frame: pd.DataFrame, history: CheckedTable | None) -> list[str]:
    """Set the cutoff time of every account, and return notes on how."""
    given = frame["as_of"].notna()
    by_label = ~given & frame["labelled_at"].notna()
    frame["as_of"] = frame["as_of"].where(given, frame["labelled_at"])
    rest, notes = frame["as_of"].isna(), []
    if history is not None and len(history.good):
        end, note = end_of_events(history.good)
        frame["as_of"] = frame["as_of"].where(~rest, end)
        notes += [note] if note else []
    by_label, rest = by_label & frame["label"].notna(), rest & frame["label"].notna() & frame["as_of"].notna()
    if by_label.any():
        notes.append(f"the cutoff time of {int(by_label.sum())} accounts is just before their label became known")
    if rest.any():
        notes.append(f"the cutoff time of {int(rest.sum())} accounts is the end of the events")
    if by_label.any() and rest.any():
        notes.append("these two kinds of cutoff times may separate the classes: give all accounts a column as_of")
    return notes


def known_labels_of(data: LabelledData, legitimate: str) -> pd.DataFrame | None:
    """Return the labels of events or accounts that have a time, for features; None if none has one."""
    timed = labels_with_times(data.rows if data.known_labels is None else data.known_labels, legitimate)
    return None if timed.empty else timed
