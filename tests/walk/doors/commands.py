"""Commands that give no scores of the new records: they succeed, and what they print makes sense."""

from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from fraudsieve.models import read_model, write_model
from fraudsieve.models.batch.scored_tables import uses_labels
from fraudsieve.tables.cells import STRING
from fraudsieve.training.refit import split_model_folder
from tests.walk.walk import BOUND_EXCEEDED, Walk

__all__ = ["cases", "evaluate", "monitor", "promote", "replay", "train", "training_scores", "verify"]

Call: TypeAlias = tuple[str | Path, ...]
REGISTER = """
import json, sys
from pathlib import Path
from fraudsieve.training.tracking.tracked_run import RunContent, open_run
uri, name, folders = json.loads(Path(sys.argv[1]).read_text())
for folder in folders:
    with open_run(uri, "walk", name=name) as run:
        run.finish(Path(folder), RunContent(name, ""), register_as=name)
Path(sys.argv[2]).write_text("null")
"""


def train(walk: Walk) -> None:
    """Train on the table and register the model."""
    trained = walk.trained.succeeded()
    assert trained["model_uri"] == f"models:/{walk.table.name}/1"
    assert trained["report"]


def training_scores(walk: Walk) -> None:
    """Score the training table: the largest errors of the test slice have the scores that training had in memory.

    They are those of the evaluated model. Every other door reads the model folder, so a number that is lost when it is
    written would be lost at all of them.
    """
    evaluated = split_model_folder(walk.model)
    report = walk.trained.succeeded()["report"]
    listed = {str(row["record_id"]): row["probability"] for rows in (report["errors"] or {}).values() for row in rows}
    tables = {name: path for name, path in walk.files.train.items() if name not in (walk.rows, "labels")}
    if "labels" in walk.files.train and uses_labels(read_model(evaluated).matrix):
        tables["known-labels"] = walk.files.train["labels"]
    call: Call = (
        "--model",
        evaluated,
        f"--{walk.rows}",
        walk.files.train[walk.rows],
        *walk.options(tables),
        *walk.files.options,
    )
    output = walk.outputs / "training-scores.parquet"
    walk.run("predict", *call, "--output", output).succeeded()
    table = pd.read_parquet(output)
    key = f"{walk.table.subject}_id"
    if key in table:
        unique = table.drop_duplicates(key, keep=False)
        scores = dict(zip(unique[key].astype(STRING), unique["probability"], strict=True))
        assert {name: scores.get(name, listed[name]) for name in listed} == listed


def verify(walk: Walk) -> None:
    """Check the model that was written, which has the digest and the thresholds that ``train`` printed."""
    walk.run("verify", "--model", walk.model, "--digest", walk.trained.succeeded()["digest"]).succeeded()
    thresholds = [point["threshold"] for point in walk.trained.content["operating_points"]]
    assert [point.threshold for point in read_model(walk.model).points] == thresholds


def evaluate(walk: Walk) -> None:
    """Evaluate on later records, with a page."""
    tables, page = walk.options(walk.files.later), walk.outputs / "report.html"
    call: Call = ("evaluate", "--model", walk.model, *tables, *walk.files.options, "--report", page)
    report = walk.run(*call).succeeded()["report"]
    assert report["rows"] > 0
    assert page.stat().st_size > 0


def monitor(walk: Walk) -> None:
    """Compare the later records with themselves: nothing has drifted. The last events of these are in the history too.

    They are history of each other, so that the report is the same without ``--history``.
    """
    later = walk.files.later[walk.rows]
    call: Call = ("monitor", "--model", walk.model, "--reference", later, f"--{walk.rows}", later, *walk.files.options)
    found = walk.run(*call, *walk.options(walk.files.history)).succeeded(BOUND_EXCEEDED)
    assert found["digest"] == walk.trained.content["digest"]
    assert [bound for bound in found["exceeded"] if bound["bound"].endswith("psi")] == []
    if walk.table.subject == "event":
        alone = walk.run(*call).succeeded(BOUND_EXCEEDED)
        assert found["report"] | {"notes": ()} == alone["report"] | {"notes": ()}


def promote(walk: Walk) -> None:
    """Try to promote a copy of another name, which is another model with the same scores."""
    copy, name = walk.outputs / "copy", f"{walk.table.name}-copy"
    write_model(replace(read_model(walk.model), name="copy"), copy)
    walk.run_program(REGISTER, [walk.environment["MLFLOW_TRACKING_URI"], name, [str(walk.model), str(copy)]])
    tables = walk.options(walk.files.later)
    tried = walk.run("promote", "--dry-run", "--name", name, *tables, *walk.files.options).succeeded()
    assert tried["decision"] == "would be refused"
    figures = tried["comparison"]["figures"]
    assert figures
    assert {name: figure["difference"] for name, figure in figures.items() if figure["difference"]} == {}


def cases(walk: Walk) -> None:
    """Form cases of the records with the highest scores."""
    table = pd.read_parquet(walk.folder / "scores.parquet")
    highest = table["probability"].nlargest(5).min()
    output, rows = walk.outputs / "cases", (f"--{walk.rows}", walk.files.new)
    call: Call = ("cases", "--scores", walk.folder / "scores.parquet", *rows, "--threshold", repr(float(highest)))
    walk.run(*call, *walk.files.options, "--output", output).succeeded()
    assert len(pd.read_parquet(output / "members.parquet")) >= 5


def replay(walk: Walk) -> None:
    """Compute each score again from its evidence."""
    _, log = walk.recorded
    found = walk.run("evidence", "replay", log, "--model", walk.model).succeeded()
    assert (found["replayed"], found["different"]) == (walk.predicted.content["scored"], 0)
