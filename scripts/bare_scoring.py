"""Show that scoring needs the base dependencies alone.

``write FOLDER`` trains a small model and keeps it with some scores; ``score FOLDER``, run where neither pandas,
scikit-learn, PyArrow nor MLflow is installed, loads the model and expects the same scores to the last bit.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

ABSENT = ("mlflow", "sklearn", "pandas", "pyarrow", "joblib", "pydantic", "typer")


def write(folder: Path) -> None:
    """Train on a simulated world, write the model and the scores of its last messages."""
    import pandas as pd

    from fraudsieve.features import MessageFeatures
    from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
    from fraudsieve.training.simulate import simulate

    world = simulate(days=30, n_accounts=200)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    messages = world.messages.assign(label=world.messages["message_id"].map(labels)).dropna(subset=["label"])
    texts, y = messages["text"].tolist(), messages["label"].to_numpy(object)
    features = MessageFeatures().set_output(transform="pandas")
    classifier = FraudClassifier().fit(pd.DataFrame(features.fit_transform(texts, y)), y)
    classes = tuple(str(name) for name in classifier.classes_)
    model = Model("bare", classes, "legitimate", features.matrix_, classifier.ensemble_, classifier.calibration_)
    model = write_model(model, folder / "model")
    records = [{"text": text} for text in texts[-200:]]
    expected = {"digest": model.digest, "records": records, "scores": Scorer(model).score(records)}
    (folder / "expected.json").write_text(json.dumps(expected), "utf-8")


def score(folder: Path) -> None:
    """Load the model and compare."""
    present = [name for name in ABSENT if find_spec(name) is not None]
    if present:
        sys.exit(f"this environment has {', '.join(present)}: it shows nothing")
    from fraudsieve.models import Scorer

    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    scores = Scorer.load(folder / "model", digest=expected["digest"]).score(expected["records"])
    if scores != expected["scores"]:
        sys.exit("the scores differ from those of the environment that trained the model")
    sys.stdout.write(f"{len(scores)} scores equal, without {', '.join(ABSENT)}\n")


if __name__ == "__main__":
    {"write": write, "score": score}[sys.argv[1]](Path(sys.argv[2]))
