"""Promotion of a challenger that passes the gates, or by hand, and rollback to the previous champion.

The models that the gates judge, and the records that these are compared on.

Frauds that a champion knew and that are legitimate by a later label, by the source of that label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import pandas as pd

from fraudsieve._io import user_name
from fraudsieve._subjects import Subject
from fraudsieve._typing import JsonObject, Progress
from fraudsieve.exceptions import ComparisonError, FraudsieveError, SchemaError
from fraudsieve.models.artifact.folder import Model, read_model
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import Source
from fraudsieve.training.data.groups import RowsAfterTraining, groups_of, known_before, trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.evaluation_run import read_tables
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit, refit_facts, refit_model
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.tracking.registry import BY_HAND, DECISION, Registry
from fraudsieve.training.tracking.store import tracking_uri
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION

from .gates import Gate, apply_gates
from .model_comparison import STAND_IN_FOR, ModelComparison, is_refresh, overturned_frauds, recipe_of_model
from .same_records import NewestSlice, can_stand_in, check_comparable, compare_models, newest_slice, unseen_slice

Versions: TypeAlias = tuple[Registry, str | None, str]
"""A registered model, and the versions of its champion, if there is one, and of the challenger."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """The models to compare, the records (None for those later than the training of both), and what to say about it."""

    champion: Scorer | None
    challenger: Scorer
    rows: RowsAfterTraining | None = None
    notes: Sequence[str] = ()
    # Whether they are the evaluated models of a refresh.
    evaluated: bool = False


def compare_judged(
    champion: Scorer | None,
    challenger: Scorer,
    tables: dict[str, Any],
    recipe: Recipe,
    progress: Progress,
    versions: Versions | None = None,
) -> tuple[ModelComparison, tuple[str, ...]]:
    """Compare two models as the gates judge them.

    Of a refresh that is its shipped model, or a stand-in if that has learned from the newest slice, or, where labels
    come too late for one, the evaluated model. Otherwise it is the evaluated model of the run of a registered version,
    or the challenger itself.

    Returns the comparison, and notes on the tables.
    """
    old = None if champion is None else champion.model
    check_comparable(old, challenger.model)
    progress("reading")
    data = read_tables(recipe, challenger.model, tables, champion=old)
    refresh = champion is not None and is_refresh(champion.model, challenger.model)
    if champion is not None and refresh:
        judged = _judged_refresh(champion, challenger, data, recipe, progress, versions)
    else:
        evaluated, said = (
            (challenger, []) if versions is None else evaluated_model(versions[0], versions[2], challenger)
        )
        judged = _Judged(champion, evaluated, notes=said)
    comparison = compare_models(
        judged.champion,
        judged.challenger,
        data,
        rows=judged.rows,
        refresh=refresh,
        settings=recipe.evaluate,
        progress=progress,
    )
    trust = recipe.data.trusted
    overturned = None if champion is None else overturned_frauds(data, champion.model, trust)
    warnings = (*comparison.warnings, *judged.notes)
    return replace(comparison, overturned=overturned, warnings=warnings, evaluated=judged.evaluated), data.notes


def _judged_refresh(
    champion: Scorer,
    challenger: Scorer,
    data: LabelledData,
    recipe: Recipe,
    progress: Progress,
    versions: Versions | None,
) -> _Judged:
    """Return models that have not learned from the newest slice: the given ones, or stand-ins for them."""
    used = _recipe_of(challenger, recipe)
    is_fraud = (data.rows["label"] != challenger.model.legitimate).to_numpy()
    ends = [trained_until(model) for model in (champion.model, challenger.model)]
    newest = newest_slice(data, ends, used, is_fraud, recipe.gates.refresh_frauds)
    learned = [newest.is_known_to(end) for end in ends]
    if any(learned) and versions is not None and not can_stand_in(data, newest, used):
        return _judged_evaluated(champion, challenger, data, used, versions)
    new, old = challenger, champion
    if learned[1]:
        check_learned_rows(challenger.model, data)
        new = _stand_in("challenger", challenger, data, used, newest, progress)
    if learned[0]:
        same = learned[1] and _recipe_of(champion, recipe) == used
        again = new if same else None
        old = _stand_in("champion", champion, data, _recipe_of(champion, recipe), newest, progress, again)
    roles = [role for role, seen in zip(("champion", "challenger"), learned, strict=True) if seen]
    return _Judged(old, new, newest.rows, _refresh_notes(newest, roles, data.subject))


def _judged_evaluated(
    champion: Scorer, challenger: Scorer, data: LabelledData, recipe: Recipe, versions: Versions
) -> _Judged:
    """Return the evaluated models of both, and the mature records that neither has learned from."""
    registry, *numbers = versions
    old, new = (
        _standing_in(evaluated_model(registry, str(number), scorer)[0].model, scorer)
        for number, scorer in zip(numbers, (champion, challenger), strict=True)
    )
    rows = unseen_slice(data, [trained_until(old.model), trained_until(new.model)], recipe)
    note = (
        f"the challenger is a refresh, and labels come so late that most of the frauds before the newest "
        f"{data.subject}s were not yet known: a stand-in would have learned too little. So the evaluated models of "
        f"both are compared, on the {int(rows.rows.sum()):,} mature {data.subject}s that neither has learned from. The "
        "metrics are not those of the model that is promoted"
    )
    return _Judged(old, new, rows, [note], evaluated=True)


def _standing_in(model: Model, scorer: Scorer) -> Scorer:
    """Return a model as a stand-in for another one, unless it is that model."""
    of_other = {} if model.digest == scorer.model.digest else {STAND_IN_FOR: scorer.model.digest}
    return Scorer(replace(model, training=model.training | of_other))


def _recipe_of(scorer: Scorer, recipe: Recipe) -> Recipe:
    """Return the recipe of a model, with the threads of the recipe of the comparison."""
    own = recipe_of_model(scorer.model)
    assert own is not None  # a refresh has one
    return with_threads(own.model_copy(update={"n_jobs": recipe.n_jobs}))[0]


def _stand_in(
    role: str,
    scorer: Scorer,
    data: LabelledData,
    recipe: Recipe,
    newest: NewestSlice,
    progress: Progress,
    again: Scorer | None = None,
) -> Scorer:
    """Train the recipe of a model on the records before the newest slice, unless that was done for the other one."""
    if again is None:
        earlier = known_before(data, newest.start, min_label_rows=recipe.data.min_label_rows)
        again = train_again(earlier, recipe, lambda step: progress(f"stand-in for the {role}: {step}"))
    return _standing_in(again.model, scorer)


def _refresh_notes(newest: NewestSlice, roles: Sequence[str], subject: Subject) -> list[str]:
    since = newest.start.isoformat()
    notes = [
        "the challenger is a refresh: it has the recipe of the champion, and later data. They are compared on the "
        f"{int(newest.rows.rows.sum()):,} newest mature {subject}s, since {since}"
    ]
    if roles:
        have = "has" if len(roles) == 1 else "have"
        notes.append(
            f"{' and '.join(roles)} {have} learned from these: the recipe was trained again on what was known before, "
            "and this stand-in is compared. The metrics are not those of the model that is promoted"
        )
    return notes


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


def challenger_to_compare(recipe: Recipe, challenger: str | None) -> tuple[Scorer, list[str]]:
    """Return the model that stands for a registered challenger on records that it has not learned from, and notes."""
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    version = registry.version_of(challenger or f"models:/{recipe.name}@{CHALLENGER}")
    return evaluated_model(registry, version, Scorer.load(registry.folder(version)))


LEARNED_SHARE = 0.9
"""Share of the records that a model has learned from that the tables must have: labels may have changed since."""


def check_learned_rows(model: Model, data: LabelledData) -> None:
    """Check that the tables have the records that a model was trained on."""
    window, expected = model.training["window"], model.training["rows"]["train"]
    if not window:
        return
    times, (first, last) = data.rows["as_of"], map(pd.Timestamp, window)
    there = int((times.between(first, last) | times.isna()).sum())
    if there < LEARNED_SHARE * expected:
        problem = (
            "the challenger is a refresh that has learned from the newest records, so its recipe is trained again on "
            f"earlier ones; expected the {expected:,} labelled {data.subject}s that it was trained on, got {there:,} "
            "of their period"
        )
        raise SchemaError(f"{data.subject}s", problem, "Give the tables that it was trained on, or later records.")


def train_again(data: LabelledData, recipe: Recipe, progress: Progress) -> Scorer:
    """Train a recipe on labelled records as `train` does, without an evaluation."""
    groups, kind = groups_of(data)
    split = choose_split(data, groups, kind, recipe)
    evaluated = fit_model(data, groups, split, recipe, progress)
    if not recipe.model.refit:
        return Scorer(evaluated.model)
    plan = plan_refit(data, split)
    shipped, _ = refit_model(plan, data, groups, evaluated.model, evaluated.builder, evaluated.recipe, progress)
    facts = refit_facts(plan, data, evaluated.model, shipped, recipe)
    return Scorer(replace(shipped, training=facts))


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

    def to_dict(self) -> JsonObject:
        """Return the decision, without its notes, as plain JSON types.

        Returns
        -------
        dict
        """
        content: JsonObject = to_json_types(self)
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
    messages: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    labels: "Source | None" = None,
    dry_run: bool = False,
    force: bool = False,
    reason: str | None = None,
    progress: "Progress | None" = None,
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
        reason, by = reason.strip().rstrip("."), user_name("an unknown user")
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
