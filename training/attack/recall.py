"""The recall that a model keeps when fraud is obfuscated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.models.artifact.folder import Model

from .obfuscations import OBFUSCATIONS, STRENGTHS, language_of, obfuscate

__all__ = [
    "FALSE_POSITIVE_RATE",
    "AttackCounts",
    "AttackMetrics",
    "CharacterSummary",
    "KeptRecall",
    "ObfuscationMetrics",
    "attack_counts",
    "attack_messages",
    "attack_metrics",
    "attackable",
    "check_attackable",
    "strict_threshold",
]

Counts: TypeAlias = Mapping[tuple[str, str], int]

FALSE_POSITIVE_RATE = 0.01
"""Share of clean legitimate texts that may lie above the threshold."""

MAX_TEXTS = 2000
"""Largest number of fraudulent texts that `attack_messages` obfuscates, to bound its running time."""


@dataclass(frozen=True)
class AttackCounts:
    """Numbers of fraudulent texts that were caught; the counts of several folds can be added.

    Parameters
    ----------
    rows : int
        Fraudulent texts.
    clean : int
        Texts caught without obfuscation.
    caught : mapping of (str, str) to int
        Texts caught after obfuscation, by obfuscation and strength.
    changed : mapping of (str, str) to int
        Texts that the obfuscation changed, by obfuscation and strength.

    Examples
    --------
    >>> counts = AttackCounts(10, 8, {("symbols", "light"): 6}, {("symbols", "light"): 10})
    >>> (counts + counts).caught
    {('symbols', 'light'): 12}
    """

    rows: int
    clean: int
    caught: Counts
    changed: Counts

    def __add__(self, other: "AttackCounts") -> "AttackCounts":
        caught = {key: count + other.caught[key] for key, count in self.caught.items()}
        changed = {key: count + other.changed[key] for key, count in self.changed.items()}
        return AttackCounts(self.rows + other.rows, self.clean + other.clean, caught, changed)


def strict_threshold(legitimate: Array, false_positive_rate: float = FALSE_POSITIVE_RATE) -> float:
    """Return the score that at most the given share of legitimate texts exceeds.

    Parameters
    ----------
    legitimate : ndarray, shape (n_texts,)
        Scores of clean legitimate texts, at least one.
    false_positive_rate : float, default=0.01
        The share.

    Returns
    -------
    float
        The score of a legitimate text; neither that text nor its ties are flagged.

    Examples
    --------
    >>> strict_threshold(np.arange(200.0))
    197.0
    """
    ranked = np.sort(legitimate)[::-1]
    return float(ranked[min(int(false_positive_rate * len(ranked)), len(ranked) - 1)])


def attack_counts(
    score: Callable[[list[str]], Array], fraud: Sequence[str], legitimate: Array, *, seed: int = 0
) -> AttackCounts:
    """Obfuscate fraudulent texts in every way, and count the texts that are still caught.

    Parameters
    ----------
    score : callable
        Maps all fraudulent texts, in their order, to scores: the higher, the more fraudulent. NaN is never caught.
    fraud : sequence of str
        The texts.
    legitimate : ndarray, shape (n_texts,)
        Scores of legitimate texts of the same table, without obfuscation; they set the threshold.
    seed : int, default=0
        Seed of the obfuscations.

    Returns
    -------
    AttackCounts

    Examples
    --------
    >>> counts = attack_counts(lambda texts: np.array(["win" in text for text in texts]), ["win"], np.zeros(9))
    >>> counts.clean, counts.caught["leetspeak", "light"], counts.caught["spelled_digits", "light"]
    (1, 0, 1)
    """
    threshold = strict_threshold(legitimate)
    clean = list(fraud)
    caught, changed = {}, {}
    for name in OBFUSCATIONS:
        for strength in STRENGTHS:
            texts = obfuscate(clean, name, strength, seed)
            caught[name, strength] = int((score(texts) > threshold).sum())
            changed[name, strength] = sum(after != before for after, before in zip(texts, clean, strict=True))
    return AttackCounts(len(clean), int((score(clean) > threshold).sum()), caught, changed)


@dataclass(frozen=True)
class KeptRecall:
    """Recall under an obfuscation.

    Parameters
    ----------
    recall : float
        Share of the fraudulent texts that is still caught.
    kept : float or None
        Share of the clean recall, at most 1, so that a gain on one text does not offset a loss on another. None if the
        clean recall is 0.
    changed : float
        Share of the texts that the obfuscation changed.
    """

    recall: float
    kept: float | None
    changed: float


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
    """Mean and worst kept recall over the applicable obfuscations of characters; None if the clean recall is 0."""

    mean: float | None
    worst: float | None
    worst_obfuscation: str | None


@dataclass(frozen=True)
class AttackMetrics:
    """Recall that a model keeps under attack.

    Parameters
    ----------
    false_positive_rate : float
        Share of clean legitimate texts above the threshold.
    language : {"zh", "en"}
        The language of the texts.
    rows : int
        Fraudulent texts.
    recall : float
        Recall on the texts without obfuscation.
    obfuscations : mapping of str to ObfuscationMetrics
        By name of the obfuscation.
    character : mapping of str to CharacterSummary
        By strength.
    """

    false_positive_rate: float
    language: str
    rows: int
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
    >>> counts = attack_counts(lambda texts: np.array(["win" in text for text in texts]), ["win"], np.zeros(9))
    >>> attack_metrics(counts, "en").obfuscations["spelled_digits"].strong
    KeptRecall(recall=1.0, kept=1.0, changed=0.0)
    """
    obfuscations = {
        name: ObfuscationMetrics(
            way.level,
            language in way.languages,
            **{strength: _kept_recall(counts, (name, strength)) for strength in STRENGTHS},
        )
        for name, way in OBFUSCATIONS.items()
    }
    return AttackMetrics(
        false_positive_rate=FALSE_POSITIVE_RATE,
        language=language,
        rows=counts.rows,
        recall=counts.clean / counts.rows,
        obfuscations=obfuscations,
        character={strength: _summary(obfuscations, strength) for strength in STRENGTHS},
    )


def check_attackable(model: Model) -> None:
    """Raise an error if a model cannot be attacked.

    Parameters
    ----------
    model : Model
        The model to evaluate.

    Raises
    ------
    RecipeError
        If the model does not score messages, or has no legitimate class and so no probability of fraud.
    """
    if model.subject != "message":
        problem = f"only messages can be obfuscated, and this is a model of {model.subject}s. Remove --attack"
        raise RecipeError("attack", [problem])
    if model.legitimate is None:
        problem = "the model has no legitimate class, and so no probability of fraud. Remove --attack"
        raise RecipeError("attack", [problem])


def attackable(model: Model, labels: Array) -> bool:
    """Return whether a model can be attacked with some rows.

    Parameters
    ----------
    model : Model
        The model to evaluate.
    labels : ndarray of str objects, shape (n_rows,)
        The true classes.

    Returns
    -------
    bool
        Whether the model separates fraudulent from legitimate messages, and the rows have both.
    """
    is_fraud = labels != model.legitimate
    both = bool(is_fraud.any() and not is_fraud.all())
    return model.subject == "message" and model.legitimate is not None and both


def attack_messages(
    score: Callable[[pd.DataFrame], Array], rows: pd.DataFrame, is_fraud: Array, probability: Array
) -> AttackMetrics:
    """Measure the recall of a model on the obfuscated fraud among labelled messages.

    Parameters
    ----------
    score : callable
        Maps rows to the probability of fraud.
    rows : DataFrame
        Messages with a column ``text``; only this column is changed.
    is_fraud : ndarray of bool, shape (n_rows,)
        Which rows are fraud.
    probability : ndarray, shape (n_rows,)
        The scores of the clean rows.

    Returns
    -------
    AttackMetrics
        As from `attack_metrics`. Of more than `MAX_TEXTS` fraudulent rows, that many are obfuscated, evenly spaced.

    Raises
    ------
    SchemaError
        If there is no fraud, or there are no legitimate rows to set the threshold.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["win cash", "see you"]})
    >>> metrics = attack_messages(
    ...     lambda rows: rows["text"].str.contains("cash").to_numpy(), rows, np.array([True, False]), np.array([1, 0])
    ... )
    >>> metrics.obfuscations["synonym"].strong.kept, metrics.obfuscations["spelled_digits"].strong.kept
    (0.0, 1.0)
    """
    for kind, rows_of_kind in (("fraudulent", is_fraud), ("legitimate", ~is_fraud)):
        if not rows_of_kind.any():
            problem = f"an attack needs fraudulent and legitimate rows, but no scorable row is {kind}"
            raise SchemaError("messages", problem, f"Add {kind} messages.")
    chosen = np.flatnonzero(is_fraud)
    if len(chosen) > MAX_TEXTS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MAX_TEXTS).astype(np.intp)]
    fraud, texts = rows.iloc[chosen], rows["text"].tolist()
    counts = attack_counts(
        lambda obfuscated: score(fraud.assign(text=obfuscated)), fraud["text"].tolist(), probability[~is_fraud]
    )
    return attack_metrics(counts, language_of(texts))


def _kept_recall(counts: AttackCounts, key: tuple[str, str]) -> KeptRecall:
    return KeptRecall(
        recall=counts.caught[key] / counts.rows,
        kept=min(1.0, counts.caught[key] / counts.clean) if counts.clean else None,
        changed=counts.changed[key] / counts.rows,
    )


def _summary(obfuscations: Mapping[str, ObfuscationMetrics], strength: str) -> CharacterSummary:
    shares = {
        name: way.at(strength).kept for name, way in obfuscations.items() if way.level == "character" and way.applies
    }
    kept = {name: share for name, share in shares.items() if share is not None}
    if not kept:
        return CharacterSummary(None, None, None)
    worst = min(kept, key=lambda name: kept[name])
    return CharacterSummary(sum(kept.values()) / len(kept), kept[worst], worst)
