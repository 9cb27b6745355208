"""`FraudClassifier`: LightGBM that boosts from the scores of the text model, with calibrated probabilities."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self, TypeAlias

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from fraudsieve._typing import Array
from fraudsieve.features.large_matrix import BLOCK, is_mapped, release
from fraudsieve.features.profile.custom_columns import category_codes
from fraudsieve.features.profile.frames import category_column, frequent_categories
from fraudsieve.features.wording.fit import campaign_weights
from fraudsieve.features.wording.model import is_unnamed, output_classes
from fraudsieve.models.trees.booster_text import average_boosters
from fraudsieve.models.trees.ensemble import Ensemble, initial_log_odds

from .calibration import Calibration, fit_calibration, probabilities

OnRound: TypeAlias = Callable[[int, float], bool | None]

ROUNDS_PER_CALL = 10
UNNAMED = (
    "The columns of X have no names, so boosting starts from the class frequencies, not from the text model. "
    'Call set_output(transform="pandas") on MessageFeatures.'
)


class FraudClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify feature rows as fraud or not, or by crime type.

    The log-odds are those of the wording columns (the scores of the text model) plus a LightGBM model of all columns.
    Wording columns are recognised by their name ``wording__<class>``, so pass a DataFrame: see `set_output` of
    `MessageFeatures`. Prefixes from `ColumnTransformer` and `FeatureUnion` are recognised too. Without wording columns,
    boosting starts from the class frequencies. Classes are not weighted, because that distorts probabilities. To train
    on a sample, pass `class_rates`, which corrects the probabilities.

    Of the ``surprisal`` columns, trees split only on means over the text. The others (the worst stretch, the standard
    deviation, the share of unknown n-grams) show that a text is odd, and are used by `unlike_training`. As evidence of
    fraud, they would flag unfamiliar and obfuscated legitimate text (``python -m benchmarks.transfer`` and ``python -m
    benchmarks.attack`` measure both).

    Parameters
    ----------
    n_rounds : int, default=80
        Boosting rounds. Use several hundred without wording columns.
    learning_rate : float, default=0.05
        Shrinkage of each round.
    num_leaves : int, default=7
        Maximum number of leaves of a tree.
    min_leaf_weight : float, default=3.0
        Minimum sum of Hessians in a leaf; a row whose class is uncertain adds about a quarter.
    min_leaf_rows : int, default=10
        Minimum number of rows in a leaf.
    feature_fraction : float, default=0.5
        Share of the columns that are sampled for each tree.
    row_fraction : float, default=0.8
        Share of the rows that are sampled for each tree.
    l2 : float, default=1.0
        Penalty on squared leaf values.
    n_seeds : int, default=1
        Number of boosters that are trained with consecutive seeds. The trees of the model are those of all, and its
        log-odds are their mean, which chance moves less.
    random_state : int, default=0
        Seed, or the first of several.
    n_jobs : int, default=None
        Threads of LightGBM; all cores by default. The model does not depend on it.

    Attributes
    ----------
    categories_ : dict of str to tuple of str
        Columns of X that `fit` saw as categories, and their values, the most frequent first. Trees split on their
        positions.
    classes_ : ndarray, shape (n_classes,)
        The classes, sorted. With two classes, log-odds are those of the second.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str objects, shape (n_features,)
        Names of the columns, when `fit` saw a DataFrame.
    ensemble_ : Ensemble
        The trees and their initial log-odds.
    calibration_ : Calibration
        Fitted by `calibrate`; until then, it changes nothing.

    See Also
    --------
    fraudsieve.features.MessageFeatures : Computes the wording columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(400, 3)), np.repeat(["fraud", "legitimate"], 200)
    >>> X[:200, 0] += 3
    >>> model = FraudClassifier(random_state=0).fit(X[::2], y[::2]).calibrate(X[1::2], y[1::2])
    >>> bool(model.score(X[1::2], y[1::2]) > 0.9), model.predict_proba(X[:3]).shape
    (True, (3, 2))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "num_leaves": [Interval(Integral, 2, None, closed="left")],
        "min_leaf_weight": [Interval(Real, 0, None, closed="left")],
        "min_leaf_rows": [Interval(Integral, 1, None, closed="left")],
        "feature_fraction": [Interval(Real, 0, 1, closed="right")],
        "row_fraction": [Interval(Real, 0, 1, closed="right")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "n_seeds": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        n_rounds: int = 80,
        learning_rate: float = 0.05,
        num_leaves: int = 7,
        min_leaf_weight: float = 3.0,
        min_leaf_rows: int = 10,
        feature_fraction: float = 0.5,
        row_fraction: float = 0.8,
        l2: float = 1.0,
        n_seeds: int = 1,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_rounds = n_rounds
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_leaf_weight = min_leaf_weight
        self.min_leaf_rows = min_leaf_rows
        self.feature_fraction = feature_fraction
        self.row_fraction = row_fraction
        self.l2 = l2
        self.n_seeds = n_seeds
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        class_rates: Mapping[Any, float] | None = None,
        eval_set: Any = None,
        early_stopping_rounds: int | None = None,
        on_round: OnRound | None = None,
    ) -> Self:
        """Fit the trees.

        Parameters
        ----------
        X : array-like of numbers, or DataFrame of numbers and categories, shape (n_rows, n_columns)
            Feature rows; NaN is missing. Columns of strings or of a categorical type of pandas are categories, whatever
            their order; one that `fit` did not see is missing. Wording columns must be out of fold, as
            `MessageFeatures.fit_transform` returns them.
        y : array-like, shape (n_rows,)
            Classes, at least two.
        sample_weight : array-like, shape (n_rows,), default=None
        groups : array-like, shape (n_rows,), default=None
            Campaigns: each counts as one row, so that a large campaign does not dominate the model.
        class_rates : mapping, default=None
            For each class that was sampled, the share of its rows that were drawn into X at random, such as
            ``{"legitimate": 0.1}``. The model then gives the log-odds of all rows, not those of the sample.
        eval_set : tuple of (X, y) or (X, y, sample_weight), or list of one, default=None
            Other rows, such as later ones, for `early_stopping_rounds` and `on_round`; None for the training rows. The
            classes are those of `y`, drawn at the same `class_rates`. The weights may be None.
        early_stopping_rounds : int, default=None
            Stop after so many rounds without a lower log loss on `eval_set`, and keep the trees up to the lowest; None
            grows `n_rounds`. With several seeds, each stops by itself.
        on_round : callable, default=None
            Called after every tenth round and after the last, with the number of rounds and the log loss on the
            validation rows. If it returns True, no further trees are grown. With several seeds, called for the first.

        Returns
        -------
        FraudClassifier
            The fitted model, not yet calibrated.

        Raises
        ------
        ValueError
            If `y` has one class, lengths differ, X has infinite values, or several steps have wording columns, or
            `early_stopping_rounds` has no `eval_set`. Also if
            a rate is not above 0 and at most 1, or belongs to a class that `y` does not have.

        Warns
        -----
        UserWarning
            If X is an array of `MessageFeatures` with wording columns, which cannot be recognised without their names.

        Notes
        -----
        If a row of class c is drawn with rate r(c), Bayes' theorem gives P(c | x, drawn) proportional to r(c) P(c | x).
        The log-odds of the sample are therefore those of all rows plus log r(c): for two classes, plus log r(second) -
        log r(first). LightGBM starts from the sum (``init_score``), and the trees learn the log-odds of all rows; the
        offset is not part of the model. This is the prior correction of King and Zeng (2001, Logistic Regression in
        Rare Events Data, Political Analysis 9), inside the fit. Weights of 1 / r(c) have the same expectation, but
        distort the minimum sums of a leaf and the penalties.
        """
        self._validate_params()
        if is_unnamed(X):
            warnings.warn(UNNAMED, UserWarning, stacklevel=2)
        self.categories_ = {
            name: frequent_categories(X[name], 1)
            for name in (X.columns if isinstance(X, pd.DataFrame) and X.columns.is_unique else ())
            if _holds_words(X[name])
        }
        X = self._encoded(X)
        if is_mapped(X):  # from a builder, so its values are known to be finite
            X, y = validate_data(self, X, y, skip_check_array=True)[0].to_numpy(), column_or_1d(y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has 1 class; FraudClassifier can't train when only one class is present.")
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if groups is not None:
            check_consistent_length(X, groups)
            weights = weights * campaign_weights(np.asarray(groups))
        wording = _wording_positions(list(getattr(self, "feature_names_in_", ())), self.classes_.tolist())
        rates = log_rates(class_rates or {}, self.classes_)
        base = np.zeros(len(wording)) if wording else class_log_odds(codes, weights / np.exp(rates)[codes])

        def dataset(X: Array, codes: Array, weights: Array | None, bins: lgb.Dataset | None = None) -> lgb.Dataset:
            start = (initial_log_odds(X, wording, base) + per_output(rates)).ravel(order="F")
            kind, rows = (_MappedDataset, _Blocks(X)) if is_mapped(X) else (lgb.Dataset, X)
            return kind(rows, codes, bins, weight=weights, init_score=start, params={"verbosity": -1})

        data = dataset(X, codes, weights)
        params = self._lightgbm_params() | _usable(list(getattr(self, "feature_names_in_", ())))
        others = None
        if eval_set is not None:
            X_other, y_other, *weights_other = eval_set[0] if isinstance(eval_set, list) else eval_set
            known = self._codes(y_other)
            others = [dataset(self._validated(X_other), known, weights_other[0] if weights_other else None, data)]
        if early_stopping_rounds is not None and others is None:
            raise ValueError("early_stopping_rounds: expected an eval_set, got none.")
        boosters = []
        for number in range(self.n_seeds):
            of_seed = params | {"seed": self.random_state + number}
            callbacks = [] if on_round is None or number else [_callback(on_round)]
            if early_stopping_rounds is not None:
                callbacks.append(lgb.early_stopping(early_stopping_rounds, verbose=False))
            boosters.append(lgb.train(of_seed, data, self.n_rounds, valid_sets=others, callbacks=callbacks))
        self.ensemble_ = Ensemble(average_boosters([_without_threads(one) for one in boosters]), wording, base)
        self.calibration_ = Calibration()
        return self

    def calibrate(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the calibration on rows that the model was not trained on, preferably later ones.

        Parameters
        ----------
        X : array-like or DataFrame of numbers, shape (n_rows, n_columns)
            Feature rows.
        y : array-like, shape (n_rows,)
            Classes that `fit` has seen.
        sample_weight : array-like, shape (n_rows,), default=None

        Returns
        -------
        FraudClassifier
            The same model, calibrated.
        """
        odds = self._uncalibrated(X)
        y = column_or_1d(np.asarray(y), warn=True)
        check_consistent_length(odds, y)
        codes = self._codes(y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, odds)
        self.calibration_ = fit_calibration(odds, codes, weights)
        return self

    def decision_function(self, X: Any) -> Array:
        """Return calibrated log-odds.

        Parameters
        ----------
        X : array-like or DataFrame of numbers, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray of float64, shape (n_rows,) for two classes, else (n_rows, n_classes)
        """
        uncalibrated = self._uncalibrated(X)
        odds = self.calibration_.apply(uncalibrated)
        return odds[:, 0] if len(self.classes_) == 2 else odds

    def predict_proba(self, X: Any) -> Array:
        """Return the calibrated probability of every class.

        Parameters
        ----------
        X : array-like or DataFrame of numbers, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
        """
        uncalibrated = self._uncalibrated(X)
        return probabilities(self.calibration_.apply(uncalibrated))

    def predict(self, X: Any) -> Array:
        """Return the most probable class.

        Parameters
        ----------
        X : array-like or DataFrame of numbers, shape (n_rows, n_columns)
            Feature rows.

        Returns
        -------
        ndarray, shape (n_rows,)
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    @property
    def booster_(self) -> lgb.Booster:
        """The trees, as LightGBM has them. Their raw scores lack the initial log-odds, which `ensemble_` adds."""
        check_is_fitted(self)
        return self.ensemble_.booster

    @property
    def feature_importances_(self) -> Array:
        """Share of the gain of all splits that each column has, of shape (n_columns,)."""
        check_is_fitted(self)
        gains = self.ensemble_.booster.feature_importance("gain")
        return np.asarray(gains / max(gains.sum(), np.finfo(np.float64).tiny))

    def _codes(self, y: Any) -> Array:
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y holds a class that fit has not seen; expected {self.classes_.tolist()}.")
        return np.asarray(np.searchsorted(self.classes_, y))

    def _uncalibrated(self, X: Any) -> Array:
        check_is_fitted(self)
        return self.ensemble_.log_odds(self._validated(X), n_threads=self.n_jobs or 0)

    def _validated(self, X: Any) -> Array:
        X = self._encoded(X)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"))

    def _encoded(self, X: Any) -> Any:
        """Return a frame with the positions of its categories; NaN for one that is missing or unseen."""
        if not self.categories_ or not isinstance(X, pd.DataFrame):
            return X
        encoded = X.copy(deep=False)
        for name in self.categories_.keys() & {*X.columns}:
            codes = category_codes(category_column(X[name])[0], self.categories_[name], "")
            encoded[name] = np.where(codes < 0, np.nan, codes)
        return encoded

    def _lightgbm_params(self) -> dict[str, Any]:
        n_classes = len(self.classes_)
        objective = {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}
        return objective | {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_sum_hessian_in_leaf": self.min_leaf_weight,
            "min_data_in_leaf": self.min_leaf_rows,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.row_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "boost_from_average": False,
            "num_threads": self.n_jobs or 0,
            "deterministic": True,
            # One thread sums a column: the same trees by any number of threads, and half the time over many columns.
            "force_col_wise": True,
            "bin_construct_sample_cnt": 50_000,
            "verbosity": -1,
        }

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class _Blocks(lgb.Sequence):
    """The rows of a mapped matrix, as LightGBM reads them: first a sample, then all."""

    batch_size = BLOCK

    def __init__(self, X: Array) -> None:
        self.X = X

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, place: Any) -> Array:
        rows = np.array(self.X[place])
        release(self.X)
        return rows


class _MappedDataset(lgb.Dataset):
    """The bins of a mapped matrix: those of the same matrix in memory."""

    is_sampling = False

    def construct(self) -> lgb.Dataset:
        self.is_sampling = True
        try:
            return super().construct()
        finally:
            self.is_sampling = False

    def get_params(self) -> dict[str, Any]:
        # LightGBM leaves out the seed and the smallest leaf, by which an array is sampled and its columns are chosen.
        return dict(self.params or {}) if self.is_sampling else super().get_params()


def _wording_positions(names: Sequence[str], classes: Sequence[Any]) -> tuple[int, ...]:
    """Return the positions of the wording columns, in the order of the outputs; empty if there are none."""
    expected = [f"wording__{name}" for name in output_classes(classes)]
    prefixes = {
        name.removesuffix(end) for name in names for end in expected if name == end or name.endswith(f"__{end}")
    }
    if not prefixes:
        return ()
    if len(prefixes) > 1:
        found = ", ".join(repr(f"{prefix}wording__") for prefix in sorted(prefixes))
        raise ValueError(f"Expected the wording columns of one step, got those of several: {found}. Keep one of them.")
    (prefix,) = prefixes
    missing = [name for name in expected if prefix + name not in names]
    if missing:
        raise ValueError(f"Expected a wording column for every class, got none for {missing}.")
    return tuple(names.index(prefix + name) for name in expected)


def _usable(names: Sequence[str]) -> dict[str, Any]:
    """Return the parameter of LightGBM by which splits on some columns gain nothing; none without such columns."""
    odd = ["__surprisal__" in f"__{name}" and not name.endswith("_mean") for name in names]
    return {"feature_contri": [0.0 if is_odd else 1.0 for is_odd in odd]} if any(odd) else {}


def _holds_words(column: "pd.Series[Any]") -> bool:
    """Return whether a column holds categories or strings. Other objects, such as numbers, are checked elsewhere."""
    if isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True
    return bool(column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string")


def _callback(on_round: OnRound) -> Callable[[Any], None]:
    """Return a callback for LightGBM; the loss on the training rows takes time, so it is not computed every round."""

    def after_round(env: Any) -> None:
        n_rounds = env.iteration + 1
        if n_rounds % ROUNDS_PER_CALL == 0 or n_rounds == env.end_iteration:
            results = env.evaluation_result_list or env.model.eval_train()
            if on_round(n_rounds, float(results[0][2])):
                raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    return after_round


def _without_threads(booster: lgb.Booster) -> lgb.Booster:
    """Remove the number of threads from the booster's text, so that its bytes do not depend on the machine."""
    text = booster.model_to_string(num_iteration=-1)
    return lgb.Booster(model_str=re.sub(r"(?m)^\[num_threads: -?\d+\]$", "[num_threads: 0]", text))


def class_log_odds(codes: Array, weights: Array) -> Array:
    """Return the log-odds of the class frequencies: one output for two classes."""
    shares = np.bincount(codes, weights=weights) / weights.sum()
    return per_output(np.log(np.maximum(shares, 1e-12)))


def per_output(logs: Array) -> Array:
    """Return log-odds from one logarithm per class: one output for two classes."""
    return np.asarray(logs[1:] - logs[:1] if len(logs) == 2 else logs)


def log_rates(rates: Mapping[Any, float], classes: Array) -> Array:
    """Return the logarithm of the rate at which the rows of each class were drawn, after a check."""
    if not set(rates) <= set(classes.tolist()):
        raise ValueError(f"class_rates: expected classes of y, {classes.tolist()}, got another one.")
    found = np.array([rates.get(name, 1.0) for name in classes.tolist()], np.float64)
    if not ((found > 0) & (found <= 1)).all():
        raise ValueError(f"class_rates: expected rates above 0 and at most 1, got {found.tolist()}.")
    return np.log(found)
