"""Champion and challenger on the same later records."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import ComparisonError, SchemaError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.artifact.folder import Model, read_model, write_model
from fraudsieve.models.fields import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.evaluation_run import read_tables
from fraudsieve.training.fit import train
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.promotion.decision import compare_judged
from fraudsieve.training.promotion.same_records import check_comparable, compare_models
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe
from fraudsieve.training.simulation.world import World
from tests.messages import refused
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

QUICK = EvaluateRecipe(attack=False, replicates=50)


def read(messages: pd.DataFrame) -> LabelledData:
    return read_data(Recipe(), {"messages": messages}, min_label_rows=1)


@pytest.fixture(scope="module")
def whole(rivals: Any) -> Any:
    """Return a comparison of the weak and the strong model, with an attack and intervals."""
    messages = pd.concat([rivals.earlier, rivals.later], ignore_index=True)
    messages.loc[len(messages)] = ["odd", "hello", pd.Timestamp("2027-01-01", tz="UTC"), None]
    return compare_models(Scorer.load(rivals.weak), Scorer.load(rivals.strong), read(messages))


def test_both_are_scored_on_the_records_that_are_later_than_both(whole: Any, rivals: Any) -> None:
    until = trained_until(read_model(rivals.strong))
    messages = pd.concat([rivals.earlier, rivals.later], ignore_index=True)
    later = messages[messages["sent_at"] > until]
    assert whole.rows == len(later)
    assert whole.left_out == {
        "not later than training": len(messages) - len(later),
        "without a time": 0,
        "unscorable": 0,
    }
    fraud = later["label"] == "fraud"
    for role, folder in (("champion", rivals.weak), ("challenger", rivals.strong)):
        score = Scorer.load(folder).score_columns({"text": later["text"].tolist()})["probability"]
        figure = getattr(whole.figures["average_precision"], role)
        assert figure == pytest.approx(average_precision_score(fraud, score))
        assert getattr(whole, role).digest == read_model(folder).digest
    assert whole.challenger.trained_until == until.isoformat() if until else False


def test_a_comparison_has_intervals_over_campaigns_an_attack_and_latencies(whole: Any) -> None:
    assert whole.bootstrap.over == "campaign"
    low, high = whole.figures["average_precision"].interval
    assert 0 < low < whole.figures["average_precision"].difference < high
    assert whole.attack.strength == "medium"
    assert 0 < whole.attack.kept.challenger <= 1
    assert 0 < whole.attack.kept_alike.challenger <= 1
    assert 0 <= whole.attack.flagged.challenger < 1
    assert all(0 < one.p50_ms <= one.p99_ms for one in (whole.latency.champion, whole.latency.challenger))
    assert whole.capacity.alerts == pytest.approx(whole.frauds)
    assert whole.capacity.why == "as many as there are frauds"
    assert whole.warnings == ()


def test_a_comparison_has_no_text_and_no_identifier(whole: Any, rivals: Any) -> None:
    text = json.dumps(to_json_types(whole), ensure_ascii=False)
    assert not any(name in text for name in rivals.later["message_id"])
    assert not any(message in text for message in rivals.later["text"] if len(message) > 12)


def test_without_a_champion_the_peer_is_a_constant_score(rivals: Any) -> None:
    result: Any = compare_models(None, Scorer.load(rivals.strong), read(rivals.later), settings=QUICK)
    assert result.champion is None
    assert result.latency.champion is None
    assert result.figures["average_precision"].champion == pytest.approx(result.base_rate)
    assert result.figures["average_precision"].interval[0] > 0


def test_settings_set_capacity_and_costs(rivals: Any) -> None:
    settings = EvaluateRecipe(attack=False, replicates=0, alerts_a_day=2, missed_cost=50)
    result: Any = compare_models(
        Scorer.load(rivals.weak), Scorer.load(rivals.strong), read(rivals.later), settings=settings
    )
    assert result.capacity.alerts_a_day == 2
    half_labelled = rivals.later.assign(label=rivals.later["label"].where(np.arange(len(rivals.later)) % 2 == 0))
    half: Any = compare_models(None, Scorer.load(rivals.strong), read(half_labelled), settings=settings).capacity
    assert half.alerts == pytest.approx(result.capacity.alerts / 2, rel=0.02)
    assert result.attack is None
    assert result.bootstrap is None
    cheap: Any = compare_models(
        Scorer.load(rivals.weak), Scorer.load(rivals.strong), read(rivals.later), settings=QUICK
    )
    assert cheap.figures["cost_per_1000"].champion < result.figures["cost_per_1000"].champion


def test_few_groups_with_fraud_give_a_warning(rivals: Any) -> None:
    fraud = rivals.later["label"] == "fraud"
    few = pd.concat([rivals.later[~fraud], rivals.later[fraud].head(5)])
    result: Any = compare_models(None, Scorer.load(rivals.strong), read(few), settings=QUICK)
    assert any("campaigns have fraud: the intervals are not reliable" in warning for warning in result.warnings)


@pytest.mark.parametrize(("kind", "message"), [("legitimate", "labelled fraud"), ("fraud", "labelled 'legitimate'")])
def test_both_kinds_are_needed(rivals: Any, kind: str, message: str) -> None:
    of_kind = rivals.later[rivals.later["label"] == kind]
    with refused(SchemaError, message):
        compare_models(None, Scorer.load(rivals.strong), read(of_kind), settings=QUICK)


def changed(rivals: Any, **changes: Any) -> Model:
    return replace(read_model(rivals.strong), digest="", **changes)


def test_models_that_cannot_be_compared(rivals: Any) -> None:
    weak, strong = read_model(rivals.weak), read_model(rivals.strong)
    check_comparable(weak, strong)
    check_comparable(None, strong)
    with pytest.raises(ComparisonError, match="champion and challenger are the same model"):
        check_comparable(strong, strong)
    with pytest.raises(ComparisonError, match="the challenger has no legitimate class"):
        check_comparable(None, changed(rivals, legitimate=None))
    renamed = changed(rivals, training=strong.training | {"recipe": {"data": {"columns": {"sent_at": "when"}}}})
    with refused(ComparisonError, "sent_at"):
        check_comparable(weak, renamed)
    for data in ({"score_kind": "transfer"}, {"time_unit": "h"}, {"time_unit": "h", "time_start": "2020-01-01"}):
        with refused(ComparisonError, *map(str, data.values())):
            check_comparable(weak, changed(rivals, training=strong.training | {"recipe": {"data": data}}))
    of_table = {"recipe": {"data": {"columns": {"messages.sent_at": "when"}}}}
    check_comparable(renamed, changed(rivals, training=strong.training | of_table))
    columns = {"label": "is_fraud", "labels.subject_id": "id"}
    check_comparable(weak, changed(rivals, training=strong.training | {"recipe": {"data": {"columns": columns}}}))
    with refused(ComparisonError, "legitimate", "fraud"):
        check_comparable(weak, changed(rivals, legitimate="fraud"))


def test_a_copy_of_a_model_is_the_same_model(rivals: Any, tmp_path: Path) -> None:
    shutil.copytree(rivals.strong, tmp_path / "copy")
    with pytest.raises(ComparisonError, match="are the same model"):
        compare_models(Scorer.load(rivals.strong), Scorer.load(tmp_path / "copy"), read(rivals.later))


def test_models_of_other_subjects(rivals: Any) -> None:
    matrix = AccountMatrix(Subject.ACCOUNT, (), custom=CustomColumns(("a",)), timed=False)
    with refused(ComparisonError, "account", "message"):
        check_comparable(changed(rivals, matrix=matrix), read_model(rivals.strong))


@pytest.mark.parametrize("trust", [{}, {"data.default_trust": 1.0}], ids=["column", "trust"])
def test_columns_of_the_table_that_a_model_does_not_read_are_not_timed(
    rivals: Any, tmp_path: Path, trust: dict[str, float]
) -> None:
    """A service would not send them; with trust in labels the rows have a weight, too."""
    write_model(changed(rivals, policy=Policy(wrong_type="error", unknown="error")), tmp_path / "strict")
    overrides = {"evaluate.attack": False, "evaluate.replicates": 20, "track.uri": mlflow_uri(tmp_path)}
    later = rivals.later if trust else rivals.later.assign(review_note="seen")
    recipe = Recipe.read(overrides=overrides | trust)
    scorers = Scorer.load(rivals.weak), Scorer.load(tmp_path / "strict")
    comparison, _ = compare_judged(*scorers, {"messages": later}, recipe, lambda step: None)
    assert comparison.latency.challenger.p99_ms > 0


@pytest.mark.parametrize("subject", ["account", "event"])
def test_models_of_accounts_and_of_events(subject: str, small_world: World, tmp_path: Path) -> None:
    tables = tables_of(subject, small_world)
    common = {"track.uri": mlflow_uri(tmp_path), "track.register_model": False, "n_jobs": 1}
    common |= {"data.subject": subject, "data.min_label_rows": 2, "split.kind": "account"}

    def fit(rounds: int) -> Scorer:
        recipe = Recipe.read(overrides={**common, "model.n_rounds": rounds, "history.network": False})
        return Scorer(train(recipe, output=tmp_path / f"{rounds}", **tables).model)

    few, many = fit(2), fit(30)
    # With a split by account training has rows of all times, so that no row would be later.
    early = {"window": ["2026-01-01T00:00:00+00:00", "2026-01-20T00:00:00+00:00"], "calibration_window": []}
    models = (replace(scorer.model, training=scorer.model.training | early) for scorer in (few, many))
    # With trust in labels, the rows and the history have columns that no model reads.
    old, new = (Scorer(replace(model, policy=Policy(unknown="error"))) for model in models)
    data = read_tables(Recipe.read(overrides={"data.default_trust": 0.5}), new.model, tables)
    assert "label_weight" in data.rows
    result: Any = compare_models(old, new, data, settings=QUICK)
    assert result.subject == subject
    assert result.bootstrap.over == "account"
    assert result.left_out["not later than training"] > 0
    assert result.figures["average_precision"].difference > 0
    assert result.attack is None
    assert all(time.p99_ms > 0 for time in vars(result.latency).values())


def tables_of(subject: str, world: World) -> dict[str, Any]:
    """Return accounts with their events, or payments, of which those of fraudulent accounts are fraud."""
    labels = world.labels[world.labels["subject_id"].isin(world.accounts["account_id"])]
    if subject == "account":
        return {"accounts": world.accounts, "events": world.events, "labels": labels}
    known = labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    payments = world.events[world.events["kind"] == "payment"].reset_index(drop=True)
    label = payments["account_id"].map(known).fillna("legitimate")
    return {"events": payments.assign(label=label.where(label == "legitimate", "fraud"))}


def test_a_changed_calibration_changes_no_ranking(rivals: Any, tmp_path: Path) -> None:
    model = read_model(rivals.strong)
    bent = replace(model, calibration=replace(model.calibration, shift=model.calibration.shift - 3))
    write_model(bent, tmp_path / "bent")
    old, new = Scorer.load(rivals.strong), Scorer.load(tmp_path / "bent")
    figures: Any = compare_models(old, new, read(rivals.later), settings=QUICK).figures
    # Scores that were rounded to 1 differ again; the order of all other scores stays the same.
    assert figures["average_precision"].difference == pytest.approx(0, abs=1e-3)
    assert figures["ece"].interval[0] > 0.05
    assert figures["observed_over_expected"].challenger < 0.7
    assert np.isfinite(figures["brier"].difference)
