"""Times and ids of scores: read as the tables are, so that nothing is known too early."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.cases import find_cases, find_cases_in_tables, write_cases
from fraudsieve.cases.actions import read_case_inputs
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.source import InputTable
from tests.messages import refused

KEY = b"a key"
MAY = pd.Timestamp("2026-05-15", tz="UTC")
EVENTS = pd.DataFrame({"event_id": ["1", "2"], "account_id": "ann", "kind": "transfer"})
EVENTS = EVENTS.assign(occurred_at=["2026-05-01", "2026-05-02"])
MESSAGES = pd.DataFrame({"message_id": ["7"], "text": ["hello"], "account_id": "ann", "sent_at": "2026-05-03"})


def scores(**columns: Any) -> pd.DataFrame:
    return EVENTS[["event_id"]].assign(probability=[0.9, 0.8], decision="flag", **columns)


TIMES = [
    ("2026-05-10T10:00:00+00:00", "2026-06-01T10:00:00.5+00:00"),  # what isoformat writes
    (1778407200, 1780308000),
    ("1778407200", "1780308000"),
    (pd.Timestamp("2026-05-10"), pd.Timestamp("2026-06-01")),
]


@pytest.mark.parametrize("known_at", TIMES)
@pytest.mark.parametrize("with_events", [True, False])
def test_a_record_that_was_flagged_later_is_left_out_however_its_time_is_written(
    known_at: tuple[Any, Any], with_events: bool
) -> None:
    given = scores(known_at=list(known_at), account_id="ann", occurred_at=EVENTS["occurred_at"])
    events = EVENTS if with_events else None
    assert find_cases_in_tables(given, events=events, key=KEY, as_of=MAY).members["record"].tolist() == ["1"]
    found = find_cases_in_tables(given, events=events, key=KEY)
    assert found.members["known_at"].dt.month.tolist() == [5, 6]
    actions = EVENTS.assign(action_id=EVENTS["event_id"], known_at=given["known_at"])
    assert find_cases(actions, key=KEY, as_of=MAY).members["action_id"].tolist() == ["1"]


def test_dates_that_begin_with_the_day_need_the_option() -> None:
    given = scores(known_at=["02/05/2026", "05/06/2026"])
    with refused(SchemaError, "--day-first"):
        find_cases_in_tables(given, events=EVENTS, key=KEY)
    by_day = InputTable(given, ReadOptions(day_first=True))
    assert find_cases_in_tables(by_day, events=EVENTS, key=KEY, as_of=MAY).members["record"].tolist() == ["1"]


def test_scores_in_csv_are_those_in_parquet(tmp_path: Path) -> None:
    given = scores(known_at=[1780272000, 1780272000]).assign(event_id=["1.0", "2.0"])  # ids that went through floats
    given.to_csv(tmp_path / "scores.csv", index=False)
    found = find_cases_in_tables(tmp_path / "scores.csv", events=EVENTS, key=KEY, threshold=0.85)
    assert found.members["record"].tolist() == ["1"]
    assert np.isclose(found.members["probability"], 0.9).all()
    assert find_cases_in_tables(tmp_path / "scores.csv", events=EVENTS, key=KEY, as_of=MAY).members.empty


def test_a_flagged_record_shows_its_likeliest_crime() -> None:
    given = scores(label=["legitimate", "scam"]).assign(probability=[0.6, 0.7])
    by_class = given.assign(
        probability__scam=[0.25, 0.6], probability__legitimate=[0.4, 0.3], probability__spam=[0.35, 0.1]
    )
    assert read_case_inputs([by_class], {}).flagged["type"].tolist() == ["spam", "scam"]
    of_types = by_class.assign(probability__legitimate=0.1)  # no class is what the probability of fraud leaves
    assert read_case_inputs([of_types], {}).flagged["type"].tolist() == ["legitimate", "scam"]
    assert read_case_inputs([given], {}).flagged["type"].tolist() == ["legitimate", "scam"]
    unscorable = pd.DataFrame({"event_id": ["3"], "probability": np.nan, "decision": "flag", "label": None})
    with_gap = pd.concat([by_class, unscorable], ignore_index=True)
    assert read_case_inputs([with_gap], {}).flagged["type"].tolist()[:2] == ["spam", "scam"]


def test_scores_of_events_without_ids_are_refused() -> None:
    given = scores().drop(columns="event_id").assign(account_id="a", occurred_at="2026-05-01")
    with refused(SchemaError, "event_id"):
        find_cases_in_tables(given, events=EVENTS, key=KEY)


def test_a_record_has_one_score() -> None:
    given = scores().assign(event_id=["secret", "secret"])
    with refused(SchemaError, "event_id") as raised:
        find_cases_in_tables(given, events=EVENTS, key=KEY)
    assert "secret" not in str(raised.value)


def test_scores_with_and_without_their_table_are_written_together(tmp_path: Path) -> None:
    scores(account_id="ann", occurred_at=EVENTS["occurred_at"]).to_csv(tmp_path / "events.csv", index=False)
    of_messages = pd.DataFrame({"message_id": ["7"], "probability": [0.9], "decision": ["flag"]})
    of_messages.to_csv(tmp_path / "messages.csv", index=False)
    files: list[Any] = [tmp_path / "events.csv", tmp_path / "messages.csv"]
    folder = write_cases(find_cases_in_tables(files, messages=MESSAGES, key=KEY), tmp_path / "cases")
    assert pd.read_parquet(folder / "members.parquet")["occurred_at"].dt.day.tolist() == [1, 2, 3]
