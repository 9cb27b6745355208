"""Labels that the champion chose: training, comparison and promotion say so, and the promotion is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, flags_of, read_data, scores_of
from fraudsieve.training.fit import train
from fraudsieve.training.promotion.decision import promote

from .conftest import Store

SETTINGS = {
    "history.views": ({"windows": ["7d"], "measures": ["count", "sum"]},),
    "history.network": False,
    "model.n_rounds": 20,
    "model.refit": False,
    "n_jobs": 1,
    "thresholds.false_positive_rates": (0.1,),
    "gates.gain": 0.0,
    "gates.latency_ms": 1000.0,
}


@pytest.mark.slow
def test_a_challenger_is_refused_on_labels_of_the_alerts_of_the_champion(
    payments: Callable[..., pd.DataFrame], store: Store, tmp_path: Path
) -> None:
    recipe = store.recipe("alerts", **SETTINGS)
    first = train(recipe, output=tmp_path / "first", events=payments(days=(0, 28), seed=1))  # the first is champion
    assert first.report.label_selection is None  # each record has a label
    table = payments(days=(28, 70), seed=3)
    data = read_data(recipe, {"events": table}, min_label_rows=1)
    champion = Scorer(first.model)
    flagged = flags_of(scores_of(champion, data.rows, builder_of_model(champion.model, data)))
    alerts = table.assign(**{name: table[name].where(flagged) for name in ("label", "labelled_at")})
    early = table["occurred_at"] < table["occurred_at"].quantile(0.7)
    another = store.recipe("alerts", **SETTINGS | {"model.n_rounds": 25})
    second = train(another, output=tmp_path / "second", events=alerts[early].reset_index(drop=True))
    assert second.model.matrix.history_declaration == first.model.matrix.history_declaration  # no service restarts
    selection = second.report.label_selection
    assert selection is not None
    assert selection.labelled_flagged == selection.labelled == int(flagged[early].sum())
    assert selection.note in second.notes
    assert "labelled records were flagged by the champion, but 0 of" in str(selection.note)

    refused = promote(recipe, events=alerts)
    (gate,) = [gate for gate in refused.gates if gate.name == "labelled_ratio"]
    assert not refused.promoted
    assert (gate.passed, gate.value) == (False, 0.0)
    assert "recall cannot be known from these labels. Label a random sample of the records that pass." in gate.reason
    assert gate.reason in refused.reasons
    assert refused.to_dict()["comparison"]["label_selection"]["note"] in gate.reason
    assert refused.comparison is not None
    assert any("recall cannot be known" in warning for warning in refused.comparison.warnings)

    at_random = np.random.default_rng(0).random(len(table)) < 0.4
    reviewed = table.assign(**{name: table[name].where(at_random) for name in ("label", "labelled_at")})
    judged = promote(recipe, events=reviewed)
    (gate,) = [gate for gate in judged.gates if gate.name == "labelled_ratio"]
    assert gate.passed
