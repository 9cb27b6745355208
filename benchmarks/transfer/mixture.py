"""One model of messages of several sources, next to a model of each: ``python -m benchmarks.transfer.mixture``."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.contestants.contestant import OURS, FitTexts, fits_of, settings_of
from benchmarks.data.folds import Rows, grouped_splits
from benchmarks.data.kinds import LEGITIMATE
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Arguments, Bar, Report, progress, run_command
from benchmarks.sets.table import MESSAGE_SETS
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups

__all__ = ["SOURCES", "compare_mixture", "main"]

SOURCES = ("smishing", "mudou_sms", "exais_sms", "stoneskipping")
ROWS = 4000
PARTS = 4
BEHIND = 0.005
_PROTOCOL = (
    "Fraud or spam against ham. Of each source {rows} rows at most; a quarter is held back to test on, near-duplicates "
    "together, or as many rows of a given test split. Means over {draws} draws of the average precision on each "
    "source: mixture.* of one model of all sources, own.* of a model of the source alone."
)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Texts of a source, whether each is fraud, and the number that near-duplicates share."""

    texts: list[str]
    is_fraud: NDArray[np.bool_]
    groups: Rows

    def take(self, rows: Rows) -> "_Rows":
        return _Rows([self.texts[row] for row in rows], self.is_fraud[rows], self.groups[rows])

    @classmethod
    def join(cls, parts: Sequence["_Rows"]) -> "_Rows":
        texts = [text for part in parts for text in part.texts]
        return cls(texts, np.concatenate([part.is_fraud for part in parts]), near_duplicate_groups(texts))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments: Arguments = {
        "--draws": {"type": int, "default": 3, "help": "draws of the rows (default 3)"},
        "--rows": {"type": int, "default": ROWS, "help": f"the most rows of a source (default {ROWS})"},
        "--without": {"action": "append", "default": [], "metavar": "NAME", "help": "leave out a contestant"},
    }
    return run_command("mixture", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    fits = fits_of("detection", without=options.without)
    return compare_mixture(SOURCES, fits, draws=options.draws, rows=options.rows)


def compare_mixture(sources: Sequence[str], fits: Mapping[str, FitTexts], *, draws: int, rows: int) -> Report:
    """Fit every contestant on all sources together and on each of them, once a draw."""
    figures: dict[str, dict[str, float]] = {name: {} for name in fits}
    used = 0
    for number in range(draws):
        parts = {source: _draw(source, rows, number) for source in sources}
        used = sum(len(train.texts) + len(test.texts) for train, test in parts.values())
        for name, fit in fits.items():
            for figure, value in _average_precisions(parts, fit).items():
                progress(f"draw {number + 1}/{draws} {name} {figure}: {value:.4f}")
                figures[name][figure] = figures[name].get(figure, 0.0) + value / draws
    own = figures.pop(OURS, {})
    protocol = " ".join([_PROTOCOL.format(rows=rows, draws=draws), *settings_of("detection", fits)])
    return Report("mixture", ", ".join(sources), protocol, used, own, figures, _bars(own, figures))


def _draw(source: str, rows: int, seed: int) -> tuple[_Rows, _Rows]:
    """Return training rows and test rows of a source."""
    frame = MESSAGE_SETS[source].load()
    frame = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    if "split" in frame:
        n_test, is_train = rows // PARTS, frame["split"] == "train"
        return _rows_of(frame[is_train][: rows - n_test]), _rows_of(frame[~is_train][:n_test])
    every = _rows_of(frame[:rows])
    train, test = next(grouped_splits(every.is_fraud, every.groups, folds=PARTS, seed=seed))
    return every.take(train), every.take(test)


def _rows_of(frame: pd.DataFrame) -> _Rows:
    texts = frame["text"].tolist()
    return _Rows(texts, (frame["label"] != LEGITIMATE).to_numpy(), near_duplicate_groups(texts))


def _average_precisions(parts: Mapping[str, tuple[_Rows, _Rows]], fit: FitTexts) -> dict[str, float]:
    trained = {f"own.{source}": train for source, (train, _) in parts.items()}
    trained |= {"mixture": _Rows.join(list(trained.values()))}
    score = {name: fit(rows.texts, rows.is_fraud, rows.groups).score for name, rows in trained.items()}
    found = {}
    for source, (_, test) in parts.items():
        for name, of in ((f"mixture.{source}", "mixture"), (f"own.{source}", f"own.{source}")):
            found[name] = METRICS["average_precision"](test.is_fraud, score[of](test.texts))
    return found


def _bars(own: Mapping[str, float], peers: Mapping[str, Mapping[str, float]]) -> list[Bar]:
    """Check that no source is behind the best peer in the mixture."""
    names = [name for name in own if name.startswith("mixture.") and peers]
    return [Bar.at_least(name, own[name], max(peer[name] for peer in peers.values()) - BEHIND) for name in names]


if __name__ == "__main__":
    sys.exit(main())
