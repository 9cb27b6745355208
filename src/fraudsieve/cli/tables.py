"""Human-readable tables: the rows that commands print without ``--json``."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.models.batch.rule_columns import RuleCount
    from fraudsieve.models.unlike_training.expected_shares import UnusualShare
    from fraudsieve.pages.rendering import PageTable
    from fraudsieve.training.data.labelled import LabelledData
    from fraudsieve.training.evaluation.evaluation_run import Evaluation
    from fraudsieve.training.evaluation.report import EvaluationReport
    from fraudsieve.training.evaluation.report_parts.rules import RuleMetrics
    from fraudsieve.training.fit import Trained
    from fraudsieve.training.promotion.decision import Decision
    from fraudsieve.training.promotion.gates import Gate
    from fraudsieve.training.promotion.model_comparison import ModelComparison
    from fraudsieve.training.promotion.paired_comparison import Pair
    from fraudsieve.training.tracking.tracked_run import LoggedRun

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
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


def evaluation_content(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> dict[str, Any]:
    file_paths = {} if files is None else {"files": {"page": str(files[0]), "json": str(files[1])}}
    model = {"model": evaluation.model.name, "digest": evaluation.model.digest}
    return {**model, "report": evaluation.report.to_dict(), **file_paths, **_left_out(evaluation.data)}


def evaluation_rows(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> list[tuple[str, str]]:
    rows = [("in training", overlap_text(evaluation)), ("left out", left_out_text(evaluation.data) or "nothing")]
    rows += rule_rows(evaluation.report.rules, evaluation.report.rows)
    rows += _report_rows(evaluation.report)
    return rows if files is None else [*rows, ("report", f"{files[0]}, and as JSON {files[1]}")]


def overlap_text(evaluation: "Evaluation") -> str:
    """Describe how many of the records were in training."""
    from fraudsieve.training.data.after_training import describe_overlap

    return describe_overlap(evaluation.data, evaluation.model)


def _report_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield what the page of a report has as tables and facts."""
    from fraudsieve.training.report_page.breakdown import importance_tables
    from fraudsieve.training.report_page.labels_section import delay_table, page_facts
    from fraudsieve.training.report_page.sections import capacity_text, metric_table, point_table, slice_tables
    from fraudsieve.training.report_page.unlike_section import unlike_facts

    if report.capacity is not None:
        yield "review capacity", capacity_text(report.capacity)
    facts = {} if report.labels is None else page_facts(report.labels, of_training=report.split is not None)
    delays = None if report.labels is None else delay_table(report.labels)
    for title, texts in (("unlike training", unlike_facts(report)), ("labels", facts)):
        yield from ((title if place == 0 else "", f"{name}: {texts[name]}") for place, name in enumerate(texts))
    tables = metric_table(report), point_table(report), delays, *slice_tables(report).values()
    for table in (*tables, *importance_tables(report)):
        yield from table_rows(table)
    yield from slice_rows(report)


def slice_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield the tables of the columns to slice by."""
    from fraudsieve.training.report_page.slices_section import sliced_tables

    if report.slices is not None:
        asked = tuple(part for part in report.slices.parts if part.by in report.slices.requested)
        for table in sliced_tables(replace(report.slices, parts=asked)):
            yield from table_rows(table)


def attack_rows(report: "EvaluationReport") -> Iterator[tuple[str, str]]:
    """Yield the recall that is kept under attack, by strength."""
    if report.attack is not None:
        means = ", ".join(f"{name} {figures.mean:.3f}" for name, figures in report.attack.character.items())
        yield "under attack", f"share of the recall that is kept, mean of characters: {means}"


def table_rows(table: "PageTable | None") -> Iterator[tuple[str, str]]:
    """Yield the caption, the columns and the rows of a table of the page; nothing without rows."""
    if table is not None and table.rows:
        yield "", table.caption
        lines = [[cell.replace(NO_BREAK_SPACE, " ") for cell in line] for line in (table.columns, *table.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for place, (name, *cells) in enumerate(lines):
            texts = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            yield f"  {name}" if place else name, "  ".join(texts)


def _left_out(data: "LabelledData") -> dict[str, int]:
    counts = {"unlabelled": data.n_unlabelled, "rejected": len(data.rejected)}
    return counts | {"rejected_labels": len(data.rejected_labels), "labelled_but_young": len(data.young)}


def left_out_text(data: "LabelledData") -> str:
    """Describe the rows that are left out; empty if there are none."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in _left_out(data).items() if count)


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


def trained_content(trained: "Trained") -> dict[str, Any]:
    return {
        "folder": str(trained.folder),
        "digest": trained.model.digest,
        **_logged_content(trained.logged),
        "report": trained.report.to_dict(),
        "operating_points": [asdict(point) for point in trained.model.points],
        **_left_out(trained.data),
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
    name = "evaluated models" if comparison.evaluated else "newest slice" if comparison.refresh else "later records"
    rows = [(name, _records(comparison))]
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
