"""The plan of a retraining: it says what would be done, and does nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.retrain import RetrainPlan, plan_retraining
from fraudsieve.training.tracking.registry import Registry

from .conftest import Payments, day

pytestmark = pytest.mark.slow


def plan(base: str | Path, payments: Payments, until: int, **changes: Any) -> RetrainPlan:
    events, labels = payments
    return plan_retraining(base, events=events, labels=labels, changes={"data.as_of": day(until), **changes})


def test_it_counts_what_would_be_learned_from_and_compared(
    base: Path, registry: Registry, payments: Payments, files: Callable[[], set[str]]
) -> None:
    before = files()
    planned = plan(base, payments, 60)
    assert (planned.step, planned.subject, planned.champion, planned.refresh) == ("train", "event", None, True)
    assert (planned.labelled, planned.unlabelled, planned.rejected) == (58 * 40, 80, 0)
    assert planned.span[0] == "2026-01-01T00:00:00+00:00"
    assert planned.by_source is not None
    assert planned.tables == {"events": "frame", "labels": "frame"}
    compared = planned.compared
    assert compared is not None
    # The champion has learned from the first weeks, and the new model not from its test slice.
    assert compared.stand_ins == ()
    assert compared.frauds >= 100
    assert pd.Timestamp(compared.since) > pd.Timestamp(planned.window[1])
    assert planned.to_dict()["compared"]["rows"] == compared.rows
    assert files() == before
    assert not registry.exists()


def test_a_refit_is_compared_by_a_stand_in(base: Path, uri: str, payments: Payments) -> None:
    planned = plan(base, payments, 60, **{"model.refit": True})
    assert (planned.step, planned.refresh) == ("train", False)
    assert "must be better" in planned.reason
    assert planned.compared is not None
    assert pd.Timestamp(planned.window[1]) > pd.Timestamp(planned.compared.since)


def test_nothing_is_new_if_the_model_has_learned_from_all_that_is_mature(
    base: Path, uri: str, payments: Payments
) -> None:
    planned = plan(base, payments, 40)
    assert (planned.step, planned.compared) == ("nothing", None)
    assert planned.reason.startswith("Nothing is new: the model has learned from events until 2026-01-")


def test_a_champion_that_needs_a_restart_is_said(base: Path, uri: str, payments: Payments) -> None:
    assert plan(base, payments, 60).needs_restart is False
    planned = plan(base, payments, 60, **{"history.views": [{"windows": ["1d"], "measures": ["count"]}]})
    assert planned.needs_restart
    assert "need a restart" in planned.warnings[0]


def test_a_newest_slice_without_fraud_is_said_and_nothing_is_trained(base: Path, uri: str, payments: Payments) -> None:
    events, labels = payments
    is_new = labels["labelled_at"] >= day(35)
    planned = plan(base, (events, labels.assign(label=labels["label"].where(~is_new, "legitimate"))), 60)
    assert planned.compared is not None
    assert (planned.step, planned.compared.frauds) == ("nothing", 0)
    assert planned.reason == f"None of the {planned.compared.rows:,} events to compare on is fraud."


def test_a_source_that_overturns_known_frauds_is_said(base: Path, uri: str, payments: Payments) -> None:
    events, labels = payments
    frauds = labels[(labels["label"] == "fraud") & (labels["labelled_at"] < day(20))]
    wrong = frauds[np.arange(len(frauds)) % 6 == 0]
    wrong = wrong.assign(label="legitimate", labelled_at=pd.Timestamp(day(50)), source="api")
    planned = plan(base, (events, pd.concat([labels, wrong])), 60)
    assert planned.overturned is not None
    assert planned.overturned.by_source == {"api": len(wrong)}
    assert planned.overturned.known >= len(frauds)
    assert "(api) make" in planned.warnings[-1]
    assert plan(base, payments, 60).warnings == ()
