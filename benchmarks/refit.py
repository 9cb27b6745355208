"""What training again on all mature rows gains on later records: ``python -m benchmarks.refit SET``."""

import argparse
import contextlib
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.data.folds import folds_of
from benchmarks.data.kinds import LEGITIMATE as CLEAN
from benchmarks.data.kinds import fraud_or_legitimate
from benchmarks.looks import count_look
from benchmarks.measures.paired import paired_figures
from benchmarks.measures.report import plain_figures
from benchmarks.runner import Report, progress, run_command
from benchmarks.sets.fdh_cards import DELAY, load_payments
from benchmarks.sets.table import ACCOUNT_SETS, message_sets_of
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, read_data, scores_of
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.evaluation.bootstrap import draw_weights, percentile_interval
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["MESSAGE_SETS", "SETS", "card_weeks", "later_events", "main", "message_folds"]

Scores: TypeAlias = NDArray[np.float64]

MESSAGE_SETS = message_sets_of("refit")
DATED_SETS = tuple(name for name, one in ACCOUNT_SETS.items() if one.dated_events and name != "fdh_cards")
SETS = ("fdh_cards", *DATED_SETS, *MESSAGE_SETS)
DAYS, WEEK = 90, 7
FOLDS = 5
REPLICATES = 200
LEGITIMATE, FRAUD = "legitimate", "fraud"
_CARDS = (
    "fraudsieve train --subject event --split time on the first {days} days of fdh_cards ({accounts} accounts; "
    "labels known 7 days after each payment, so the payments of the last 7 days have none), no recipe but one thread, "
    "no intervals. Both models score all payments of the following {week} days. ours: the model trained again on all "
    "mature rows; split: the evaluated model, of the same run. Metrics of scikit-learn; ece: 15 bins of equal mass. "
    "false_positive_rate: at the operating point that decides. gain: difference in average precision, with its 95 % "
    "interval over accounts ({replicates} draws)."
)
_LATER = (
    "fraudsieve train --subject event --split time on the first {share:.0%} of the events in order of time, no recipe "
    "but one thread, no intervals. Both models score the rest. ours: the model trained again on all mature rows; "
    "split: the evaluated model, of the same run. Metrics of scikit-learn; ece: 15 bins of equal mass. "
    "false_positive_rate: at the operating point that decides. gain: difference in average precision, with its 95 % "
    "interval over accounts ({replicates} draws). {note}"
)
KNOWN_SHARE = 0.8
_MESSAGES = (
    "Fraud against ham, {folds} outer folds by campaign (near-duplicates together). fraudsieve train on the "
    "other folds (split by campaign, no recipe but one thread, no intervals, no attack); both models score the outer "
    "fold. ours: the model trained again on all rows; split: the evaluated model, of the same run. "
    "average_precision: mean of the folds; other metrics over the folds together. ece: 15 bins of equal mass. "
    "false_positive_rate: at the operating point that decides."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    accounts = "fdh_cards: a random sample of so many accounts (default: all)"
    return run_command(
        "refit",
        _run,
        __doc__,
        argv,
        arguments={
            "set": {"choices": SETS, "metavar": "SET", "help": ", ".join(SETS)},
            "--accounts": {"type": int, "default": None, "help": accounts},
        },
    )


def _run(options: argparse.Namespace) -> Report:
    count_look(options.set, "refit")
    if options.set in MESSAGE_SETS:
        return message_folds(options.set, MESSAGE_SETS[options.set].load())
    if options.set in DATED_SETS:
        return later_events(options.set)
    return card_weeks(load_payments(), n_accounts=options.accounts)


def later_events(name: str) -> Report:
    """Train on the first events of a set in order of time, and score the others with both models."""
    load = ACCOUNT_SETS[name].dated_events
    assert load is not None
    events, note = load()
    start = pd.Timestamp(events["occurred_at"].sort_values().iloc[int(KNOWN_SHARE * len(events))])
    with tempfile.TemporaryDirectory() as folder:
        recipe = _recipe(**{"data.subject": "event", "split.kind": "time"})
        trained = _train(folder, recipe, events=events[events["occurred_at"] < start])
        figures, rows = _later_rows(trained, events, start)
    protocol = _LATER.format(share=KNOWN_SHARE, replicates=REPLICATES, note=note)
    return Report("refit", name, protocol, rows, figures.pop("refit"), figures)


def card_weeks(payments: pd.DataFrame, *, n_accounts: int | None = None, days: int = DAYS) -> Report:
    """Train on the first days of card payments in order of time, and score the week after with both models.

    `n_accounts` is the number of accounts to sample; None for all.
    """
    if n_accounts is not None:
        accounts = pd.Series(payments["account_id"].unique()).sample(n_accounts, random_state=0)
        payments = payments[payments["account_id"].isin(accounts)].reset_index(drop=True)
    end = payments["occurred_at"].min().normalize() + pd.Timedelta(days=days)
    events = payments.assign(
        event_id=np.arange(len(payments)).astype(str),
        kind="card_tx",
        label=np.where(payments["label"] == 1, FRAUD, LEGITIMATE).astype(object),
        labelled_at=payments["occurred_at"] + DELAY,
    )
    events = events[events["occurred_at"] < end + pd.Timedelta(days=WEEK)]
    known = events[events["occurred_at"] < end].copy()
    known.loc[known["labelled_at"] >= end, ["label", "labelled_at"]] = None
    with tempfile.TemporaryDirectory() as folder:
        trained = _train(folder, _recipe(**{"data.subject": "event", "split.kind": "time"}), events=known)
        figures, rows = _later_rows(trained, events, end)
    used = f"{events['account_id'].nunique():,}" + (" sampled" if n_accounts else "")
    protocol = _CARDS.format(days=days, week=WEEK, replicates=REPLICATES, accounts=used)
    return Report("refit", "fdh_cards", protocol, rows, figures.pop("refit"), figures)


def _later_rows(trained: Trained, events: pd.DataFrame, start: pd.Timestamp) -> tuple[dict[str, dict[str, float]], int]:
    recipe = _recipe(**{"data.subject": "event"})
    data = read_data(recipe, {"events": events}, min_label_rows=1)
    rows = data.rows[data.rows["as_of"] >= (start if start.tzinfo else start.tz_localize("UTC"))]
    is_fraud = (rows["label"] != LEGITIMATE).to_numpy()
    scores, figures = {}, {}
    for name, model in _models(trained).items():
        begin = time.perf_counter()
        scores[name] = scores_of(Scorer(model), rows, builder_of_model(model, data))["probability"]
        figures[name] = plain_figures(is_fraud, scores[name]) | _at_point(model, is_fraud, scores[name])
        figures[name] |= {"trained_on": float(model.training["rows"]["train"])}
        progress(f"{name}: {figures[name]['average_precision']:.4f}, {time.perf_counter() - begin:.0f} s to score")
    accounts = pd.factorize(rows["account_id"])[0]
    figures["refit"] |= _gain(is_fraud, scores["refit"], scores["split"], accounts)
    return figures, len(rows)


def _gain(is_fraud: NDArray[np.bool_], refit: Scores, split: Scores, accounts: NDArray[Any]) -> dict[str, float]:
    """Return the difference of the average precisions, and its interval over accounts."""
    value = average_precision_score(is_fraud, refit) - average_precision_score(is_fraud, split)
    draws = [
        average_precision_score(is_fraud, refit, sample_weight=weights)
        - average_precision_score(is_fraud, split, sample_weight=weights)
        for weights in draw_weights(accounts, REPLICATES)
    ]
    low, high = percentile_interval(np.array(draws)) or (np.nan, np.nan)
    return {"gain": float(value), "gain.low": float(low), "gain.high": float(high)}


def message_folds(dataset: str, table: pd.DataFrame, *, folds: int = FOLDS) -> Report:
    """Score every fold by campaign of ``text`` and ``label`` with both models of the other folds."""
    messages = fraud_or_legitimate(table)
    recipe = _recipe(**{"data.legitimate": CLEAN})
    data = read_data(recipe, {"messages": messages}, min_label_rows=1)
    rows, (groups, _) = data.rows, groups_of(data)
    is_fraud = (rows["label"] != CLEAN).to_numpy()
    scores = {name: np.empty(len(rows)) for name in ("refit", "split")}
    flagged = {name: np.zeros(len(rows), bool) for name in scores}
    precisions: dict[str, list[float]] = {name: [] for name in scores}
    for fold in folds_of(rows["label"].to_numpy(object), groups, repeats=1, folds=folds):
        with tempfile.TemporaryDirectory() as folder:
            trained = _train(folder, recipe, messages=messages.iloc[fold.train].reset_index(drop=True))
        for name, model in _models(trained).items():
            scored = Scorer(model).score_columns({"text": rows["text"].iloc[fold.test].tolist()})
            scores[name][fold.test] = scored["probability"]
            flagged[name][fold.test] = scored["probability"] >= _threshold(model)
            precisions[name].append(float(average_precision_score(is_fraud[fold.test], scored["probability"])))
        progress(f"fold {fold.number + 1}/{folds}: " + ", ".join(f"{n} {p[-1]:.4f}" for n, p in precisions.items()))
    figures = {name: plain_figures(is_fraud, scores[name]) for name in scores}
    for name, measured in figures.items():
        measured |= {"average_precision": float(np.mean(precisions[name]))}
        measured |= {"false_positive_rate": float(flagged[name][~is_fraud].mean())}
    both = np.array(precisions["refit"]), np.array(precisions["split"])
    figures["refit"] |= paired_figures("average_precision", "split", *both, folds=folds)
    return Report("refit", dataset, _MESSAGES.format(folds=folds), len(rows), figures.pop("refit"), figures)


def _recipe(**overrides: object) -> Recipe:
    quick = {"evaluate.attack": False, "evaluate.replicates": 0, "track.register_model": False, "n_jobs": 1}
    return Recipe.read(overrides={"model.refit": True, **quick, **overrides})


def _train(folder: str, recipe: Recipe, **tables: Any) -> Trained:
    """Train with a store in a folder, without output for people."""
    store = recipe.track.model_copy(update={"uri": f"sqlite:///{folder}/mlflow.db"})
    begin = time.perf_counter()
    try:
        with contextlib.chdir(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            recipe = recipe.model_copy(update={"track": store})
            return train(recipe, output=Path(folder) / "model", progress=_report_step(begin), **tables)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def _report_step(begin: float) -> Any:
    return lambda step: progress(f"[{time.perf_counter() - begin:6.1f} s] {step}")


def _models(trained: Trained) -> Mapping[str, Model]:
    assert trained.split_model is not None
    return {"refit": trained.model, "split": trained.split_model}


def _threshold(model: Model) -> float:
    return model.points[0].threshold


def _at_point(model: Model, is_fraud: NDArray[np.bool_], scores: Scores) -> dict[str, float]:
    flagged = scores >= _threshold(model)
    return {"false_positive_rate": float(flagged[~is_fraud].mean()), "recall": float(flagged[is_fraud].mean())}


if __name__ == "__main__":
    sys.exit(main())
