"""Two small models for attacks: of messages, with every file that a folder can have, and of accounts."""

from pathlib import Path

import numpy as np

from fraudsieve.features import AccountFeatures, History, MessageFeatures, Network
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.models.thresholds import operating_points
from fraudsieve.training.simulation.world import simulate

__all__ = ["write_account_model", "write_message_model"]

N_MESSAGES = 300


def write_message_model(folder: Path) -> list[str]:
    """Train a model of messages, write it, and return a few texts to score."""
    world = simulate(days=30, n_accounts=150)
    labels = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    rows = world.messages.merge(labels, left_on="message_id", right_on="subject_id")[:N_MESSAGES]
    y = np.where(rows["label"] == "legitimate", "legitimate", "fraud").astype(object)
    features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    matrix = features.fit_transform(rows["text"].to_numpy(object), y)
    classifier = FraudClassifier(n_rounds=8, n_jobs=1).fit(matrix, y).calibrate(matrix, y)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    model = Model("messages", ("fraud", "legitimate"), "legitimate", *parts)
    fraud = Scorer(model).score_columns({"text": rows["text"].tolist()})["probability"]
    points = operating_points(fraud, y == "fraud")
    write_model(Model("messages", ("fraud", "legitimate"), "legitimate", *parts, points), folder)
    return [str(text) for text in rows["text"][:20]]


def write_account_model(folder: Path) -> None:
    """Train a model of accounts with views, a network and a category, and write it."""
    world = simulate(days=20, n_accounts=100, messages_per_day=20)
    accounts = world.accounts[["account_id"]].assign(as_of=world.events["occurred_at"].max(), plan="basic")
    history = [History(("1h", "1d"), kinds=("message",), identifiers=("device_id",))]
    features = AccountFeatures(world.events, history=history, network=Network(identifiers=("device_id",), labels=False))
    y = np.where(np.arange(len(accounts)) % 3 == 0, "fraud", "legitimate").astype(object)
    matrix = features.set_output(transform="pandas").fit_transform(accounts, y)
    classifier = FraudClassifier(n_rounds=4, n_jobs=1).fit(matrix, y).calibrate(matrix, y)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    write_model(Model("accounts", ("fraud", "legitimate"), "legitimate", *parts), folder)
