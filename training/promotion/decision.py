"""Promotion: a challenger becomes champion when it passes the gates, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fraudsieve._typing import Progress
from fraudsieve.exceptions import ComparisonError
from fraudsieve.features.tables.schema import Source
from fraudsieve.models.predict import Scorer
from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import DECISION, Registry
from fraudsieve.training.tracking.run import CHALLENGER, CHAMPION, tracking_uri

from .compare import check_comparable, compare_models, read_to_compare
from .gates import Gate, judge

__all__ = ["Decision", "promote", "rollback"]


@dataclass(frozen=True)
class Decision:
    """What was decided, and why.

    Parameters
    ----------
    decision : {"promoted", "refused", "rolled back"}
        What became of the version.
    at : str
        When, UTC.
    name, version : str
        The version of the registered model that it was about.
    before : str or None
        The version that was champion until then; None for none.
    champion : str or None
        The version that is champion now.
    reasons : tuple of str
        Why: the gates that were not passed, or all of them.
    gates : tuple of Gate, default=()
        All gates.
    comparison : mapping, default=None
        As from `compare_models`; None for a way back.
    notes : tuple of str, default=()
        What was assumed of the tables.
    """

    decision: str
    at: str
    name: str
    version: str
    before: str | None
    champion: str | None
    reasons: tuple[str, ...]
    gates: tuple[Gate, ...] = ()
    comparison: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def promoted(self) -> bool:
        """Whether the version is champion now."""
        return self.decision == "promoted"

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON types, without the notes.

        Returns
        -------
        dict
        """
        content: dict[str, Any] = to_json_types(self)
        del content["notes"]
        return content

    @property
    def tags(self) -> dict[str, str]:
        """What the registry shows at a glance."""
        return {
            DECISION: self.decision,
            "promotion.at": self.at,
            "promotion.champion_before": self.before or "none",
            "promotion.reasons": " ".join(self.reasons),
            **{f"promotion.gate.{gate.name}": "passed" if gate.passed else "not passed" for gate in self.gates},
        }


def promote(
    recipe: Recipe,
    *,
    challenger: str | None = None,
    messages: Source | None = None,
    accounts: Source | None = None,
    events: Source | None = None,
    labels: Source | None = None,
    progress: Progress | None = None,
) -> Decision:
    """Compare a challenger with the champion, and make it champion if it passes the gates.

    Either way the decision is kept as tags of the version and as a file of its run. A champion that is not the one that
    was compared with any more, because somebody moved the alias meanwhile, is left alone.

    Parameters
    ----------
    recipe : Recipe
        Name of the registered model, store, gates, capacity and costs.
    challenger : str, default=None
        Address of a version of that model; None for the alias ``challenger``.
    messages, accounts, events, labels : path or DataFrame, default=None
        Later records with labels, as for `train`.
    progress : callable, default=None
        Called with what is done next.

    Returns
    -------
    Decision

    Raises
    ------
    ArtifactError
        When there is no such model.
    ComparisonError
        When the version is the champion already, or the two cannot be compared.
    SchemaError
        When a table cannot be used, or no record is later than training.
    """
    say = progress or (lambda step: None)
    say("asking the registry")
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    version = registry.version_of(challenger or f"models:/{recipe.name}@{CHALLENGER}")
    before = registry.aliases().get(CHAMPION)
    if version == before:
        problem = f"{registry.address(version)} is the champion already"
        raise ComparisonError("promote", [f"{problem}. Train a challenger, or name one with --challenger"])
    say("loading the models")
    new = Scorer.load(registry.folder(version))
    old = None if before is None else Scorer.load(registry.folder(before))
    check_comparable(None if old is None else old.model, new.model)
    say("reading")
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    data = read_to_compare(recipe, new.model.subject, tables)
    comparison = compare_models(old, new, data, settings=recipe.evaluate, progress=say)
    gates = judge(comparison, recipe.gates)
    say("keeping the decision in MLflow")
    return _decide(registry, version, before, gates, comparison, data.notes)


def _decide(
    registry: Registry,
    version: str,
    before: str | None,
    gates: tuple[Gate, ...],
    comparison: dict[str, Any],
    notes: tuple[str, ...],
) -> Decision:
    reasons = tuple(gate.reason for gate in gates if not gate.passed)
    now = registry.aliases().get(CHAMPION)
    if now != before:
        moved = (
            f"The champion changed while it was compared: it was version {before or 'none'}, now it is {now or 'none'}."
        )
        reasons = (*reasons, f"{moved} Compare again.")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    facts: dict[str, Any] = {"at": at, "name": registry.name, "version": version, "before": before}
    facts |= {"gates": gates, "comparison": comparison, "notes": notes}
    if reasons:
        decision = Decision("refused", champion=now, reasons=reasons, **facts)
    else:
        registry.crown(version, [*_remembered(registry, before), version])
        decision = Decision("promoted", champion=version, reasons=tuple(gate.reason for gate in gates), **facts)
    registry.record(version, decision.as_dict(), decision.tags)
    return decision


def _remembered(registry: Registry, champion: str | None) -> list[str]:
    """Return the champions up to the one in use, which may not have been promoted: the first, or one set by hand."""
    champions = registry.champions()
    return champions if champion is None or champions[-1:] == [champion] else [*champions, champion]


def rollback(recipe: Recipe) -> Decision:
    """Put the alias ``champion`` back on the version that was champion before.

    Parameters
    ----------
    recipe : Recipe
        Name of the registered model, and the store.

    Returns
    -------
    Decision
        About the version that was champion; it is kept as tags of it and in its run.

    Raises
    ------
    ArtifactError
        When there is no such model, or the version before is not there any more.
    ComparisonError
        When the champion was not promoted, or nobody was before it.
    """
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    champion, champions = registry.aliases().get(CHAMPION), registry.champions()
    if champion is None or champions[-1:] != [champion]:
        problem = f"the champion of {recipe.name!r} was not set by a promotion, so nobody knows which was before it"
        raise ComparisonError("rollback", [f"{problem}. Set the alias in MLflow"])
    if len(champions) < 2:
        problem = f"{registry.address(champion)} is the first champion, none was before it"
        raise ComparisonError("rollback", [f"{problem}. Promote another"])
    previous = champions[-2]
    registry.crown(previous, champions[:-1])
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    reason = f"Rolled back: {registry.address(previous)} is champion again."
    decision = Decision("rolled back", at, recipe.name, champion, champion, previous, (reason,))
    registry.record(champion, decision.as_dict(), decision.tags)
    return decision
