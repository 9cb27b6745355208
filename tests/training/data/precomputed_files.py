"""Made-up payments of sixty days, and their features in a file as Spark writes it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve.features import AccountFeatures
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.training.data.precomputed_matrix import METADATA, MatrixDeclaration
from fraudsieve.training.data.row_sample import RowSample, select_ids
from fraudsieve.training.labels import RATE

__all__ = ["known_frauds", "payments", "write_declared", "write_ready"]

START = pd.Timestamp("2026-01-01", tz="UTC")


def payments(n: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Return payments in order of time; a tenth is fraud, of larger amounts, and labels take up to two days."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(n) < 0.1
    times = START + pd.to_timedelta(np.sort(rng.integers(0, 60 * 86_400, n)), unit="s")
    return pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(n)],
            "account_id": [f"a{number}" for number in rng.integers(0, n // 15, n)],
            "counterparty_id": [f"c{number}" for number in rng.integers(0, 40, n)],
            "occurred_at": times.astype("datetime64[us, UTC]"),
            "kind": "pay",
            "amount": rng.lognormal(3 + 0.8 * is_fraud, 1).round(2),
            "label": np.where(is_fraud, "fraud", "legitimate"),
            "labelled_at": (times + pd.to_timedelta(rng.integers(1, 48, n), unit="h")).astype("datetime64[us, UTC]"),
        }
    )


def known_frauds(events: pd.DataFrame) -> pd.DataFrame:
    """Return the labels of payments as features read them."""
    return events.assign(is_fraud=(events["label"] == "fraud").to_numpy())


def write_ready(
    path: Path, events: pd.DataFrame, matrix: AccountMatrix, sample: RowSample, until: pd.Timestamp
) -> MatrixDeclaration:
    """Write the features of a sample of payments, in another order of rows, and return what the file declares."""
    early = ((events["label"] == "legitimate") & (events["occurred_at"] < until)).to_numpy()
    kept = ~early | select_ids(events["event_id"].to_numpy(object), sample)
    rows = events.assign(**{RATE: np.where(early, sample.rate, 1.0)})[kept].sample(frac=1, random_state=5)
    features = AccountFeatures(events, labels=known_frauds(events), subject="event", network=False)
    features.matrix_ = matrix
    rows.to_parquet(path, index=False)
    table = pq.read_table(path)
    for name, values in zip(matrix.columns, np.asarray(features.transform(rows)).T, strict=True):
        table = table.append_column(name, pa.array(values))
    declared = MatrixDeclaration(matrix, "legitimate", sample, until.isoformat(), int((~kept).sum()))
    write_declared(path, table, declared)
    return declared


def write_declared(path: Path, table: pa.Table, declared: MatrixDeclaration) -> None:
    """Write a table with its declaration where Spark writes it."""
    of_first = {METADATA: json.dumps(declared.to_dict())}
    first = declared.matrix.columns[0]
    fields = [{"name": name, "metadata": of_first if name == first else {}} for name in table.column_names]
    key = b"org.apache.spark.sql.parquet.row.metadata"
    pq.write_table(table.replace_schema_metadata({key: json.dumps({"fields": fields}).encode()}), path)
