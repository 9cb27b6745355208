"""Dates of records: what was known at their time, alike from frames, strings, records and a model folder."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from fraudsieve import AccountFeatures, FraudClassifier, MessageFeatures, Scorer, save_pipeline
from fraudsieve.exceptions import ColumnTypeError
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.profile.dates import DateColumn
from fraudsieve.features.profile.frames import custom_values
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.tables.cells import mask_signalling_nan
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import check_table, read_table
from fraudsieve.tables.source import InputTable
from tests.features.value_table import TABLE
from tests.profiles import examples

ROW = {"account_id": "a", "as_of": "2026-03-10T12:00:00Z"}
OPENED = {"opened": "2026-03-08", "visited": "2026-03-09 18:30:00", "birth_date": "1960-03-10"}


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as records; missing values are None."""
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]


def rows(n: int = 40, seed: int = 1) -> pd.DataFrame:
    """Return accounts with three dates, and a label that depends on the days between two of them."""
    rng = np.random.default_rng(seed)
    as_of = pd.Timestamp("2026-03-10") + pd.to_timedelta(rng.integers(0, 90 * 24, n), unit="h")
    opened = as_of - pd.to_timedelta(rng.integers(-5 * 24, 300 * 24, n), unit="h")
    visited = opened + pd.to_timedelta(rng.integers(0, 40 * 24, n), unit="h")
    return pd.DataFrame(
        {
            "account_id": [f"a{place}" for place in range(n)],
            "as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "opened": opened.strftime("%Y-%m-%d"),
            "visited": visited.strftime("%Y-%m-%d %H:%M"),
            "birth_date": [f"{1930 + place % 70}-02-03" for place in range(n)],
            "label": np.where((visited - opened) < pd.Timedelta("8D"), "fraud", "legitimate"),
        }
    )


def test_a_date_says_how_long_ago_it_is_how_far_from_others_and_its_hour() -> None:
    builder = AccountFeatures().fit(pd.DataFrame([ROW | OPENED, ROW | OPENED]))
    found = dict(zip(builder.matrix_.columns, builder.transform(pd.DataFrame([ROW | OPENED]))[0], strict=True))
    assert found == {
        "profile__age_days": pytest.approx(np.nan, nan_ok=True),
        "profile__days_since_opened": 2.5,
        "profile__weekday_of_opened": 6,
        "profile__days_since_visited": pytest.approx(17.5 / 24),
        "profile__weekday_of_visited": 0,
        "profile__hour_of_visited": 18,
        "profile__days_from_opened_to_visited": pytest.approx(1 + 18.5 / 24),
        "profile__years_since_birth_date": pytest.approx(66, abs=0.01),
    }
    assert builder.notes_ == ("the age by birth_date is a feature; history.exclude leaves it out",)


def test_a_later_date_was_not_known_unless_it_is_declared() -> None:
    late = ROW | {"opened": "2026-03-08", "departure": "2026-03-11", "closed": "2026-03-30"}
    frame = pd.DataFrame([late, late | {"closed": None}])
    builder = AccountFeatures(later_dates=["departure"]).fit(frame)
    found = pd.DataFrame(builder.transform(frame), columns=builder.matrix_.columns)
    assert found["profile__days_since_departure"].tolist() == [-0.5, -0.5]
    assert found["profile__days_from_opened_to_departure"].tolist() == [3, 3]
    assert found.filter(like="closed").isna().all(axis=None)  # nor whether there is one
    (note,) = builder.notes_
    start = "closed is later than its record in 1 of 2 rows, and missing there, and counts from the next day on; "
    assert note.startswith(f"{start}history.later_dates")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_frames_strings_and_records_give_the_same(zone: str) -> None:
    frame = rows()
    checked = check_table(frame, "accounts").good
    assert [str(checked[name].dtype) for name in OPENED] == ["datetime64[us, UTC]"] * 3
    builder = AccountFeatures(time_zone=zone).fit(frame)
    of_strings = builder.transform(frame)
    if zone == "UTC":
        np.testing.assert_array_equal(of_strings, builder.transform(checked))
    read = builder.matrix_.rows(records_of(frame))
    np.testing.assert_array_equal(of_strings, read.X)
    one = [builder.matrix_.rows([record]).X[0] for record in records_of(frame)]
    np.testing.assert_array_equal(of_strings, np.array(one))


def test_dates_without_a_time_of_parquet_and_of_arrow_are_dates() -> None:
    frame = rows()
    days = pd.to_datetime(frame["opened"]).dt.date
    given = frame.assign(opened=days.where(frame.index > 0, None))
    assert str(check_table(given, "accounts").good["opened"].dtype) == "datetime64[us, UTC]"
    builder = AccountFeatures().fit(given)
    expected = builder.transform(frame.assign(opened=frame["opened"].where(frame.index > 0, None)))
    for one in (given, check_table(given, "accounts").good, given.astype({"opened": pd.ArrowDtype(pa.date32())})):
        np.testing.assert_array_equal(AccountFeatures().fit(one).transform(one), expected)


def test_dates_out_of_range_are_missing_and_words_are_errors() -> None:
    frame = rows()
    frame["opened"] = frame["opened"].where(frame.index % 4 > 0, "0000-00-00").where(frame.index % 4 > 1, "9999-12-31")
    builder = AccountFeatures().fit(frame)
    place = builder.matrix_.columns.index("profile__weekday_of_opened")
    of_frame = builder.transform(frame)
    assert np.isnan(of_frame[:, place]).mean() >= 0.5
    np.testing.assert_array_equal(of_frame, builder.matrix_.rows(records_of(frame)).X)
    wrong = records_of(frame)[0] | {"opened": "soon"}
    assert (
        builder.matrix_.rows([wrong]).why[0] == "opened: expected a time such as 2026-05-01T10:00:00Z, got other text"
    )
    with pytest.raises(ColumnTypeError, match="'opened': expected times, as in training"):
        builder.transform(frame.assign(opened="soon"))


def test_a_column_with_other_words_is_no_date() -> None:
    frame = rows().assign(version="10.0.19041", address="10.10.2.3")
    frame.loc[0, "opened"] = "soon"
    matrix = AccountFeatures().fit(frame).matrix_
    assert [date.name for date in matrix.custom.dates] == ["visited", "birth_date"]


def test_a_date_whose_feature_has_the_name_of_a_column_is_left_out() -> None:
    frame = rows().assign(days_since_opened=3.5, days_from_opened_to_visited=1.0)
    for builder in (AccountFeatures(), MessageFeatures(columns=["opened", "visited", "days_since_opened"], n_folds=2)):
        given = frame.assign(text=["see you at six", "win a prize now"] * (len(frame) // 2), sent_at=frame["as_of"])
        matrix = builder.fit(given, given["label"]).matrix_
        assert len(set(matrix.columns)) == len(matrix.columns)
        assert "opened" not in {date.name for date in matrix.custom.dates}
        assert any("opened (another column has the name" in note for note in builder.notes_)


def test_a_declared_category_stays_words() -> None:
    matrix = AccountFeatures(categories=["opened"]).fit(rows(400)).matrix_
    assert "opened" in matrix.custom.categories


def test_days_first_are_dates_where_the_table_says_so() -> None:
    frame = rows().assign(opened="13/02/2026")
    read = read_table(InputTable(frame, ReadOptions(day_first=True, time_zone="Asia/Shanghai")), "accounts").good
    assert read["opened"].iloc[0] == pd.Timestamp("2026-02-12T16:00:00Z")
    without = AccountFeatures().fit(frame)  # the order of day and month is unknown
    assert any(
        note.startswith("columns left out: opened (dates of which some cannot be read") for note in without.notes_
    )


def test_a_model_folder_scores_dates_as_the_pipeline_does(tmp_path: Path) -> None:
    frame = rows(400)
    features, labels = frame.drop(columns="label"), frame["label"]
    pipeline = make_pipeline(AccountFeatures(time_zone="Asia/Shanghai"), FraudClassifier(n_rounds=20, n_jobs=1))
    pipeline.fit(features, labels)
    save_pipeline(pipeline, tmp_path / "model")
    scorer = Scorer.load(tmp_path / "model")
    expected = pipeline.predict_proba(features)[:, list(pipeline.classes_).index("fraud")]
    scores = scorer.score(records_of(features))
    probabilities = np.array([score["probability"] for score in scores], np.float64)
    np.testing.assert_array_equal(probabilities, score_frame(scorer, features)["probability"])
    np.testing.assert_allclose(probabilities, expected, rtol=1e-9)
    assert np.abs(np.corrcoef(expected, labels == "fraud")[0, 1]) > 0.8
    sentences = " ".join(score_frame(scorer, features.iloc[:5], reasons=3)["reasons"])
    assert re.search(r"the visited was \d+ days? after the opened", sentences)


def test_a_row_of_a_file_whose_date_is_none_is_rejected(tmp_path: Path) -> None:
    frame = rows(60)
    pipeline = make_pipeline(AccountFeatures(), FraudClassifier(n_rounds=3, n_jobs=1))
    save_pipeline(pipeline.fit(frame.drop(columns="label"), frame["label"]), tmp_path / "model")
    scorer, given = Scorer.load(tmp_path / "model"), frame.drop(columns="label")
    whole = score_frame(scorer, given)["probability"]
    given.assign(opened=given["opened"].where(given.index > 0, "never")).to_csv(tmp_path / "new.csv", index=False)
    done = score_file(scorer, tmp_path / "new.csv", tmp_path / "scores.parquet")
    assert (done.scored, done.rejected) == (59, 1)
    assert pd.read_parquet(tmp_path / "scores.rejected.parquet")["reason"][0].startswith("expected a time such as")
    assert pd.read_parquet(tmp_path / "scores.parquet")["probability"].tolist() == whole[1:].tolist()


def test_dates_of_messages_are_compared_with_the_time_they_were_sent() -> None:
    frame = pd.DataFrame(
        {
            "text": ["win a prize now", "prize waiting, call", "see you at six", "dinner at home"],
            "sent_at": ["2026-03-10", "2026-03-10", "2026-03-10", None],
            "joined": ["2026-03-09", "2026-03-12", None, "2026-03-01"],
        }
    )
    builder = MessageFeatures(n_folds=2, columns=["joined"]).fit(frame, ["spam", "spam", "ham", "ham"])
    found = pd.DataFrame(builder.transform(frame), columns=builder.matrix_.columns)["profile__days_since_joined"]
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, np.nan])
    later = MessageFeatures(n_folds=2, columns=["joined"], later_dates=["joined"]).fit(frame, ["a", "a", "b", "b"])
    days = pd.DataFrame(later.transform(frame), columns=later.matrix_.columns)
    np.testing.assert_array_equal(days["profile__days_since_joined"], [1, -2, np.nan, np.nan])
    np.testing.assert_array_equal(days["profile__weekday_of_joined"], [0, 3, np.nan, 6])
    np.testing.assert_array_equal(builder.matrix_.rows(records_of(frame)).X, builder.transform(frame))
    assert "sent_at" in {field.name for field in builder.matrix_.fields}
    unknown = pd.DataFrame(builder.transform(frame.drop(columns="sent_at")), columns=builder.matrix_.columns)
    assert unknown.filter(like="joined").isna().all(axis=None)  # it may be later
    assert builder.matrix_.rows([records_of(frame)[0] | {"sent_at": "soon"}]).why[0].startswith("sent_at: expected")


def test_a_message_without_a_zone_was_sent_in_that_of_the_model_as_its_dates_are() -> None:
    frame = pd.DataFrame(
        {"text": ["win a prize", "see you"], "sent_at": "2026-03-10 01:00", "joined": "2026-03-10 02:00"}
    )
    builder = MessageFeatures(n_folds=2, columns=["joined"], later_dates=["joined"], time_zone="Asia/Shanghai")
    matrix = builder.fit(frame.assign(sent_at="2026-03-10 01:00+08:00"), ["spam", "ham"]).matrix_
    found = matrix.rows(records_of(frame)).X[:, matrix.columns.index("profile__days_since_joined")]
    assert found.tolist() == [pytest.approx(-1 / 24)] * 2


def test_flags_of_dates_survive_the_folder() -> None:
    dates = (DateColumn("dob", is_birth=True), DateColumn("leaves", has_hour=True, may_be_later=True))
    own = CustomColumns(dates=dates, zone="Asia/Shanghai")
    assert CustomColumns.from_dict(json.loads(json.dumps(own.to_dict()))) == own


DAYS = st.integers(-80_000, 60_000).map(lambda days: datetime(1970, 1, 1) + timedelta(days=days))
FORMS = ("%Y-%m-%d", "%Y/%m/%d %H:%M", "%Y%m%d", "%Y-%m-%dT%H:%M:%S+08:00", "%d.%m.%Y", "%d %b %Y %H:%M:%S +0100")
VALUES = (
    st.sampled_from([value for kind, value, _ in TABLE if kind == "time"])
    | DAYS
    | st.builds(lambda day, form: day.strftime(form), DAYS, st.sampled_from(FORMS))
    | st.text(alphabet="0123456789-/: T年", max_size=12)
    | st.sampled_from(["0000-00-00", "9999-12-31", "1899-12-31", "1900-01-01", "2100-12-31", "2101-01-01"])
)


@given(value=VALUES, zone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]))
@examples(300)
def test_any_value_is_one_date_in_frames_and_records(value: Any, zone: str) -> None:
    own = CustomColumns(dates=(DateColumn("opened", has_hour=True),), zone=zone)
    cutoff = np.array([np.datetime64("2026-05-01", "us")]).astype(np.int64)
    (read,), (why,) = own.of_records([{"opened": value}], cutoff)
    frame = pd.DataFrame({"opened": mask_signalling_nan(pd.Series([value], dtype=object))})
    try:
        (found,) = own.compute(custom_values(frame, own), cutoff)
    except ColumnTypeError:
        assert why is not None
    else:
        assert why is None
        np.testing.assert_array_equal(found, read)


def test_a_date_without_an_hour_that_may_be_later_counts_from_the_next_day_on() -> None:
    """The day on which an account was closed is not known in the morning; the day on which it was opened is."""
    times = pd.to_datetime([f"2026-05-{day:02} 10:00" for day in range(1, 29)], utc=True)
    frame = pd.DataFrame({"event_id": [f"e{k}" for k in range(28)], "account_id": "a", "occurred_at": times})
    frame["opened"] = times.strftime("%Y-%m-%d")
    frame["closed"] = [(time + pd.Timedelta(days=k % 3 - 1)).strftime("%Y-%m-%d") for k, time in enumerate(times)]
    features = AccountFeatures(frame, network=False, history=(), subject="event").fit(frame)
    flags = {date.name: date.next_day for date in features.matrix_.custom.dates}
    assert flags == {"opened": False, "closed": True}
    assert any("counts from the next day on" in note for note in features.notes_)
    columns = pd.DataFrame(features.transform(frame), columns=features.matrix_.columns)
    closed = columns["profile__days_since_closed"].to_numpy()
    assert np.isnan(closed[np.arange(28) % 3 > 0]).all()
    assert closed[np.arange(28) % 3 == 0] == pytest.approx(1 + 10 / 24)
    assert columns["profile__days_since_opened"].to_numpy() == pytest.approx(10 / 24)
    records: Any = frame.assign(occurred_at=times.astype(str)).to_dict("records")
    found = features.matrix_.rows(records).X[:, features.matrix_.columns.index("profile__days_since_closed")]
    np.testing.assert_array_equal(found, closed)
    allowed = AccountFeatures(frame, network=False, history=(), subject="event", later_dates=["closed"]).fit(frame)
    assert [date.next_day for date in allowed.matrix_.custom.dates] == [False, False]
