"""From labelled records to a model: tables, splits, fitting, evaluation, tracking, and a simulated world."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .data import Labelled, load_labelled
    from .fit import Trained, train
    from .folds_in_time import Fold, forward_folds
    from .label_trust import Trust, label_as_of, reversals
    from .labels import DelayCurve, delay_curve, maturity_gap, maturity_gaps
    from .leaks import find_leaks
    from .recipe import Recipe
    from .simulate import World
    from .split import Split, split_by_campaign, split_by_time, split_randomly

__all__ = [
    "DelayCurve",
    "Fold",
    "Labelled",
    "Recipe",
    "Split",
    "Trained",
    "Trust",
    "World",
    "delay_curve",
    "find_leaks",
    "forward_folds",
    "label_as_of",
    "load_labelled",
    "maturity_gap",
    "maturity_gaps",
    "reversals",
    "split_by_campaign",
    "split_by_time",
    "split_randomly",
    "train",
]

# Imported at first use: MLflow alone takes seconds.
_HOMES = {
    "DelayCurve": "labels",
    "Fold": "folds_in_time",
    "Labelled": "data",
    "Recipe": "recipe",
    "Split": "split",
    "Trained": "fit",
    "Trust": "label_trust",
    "World": "simulate",
    "delay_curve": "labels",
    "find_leaks": "leaks",
    "forward_folds": "folds_in_time",
    "label_as_of": "label_trust",
    "load_labelled": "data",
    "maturity_gap": "labels",
    "maturity_gaps": "labels",
    "reversals": "label_trust",
    "split_by_campaign": "split",
    "split_by_time": "split",
    "split_randomly": "split",
    "train": "fit",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
