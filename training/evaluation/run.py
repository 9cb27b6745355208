"""Evaluate a model on labelled records."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.score import has_history
from fraudsieve.models.predict import Scorer
from fraudsieve.training.attack.recall import attack_messages, check_attackable
from fraudsieve.training.data.builders import Builder, scores_of
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .card_precision import naive_utc
from .report import EvaluationReport, ReportDetails, evaluate

__all__ = ["evaluate_model", "gain_by_family", "row_context", "rows_with_history"]


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
        Whether to obfuscate the fraudulent messages too, and measure the recall that is kept.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row, for the intervals; None for no intervals.
    group_kind : str, default="group"
        The word for a group.
    share : float, default=1.0
        Share of all records of their time that the rows are, as from `share_of_records`: for alerts per day.
    settings : EvaluateRecipe, default=None
        Capacity, costs and replicates; None for the defaults.
    details : ReportDetails, default=None
        What else the report states. Unscorable records, importance and attack are filled in here.

    Returns
    -------
    EvaluationReport
        Over the rows that can be scored.

    Raises
    ------
    RecipeError
        When an attack is asked for and the model does not tell fraudulent messages from legitimate ones.
    SchemaError
        When an attack is asked for and there is no fraud, or nothing legitimate.
    """
    model = scorer.model
    if attack:
        check_attackable(model)
    scores = scores_of(scorer, rows, builder)
    scored = scores["status"] != "unscorable"
    probability, labels = scores["probability"][scored], rows["label"].to_numpy(object)[scored]
    context = row_context(rows, builder) | {"groups": groups}
    attack_result = None
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
        group_kind=group_kind,
        share=share,
        points=model.points,
        settings=settings,
        details=replace(
            details or ReportDetails(),
            unscorable=int((~scored).sum()),
            importance=gain_by_family(model),
            attack=attack_result,
        ),
    )


def row_context(rows: pd.DataFrame, builder: Builder | None = None) -> dict[str, Array | None]:
    """Return cutoff times, accounts, amounts and ``has_history`` of labelled rows; None for each that is missing.

    Examples
    --------
    >>> context = row_context(pd.DataFrame({"text": ["hi"], "as_of": pd.to_datetime(["2026-05-01"])}))
    >>> [name for name, values in context.items() if values is not None]
    ['cutoff_times']
    """
    times = rows["as_of"] if "as_of" in rows and rows["as_of"].notna().any() else None
    accounts = rows["account_id"] if "account_id" in rows and rows["account_id"].notna().all() else None
    amounts = rows["amount"] if "amount" in rows and pd.api.types.is_numeric_dtype(rows["amount"]) else None
    return {
        "cutoff_times": None if times is None else naive_utc(times),
        "accounts": None if accounts is None else pd.factorize(accounts, sort=True)[0],
        "amounts": None if amounts is None else amounts.to_numpy(np.float64),
        "has_history": rows_with_history(rows, builder),
    }


def rows_with_history(rows: pd.DataFrame, builder: Builder | None) -> Array | None:
    """Return which rows have an earlier event of their account.

    None where the model uses no history, or accounts are not known.
    """
    if builder is None or builder.events is None or "account_id" not in rows:
        return None
    matrix = builder.matrix_
    if isinstance(matrix, AccountMatrix):
        uses_history, timed = bool(matrix.histories), matrix.timed
    else:
        uses_history, timed = bool(matrix.sender), True
    timed = timed and "as_of" in rows and "occurred_at" in builder.events
    return has_history(rows, builder.events, "as_of" if timed else None) if uses_history else None


def gain_by_family(model: Model) -> Mapping[str, float] | None:
    """Return the share of every family of features in the gain of the trees, the largest first.

    None for a model without a split. The text model that boosting starts from is not a split: what it explains is not
    in these shares.
    """
    gains: dict[str, float] = {}
    columns, column_gains = model.matrix.columns, model.ensemble.booster.feature_importance("gain")
    for name, gain in zip(columns, column_gains, strict=True):
        family = name.split("__")[0]
        gains[family] = gains.get(family, 0.0) + float(gain)
    total = sum(gains.values())
    if total <= 0:
        return None
    return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1]) if gain > 0}
