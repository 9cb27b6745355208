"""What a model takes from the scores of its calibration slice: points, the support of its ratios, expected shares."""

from dataclasses import replace

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.likelihood_ratios import support_of
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.points import choose_points
from fraudsieve.training.monitoring.expected_shares import expected_shares
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split

from .facts import few_to_calibrate


def with_points(
    model: Model,
    log_odds: Array,
    unlike: Array | None,
    data: LabelledData,
    groups: Array,
    split: Split,
    recipe: Recipe,
    reserve: float = 0.0,
) -> tuple[Model, tuple[str, ...]]:
    """Choose the operating points of a calibrated model on the calibration slice, and say what to expect of traffic.

    Returns the model, and notes on the calibration slice and the points. `log_odds` are uncalibrated; `unlike` has for
    each row the share of the training records that are less unfamiliar; for `reserve` see `Targets`.
    """
    rows, scores = split.calibration, {} if unlike is None else {"unlike_training": unlike}
    notes = tuple(few_to_calibrate(len(rows)))
    if model.legitimate is not None:
        is_fraud = (data.rows["label"].iloc[rows] != model.legitimate).to_numpy()
        fraud = fraud_probability(model.calibration.apply(log_odds), model.classes, model.legitimate)
        points, absent, of_points = choose_points(fraud, is_fraud, data, groups, split, recipe, reserve)
        support = support_of(fraud, is_fraud, groups[rows])
        model = replace(model, points=points, absent_points=absent, ratio_support=support)
        scores["probability"], notes = fraud, (*notes, *of_points)
    else:
        model = replace(model, points=(), absent_points=(), ratio_support=None)
    expected = expected_shares(model, scores, groups[rows], data.rows["as_of"].iloc[rows])
    return replace(model, expected_shares=expected), notes
