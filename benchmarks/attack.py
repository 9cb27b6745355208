"""The recall kept when fraud is obfuscated, ours and the peers' in one run: ``python -m benchmarks.attack``."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.location import load_messages
from benchmarks.detection import ours
from benchmarks.detection.folds import Fold, folds_of
from benchmarks.detection.peers import FastText, FitScores, Groups, LinearSvm, available_peers
from benchmarks.runner import Arguments, Bar, Report, progress, run_command
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.training.attack.obfuscations import STRENGTHS, language_of
from fraudsieve.training.attack.recall import AttackCounts, AttackMetrics, attack_counts, attack_metrics

__all__ = ["KEPT", "SETS", "available_contestants", "compare", "main", "merge"]

SETS = ("smishing", "mudou_sms")
Flags: TypeAlias = NDArray[np.bool_]

LEGITIMATE = "ham"
KEPT = 0.9
"""Share of the clean recall that is promised at medium strength, as the mean over obfuscations of characters."""
PROTOCOL = (
    "Fraud or spam against ham. {folds} stratified folds that keep near-duplicates (MinHash) together; trained on "
    "clean messages. On each fold and for each contestant the threshold is the score that 1 % of the clean legitimate "
    "test messages exceed. recall: share of the clean fraud above it; kept: fraud above it when obfuscated over fraud "
    "above it when clean, both summed over folds, at most 1; changed: share of the fraud in which there was something "
    "to change. Strengths: {strengths} of the positions. character: mean over the obfuscations of characters that "
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
    contestants = available_contestants(without=options.without)
    tables = {name: load_messages(name) for name in options.sets or SETS}
    return merge([compare(name, table, contestants, folds=options.folds) for name, table in tables.items()])


def available_contestants(*, without: Sequence[str] = ()) -> dict[str, FitScores]:
    """Return the contestants that are installed, by name, ours first.

    Parameters
    ----------
    without : sequence of str, default=()
        Names to leave out.

    Returns
    -------
    dict of str to callable
        Called with texts, whether each is fraud, and groups; returns a function that scores texts.
    """
    contestants: dict[str, FitScores] = {ours.NAME: ours.fit_scores, LinearSvm.name: LinearSvm().fit_scores}
    if FastText.name in available_peers():
        contestants[FastText.name] = FastText().fit_scores
    else:
        progress("fastText is left out: it is not installed (pip install 'fraudsieve[bench]').")
    return {name: fit for name, fit in contestants.items() if name not in without}


def compare(dataset: str, table: pd.DataFrame, contestants: Mapping[str, FitScores], *, folds: int = 5) -> Report:
    """Attack every contestant on every fold of one set.

    Parameters
    ----------
    dataset : str
        Name of the data set, which is the first part of the names of the figures.
    table : DataFrame
        ``text`` and ``label``.
    contestants : mapping of str to callable
        From `available_contestants`.
    folds : int, default=5
        Number of folds.

    Returns
    -------
    Report
        Figures of fraudsieve and of the peers, without bars.
    """
    texts, is_fraud = table["text"].tolist(), (table["label"] != LEGITIMATE).to_numpy()
    groups = near_duplicate_groups(texts)
    counts_by_name: dict[str, AttackCounts] = {}
    for fold in folds_of(is_fraud, groups, repeats=1, folds=folds):
        for name, fit in contestants.items():
            start = time.perf_counter()
            counts = _attack_fold(fold, texts, is_fraud, groups, fit)
            counts_by_name[name] = counts_by_name[name] + counts if name in counts_by_name else counts
            summary = f"recall {counts.clean / counts.rows:.3f}, {time.perf_counter() - start:.1f} s"
            progress(f"{dataset} fold {fold.number + 1}/{folds} {name}: {summary}")
    language = language_of(texts)
    figures = {name: _figures(dataset, attack_metrics(counts, language)) for name, counts in counts_by_name.items()}
    strengths = ", ".join(f"{name} {share:.0%}" for name, share in STRENGTHS.items())
    protocol = PROTOCOL.format(folds=folds, strengths=strengths)
    return Report("attack", dataset, protocol, len(table), figures.pop(ours.NAME, {}), figures)


def _attack_fold(fold: Fold, texts: list[str], is_fraud: Flags, groups: Groups, fit: FitScores) -> AttackCounts:
    score = fit([texts[i] for i in fold.train], is_fraud[fold.train], groups[fold.train])
    legitimate = [texts[i] for i in fold.test if not is_fraud[i]]
    return attack_counts(score, [texts[i] for i in fold.test if is_fraud[i]], score(legitimate))


def _figures(dataset: str, metrics: AttackMetrics) -> dict[str, float]:
    """Flatten the metrics: every obfuscation that applies, then the mean and the worst, at each strength."""
    figures: dict[str, float | None] = {f"{dataset}.recall": metrics.recall}
    applying = {name: obfuscation for name, obfuscation in metrics.obfuscations.items() if obfuscation.applies}
    for strength in STRENGTHS:
        for name, obfuscation in applying.items():
            figures[f"{dataset}.kept.{strength}.{name}"] = obfuscation.at(strength).kept
        figures[f"{dataset}.kept.{strength}.character"] = metrics.character[strength].mean
        figures[f"{dataset}.kept.{strength}.worst"] = metrics.character[strength].worst
    figures |= {
        f"{dataset}.changed.medium.{name}": obfuscation.medium.changed for name, obfuscation in applying.items()
    }
    return {name: value for name, value in figures.items() if value is not None}


def merge(reports: Sequence[Report]) -> Report:
    """Merge the reports of sets into one, and check it against the bars.

    Parameters
    ----------
    reports : sequence of Report
        One per set.

    Returns
    -------
    Report
        ``kept.<strength>.character`` and ``.worst`` without a set's name are the minimum over the sets.
    """
    names = dict.fromkeys(name for report in reports for name in report.peers)
    own = _with_lowest([report.figures for report in reports])
    peers = {name: _with_lowest([report.peers[name] for report in reports]) for name in names}
    bars = [Bar.at_least(name, value, KEPT) for name, value in own.items() if name.endswith("kept.medium.character")]
    rows = sum(report.rows for report in reports)
    return Report("attack", ", ".join(r.dataset for r in reports), reports[0].protocol, rows, own, peers, bars)


def _with_lowest(columns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    lowest: dict[str, float] = {}
    for column in columns:
        for name, value in column.items():
            _, _, rest = name.partition(".")
            if rest.startswith("kept.") and rest.endswith((".character", ".worst")):
                lowest[rest] = min(value, lowest.get(rest, value))
    return lowest | {name: value for column in columns for name, value in column.items()}


if __name__ == "__main__":
    sys.exit(main())
