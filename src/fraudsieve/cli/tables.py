"""Human-readable tables: the rows that commands print without ``--json``."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.models.batch.rule_columns import RuleCount
    from fraudsieve.models.unlike_training.expected_shares import UnusualShare
    from fraudsieve.training.attack.recall import AttackMetrics
    from fraudsieve.training.data.labelled import LabelledData
    from fraudsieve.training.evaluation.evaluation_run import Evaluation
    from fraudsieve.training.evaluation.points import PointRates
    from fraudsieve.training.evaluation.report import EvaluationReport
    from fraudsieve.training.evaluation.report_parts.rules import RuleMetrics
    from fraudsieve.training.fit import Trained
    from fraudsieve.training.promotion.decision import Decision
    from fraudsieve.training.promotion.gates import Gate
    from fraudsieve.training.promotion.model_comparison import ModelComparison
    from fraudsieve.training.promotion.paired_comparison import Pair
    from fraudsieve.training.tracking.tracked_run import LoggedRun

REPORTED = (
    "average_precision",
    "base_rate",
    "recall_at_1pct_fpr",
    "recall_at_capacity",
    "precision_at_capacity",
    "cost_per_1000",
    "roc_auc",
    "ece",
    "cllr",
    "min_cllr",
    "macro_f1",
)
COMPARED = (
    "average_precision",
    "recall_at_capacity",
    "precision_at_capacity",
    "recall_at_1pct_fpr",
    "roc_auc",
    "cost_per_1000",
    "ece",
    "brier",
    "observed_over_expected",
)
RATE_FORMATS = {
    "false_positive_rate": ".2%",
    "recall": ".3f",
    "precision": ".3f",
    "flagged": ".2%",
    "alerts_a_day": ",.1f",
}


def evaluation_content(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> dict[str, Any]:
    file_paths = {} if files is None else {"files": {"page": str(files[0]), "json": str(files[1])}}
    model = {"model": evaluation.model.name, "digest": evaluation.model.digest}
    return {**model, "report": evaluation.report.to_dict(), **file_paths, **_left_out(evaluation.data)}


def evaluation_rows(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> list[tuple[str, str]]:
    rows = [("in training", overlap_text(evaluation)), *_report_rows(evaluation.report)]
    rows += [("left out", left_out_text(evaluation.data) or "nothing"), *slice_rows(evaluation.report)]
    rows += rule_rows(evaluation.report.rules, evaluation.report.rows)
    rows += attack_rows(evaluation.report.attack) if evaluation.report.attack is not None else []
    return rows if files is None else [*rows, ("report", f"{files[0]}, and as JSON {files[1]}")]


def overlap_text(evaluation: "Evaluation") -> str:
    """Describe how many of the records were in training."""
    from fraudsieve.training.data.after_training import describe_overlap

    return describe_overlap(evaluation.data, evaluation.model)


def slice_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield a row for every value of the columns to slice by."""
    sliced = report.slices
    for by in () if sliced is None else sliced.requested:
        heads = "".join(f"{head:>27}" for head in ("recall", "false positives", "observed/expected"))
        yield f"by {by}", f"{'rows':>9}{heads}"
        for part in sliced.parts if sliced is not None else ():
            if part.by == by:
                cells = (
                    _cell(part.recall, part.recall_interval, ".3f"),
                    _cell(part.false_positive_rate, part.false_positive_rate_interval, ".2%"),
                    _cell(part.observed_over_expected, part.observed_over_expected_interval, ".2f"),
                )
                yield f"  {part.value}", f"{part.rows:>9,}" + "".join(f"{cell:>27}" for cell in cells)
    if sliced is not None and sliced.requested:
        yield "slices compared", f"{sliced.compared:,}; 5 % of the intervals miss the true value by chance"


def _cell(value: float | None, interval: tuple[float, float] | None, form: str) -> str:
    if value is None:
        return "too few"
    between = "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"
    return f"{value:{form}}{between}"


def _left_out(data: "LabelledData") -> dict[str, int]:
    counts = {"unlabelled": data.n_unlabelled, "rejected": len(data.rejected)}
    return counts | {"rejected_labels": len(data.rejected_labels), "labelled_but_young": len(data.young)}


def left_out_text(data: "LabelledData") -> str:
    """Describe the rows that are left out; empty if there are none."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in _left_out(data).items() if count)


def _report_rows(report: "EvaluationReport") -> list[tuple[str, str]]:
    return [*_metric_rows(report), *_point_rows(report), *_absent_rows(report), *_label_rows(report)]


def _metric_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield a row for every metric, and one for the review capacity before its metrics."""
    from fraudsieve.training.evaluation.metrics import METRIC_NAMES
    from fraudsieve.training.pages.sections import capacity_text
    from fraudsieve.training.pages.unlike_section import unlike_text

    for name in REPORTED:
        if name == "recall_at_capacity" and report.capacity is not None:
            yield "review capacity", capacity_text(report.capacity)
        value = getattr(report, name)
        if value is not None:
            yield METRIC_NAMES[name], f"{value:.3f}{_interval_text(report.intervals.get(name))}{_plain(report, name)}"
    unlike = report.unlike_training
    if unlike is not None:
        without = (
            ""
            if unlike.average_precision is None
            else f"; average precision without them {unlike.average_precision:.3f}"
        )
        yield "unlike training", f"{unlike_text(unlike)}{without}"


def _plain(report: "EvaluationReport", name: str) -> str:
    """Return a metric without weights, if the report is weighted."""
    weighting = report.weighting
    value = None if weighting is None else weighting.plain.get(name)
    if weighting is None or value is None:
        return ""
    return f"; without weights {value:.3f}{_interval_text(weighting.plain_intervals.get(name))}"


def _interval_text(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"  ({interval[0]:.3f} to {interval[1]:.3f})"


def _point_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield a row for every operating point: its rates on these records, then on the calibration slice."""
    from fraudsieve.training.evaluation.metrics import RATE_NAMES
    from fraudsieve.training.evaluation.points import rates_known

    points, decision = report.operating_points, report.decision
    known = rates_known(points)
    for index, point in enumerate(points):
        if index == 0:
            heads = "".join(f"{RATE_NAMES[rate]:>20}" for rate in known)
            yield "operating points", f"{heads}  (in brackets: on the calibration slice)"
        pairs = zip(_rate_texts(point.here, known), _rate_texts(point.calibration, known), strict=True)
        yield f"  {point.name}", "".join(f"{f'{here} ({calibrated})':>20}" for here, calibrated in pairs)
        if index == 0 and decision is not None and decision.unlike_training:
            counts = f"{decision.unlike_training:,} of its {decision.reviews:,} reviews"
            yield "  below its threshold", f"  {counts} here, which look like nothing in training"


def _absent_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    for point in report.absent_points:
        found = f"{point.legitimate_groups:,} of the {point.needed_groups:,} legitimate campaigns or accounts"
        yield f"  {point.name}", f"absent: {found} to calibrate on that it needs"


def _rate_texts(rates: "PointRates", names: Iterable[str]) -> list[str]:
    values = {name: getattr(rates, name) for name in names}
    return ["-" if value is None else format(value, RATE_FORMATS[name]) for name, value in values.items()]


def rule_rows(rules: Sequence["RuleCount | RuleMetrics"], records: int) -> Iterator[tuple[str, str]]:
    """Yield how many records the rules decided, and a row for every rule."""
    if rules:
        decided = sum(rule.records for rule in rules)
        yield "rules", f"{decided:,} of {records:,} records were decided by a rule"
    for rule in rules:
        parts = [f"{rule.action}: {rule.records:,}"]
        frauds, changed_frauds = getattr(rule, "frauds", None), getattr(rule, "changed_frauds", None)
        parts += [] if frauds is None else [f"{frauds:,} of them fraud"]
        parts += [f"{rule.changed:,} against the model"] if rule.changed else []
        parts += [f"{changed_frauds:,} of these fraud"] if rule.changed and changed_frauds is not None else []
        yield f"  {rule.id}", ", ".join([*parts, "expired"] if rule.expired else parts)


def traffic_rows(model: "Model", unusual: Sequence["UnusualShare"]) -> Iterator[tuple[str, str]]:
    """Yield a row that warns of unusual shares, and says what to do; none without them."""
    from fraudsieve.models.scoring.traffic import traffic_advice

    if unusual:
        yield "WARNING", ". ".join([*(share.text for share in unusual), traffic_advice(model)])


def _label_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    from fraudsieve.training.pages.labels_section import label_facts

    if report.labels is not None:
        for index, (name, text) in enumerate(label_facts(report.labels, of_training=report.split is not None)):
            yield ("" if index else "labels"), f"{name}: {text}"


def attack_rows(attack: "AttackMetrics", *, only_means: bool = False) -> list[tuple[str, str]]:
    """Return the recall that is kept, with a row for every obfuscation and a column for every strength.

    With `only_means`, there is a row for their mean alone.
    """
    strengths = list(attack.character)
    rate = f"{attack.false_positive_rate:.0%}"
    rows = [
        (
            "under attack",
            f"share that is kept of the recall of {attack.recall:.3f}, at {rate} false positives on clean messages",
        ),
        ("", "".join(f"{strength:>8}" for strength in strengths)),
    ]
    for name, obfuscation in () if only_means else attack.obfuscations.items():
        recalls = [obfuscation.at(strength) for strength in strengths]
        changed = any(recall.changed for recall in recalls)
        kept = _in_columns([recall.kept for recall in recalls]) if changed else "       - nothing to change"
        rows.append((f"  {name}", kept))
    means = [attack.character[strength].mean for strength in strengths]
    rows.append((f"  mean of characters ({attack.language})", _in_columns(means)))
    if only_means:
        return rows
    alike = [attack.character[strength].mean_alike for strength in strengths]
    flagged = [attack.character[strength].flagged for strength in strengths]
    rows.append(("  legitimate obfuscated alike", _in_columns(alike)))
    return [*rows, ("  share of these flagged", _in_columns(flagged))]


def _in_columns(shares: Sequence[float | None]) -> str:
    return "".join(f"{'-' if share is None else f'{share:.3f}':>8}" for share in shares)


def trained_content(trained: "Trained") -> dict[str, Any]:
    return {
        "folder": str(trained.folder),
        "digest": trained.model.digest,
        **_logged_content(trained.logged),
        "report": trained.report.to_dict(),
        "operating_points": [asdict(point) for point in trained.model.points],
        "absent_points": [asdict(point) for point in trained.model.absent_points],
        "unlabelled": trained.data.n_unlabelled,
        "rejected": len(trained.data.rejected),
        "rejected_labels": len(trained.data.rejected_labels),
        "split_model": trained.split_model and trained.split_model.digest,
        "tuning": trained.tuned and trained.tuned.content,
        "notes": list(trained.notes),
    }


def tested_text(trained: "Trained") -> str:
    """Describe the test slice of a training run."""
    from fraudsieve.training.splits.split import describe_split

    split = trained.split
    how = describe_split(split.kind, split.keeps_apart)
    if split.flatters:
        how = "at random, so these metrics are optimistic"
    return f"{trained.report.rows:,} {trained.model.subject}s, split {how}"


def trained_rows(trained: "Trained") -> list[tuple[str, str]]:
    refit = trained.report.refit
    return [
        *([] if refit is None else [("metrics", line) for line in refit.lines]),
        ("test", tested_text(trained)),
        *_report_rows(trained.report),
        ("left out", left_out_text(trained.data) or "nothing"),
        ("model folder", str(trained.folder)),
        ("digest", trained.model.digest or ""),
        *logged_rows(trained.logged),
    ]


def _logged_content(logged: "LoggedRun | None") -> dict[str, Any]:
    if logged is None:
        return dict.fromkeys(("model_uri", "aliases", "tracking_uri", "run_id", "run"))
    aliases = list(logged.aliases)
    return {"model_uri": logged.model_uri, "aliases": aliases, "tracking_uri": logged.shown_uri,
            "run_id": logged.run_id, "run": logged.address}  # fmt: skip


def logged_rows(logged: "LoggedRun | None") -> list[tuple[str, str]]:
    if logged is None:
        return [("run in MLflow", "none: --no-track")]
    model = f"{logged.model_uri} ({', '.join(logged.aliases) or 'not registered'})"
    return [("model", model), ("run in MLflow", logged.address)]


def comparison_rows(comparison: "ModelComparison") -> list[tuple[str, str]]:
    from fraudsieve.training.evaluation.metrics import METRIC_NAMES, describe_capacity

    capacity = comparison.capacity
    rows = [("newest slice" if comparison.refresh else "later records", _records(comparison))]
    if capacity is not None:
        of = ("alerts", "alerts_a_day", "flagged", "why")
        described = describe_capacity(**{name: getattr(capacity, name) for name in of})
        rows.append(("review capacity", described))
    rows.append(("", "champion  challenger  difference"))
    rows += [(METRIC_NAMES[name], _pair(comparison.figures[name])) for name in COMPARED]
    if comparison.weights is not None:
        rows.append(("without weights", "champion  challenger  difference"))
        rows += [(METRIC_NAMES[name], _pair(comparison.plain[name])) for name in COMPARED]
    attack = comparison.attack
    if attack is not None:
        for title, old, new in (
            ("recall kept", attack.kept.champion, attack.kept.challenger),
            ("the same, all obfuscated", attack.kept_alike.champion, attack.kept_alike.challenger),
            ("legitimate flagged", attack.flagged.champion, attack.flagged.challenger),
        ):
            rows.append((f"{title}, {attack.strength} attack", _old_new_difference(old, new, 3)))
    times = comparison.latency.map(lambda latency: latency.p99_ms)
    rows.append(("one record, p99 in ms", _old_new_difference(times.champion, times.challenger, 2)))
    left_out = ", ".join(f"{n:,} {reason}" for reason, n in comparison.left_out.items() if n)
    return rows + ([("left out", left_out)] if left_out else [])


def gate_rows(gates: Iterable["Gate"]) -> list[tuple[str, str]]:
    return [("passed" if gate.passed else "NOT PASSED", gate.reason) for gate in gates]


def decision_rows(decision: "Decision") -> Iterator[tuple[str, str]]:
    """Yield all metrics and gates of a decision, and what it changed."""
    if decision.comparison is not None:
        yield from comparison_rows(decision.comparison)
        yield from gate_rows(decision.gates)
    yield from outcome_rows(decision)


def outcome_rows(decision: "Decision") -> Iterator[tuple[str, str]]:
    """Yield the reasons of a decision that are not those of gates, and the champion."""
    of_gates = {gate.reason for gate in decision.gates}
    yield from ((decision.decision, reason) for reason in decision.reasons if reason not in of_gates)
    yield "champion", f"models:/{decision.name}/{decision.champion}" if decision.champion else "none"


def _records(comparison: "ModelComparison") -> str:
    records = f"{comparison.rows:,} {comparison.subject}s, {comparison.frauds:,} of them fraud"
    capacity = comparison.capacity
    return records if capacity is None or capacity.days is None else f"{records}, over {capacity.days:,} days"


def _pair(pair: "Pair") -> str:
    text = _old_new_difference(pair.champion, pair.challenger, 3)
    if pair.difference is None or not pair.interval:
        return text
    return f"{text}  ({pair.interval[0]:+.3f} to {pair.interval[1]:+.3f})"


def _old_new_difference(old: float | None, new: float | None, digits: int) -> str:
    numbers = [old, new, None if old is None or new is None else new - old]
    signs = ("", "", "+")
    texts = ["-" if n is None else f"{n:{sign}.{digits}f}" for n, sign in zip(numbers, signs, strict=True)]
    return f"{texts[0]:>8}  {texts[1]:>10}  {texts[2]:>10}"
