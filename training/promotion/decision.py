"""Promotion of a challenger that passes the gates, and rollback to the previous champion."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fraudsieve._typing import Progress
from fraudsieve.exceptions import ComparisonError
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import Source
from fraudsieve.training.evaluation.evaluation_run import read_tables
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import DECISION, Registry
from fraudsieve.training.tracking.store import tracking_uri
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION

from .compare import check_comparable, compare_models, evaluated_model
from .gates import Gate, apply_gates
from .model_comparison import ModelComparison

__all__ = ["Decision", "promote", "rollback"]


@dataclass(frozen=True)
class Decision:
    """A decision on a version of a registered model.

    Parameters
    ----------
    decision : {"promoted", "refused", "rolled back"}
        The outcome.
    at : str
        Time of the decision, UTC.
    name, version : str
        The registered model, and the version that the decision is about.
    before : str or None
        The previous champion; None if there was none.
    champion : str or None
        The current champion; None if there is none.
    reasons : tuple of str
        A sentence for each gate that was not passed, or for all gates if the version was promoted.
    gates : tuple of Gate, default=()
    comparison : ModelComparison, default=None
        As from `compare_models`; None for a rollback.
    notes : tuple of str, default=()
        Assumptions about the tables.
    """

    decision: str
    at: str
    name: str
    version: str
    before: str | None
    champion: str | None
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...] = ()
    comparison: ModelComparison | None = None
    notes: tuple[str, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether the version is champion now."""
        return self.decision == "promoted"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision, without its notes, as plain JSON types.

        Returns
        -------
        dict
        """
        content: dict[str, Any] = to_json_types(self)
        del content["notes"]
        return content

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the version in the registry."""
        return {
            DECISION: self.decision,
            "promotion.at": self.at,
            "promotion.champion_before": self.before or "none",
            "promotion.reasons": " ".join(self.reasons),
            **{f"promotion.gate.{gate.name}": "passed" if gate.passed else "not passed" for gate in self.gates},
        }


def promote(
    recipe: Recipe | None = None,
    *,
    challenger: str | None = None,
    messages: Source | None = None,
    accounts: Source | None = None,
    events: Source | None = None,
    labels: Source | None = None,
    progress: Progress | None = None,
) -> Decision:
    """Compare a challenger with the champion, and make it champion if it passes the gates.

    If the challenger was trained again on all mature rows (``refit``), the gates are applied to its evaluated model,
    and a warning says so. Either decision is logged as tags of the version and as a file of its run. If the champion
    changes during the comparison, the challenger is refused.

    Parameters
    ----------
    recipe : Recipe, default=None
        Name of the registered model, store, gates, capacity and costs; None for the defaults.
    challenger : str, default=None
        Address of a version of that model; None for the alias ``challenger``.
    messages, accounts, events, labels : path or DataFrame, default=None
        Records later than training, with labels, as for `train`.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Decision
        Whether the challenger is promoted or refused, and why.

    Raises
    ------
    ArtifactError
        When there is no such model.
    ComparisonError
        When the version is the champion already, or the two cannot be compared.
    SchemaError
        When a table cannot be used, or no record is later than training.

    Examples
    --------
    ::

        decision = promote(messages="later.parquet")
        decision.promoted, decision.reasons
    """
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    report_step("reading the registry")
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    version = registry.version_of(challenger or f"models:/{recipe.name}@{CHALLENGER}")
    before = registry.aliases().get(CHAMPION)
    if version == before:
        problem = f"{registry.address(version)} is already the champion"
        raise ComparisonError("promote", [f"{problem}. Train a challenger, or name one with --challenger"])
    report_step("loading the models")
    new = Scorer.load(registry.folder(version))
    old = None if before is None else Scorer.load(registry.folder(before))
    check_comparable(None if old is None else old.model, new.model)
    evaluated, warnings = evaluated_model(registry, version, new)
    report_step("reading")
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    data = read_tables(recipe, new.model, tables, champion=None if old is None else old.model)
    comparison = compare_models(old, evaluated, data, settings=recipe.evaluate, progress=report_step)
    comparison = replace(comparison, warnings=(*comparison.warnings, *warnings))
    gates = apply_gates(comparison, recipe.gates)
    report_step("logging the decision to MLflow")
    return _decide(registry, version, before, gates, comparison, data.notes)


def _decide(
    registry: Registry,
    version: str,
    before: str | None,
    gates: tuple[Gate, ...],
    comparison: ModelComparison,
    notes: tuple[str, ...],
) -> Decision:
    reasons = tuple(gate.reason for gate in gates if not gate.passed)
    now = registry.aliases().get(CHAMPION)
    if now != before:
        change = f"it was version {before or 'none'}, now it is {now or 'none'}"
        reasons = (*reasons, f"The champion changed during the comparison: {change}. Compare again.")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    facts: dict[str, Any] = {"at": at, "name": registry.name, "version": version, "before": before}
    facts |= {"gates": gates, "comparison": comparison, "notes": notes}
    if reasons:
        decision = Decision("refused", champion=now, reasons=reasons, **facts)
    else:
        registry.make_champion(version, [*_champions_with(registry, before), version])
        decision = Decision("promoted", champion=version, reasons=tuple(gate.reason for gate in gates), **facts)
    registry.record(version, decision.to_dict(), decision.tags)
    return decision


def _champions_with(registry: Registry, champion: str | None) -> list[str]:
    """Return the champions and the current one, which may be the first or set by hand instead of promoted."""
    champions = registry.champions()
    return champions if champion is None or champions[-1:] == [champion] else [*champions, champion]


def rollback(recipe: Recipe | None = None) -> Decision:
    """Set the alias ``champion`` back to the previous champion.

    Parameters
    ----------
    recipe : Recipe, default=None
        Name of the registered model, and the store; None for the defaults.

    Returns
    -------
    Decision
        The decision on the version that was champion; it is logged as tags of the version and in its run.

    Raises
    ------
    ArtifactError
        When there is no such model, or the previous version no longer exists.
    ComparisonError
        When there is no champion, or it was not promoted, or is the first one.

    Examples
    --------
    ::

        decision = rollback()
        decision.champion  # the version that is champion again
    """
    recipe = recipe or Recipe()
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    champion, champions = registry.aliases().get(CHAMPION), registry.champions()
    if champion is None:
        raise ComparisonError("rollback", [f"{recipe.name!r} has no champion, so nothing can be restored. Promote one"])
    if champions[-1:] != [champion]:
        problem = f"the champion of {recipe.name!r} was not set by a promotion, so the version before it is unknown"
        raise ComparisonError("rollback", [f"{problem}. Set the alias in MLflow"])
    if len(champions) < 2:
        problem = f"{registry.address(champion)} is the first champion, so there is no version before it"
        raise ComparisonError("rollback", [f"{problem}. Promote another"])
    previous = champions[-2]
    registry.make_champion(previous, champions[:-1])
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    reason = f"Rolled back: {registry.address(previous)} is champion again."
    decision = Decision("rolled back", at, recipe.name, champion, champion, previous, (reason,))
    registry.record(champion, decision.to_dict(), decision.tags)
    return decision
