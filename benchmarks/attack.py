"""The recall kept when messages are obfuscated, ours and the peers' in one run: ``python -m benchmarks.attack``."""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.contestants.contestant import OURS, FitTexts, fits_of
from benchmarks.data.folds import Fold, Rows, folds_of
from benchmarks.data.kinds import LEGITIMATE
from benchmarks.data.location import load_messages
from benchmarks.runner import Arguments, Bar, Report, progress, run_command
from benchmarks.sets.table import message_sets_of
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.training.attack.obfuscations import STRENGTHS, language_of
from fraudsieve.training.attack.recall import (
    WAYS,
    AttackCounts,
    AttackMetrics,
    KeptRecall,
    attack_counts,
    attack_metrics,
    kept_recall,
)

__all__ = ["FLAGGED", "KEPT", "SETS", "compare", "lurebench_ways", "main", "merge"]

SETS = tuple(message_sets_of("attack"))
Flags: TypeAlias = NDArray[np.bool_]

KEPT = 0.9
"""Share of the clean recall that is promised at medium strength, as the mean over obfuscations of characters."""
FLAGGED = 0.03
"""Largest share of the legitimate messages that may be flagged when they are obfuscated in the same ways."""
LUREBENCH = ("homoglyph", "leet", "zero-width", "whitespace")
PROTOCOL = (
    "Fraud or spam against ham. {folds} stratified folds that keep near-duplicates (MinHash) together; trained on "
    "clean messages. On each fold and for each contestant the threshold is the score that 1 % of the clean legitimate "
    "test messages exceed. recall: share of the clean fraud above it; kept: fraud above it when obfuscated over fraud "
    "above it when clean, both summed over folds, at most 1; changed: share of the fraud in which there was something "
    "to change. both: the same as kept, at the score that 1 % of the legitimate test messages exceed when they are "
    "obfuscated alike; flagged: share of the obfuscated legitimate messages above the threshold of clean ones. "
    "lurebench: the perturbations of that project (optional, pip install lurebench), at its own rates. "
    "Strengths: {strengths} of the positions. character: mean over the obfuscations of characters that "
    "apply to the language; worst: the lowest of these. Names without a set: the lowest of the sets. Synonyms work on "
    "words: reported, not promised. Scores: ours is the probability, linear_svm the margin, fasttext the log-odds. "
    "The peers choose their settings inside the training rows of each fold, as in benchmarks.detection."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments: Arguments = {
        "sets": {"nargs": "*", "metavar": "SET", "help": f"{' or '.join(SETS)} (default both)"},
        "--folds": {"type": int, "default": 5, "help": "folds (default 5)"},
        "--without": {"action": "append", "default": [], "metavar": "NAME", "help": "leave out a contestant"},
    }
    return run_command("attack", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    contestants = fits_of("attack", without=options.without)
    tables = {name: load_messages(name) for name in options.sets or SETS}
    return merge([compare(name, table, contestants, folds=options.folds) for name, table in tables.items()])


def compare(dataset: str, table: pd.DataFrame, contestants: Mapping[str, FitTexts], *, folds: int = 5) -> Report:
    """Attack every contestant on every fold of one set, whose name is the first part of the names of the figures.

    The report has no bars.
    """
    texts, is_fraud = table["text"].tolist(), (table["label"] != LEGITIMATE).to_numpy()
    groups = near_duplicate_groups(texts)
    counts_by_name: dict[str, AttackCounts] = {}
    for fold in folds_of(is_fraud, groups, repeats=1, folds=folds):
        for name, fit in contestants.items():
            start = time.perf_counter()
            counts = _attack_fold(fold, texts, is_fraud, groups, fit)
            counts_by_name[name] = summed(counts_by_name[name], counts) if name in counts_by_name else counts
            summary = f"recall {counts.clean / max(counts.rows, 1):.3f}, {time.perf_counter() - start:.1f} s"
            progress(f"{dataset} fold {fold.number + 1}/{folds} {name}: {summary}")
    language = language_of(texts)
    figures = {
        name: _figures(dataset, attack_metrics(counts, language)) | _lurebench_figures(dataset, counts)
        for name, counts in counts_by_name.items()
    }
    strengths = ", ".join(f"{name} {share:.0%}" for name, share in STRENGTHS.items())
    protocol = PROTOCOL.format(folds=folds, strengths=strengths)
    return Report("attack", dataset, protocol, len(table), figures.pop(OURS, {}), figures)


def summed(one: AttackCounts, other: AttackCounts) -> AttackCounts:
    """Return the counts of two folds together."""
    sums: dict[str, Any] = {}
    for name, own in vars(one).items():
        added = getattr(other, name)
        sums[name] = {key: n + added[key] for key, n in own.items()} if isinstance(own, Mapping) else own + added
    return AttackCounts(**sums)


def _attack_fold(fold: Fold, texts: list[str], is_fraud: Flags, groups: Rows, fit: FitTexts) -> AttackCounts:
    score = fit([texts[i] for i in fold.train], is_fraud[fold.train], groups[fold.train]).score
    tested = [texts[i] for i in fold.test]
    legitimate = score([texts[i] for i in fold.test if not is_fraud[i]])
    return attack_counts(score, tested, is_fraud[fold.test], legitimate, ways={**WAYS, **lurebench_ways()})


@cache
def lurebench_ways() -> dict[tuple[str, str], Callable[[Sequence[str]], list[str]]]:
    """Return the perturbations of lurebench, if it is installed, as `attack_counts` takes ways to obfuscate."""
    if importlib.util.find_spec("lurebench") is None:
        progress("lurebench is left out: it is not installed (pip install lurebench).")
        return {}
    from lurebench.attacks import get_attack

    attacks = {name: get_attack(name) for name in LUREBENCH}
    return {("lurebench", name): partial(_perturb, attack.apply) for name, attack in attacks.items()}


def _perturb(apply: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    return [apply(text) for text in texts]


def _figures(dataset: str, metrics: AttackMetrics) -> dict[str, float]:
    """Flatten the metrics: every obfuscation that applies, then the mean and the worst, at each strength."""
    figures: dict[str, float | None] = {f"{dataset}.recall": metrics.recall}
    applying = {name: obfuscation for name, obfuscation in metrics.obfuscations.items() if obfuscation.applies}
    for strength in STRENGTHS:
        for name, obfuscation in applying.items():
            figures |= _kept_figures(f"{strength}.{name}", dataset, obfuscation.at(strength))
        summary = metrics.character[strength]
        figures[f"{dataset}.kept.{strength}.character"] = summary.mean
        figures[f"{dataset}.kept.{strength}.worst"] = summary.worst
        figures[f"{dataset}.both.{strength}.character"] = summary.mean_alike
        figures[f"{dataset}.flagged.{strength}.character"] = summary.flagged
    figures |= {
        f"{dataset}.changed.medium.{name}": obfuscation.medium.changed for name, obfuscation in applying.items()
    }
    return {name: value for name, value in figures.items() if value is not None}


def _kept_figures(name: str, dataset: str, recall: KeptRecall) -> dict[str, float | None]:
    return {
        f"{dataset}.kept.{name}": recall.kept,
        f"{dataset}.both.{name}": recall.kept_alike,
        f"{dataset}.flagged.{name}": recall.flagged,
    }


def _lurebench_figures(dataset: str, counts: AttackCounts) -> dict[str, float]:
    figures: dict[str, float | None] = {}
    for key in [key for key in counts.caught if key not in WAYS]:
        figures |= _kept_figures(".".join(key), dataset, kept_recall(counts, key))
    return {name: value for name, value in figures.items() if value is not None}


def merge(reports: Sequence[Report]) -> Report:
    """Merge the reports of sets into one, and check it against the bars.

    ``kept.<strength>.character`` and ``.worst``, ``both.<strength>.character`` and ``flagged.<strength>.character``
    without a set's name are those of the worst set.
    """
    names = dict.fromkeys(name for report in reports for name in report.peers)
    own = _with_worst([report.figures for report in reports])
    peers = {name: _with_worst([report.peers[name] for report in reports]) for name in names}
    bars = [Bar.at_least(name, own[name], KEPT) for name in own if name.endswith("kept.medium.character")]
    bars += [Bar.at_least(name, own[name], KEPT) for name in own if name.endswith("both.medium.character")]
    bars += [Bar.at_most(name, own[name], FLAGGED) for name in own if name.endswith("flagged.medium.character")]
    rows = sum(report.rows for report in reports)
    return Report("attack", ", ".join(r.dataset for r in reports), reports[0].protocol, rows, own, peers, bars)


def _with_worst(columns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for column in columns:
        for name, value in column.items():
            _, _, rest = name.partition(".")
            if rest.endswith((".character", ".worst")):
                worse = max if rest.startswith("flagged.") else min
                worst[rest] = worse(value, worst.get(rest, value))
    return worst | {name: value for column in columns for name, value in column.items()}


if __name__ == "__main__":
    sys.exit(main())
