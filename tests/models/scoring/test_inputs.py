"""From records to feature rows: the live state that a model uses."""

from typing import Any

import pytest

from fraudsieve.features import live_state
from fraudsieve.models import Scorer
from fraudsieve.models.scoring.inputs import resolve_history
from fraudsieve.models.scoring.samples import warm_records
from fraudsieve.models.service.loaded_model import why_incompatible

from .test_samples import MATRICES, model_of


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


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_declares_what_its_state_computes(name: str) -> None:
    matrix = MATRICES[name]
    assert matrix.history_declaration == matrix.new_state().declaration
