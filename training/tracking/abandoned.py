"""Runs whose process was killed: MLflow would show them as running forever."""

import os
import socket

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from .descriptions import ABANDONED

__all__ = ["end_abandoned_runs", "process_tags"]

HOST, PROCESS = "fraudsieve.host", "fraudsieve.pid"


def process_tags() -> dict[str, str]:
    """Return the tags with which a later run finds out whether this process is still alive."""
    return {HOST: socket.gethostname(), PROCESS: str(os.getpid())}


def end_abandoned_runs(client: mlflow.MlflowClient, experiment_id: str) -> int:
    """End the runs of this machine that are shown as running and whose process is gone.

    Returns the number of runs that were ended, as ``KILLED``.
    """
    running = client.search_runs([experiment_id], "attributes.status = 'RUNNING'")
    tags_of_runs = {run.info.run_id: run.data.tags for run in running}
    gone = [
        run_id
        for run_id, tags in tags_of_runs.items()
        if tags.get(HOST) == socket.gethostname() and not _is_alive(tags.get(PROCESS, ""))
    ]
    for run_id in gone:
        client.set_tag(run_id, MLFLOW_RUN_NOTE, ABANDONED)
        client.set_terminated(run_id, status="KILLED")
    return len(gone)


def _is_alive(pid: str) -> bool:
    """Return whether a process exists; a number that another process got since then counts as alive."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:
        return True
    return True
