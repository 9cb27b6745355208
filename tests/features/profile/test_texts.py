"""Columns of texts beside others, of accounts, events and messages: out of fold, from frames, records and folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from fraudsieve import AccountFeatures, FraudClassifier, MessageFeatures, Scorer, save_pipeline
from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH

FRAUD = (
    "deposit now to unlock your winnings",
    "充值解锁您的奖金",
    "agent fee before the parcel",
    "verify your wallet here",
)
PLAIN = ("rent for march", "dinner with ann", "电费三月", "invoice 2041 thank you", "birthday present")


def payments(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Return payments whose remark tells a half of the fraud, and whose amount tells the other."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(n) < 0.3
    says = is_fraud & (rng.random(n) < 0.5)
    said = np.where(says, rng.choice(FRAUD, n), rng.choice(PLAIN, n))
    remark = [f"{text} {rng.integers(10**6)}" if rng.random() < 0.7 else text for text in said]
    return pd.DataFrame(
        {
            "account_id": [f"a{place}" for place in range(n)],
            "as_of": pd.Timestamp("2026-03-01", tz="UTC"),
            "amount": np.exp(rng.normal(3, 0.7, n) + 2 * (is_fraud & ~says)).round(2),
            "remark": pd.Series(remark, dtype=object).where(rng.random(n) < 0.95, None),
            "label": np.where(is_fraud, "fraud", "legitimate"),
        }
    )


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def features(**settings: Any) -> AccountFeatures:
    return AccountFeatures(texts=["remark"], n_folds=3, **settings)


def events(n: int = 600, seed: int = 1) -> pd.DataFrame:
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(n), unit="h")
    return (
        payments(n, seed).drop(columns="as_of").assign(event_id=[f"e{place}" for place in range(n)], occurred_at=times)
    )


def test_the_training_rows_have_scores_of_models_that_did_not_see_them() -> None:
    frame = payments()
    builder = features()
    trained = builder.fit_transform(frame, frame["label"])
    place = builder.matrix_.columns.index("wording__legitimate_of_remark")
    seen = builder.transform(frame)[:, place]
    assert np.isnan(trained[frame["remark"].isna(), place]).all()
    known = frame["remark"].notna().to_numpy()
    assert (trained[known, place] != seen[known]).mean() > 0.9
    is_fraud = (frame["label"] == "fraud").to_numpy()
    for values in (trained[:, place], seen):
        assert np.nanmean(values[is_fraud]) < np.nanmean(values[~is_fraud]) - 0.5


def test_records_give_what_a_frame_gives() -> None:
    frame = payments(300)
    builder = features().fit(frame, frame["label"])
    assert builder.matrix_.columns[-1].endswith("_of_remark")
    of_frame = builder.transform(frame)
    np.testing.assert_array_equal(builder.matrix_.rows(records_of(frame)).X, of_frame)
    one = [builder.matrix_.rows([record]).X[0] for record in records_of(frame)[:20]]
    np.testing.assert_array_equal(np.array(one), of_frame[:20])
    blank = records_of(frame)[0] | {"remark": " "}
    assert np.isnan(builder.matrix_.rows([blank]).X[0, -10:]).all()
    wrong = records_of(frame)[0] | {"remark": 7}
    assert builder.matrix_.rows([wrong]).why[0] == "remark: expected a string, got int"


@pytest.mark.parametrize("subject", ["account", "event"])
def test_a_folder_has_the_scores_of_the_pipeline_and_says_them_in_words(subject: str, tmp_path: Path) -> None:
    frame = events() if subject == "event" else payments()
    rows, labels = frame.drop(columns="label"), frame["label"]
    pipeline = make_pipeline(features(subject=subject), FraudClassifier(n_rounds=30, n_jobs=1)).fit(rows, labels)
    save_pipeline(pipeline, tmp_path / "model")
    assert {"text1-wording.npz", "text1-pinyin.npz"} <= {file.name for file in (tmp_path / "model").iterdir()}
    scorer = Scorer.load(tmp_path / "model")
    scores = np.array([score["probability"] for score in scorer.score(records_of(rows))], np.float64)
    np.testing.assert_allclose(scores, pipeline.predict_proba(rows)[:, 0], rtol=1e-9)
    np.testing.assert_array_equal(scores, scorer.score_columns(rows)["probability"])
    scored = score_frame(scorer, rows, reasons=2)
    np.testing.assert_array_equal(scores, scored["probability"])
    assert scored["reasons"].str.contains('"remark: the (?:wording|pinyin)').any()


def test_a_row_of_a_file_whose_text_is_none_is_rejected_as_its_record_is(tmp_path: Path) -> None:
    rows = payments().drop(columns="label")
    pipeline = make_pipeline(features(), FraudClassifier(n_rounds=3, n_jobs=1)).fit(rows, payments()["label"])
    save_pipeline(pipeline, tmp_path / "model")
    scorer = Scorer.load(tmp_path / "model")
    wrong: list[Any] = [7, True, ["rent"], "x" * (MAX_TEXT_LENGTH + 1)]
    given = rows.head(40).assign(remark=["rent"] * 36 + wrong)
    given.to_json(tmp_path / "new.jsonl", orient="records", lines=True, date_format="iso")
    done = score_file(scorer, tmp_path / "new.jsonl", tmp_path / "scores.parquet")
    assert (done.scored, done.rejected) == (36, 4)
    reasons = pd.read_parquet(tmp_path / "scores.rejected.parquet")["reason"]
    assert [f"remark: {reason}" for reason in reasons] == [row["why"] for row in scorer.score(records_of(given))[36:]]


def test_messages_have_further_texts() -> None:
    frame = payments().rename(columns={"remark": "subject"}).assign(text=payments(seed=2)["remark"].fillna("hello"))
    builder = MessageFeatures(texts=["subject"], columns=["amount"], n_folds=3)
    trained = builder.fit_transform(frame, frame["label"])
    names = builder.matrix_.columns
    assert trained.shape[1] == len(names)
    assert {"wording__legitimate", "wording__legitimate_of_subject", "value__amount"} <= set(names)
    np.testing.assert_array_equal(builder.matrix_.rows(records_of(frame)).X, builder.transform(frame))
    place = names.index("wording__legitimate_of_subject")
    assert (trained[:, place] != builder.transform(frame)[:, place]).any()


def test_a_column_of_one_class_is_left_out() -> None:
    frame = payments()
    frame.loc[frame["label"] == "fraud", "remark"] = None
    builder = features().fit(frame, frame["label"])
    assert not builder.matrix_.custom.texts
    assert not [name for name in builder.matrix_.columns if "remark" in name]


def test_a_common_text_is_known_to_every_fold() -> None:
    frame = payments().assign(remark=lambda rows: np.where(rows.index % 2 == 0, "rent", rows["remark"].fillna("none")))
    builder = features()
    trained = builder.fit_transform(frame, frame["label"])
    place = builder.matrix_.columns.index("surprisal__unknown_of_remark")
    assert (trained[::2, place] == 0).all()


def test_errors_name_the_column() -> None:
    frame = payments()
    with pytest.raises(ValueError, match="texts: expected y"):
        features().fit(frame)
    with pytest.raises(SchemaError, match="'remark' is missing"):
        features().fit(frame.rename(columns={"remark": "Remark"}), frame["label"])
    with pytest.raises(SchemaError, match="expected at most 4 columns of texts, got 5"):
        AccountFeatures(texts=["remark"] * 5).fit(frame, frame["label"])
    for wrong in (["remark", "remark"], ["label"]):
        with pytest.raises(SchemaError, match=f"'{wrong[0]}' is named twice, or cannot be a text"):
            AccountFeatures(texts=wrong).fit(frame, frame["label"])
    with pytest.raises(ColumnTypeError, match="'remark': expected texts"):
        features().fit(frame.assign(remark=7), frame["label"])
