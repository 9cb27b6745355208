"""Compare champion and challenger on the same later records."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fraudsieve._typing import Progress
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import Source
from fraudsieve.training.evaluation.evaluation_run import load_scorer
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import tracking_uri, use_store
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION

from .gates import Gate, apply_gates
from .judged_models import compare_judged
from .model_comparison import ModelComparison


@dataclass(frozen=True)
class Comparison:
    """Result of `compare_tables`.

    Parameters
    ----------
    metrics : ModelComparison
        As from `compare_models`.
    gates : tuple of Gate
        All gates of the recipe.
    addresses : tuple of (str, str)
        Addresses of champion and challenger, as given.
    notes : tuple of str, default=()
        Assumptions about the tables.
    """

    metrics: ModelComparison
    gates: tuple[Gate, ...]
    addresses: tuple[str, str]
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the challenger passes all gates."""
        return all(gate.passed for gate in self.gates)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison, without its notes, as plain JSON types.

        Returns
        -------
        dict
            The metrics, and ``addresses``, ``gates`` and ``passes``.
        """
        gates = [asdict(gate) for gate in self.gates]
        content = {**self.metrics.to_dict(), "addresses": self.addresses, "gates": gates, "passes": self.passes}
        return {name: to_json_types(value) for name, value in content.items()}


def compare_tables(
    champion: str | Path | Scorer | None = None,
    challenger: str | Path | Scorer | None = None,
    *,
    messages: Source | None = None,
    accounts: Source | None = None,
    events: Source | None = None,
    labels: Source | None = None,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two models on tables of labelled records, and apply the gates of a recipe.

    Parameters
    ----------
    champion, challenger : str, Path or Scorer, default=None
        A model folder, an address such as ``models:/NAME/3`` of any registered model, or a loaded model; None for the
        alias ``champion`` or ``challenger`` of the registered model that the recipe names.
    messages, accounts, events, labels : path or DataFrame, default=None
        Records later than training, with labels, as for `train`.
    recipe : Recipe, default=None
        Gates, capacity, costs, and the MLflow store; None for the defaults.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Comparison
        Metrics of both models, and the gates. Nothing is promoted.

    Raises
    ------
    ArtifactError
        When there is no such model.
    ComparisonError
        When the models cannot be compared.
    SchemaError
        When a table cannot be used, or no record is later than training.

    Notes
    -----
    A refresh, which has the recipe of the champion and later data, is compared on the newest mature records. If a model
    has learned from these, its recipe is trained again on the records before: `promote` says more. Of any other
    challenger in the registry that was trained again on all mature rows (``refit``), the evaluated model is compared.
    Warnings say which models are compared. A folder that is not a refresh is compared as it is.

    Examples
    --------
    ::

        comparison = compare_tables("old-model", "new-model", messages="later.parquet")
        comparison.passes, comparison.metrics.figures["average_precision"].interval
    """
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    report_step("loading the models")
    use_store(tracking_uri(recipe.track.uri))
    old = champion or f"models:/{recipe.name}@{CHAMPION}"
    new = challenger or f"models:/{recipe.name}@{CHALLENGER}"
    old_scorer, new_scorer = load_scorer(old), load_scorer(new)
    name = registered_name(new)
    registry = None if name is None else Registry(tracking_uri(recipe.track.uri), name)
    version = None if registry is None else (registry, registry.version_of(str(new)))
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    metrics, notes = compare_judged(old_scorer, new_scorer, tables, recipe, report_step, version)
    addresses = _address(old), _address(new)
    return Comparison(metrics, apply_gates(metrics, recipe.gates), addresses, (*notes, *metrics.warnings))


def registered_name(model: str | Path | Scorer) -> str | None:
    """Return the name in the address of a version of a registered model; None for any other model."""
    match = re.fullmatch(r"models:/([^/]+)[/@][^/@]+", model) if isinstance(model, str) else None
    return None if match is None else match[1]


def _address(model: str | Path | Scorer) -> str:
    return model.model.name if isinstance(model, Scorer) else str(model)
