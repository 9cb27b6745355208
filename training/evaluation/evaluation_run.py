"""Evaluate a model on labelled records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array, Progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import subjects_with_history
from fraudsieve.models.batch.scored_tables import (
    check_usable,
    label_reader,
    options_of_model,
    score_kind,
    trust_of_model,
)
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.tables.source import Source, as_input
from fraudsieve.training.attack.recall import attack_messages, check_attackable
from fraudsieve.training.data.assumed_labels import inclusion_weights
from fraudsieve.training.data.builders import Builder, builder_of_model, flags_of, read_data, scores_of
from fraudsieve.training.data.groups import (
    count_rows_in_training,
    describe_overlap,
    group_notes,
    group_of_model,
    groups_of,
    is_training_table,
    rows_since,
    with_group,
)
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe, SplitRecipe

from .capacity import naive_utc
from .label_delays import label_metrics, label_notes, label_selection, selection_notes
from .points import exceeded_notes, share_of_records
from .report import EvaluationReport, ReportDetails, evaluate
from .report_parts.slices import break_notes, check_slicing, excess_notes, first_seen_of, slices_of_rows
from .report_parts.weighting import RuleMetrics, rule_metrics

MAX_COLUMNS = 50
"""Features whose share of the gain is in a report."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `evaluate_tables`.

    Parameters
    ----------
    report : EvaluationReport
        Metrics on the records.
    model : Model
        The model that was evaluated.
    data : LabelledData
        The records, and those that were rejected.
    notes : tuple of str
        Notes for the user.
    """

    report: EvaluationReport
    model: Model
    data: LabelledData
    notes: tuple[str, ...]


def evaluate_tables(
    model: str | Path | Scorer,
    *,
    messages: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    labels: "Source | None" = None,
    recipe: Recipe | None = None,
    attack: bool = False,
    since: datetime | None = None,
    rules: RuleSet | None = None,
    progress: "Progress | None" = None,
) -> Evaluation:
    """Evaluate a model on tables of labelled records.

    Parameters
    ----------
    model : str, Path or Scorer
        A model folder, an address such as ``models:/NAME@champion``, or a loaded model.
    messages, accounts, events, labels : path or DataFrame, default=None
        The tables, as for `train`.
    recipe : Recipe, default=None
        Capacity, costs, and what records without a label count as and how far sources of labels are trusted, by
        default as in the training of the model. None for the defaults.
    attack : bool, default=False
        Whether to also measure the recall that is kept when fraudulent messages are obfuscated.
    since : datetime, default=None
        Evaluate the records from this time on; earlier ones are their history. A naive time is UTC. None evaluates all.
    rules : RuleSet, default=None
        Current rules: the report counts the records that they decide, separately from all other metrics. None for
        the rules of the recipe, if it has any.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Evaluation
        The report, the records, and notes.

    Raises
    ------
    ArtifactError
        When there is no such model.
    RecipeError
        When the tables do not fit the subject of the model, or an attack is requested and the model does not
        separate fraudulent from legitimate messages.
    SchemaError
        When a table cannot be used, no record is as late as `since`, or a column to slice by is missing.

    Examples
    --------
    ::

        evaluation = evaluate_tables("fraudsieve-model", messages="later.parquet", labels="labels.csv")
        evaluation.report.average_precision, evaluation.report.intervals["average_precision"]
    """
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    report_step("loading the model")
    scorer = load_scorer(model)
    if attack:
        check_attackable(scorer.model)
    report_step("reading")
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    all_data = read_tables(recipe, scorer.model, tables)
    builder = builder_of_model(scorer.model, all_data)  # earlier records are history
    data = all_data if since is None else rows_since(all_data, since)
    names = recipe.data.options.or_else(options_of_model(scorer.model)).columns
    data = replace(data, rows=check_slicing(data.rows, recipe.evaluate.by, f"{data.subject}s", names))
    report_step(f"looking for {data.subject.unit}s")
    groups, kind = groups_of(data)
    details = ReportDetails(
        warnings=tuple(scorer.model.training.get("warnings", ())),
        labels=label_metrics(
            all_data,
            scorer.model.training,
            legitimate=scorer.model.legitimate,
            since=since,
            trust=recipe.data.trusted.or_else(trust_of_model(scorer.model)),
        ),
        not_later_than_training=count_rows_in_training(data, scorer.model),
        label_selection=label_selection(scorer, data, builder=builder),
    )
    report_step("scoring, then under attack" if attack else "scoring")
    report = evaluate_model(
        scorer,
        data.rows,
        builder,
        attack=attack,
        groups=groups,
        group_kind=kind,
        share=share_of_records(data, data.rows),
        settings=recipe.evaluate,
        details=details,
        rules=recipe.rule_set if rules is None else rules,
    )
    first = (*exceeded_notes(report.operating_points), *break_notes(report.slices, report.operating_points))
    notes = (*first, *data.notes, *group_notes(data, groups, kind), *_notes(details, data, scorer.model))
    notes = (*notes, *excess_notes(report.slices))
    return Evaluation(report, scorer.model, data, notes)


def _notes(details: ReportDetails, data: LabelledData, model: Model) -> list[str]:
    notes = [f"{warning['found']}. {warning['do']}" for warning in details.warnings]
    if details.not_later_than_training is None and is_training_table(data, model):
        notes.append(
            f"these are the {data.subject}s that the model was trained on, so the metrics mean nothing: "
            f"give {data.subject}s that it has not seen"
        )
    if details.not_later_than_training:
        overlap = describe_overlap(data, model)
        notes.append(tr("{overlap}: metrics on them are optimistic. Give later records, or --since", overlap=overlap))
    return [*notes, *label_notes(details.labels), *selection_notes(details.label_selection)]


def load_scorer(model: str | Path | Scorer) -> Scorer:
    """Load a model from a folder or an MLflow address; a loaded model is returned unchanged."""
    return model if isinstance(model, Scorer) else Scorer.load(model)


def read_tables(
    recipe: Recipe, model: Model, tables: Mapping[str, Source | None], *, champion: Model | None = None
) -> LabelledData:
    """Read labelled records of the subject of a model, and their labels as in its training.

    Labels of any number of rows are kept. The tables are those of `evaluate_tables`, and None is one that is not given.
    A champion that is compared on the same records may use tables that the model does not.
    """
    beside = {name: table for name, table in tables.items() if name not in ("labels", f"{model.subject}s")}
    check_usable([model] if champion is None else [model, champion], beside)
    trust = recipe.data.trusted.or_else(trust_of_model(model))
    settings: dict[str, Any] = {"subject": model.subject, "score_kind": score_kind(model)}
    settings |= {"trust": dict(trust.by_source), "default_trust": trust.default}
    of_subject = recipe.data.model_copy(update=settings)
    history = recipe.history.model_copy(update={"categories": ()})  # those of the model are in its options
    labels = recipe.labels.as_trained(model.training)
    update = {"data": of_subject, "history": history, "labels": labels, "split": SplitRecipe()}
    of_model = recipe.model_copy(update=update)
    options = recipe.data.options.or_else(options_of_model(model))
    if champion is not None:
        options = options.or_else(options_of_model(champion))  # its columns that are categories
    given = {name: as_input(table, options) for name, table in tables.items() if table is not None}
    data, group = read_data(of_model, given, min_label_rows=1, reader=label_reader(model)), recipe.split.group
    return with_group(data, group or group_of_model(model), options.columns, required=group is not None)


def evaluate_model(
    scorer: Scorer,
    rows: pd.DataFrame,
    builder: Builder | None = None,
    *,
    attack: bool = False,
    groups: Array | None = None,
    group_kind: str = "group",
    share: float = 1.0,
    settings: EvaluateRecipe | None = None,
    details: ReportDetails | None = None,
    rules: RuleSet | None = None,
) -> EvaluationReport:
    """Score labelled records and evaluate the scores.

    Parameters
    ----------
    scorer : Scorer
        The model.
    rows : DataFrame
        Records with a column ``label``.
    builder : MessageFeatures or AccountFeatures, default=None
        Computes the features of records with a history; None for messages alone.
    attack : bool, default=False
        Whether to also measure the recall that is kept when fraudulent messages are obfuscated.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row, for the intervals; None for no intervals.
    group_kind : str, default="group"
        The word for a group.
    share : float, default=1.0
        Share of all records of the same period that the rows make up, from `share_of_records`; for alerts per day.
    settings : EvaluateRecipe, default=None
        Capacity, costs and replicates; None for the defaults.
    details : ReportDetails, default=None
        Further parts of the report. Unscorable records, importance, attack and rules are filled in.
    rules : RuleSet, default=None

    Returns
    -------
    EvaluationReport
        Over the rows that can be scored.

    Raises
    ------
    RecipeError
        When an attack is requested and the model does not separate fraudulent from legitimate messages.
    SchemaError
        When an attack is requested and the rows are all fraudulent or all legitimate.
    """
    model = scorer.model
    if attack:
        check_attackable(model)
    scores = scores_of(scorer, rows, builder)
    scored = scores["status"] != "unscorable"
    probability, labels = scores["probability"][scored], rows["label"].to_numpy(object)[scored]
    flagged = flags_of(scores)[scored] if model.points else None
    context = row_context(rows, builder) | {"groups": groups, "ids": _ids(rows), "weight": inclusion_weights(rows)}
    first_seen = first_seen_of(rows, model.subject, builder)
    by = () if settings is None else settings.by
    slices = {name: values[scored] for name, values in slices_of_rows(rows, first_seen, by).items()}
    attack_result, gains = None, gain_by_column(model)
    if attack:
        attack_result = attack_messages(
            lambda obfuscated: scores_of(scorer, obfuscated, builder)["probability"],
            rows[scored],
            labels != model.legitimate,
            probability,
        )
    return evaluate(
        probability,
        model.classes,
        np.column_stack([scores[f"probability__{name}"] for name in model.classes])[scored],
        labels,
        model.legitimate,
        **{name: None if values is None else values[scored] for name, values in context.items()},
        slices=slices,
        by=by,
        unlike_training=scores["unlike_training"][scored],
        group_kind=group_kind,
        share=share,
        points=model.points,
        flagged=flagged,
        settings=settings,
        details=replace(
            details or ReportDetails(),
            unscorable=int((~scored).sum()),
            importance=gain_by_family(gains) or None,
            column_importance=dict(islice(gains.items(), MAX_COLUMNS)) or None,
            attack=attack_result,
            rules=() if rules is None else _rule_metrics(rules, model, rows[scored], labels, flagged),
        ),
    )


def _rule_metrics(
    rules: RuleSet, model: Model, rows: pd.DataFrame, labels: Array, flagged: Array | None
) -> tuple[RuleMetrics, ...]:
    columns = {name: rows[name].tolist() for name in rules.fields if name in rows}
    is_fraud = None if model.legitimate is None else labels != model.legitimate
    return rule_metrics(rules, columns, len(rows), is_fraud, flagged)


def row_context(rows: pd.DataFrame, builder: Builder | None = None) -> dict[str, Array | None]:
    """Return cutoff times, amounts and ``has_history`` of labelled rows; None for each that is missing."""
    times = rows["as_of"] if "as_of" in rows and rows["as_of"].notna().any() else None
    amounts = rows["amount"] if "amount" in rows and pd.api.types.is_numeric_dtype(rows["amount"]) else None
    return {
        "cutoff_times": None if times is None else naive_utc(times),
        "amounts": None if amounts is None else amounts.to_numpy(np.float64),
        "has_history": rows_with_history(rows, builder),
    }


def _ids(rows: pd.DataFrame) -> Array | None:
    """Return the identifiers of the records; None if they have none."""
    name = next((name for name in ("message_id", "event_id", "account_id") if name in rows), None)
    return None if name is None else rows[name].to_numpy(object)


def rows_with_history(rows: pd.DataFrame, builder: Builder | None) -> Array | None:
    """Return which rows have history, as in scoring.

    None if the model uses no history, or accounts are not known.
    """
    if builder is None or builder.events is None or "account_id" not in rows:
        return None
    matrix = builder.matrix_
    timed = matrix.timed and "as_of" in rows and "occurred_at" in builder.events
    cutoff = "as_of" if timed else None
    return subjects_with_history(matrix, rows, builder.events, cutoff) if matrix.event_views else None


def gain_by_column(model: Model) -> dict[str, float]:
    """Return the share of every feature in the gain of the trees, the largest first; empty without a split.

    These shares do not include the text model from which boosting starts, because it is not a split.
    """
    gains = dict(zip(model.matrix.columns, model.ensemble.booster.feature_importance("gain").tolist(), strict=True))
    total = sum(gains.values())
    return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1]) if gain > 0}


def gain_by_family(gains: Mapping[str, float]) -> dict[str, float]:
    """Return the sums of the shares of features by family, the largest first."""
    families: dict[str, float] = {}
    for name, gain in gains.items():
        family = name.partition("__")[0]
        families[family] = families.get(family, 0.0) + gain
    return dict(sorted(families.items(), key=lambda item: -item[1]))
