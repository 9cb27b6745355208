"""The records that a model is recalibrated on: scores before calibration, campaigns or accounts, and labels.

Thresholds by alert volume: records need no labels.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import join_labels
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.batch.scored_tables import Inputs, label_reader, options_of_model, read_inputs, uses_labels
from fraudsieve.models.points import MAX_THRESHOLD, OperatingPoint
from fraudsieve.models.scoring.scores import reached, unlike_shares
from fraudsieve.tables.label_values import read_classes, with_times
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, as_input, origin_of
from fraudsieve.training.data.assumed_labels import inclusion_weights, with_inclusion_weights
from fraudsieve.training.data.groups import group_of_model, row_groups

MIN_ROWS = 100
"""With fewer records, a share of them carries little information."""


@dataclass(frozen=True, eq=False)
class Traffic:
    """Records of the traffic that can be scored."""

    # Shape (n_records,). The identifiers of the records, each of which is there once.
    ids: Array
    # Shape (n_records, n_outputs). Before calibration.
    log_odds: Array
    # Shape (n_records,). Campaigns or accounts.
    groups: Array
    # Shape (n_records,). Missing where there is no label; labels of the table itself do not count.
    labels: Array
    # Shape (n_records,). The inclusion probability of each record with a label; None if no label has one.
    probability: Array | None
    # The time that the records span, one gap more than there are; None without two distinct times.
    days: float | None
    # The first and the last time of the records; empty without times.
    window: list[str]
    # Shape (n_records,). The time of each record; missing where it is unknown.
    times: pd.Series
    # Shape (n_records,). The share of training records that are less unfamiliar; NaN if the model does not know it.
    unlike: Array
    # Assumptions made while reading.
    notes: tuple[str, ...]


def read_traffic(
    model: Model,
    source: Source,
    *,
    labels: Source | None = None,
    known_labels: Source | None = None,
    events: Source | None = None,
    history: Source | None = None,
) -> Traffic:
    """Read records and score them."""
    name = model.subject.id
    read = read_inputs(model, source, events=events, known_labels=known_labels, history=history, require=(name,))
    _check_known_labels(model, read)
    features = feature_rows(model, read.records, read.history)
    ok = pd.isna(features.why)
    records = read.records[ok].drop(columns=["label", "labelled_at"], errors="ignore").reset_index(drop=True)
    if len(records) < MIN_ROWS:
        problem = f"expected at least {MIN_ROWS} records that can be scored, got {len(records)}"
        raise SchemaError(origin_of(source), problem, "Use a longer period.")
    if records[name].isna().any() or records[name].duplicated().any():
        raise SchemaError(origin_of(source), f"expected a unique {name} in every row", "Add it.")
    times = _times(records, model.subject.time)
    return Traffic(
        records[name].to_numpy(object),
        model.ensemble.log_odds(features.X[ok]),
        row_groups(records, model.subject, group_of_model(model))[0],
        *_labels(model, records, labels),
        _days(times.dropna(), len(records)),
        _window(times.dropna()),
        times,
        unlike_shares(model, features.X, features.why)[ok],
        read.notes,
    )


def _check_known_labels(model: Model, read: Inputs) -> None:
    """Check that a model that uses labels has them: without them, its scores are not those that it has in use."""
    if uses_labels(model.matrix) and (read.history.labels is None or read.history.labels.empty):
        problem = "expected the labels known so far, because the model uses labels, got none with a time"
        raise SchemaError("known_labels", problem, "Give them with their times, as for scoring (--known-labels).")


def _labels(model: Model, records: pd.DataFrame, labels: Source | None) -> tuple[Array, Array | None]:
    """Return the label of each record, and with what probability it came to have one."""
    if labels is None:
        return np.full(len(records), None, object), None
    table, name = read_table(as_input(labels, options_of_model(model)), "labels"), model.subject.id
    frame, checked, _ = read_classes(with_times(records), table, label_reader(model))
    joined = join_labels(frame, checked, name, legitimate=model.legitimate)["label"]
    weights = inclusion_weights(with_inclusion_weights(records, checked, name))
    return joined.where(joined.notna(), None).to_numpy(object), None if weights is None else 1 / weights


def _times(records: pd.DataFrame, name: str) -> pd.Series:
    return records[name] if name in records else pd.Series(pd.NaT, records.index, "datetime64[us, UTC]")


def _window(times: pd.Series) -> list[str]:
    return [] if times.empty else [times.min().isoformat(), times.max().isoformat()]


def _days(times: pd.Series, n_records: int) -> float | None:
    if len(times) < 2 or times.min() == times.max():
        return None
    return float((times.max() - times.min()) / pd.Timedelta(days=1) / (len(times) - 1) * n_records)


LEVEL = 0.95
"""Level of intervals."""


def volume_point(name: str, probability: Array, share: float, days: float | None = None) -> OperatingPoint:
    """Choose the lowest threshold that flags at most a share of the records."""
    ranked, n = np.sort(probability)[::-1], len(probability)
    at = min(int(share * n * (1 + 1e-12)), n)
    threshold = float(np.nextafter(ranked[at], 2.0)) if at < n else 0.0
    flagged = float(reached(probability, threshold).mean())
    return OperatingPoint(
        name,
        min(threshold, MAX_THRESHOLD),
        None,
        None,
        flagged,
        alerts_a_day=None if days is None else flagged * n / days,
    )


def volume_interval(flagged: Array, groups: Array) -> tuple[float, float]:
    """Return the share that will be flagged of the same number of future records, if the traffic does not change.

    How many of the next records exceed an order statistic does not depend on their distribution (Gumbel and von
    Schelling, 1950, "The distribution of the number of exceedances"): it is beta-binomial. Records of one campaign or
    account count for fewer, by the design effect (Kish, 1965).
    """
    from scipy.stats import betabinom

    n, share = len(flagged), float(flagged.mean())
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=flagged - share)
    independent = n * share * (1 - share)
    effect = max(float((sums**2).sum()) / independent, 1.0) if independent else 1.0
    size = max(round(n / effect), 1)
    chances = betabinom.pmf(np.arange(size + 1), size, max(share * size, 0.5), (1 - share) * size + 1)
    low, high = np.searchsorted(np.cumsum(chances), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low) / size, float(min(high, size)) / size
