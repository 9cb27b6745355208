"""Tests that `unlike_training` is uniform on records like those of training, and near one on others."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from fraudsieve.features import AccountFeatures, MessageFeatures
from fraudsieve.models import FraudClassifier
from fraudsieve.models.unlike_training.shares import UnlikeTraining
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.split_model import fit_unlike

EMOJI = ["\U0001f44d", "\U0001f600\U0001f680\U0001f600", "\u2764\ufe0f"]
OTHER_LANGUAGES = [
    "Привет, как дела сегодня",
    "안녕하세요 내일 만나요",
    "مرحبا كيف حالك اليوم",
    "สวัสดีครับ พัสดุของคุณมาแล้ว",
]
RANDOM = ["".join(map(chr, np.random.default_rng(seed).integers(0, 256, 40).tolist())) for seed in range(5)]


def is_uniform(values: np.ndarray, n_calibration: int) -> bool:
    """Return whether shares are uniform within noise: the critical value of two samples at the level .01."""
    return bool(kstest(values, "uniform").statistic < 1.63 * np.sqrt(1 / n_calibration + 1 / len(values)))


def thirds(n: int) -> list[np.ndarray]:
    return np.array_split(np.random.default_rng(0).permutation(n), [n // 2, 3 * n // 4])


@pytest.fixture(scope="module")
def messages() -> tuple[UnlikeTraining, MessageFeatures, np.ndarray]:
    world = simulate(days=30, n_accounts=150, seed=3)
    labels = world.labels.drop_duplicates("subject_id").set_index("subject_id")["label"]
    known = world.messages[world.messages["message_id"].isin(labels.index)]
    texts, truth = known["text"].to_numpy(object), labels[known["message_id"]].to_numpy(object)
    train, calibration, test = thirds(len(texts))
    features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    matrix = features.fit_transform(texts[train], truth[train])
    trees = FraudClassifier(n_rounds=2, n_jobs=1).fit(matrix, truth[train]).ensemble_
    unlike = fit_unlike(features.matrix_, trees, matrix, features.transform(texts[calibration]))
    assert unlike is not None
    return unlike, features, texts[test]


def shares(fitted: tuple[UnlikeTraining, MessageFeatures, np.ndarray], texts: list[str]) -> np.ndarray:
    return fitted[0].apply(fitted[1].transform(np.array(texts, object)).to_numpy())


@pytest.mark.slow
def test_messages_like_those_of_training_are_uniform(
    messages: tuple[UnlikeTraining, MessageFeatures, np.ndarray],
) -> None:
    assert is_uniform(shares(messages, messages[2].tolist()), len(messages[2]))


@pytest.mark.slow
@pytest.mark.parametrize("texts", [EMOJI, OTHER_LANGUAGES, RANDOM], ids=["emoji", "languages", "random"])
def test_messages_unlike_training(
    messages: tuple[UnlikeTraining, MessageFeatures, np.ndarray], texts: list[str]
) -> None:
    assert shares(messages, texts).min() > 0.99


def test_accounts_like_those_of_training_are_uniform_and_an_absurd_one_is_not() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    accounts = pd.DataFrame(
        {
            "account_id": [f"a{k}" for k in range(n)],
            "as_of": pd.Timestamp("2026-05-01", tz="UTC"),
            "age": rng.normal(40, 10, n),
            "limit": np.exp(rng.normal(7, 1, n)),
            "plan": rng.choice(["basic", "plus"], n, p=[0.8, 0.2]),
        }
    )
    truth = np.where(accounts["age"] + 5 * (accounts["plan"] == "plus") + np.log(accounts["limit"]) > 50, "fraud", "ok")
    train, calibration, test = thirds(n)
    features = AccountFeatures(subject="account").set_output(transform="pandas")
    matrix = features.fit_transform(accounts.iloc[train], truth[train])
    trees = FraudClassifier(n_rounds=20, n_jobs=1).fit(matrix, truth[train]).ensemble_
    unlike = fit_unlike(features.matrix_, trees, matrix, features.transform(accounts.iloc[calibration]))
    assert unlike is not None
    values = unlike.apply(features.transform(accounts.iloc[test]).to_numpy(np.float64))
    assert is_uniform(values, len(calibration))
    absurd = accounts.iloc[[0]].assign(age=400.0, limit=1e12, plan="unheard of")
    assert unlike.apply(features.transform(absurd).to_numpy(np.float64))[0] > 0.999
