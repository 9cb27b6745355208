"""The table of data sets: each is declared once."""

from pathlib import Path

import pandas as pd
import pytest
from benchmarks import sets
from benchmarks.attack import SETS as ATTACKED
from benchmarks.contest.tasks import CONTEST_SETS
from benchmarks.data.kinds import LEGITIMATE
from benchmarks.data.location import DATA_VARIABLE, MissingDataError
from benchmarks.detection.__main__ import SETS as DETECTED
from benchmarks.evaluation.__main__ import SETS as EVALUATED
from benchmarks.refit import SETS as REFITTED
from benchmarks.sets.table import ACCOUNT_SETS, MESSAGE_SETS, declared_sets

NEW = """
from benchmarks.data.kinds import MessageSet

SETS = (MessageSet("newest", "en", ("grouped",), frozenset({"detection"})),)
"""


def test_a_new_set_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newest_set.py").write_text(NEW)
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(tmp_path)])
    found = {one.name for one in declared_sets()}
    assert found == {*MESSAGE_SETS, *ACCOUNT_SETS, "newest"}


def test_every_command_takes_what_the_sets_declare() -> None:
    assert ATTACKED == ("smishing", "mudou_sms")
    assert set(REFITTED) == {"fdh_cards", "s_ffsd", "wikipedia_bans", "uci_sms", "smishing"}
    assert {"fdh_cards_apart", "s_ffsd_apart", "world_apart"} < set(EVALUATED)
    assert set(ACCOUNT_SETS) < set(DETECTED)
    assert list(CONTEST_SETS)[:3] == ["fbs_sms.campaign", "fbs_sms.random", "smishing.grouped"]
    assert list(CONTEST_SETS)[-len(ACCOUNT_SETS) :] == list(ACCOUNT_SETS)


def test_a_set_names_its_legitimate_class_and_keeps_near_duplicates_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "messages").mkdir()
    texts = ["win 100 now at w1.example", "see you at six", "Win 999 now at w2.example"]
    table = pd.DataFrame({"text": texts, "label": ["fraud", "ordinary", "fraud"]})
    table.to_parquet(tmp_path / "messages" / "chineseharm.parquet")
    loaded = MESSAGE_SETS["chineseharm"].load()
    assert loaded["label"].tolist() == ["fraud", LEGITIMATE, "fraud"]
    assert loaded["campaign"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("name", ACCOUNT_SETS)
def test_a_missing_set_of_accounts_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    for read in (ACCOUNT_SETS[name].task, ACCOUNT_SETS[name].published, ACCOUNT_SETS[name].dated_events):
        if read is not None:
            with pytest.raises(MissingDataError, match=f"Skipped {name}"):
                read()


@pytest.mark.parametrize("name", MESSAGE_SETS)
def test_a_missing_set_of_messages_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match=f"Skipped {name}"):
        MESSAGE_SETS[name].load()
