"""Fixtures: a small simulated world, rival models, made-up reports, and payments of a small town."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.predict import Scorer
from fraudsieve.models.thresholds import Targets, operating_points
from fraudsieve.training.attack.recall import AttackMetrics, CharacterSummary, KeptRecall, ObfuscationMetrics
from fraudsieve.training.data.labelled import load_labelled
from fraudsieve.training.evaluation.label_delays import LabelMetrics, label_metrics
from fraudsieve.training.evaluation.report import (
    EvaluationReport,
    ReportDetails,
    RoundMetrics,
    SplitSummary,
    TreeChoice,
    TriedTrees,
    evaluate,
)
from fraudsieve.training.fit import train
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.monitoring.report import MonitorReport
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe
from fraudsieve.training.simulation.world import World, simulate
from tests.shared import mlflow_uri, shared_folder, shared_object

TREES = TriedTrees("small", False, 100, 0.14)
CHOICE = TreeChoice(
    125, 900, 40, True, tuple(RoundMetrics(50 * n, 0.2 - 0.02 * n, 0.3 + 0.1 * n) for n in (1, 2, 3)), TREES, (TREES,)
)

TYPES = ("legitimate", "extortion", "illegal_gambling", "online_fraud", "personal_data_trade", "spam", "电信诈骗")
OBFUSCATIONS = ("zero_width", "homoglyph", "full_width", "symbols", "spacing", "leetspeak", "spelled_digits", "synonym")


@pytest.fixture(scope="session")
def small_world() -> World:
    return simulate(days=60, n_accounts=300)


@pytest.fixture(scope="session")
def labelled_messages(small_world: World) -> pd.DataFrame:
    """Return messages with their latest labels, without the unlabelled ones."""
    labels = small_world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    labels = labels.set_index("subject_id")[["label", "labelled_at"]]
    messages = small_world.messages.join(labels, on="message_id")
    return messages[messages["label"].notna()].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Rivals:
    """Folders of models with two classes, the training messages, and the later messages."""

    weak: Path
    strong: Path
    reseeded: Path
    earlier: pd.DataFrame
    later: pd.DataFrame


@pytest.fixture(scope="session")
def rivals(labelled_messages: pd.DataFrame) -> Rivals:
    """Return models of the first fifth and of three fifths of the period, the latter also with another seed."""
    columns = ["message_id", "text", "sent_at", "label"]
    frame = labelled_messages.sort_values("sent_at")[columns].reset_index(drop=True)
    frame["label"] = frame["label"].where(frame["label"] == "legitimate", "fraud")
    start, length = frame["sent_at"].min(), frame["sent_at"].max() - frame["sent_at"].min()
    parts = {share: frame["sent_at"] < start + share * length for share in (0.2, 0.6)}
    settings = {"split.kind": "time", "split.test_share": 0.05, "data.min_label_rows": 5, "n_jobs": 1}
    settings |= {"evaluate.attack": False, "track.register_model": False}

    def fit(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name, share, seed in (("weak", 0.2, 0), ("strong", 0.6, 0), ("reseeded", 0.6, 1)):
                # The weak model has another recipe, so that the others are no refreshes of it.
                rows = {"data.min_label_rows": 4} if name == "weak" else {}
                recipe = Recipe.read(overrides=settings | rows | {"seed": seed, "track.uri": mlflow_uri(folder)})
                train(recipe, output=folder / name, messages=frame[parts[share]].reset_index(drop=True))

    folder = shared_folder("rivals", fit)
    models = folder / "weak", folder / "strong", folder / "reseeded"
    return Rivals(*models, *(frame[rows].reset_index(drop=True) for rows in (parts[0.6], ~parts[0.6])))


@pytest.fixture(scope="session")
def reports() -> dict[str, EvaluationReport]:
    """Return complete reports of messages, of accounts split at random, and of types only."""
    makers = {"message": message_report, "account": account_report, "type-only": type_only_report}
    return shared_object("reports", lambda: {name: make() for name, make in makers.items()})


def scored(n: int, classes: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of every class, labels, and groups."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.4, (n, len(classes))) + np.r_[2.5, np.zeros(len(classes) - 1)]
    by_class = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    drawn = (by_class.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return by_class, np.array(classes, object)[drawn], rng.integers(0, n // 8, n)


def attack() -> AttackMetrics:
    """Return metrics of an attack in which stronger obfuscations cost more recall."""
    rng = np.random.default_rng(0)
    obfuscations = {}
    for place, name in enumerate(OBFUSCATIONS):
        loss = rng.uniform(0.02, 0.5)
        kept = {"light": 1 - loss / 4, "medium": 1 - loss / 2, "strong": 1 - loss}
        level = "word" if name == "synonym" else "character"
        recalls = {
            strength: KeptRecall(0.6 * share, share, float(place != 5), 0.5 * share, 0.8 * share, 0.02)
            for strength, share in kept.items()
        }
        obfuscations[name] = ObfuscationMetrics(level, applies=True, **recalls)
    character = {
        strength: CharacterSummary(0.8, 0.5, "symbols", 0.7, 0.021) for strength in ("light", "medium", "strong")
    }
    return AttackMetrics(0.01, "en", 300, 1200, 0.6, obfuscations, character)


def message_report() -> EvaluationReport:
    """Return a report with all parts."""
    by_class, labels, groups = scored(4000, TYPES, 0)
    rng = np.random.default_rng(1)
    targets = Targets(precisions=(0.9,))
    points = operating_points(1 - by_class[:1000, 0], labels[:1000] != TYPES[0], targets, days=50.0)
    cutoff_times = np.datetime64("2025-11-03", "us") + np.sort(rng.integers(0, 200 * 86_400, 4000)).astype("m8[s]")
    split = SplitSummary(
        kind="time",
        keeps_apart=("campaigns",),
        flatters=False,
        rows={"train": 12_000, "calibration": 3000, "test": 4000},
        dropped={"label_not_known": 210},
        gap_days=12.5,
    )
    shares = {"campaign": 0.41, "sender": 0.3, "pinyin": 0.11, "obfuscation": 0.09, "cues": 0.06, "shape": 0.03}
    return evaluate(
        1 - by_class[:, 0],
        TYPES,
        by_class,
        labels,
        TYPES[0],
        cutoff_times=cutoff_times,
        groups=groups,
        group_kind="campaign",
        has_history=rng.random(4000) < 0.7,
        slices={
            "channel": rng.choice(np.array(["sms", "chat", "email"], object), 4000),
            "age of the account": rng.choice(np.array(["less than 1 day", "more than 30 days"], object), 4000),
        },
        ids=np.array([f"m{i:07d}" for i in range(4000)], object),
        unlike_training=np.where(np.arange(4000) % 25 == 0, 0.999, rng.random(4000)),
        share=0.5,
        points=points,
        settings=EvaluateRecipe(alerts_a_day=4, replicates=100),
        details=ReportDetails(
            unscorable=3,
            importance=shares,
            column_importance={"surprisal__unknown": 0.4, "shape__han": 0.2, "cues__links": 0.05},
            trees=CHOICE,
            attack=attack(),
            split=split,
            labels=labels_of_a_world(),
            warnings=({"kind": "T4", "column": "", "found": "labels take 40 days", "do": "wait"},),
        ),
    )


def labels_of_a_world() -> LabelMetrics:
    """Return metrics of labels of three sources with reversals; the youngest records wait for labels."""
    world = simulate(days=60, n_accounts=300, wrong_labels=0.1)
    end = world.messages["sent_at"].max()
    data = load_labelled(world.messages, world.labels[world.labels["labelled_at"] < end])
    return label_metrics(data, {"split": "time", "gap_days": 12.5}, legitimate=TYPES[0])


def account_report() -> EvaluationReport:
    """Return a report of two classes without times, split at random."""
    by_class, labels, groups = scored(900, ("fraud", "legitimate"), 2)
    by_class, labels = by_class[:, ::-1], np.where(labels == "fraud", "legitimate", "fraud").astype(object)
    split = SplitSummary(
        kind="random", keeps_apart=(), flatters=True, rows={"train": 2000, "test": 900}, dropped={}, gap_days=0.0
    )
    by_column = {"volume__count_1d": 0.7, "value__sum_1d": 0.3}
    return evaluate(
        by_class[:, 0],
        ("fraud", "legitimate"),
        by_class,
        labels,
        "legitimate",
        groups=groups,
        group_kind="account",
        amounts=np.random.default_rng(3).lognormal(3, 1, 900),
        details=ReportDetails(
            split=split,
            importance={"volume": 0.7, "value": 0.3},
            column_importance=by_column,
        ),
    )


def type_only_report() -> EvaluationReport:
    """Return a report without legitimate class and context, with many types with long names."""
    names = tuple(f"type {number:02} of a crime with a very long name" for number in range(30))
    by_class, labels, _ = scored(700, names, 4)
    return evaluate(np.full(700, np.nan), names, by_class, labels, None)


START = pd.Timestamp("2026-01-05", tz="UTC")  # a Monday
CHANNELS = ("app", "web", "pos", "phone")


def town_payments(*, days: tuple[int, int], seed: int, n_accounts: int = 400, per_day: int = 100) -> pd.DataFrame:
    """Return events with labels; accounts differ in their amounts and frequencies, which do not change."""
    rng = np.random.default_rng(seed)
    traits = np.random.default_rng(0)
    level, busy = traits.normal(3, 0.4, n_accounts), traits.dirichlet(np.full(n_accounts, 4.0))
    n = per_day * (days[1] - days[0])
    account = rng.choice(n_accounts, n, p=busy)
    channel = rng.choice(len(CHANNELS), n, p=[0.4, 0.3, 0.2, 0.1])
    amount = np.exp(rng.normal(level[account], 0.8))
    odds = -4.5 + 1.1 * (np.log(amount) - 3) + 1.2 * (channel == 1)
    is_fraud = rng.random(n) < 1 / (1 + np.exp(-odds))
    occurred = START + pd.to_timedelta(np.sort(rng.uniform(*days, n)) * 86_400, unit="s")
    return pd.DataFrame(
        {
            "event_id": [f"{seed}-{i}" for i in range(n)],
            "account_id": [f"account {i}" for i in account],
            "occurred_at": occurred,
            "kind": "payment",
            "counterparty_id": rng.integers(0, 50, n).astype(str),
            "amount": amount.round(2),
            "channel": np.array(CHANNELS, object)[channel],
            "label": np.where(is_fraud, "online_fraud", "legitimate").astype(object),
            "labelled_at": occurred + pd.Timedelta(days=1),
        }
    )


@pytest.fixture(scope="session")
def payments() -> Callable[..., pd.DataFrame]:
    return town_payments


@pytest.fixture(scope="session")
def payment_scorer() -> Scorer:
    """Return a model of the first six weeks."""
    views = ({"windows": ["1d", "7d"], "measures": ["count", "sum", "distinct"]},)
    settings = {"split.kind": "time", "model.n_rounds": 60, "evaluate.replicates": 20, "history.views": views}

    def fit(folder: Path) -> None:
        recipe = Recipe.read(overrides={"track.uri": mlflow_uri(folder), "n_jobs": 1, **settings})
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            train(recipe, output=folder / "model", events=town_payments(days=(0, 42), seed=1))

    return Scorer.load(shared_folder("payments", fit) / "model")


@pytest.fixture(scope="session")
def monitored(payment_scorer: Scorer) -> MonitorReport:
    """Return a monitor report of many changes: amounts, a renamed channel, unknown accounts, bad rows."""
    return shared_object("monitored", lambda: monitored_payments(payment_scorer))


def monitored_payments(payment_scorer: Scorer) -> MonitorReport:
    past, reference = town_payments(days=(0, 42), seed=1), town_payments(days=(42, 56), seed=2)
    current = town_payments(days=(56, 70), seed=3)
    events = pd.concat([past, reference, current], ignore_index=True)
    channel = current["channel"].replace("web", "<www>")
    current = current.assign(amount=3 * current["amount"], channel=channel, account_id="new " + current["account_id"])
    current = current.astype({"amount": object})
    current.loc[::9, "amount"] = "lots"
    return monitor_tables(payment_scorer, reference, current, history=events)
