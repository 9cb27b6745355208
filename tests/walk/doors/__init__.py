"""The doors: a function for each, from a walk to the scores of the new records, or to None for a door without scores.

A door raises `Refused` if it refuses the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tests.walk.scores import Scores
from tests.walk.table import UserTable
from tests.walk.walk import Walk

from . import commands, files, processes, service, spark

__all__ = ["DOORS", "Door", "doors_of"]

Run: TypeAlias = Callable[[Walk], Scores | None]


@dataclass(frozen=True)
class Door:
    """A door.

    Parameters
    ----------
    run : callable
        Scores the new records of a walk, or does something else with its tables and raises if it fails.
    needs : {"", "history", "events", "spark"}, default=""
        Whether it is only for tables whose records have a history, are events, or are scored on Spark.
    """

    run: Run
    needs: str = ""


DOORS: Mapping[str, Door] = {
    "train": Door(commands.train),
    "verify": Door(commands.verify),
    "training_scores": Door(commands.training_scores),
    "predict": Door(files.to_parquet),
    "predict_csv": Door(files.to_csv),
    "predict_xlsx": Door(files.to_workbook),
    "predict_jsonl": Door(files.to_json_lines),
    "predict_one_table": Door(files.as_one_table, needs="events"),
    "predict_twice": Door(files.with_themselves, needs="events"),
    "scorer": Door(processes.scorer),
    "pyfunc": Door(processes.pyfunc),
    "serve": Door(service.score),
    "events": Door(service.score_in_order_of_time, needs="events"),
    "state_load": Door(service.score_with_loaded_state, needs="history"),
    "replay": Door(commands.replay),
    "evaluate": Door(commands.evaluate),
    "monitor": Door(commands.monitor),
    "rehearse": Door(service.rehearse),
    "promote": Door(commands.promote),
    "cases": Door(commands.cases),
    "spark": Door(spark.score, needs="spark"),
}


def doors_of(table: UserTable) -> list[str]:
    """Return the doors of a table; one that cannot be trained on has the first alone."""
    if "train" in (*table.refused, *table.later_issue):
        return ["train"]
    is_event = table.subject == "event"
    has = {"": True, "history": table.has_history or is_event, "events": is_event, "spark": table.on_spark}
    return [name for name, door in DOORS.items() if has[door.needs]]
