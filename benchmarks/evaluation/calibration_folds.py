"""Calibration on real messages: every fold is scored by a model that was calibrated on a slice of the other folds."""

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.data.folds import folds_of
from benchmarks.data.kinds import LEGITIMATE, fraud_or_legitimate
from benchmarks.data.location import load_messages
from benchmarks.measures.report import plain_figures
from benchmarks.runner import Bar, Report, progress
from fraudsieve.features.wording.fit import campaign_folds
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.split import Split

__all__ = ["smishing"]

SLICES = 6
"""One of so many parts of the other folds calibrates."""
_PROTOCOL = (
    "smishing, fraud against legitimate, five folds by campaign (near-duplicates together). A sixth of the other four, "
    "by campaign, calibrates the model that the rest trains. ece: equal mass, 15 bins, over the five folds together, "
    "calibrated and before; average precision of each fold before and after calibration."
)


def smishing() -> Report:
    """Measure calibration on rows out of fold."""
    recipe = Recipe.read(overrides={"data.legitimate": LEGITIMATE})
    data = read_data(recipe, {"messages": fraud_or_legitimate(load_messages("smishing"))}, min_label_rows=1)
    groups, _ = groups_of(data)
    labels = data.rows["label"].to_numpy(object)
    before, after, aps = np.empty(len(labels)), np.empty(len(labels)), []
    for fold in folds_of(labels, groups, repeats=1, folds=5):
        is_calibration = campaign_folds(labels[fold.train], groups[fold.train], SLICES, 0) == 0
        split = Split("campaign", fold.train[~is_calibration], fold.train[is_calibration], fold.test, ("campaigns",))
        model, builder, *_ = fit_model(data, groups, split, recipe, lambda step: None)
        matrix = builder.transform(data.rows.iloc[fold.test]).to_numpy()
        raw = model.ensemble.log_odds(matrix)
        before[fold.test] = fraud_probability(raw, model.classes, LEGITIMATE)
        after[fold.test] = Scorer(model).score_rows(matrix)["probability"]
        is_fraud = labels[fold.test] != LEGITIMATE
        aps.append([average_precision_score(is_fraud, scores[fold.test]) for scores in (before, after)])
        progress(f"fold {fold.number}: average precision {aps[-1][0]:.4f} before, {aps[-1][1]:.4f} after")
    figures = {
        f"{name}.{what}": value
        for name, scores in (("before", before), ("after", after))
        for what, value in plain_figures(labels != LEGITIMATE, scores).items()
    }
    moved = max(abs(one - other) for one, other in aps)
    bars = [Bar.at_most("after.ece", figures["after.ece"], 0.01), Bar.at_most("ranking_moved", moved, 0)]
    return Report("evaluation", "smishing", _PROTOCOL, len(labels), figures | {"ranking_moved": moved}, bars=bars)
