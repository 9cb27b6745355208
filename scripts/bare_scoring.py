"""Check that scoring needs only the base dependencies.

``write FOLDER`` trains a small model of messages and one of accounts, and writes them with some scores. ``score
FOLDER`` is run where neither pandas, scikit-learn, PyArrow nor MLflow is installed, and expects identical scores.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ABSENT = ("mlflow", "sklearn", "pandas", "pyarrow", "joblib", "pydantic", "typer")


def write(folder: Path) -> None:
    """Train on a simulated world, and write two models with the scores of messages and of accounts."""
    from fraudsieve.training.simulation.world import simulate

    world = simulate(days=30, n_accounts=200)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    for name, make in {"messages": _messages, "accounts": _accounts}.items():
        model, records, history = make(world, labels)
        _write(folder / name, model, records, history)


def _write(folder: Path, model: Any, records: list[dict[str, Any]], history: list[dict[str, Any]] | None) -> None:
    from fraudsieve.models import Scorer, write_model

    model = write_model(model, folder / "model")
    scores = Scorer(model).score(records, history=history)
    expected = {"digest": model.digest, "records": records, "history": history, "scores": scores}
    (folder / "expected.json").write_text(json.dumps(expected), "utf-8")


def _messages(world: Any, labels: Any) -> tuple[Any, list[dict[str, Any]], None]:
    import pandas as pd

    from fraudsieve.features import MessageFeatures
    from fraudsieve.models import FraudClassifier

    messages = world.messages.assign(label=world.messages["message_id"].map(labels)).dropna(subset=["label"])
    texts, y = messages["text"].tolist(), messages["label"].to_numpy(object)
    features = MessageFeatures().set_output(transform="pandas")
    classifier = FraudClassifier().fit(pd.DataFrame(features.fit_transform(texts, y)), y)
    return _model(features, classifier), [{"text": text} for text in texts[-200:]], None


def _accounts(world: Any, labels: Any) -> tuple[Any, list[dict[str, Any]], list[dict[str, Any]]]:
    from fraudsieve.features import AccountFeatures
    from fraudsieve.models import FraudClassifier

    accounts = world.accounts.assign(label=world.accounts["account_id"].map(labels)).dropna(subset=["label"])
    accounts = accounts.assign(as_of=world.events["occurred_at"].max())
    features = AccountFeatures(world.events).set_output(transform="pandas")
    y = accounts["label"].to_numpy(object)
    classifier = FraudClassifier(min_leaf_rows=3).fit(features.fit_transform(accounts), y)
    records = json.loads(accounts.drop(columns="label").head(50).to_json(orient="records", date_format="iso"))
    events = json.loads(world.events.to_json(orient="records", date_format="iso"))
    return _model(features, classifier), records, events


def _model(features: Any, classifier: Any) -> Any:
    from fraudsieve.models import Model

    classes = tuple(str(name) for name in classifier.classes_)
    return Model("bare", classes, "legitimate", features.matrix_, classifier.ensemble_, classifier.calibration_)


def score(folder: Path) -> None:
    """Load the models and compare their scores."""
    present = [name for name in ABSENT if find_spec(name) is not None]
    if present:
        sys.exit(f"this environment has {', '.join(present)}: expected only the base dependencies")
    from fraudsieve.models import Scorer

    for name in ("messages", "accounts"):
        expected = json.loads((folder / name / "expected.json").read_text("utf-8"))
        scorer = Scorer.load(folder / name / "model", digest=expected["digest"])
        scores = scorer.score(expected["records"], history=expected["history"])
        if scores != expected["scores"]:
            sys.exit(f"{name}: the scores differ from those of the environment that trained the model")
        sys.stdout.write(f"{name}: {len(scores)} scores equal, without {', '.join(ABSENT)}\n")


if __name__ == "__main__":
    {"write": write, "score": score}[sys.argv[1]](Path(sys.argv[2]))
