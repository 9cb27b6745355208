"""Trained on one set, tested on another: fraudsieve and its peers on the same rows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from benchmarks.contestants.contestant import OURS, Fitted, FitTexts, Labels, Scores, fits_of
from benchmarks.data.folds import Rows, grouped_splits
from benchmarks.runner import Bar, Report, progress
from benchmarks.transfer.measures import DrawScores, bootstrap_figures, figures_of
from benchmarks.transfer.pairs import PAIRS, Pair, TargetTexts, load_source, load_target
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups

__all__ = ["ROWS", "compare_pairs", "contestants"]

ROWS: Final = 20_000
PARTS: Final = 4
FLAGGED: Final = 0.015
"""Largest share of a chat that may be flagged at the own 1 % point."""
NEVER_CERTAIN: Final = 1e-15
_PROTOCOL = (
    "{draws} draws: a quarter of the source (at most {rows} rows; near-duplicates together, stratified) is held back, "
    "all contestants are trained on the rest. recall_at_1pct, recall_at_01pct: share of the target's fraud above the "
    "score that 1 % (.1 %) of the target's own legitimate texts exceed; roc_auc and average_precision: of the target. "
    "flagged, recall_at_own_1pct: share of the "
    "target's legitimate texts, and of its fraud, above the score that 1 % of the held-back legitimate texts exceed. "
    "flagged_promised, recall_promised: the same at a point that promises 1 %, as models of the library have it: with "
    "95 % confidence, over near-duplicate groups. "
    "ece: after one calibration, fitted on the held-back rows. A chat (nus_sms_*) has no fraud: it gets the "
    "source's held-back fraud; spamhunter (plain Latin letters) and fbs_sms have no legitimate texts: they get the "
    "chat. Means over draws; .low and .high: 95 % by a bootstrap over near-duplicate groups and draws, the same for "
    "all. linear_svm and fasttext choose their settings inside the training rows."
)


@dataclass(frozen=True, eq=False)
class _Draw:
    """The rows of the source in one draw."""

    number: int
    texts: list[str]
    is_fraud: NDArray[np.bool_]
    groups: NDArray[np.int64]
    train: NDArray[np.intp]
    held_back: NDArray[np.intp]

    def held_back_texts(self) -> list[str]:
        """Return the texts that no contestant is trained on."""
        return [self.texts[row] for row in self.held_back]


def contestants(*, without: Sequence[str] = ()) -> dict[str, FitTexts]:
    """Return how the installed contestants are trained, by name, ours first; ours gives log-odds."""
    found = fits_of("transfer", without=without)
    if OURS in found:
        found[OURS] = _with_log_odds(found[OURS])
    return found


def _with_log_odds(fit: FitTexts) -> FitTexts:
    def fit_log_odds(texts: list[str], y: Labels, groups: Rows) -> Fitted:
        fitted = fit(texts, y, groups)

        def score(batch: list[str]) -> Scores:
            return np.asarray(logit(np.clip(fitted.score(batch), NEVER_CERTAIN, 1 - NEVER_CERTAIN)))

        return Fitted(fitted.label, score)

    return fit_log_odds


def compare_pairs(names: Sequence[str], fits: Mapping[str, FitTexts], *, draws: int = 3, rows: int = ROWS) -> Report:
    """Train every contestant on the sources of some pairs, once a draw, and look at their targets.

    `names` are of `PAIRS`; pairs of one source share their models. The report has ``<source>_<target>.<figure>`` of
    ours and of the peers, and bars. At most `rows` of a set are used.
    """
    figures: dict[str, dict[str, float]] = {name: {} for name in fits}
    used = 0
    for source in dict.fromkeys(PAIRS[name].source for name in names):
        targets = {name: load_target(PAIRS[name], rows=rows) for name in names if PAIRS[name].source == source}
        used += sum(len(target.texts) for target in targets.values())
        for contestant, found in _source_figures(source, targets, fits, draws=draws, rows=rows).items():
            figures[contestant] |= found
    own = figures.pop(OURS, {})
    dataset = ", ".join(names)
    protocol = _PROTOCOL.format(draws=draws, rows=rows)
    return Report("transfer", dataset, protocol, used, own, figures, _bars(names, own, figures))


def _source_figures(
    source: str, targets: Mapping[str, TargetTexts], fits: Mapping[str, FitTexts], *, draws: int, rows: int
) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, list[DrawScores]]] = {pair: {name: [] for name in fits} for pair in targets}
    complete: dict[str, list[TargetTexts]] = {pair: [] for pair in targets}
    for number in range(draws):
        draw = _draw_rows(source, number, rows=rows)
        in_draw = {pair: _with_held_back_fraud(PAIRS[pair], target, draw) for pair, target in targets.items()}
        for pair, target in in_draw.items():
            complete[pair].append(target)
        for name, fit in fits.items():
            for pair, found in _fit_and_score(name, fit, draw, in_draw).items():
                scores[pair][name].append(found)
    figures: dict[str, dict[str, float]] = {name: {} for name in fits}
    for pair, by_name in scores.items():
        for name, of_pair in _pair_figures(by_name, complete[pair]).items():
            figures[name] |= {f"{pair}.{figure}": value for figure, value in of_pair.items()}
    return figures


def _draw_rows(source: str, number: int, *, rows: int) -> _Draw:
    texts, is_fraud = load_source(source, rows=rows, seed=number)
    groups = near_duplicate_groups(texts)
    train, held_back = next(grouped_splits(is_fraud, groups, folds=PARTS, seed=number))
    return _Draw(number, texts, is_fraud, groups, train, held_back)


def _with_held_back_fraud(pair: Pair, target: TargetTexts, draw: _Draw) -> TargetTexts:
    """Add the source's held-back fraud to a target that is all legitimate."""
    if not pair.whole_chat:
        return target
    fraud = [draw.texts[row] for row in draw.held_back if draw.is_fraud[row]]
    is_fraud = np.repeat([False, True], [len(target.texts), len(fraud)])
    return TargetTexts([*target.texts, *fraud], is_fraud, np.zeros(len(is_fraud), np.int64))


def _fit_and_score(name: str, fit: FitTexts, draw: _Draw, targets: Mapping[str, TargetTexts]) -> dict[str, DrawScores]:
    start = time.process_time()
    score = fit([draw.texts[row] for row in draw.train], draw.is_fraud[draw.train], draw.groups[draw.train]).score
    held_back = score(draw.held_back_texts()), draw.is_fraud[draw.held_back], draw.groups[draw.held_back]
    found = {pair: DrawScores(*held_back, score(target.texts), target.is_fraud) for pair, target in targets.items()}
    for pair, scores in found.items():
        figures = figures_of(scores, targets[pair].years)
        summary = ", ".join(
            f"{figure} {figures[figure]:.4f}" for figure in ("recall_at_1pct", "flagged", "flagged_promised")
        )
        progress(f"{pair} draw {draw.number + 1} {name}: {summary}, CPU {time.process_time() - start:.0f} s")
    return found


def _pair_figures(
    scores: Mapping[str, Sequence[DrawScores]], targets: Sequence[TargetTexts]
) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    intervals = bootstrap_figures(scores, [target.groups for target in targets], ours=OURS)
    for name, of_name in scores.items():
        found = [figures_of(draw, target.years) for draw, target in zip(of_name, targets, strict=True)]
        means = {figure: float(np.mean([draw[figure] for draw in found])) for figure in found[0]}
        figures[name] = means | intervals[name]
    return figures


def _bars(names: Sequence[str], own: Mapping[str, float], peers: Mapping[str, Mapping[str, float]]) -> list[Bar]:
    bars = []
    for name in names if own else ():
        recall = f"{name}.recall_at_1pct"
        if "linear_svm" in peers:
            bars.append(Bar.at_least(recall, own[recall], peers["linear_svm"][recall]))
        if PAIRS[name].whole_chat:
            bars += [
                Bar.at_most(f"{name}.{what}", own[f"{name}.{what}"], FLAGGED)
                for what in ("flagged", "flagged_promised")
            ]
    return bars
