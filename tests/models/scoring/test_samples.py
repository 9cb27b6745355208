"""Warm-up: afterwards no record compiles anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.record_fields import FieldKind
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.models.fields import FIELD_TYPES
from fraudsieve.models.scoring.samples import warm_records

VIEWS = (History(("1h", "1d"), identifiers=("device_id",)), History(("1d",), entity="device_id", name="device"))
MATRICES: dict[str, Any] = {
    "messages": MessageMatrix(None),
    "senders": MessageMatrix(None, sender=VIEWS[:1], campaigns=CampaignHistory()),
    "accounts": AccountMatrix(
        Subject.ACCOUNT, VIEWS, Network(identifiers=("device_id",)), custom=CustomColumns(("age",))
    ),
    "events": AccountMatrix(Subject.EVENT, VIEWS, custom=CustomColumns(("amount",), {"kind": ("pay",)})),
    "numbers of events": AccountMatrix(
        Subject.EVENT,
        (History(("1d",), amount="balance"), History(("1d",), amount="zip", identifiers=("zip",), name="zip")),
        Network(identifiers=("zip",)),
        custom=CustomColumns(("balance", "zip")),
    ),
    "numbers that are entities": AccountMatrix(
        Subject.EVENT, (History(("1d",), entity="branch", name="branch"),), custom=CustomColumns(("branch",))
    ),
    "untimed": AccountMatrix(Subject.EVENT, (), custom=CustomColumns(("amount",)), timed=False),
}


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
    assert scores[0]["status"] == "ok" or name in ("untimed", "numbers that are entities")
    assert scorer.warm_up() is scorer


@pytest.mark.parametrize("name", MATRICES)
def test_what_was_written_can_be_loaded(name: str, tmp_path: Path) -> None:
    write_model(model_of(MATRICES[name]), tmp_path / "m")
    assert Scorer.load(tmp_path / "m").model.matrix.columns == MATRICES[name].columns


@pytest.mark.parametrize("kind", get_args(FieldKind))
def test_every_kind_of_field_accepts_its_samples(kind: FieldKind) -> None:
    for sample in FIELD_TYPES[kind].samples:
        FIELD_TYPES[kind].check(sample, "field")


# In a new process, because other tests have compiled kernels in this one.
COMPILED = """
import sys
from numba.core.registry import CPUDispatcher
from fraudsieve.models import Scorer, read_model

def compiled():
    return {{
        f"{{name}}.{{attribute}}": len(thing.signatures)
        for name, module in list(sys.modules.items())
        if name.startswith("fraudsieve.")
        for attribute, thing in vars(module).items()
        if isinstance(thing, CPUDispatcher)
    }}

scorer = {scorer}
before = compiled()
for records in {records!r}:
    state = scorer.new_state()
    state.update({events!r})
    scorer.score(records, history=state)
    scorer.score(records, history=state, reasons=True)
after = compiled()
print(sum(before.values()) > 5, sorted(name for name in after if after[name] != before.get(name)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["binary", "senders", "events"])
def test_nothing_is_left_to_compile(name: str, binary: Any, tmp_path: Path, run_alone: Callable[[str], str]) -> None:
    events: Any = []
    if name == "binary":
        folder, records = binary.folder, [{"text": text} for text in binary.texts[::8]]
    else:
        write_model(model_of(MATRICES[name]), folder := tmp_path / "m")
        records, history = warm_records(MATRICES[name])
        records = [{**record, "as_of": "2026-03-01", "sent_at": "2026-03-01", "created_at": None} for record in records]
        events = [{**event, "occurred_at": "2026-02-28T23:30"} for event in history["events"]]
    forms = [records[0], records]
    facts = {"records": [records[1], *forms], "events": events}
    for call in (f"Scorer.load({str(folder)!r})", f"Scorer(read_model({str(folder)!r})).warm_up()"):
        assert run_alone(COMPILED.format(scorer=call, **facts)) == "True []\n"
        if "text" in records[0]:
            facts["records"][0] = {**records[1], "text": f"send to 0x{'ab' * 20}"}
    assert "fraudsieve." in run_alone(COMPILED.format(scorer=f"Scorer(read_model({str(folder)!r}))", **facts))
