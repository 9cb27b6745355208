"""The recall that is kept under attack, with scores that look for single words."""

import json
from dataclasses import asdict
from types import SimpleNamespace
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS, STRENGTHS
from fraudsieve.training.attack.recall import (
    AttackCounts,
    CharacterSummary,
    KeptRecall,
    attack_messages,
    attack_metrics,
    attackable,
    check_attackable,
)
from tests.messages import refused


def made_up(kept: dict[str, int], clean: int = 10, flagged: int = 0) -> AttackCounts:
    """Counts of 20 fraudulent and 50 legitimate texts; of the fraud that is kept, half is when all are obfuscated."""
    keys = [(name, strength) for name in OBFUSCATIONS for strength in STRENGTHS]
    caught = {key: kept.get(key[0], clean) for key in keys}
    alike = {key: count // 2 for key, count in caught.items()}
    return AttackCounts(20, 50, clean, caught, alike, dict.fromkeys(keys, 20), dict.fromkeys(keys, flagged))


def test_the_mean_is_over_obfuscations_of_characters_that_apply() -> None:
    metrics = attack_metrics(made_up({"symbols": 5, "homophone": 0, "synonym": 0}), "en")
    names = [name for name, way in OBFUSCATIONS.items() if way.level == "character" and "en" in way.languages]
    assert metrics.recall == 0.5
    assert metrics.obfuscations["symbols"].light == KeptRecall(0.25, 0.5, 1.0, 0.1, 0.2, 0.0)
    light = metrics.character["light"]
    assert light.mean == pytest.approx(1 - 0.5 / len(names))
    assert (light.worst, light.worst_obfuscation) == (0.5, "symbols")
    assert attack_metrics(made_up({"homophone": 0}), "zh").character["strong"].worst_obfuscation == "homophone"
    json.dumps(asdict(metrics), allow_nan=False)


def test_a_gain_does_not_offset_a_loss() -> None:
    metrics = attack_metrics(made_up({"symbols": 5, "spacing": 15}), "en")
    assert metrics.obfuscations["spacing"].light == KeptRecall(0.75, 1.0, 1.0, 0.35, 0.7, 0.0)
    assert metrics.character["light"].mean == attack_metrics(made_up({"symbols": 5}), "en").character["light"].mean


def test_without_clean_recall_nothing_is_kept() -> None:
    metrics = attack_metrics(made_up({}, clean=0), "en")
    assert metrics.obfuscations["symbols"].light.kept is None
    assert metrics.character["light"] == CharacterSummary(None, None, None, None, 0.0)


def test_false_alarms_are_a_share_of_the_legitimate_texts() -> None:
    metrics = attack_metrics(made_up({}, flagged=5), "en")
    assert metrics.legitimate_rows == 50
    assert metrics.obfuscations["symbols"].medium.flagged == 0.1
    assert metrics.character["medium"].flagged == pytest.approx(0.1)
    assert metrics.character["medium"].mean_alike == pytest.approx(0.5)


def test_only_the_text_is_obfuscated_of_fraudulent_and_legitimate_messages_alike() -> None:
    rows = pd.DataFrame({"text": ["free 4 u", "dinner?", "free 2"], "account_id": ["a", "b", "c"]}, index=[5, 7, 9])
    seen: list[pd.DataFrame] = []

    def score(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        seen.append(rows)
        return np.array(["free" in text for text in rows["text"]], np.float64)

    is_fraud = np.array([True, False, True])
    metrics = attack_messages(score, rows, is_fraud, np.array([1.0, 0.5, 1.0]))
    assert (metrics.rows, metrics.recall, metrics.language) == (2, 1.0, "en")
    assert metrics.obfuscations["homophone"].strong == KeptRecall(1.0, 1.0, 0.0, 1.0, 1.0, 0.0)
    assert metrics.obfuscations["synonym"].strong.kept == 0.0
    assert all(call["account_id"].tolist() == ["a", "c", "b"] for call in seen)
    assert {call["text"].iloc[2] for call in seen} > {"dinner?"}
    assert rows["text"].tolist() == ["free 4 u", "dinner?", "free 2"]


def test_a_sample_of_many_texts_is_obfuscated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.training.attack.recall.MAX_TEXTS", 3)
    rows = pd.DataFrame({"text": [f"free {i}" for i in range(9)] + ["dinner?"]})
    seen: list[list[str]] = []

    def score(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
        seen.append(rows["text"].tolist())
        return np.ones(len(rows))

    metrics = attack_messages(score, rows, np.arange(10) < 9, np.zeros(10))
    assert (metrics.rows, metrics.legitimate_rows) == (3, 1)
    assert seen[-1] == ["free 0", "free 4", "free 8", "dinner?"]  # the last call scores the clean texts


@pytest.mark.parametrize(
    ("subject", "legitimate", "labels", "expected"),
    [
        ("message", "ham", ["ham", "spam"], True),
        ("message", "ham", ["ham", "ham"], False),
        ("message", "ham", ["spam", "scam"], False),
        ("message", None, ["scam", "spam"], False),
        ("account", "ham", ["ham", "spam"], False),
    ],
)
def test_models_that_can_be_attacked(subject: str, legitimate: str | None, labels: list[str], expected: bool) -> None:
    model = cast(Model, SimpleNamespace(subject=Subject(subject), legitimate=legitimate))
    assert attackable(model, np.array(labels, object)) is expected


@pytest.mark.parametrize(("is_fraud", "kind"), [(True, "legitimate"), (False, "fraudulent")])
def test_an_attack_needs_both_kinds(is_fraud: bool, kind: str) -> None:
    rows = pd.DataFrame({"text": ["a secret"]})
    with refused(SchemaError, kind) as error:
        attack_messages(lambda rows: np.zeros(len(rows)), rows, np.array([is_fraud]), np.zeros(1))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("subject", "legitimate", "why"),
    [("account", "legitimate", "a model of accounts"), ("event", "x", "of events"), ("message", None, "no legitimate")],
)
def test_models_that_cannot_be_attacked(subject: str, legitimate: str | None, why: str) -> None:
    model = cast(Model, SimpleNamespace(subject=Subject(subject), legitimate=legitimate))
    with pytest.raises(RecipeError, match=why):
        check_attackable(model)
    check_attackable(cast(Model, SimpleNamespace(subject=Subject.MESSAGE, legitimate="ham")))
