"""Scores that stand for those of new records: calibration and operating points are read off them.

The scale of a model moves with the rows that it learned from, most where frauds are few or change. So with few rows,
the legitimate ones are scored out of fold while all fraud stays in training::

    model     legitimate 1   legitimate 2   legitimate 3   legitimate 4   fraud
    fold 1      scored         learned        learned        learned     learned
    fold 2      learned        scored         learned        learned     learned

Leaving fraud out of training too would give lower thresholds than the model needs: what it knows about a fraud also
raises the legitimate records that look like it. Frauds need honest scores as well, for recall and calibration. They are
scored by models without their fold, and brought to the scale of the model by the quantiles of the legitimate rows,
which both kinds of models have scored. With many rows, the scores of the calibration slice do.

The newest rows are not a fold of their own: with the newest fraud and no legitimate row of that time in training, every
column that grows with time would tell them apart, and no threshold would flag anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.features.large_matrix import take_rows
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.features.wording.model import output_classes
from fraudsieve.models.calibration import Calibration, fit_calibration
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.training.data.builders import TrainingRows, grow_trees, log_odds_of, matrix_of, sample_of, training_rows
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import has_times

MANY_GROUPS: Final = 300
MANY_FRAUDS: Final = 30
"""With so many legitimate campaigns or accounts, and so many frauds, that the evaluated model has not learned from, its
scores of these rows stand for those of the model that ships (``python -m benchmarks.decisions``)."""
MAX_ROWS: Final = 2_000
MAX_RARE_ROWS: Final = 10_000
"""With more rows, fits in folds would take longer than the training itself; if fraud is rare, they are worth it."""
N_FOLDS: Final = 4
FEW_FRAUDS: Final = 20
"""With fewer frauds in the calibration slice, those of the training slice are scored too."""
TOO_FEW: Final = 2
"""With fewer later rows of a kind, a calibration is fitted on scores out of fold."""
PRIOR_ROWS: Final = 100
"""From so many rows on, scores out of fold are corrected for the legitimate rows that were left out. With fewer, that
they are too high is a margin: single draws of 50 labels flag up to 13 % with it, and 15 % without."""
UNSEEN: Final = 50.0
"""Log-odds by which a class that a model has not seen is below the most probable class."""


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Uncalibrated scores of rows, as if these were new records."""

    # Shape (n_rows,). Positions in the data.
    rows: Array
    # Shape (n_rows, n_outputs).
    log_odds: Array
    # Shape (n_rows,). Whether the class of the row was among those that were learned.
    seen: Array
    # Whether the very model gave them, or one that stands for it on many rows: only then can a rate be promised.
    promise: bool = True
    # Share of the risk of a promise that is kept for the difference between that model and this one.
    reserve: float = 0.0

    def calibrate(self, labels: Array, classes: Sequence[str]) -> Calibration:
        """Fit a calibration on the rows whose class was seen."""
        codes = np.searchsorted(np.array(classes, object), labels[self.rows][self.seen])
        return fit_calibration(self.log_odds[self.seen], codes)

    def or_if_few(self, others: "HeldOutScores", labels: Array, legitimate: str | None) -> "HeldOutScores":
        """Return these, or the others if they have few rows of a kind.

        Later frauds are more like new ones than those out of fold are, whose campaigns no model has seen: probabilities
        that are calibrated on these are too low.
        """
        is_fraud = labels[self.rows] != legitimate
        return others if min(is_fraud.sum(), (~is_fraud).sum()) < TOO_FEW else self

    def with_rows(self, others: "HeldOutScores") -> "HeldOutScores":
        """Add other rows; nothing is promised on scores of several models."""
        parts = [(one.rows, one.log_odds, one.seen) for one in (self, others)]
        rows, log_odds, seen = (np.concatenate(both) for both in zip(*parts, strict=True))
        return HeldOutScores(rows, log_odds, seen, promise=False)


def with_all_classes(log_odds: Array, seen: Sequence[str], classes: Sequence[str]) -> Array:
    """Return log-odds with one column for every class; classes that a model has not seen are all but impossible."""
    if len(seen) == len(classes):
        return log_odds
    by_class = log_odds if len(seen) > 2 else np.hstack([np.zeros((len(log_odds), 1)), log_odds])
    filled = np.repeat(by_class.max(axis=1, keepdims=True) - UNSEEN, len(classes), axis=1)
    filled[:, [list(classes).index(name) for name in seen]] = by_class
    return filled


def are_few(data: LabelledData, groups: Array, rows: Array) -> bool:
    """Return whether rows that a model has not learned from are too few to stand for those of another model."""
    frauds, clean = _count_groups(data, groups, rows)
    return frauds < MANY_FRAUDS or clean < MANY_GROUPS


def needs_folds(data: LabelledData, groups: Array, rows: Array, recipe: Recipe) -> bool:
    """Return whether thresholds are set on scores out of fold: those of rows not learned from are too few."""
    frauds, clean = _count_groups(data, groups, rows)
    most = MAX_RARE_ROWS if frauds < MANY_FRAUDS else MAX_ROWS if clean < MANY_GROUPS else 0
    return sample_of(data, recipe).rate == 1 and len(data.rows) <= most


def _count_groups(data: LabelledData, groups: Array, rows: Array) -> tuple[int, int]:
    """Return how many groups have fraud, and how many have legitimate rows."""
    is_fraud = (data.rows["label"].iloc[rows] != data.legitimate).to_numpy(bool)
    return len(np.unique(groups[rows[is_fraud]])), len(np.unique(groups[rows[~is_fraud]]))


@dataclass(frozen=True, eq=False)
class FoldScorer:
    """Scores rows that a model learned from by models that have not learned from them."""

    trained_on: TrainingRows
    data: LabelledData
    groups: Array
    recipe: Recipe
    # Of the model.
    classes: tuple[str, ...]

    def scores(self, progress: Progress, *, with_fraud: bool) -> HeldOutScores:
        """Score the legitimate rows out of fold, with all fraud in training, and the frauds if they are wanted."""
        rows = np.unique(self.trained_on.positions)
        legitimate = (self.data.rows["label"].iloc[rows] == self.data.legitimate).to_numpy(bool)
        groups = self.groups[rows]
        has_fraud = np.isin(groups, groups[~legitimate])  # little fraud is not all in one fold
        folds = campaign_folds(has_fraud, groups, N_FOLDS, self.recipe.seed)
        odds, apart = np.full((2, len(rows), self._outputs), np.nan)
        for fold in range(N_FOLDS):
            progress(f"setting thresholds: fold {fold + 1} of {N_FOLDS}")
            scored = legitimate & (folds == fold)
            self._score(rows, scored, odds)
            if len(rows) >= PRIOR_ROWS:  # all of them would give lower prior odds of fraud
                odds[scored] += np.log1p(-scored.sum() / legitimate.sum()) * self._direction
            if with_fraud:
                self._score(rows, folds == fold, apart)
        if with_fraud:
            both = legitimate & ~np.isnan(odds[:, 0]) & ~np.isnan(apart[:, 0])
            frauds = ~legitimate & ~np.isnan(apart[:, 0])
            odds[frauds] = self.on_scale(apart[frauds], apart[both], odds[both])
        known = ~np.isnan(odds[:, 0])
        return HeldOutScores(rows[known], odds[known], np.ones(int(known.sum()), np.bool_), promise=False)

    def learned_scores(self, ensemble: Ensemble, rows: Array) -> Array:
        """Return the log-odds that the model itself gives to rows that it has learned from."""
        return log_odds_of(ensemble, take_rows(self.trained_on.matrix, self._places(rows)), self.recipe)

    def halves(self, rows: Array) -> Array:
        """Return the log-odds of legitimate rows from two models, each of which did not learn from half of them."""
        every = np.unique(self.trained_on.positions)
        odds = np.full((len(every), self._outputs), np.nan)
        # In the order of the rows: the codes of groups are others in a table of which rows were left out.
        halves = campaign_folds(np.ones(len(rows)), pd.factorize(self.groups[rows])[0], 2, self.recipe.seed)
        for half in (0, 1):
            self._score(every, np.isin(every, rows[halves == half]), odds)
        return odds[np.searchsorted(every, rows)]

    @property
    def _outputs(self) -> int:
        return len(output_classes(self.classes))

    @property
    def _direction(self) -> Array:
        """What 1 more of the log-odds of fraud adds to each output."""
        is_crime = (np.array(output_classes(self.classes), object) != self.data.legitimate).astype(np.float64)
        return np.asarray(is_crime if len(is_crime) > 1 else 2 * is_crime - 1)

    def on_scale(self, frauds: Array, legitimate: Array, on_scale: Array) -> Array:
        """Bring the log-odds of frauds to the scale on which legitimate rows have other log-odds than from the same
        models."""
        if not len(legitimate):
            return frauds
        before, after = (np.sort(self._fraud_odds(one)) for one in (legitimate, on_scale))
        scores = self._fraud_odds(frauds)
        moved = np.interp(scores, before, after)
        ends = np.clip(scores, before[0], before[-1])
        shift = moved - ends  # beyond the ends, as far as the end itself
        return np.asarray(frauds + shift[:, None] * self._direction)

    def _places(self, rows: Array) -> Array:
        """Return the places of rows in the matrix; of a message, that of its own text, before obfuscated copies."""
        positions = self.trained_on.positions
        first = np.flatnonzero(~pd.Index(positions).duplicated())
        return np.asarray(first[pd.Index(positions[first]).get_indexer(pd.Index(rows))])

    def _fraud_odds(self, log_odds: Array) -> Array:
        """Return the log-odds of fraud against the legitimate class."""
        if len(self.classes) == 2:
            return log_odds[:, 0] if self.classes[1] != self.data.legitimate else -log_odds[:, 0]
        place = self.classes.index(self.data.legitimate)
        return np.asarray(np.logaddexp.reduce(np.delete(log_odds, place, 1), axis=1) - log_odds[:, place])

    def _score(self, rows: Array, scored: Array, odds: Array) -> None:
        """Fill in the log-odds of some rows, from a model that learned from the others, if there is such a model."""
        kept = rows[~scored]
        labels = self.data.rows["label"].iloc[kept]
        if not scored.any() or labels.nunique() < 2:
            return
        if self.data.subject.has_text:
            if len(np.unique(self.groups[kept])) < 2:
                return
            learned = training_rows(self.data, self.groups, kept, self.recipe)
            matrix = matrix_of(learned.builder, self.data.rows.iloc[rows[scored]])
        else:
            # Columns of accounts and events are as of each row, and the same for every model.
            learned = self.trained_on.part(np.sort(self._places(kept)))
            matrix = take_rows(self.trained_on.matrix, self._places(rows[scored]))
        classifier = grow_trees(learned, self.recipe, self.data.subject)
        found = log_odds_of(classifier.ensemble_, matrix, self.recipe)
        odds[scored] = with_all_classes(found, tuple(map(str, classifier.classes_)), self.classes)


def newest_rows(data: LabelledData, rows: Array) -> Array:
    """Return which of some rows are the newest, about as many as a fold has; none if they have no times."""
    times = data.rows["as_of"].iloc[rows]
    if not has_times(times):
        return np.zeros(len(rows), np.bool_)
    return np.asarray(times >= times.quantile(1 - 1 / N_FOLDS, interpolation="higher"), np.bool_)
