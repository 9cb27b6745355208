"""Answers of people, collected into the table of labels.

**The answers file.** The page that people answer in downloads a CSV file with these columns, one row per answer:

=========================  ===========================================================================================
``subject_id``             the record, as in the draw
``label``                  one of the labels of the model, or another one; empty for a record that was skipped
``confidence``             from 0 to 1, or empty
``comment``                free text, or empty; it stays in the answers and does not become part of the labels
``reviewer``               who answered; the source of the label is ``review:`` and this name
``answered_at``            when, in UTC: ``2026-05-01T10:00:00.000Z``
``why_drawn``              from the draw: ``alert``, ``near``, ``audit`` or ``disagreement``
``inclusion_probability``  from the draw, as it is printed there
``model_digest``           from the draw; not part of the labels
``model_shown``            whether the page showed what the model says before the answer; not part of the labels
=========================  ===========================================================================================

Further columns are ignored. What an answer lacks from the draw is taken from the draw itself, if it is given. An answer
whose inclusion probability stays unknown is an error: as a label it would count as certain. Alerts and near records
have 1. A changed answer is another row of the same person with a later time, or replaces the row
in the file. Any other table with these columns will do, such as a workbook that people filled in.

**The labels.** Rows are only added, so labels from elsewhere in the same table stay. An answer is identified by its
record, person and time. The new table takes the place of the old one in a single step: after a kill, either is there,
and the answers can be collected again.

How far two people who label the same records agree, beyond what chance alone would give.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, check_not_an_input, check_output_file, lock_file
from fraudsieve._typing import Array
from fraudsieve.exceptions import BusyError, SchemaError
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.output import write_frame
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import LABELS, ColumnSchema, TableSchema
from fraudsieve.tables.source import Source, as_input, local_files, origin_of
from fraudsieve.tables.values.reading import SHARES
from fraudsieve.training.evaluation.bootstrap import NORMAL_QUANTILE

from .candidates import drawn_ids
from .draw import ALERT, AUDIT, NEAR


@dataclass(frozen=True)
class Agreement:
    """The agreement of two people.

    Parameters
    ----------
    records : int
        Records that both have labelled.
    agreement : float
        The share of these with the same label.
    kappa : float or None
        Cohen's kappa: 1 if they always agree, 0 if they agree as often as by chance. None if it is undefined, because
        both gave one and the same label to all records.
    interval : tuple of float or None
        The 95 % interval of kappa.

    Examples
    --------
    >>> Agreement(2, 0.5, 0.0, (-1.0, 1.0)).agreement
    0.5
    """

    records: int
    agreement: float
    kappa: float | None
    interval: tuple[float, float] | None


def cohen_kappa(first: "pd.Series[Any] | Array", second: "pd.Series[Any] | Array") -> Agreement:
    r"""Compute Cohen's kappa of two people's labels, with its interval.

    Parameters
    ----------
    first, second : Series or ndarray of str, shape (n_records,)
        Labels of the same records, in the same order.

    Returns
    -------
    Agreement
        The share of equal labels, and kappa with its 95 % interval.

    Raises
    ------
    ValueError
        If there are no labels, or not equally many.

    Notes
    -----
    With :math:`p_{ij}` the share of records that the first person labels i and the second one j, the observed agreement
    is :math:`p_o = \sum_i p_{ii}`, the expected one :math:`p_e = \sum_i p_{i.} p_{.i}`, and

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    Its large-sample variance, on which the interval of :math:`\pm 1.96` standard errors rests, is

    .. math::

        \frac{\sum_i p_{ii} [(1 - p_e) - (p_{i.} + p_{.i})(1 - p_o)]^2
        + (1 - p_o)^2 \sum_{i \ne j} p_{ij} (p_{.i} + p_{j.})^2
        - (p_o p_e - 2 p_e + p_o)^2}{n (1 - p_e)^4}

    The interval is cut at -1 and 1. It is narrow by mistake with few records: if all labels agree, its width is 0. The
    records count equally, whatever their inclusion probabilities: kappa describes the reviewed records.

    References
    ----------
    .. [1] J. Cohen (1960), "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
       20, 37-46.
    .. [2] J. L. Fleiss, J. Cohen and B. S. Everitt (1969), "Large sample standard errors of kappa and weighted kappa",
       Psychological Bulletin 72, 323-327.

    Examples
    --------
    >>> found = cohen_kappa(np.array(["fraud", "fraud", "ham", "ham"]), np.array(["fraud", "ham", "ham", "ham"]))
    >>> found.agreement, found.kappa
    (0.75, 0.5)
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"Expected two labels of at least one record, got {len(first)} and {len(second)} labels.")
    codes, names = pd.factorize(np.concatenate([np.asarray(first, object), np.asarray(second, object)]))
    rows, columns = np.split(codes, 2)
    shares = np.bincount(rows * len(names) + columns, minlength=len(names) ** 2).reshape(len(names), -1) / len(rows)
    observed = float(np.trace(shares))
    expected = float(shares.sum(axis=1) @ shares.sum(axis=0))
    if len(names) == 1:
        return Agreement(len(rows), observed, None, None)
    kappa = (observed - expected) / (1 - expected)
    margin = NORMAL_QUANTILE * float(np.sqrt(_variance(shares, observed, expected) / len(rows)))
    return Agreement(len(rows), observed, kappa, (max(kappa - margin, -1.0), min(kappa + margin, 1.0)))


def _variance(shares: Array, observed: float, expected: float) -> float:
    """Return the variance of kappa times the number of records."""
    by_row, by_column = shares.sum(axis=1), shares.sum(axis=0)
    agreed = np.diag(shares) @ ((1 - expected) - (by_row + by_column) * (1 - observed)) ** 2
    sums = (by_column[:, None] + by_row[None, :]) ** 2
    differed = (1 - observed) ** 2 * (shares * sums)[~np.eye(len(shares), dtype=bool)].sum()
    variance = agreed + differed - (observed * expected - 2 * expected + observed) ** 2
    return float(max(variance, 0.0) / (1 - expected) ** 4)


ANSWERS: Final = TableSchema(
    "answers",
    (
        ColumnSchema("subject_id", "id", required=True, meaning="The record, as in the draw."),
        ColumnSchema("label", "category", meaning="The answer; empty for a record that was skipped."),
        ColumnSchema("confidence", "number", meaning="How sure the person is.", share=SHARES["confidence"]),
        ColumnSchema("reviewer", "category", required=True, meaning="Who answered."),
        ColumnSchema("answered_at", "time", required=True, meaning="When."),
        ColumnSchema("why_drawn", "category", meaning="From the draw."),
        ColumnSchema(
            "inclusion_probability", "number", meaning="From the draw.", share=SHARES["inclusion_probability"]
        ),
    ),
)
PLACED: Final = ("why_drawn", "inclusion_probability")
"""Columns of answers that are those of the draw."""
DRAWN: Final = TableSchema("draw", tuple(one for one in ANSWERS.columns if one.name in ("subject_id", *PLACED)))
DISAGREEMENT: Final = "disagreement"
SOURCE: Final = "review:"
AHEAD: Final = pd.Timedelta(hours=1)
"""How far in the future an answer may be, since clocks differ."""
KEY: Final = ["subject_id", "source", "labelled_at"]
ADDED: Final = [*KEY, "label", "confidence", "inclusion_probability", "why_drawn"]
ENDINGS: Final = (".parquet", ".csv")


@dataclass(frozen=True, eq=False)
class Collected:
    """What became of the answers.

    Parameters
    ----------
    labels : DataFrame of shape (n_labels, n_columns)
        All labels of people from the table: ``subject_id``, ``label``, ``labelled_at``, ``source``, ``confidence``,
        ``inclusion_probability`` and ``why_drawn``.
    added : int
        Answers that were added.
    known : int
        Answers that were in the table already.
    skipped : int
        Records without an answer.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a", "b"], "source": ["review:ann", "review:bob", "review:ann"],
    ...     "label": ["fraud", "ham", "ham"], "labelled_at": pd.Timestamp("2026-05-01", tz="UTC"),
    ...     "why_drawn": "alert"})
    >>> collected = Collected(labels, 3, 0, 0)
    >>> collected.disagreements, collected.has_audit
    (['a'], False)
    """

    labels: pd.DataFrame
    added: int
    known: int
    skipped: int

    @property
    def has_audit(self) -> bool:
        """Whether any label is of a record from an audit. Without one, recall cannot be estimated."""
        return bool(self.labels["why_drawn"].eq(AUDIT).any())

    @property
    def agreement(self) -> dict[tuple[str, str], Agreement]:
        """The agreement of each two people who have labelled the same records, by their names."""
        labels = self._latest().pivot_table("label", "subject_id", "source", aggfunc="first")
        found = {}
        for first, second in combinations(labels.columns, 2):
            both = labels[[first, second]].dropna()
            if len(both):
                names = (str(first).removeprefix(SOURCE), str(second).removeprefix(SOURCE))
                found[names] = cohen_kappa(both[first], both[second])
        return found

    @property
    def disagreements(self) -> list[str]:
        """Records without a label that more than half of the people who labelled them have given, by their ids."""
        counts = self._latest().groupby("subject_id")["label"].value_counts()
        is_settled = counts.groupby(level=0).max() * 2 > counts.groupby(level=0).sum()
        return [str(name) for name in is_settled.index[~is_settled]]

    def _latest(self) -> pd.DataFrame:
        """Return the latest label of each record by each person."""
        ordered = self.labels.sort_values("labelled_at", kind="stable")
        return ordered.drop_duplicates(["subject_id", "source"], keep="last")


def collect_answers(answers: "Source", labels: str | os.PathLike[str], draws: "Source | None" = None) -> Collected:
    """Add answers to a table of labels; one that is there already is not added again.

    Parameters
    ----------
    answers : path, DataFrame, or a list of them
        ``subject_id``, ``label``, ``reviewer``, ``answered_at`` and, if known, ``confidence``, ``why_drawn`` and
        ``inclusion_probability``.
    labels : str or path
        The table of labels, ``.parquet`` or ``.csv``. It is created if it does not exist. Only its owner can read it.
    draws : path, DataFrame, or a list of them, default=None
        The draws that were answered, for answers without ``why_drawn`` or ``inclusion_probability``.

    Returns
    -------
    Collected
        How many answers were added, and all labels of people in the table.

    Raises
    ------
    SchemaError
        If an answer cannot be read, contradicts another one of the same person and time or has no inclusion
        probability, or the table of labels cannot be used. Then nothing is added.
    BusyError
        If another process adds answers to the table.

    Examples
    --------
    >>> answers = pd.DataFrame({"subject_id": ["a", "b"], "label": ["fraud", None], "reviewer": "ann",
    ...     "answered_at": "2026-05-01T10:00:00Z", "why_drawn": "audit", "inclusion_probability": 0.25})
    >>> table = getfixture("tmp_path") / "labels.parquet"
    >>> first, again = collect_answers(answers, table), collect_answers(answers, table)
    >>> (first.added, first.skipped), (again.added, again.known)
    ((1, 1), (0, 1))
    >>> pd.read_parquet(table)[["subject_id", "label", "source", "inclusion_probability"]].to_numpy().tolist()
    [['a', 'fraud', 'review:ann', 0.25]]
    """
    path = Path(labels)
    if path.suffix.lower() not in ENDINGS:
        problem = f"expected a table of labels ending in {' or '.join(ENDINGS)}, got {path.suffix or 'no extension'!r}"
        raise SchemaError(os.fspath(path), problem, "Choose one of these.")
    check_output_file(path)
    check_not_an_input(path, *local_files(answers))
    given, skipped = _read_answers(answers)
    given = _with_probabilities(given, draws, origin_of(answers))
    with _locked(path):
        raw, known = _read_labels(path, given.iloc[:0])
        _check_consistent(pd.concat([known, given], ignore_index=True), origin_of(answers))
        given = given.drop_duplicates(KEY)
        new = given[~pd.MultiIndex.from_frame(given[KEY]).isin(pd.MultiIndex.from_frame(known[KEY]))]
        if len(new) or raw is None:
            write_frame(_appended(raw, new, path), path, exact=("subject_id", "label"))
    everyone = pd.concat([known, new], ignore_index=True)
    by_people = everyone["source"].fillna("").str.startswith(SOURCE)
    return Collected(everyone[by_people].reset_index(drop=True), len(new), len(given) - len(new), skipped)


def _read_answers(answers: Source) -> tuple[pd.DataFrame, int]:
    """Return answers as labels, and the number of records that were skipped."""
    parts = []
    for part in as_input(answers).parts:
        strict = replace(part, options=replace(part.options, max_rejected=0.0))
        parts.append(read_table(strict, ANSWERS, require=["label"]).good)
    found = pd.concat(parts, ignore_index=True)
    found = found.assign(source=SOURCE + found["reviewer"]).rename(columns={"answered_at": "labelled_at"})
    n_future = int((found["labelled_at"] > pd.Timestamp.now("UTC") + AHEAD).sum())
    if n_future:
        problem = f"answered_at: expected times that are not in the future, {n_future} answers have later ones"
        raise SchemaError(origin_of(answers), problem, "Correct the clock of the machine that they were given on.")
    is_answered = found["label"].notna()
    return found[is_answered].reindex(columns=ADDED).reset_index(drop=True), int((~is_answered).sum())


def _with_probabilities(answers: pd.DataFrame, draws: Source | None, origin: str) -> pd.DataFrame:
    """Return answers with why their record was drawn and with what probability: from the draws, where they lack it."""
    tables = [] if draws is None else [read_table(part, DRAWN).good for part in as_input(draws).parts]
    if tables:
        _check_drawn(answers, pd.concat(tables), origin)
    for drawn in tables:
        by_id = drawn.drop_duplicates("subject_id").set_index("subject_id")
        found = by_id.reindex(answers["subject_id"]).set_axis(answers.index)
        for name in [name for name in PLACED if name in found]:
            answers[name] = answers[name].astype(found[name].dtype).fillna(found[name])
    probability = answers["inclusion_probability"].astype(np.float64)
    is_certain = probability.isna() & answers["why_drawn"].isin([ALERT, NEAR])
    answers = answers.assign(inclusion_probability=probability.mask(is_certain, 1.0))
    missing = int(answers["inclusion_probability"].isna().sum())
    if missing:
        problem = f"expected the inclusion probability of every answered record, {missing} have none"
        raise SchemaError(origin, problem, "Give the draws that were answered (--draws).")
    return answers


def _check_drawn(answers: pd.DataFrame, drawn: pd.DataFrame, origin: str) -> None:
    """Check that every answer is of a record of a draw, with the probability of a draw."""
    drawn = drawn.reindex(columns=["subject_id", "inclusion_probability"])
    pairs = answers.reset_index().merge(drawn, on="subject_id", suffixes=("", "_drawn"))
    given, expected = (pairs[f"inclusion_probability{end}"].to_numpy(np.float64) for end in ("", "_drawn"))
    fits = pairs["index"][np.isnan(given) | np.isnan(expected) | np.isclose(given, expected, 1e-9, 0.0)]
    n_unknown, n_wrong = (int((~answers.index.isin(rows)).sum()) for rows in (pairs["index"], fits))
    if n_wrong:
        problem = f"{n_unknown} answered records are in no draw, and {n_wrong - n_unknown} have another probability"
        raise SchemaError(
            origin, problem, "Pass all draws that were answered (--draws), and leave their probabilities."
        )


def _read_labels(path: Path, nothing: pd.DataFrame) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """Return a table of labels as it is in its file, and checked; None and `nothing` if there is no file."""
    if not path.exists():
        return None, nothing
    loaded = load(path)
    missing = [name for name in ("subject_id", "label") if name not in loaded.frame]
    if missing or loaded.broken:
        problem = f"column {missing[0]!r} is missing" if missing else f"{len(loaded.broken)} rows are broken"
        raise SchemaError(os.fspath(path), problem, "Correct the table of labels, or name another file.")
    if loaded.frame.empty:
        return loaded.frame, nothing
    table = as_input(path)
    checked = read_table(replace(table, options=replace(table.options, max_rejected=0.0)), LABELS)
    return loaded.frame, checked.good.reindex(columns=ADDED)


def _check_consistent(labels: pd.DataFrame, origin: str) -> None:
    """Check that a person has not given two labels to a record at one time."""
    of_people = labels[labels["source"].fillna("").str.startswith(SOURCE)]
    count = int(of_people.drop_duplicates([*KEY, "label"]).duplicated(KEY).sum())
    if count:
        problem = f"{count} answers contradict another one of the same person and time"
        raise SchemaError(origin, problem, "Give a changed answer a later time.")


def _appended(raw: pd.DataFrame | None, new: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return a table with new rows; the old ones keep their cells."""
    if raw is None:
        return new
    if path.suffix.lower() == ".csv":
        times = new["labelled_at"].map(pd.Timestamp.isoformat)
        new = new.assign(labelled_at=times).astype(object)
        raw = raw.astype(object)
    return pd.concat([raw, new], ignore_index=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes from adding rows to a table at the same time, which would lose those of one of them."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), flags, PRIVATE)
    try:
        if not lock_file(descriptor):
            raise BusyError(f"{path}: another process adds answers to it. Try again when it has ended.")
        yield
    finally:
        os.close(descriptor)


def third_opinions(collected: Collected, draw: "Source") -> pd.DataFrame:
    """Return the rows of a draw whose records people disagree on, as the next draw.

    Parameters
    ----------
    collected : Collected
    draw : path, DataFrame, or a list of them
        The draws that were answered.

    Returns
    -------
    DataFrame
        Rows as they are in the draws, each record once, with ``disagreement`` as ``why_drawn``. They keep the inclusion
        probability, with which the record was drawn at first.

    Raises
    ------
    SchemaError
        If a record is in none of the draws.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a"], "source": ["review:ann", "review:bob"],
    ...     "label": ["fraud", "ham"], "labelled_at": pd.Timestamp("2026-05-01", tz="UTC"), "why_drawn": "alert"})
    >>> third_opinions(Collected(labels, 2, 0, 0), pd.DataFrame({"subject_id": ["a", "b"], "why_drawn": "alert"}))
      subject_id     why_drawn
    0          a  disagreement
    """
    parts = [part.loaded.frame.assign(subject_id=drawn_ids(part).to_numpy(object)) for part in as_input(draw).parts]
    rows = pd.concat(parts, ignore_index=True).drop_duplicates("subject_id")
    wanted = np.array(collected.disagreements, object)
    missing = int((~np.isin(wanted, rows["subject_id"].to_numpy(object))).sum())
    if missing:
        problem = f"{missing} records that people disagree on are not in the draws"
        raise SchemaError(origin_of(draw), problem, "Pass all draws that were answered.")
    chosen = rows[rows["subject_id"].isin(wanted)].reset_index(drop=True)
    return chosen.assign(why_drawn=DISAGREEMENT)
