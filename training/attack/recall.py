"""The recall that a model keeps when messages are obfuscated, and the false alarms that obfuscation causes.

A model that flags everything unusual keeps its recall when fraud alone is obfuscated. So legitimate messages are
obfuscated alike: how many of them are flagged, and how much fraud is caught at a threshold that few of them exceed?
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.models.artifact.folder import Model

from .obfuscations import OBFUSCATIONS, STRENGTHS, language_of, obfuscate

MAX_TEXTS: Final = 2000
"""Largest number of texts of each kind that `attack_messages` obfuscates, to bound its running time."""


Key: TypeAlias = tuple[str, str]
Counts: TypeAlias = Mapping[Key, int]
Way: TypeAlias = Callable[[Sequence[str]], list[str]]

FALSE_POSITIVE_RATE: Final = 0.01
"""Share of legitimate texts that may lie above a threshold."""


@dataclass(frozen=True)
class AttackCounts:
    """Numbers of texts that were flagged; the counts of several folds can be added."""

    # Fraudulent and legitimate texts that were obfuscated.
    rows: int
    legitimate_rows: int
    # Fraudulent texts caught without obfuscation.
    clean: int
    # Fraudulent texts caught after obfuscation, by obfuscation and strength.
    caught: Counts
    # Those caught at the threshold that few of the legitimate texts exceed when they are obfuscated alike.
    caught_alike: Counts
    changed: Counts
    # Legitimate texts flagged after obfuscation, at the threshold of clean texts.
    flagged: Counts


def strict_threshold(legitimate: Array, false_positive_rate: float = FALSE_POSITIVE_RATE) -> float:
    """Return the score that at most the given share of legitimate texts exceeds."""
    ranked = np.sort(np.nan_to_num(legitimate, nan=-np.inf))[::-1]
    return float(ranked[min(int(false_positive_rate * len(ranked)), len(ranked) - 1)])


WAYS: Final[Mapping[Key, Way]] = {
    (name, strength): partial(obfuscate, name=name, strength=strength)
    for name in OBFUSCATIONS
    for strength in STRENGTHS
}
"""Every obfuscation at every strength."""


def attack_counts(
    score: Callable[[list[str]], Array],
    texts: Sequence[str],
    is_fraud: Array,
    legitimate: Array,
    *,
    ways: Mapping[Key, Way] = WAYS,
) -> AttackCounts:
    """Obfuscate texts in every way, fraudulent and legitimate ones alike, and count those that are flagged."""
    threshold = strict_threshold(legitimate)
    clean = list(texts)
    caught, caught_alike, changed, flagged = {}, {}, {}, {}
    for key, way in ways.items():
        obfuscated = way(clean)
        scores = score(obfuscated)
        of_fraud, of_legitimate = scores[is_fraud], scores[~is_fraud]
        caught[key] = int((of_fraud > threshold).sum())
        caught_alike[key] = int((of_fraud > strict_threshold(of_legitimate)).sum())
        pairs = zip(obfuscated, clean, is_fraud.tolist(), strict=True)
        changed[key] = sum(fraud and after != before for after, before, fraud in pairs)
        flagged[key] = int((of_legitimate > threshold).sum())
    n_caught = int((score(clean)[is_fraud] > threshold).sum())
    n_fraud = int(is_fraud.sum())
    return AttackCounts(n_fraud, len(clean) - n_fraud, n_caught, caught, caught_alike, changed, flagged)


@dataclass(frozen=True)
class KeptRecall:
    """Recall under an obfuscation."""

    # Share of the fraudulent texts that is still caught.
    recall: float
    # Share of the clean recall, at most 1, so that a gain on one text does not offset a loss on another. None if the
    # clean recall is 0.
    kept: float | None
    changed: float
    # Share of the fraudulent texts above the score that 1 % of the legitimate texts exceed when they are obfuscated
    # alike.
    recall_alike: float
    # That share over the clean recall, at most 1.
    kept_alike: float | None
    # Share of the obfuscated legitimate texts that is flagged, at the threshold of clean texts.
    flagged: float


@dataclass(frozen=True)
class ObfuscationMetrics:
    """Recall under one obfuscation by strength, with its level and whether it applies to the language of the texts."""

    level: str
    applies: bool
    light: KeptRecall
    medium: KeptRecall
    strong: KeptRecall

    def at(self, strength: str) -> KeptRecall:
        """Return the recall at a strength."""
        kept: KeptRecall = getattr(self, strength)
        return kept


@dataclass(frozen=True)
class CharacterSummary:
    """Summary over the obfuscations of characters that apply to the language."""

    # Mean and lowest kept recall; None if the clean recall is 0.
    mean: float | None
    worst: float | None
    # The obfuscation with the lowest kept recall.
    worst_obfuscation: str | None
    # Mean kept recall when legitimate texts are obfuscated alike.
    mean_alike: float | None
    # Mean share of the obfuscated legitimate texts that is flagged.
    flagged: float


@dataclass(frozen=True)
class AttackMetrics:
    """Recall that a model keeps under attack."""

    # Share of clean legitimate texts above the threshold.
    false_positive_rate: float
    language: str
    # Fraudulent and legitimate texts that were obfuscated.
    rows: int
    legitimate_rows: int
    # Recall on the texts without obfuscation.
    recall: float
    obfuscations: Mapping[str, ObfuscationMetrics]
    character: Mapping[str, CharacterSummary]


def attack_metrics(counts: AttackCounts, language: str) -> AttackMetrics:
    """Compute the recall that is kept under each obfuscation, and its mean over obfuscations of characters.

    Parameters
    ----------
    counts : AttackCounts
        Texts that were caught.
    language : {"zh", "en"}
        The language of the texts: it decides which obfuscations are in the mean.

    Returns
    -------
    AttackMetrics
        Recall by obfuscation and strength.

    Examples
    --------
    >>> def has_win(texts):
    ...     return np.array(["win" in text for text in texts])
    >>> counts = attack_counts(has_win, ["win", "hi"], np.array([True, False]), np.zeros(9))
    >>> attack_metrics(counts, "en").obfuscations["spelled_digits"].strong
    KeptRecall(recall=1.0, kept=1.0, changed=0.0, recall_alike=1.0, kept_alike=1.0, flagged=0.0)
    """
    obfuscations = {
        name: ObfuscationMetrics(
            way.level,
            language in way.languages,
            **{strength: kept_recall(counts, (name, strength)) for strength in STRENGTHS},
        )
        for name, way in OBFUSCATIONS.items()
    }
    return AttackMetrics(
        false_positive_rate=FALSE_POSITIVE_RATE,
        language=language,
        rows=counts.rows,
        legitimate_rows=counts.legitimate_rows,
        recall=counts.clean / counts.rows,
        obfuscations=obfuscations,
        character={strength: _summary(obfuscations, strength) for strength in STRENGTHS},
    )


def check_attackable(model: Model) -> None:
    """Raise an error if a model cannot be attacked."""
    if not model.subject.has_text:
        problem = f"only messages can be obfuscated, and this is a model of {model.subject}s. Remove --attack"
        raise RecipeError("attack", [problem])
    if model.legitimate is None:
        problem = "the model has no legitimate class, and so no probability of fraud. Remove --attack"
        raise RecipeError("attack", [problem])


def attackable(model: Model, labels: Array) -> bool:
    """Return whether a model can be attacked with some rows.

    Returns whether the model separates fraudulent from legitimate messages, and the rows have both.
    """
    is_fraud = labels != model.legitimate
    both = bool(is_fraud.any() and not is_fraud.all())
    return model.subject.has_text and model.legitimate is not None and both


def attack_messages(
    score: Callable[[pd.DataFrame], Array], rows: pd.DataFrame, is_fraud: Array, probability: Array
) -> AttackMetrics:
    """Measure the recall of a model, and its false alarms, on obfuscated labelled messages."""
    for kind, rows_of_kind in (("fraudulent", is_fraud), ("legitimate", ~is_fraud)):
        if not rows_of_kind.any():
            problem = f"an attack needs fraudulent and legitimate rows, but no scorable row is {kind}"
            raise SchemaError("messages", problem, f"Add {kind} messages.")
    chosen = np.concatenate([_spaced(np.flatnonzero(kind)) for kind in (is_fraud, ~is_fraud)])
    attacked = rows.iloc[chosen]
    counts = attack_counts(
        lambda obfuscated: score(attacked.assign(text=obfuscated)),
        attacked["text"].tolist(),
        is_fraud[chosen],
        probability[~is_fraud],
    )
    return attack_metrics(counts, language_of(rows["text"].tolist()))


def kept_recall(counts: AttackCounts, key: tuple[str, str]) -> KeptRecall:
    """Return the recall under one obfuscation, by its name and strength."""
    kept, kept_alike = (
        min(1.0, caught[key] / counts.clean) if counts.clean else None
        for caught in (counts.caught, counts.caught_alike)
    )
    return KeptRecall(
        recall=counts.caught[key] / counts.rows,
        kept=kept,
        changed=counts.changed[key] / counts.rows,
        recall_alike=counts.caught_alike[key] / counts.rows,
        kept_alike=kept_alike,
        flagged=counts.flagged[key] / counts.legitimate_rows,
    )


def _spaced(rows: Array) -> Array:
    """Return at most `MAX_TEXTS` of the rows, evenly spaced."""
    if len(rows) <= MAX_TEXTS:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, MAX_TEXTS).astype(np.intp)])


def _summary(obfuscations: Mapping[str, ObfuscationMetrics], strength: str) -> CharacterSummary:
    by_name = {name: way.at(strength) for name, way in obfuscations.items() if way.level == "character" and way.applies}
    flagged = sum(recall.flagged for recall in by_name.values()) / len(by_name)
    kept = {name: recall.kept for name, recall in by_name.items() if recall.kept is not None}
    if not kept:
        return CharacterSummary(None, None, None, None, flagged)
    worst = min(kept, key=lambda name: kept[name])
    alike = [recall.kept_alike for recall in by_name.values() if recall.kept_alike is not None]
    return CharacterSummary(sum(kept.values()) / len(kept), kept[worst], worst, sum(alike) / len(alike), flagged)
