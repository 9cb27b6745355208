"""A model of messages with custom columns and custom lists, and records that it scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.features import MessageFeatures
from fraudsieve.models import FraudClassifier, Model, write_model
from fraudsieve.models.thresholds import operating_points

N = 240
LISTS: dict[str, Any] = {
    "words": {"gambling": ["Baccarat", "百家乐"], "chips": ["🎰", "筹码"]},
    "brands": {"icbc": ["icbc.com.cn"], "paybird": []},
    "hotlines": ["0800-123"],
    "short_hosts": ["goo.gs"],
}
FRAUD = ("玩百*家乐 goo.gs/{n}", "BACCARAT bonus {n} at icbc.shop", "call 0800 123 for prize {n}", "🎰 买筹码 {n}")
LEGITIMATE = ("see you at {n}", "会议改到 {n} 点", "icbc.com.cn statement {n}", "your order {n} has shipped")


def messages() -> pd.DataFrame:
    """Return labelled messages with a channel, a country, an age and a flag; some values are missing."""
    rng = np.random.default_rng(5)
    is_fraud = rng.random(N) < 0.4
    is_plain = is_fraud & (rng.random(N) < 0.6)  # of the others the channel tells, not the text
    texts = [rng.choice(FRAUD if plain else LEGITIMATE).format(n=n) for n, plain in enumerate(is_plain)]
    of_fraud, of_others = rng.choice(["sms", "app"], N, p=[0.9, 0.1]), rng.choice(["sms", "app", "mail"], N)
    channel = np.where(is_fraud, of_fraud, of_others)
    frame = pd.DataFrame({"message_id": [f"m{n}" for n in range(N)], "text": texts, "channel": channel})
    frame["国家"] = rng.choice(["CN", "US", "NG"], N)
    frame["age"] = np.where(rng.random(N) < 0.2, np.nan, rng.integers(0, 90, N))
    frame["is_new"] = rng.random(N) < 0.5
    frame.loc[rng.random(N) < 0.1, "channel"] = None
    return frame.assign(label=np.where(is_fraud, "fraud", "legitimate"))


def write_own_model(folder: Path) -> Model:
    """Train on the messages and write the model."""
    frame = messages()
    features = MessageFeatures(columns=["channel", "国家", "age", "is_new"], n_folds=3, **LISTS)
    features.set_output(transform="pandas")
    labels = frame["label"].to_numpy(object)
    matrix = features.fit_transform(frame, labels, groups=np.arange(N))
    fitted = FraudClassifier(n_rounds=8, n_jobs=1, min_leaf_rows=5).fit(matrix, labels)
    points = operating_points(fitted.predict_proba(matrix)[:, 0], labels == "fraud", days=1.0)
    model = Model(
        "own",
        ("fraud", "legitimate"),
        "legitimate",
        features.matrix_,
        fitted.ensemble_,
        fitted.calibration_,
        points=points,
    )
    return write_model(model, folder)


def records() -> list[dict[str, Any]]:
    """Return records to score: those of the messages, and some with unseen and missing values."""
    names = ["text", "channel", "国家", "age", "is_new"]
    rows: Any = messages()[names].astype(object).where(lambda frame: frame.notna(), None).to_dict("records")
    odd = {"text": "百家樂 🎰 call 0800-123", "channel": "fax", "国家": None, "age": None, "is_new": None}
    named = [{str(name): value for name, value in row.items()} for row in rows]
    return [*named, odd, {**odd, "text": "see you"}]
