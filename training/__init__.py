"""From labelled records to a model: tables, splits, fitting, evaluation, tracking, and a simulated world."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .data import Labelled, load_labelled
    from .fit import Trained, train
    from .recipe import Recipe
    from .simulate import World
    from .split import Split, split_by_campaign, split_by_time, split_randomly

__all__ = [
    "Labelled",
    "Recipe",
    "Split",
    "Trained",
    "World",
    "load_labelled",
    "split_by_campaign",
    "split_by_time",
    "split_randomly",
    "train",
]

# Imported at first use: MLflow alone takes seconds.
_HOMES = {
    "Labelled": "data",
    "Recipe": "recipe",
    "Split": "split",
    "Trained": "fit",
    "World": "simulate",
    "load_labelled": "data",
    "split_by_campaign": "split",
    "split_by_time": "split",
    "split_randomly": "split",
    "train": "fit",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
