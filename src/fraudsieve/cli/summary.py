"""The first screen of a command: what the model finds, what to do next, and where the rest is. --verbose has it all."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudsieve._command import without_secrets

from .tables import (
    attack_rows,
    comparison_rows,
    left_out_text,
    logged_rows,
    outcome_rows,
    overlap_text,
    review_rows,
    rule_rows,
    slice_rows,
    tested_text,
)

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.training.evaluation.evaluation_run import Evaluation
    from fraudsieve.training.evaluation.report import EvaluationReport
    from fraudsieve.training.fit import Trained
    from fraudsieve.training.promotion.decision import Decision
    from fraudsieve.training.promotion.gates import Gate
    from fraudsieve.training.promotion.model_comparison import ModelComparison

__all__ = [
    "comparison_summary",
    "decision_summary",
    "evaluation_summary",
    "gate_summary",
    "next_command",
    "trained_summary",
]

Rows = Iterator[tuple[str, str]]


def next_command(command: str, **options: Any) -> str:
    """Return a command with its options, to copy into a shell, without the passwords and queries of addresses.

    Options that are None, False or empty are left out.

    Examples
    --------
    >>> next_command("predict", model="my model", events=["a.csv", "b.csv"], text_column=None, verbose=True)
    "fraudsieve predict --model 'my model' --events a.csv --events b.csv --verbose"
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
    yield "test", tested_text(trained)
    yield from _left_out(left_out_text(trained.data))
    yield from _found(report)
    if report.refit is not None:
        yield "metrics", report.refit.metrics_of
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
    yield from _found(report)
    yield "in training", overlap_text(evaluation)
    yield from slice_rows(report)
    yield from _left_out(left_out_text(evaluation.data))
    yield from list(rule_rows(report.rules, report.rows))[:1]
    yield from review_rows(report)
    if report.attack is not None:
        yield from attack_rows(report.attack, only_means=True)
    if page is not None:
        yield "report", str(page)
    yield "next", _predict(address, evaluation.model, events)
    yield "more", "--verbose prints all metrics" + ("" if page else ", and --report report.html writes a page")


def comparison_summary(comparison: "ModelComparison") -> Rows:
    """Yield the records of a comparison, and what both models find among them."""
    yield comparison_rows(comparison)[0]
    pair, capacity = comparison.figures["recall_at_capacity"], comparison.capacity
    if capacity is not None and pair.challenger is not None:
        counts = [
            f"{round(recall * comparison.frauds):,}"
            for recall in (pair.challenger, pair.champion)
            if recall is not None
        ]
        reviews = f"of {comparison.frauds:,} frauds are found with {round(capacity.alerts):,} reviews"
        against = "" if len(counts) < 2 else f", and {counts[1]} by the champion"
        yield "found", f"{counts[0]} {reviews}{against}."
    precision = comparison.figures["average_precision"]
    if precision.challenger is not None:
        before = "" if precision.champion is None else f", that of the champion {precision.champion:.3f}"
        yield "", f"The average precision of the challenger is {precision.challenger:.3f}{before}."


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
        yield "more", "compare --verbose prints all metrics; the run of the version in MLflow has the decision"
    else:
        challenger = f"models:/{decision.name}/{decision.version}"
        yield "next", next_command("compare", challenger=challenger, **given, verbose=True)
        yield "more", "the next command prints all metrics and gates; the run of the version has the decision"


def _found(report: "EvaluationReport") -> Rows:
    """Yield the sentences with which the page of the report begins."""
    from fraudsieve.training.evaluation.metrics import headline_figure
    from fraudsieve.training.pages.headline import headline

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
