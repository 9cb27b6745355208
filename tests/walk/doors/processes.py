"""Scores in Python, in processes of their own: `Scorer` on records, and MLflow's pyfunc on a data frame."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tests.walk.scores import Scores, as_scores, scores_of
from tests.walk.walk import CUTOFFS, Walk

__all__ = ["events_of", "frame_of", "pyfunc", "scorer"]

SCORER = """
import json, sys
from fraudsieve import Scorer
given = json.load(open(sys.argv[1], encoding="utf-8"))
scores = Scorer.load(given["model"]).score(given["records"], history=given["history"])
json.dump(scores, open(sys.argv[2], "w", encoding="utf-8"))
"""
PYFUNC = """
import json, sys
import mlflow, pandas
given = json.load(open(sys.argv[1], encoding="utf-8"))
frame = pandas.read_pickle(given["frame"])
params = None if given["history"] is None else {"history": json.dumps(given["history"])}
scores = mlflow.pyfunc.load_model(given["model"]).predict(frame, params=params)
columns = {name: scores[name].astype(object).where(scores[name].notna(), None).tolist() for name in scores}
json.dump(columns, open(sys.argv[2], "w", encoding="utf-8"))
"""


def scorer(walk: Walk) -> Scores:
    """Score the records as the owner's service has them, with their events as a list."""
    given = {"model": str(walk.model), "records": list(walk.files.records), "history": history_of(walk)}
    return scores_of(walk.run_program(SCORER, given))


def pyfunc(walk: Walk) -> Scores:
    """Score a data frame with the registered model."""
    frame = walk.outputs / "frame.pickle"
    frame_of(walk, walk.files.new, walk.files.records).to_pickle(frame)
    given = {"model": f"models:/{walk.table.name}/1", "history": history_of(walk), "frame": str(frame)}
    return as_scores(walk.run_program(PYFUNC, given))


def history_of(walk: Walk) -> dict[str, Any] | None:
    """Return the history as `Scorer.score` takes it: complete, so that records that are events are in it too."""
    return {"events": events_of(walk)} if walk.files.events else None


def events_of(walk: Walk) -> list[Mapping[str, Any]]:
    """Return the history of the records and, if these are events, the records, which are history of each other."""
    return [*walk.files.events, *(walk.files.records if walk.table.subject == "event" else ())]


def frame_of(walk: Walk, path: Path, records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return records as a data frame under our names: from Parquet with its types, else as they are in JSON.

    A text file has no types, and pandas would read an id such as 007 as the number 7. Numbers are times only in a file,
    where a whole column shows their unit; a record has times. An account of a file may have no cutoff time.
    """
    if path.suffix != ".parquet":
        return pd.DataFrame(list(records))
    frame = pd.read_parquet(path).rename(columns={theirs: name for name, theirs in walk.files.names.items()})
    field = CUTOFFS[walk.table.subject]
    if field in records[0] and (field not in frame or pd.api.types.is_numeric_dtype(frame[field])):
        frame[field] = [record[field] for record in records]
    return frame
