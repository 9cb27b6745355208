"""Compare champion and challenger on the same later records."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import ComparisonError, SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import Source
from fraudsieve.training.attack.recall import CharacterSummary, attack_messages, attackable
from fraudsieve.training.data.after_training import rows_after_training, trained_until
from fraudsieve.training.data.builders import Builder, builder_of_model, groups_of, scores_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS
from fraudsieve.training.evaluation.evaluation_run import load_scorer, read_tables, row_context
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.points import share_of_records
from fraudsieve.training.evaluation.report import BootstrapSummary
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import tracking_uri, use_store
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION

from .gates import Gate, apply_gates
from .latency import latencies, live_scoring, records_to_time
from .model_comparison import AttackedPair, ModelComparison, ModelFacts, Sides
from .paired_comparison import PairedMetrics, paired_metrics

__all__ = ["STRENGTH", "Comparison", "check_comparable", "compare_models", "compare_tables", "evaluated_model"]


STRENGTH = "medium"
"""Strength of the obfuscations under which the recall of the models is compared."""


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
    If a challenger in the registry was trained again on all mature rows (``refit``), its evaluated model is compared
    instead, and a warning says so. A folder is compared as it is.

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
    check_comparable(old_scorer.model, new_scorer.model)
    warnings: list[str] = []
    name = _registered_name(new)
    if name is not None:
        registry = Registry(tracking_uri(recipe.track.uri), name)
        new_scorer, warnings = evaluated_model(registry, registry.version_of(str(new)), new_scorer)
    report_step("reading")
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    data = read_tables(recipe, new_scorer.model, tables, champion=old_scorer.model)
    metrics = compare_models(old_scorer, new_scorer, data, settings=recipe.evaluate, progress=report_step)
    metrics = replace(metrics, warnings=(*metrics.warnings, *warnings))
    addresses = _address(old), _address(new)
    return Comparison(metrics, apply_gates(metrics, recipe.gates), addresses, (*data.notes, *metrics.warnings))


def _registered_name(model: str | Path | Scorer) -> str | None:
    """Return the name in the address of a version of a registered model; None for any other model."""
    match = re.fullmatch(r"models:/([^/]+)[/@][^/@]+", model) if isinstance(model, str) else None
    return None if match is None else match[1]


def _address(model: str | Path | Scorer) -> str:
    return model.model.name if isinstance(model, Scorer) else str(model)


def check_comparable(champion: Model | None, challenger: Model) -> None:
    """Check that two models can be compared on the same records.

    Raises
    ------
    ComparisonError
        When a model gives no probability of fraud, both are the same model, or they differ in the subject or in the
        label for legitimate records.
    """
    problems = []
    for role, model in (("champion", champion), ("challenger", challenger)):
        if model is not None and model.legitimate is None:
            problem = f"the {role} has no legitimate class, and so no probability of fraud"
            problems.append(f"{problem}. Train it on legitimate records too")
    if champion is not None:
        pairs = {"subject": (champion.subject, challenger.subject)}
        pairs["label for legitimate records"] = (str(champion.legitimate), str(challenger.legitimate))
        for name, (old, new) in pairs.items():
            if old != new:
                problem = f"expected models with the same {name}, got {old!r} (champion) and {new!r} (challenger)"
                problems.append(f"{problem}. Name two models that agree in it")
        if champion.digest and champion.digest == challenger.digest:
            problems.append("champion and challenger are the same model: their digests are equal. Name another model")
    if problems:
        raise ComparisonError("compare", problems)


def compare_models(
    champion: Scorer | None,
    challenger: Scorer,
    data: LabelledData,
    *,
    settings: EvaluateRecipe | None = None,
    progress: Progress | None = None,
) -> ModelComparison:
    """Compare two models on the labelled records that are later than the training of both.

    Parameters
    ----------
    champion : Scorer or None
        The model in use. With None the challenger is compared with a constant score.
    challenger : Scorer
        The model that may replace it.
    data : LabelledData
        Records of the subject of both models.
    settings : EvaluateRecipe, default=None
        Capacity, costs, replicates, and whether messages are also attacked; None for the defaults.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    ModelComparison
        Metrics of both on the same records, with intervals of the differences.

    Raises
    ------
    ComparisonError
        When the models cannot be compared; see `check_comparable`.
    SchemaError
        When no record is later, or the records are all fraudulent or all legitimate.
    """
    report_step, settings = progress or (lambda step: None), EvaluateRecipe() if settings is None else settings
    check_comparable(None if champion is None else champion.model, challenger.model)
    scorers = [challenger] if champion is None else [champion, challenger]
    later = rows_after_training(data, [scorer.model for scorer in scorers])
    report_step("scoring")
    sides, scored, unscorable = _score(scorers, data, later.rows)
    is_fraud = (scored.rows["label"] != challenger.model.legitimate).to_numpy()
    _check_kinds(is_fraud, challenger.model)
    report_step("looking for campaigns" if data.subject == "message" else "looking for accounts")
    groups, kind = groups_of(scored)
    report_step("drawing intervals")
    metrics = _paired_metrics(sides, scored, is_fraud, groups, settings)
    attacked = settings.attack and attackable(challenger.model, scored.rows["label"].to_numpy(object))
    if attacked:
        report_step("attacking")
    attacks = [side.attack(scored.rows, is_fraud) for side in sides] if attacked else []
    report_step("timing single records")
    calls = [live_scoring(scorer, data, _start(scored.rows)) for scorer in scorers]
    times = latencies(calls, [records_to_time(scored.rows, scorer.model.matrix) for scorer in scorers])
    bootstrap = BootstrapSummary.of(groups, is_fraud, kind, settings)
    return ModelComparison(
        **vars(metrics),
        champion=None if champion is None else ModelFacts.of(champion.model),
        challenger=ModelFacts.of(challenger.model),
        subject=data.subject,
        bootstrap=bootstrap,
        left_out={**later.left_out, "unscorable": unscorable},
        attack=_attacked_pair(attacks) if attacks else None,
        latency=Sides.of(times),
        warnings=(*later.warnings, *_few_groups_warnings(bootstrap)),
    )


@dataclass(frozen=True, eq=False)
class _Side:
    """A model and its scores of the records."""

    scorer: Scorer
    builder: Builder
    probability: Array

    def attack(self, rows: pd.DataFrame, is_fraud: Array) -> CharacterSummary:
        """Return the means over obfuscations of characters."""
        metrics = attack_messages(
            lambda obfuscated: scores_of(self.scorer, obfuscated, self.builder)["probability"],
            rows,
            is_fraud,
            self.probability,
        )
        return metrics.character[STRENGTH]


def _score(scorers: Sequence[Scorer], data: LabelledData, later: Array) -> tuple[list[_Side], LabelledData, int]:
    """Score the later records; count and leave out those that any of the models cannot score."""
    rows = data.rows[later].reset_index(drop=True)
    builders = [builder_of_model(scorer.model, data) for scorer in scorers]
    scores = [scores_of(scorer, rows, builder) for scorer, builder in zip(scorers, builders, strict=True)]
    scorable = np.logical_and.reduce([score["status"] != "unscorable" for score in scores])
    scored = zip(scorers, builders, scores, strict=True)
    sides = [_Side(scorer, builder, score["probability"][scorable]) for scorer, builder, score in scored]
    return sides, replace(data, rows=rows[scorable].reset_index(drop=True)), int((~scorable).sum())


def _paired_metrics(
    sides: Sequence[_Side], scored: LabelledData, is_fraud: Array, groups: Array, settings: EvaluateRecipe
) -> PairedMetrics:
    constant = np.full(len(is_fraud), is_fraud.mean())
    old, new = constant if len(sides) == 1 else sides[0].probability, sides[-1].probability
    old_rows, new_rows = (FraudRows(p, is_fraud, groups, settings.replicates) for p in (old, new))
    context = {name: row_context(scored.rows)[name] for name in ("cutoff_times", "amounts")}
    return paired_metrics(old_rows, new_rows, settings, **context, share=share_of_records(scored, scored.rows))


def _check_kinds(is_fraud: Array, model: Model) -> None:
    for kind, rows in (("fraud", is_fraud), (f"{model.legitimate!r}", ~is_fraud)):
        if not rows.any():
            problem = f"none of {len(is_fraud)} later {model.subject}s is labelled {kind}"
            raise SchemaError(f"{model.subject}s", problem, "Add records of both kinds.")


def _start(rows: pd.DataFrame) -> pd.Timestamp | None:
    times = rows["as_of"].dropna()
    return None if times.empty else times.min()


def _attacked_pair(attacks: Sequence[CharacterSummary]) -> AttackedPair:
    means, alike = [attack.mean for attack in attacks], [attack.mean_alike for attack in attacks]
    return AttackedPair(STRENGTH, Sides.of(means), Sides.of(alike), Sides.of([attack.flagged for attack in attacks]))


def _few_groups_warnings(bootstrap: BootstrapSummary | None) -> list[str]:
    if bootstrap is None or bootstrap.groups_with_fraud >= MIN_GROUPS:
        return []
    return [f"only {bootstrap.groups_with_fraud} {bootstrap.over}s have fraud: the intervals are not reliable"]


def evaluated_model(registry: Registry, version: str, challenger: Scorer) -> tuple[Scorer, list[str]]:
    """Return the model to compare with the champion.

    A shipped model has seen nearly all labelled records, so it could only be evaluated weeks later. The evaluated model
    of its run has the same settings and has not seen the test slice.
    """
    training = challenger.model.training
    folder = registry.split_model_folder(version) if training.get("refit") else None
    if folder is None:
        return challenger, []
    scorer = Scorer.load(folder, digest=training["split_model"]["digest"])
    shipped_until, evaluated_until = trained_until(challenger.model), trained_until(scorer.model)
    times = ""
    if shipped_until is not None and evaluated_until is not None:
        times = f" ({shipped_until.isoformat()}, its evaluated model {evaluated_until.isoformat()})"
    return scorer, [
        f"the challenger was trained again on later records{times}: its evaluated model, with the same settings, "
        "is compared. The metrics are not those of the model that is promoted"
    ]
