"""From records to feature rows: the live state that a model uses."""

from typing import Any

import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features import live_state
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.models import Scorer
from fraudsieve.models.given_history import observe_messages, resolve_history
from fraudsieve.models.scoring.samples import warm_records
from fraudsieve.service.loaded_model import why_incompatible

from .scoring.test_samples import MATRICES, model_of


@pytest.fixture
def states_built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls that built a `HistoryState` during a test."""
    built: list[tuple[Any, ...]] = []
    init = live_state.HistoryState.__init__

    def count(self: live_state.HistoryState, *args: Any, **options: Any) -> None:
        built.append(args)
        init(self, *args, **options)

    monkeypatch.setattr(live_state.HistoryState, "__init__", count)
    return built


@pytest.mark.parametrize("name", ["senders", "accounts", "events"])
def test_scoring_with_a_live_state_builds_no_other(name: str, states_built: list[tuple[Any, ...]]) -> None:
    model = model_of(MATRICES[name])
    scorer, (records, _) = Scorer(model), warm_records(model.matrix)
    state = scorer.new_state()
    states_built.clear()
    assert {score["status"] for score in scorer.score(records, history=state)} <= {"ok", "no_history"}
    assert scorer.score(records[0], history=state)["status"] in ("ok", "no_history")
    assert resolve_history(model.matrix, state) is state
    assert why_incompatible(model, model) is None
    assert states_built == []


def test_events_of_a_history_need_no_kind() -> None:
    matrix = AccountMatrix(
        Subject.ACCOUNT, (History(("1h",), kinds=("event",), by_kind=("count",), measures=("count",)),)
    )
    state = resolve_history(matrix, [{"account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z"}])
    assert state is not None
    assert state.features({"account_id": "ann", "as_of": "2026-05-01T10:30:00Z"}).tolist() == [[1, 1]]


def test_a_message_of_a_history_is_as_long_as_one_that_is_scored() -> None:
    matrix = MATRICES["senders"]
    message = {"message_id": "m", "sent_at": "2026-05-01T10:00:00Z"}
    state, messages = matrix.new_state(), [message | {"text": "prize " * n} for n in (166_667, 16_666)]
    rejected = observe_messages(matrix, state, messages)
    assert rejected == (RejectedRecord(0, "text: expected at most 1,000,000 characters, got more"),)


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_declares_what_its_state_computes(name: str) -> None:
    matrix = MATRICES[name]
    assert matrix.history_declaration == matrix.new_state().declaration
