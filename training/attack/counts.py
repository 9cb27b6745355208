"""Counts of the texts that are flagged when fraudulent and legitimate texts are obfuscated alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from fraudsieve._typing import Array

from .obfuscations import OBFUSCATIONS, STRENGTHS, obfuscate

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

    def __add__(self, other: "AttackCounts") -> "AttackCounts":
        sums: dict[str, Any] = {}
        for field in fields(self):
            own, added = getattr(self, field.name), getattr(other, field.name)
            sums[field.name] = (
                {key: n + added[key] for key, n in own.items()} if isinstance(own, Mapping) else own + added
            )
        return AttackCounts(**sums)


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
