"""A feature matrix that was computed before training, with its declaration. It replaces a builder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, JsonObject
from fraudsieve.features.account_matrix import AccountMatrix, account_matrix_of
from fraudsieve.models.artifact.folder import FEATURES_VERSION
from fraudsieve.models.artifact.matrix import build_matrix

from .row_sample import NO_SAMPLE, RowSample

METADATA: Final = "fraudsieve"
"""The key of the declaration in the metadata of the first feature column."""
PRECOMPUTED_ROW: Final = "fraudsieve: feature row"
"""The column of labelled rows with the positions of their features; no table has a column of this name."""


@dataclass(frozen=True)
class MatrixDeclaration:
    """The declaration of a table of features."""

    # The declaration of the features, which the model folder gets.
    matrix: AccountMatrix
    # The label of legitimate rows, as it is written in the table.
    legitimate: str
    sample: RowSample = NO_SAMPLE
    # From this time on all rows were kept: the calibration slice begins there. None if it is not a sample.
    until: str | None = None
    # Number of legitimate rows that were not selected.
    left_out: int = 0

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types."""
        return {
            "version": FEATURES_VERSION,
            "subject": self.matrix.subject,
            "features": self.matrix.to_dict(),
            "legitimate": self.legitimate,
            "sample": asdict(self.sample),
            "until": self.until,
            "left_out": self.left_out,
        }

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> Self:
        """Return the declaration from plain JSON types."""
        if declared["version"] != FEATURES_VERSION:
            raise ValueError(f"expected features of version {FEATURES_VERSION}, got {declared['version']!r}")
        matrix = account_matrix_of(build_matrix(declared["subject"], declared["features"], {}))
        sample = RowSample(**declared["sample"])
        return cls(matrix, str(declared["legitimate"]), sample, declared["until"], int(declared["left_out"]))

    @property
    def calibration_start(self) -> pd.Timestamp | None:
        """The first time of the calibration slice of a sample; None without a sample."""
        return None if self.until is None else pd.Timestamp(self.until)


@dataclass(frozen=True, eq=False)
class PrecomputedMatrix:
    """Feature rows that are looked up where a builder computes them."""

    declared: MatrixDeclaration
    # Shape (n_ready, n_columns). The features.
    values: Array

    events: ClassVar[None] = None
    notes_: ClassVar[tuple[str, ...]] = ()

    @property
    def matrix_(self) -> AccountMatrix:
        """The declaration of the features."""
        return self.declared.matrix

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the features of labelled rows, by their column `PRECOMPUTED_ROW`."""
        return pd.DataFrame(self.values[rows[PRECOMPUTED_ROW].to_numpy(np.int64)], columns=list(self.matrix_.columns))

    def fit_transform(self, rows: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        """Return the features of rows to train on; nothing is learnt."""
        return self.transform(rows)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Return the matrix itself: its output is a DataFrame."""
        return self

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns."""
        return np.asarray(self.matrix_.columns, object)


def declaration_of(metadata: Mapping[bytes, bytes] | None) -> MatrixDeclaration:
    """Return the declaration in the metadata of a Parquet file that Spark wrote."""
    schema = json.loads((metadata or {})[b"org.apache.spark.sql.parquet.row.metadata"])
    found = next(field["metadata"][METADATA] for field in schema["fields"] if METADATA in field["metadata"])
    return MatrixDeclaration.from_dict(json.loads(found))
