"""Human-readable tables: the rows that commands print without ``--json``.

The first screen of a command: what the model finds, what to do next, and where the rest is. --verbose has it all.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudsieve._command import without_secrets
from fraudsieve._translation import tr
from fraudsieve._typing import JsonObject

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.models.batch.outputs import RuleCount
    from fraudsieve.models.unlike_training.expected_shares import UnusualShare
    from fraudsieve.pages.rendering import PageTable
    from fraudsieve.retrain import Retrained, RetrainPlan
    from fraudsieve.training.data.labelled import LabelledData
    from fraudsieve.training.evaluation.evaluation_run import Evaluation
    from fraudsieve.training.evaluation.report import EvaluationReport
    from fraudsieve.training.evaluation.report_parts.weighting import RuleMetrics
    from fraudsieve.training.fit import Trained
    from fraudsieve.training.promotion.decision import Decision
    from fraudsieve.training.promotion.gates import Gate
    from fraudsieve.training.promotion.model_comparison import ModelComparison, Pair
    from fraudsieve.training.tracking.tracked_run import LoggedRun

Rows = Iterator[tuple[str, str]]
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


def evaluation_content(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> JsonObject:
    file_paths = {} if files is None else {"files": {"page": str(files[0]), "json": str(files[1])}}
    model = {"model": evaluation.model.name, "digest": evaluation.model.digest}
    return {**model, "report": evaluation.report.to_dict(), **file_paths, **_left_out(evaluation.data)}


def evaluation_rows(evaluation: "Evaluation", files: tuple[Path, Path] | None) -> Rows:
    rows = [("in training", overlap_text(evaluation)), ("left out", left_out_text(evaluation.data) or "nothing")]
    rows += rule_rows(evaluation.report.rules, evaluation.report.rows)
    rows += _report_rows(evaluation.report)
    yield from rows if files is None else [*rows, ("report", tr("{a}, and as JSON {b}", a=files[0], b=files[1]))]


def overlap_text(evaluation: "Evaluation") -> str:
    """Describe how many of the records were in training."""
    from fraudsieve.training.data.groups import describe_overlap

    return describe_overlap(evaluation.data, evaluation.model)


def _report_rows(report: "EvaluationReport") -> Rows:
    """Yield what the page of a report has as tables and facts."""
    from fraudsieve.training.report_page.breakdown import delay_table, importance_tables, page_facts
    from fraudsieve.training.report_page.charts import unlike_facts
    from fraudsieve.training.report_page.sections import metric_table, point_table, slice_tables

    if report.capacity is not None:
        yield "review capacity", report.capacity.text
    facts = {} if report.labels is None else page_facts(report.labels, of_training=report.split is not None)
    delays = None if report.labels is None else delay_table(report.labels)
    for title, texts in (("unlike training", unlike_facts(report)), ("labels", facts)):
        yield from ((title if place == 0 else "", f"{name}: {texts[name]}") for place, name in enumerate(texts))
    tables = metric_table(report), point_table(report), delays, *slice_tables(report).values()
    for table in (*tables, *importance_tables(report)):
        yield from table_rows(table)
    yield from slice_rows(report)


def slice_rows(report: "EvaluationReport") -> Rows:
    """Yield the tables of the columns to slice by."""
    from fraudsieve.training.report_page.breakdown import sliced_tables

    if report.slices is not None:
        asked = tuple(part for part in report.slices.parts if part.by in report.slices.requested)
        for table in sliced_tables(replace(report.slices, parts=asked)):
            yield from table_rows(table)


def attack_rows(report: "EvaluationReport") -> Rows:
    """Yield the recall that is kept under attack, by strength."""
    if report.attack is not None:
        means = ", ".join(f"{name} {figures.mean:.3f}" for name, figures in report.attack.character.items())
        yield "under attack", f"share of the recall that is kept, mean of characters: {means}"


def table_rows(table: "PageTable | None") -> Rows:
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
    return ", ".join(f"{n:,} {tr(name.replace('_', ' '), sense='cell')}" for name, n in _left_out(data).items() if n)


def rule_rows(rules: Sequence["RuleCount | RuleMetrics"], records: int) -> Rows:
    """Yield how many records the rules decided, and a row for every rule."""
    if rules:
        decided = sum(rule.records for rule in rules)
        yield "rules", tr("{n:,} of {rows:,} records were decided by a rule", n=decided, rows=records)
    for rule in rules:
        parts = [f"{rule.action}: {rule.records:,}"]
        frauds, changed_frauds = getattr(rule, "frauds", None), getattr(rule, "changed_frauds", None)
        parts += [] if frauds is None else [f"{frauds:,} of them fraud"]
        parts += [f"{rule.changed:,} against the model"] if rule.changed else []
        parts += [f"{changed_frauds:,} of these fraud"] if rule.changed and changed_frauds is not None else []
        yield f"  {rule.id}", ", ".join([*parts, "expired"] if rule.expired else parts)


def traffic_rows(model: "Model", unusual: Sequence["UnusualShare"]) -> Rows:
    """Yield a row that warns of unusual shares, and says what to do; none without them."""
    from fraudsieve.models.scoring.traffic import traffic_advice

    if unusual:
        yield "WARNING", ". ".join([*(share.text for share in unusual), traffic_advice(model)])


def trained_content(trained: "Trained") -> JsonObject:
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
        how = tr("at random, so these metrics are optimistic")
    return tr("{n:,} {records}, split {how}", n=trained.report.rows, records=tr(f"{trained.model.subject}s"), how=how)


def trained_rows(trained: "Trained") -> Rows:
    refit = trained.report.refit
    yield from [
        *([] if refit is None else [("metrics", line) for line in refit.lines]),
        ("test", tested_text(trained)),
        *_report_rows(trained.report),
        ("left out", left_out_text(trained.data) or "nothing"),
        ("model folder", str(trained.folder)),
        ("digest", trained.model.digest or ""),
        *logged_rows(trained.logged),
    ]


def _logged_content(logged: "LoggedRun | None") -> JsonObject:
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


def comparison_rows(comparison: "ModelComparison") -> Rows:
    from fraudsieve.training.evaluation.metrics import METRIC_NAMES

    name = "evaluated models" if comparison.evaluated else "newest slice" if comparison.refresh else "later records"
    yield name, _records(comparison)
    if comparison.capacity is not None:
        yield "review capacity", comparison.capacity.text
    weighted = {} if comparison.weights is None else {"without weights": comparison.plain}
    for title, figures in ({"": comparison.figures} | weighted).items():
        yield title, "champion  challenger  difference"
        yield from ((METRIC_NAMES[name], _pair(figures[name])) for name in COMPARED)
    attack = comparison.attack
    if attack is not None:
        for title, pair in (
            ("recall kept", attack.kept),
            ("the same, all obfuscated", attack.kept_alike),
            ("legitimate flagged", attack.flagged),
        ):
            yield f"{title}, {attack.strength} attack", _old_new_difference(pair.champion, pair.challenger, 3)
    times = comparison.latency.map(lambda latency: latency.p99_ms)
    yield "one record, p99 in ms", _old_new_difference(times.champion, times.challenger, 2)
    left_out = ", ".join(f"{n:,} {reason}" for reason, n in comparison.left_out.items() if n)
    if left_out:
        yield "left out", left_out


def gate_rows(gates: Iterable["Gate"]) -> list[tuple[str, str]]:
    return [("passed" if gate.passed else "NOT PASSED", gate.reason) for gate in gates]


def decision_rows(decision: "Decision") -> Rows:
    """Yield all metrics and gates of a decision, and what it changed."""
    if decision.comparison is not None:
        yield from comparison_rows(decision.comparison)
        yield from gate_rows(decision.gates)
    yield from outcome_rows(decision)


def outcome_rows(decision: "Decision") -> Rows:
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


def next_command(command: str, options: Mapping[str, Any]) -> str:
    """Return a command with its options, to copy into a shell, without the passwords and queries of addresses.

    Options that are None, False or empty are left out.
    """
    words = ["fraudsieve", *command.split()]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None and one is not False:
                words += [option] if one is True else [option, shlex.quote(without_secrets(str(one)))]
    return " ".join(words)


def trained_summary(trained: "Trained", given: dict[str, Any], new: Path | str = "new.parquet") -> Rows:
    """Yield the rows of a training; `given` are the options that later commands need too, `new` a table to score."""
    report, logged, subject = trained.report, trained.logged, trained.model.subject
    yield from _breaks(report)
    yield "test", tested_text(trained)
    yield from _short_left_out(left_out_text(trained.data))
    yield from _found(report)
    if report.refit is not None:
        yield "metrics", report.refit.metrics_of
    yield from (("false positives", point.basis) for point in trained.model.points[:1] if point.basis is not None)
    yield "model folder", str(trained.folder)
    yield from logged_rows(logged)
    later = {f"{subject}s": "later.parquet"}
    if logged is not None and logged.aliases and "champion" not in logged.aliases:
        named = {name: given[name] for name in ("name", "recipe", "text_column", "column", "day_first")}
        beside = {name: given[name] for name in ("events", "labels") if name not in later}
        yield "next", next_command("promote", named | later | beside)
    else:
        yield "next", _predict(trained.folder, trained.model, given.get("events"), new)
    page = "evaluate --report report.html writes a page" if logged is None else "the run has the page report.html"
    yield "more", f"--verbose prints all metrics, and {page}"


def evaluation_summary(evaluation: "Evaluation", page: Path | None, address: str, events: Any) -> Rows:
    """Yield the rows of an evaluation of the model at an address."""
    report = evaluation.report
    yield from _breaks(report)
    yield from _found(report)
    yield "in training", overlap_text(evaluation)
    yield from slice_rows(report)
    yield from _short_left_out(left_out_text(evaluation.data))
    yield from list(rule_rows(report.rules, report.rows))[:1]
    yield from attack_rows(report)
    if page is not None:
        yield "report", str(page)
    yield "next", _predict(address, evaluation.model, events)
    yield "more", "--verbose prints all metrics" + ("" if page else ", and --report report.html writes a page")


def comparison_summary(comparison: "ModelComparison") -> Rows:
    """Yield the records of a comparison, and what both models find among them."""
    yield next(comparison_rows(comparison))
    yield from (("" if place else "found", text) for place, text in enumerate(comparison.sentences))


def gate_summary(gates: Iterable["Gate"]) -> Rows:
    """Yield how many gates are passed, and those that are not."""
    gates = list(gates)
    yield "gates", f"{sum(gate.passed for gate in gates)} of {len(gates)} are passed"
    yield from (("NOT PASSED", gate.reason) for gate in gates if not gate.passed)


def decision_summary(decision: "Decision", given: dict[str, Any]) -> Rows:
    """Yield the rows of a decision; `given` are the options of the call."""
    if decision.comparison is not None:
        yield from comparison_summary(decision.comparison)
        yield from gate_summary(decision.gates)
    yield from outcome_rows(decision)
    if decision.promoted:
        yield "next", next_command("serve", {"model": f"models:/{decision.name}@champion"})
        yield "more", "--verbose prints all metrics; the run of the version in MLflow has the decision"
        return
    options = {"challenger": f"models:/{decision.name}/{decision.version}"} | given
    if decision.decision == "would be promoted":
        yield "next", next_command("promote", options)
        yield "more", "--verbose prints all metrics and gates"
    else:
        yield "next", next_command("promote", {"dry_run": True} | options | {"verbose": True})
        yield "more", "the next command prints all metrics and gates"


def plan_rows(plan: "RetrainPlan") -> Rows:
    """Yield what a retraining reads, learns from and compares, and what it does or would do."""
    yield from (
        ("" if place else "tables", f"{name}: {table}") for place, (name, table) in enumerate(plan.tables.items())
    )
    if plan.trains_since is not None:
        yield "history", f"complete for records from {_minute(plan.trains_since)} on"
    span = " to ".join(map(_minute, plan.span))
    yield "records", f"{plan.labelled:,} with a label, {plan.unlabelled:,} without, from {span}"
    yield "as of", _minute(plan.as_of)
    yield "labels", _counts_text(plan.by_class)
    if plan.by_source is not None:
        yield "sources", _counts_text(plan.by_source)
    if plan.overturned is not None and plan.overturned.by_source:
        by_source = _counts_text(plan.overturned.by_source)
        yield "overturned", f"of {plan.overturned.known:,} frauds known to the model in use: {by_source}"
    yield "learns from", f"{plan.train_rows:,} {plan.subject}s, and {plan.calibration_rows:,} calibrate it"
    yield "recipe", f"{plan.recipe[:12]}, {'that' if plan.refresh else 'not that'} of the model in use"
    if plan.search is not None:
        yield "search", f"the recipe has one of {plan.search}"
    yield "champion", plan.champion or f"none yet: {plan.model} is registered as the first"
    if plan.compared is not None:
        compared, stand_ins = plan.compared, " and ".join(plan.compared.stand_ins)
        yield (
            "compared on",
            f"{compared.rows:,} {plan.subject}s since {_minute(compared.since)}, {compared.frauds:,} of them fraud",
        )
        yield from [("", f"by a stand-in for the {stand_ins}, trained on earlier ones")] if stand_ins else []
        if compared.evaluated:
            yield "", "by the evaluated models of both: labels come too late for a stand-in"
    yield from (("CAUTION", warning) for warning in plan.warnings)
    yield "step", f"{plan.step}. {plan.reason}"


def retrained_rows(result: "Retrained", *, verbose: bool) -> Rows:
    """Yield the rows of a retraining: what it learned from, the comparison, the gates, and what to do."""
    yield from ((name, text) for name, text in plan_rows(result.plan) if name not in ("champion", "compared on", ""))
    if result.first is not None:
        yield "first", f"{result.plan.model} is registered as {result.first}, the first champion"
    if result.evaluation is not None:
        yield "evaluated", _figures_text(result.evaluation)
    if result.trained is not None:
        yield "model folder", str(result.trained.folder)
        if result.trained.logged is not None:
            yield "run in MLflow", result.trained.logged.address
    if result.comparison is not None:
        yield from comparison_rows(result.comparison) if verbose else comparison_summary(result.comparison)
        yield from gate_rows(result.gates) if verbose else gate_summary(result.gates)
    shown = {result.plan.reason, *(gate.reason for gate in result.gates)}
    yield from ((result.outcome, reason) for reason in result.reasons if reason not in shown)
    yield "champion", result.champion or "none"
    yield "next", result.what_to_do


def _minute(time: str) -> str:
    """Return a time in UTC without its seconds."""
    return time[:16].replace("T", " ")


def _counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _figures_text(figures: Mapping[str, Any]) -> str:
    """Return the main metrics on the test slice in a line."""
    from fraudsieve.training.evaluation.metrics import METRIC_NAMES

    known = {METRIC_NAMES[name]: value for name, value in figures.items() if name in METRIC_NAMES and value is not None}
    metrics = ", ".join(f"{name} {value:.3f}" for name, value in known.items())
    return f"{figures['rows']:,} records of the test slice: {metrics}"


def _breaks(report: "EvaluationReport") -> Rows:
    """Yield the slices that the model should not be used for as it is, before anything else."""
    from fraudsieve.training.evaluation.report_parts.slices import break_notes

    yield from (("WARNING", note) for note in break_notes(report.slices, report.operating_points))


def _found(report: "EvaluationReport") -> Rows:
    """Yield the sentences with which the page of the report begins."""
    from fraudsieve.training.evaluation.report import headline_figure
    from fraudsieve.training.report_page.sections import headline

    finding = headline(report)
    if finding is None:
        yield "found", headline_figure(report)
        return
    yield "found", finding.title
    yield from (("", line) for line in finding.lines)


def _short_left_out(text: str) -> Rows:
    if text:
        yield "left out", text


def _predict(address: Path | str, model: "Model", events: Any, new: Path | str = "new.parquet") -> str:
    """Return the command that scores new records, with the history that the model needs."""
    needs_events = not model.subject.is_event and "events" in model.matrix.history_parts
    tables = {f"{model.subject}s": new} | ({"events": events or "events.parquet"} if needs_events else {})
    return next_command("predict", {"model": address, **tables, "output": "scores.csv"})
