"""A model of a table with columns of persons needs none of them: loaded in another process, it scores without them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.models import FraudClassifier, Model, write_model

N = 200
PERSONS = ["first", "last", "street", "dob", "email"]
PROGRAM = """
import json, sys, tempfile
import pandas as pd
from fraudsieve.models import Scorer, score_file

folder, persons = {folder!r}, {persons!r}
scorer, record = Scorer.load(folder), {{"account_id": "x", "job": "clerk", "age": 30}}
scores = [scorer.score(record), scorer.score(record | persons)]
for row in (record, record | persons):
    with tempfile.TemporaryDirectory() as name:
        pd.DataFrame([row]).to_csv(f"{{name}}/in.csv", index=False)
        score_file(folder, f"{{name}}/in.csv", f"{{name}}/out.parquet")
        scores.append(pd.read_parquet(f"{{name}}/out.parquet").to_dict("records")[0])
print(json.dumps([[score["status"], score["probability"]] for score in scores]))
"""


def accounts() -> pd.DataFrame:
    """Accounts with columns of persons, of few values each, as in Sparkov."""
    rng = np.random.default_rng(0)
    values = {name: [f"{name} {n}" for n in range(8)] for name in ("first", "last", "street")}
    values |= {"dob": [f"198{n}-03-09" for n in range(8)], "email": [f"m{n}@example.org" for n in range(8)]}
    drawn = {name: rng.choice(column, N) for name, column in values.items()}
    kept = {"job": rng.choice(["clerk", "nurse"], N), "age": rng.integers(18, 80, N)}
    return pd.DataFrame({"account_id": [f"a{n}" for n in range(N)], **drawn, **kept})


@pytest.mark.slow
def test_a_model_does_not_require_the_columns_of_persons(tmp_path: Path, run_alone: Callable[[str], str]) -> None:
    frame = accounts()
    y = np.where(frame["age"] < 40, "fraud", "legitimate").astype(object)
    with pytest.warns(UserWarning, match="There are no times"):
        features = AccountFeatures().set_output(transform="pandas").fit(frame, y)
    matrix = features.transform(frame)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1).fit(matrix, y).calibrate(matrix, y)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    write_model(Model("persons", ("fraud", "legitimate"), "legitimate", *parts), tmp_path / "model")
    assert all(f"{name} (" in features.notes_[0] for name in PERSONS)
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "model").glob("*.json"))
    assert not any(value in text for name in PERSONS for value in frame[name])
    persons = {name: str(frame[name].iloc[0]) for name in PERSONS}
    scores = json.loads(run_alone(PROGRAM.format(folder=str(tmp_path / "model"), persons=persons)))
    assert {status for status, _ in scores} <= {"ok", "no_history"}
    assert len({round(probability, 12) for _, probability in scores}) == 1
