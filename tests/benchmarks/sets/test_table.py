"""The table of data sets: each is declared once."""

import pytest
from benchmarks.attack import SETS as ATTACKED
from benchmarks.contest.tasks import CONTEST_SETS
from benchmarks.data.location import DATA_VARIABLE, MissingDataError
from benchmarks.detection.__main__ import SETS as DETECTED
from benchmarks.evaluation.__main__ import SETS as EVALUATED
from benchmarks.refit import SETS as REFITTED
from benchmarks.sets.table import ACCOUNT_SETS, MESSAGE_SETS


def test_every_command_takes_what_the_sets_declare() -> None:
    assert ATTACKED == ("smishing", "mudou_sms")
    assert set(REFITTED) == {"fdh_cards", "uci_sms", "smishing"}
    assert {"fdh_cards_apart", "s_ffsd_apart", "world_apart"} < set(EVALUATED)
    assert set(ACCOUNT_SETS) < set(DETECTED)
    assert list(CONTEST_SETS)[:3] == ["fbs_sms.campaign", "fbs_sms.random", "smishing.grouped"]
    assert list(CONTEST_SETS)[-7:] == list(ACCOUNT_SETS)


@pytest.mark.parametrize("name", ACCOUNT_SETS)
def test_a_missing_set_of_accounts_is_named(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    for read in (ACCOUNT_SETS[name].task, ACCOUNT_SETS[name].published, ACCOUNT_SETS[name].dated_events):
        if read is not None:
            with pytest.raises(MissingDataError, match=f"Skipped {name}"):
                read()


@pytest.mark.parametrize("name", MESSAGE_SETS)
def test_a_missing_set_of_messages_is_named(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match=f"Skipped {name}"):
        MESSAGE_SETS[name].load()
