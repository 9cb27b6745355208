"""Warming up: afterwards nothing is compiled for the first record, whatever it is."""

import sys
from typing import Any

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.campaign_history import Campaigns
from fraudsieve.features.history import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network import Network
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.warm_up import warm_records

VIEWS = (History(("1h", "1d"), identifiers=("device_id",)), History(("1d",), entity="device_id", name="device"))
MATRICES = {
    "messages": MessageMatrix(None),
    "senders": MessageMatrix(None, sender=VIEWS[:1], campaigns=Campaigns()),
    "accounts": AccountMatrix("account", VIEWS, Network(identifiers=("device_id",)), numbers=("age",)),
    "events": AccountMatrix("event", VIEWS, numbers=("amount",), categories={"kind": ("pay",)}),
    "untimed": AccountMatrix("event", (), numbers=("amount",), timed=False),
}


def compiled() -> dict[str, int]:
    """How many signatures every kernel of ours is compiled for."""
    kernels = {
        f"{name}.{attribute}": len(thing.signatures)
        for name, module in list(sys.modules.items())
        if name.startswith("fraudsieve.")
        for attribute, thing in vars(module).items()
        if isinstance(thing, CPUDispatcher)
    }
    assert len(kernels) > 10
    return kernels


def model_of(matrix: Any) -> Model:
    rows = np.random.default_rng(0).normal(size=(300, len(matrix.columns)))
    fitted = FraudClassifier(n_rounds=3, n_jobs=1).fit(rows, np.where(rows[:, 0] > 0, "fraud", "legitimate"))
    return Model("m", ("fraud", "legitimate"), "legitimate", matrix, fitted.ensemble_, fitted.calibration_)


@pytest.mark.parametrize("name", MATRICES)
def test_the_records_are_scored_with_a_history(name: str) -> None:
    scorer = Scorer(model_of(MATRICES[name]))
    records, history = warm_records(scorer.model.matrix)
    scores = scorer.score(records, history=history, reasons=True)
    assert {score["status"] for score in scores} <= {"ok", "no_history"}
    assert scores[0]["status"] == "ok" or name == "untimed"
    assert scorer.warm_up() is scorer


def test_nothing_is_left_to_compile_for_a_message(binary: Any) -> None:
    scorer = Scorer.load(binary.folder).warm_up()
    before = compiled()
    for reasons in (False, True):
        for text in binary.texts[:200]:
            scorer.score({"text": text}, reasons=reasons)
        scorer.score([{"text": text} for text in binary.texts[:500]], reasons=reasons)
    assert compiled() == before


@pytest.mark.parametrize("name", ["senders", "accounts", "events"])
def test_nothing_is_left_to_compile_with_a_live_state(name: str) -> None:
    scorer = Scorer(model_of(MATRICES[name])).warm_up()
    records, history = warm_records(scorer.model.matrix)
    before = compiled()
    state = scorer.new_state()
    state.update(history["events"])
    for record in records:
        scorer.score(record, history=state, reasons=True)
        scorer.observe(state, record) if "text" in record else None
    assert compiled() == before
