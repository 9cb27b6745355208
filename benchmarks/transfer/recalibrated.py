"""A model of one source recalibrated for other traffic, and checked on the half of it that was not used."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.data.kinds import LEGITIMATE
from benchmarks.data.location import load_messages
from benchmarks.runner import Bar, Report, progress
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.models import Scorer
from fraudsieve.review import ReviewPlan, draw_records
from fraudsieve.training import Recalibrated, Recipe, recalibrate, train
from fraudsieve.training.data.groups import row_groups
from fraudsieve.training.evaluation.ranking import Ranking

__all__ = ["recalibrated"]

DRAWS, AUDITED, SPAM_SHARE, FLAGGED = 10, 300, 0.05, 0.06
MIN_INSIDE: Final = 0.7
PROTOCOL: Final = (
    "A model of smishing (fraud against ham, default recipe) for nus_sms_en with {spam:.0%} of spamhunter mixed in. "
    "{draws} random halves: one recalibrates, one checks. volume: the share flagged at the capacity "
    "({flagged:.0%}) is in the interval that unlabelled records give. With {audited} labels of a draw for review, half "
    "of them of its audit: false_positives: "
    "the rate over campaigns is in its interval, at the capacity; promised: it is at most the promised one, at every "
    "point that promises a rate; observed_over_expected is in its interval; ece: the calibration error (15 bins) is at "
    "most its bound. .inside: share of halves. Intervals are of 95 %, and at least {least:.0%} of the halves must "
    "hold: fewer than 7 of 10 have a probability of .001. before: the model as it was trained."
)


def recalibrated(draws: int = DRAWS) -> Report:
    """Measure whether the intervals of a recalibration hold, on random halves."""
    source, legitimate, spam = (load_messages(name) for name in ("smishing", "nus_sms_en", "spamhunter"))
    traffic = _mix(legitimate, spam)
    source["label"] = np.where(source["label"] == LEGITIMATE, "legitimate", "fraud")
    checks: list[dict[str, float]] = []
    with TemporaryDirectory() as folder:
        progress("training on smishing")
        settings = {"track.enabled": False, "evaluate.attack": False, "evaluate.replicates": 0}
        trained = train(Recipe.read(overrides=settings), output=Path(folder) / "m", messages=source)
        for draw in range(draws):
            progress(f"half {draw + 1} of {draws}")
            checks.append(_check(Scorer(trained.model), traffic, Path(folder), draw))
    means: dict[str, float] = {str(name): float(value) for name, value in pd.DataFrame(checks).mean().items()}
    inside = {f"{name}side": value for name, value in means.items() if name.endswith(".in")}
    figures = inside | {name: value for name, value in means.items() if not name.endswith((".in", ".before"))}
    before = {name.removesuffix(".before"): value for name, value in means.items() if name.endswith(".before")}
    bars = [Bar.at_least(name, value, MIN_INSIDE) for name, value in inside.items()]
    protocol = PROTOCOL.format(spam=SPAM_SHARE, draws=draws, flagged=FLAGGED, audited=AUDITED, least=MIN_INSIDE)
    return Report("transfer", "recalibrate", protocol, len(traffic), figures, {"before": before}, bars)


def _mix(legitimate: pd.DataFrame, spam: pd.DataFrame) -> pd.DataFrame:
    n = round(len(legitimate) * SPAM_SHARE / (1 - SPAM_SHARE))
    drawn = spam.iloc[np.random.default_rng(0).permutation(len(spam))[:n]]
    mixed = pd.concat([legitimate.assign(label="legitimate"), drawn.assign(label="fraud")], ignore_index=True)
    return mixed[["text", "label"]].assign(message_id=[f"m{i}" for i in range(len(mixed))])


def _check(scorer: Scorer, traffic: pd.DataFrame, folder: Path, draw: int) -> dict[str, float]:
    """Return whether each interval holds on the other half (names that end with ``.in``), and figures."""
    rows = np.random.default_rng(draw).permutation(len(traffic))
    used, other = (traffic.iloc[part].reset_index(drop=True) for part in np.array_split(rows, 2))
    settings = Recipe.read(overrides={"track.enabled": False, "seed": draw})
    given = used[["message_id", "text"]]
    labels = used[["message_id", "label"]].rename(columns={"message_id": "subject_id"})
    by_volume = recalibrate(scorer, given, output=folder / f"volume-{draw}", flagged=FLAGGED, recipe=settings)
    scores = pd.DataFrame(scorer.score_columns({"text": given["text"].tolist()})).assign(message_id=given["message_id"])
    audit = draw_records(scores, ReviewPlan(AUDITED, audit=0.5, seed=draw), messages=given).records
    drawn = audit[["subject_id", "inclusion_probability"]].merge(labels, on="subject_id")
    by_audit = recalibrate(
        scorer, given, output=folder / f"audit-{draw}", flagged=FLAGGED, recipe=settings, labels=drawn
    )
    is_fraud, groups = (other["label"] == "fraud").to_numpy(), row_groups(other, Subject.MESSAGE)[0]
    return _volume(by_volume, other) | _rates(by_audit, other, is_fraud, groups) | _before(scorer, other, is_fraud)


def _volume(result: Recalibrated, other: pd.DataFrame) -> dict[str, float]:
    share = float((_scores(Scorer(result.model), other) >= result.model.points[0].threshold).mean())
    low, high = result.facts["flagged_interval"]
    return {"volume.in": low <= share <= high, "volume": share}


def _rates(result: Recalibrated, other: pd.DataFrame, is_fraud: Array, groups: Array) -> dict[str, float]:
    probability, facts = _scores(Scorer(result.model), other), result.facts
    found: dict[str, float] = {}
    promised: list[bool] = []
    for point in result.model.points:
        rate = _over_groups(probability[~is_fraud] >= point.threshold, groups[~is_fraud])
        found[point.name] = rate
        if point.name == "capacity":
            low, high = facts["false_positive_rate_interval"][point.name]
            found["false_positives.in"] = low <= rate <= high
        if point.max_false_positive_rate is not None:
            promised.append(rate <= point.max_false_positive_rate)
    ratio, ece = is_fraud.sum() / probability.sum(), Ranking.of(probability, is_fraud).calibration_gap()
    low, high = facts["observed_over_expected_interval"]
    found |= {
        "promised.in": all(promised),
        "promised": len(promised),
        "observed_over_expected.in": low <= ratio <= high,
        "observed_over_expected": float(ratio),
        "ece.in": ece <= facts["max_calibration_error"],
        "ece": ece,
    }
    return found


def _before(scorer: Scorer, other: pd.DataFrame, is_fraud: Array) -> dict[str, float]:
    probability = _scores(scorer, other)
    point = scorer.model.points[0]
    return {
        f"{point.name}.before": float((probability[~is_fraud] >= point.threshold).mean()),
        "observed_over_expected.before": float(is_fraud.sum() / probability.sum()),
        "ece.before": Ranking.of(probability, is_fraud).calibration_gap(),
    }


def _scores(scorer: Scorer, messages: pd.DataFrame) -> Array:
    return scorer.score_columns({"text": messages["text"].tolist()})["probability"]


def _over_groups(flagged: Array, groups: Array) -> float:
    codes = np.unique(groups, return_inverse=True)[1]
    return float((np.bincount(codes, weights=flagged) / np.bincount(codes)).mean())
