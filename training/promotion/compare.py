"""Champion and challenger on the same later records: what one finds that the other does not, and what that costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import ComparisonError, SchemaError
from fraudsieve.features.tables.schema import Source
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.attack.recall import attack_messages, attackable
from fraudsieve.training.data.after_training import rows_after_training, trained_until
from fraudsieve.training.data.builders import Builder, builder_of_model, groups_of, read_data, scores_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.evaluation.points import share_of_records
from fraudsieve.training.evaluation.report import BootstrapSummary
from fraudsieve.training.evaluation.run import row_context
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe

from .latency import latencies, live, records_to_time
from .paired import paired_metrics

__all__ = ["STRENGTH", "check_comparable", "compare_models", "read_to_compare"]


STRENGTH = "medium"
"""How strong the obfuscations are whose recall the models are held to."""


def check_comparable(champion: Model | None, challenger: Model) -> None:
    """Refuse models that no records can be held against each other with.

    Parameters
    ----------
    champion : Model or None
        The model in use; None for none.
    challenger : Model
        The model that may replace it.

    Raises
    ------
    ComparisonError
        When one gives no probability of fraud, the two are one model, or they differ in what they score or in the word
        for what is no crime.
    """
    problems = []
    for role, model in (("champion", champion), ("challenger", challenger)):
        if model is not None and model.legitimate is None:
            problem = f"the {role} has no legitimate class, and so no probability of fraud"
            problems.append(f"{problem}. Train it on records of a legitimate class too")
    if champion is not None:
        pairs = {"subject": (champion.subject, challenger.subject)}
        pairs["word for what is no crime"] = (str(champion.legitimate), str(challenger.legitimate))
        for what, (old, new) in pairs.items():
            if old != new:
                problem = f"expected models of one {what}, got {old!r} (champion) and {new!r} (challenger)"
                problems.append(f"{problem}. Name two that are alike in it")
        if champion.digest and champion.digest == challenger.digest:
            problems.append("champion and challenger are one model (their digests are the same). Name another one")
    if problems:
        raise ComparisonError("compare", problems)


def read_to_compare(recipe: Recipe, subject: str, tables: Mapping[str, Source | None]) -> LabelledData:
    """Read labelled records to compare models on.

    Parameters
    ----------
    recipe : Recipe
        How sources of labels are trusted.
    subject : str
        What the models score.
    tables : mapping of str to (path or DataFrame)
        ``messages``, ``accounts``, ``events`` and ``labels``, those that there are.

    Returns
    -------
    LabelledData
    """
    of_subject = recipe.data.model_copy(update={"subject": subject})
    return read_data(recipe.model_copy(update={"data": of_subject}), tables, min_label_rows=1)


def compare_models(
    champion: Scorer | None,
    challenger: Scorer,
    data: LabelledData,
    *,
    settings: EvaluateRecipe | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare two models on the labelled records that are later than what both were trained on.

    Parameters
    ----------
    champion : Scorer or None
        The model in use; None for none, and then the challenger is held against chance: one score for all records.
    challenger : Scorer
        The model that may replace it.
    data : LabelledData
        Records of the subject of both.
    settings : EvaluateRecipe, default=None
        Capacity, costs and replicates; None for the defaults. ``attack`` says whether messages are obfuscated too.
    progress : callable, default=None
        Called with what is done next.

    Returns
    -------
    dict
        As from `paired_metrics`, and ``champion`` and ``challenger`` (name, digest, ``trained_until``), ``subject``,
        ``bootstrap`` (over what intervals are drawn), ``left_out`` (how many records, by reason), ``attack`` (share of
        the recall that each keeps under obfuscations of characters at medium strength; None where there is none),
        ``latency`` (p50 and p99 of one record, in milliseconds) and ``warnings``. It holds no text and no identifier.

    Raises
    ------
    ComparisonError
        When the two cannot be compared; see `check_comparable`.
    SchemaError
        When no record is later, or the records are not of both kinds.
    """
    say, settings = progress or (lambda step: None), EvaluateRecipe() if settings is None else settings
    check_comparable(None if champion is None else champion.model, challenger.model)
    scorers = [challenger] if champion is None else [champion, challenger]
    later = rows_after_training(data, [scorer.model for scorer in scorers])
    say("scoring")
    sides, scored, unscorable = _score(scorers, data, later.rows)
    is_fraud = (scored.rows["label"] != challenger.model.legitimate).to_numpy()
    _check_kinds(is_fraud, challenger.model)
    say("looking for campaigns" if data.subject == "message" else "looking for accounts")
    groups, kind = groups_of(scored)
    say("drawing intervals")
    sheet = _sheet(sides, scored, is_fraud, groups, settings)
    attacked = settings.attack and attackable(challenger.model, scored.rows["label"].to_numpy(object))
    if attacked:
        say("obfuscating")
    attack = [side.kept(scored.rows, is_fraud) for side in sides] if attacked else []
    say("timing single records")
    taken = latencies([live(scorer, data, _start(scored.rows)) for scorer in scorers], records_to_time(scored.rows))
    drawn = BootstrapSummary.of(groups, is_fraud, kind, settings)
    return {
        "champion": None if champion is None else _facts(champion.model),
        "challenger": _facts(challenger.model),
        "subject": data.subject,
        **sheet,
        "bootstrap": to_json_types(drawn),
        "left_out": {**later.left_out, "unscorable": unscorable},
        "attack": {"strength": STRENGTH, **_roles(attack)} if attack else None,
        "latency": _roles(taken),
        "warnings": [*later.warnings, *_few(drawn)],
    }


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the models, with what it says of the records."""

    scorer: Scorer
    builder: Builder
    probability: Array

    def kept(self, rows: pd.DataFrame, is_fraud: Array) -> float | None:
        """Return the mean share of its recall that it keeps under obfuscations of characters."""
        found = attack_messages(
            lambda some: scores_of(self.scorer, some, self.builder)["probability"], rows, is_fraud, self.probability
        )
        kept: float | None = found.character[STRENGTH].mean
        return kept


def _score(scorers: Sequence[Scorer], data: LabelledData, later: Array) -> tuple[list[_Side], LabelledData, int]:
    """Score the later records; those that any of the models cannot score are left out, and counted."""
    rows = data.rows[later].reset_index(drop=True)
    builders = [builder_of_model(scorer.model, data) for scorer in scorers]
    scores = [scores_of(scorer, rows, builder) for scorer, builder in zip(scorers, builders, strict=True)]
    ok = np.logical_and.reduce([score["status"] != "unscorable" for score in scores])
    of_all = zip(scorers, builders, scores, strict=True)
    sides = [_Side(scorer, builder, score["probability"][ok]) for scorer, builder, score in of_all]
    return sides, replace(data, rows=rows[ok].reset_index(drop=True)), int((~ok).sum())


def _sheet(
    sides: Sequence[_Side], scored: LabelledData, is_fraud: Array, groups: Array, settings: EvaluateRecipe
) -> dict[str, Any]:
    by_chance = np.full(len(is_fraud), is_fraud.mean())
    old, new = by_chance if len(sides) == 1 else sides[0].probability, sides[-1].probability
    old_rows, new_rows = (FraudRows(p, is_fraud, groups, settings.replicates) for p in (old, new))
    context = {name: row_context(scored.rows)[name] for name in ("cutoff_times", "amounts")}
    return paired_metrics(old_rows, new_rows, settings, **context, share=share_of_records(scored, scored.rows))


def _check_kinds(is_fraud: Array, model: Model) -> None:
    for kind, found in (("fraud", is_fraud), (f"{model.legitimate!r}", ~is_fraud)):
        if not found.any():
            problem = f"none of {len(is_fraud)} later {model.subject}s is labelled {kind}"
            raise SchemaError(f"{model.subject}s", problem, "Add some: a comparison needs both kinds.")


def _start(rows: pd.DataFrame) -> pd.Timestamp | None:
    moments = rows["as_of"].dropna()
    return None if moments.empty else moments.min()


def _roles(values: Sequence[Any]) -> dict[str, Any]:
    return {"champion": None if len(values) == 1 else values[0], "challenger": values[-1]}


def _facts(model: Model) -> dict[str, Any]:
    until = trained_until(model)
    return {"name": model.name, "digest": model.digest, "trained_until": None if until is None else until.isoformat()}


def _few(drawn: BootstrapSummary | None) -> list[str]:
    if drawn is None or drawn.groups_with_fraud >= MIN_GROUPS:
        return []
    return [f"only {drawn.groups_with_fraud} {drawn.over}s have fraud: the intervals are not reliable"]
