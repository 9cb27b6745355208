"""fraudsieve, as a user would call it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.columns.default_call import read_task
from benchmarks.contestants.contestant import MESSAGES, OURS, Contestant, Fitted, Labels, Scores, of_classifier
from benchmarks.data.folds import Rows
from benchmarks.data.kinds import LEGITIMATE, Task
from fraudsieve.features import MessageFeatures
from fraudsieve.models import FraudClassifier
from fraudsieve.models.predict import Scorer
from fraudsieve.training.attack.augmentation import augment
from fraudsieve.training.data.builders import builder_of_model, scores_of
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import RefitPlan, refit_model
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.split import Split

__all__ = ["CONTESTANTS", "fit_columns", "fit_task", "fit_texts"]

CALIBRATION_SHARE = 0.15


def fit_texts(texts: list[str], y: Labels, groups: Rows) -> Fitted:
    """Fit features and model as a training run does, with obfuscated copies; scores are probabilities of fraud."""
    if y.dtype == bool:
        y = np.where(y, "fraud", LEGITIMATE).astype(object)
    augmented = augment(texts, y != LEGITIMATE)
    y, groups = y[augmented.rows], groups[augmented.rows]
    features = MessageFeatures(legitimate=LEGITIMATE).set_output(transform="pandas")
    model = FraudClassifier().fit(features.fit_transform(augmented.texts, y, groups=groups), y, groups=groups)

    def score(others: list[str]) -> Scores:
        chances = model.predict_proba(features.transform(others))
        return np.asarray(chances[:, model.classes_.tolist().index("fraud")])

    return Fitted(lambda others: np.asarray(model.predict(features.transform(others))), score)


def fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    """Fit `FraudClassifier` on one core."""
    return of_classifier(FraudClassifier(**settings, random_state=seed, n_jobs=1).fit(X, y))


def fit_task(task: Task, seed: int) -> Callable[[], Scores]:
    """Train as the ordinary call does, without a recipe; scores are probabilities of fraud.

    The number of rounds is chosen, and the evaluated model calibrated, on some of the training rows. The model that
    scores has learned from all of them.
    """
    recipe = Recipe(seed=seed, n_jobs=1)
    data, train, test = read_task(task, recipe)
    fitted, calibration = _calibration(train, data.rows["as_of"], seed)
    groups, quietly = groups_of(data)[0], lambda step: None
    evaluated = fit_model(data, groups, Split("given", fitted, calibration, test, ()), recipe, quietly)
    plan = RefitPlan(Split("given", train, calibration, test[:0], ()), {})
    model, _ = refit_model(plan, data, groups, evaluated.model, evaluated.builder, evaluated.recipe, quietly)
    of_all = builder_of_model(model, data)
    return lambda: np.asarray(scores_of(Scorer(model), data.rows.iloc[test], of_all)["probability"], np.float64)


def _calibration(train: Rows, times: pd.Series, seed: int) -> tuple[Rows, Rows]:
    """Split the training rows: the latest are for calibration, or some at random without an order in time."""
    cut = len(train) - max(round(CALIBRATION_SHARE * len(train)), 2)
    order = times.iloc[train].to_numpy().argsort(kind="stable")
    if times.iloc[train].nunique() < 20 or len(train) < 2000:
        order = np.random.default_rng(seed).permutation(len(train))
    return np.sort(train[order[:cut]]), np.sort(train[order[cut:]])


_OURS: Final = Contestant(
    OURS,
    ("fraudsieve", "scikit-learn", "pandas"),  # what a training needs, without tracking and pages
    MESSAGES - {"contest"},
    place=0,
    fit_texts=fit_texts,
    fit_columns=fit_columns,
    fit_task=fit_task,
)
CONTESTANTS: Final = (_OURS, replace(_OURS, name="fraudsieve", benchmarks=frozenset({"contest"}), fit_columns=None))
