"""Promotion of a challenger that passes the gates, or by hand, and rollback to the previous champion."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fraudsieve._typing import Progress
from fraudsieve.exceptions import ComparisonError, FraudsieveError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import Source
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import BY_HAND, DECISION, Registry
from fraudsieve.training.tracking.store import tracking_uri
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION

from .gates import Gate, apply_gates
from .judged_models import compare_judged
from .model_comparison import ModelComparison

PROMOTED: Final = ("promoted", "promoted by hand")
NEEDS_RESTART: Final = "It uses another history than running services hold: they refuse it, and need a restart."
MAX_REASON: Final = 1000
"""Characters of the reason of a promotion by hand: it is part of a tag, whose length MLflow limits."""


@dataclass(frozen=True)
class Decision:
    """A decision on a version of a registered model.

    Parameters
    ----------
    decision : {"promoted", "promoted by hand", "refused", "rolled back", "would be promoted", "would be refused"}
        The outcome; the last two are those of a dry run.
    at : str
        Time of the decision, UTC.
    name, version : str
        The registered model, and the version that the decision is about.
    before : str or None
        The previous champion; None if there was none.
    champion : str or None
        The current champion; None if there is none.
    reasons : tuple of str
        A sentence for each gate that was not passed, or for all gates if the version was promoted by them. The first
        of a promotion by hand has the person's reason.
    gates : tuple of Gate, default=()
        None of them were applied to a promotion by hand without tables.
    comparison : ModelComparison, default=None
        As from `compare_models`; None for a rollback, and for a promotion by hand without tables.
    notes : tuple of str, default=()
        Assumptions about the tables.
    by : str, default=None
        Who promoted by hand, as far as known: the user of the process. None for all other decisions.
    reason : str, default=None
        The reason of a promotion by hand.
    needs_restart : bool, default=False
        Whether the version uses another history than the champion before it, so that running services refuse it.
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
    by: str | None = None
    reason: str | None = None
    needs_restart: bool = False

    @property
    def promoted(self) -> bool:
        """Whether the version is champion now."""
        return self.decision in PROMOTED

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
            **({} if self.comparison is None else {"promotion.refresh": str(self.comparison.refresh).lower()}),
            **({} if self.reason is None else {BY_HAND: self.by_hand}),
        }

    @property
    def by_hand(self) -> str:
        """When and by whom the version was promoted by hand, why, and which gates it did not pass."""
        failed = ", ".join(gate.name for gate in self.gates if not gate.passed)
        passed = f"Gates that were not passed: {failed or 'none'}." if self.gates else "No gates were applied."
        return f"{self.at} by {self.by}: {self.reason}. {passed}"


def promote(
    recipe: Recipe | None = None,
    *,
    challenger: str | None = None,
    messages: Source | None = None,
    accounts: Source | None = None,
    events: Source | None = None,
    labels: Source | None = None,
    dry_run: bool = False,
    force: bool = False,
    reason: str | None = None,
    progress: Progress | None = None,
) -> Decision:
    """Compare a challenger with the champion, and make it champion if it passes the gates.

    The decision is logged as tags of the version and as a file of its run. If the champion changes during the
    comparison, the challenger is refused.

    Parameters
    ----------
    recipe : Recipe, default=None
        Name of the registered model, store, gates, capacity and costs; None for the defaults.
    challenger : str, default=None
        Address of a version of that model; None for the alias ``challenger``.
    messages, accounts, events, labels : path or DataFrame, default=None
        Records later than training, with labels, as for `train`. For a refresh also the tables that it was trained on.
    dry_run : bool, default=False
        Whether to only say what would be decided. Nothing is changed, and nothing is logged.
    force : bool, default=False
        Whether to promote by hand, whatever the gates say. They are still applied if there are tables.
    reason : str, default=None
        The reason of a promotion by hand, of at most 1,000 characters; it is recorded. Required with `force`.
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
        When the version is the champion already, the two cannot be compared, `force` and `reason` are not given
        together, or `force` is given for a dry run.
    SchemaError
        When a table cannot be used, or no record is later than training.

    Notes
    -----
    A challenger with the recipe of the champion and later data is a refresh. It is compared on the newest slice: the
    latest mature records. A model that has learned from the slice is replaced by a stand-in: its recipe, trained again
    on the records before. If labels come so late that less than half of the frauds before the slice were known then,
    the evaluated models of both are compared. So is that of any other challenger that was trained again on all mature
    rows (``refit``). Warnings say which models were compared.

    Examples
    --------
    ::

        decision = promote(messages="later.parquet")
        decision.promoted, decision.reasons
    """
    _check_reason(reason, force=force, dry_run=dry_run)
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    report_step("reading the registry")
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    version = registry.version_of(challenger or f"models:/{recipe.name}@{CHALLENGER}")
    before = registry.aliases().get(CHAMPION)
    if version == before:
        problem = f"{registry.address(version)} is already the champion"
        raise ComparisonError("promote", [f"{problem}. Train a challenger, or name one with --challenger"])
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    facts: dict[str, Any] = {"name": registry.name, "version": version, "before": before}
    if not force or any(table is not None for table in tables.values()):
        report_step("loading the models")
        new = Scorer.load(registry.folder(version))
        old = None if before is None else Scorer.load(registry.folder(before))
        comparison, notes = compare_judged(old, new, tables, recipe, report_step, (registry, before, version))
        facts |= {"gates": apply_gates(comparison, recipe.gates), "comparison": comparison, "notes": notes}
    facts["needs_restart"] = _has_other_history(registry, before, version)
    if dry_run:
        gates = facts["gates"]
        failed = tuple(gate.reason for gate in gates if not gate.passed)
        outcome = "would be refused" if failed else "would be promoted"
        reasons = failed or (*(gate.reason for gate in gates), *_restart(facts))
        return Decision(outcome, _now(), champion=before, reasons=reasons, **facts)
    report_step("logging the decision to MLflow")
    with registry.sole_change():
        return _decide(registry, facts, reason)


def _check_reason(reason: str | None, *, force: bool, dry_run: bool) -> None:
    """Raise ComparisonError unless a promotion by hand, and only that, has a reason."""
    if force and dry_run:
        problem = "--force: expected it without --dry-run, which promotes nothing. Remove one of them"
    elif force and not (reason or "").strip():
        problem = "--force: expected the reason of a promotion by hand, got none. Add --reason TEXT: it is recorded"
    elif reason is not None and not force:
        problem = "--reason: expected it with --force only. Add --force to promote whatever the gates say, or remove it"
    elif reason is not None and len(reason) > MAX_REASON:
        problem = f"--reason: expected at most {MAX_REASON:,} characters, got {len(reason):,}. Shorten it"
    else:
        return
    raise ComparisonError("promote", [problem])


def _decide(registry: Registry, facts: Mapping[str, Any], reason: str | None) -> Decision:
    """Promote or refuse, and log the decision; a reason is that of a promotion by hand."""
    version, before, gates = facts["version"], facts["before"], facts.get("gates", ())
    restart = _restart(facts)
    reasons, now = tuple(gate.reason for gate in gates if not gate.passed), registry.aliases().get(CHAMPION)
    changed = now != before
    if changed:
        change = f"it was version {before or 'none'}, now it is {now or 'none'}"
        reasons = (*reasons, f"The champion changed during the comparison: {change}. Try again.")
    at = _now()
    if changed or (reasons and reason is None):
        decision = Decision("refused", at, champion=now, reasons=reasons, **facts)
    elif reason is None:
        passed = tuple(gate.reason for gate in gates)
        decision = Decision("promoted", at, champion=version, reasons=(*passed, *restart), **facts)
    else:
        reason, by = reason.strip().rstrip("."), _user()
        reasons = (f"Promoted by hand by {by}: {reason}.", *reasons, *restart)
        decision = Decision("promoted by hand", at, champion=version, reasons=reasons, by=by, reason=reason, **facts)
    if decision.promoted:
        registry.make_champion(version, [*_champions_with(registry, before), version])
    registry.record(version, decision.to_dict(), decision.tags)
    if decision.reason is not None:
        registry.describe(version, f"Promoted by hand, {decision.by_hand}")
    return decision


def _restart(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return (NEEDS_RESTART,) if facts["needs_restart"] else ()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _has_other_history(registry: Registry, old: str | None, new: str) -> bool:
    """Return whether a service that uses one version refuses another one until it is started again."""
    try:
        models = [read_model(registry.folder(version)) for version in (old, new) if version is not None]
    except FraudsieveError:
        return False  # a version that is gone or damaged can still be replaced by hand
    return models[0].matrix.history_declaration != models[-1].matrix.history_declaration


def _user() -> str:
    """Return the user of this process, as far as known."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a number that has no name
        return "an unknown user"


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
    registry.aliases()  # raises if there is no such model
    with registry.sole_change():
        return _roll_back(registry)


def _roll_back(registry: Registry) -> Decision:
    champion, champions = registry.aliases().get(CHAMPION), registry.champions()
    if champion is None:
        raise ComparisonError(
            "rollback", [f"{registry.name!r} has no champion, so nothing can be restored. Promote one"]
        )
    if champions[-1:] != [champion]:
        problem = f"the champion of {registry.name!r} was not set by a promotion, so the version before it is unknown"
        raise ComparisonError("rollback", [f"{problem}. Set the alias in MLflow"])
    if len(champions) < 2:
        problem = f"{registry.address(champion)} is the first champion, so there is no version before it"
        raise ComparisonError("rollback", [f"{problem}. Promote another"])
    previous = champions[-2]
    needs_restart = _has_other_history(registry, champion, previous)
    registry.make_champion(previous, champions[:-1])
    at = _now()
    reasons = (f"Rolled back: {registry.address(previous)} is champion again.", *[NEEDS_RESTART][:needs_restart])
    facts = (registry.name, champion, champion, previous, reasons)
    decision = Decision("rolled back", at, *facts, needs_restart=needs_restart)
    registry.record(champion, decision.to_dict(), decision.tags)
    return decision
