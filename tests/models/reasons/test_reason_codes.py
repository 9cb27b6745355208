"""Reasons: they add up to the score for every model and record, and name the columns."""

from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.reasons.explained import check_class, explained_classes, output_signs
from fraudsieve.models.reasons.reason_codes import contributions, explain, merge_columns
from fraudsieve.models.sentences.templates import techniques_of
from fraudsieve.models.trees.ensemble import Ensemble
from tests.messages import refused


@pytest.fixture(scope="module", params=[2, 4])
def plain(request: pytest.FixtureRequest) -> tuple[Model, Array]:
    """A model without wording, of numbers with missing values and of categories."""
    rng = np.random.default_rng(request.param)
    matrix = AccountMatrix(
        Subject.EVENT, (), custom=CustomColumns(("amount", "age"), {"city": ("rome", "bonn")}), timed=False
    )
    X = np.column_stack([rng.lognormal(size=900), rng.normal(size=900), rng.integers(-2, 2, 900)])
    X[rng.random(900) < 0.2, 1] = np.nan
    score = np.log(X[:, 0]) + np.isnan(X[:, 1]) - X[:, 2] + rng.normal(size=900)
    codes = np.searchsorted(np.quantile(score, np.arange(1, request.param) / request.param), score)
    y = np.array(["c", "legitimate", "a", "b"], object)[codes]
    classifier = FraudClassifier(n_rounds=20, n_jobs=1).fit(X[::2], y[::2]).calibrate(X[1::2], y[1::2])
    classes = tuple(map(str, classifier.classes_))
    model = Model("plain", classes, "legitimate", matrix, classifier.ensemble_, classifier.calibration_)
    return model, np.vstack([X, np.full((1, 3), np.nan)])


def rows_of(fitted: Any) -> Array:
    X: Array = fitted.model.matrix.compute(fitted.texts[:80])
    X[::7, fitted.model.ensemble.wording[0]] = np.nan
    X[1::7, 5:] = np.nan
    return X


def log_odds_of(model: Model, odds: Array, pair: tuple[str, str]) -> Array:
    """Return the log-odds of a class against another."""
    first, second = map(model.classes.index, pair)
    if len(model.classes) == 2:
        return odds[:, 0] if first == 1 else -odds[:, 0]
    return np.asarray(odds[:, first] - odds[:, second])


def check_sums(model: Model, X: Array) -> None:
    """Check that reasons of every class add up to its calibrated and uncalibrated log-odds against another class."""
    raw = model.ensemble.log_odds(X)
    odds = model.calibration.apply(raw)
    for name in model.classes:
        for n in (0, 3, 10_000):
            for row, explanation in enumerate(explain(model, X, odds, n=n, of=name)):
                against = explanation["explained"]["against"]
                assert against == model.legitimate or name == model.legitimate or model.legitimate is None
                expected, uncalibrated = (log_odds_of(model, part, (name, against))[row] for part in (odds, raw))
                values = {
                    reason["family"]: reason["log_odds"] for reason in explanation["reasons"] if reason["cue"] is None
                }
                total = sum(reason["log_odds"] for reason in explanation["reasons"])
                assert total == pytest.approx(expected, rel=1e-9, abs=1e-12)
                assert total - values["calibration"] == pytest.approx(uncalibrated, rel=1e-9, abs=1e-12)
                assert explanation["explained"] == {
                    "class": name,
                    "against": against,
                    "techniques": techniques_of(name),
                    "log_odds": expected,
                }
                assert n < 10_000 or abs(values["rest"]) < 1e-12


@pytest.mark.slow
def test_they_add_up_with_wording(fitted: Any) -> None:
    check_sums(fitted.model, rows_of(fitted))


@pytest.mark.slow
def test_they_add_up_without_wording(plain: tuple[Model, Array]) -> None:
    check_sums(*plain)


@pytest.mark.slow
def test_every_column_has_its_own_part(fitted: Any) -> None:
    ensemble, X = fitted.model.ensemble, rows_of(fitted)
    n_outputs = len(ensemble.base)
    trees = np.asarray(ensemble.booster.predict(X, pred_contrib=True)).reshape(len(X), n_outputs, -1)
    for output in range(n_outputs):
        parts = contributions(ensemble, X, output)
        column = ensemble.wording[output]
        start = np.nan_to_num(X[:, column])
        expected = trees[:, output].copy()
        expected[:, column] += start
        expected[:, -1] += ensemble.base[output]
        np.testing.assert_allclose(parts, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(parts.sum(axis=1), ensemble.log_odds(X)[:, output], rtol=1e-9)


def parts_of(model: Model, X: Array, explained: dict[str, Any]) -> Array:
    """Return the merged contributions of one row to what is explained."""
    pair = [model.classes.index(explained[name]) for name in ("class", "against")]
    signs = output_signs(model, *np.array(pair)[:, None])[0]
    parts = np.sum([sign * contributions(model.ensemble, X, output) for output, sign in enumerate(signs)], axis=0)
    return np.asarray(merge_columns(model, X, parts[:, :-1])[0])


@pytest.mark.slow
def test_the_strongest_are_named_and_those_for_the_decision_come_first(fitted: Any) -> None:
    model, X = fitted.model, rows_of(fitted)
    odds = model.calibration.apply(model.ensemble.log_odds(X))
    decisions = Scorer(model).score_rows(X)["decision"]
    n_against = 0
    for row, explanation in enumerate(explain(model, X, odds, n=4)):
        named = [reason for reason in explanation["reasons"] if reason["cue"] is not None]
        parts = parts_of(model, X[row : row + 1], explanation["explained"])
        decided = -1 if decisions[row] == "pass" else 1
        strongest = sorted(parts, key=abs, reverse=True)[: len(named)]
        if not any(decided * part > 0 for part in strongest):  # the strongest that agrees, instead of the last
            n_against += 1
            strongest[-1] = max(parts * decided) * decided
        expected = sorted(strongest, key=lambda part: part * decided <= 0)
        assert [reason["log_odds"] for reason in named] == pytest.approx(expected, rel=1e-9)
        assert all(reason["direction"] == np.sign(reason["log_odds"]) for reason in named)
        assert named[0]["direction"] == decided or not (parts * decided > 0).any()
        assert [reason["family"] for reason in explanation["reasons"][len(named) :]] == ["rest", "base", "calibration"]
    assert n_against < 40


def test_sentences_of_the_text_model_agree_with_their_sign(fitted: Any) -> None:
    model, X = fitted.model, rows_of(fitted)
    odds = model.calibration.apply(model.ensemble.log_odds(X))
    seen = set()
    for language, words in (("en", ("resembles", "does not resemble")), ("zh", ("相似", "不像"))):
        for explanation in explain(model, X, odds, n=99, language=language):
            for reason in explanation["reasons"]:
                if reason["family"] in ("wording", "pinyin"):
                    assert reason["cue"] == explanation["explained"]["class"]
                    assert words[0 if reason["direction"] > 0 else 1] in reason["sentence"]
                    seen.add((reason["family"], reason["direction"]))
    assert {("wording", 1), ("wording", -1)} <= seen


def test_pinyin_is_no_reason_for_text_without_chinese_characters(fitted: Any) -> None:
    model, texts = fitted.model, ["Your parcel is held, pay the fee now", "恭喜您中奖，请点击领取"]
    X = model.matrix.compute(texts)
    odds = model.calibration.apply(model.ensemble.log_odds(X))
    english, chinese = explain(model, X, odds, n=999)
    assert "pinyin" not in {reason["family"] for reason in english["reasons"]}
    assert "pinyin" not in model.matrix.text_models or "pinyin" in {reason["family"] for reason in chinese["reasons"]}
    for explanation in (english, chinese):
        assert len([reason for reason in explanation["reasons"] if reason["family"] == "surprisal"]) <= 1


def test_columns_without_effect_are_not_reasons(plain: tuple[Model, Array]) -> None:
    model, X = plain
    stumps = lgb.Booster(model_str=model.ensemble.booster.model_to_string(num_iteration=1))
    one = replace(model, ensemble=Ensemble(stumps, (), model.ensemble.base))
    odds = one.calibration.apply(one.ensemble.log_odds(X))
    used = {name for name, uses in zip(model.matrix.columns, stumps.feature_importance(), strict=True) if uses}
    for explanation in explain(one, X, odds, n=99):
        named = [reason for reason in explanation["reasons"] if reason["cue"] is not None]
        assert {f"{reason['family']}__{reason['cue']}" for reason in named} <= used
        assert all(reason["log_odds"] for reason in named)


def test_the_direction_is_that_of_the_class(binary: Any) -> None:
    model = binary.model
    assert model.classes == ("fraud", "legitimate")
    X = rows_of(binary)
    odds = model.calibration.apply(model.ensemble.log_odds(X))
    fraud, clean = explain(model, X, odds, n=5, of="fraud"), explain(model, X, odds, n=5, of="legitimate")
    for one, other in zip(fraud, clean, strict=True):
        for reason, opposite in zip(one["reasons"], other["reasons"], strict=True):
            assert reason["family"] == opposite["family"]
            assert reason["cue"] == opposite["cue"] or reason["family"] in ("wording", "pinyin")
            assert (reason["direction"], reason["log_odds"]) == (-opposite["direction"], -opposite["log_odds"])
    probability = Scorer(model).score_columns({"text": binary.texts[:80]})["probability"]
    untouched = explain(model, model.matrix.compute(binary.texts[:80]), Scorer(model).log_odds(binary.texts[:80]))
    log_odds = np.array([explanation["explained"]["log_odds"] for explanation in untouched])
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), probability, rtol=1e-9)


def test_the_likeliest_crime_is_explained(binary: Any, several: Any, types: Any) -> None:
    odds = np.array([[9.0], [-9.0]])
    assert np.column_stack(explained_classes(binary.model, odds)).tolist() == [[0, 1], [0, 1]]
    alone = replace(binary.model, legitimate=None)
    assert np.column_stack(explained_classes(alone, odds)).tolist() == [[1, 0], [0, 1]]
    for fitted in (several, types):
        classes = fitted.model.classes
        odds = np.eye(len(classes)) + 0.1 * np.arange(len(classes))
        likeliest, against = explained_classes(fitted.model, odds)
        clean = classes.index("legitimate") if fitted is several else -1
        last = max(position for position in range(len(classes)) if position != clean)
        assert likeliest.tolist() == [last if position == clean else position for position in range(len(classes))]
        if fitted is several:
            assert set(against.tolist()) == {clean}
        else:  # the most probable other type
            assert against.tolist() == [last if position != last else last - 1 for position in likeliest.tolist()]
        first, others = explained_classes(fitted.model, odds, classes[0])
        assert first.tolist() == [0] * len(classes)
        assert 0 not in others.tolist()


def test_an_unknown_class_is_rejected(binary: Any) -> None:
    with refused(ValueError, "reasons_of"):
        check_class(binary.model, "scam")
    with pytest.raises(ValueError, match="reasons_of"):
        explained_classes(binary.model, np.zeros((1, 1)), "scam")
    check_class(binary.model, None)


def test_a_batch_equals_single_rows(several: Any) -> None:
    model, X = several.model, rows_of(several)
    odds = model.calibration.apply(model.ensemble.log_odds(X))
    explanations = explain(model, X, odds)
    assert len({explanation["explained"]["class"] for explanation in explanations}) > 2
    for row in range(len(X)):
        assert explain(model, X[row : row + 1], odds[row : row + 1]) == [explanations[row]]
    assert explain(model, X[:0], odds[:0]) == []


def test_calibration_has_its_own_part(plain: tuple[Model, Array]) -> None:
    model, X = plain
    raw = model.ensemble.log_odds(X)
    for calibration in (Calibration(), Calibration(low=2.0, high=2.0)):
        changed = replace(model, calibration=calibration)
        for row, explanation in enumerate(explain(changed, X, calibration.apply(raw), of=model.classes[-1])):
            last = explanation["reasons"][-1]
            assert last["family"] == "calibration"
            pair = model.classes[-1], explanation["explained"]["against"]
            expected = (calibration.low - 1) * log_odds_of(model, raw, pair)[row]
            assert last["log_odds"] == pytest.approx(expected, abs=1e-12)
