"""The tables that a run reads, as MLflow's datasets: name, place and digest, and no row."""

from typing import NamedTuple

import mlflow
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource  # type: ignore[attr-defined]  # made at import
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE


class RunInput(NamedTuple):
    """A table that a run reads."""

    # `messages`, `accounts`, `events` or `labels`.
    name: str
    path: str | None
    # SHA-256 of the table. MLflow keeps the first 36 characters.
    digest: str


def log_input(table: RunInput) -> None:
    """Log a table as an input of the active run."""
    source = CodeDatasetSource({}) if table.path is None else LocalArtifactDatasetSource(table.path)
    dataset = MetaDataset(source, table.name, table.digest[:MAX_DATASET_DIGEST_SIZE])  # type: ignore[abstract]  # it is not
    mlflow.log_input(dataset, context="training")
