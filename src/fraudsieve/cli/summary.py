"""The first screen of a command: what the model finds, what to do next, and where the rest is. --verbose has it all."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudsieve._command import without_secrets

from .tables import (
    attack_rows,
    comparison_rows,
    gate_rows,
    left_out_text,
    logged_rows,
    outcome_rows,
    overlap_text,
    rule_rows,
    slice_rows,
    tested_text,
)

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.retrain import Retrained, RetrainPlan
    from fraudsieve.training.evaluation.evaluation_run import Evaluation
    from fraudsieve.training.evaluation.report import EvaluationReport
    from fraudsieve.training.fit import Trained
    from fraudsieve.training.promotion.decision import Decision
    from fraudsieve.training.promotion.gates import Gate
    from fraudsieve.training.promotion.model_comparison import ModelComparison

Rows = Iterator[tuple[str, str]]


def next_command(command: str, **options: Any) -> str:
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
    yield from _left_out(left_out_text(trained.data))
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
        yield "next", next_command("promote", **named, **later, **beside)
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
    yield from _left_out(left_out_text(evaluation.data))
    yield from list(rule_rows(report.rules, report.rows))[:1]
    yield from attack_rows(report)
    if page is not None:
        yield "report", str(page)
    yield "next", _predict(address, evaluation.model, events)
    yield "more", "--verbose prints all metrics" + ("" if page else ", and --report report.html writes a page")


def comparison_summary(comparison: "ModelComparison") -> Rows:
    """Yield the records of a comparison, and what both models find among them."""
    yield comparison_rows(comparison)[0]
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
        yield "next", next_command("serve", model=f"models:/{decision.name}@champion")
        yield "more", "--verbose prints all metrics; the run of the version in MLflow has the decision"
        return
    challenger = f"models:/{decision.name}/{decision.version}"
    if decision.decision == "would be promoted":
        yield "next", next_command("promote", challenger=challenger, **given)
        yield "more", "--verbose prints all metrics and gates"
    else:
        yield "next", next_command("promote", dry_run=True, challenger=challenger, **given, verbose=True)
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
    from fraudsieve.training.report_page.headline import headline

    finding = headline(report)
    if finding is None:
        yield "found", headline_figure(report)
        return
    yield "found", finding.title
    yield from (("", line) for line in finding.lines)


def _left_out(text: str) -> Rows:
    if text:
        yield "left out", text


def _predict(address: Path | str, model: "Model", events: Any, new: Path | str = "new.parquet") -> str:
    """Return the command that scores new records, with the history that the model needs."""
    needs_events = model.subject != "event" and "events" in model.matrix.history_parts
    options = {f"{model.subject}s": new} | ({"events": events or "events.parquet"} if needs_events else {})
    return next_command("predict", model=address, **options, output="scores.csv")
