"""Whether decisions hold: legitimate records flagged and recall at the point that decides, by the number of labels.

``python -m benchmarks.decisions [SET ...] --sizes 50 100 --draws 5``. Worlds with rare fraud, drift, late labels and
two channels are sets too: ``rare``, ``drift``, ``late``, ``channels`` and, with ``--threshold-by channel``,
``by_channel``.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from benchmarks.data.location import load_accounts, load_messages
from benchmarks.runner import Bar, Report, progress, run_command
from benchmarks.sets.fdh_cards import load_payments
from fraudsieve._typing import Array
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, flags_of, read_data, scores_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["Case", "main", "ordinary_scores", "run"]

RATE: Final = 0.01
HAM: Final = {"smishing": "ham", "mudou_sms": "ham", "exais_sms": "ham", "chineseharm": "ordinary"}
CHANNELS: Final = ("channels", "by_channel")
WORLDS: Final = ("rare", "drift", "late", *CHANNELS)
SETS: Final = (*HAM, "credit_default", "fdh_cards", *WORLDS)
SIZES: Final = ("50", "100", "200", "500", "2000", "all")
TESTED: Final = 3000
FEWEST: Final = 5
MEAN_BARS: Final = {"50": 0.06, "100": 0.03}
RECALL_BARS: Final = {"50": 0.6, "100": 0.6}
PROTOCOL: Final = (
    "Records are drawn at random, five of each kind at least. fraudsieve train without a "
    "recipe but one thread, no attack, no intervals, no tracking; 3,000 other records are scored. Of fdh_cards, the "
    "payments of 400 customers in 60 days. flagged: legitimate test records at the deciding point, ours; svm: a "
    "linear SVM of character 1- to 4-grams with the quantile of its legitimate rows out of fold, for tables LightGBM. "
    "recall: at that point; true: at the threshold that flags 1 % of the legitimate test records. worst: the draw that "
    "flags most. "
    "Worlds: made payments, test rows later. rare: .2 % fraud; drift: another kind of fraud from 70 % of the time on; "
    "late: labels after 60 days; channels: one of two has ten times the fraud and other amounts, flagged is that of "
    "the worse; by_channel: the same with --threshold-by channel."
)


class Case(NamedTuple):
    """Records to learn from, records to score, and how they are read."""

    learned: pd.DataFrame
    tested: pd.DataFrame
    # Name of the table: messages, accounts or events.
    table: str
    # Events beside the records to learn from, without labels.
    history: pd.DataFrame | None = None
    # The column whose values have thresholds of their own.
    threshold_by: str | None = None
    # Columns of texts.
    texts: tuple[str, ...] = ()


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    arguments: dict[str, dict[str, Any]] = {
        "sets": {"nargs": "*", "metavar": "SET", "help": f"{', '.join(SETS)}; by default all", "default": SETS},
        "--sizes": {"nargs": "+", "default": SIZES, "help": "numbers of labelled records, or all but those scored"},
        "--draws": {"type": int, "default": 5, "help": "draws of each size (default 5)"},
    }
    return run_command("decisions", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    return run(tuple(options.sets), tuple(options.sizes), options.draws)


def run(sets: Sequence[str] = SETS, sizes: Sequence[str] = SIZES, draws: int = 5) -> Report:
    """Train on draws of each set and size, and count what is flagged of the other records."""
    found: dict[str, list[tuple[float, float, float, float, float]]] = {}
    for name in sets:
        for size in sizes if name not in WORLDS else ("",):
            key = f"{name}.{size}" if size else name
            for seed in range(draws):
                progress(f"{key}, draw {seed + 1} of {draws}")
                found.setdefault(key, []).append(_measure(_case(name, size, seed)))
    figures: dict[str, float] = {}
    peers: dict[str, float] = {}
    for key, rows in found.items():
        flagged, recall, true, peer, peer_recall = np.mean(rows, axis=0)
        figures |= {f"{key}.flagged": flagged, f"{key}.worst": max(row[0] for row in rows)}
        figures |= {f"{key}.recall": recall, f"{key}.true_recall": true}
        peers |= {f"{key}.flagged": peer, f"{key}.recall": peer_recall}
    bars = []
    for size in sizes:
        pooled = np.array([row for key, rows in found.items() if key.endswith(f".{size}") for row in rows])
        if not len(pooled):
            continue
        flagged, recall, true = pooled.mean(axis=0)[:3]
        bars += [Bar.at_most(f"{size}.flagged", flagged, MEAN_BARS.get(size, 0.02))]
        bars += [Bar.at_most(f"{size}.worst", pooled[:, 0].max(), 0.1)]
        bars += [Bar.at_least(f"{size}.recall_of_true", recall / true, RECALL_BARS.get(size, 0.8))]
    return Report("decisions", ", ".join(sets), PROTOCOL, TESTED, figures, {"svm or lightgbm": peers}, bars)


def _measure(case: Case) -> tuple[float, float, float, float, float]:
    """Return the share of legitimate test records that is flagged, recall, and recall at the true rate; then the first
    two of the peer."""
    probability, flagged = ordinary_scores(case)
    is_fraud = (case.tested["label"] == "fraud").to_numpy()
    clean = np.sort(probability[~is_fraud])[::-1]
    true = clean[int(RATE * len(clean))]
    share = float(flagged[~is_fraud].mean())
    if "channel" in case.tested:
        source = case.tested["channel"].to_numpy()[~is_fraud]
        share = max(float(flagged[~is_fraud][source == one].mean()) for one in np.unique(source))
    scores, at = _peer(case)
    return (
        share,
        float(flagged[is_fraud].mean()),
        float((probability[is_fraud] > true).mean()),
        float((scores[~is_fraud] > at).mean()),
        float((scores[is_fraud] > at).mean()),
    )


def ordinary_scores(case: Case, seed: int = 0) -> tuple[Array, Array]:
    """Return the probabilities of the test records, and which are flagged."""
    settings: dict[str, Any] = {"track.enabled": False, "n_jobs": 1, "seed": seed}
    settings |= {"evaluate": {"attack": False, "replicates": 0}}
    settings |= {"data.subject": case.table[:-1], "thresholds.by": case.threshold_by, "history.texts": case.texts}
    recipe = Recipe.read(overrides=settings)
    unlabelled = [] if case.history is None else [case.history]
    with tempfile.TemporaryDirectory() as folder:
        learned = pd.concat([case.learned, *unlabelled], ignore_index=True)
        tables: Any = {case.table: learned}
        model = train(recipe, output=Path(folder) / "model", **tables).model
    both = pd.concat([learned, case.tested], ignore_index=True)
    data = read_data(recipe, {case.table: both}, min_label_rows=1)
    known = read_data(recipe, {case.table: learned}, min_label_rows=1)
    builder = None if case.table == "messages" else builder_of_model(model, _with_events(known, data))
    key = f"{case.table[:-1]}_id"
    rows = data.rows.set_index(key, drop=False).loc[case.tested[key].astype(str).tolist()].reset_index(drop=True)
    scores = scores_of(Scorer(model), rows, builder)
    return np.asarray(scores["probability"]), flags_of(scores)


def _with_events(known: LabelledData, data: LabelledData) -> LabelledData:
    """Return the known labels with all events: the labels of test records are no feature."""
    return known if data.events is None else replace(known, events=data.events)


def _peer(case: Case) -> tuple[Array, float]:
    """Return the scores and the threshold of a linear SVM, or of LightGBM on the numbers of a table."""
    is_fraud = (case.learned["label"] == "fraud").to_numpy()
    model: Any
    X: Any
    X_test: Any
    if case.table == "messages":
        model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True), LinearSVC(C=1.0))
        X, X_test, method = case.learned["text"].to_numpy(), case.tested["text"].to_numpy(), "decision_function"
    else:
        columns = [name for name in case.learned.select_dtypes("number") if name in case.tested]
        model = lgb.LGBMClassifier(n_estimators=200, learning_rate=0.05, min_child_samples=10, n_jobs=1, verbosity=-1)
        X, X_test, method = case.learned[columns].to_numpy(), case.tested[columns].to_numpy(), "predict_proba"
    folds = StratifiedKFold(min(5, int(is_fraud.sum())), shuffle=True, random_state=0)
    out: Any = cross_val_predict(model, X, is_fraud, cv=folds, method=method)
    scores: Any = getattr(model.fit(X, is_fraud), method)(X_test)
    of_fraud: list[Any] = [one[:, 1] if one.ndim == 2 else one for one in (out, scores)]
    return of_fraud[1], float(np.quantile(of_fraud[0][~is_fraud], 1 - RATE))


def _case(name: str, size: str, seed: int) -> Case:
    if name in WORLDS:
        return _world(name, seed)
    rng = np.random.default_rng(seed)
    if name == "fdh_cards":
        payments = load_payments()
        customers = rng.choice(payments["account_id"].unique(), 400, replace=False)
        since = payments["occurred_at"].min() + pd.Timedelta(30, "D")
        kept = payments["account_id"].isin(customers) & payments["occurred_at"].between(
            since, since + pd.Timedelta(60, "D")
        )
        table = payments[kept].reset_index(drop=True)
        table = table.assign(event_id=np.arange(len(table)).astype(str), kind="card_tx")
        is_fraud = table["label"].astype(int).to_numpy() == 1
    elif name == "credit_default":
        table = load_accounts(name, "accounts")
        is_fraud = table["label"].astype(str).isin(("1", "1.0", "default", "fraud")).to_numpy()
    else:
        table = load_messages(name).drop_duplicates("text").reset_index(drop=True)
        is_fraud = (table["label"] != HAM[name]).to_numpy()
    table = table.assign(label=np.where(is_fraud, "fraud", "legitimate"))
    kind = {"fdh_cards": "events", "credit_default": "accounts"}.get(name, "messages")
    order = rng.permutation(len(table))
    n = len(table) - min(TESTED, len(table) // 2) if size == "all" else int(size)
    chosen, others = order[:n], order[n:]
    for one in (is_fraud, ~is_fraud):
        more = others[one[others]][: max(FEWEST - int(one[chosen].sum()), 0)]
        chosen, others = np.concatenate([chosen, more]), others[~np.isin(others, more)]
    columns = ["message_id", "text", "label"] if kind == "messages" else list(table)
    learned, tested = table.iloc[np.sort(chosen)][columns], table.iloc[np.sort(others[:TESTED])][columns]
    history = None
    if kind == "events":  # the other payments of the customers are known, without their labels
        history = table.iloc[np.sort(others[TESTED:])].assign(label=None)
    return Case(learned.reset_index(drop=True), tested.reset_index(drop=True), kind, history)


def _world(name: str, seed: int, n: int = 12_000, days: int = 180) -> Case:
    """Return made payments, of which the last 15 % are tested."""
    rng = np.random.default_rng(seed)
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    source = rng.random(n) < 0.2
    share = np.where(source, 0.05, 0.005) if name in CHANNELS else 0.002 if name == "rare" else 0.02
    is_fraud = rng.random(n) < share
    is_late = (np.arange(n) > 0.7 * n) & (name == "drift")
    frame = {
        "event_id": [f"e{i}" for i in range(n)],
        "occurred_at": times,
        "account_id": rng.integers(0, 1500, n).astype(str),
        "counterparty_id": rng.integers(0, 300, n).astype(str),
        "amount": np.exp(rng.normal(3 + (source & (name in CHANNELS)), 1, n) + 1.5 * (is_fraud & ~is_late)),
        "risk": rng.normal(2.5 * (is_fraud & ~is_late), 1),
        "speed": rng.normal(2.0 * (is_fraud & is_late), 1),
        "label": np.where(is_fraud, "fraud", "legitimate"),
        "labelled_at": times + pd.Timedelta(60 if name == "late" else 3, "D"),
    }
    table = pd.DataFrame(frame | ({"channel": np.where(source, "shop", "app")} if name in CHANNELS else {}))
    start = table["occurred_at"].iloc[int(0.85 * n)]
    known = table["occurred_at"] < start
    unknown = known & (table["labelled_at"] >= start)
    learned, history = table[known & ~unknown], table[unknown].assign(label=None, labelled_at=pd.NaT)
    return Case(
        learned,
        table[~known].reset_index(drop=True),
        "events",
        history if len(history) else None,
        "channel" if name == "by_channel" else None,
    )


if __name__ == "__main__":
    sys.exit(main())
