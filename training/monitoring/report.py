"""The monitor report: changes between reference and current records, and exceeded bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fraudsieve.training.json_types import to_json_types

__all__ = ["ExceededBound", "MonitorMeasures", "MonitorReport"]


@dataclass(frozen=True)
class ExceededBound:
    """A bound of the recipe that is exceeded.

    Parameters
    ----------
    bound : str
        Name of the bound in the recipe.
    name : str
        What exceeds it: a family, a category, an operating point.
    value, limit : float
        The measure, and the bound.
    text : str
        A sentence with the value and the limit.
    """

    bound: str
    name: str
    value: float
    limit: float
    text: str


@dataclass(frozen=True, kw_only=True)
class MonitorMeasures:
    """All measures of both tables, as plain JSON types. See `MonitorReport`."""

    rows: Mapping[str, int]
    windows: Mapping[str, list[str] | None]
    labelled: Mapping[str, int]
    families: list[dict[str, Any]]
    columns: list[dict[str, Any]]
    left_out: Mapping[str, list[str]]
    scores: Mapping[str, Any]
    alerts: list[dict[str, Any]]
    expected: list[dict[str, Any]]
    calibration: dict[str, Any] | None
    shares: Mapping[str, Any]
    unlike: Mapping[str, Any] | None
    bounds: Mapping[str, float | None]
    rules: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MonitorReport(MonitorMeasures):
    """Changes between reference records and current records.

    ``chance`` is what chance explains of a change. It is None if all records of a table are of one account: they say
    nothing about other accounts, and such a change exceeds no bound.

    Parameters
    ----------
    rows : mapping of str to int
        Scored records of ``reference`` and ``current``.
    windows : mapping of str to list of two str, or None
        First and last time of both tables.
    labelled : mapping of str to int
        Numbers of records with a label.
    families : list of dict
        For every family of features ``family``, ``columns`` (how many), ``worst`` (the column that moved most) and
        ``mean``. The family that moved most comes first.
    columns : list of dict
        For every column the measures of `Drift`, and the ``mean`` and share of ``missing`` values of both tables.
        The first six also have their ``distribution``: the share of both tables in each bin.
    left_out : mapping of str to list of str
        Columns that are not compared, by reason.
    scores : mapping
        Drift of ``probability`` (without it where no class is legitimate) and of ``types``.
    alerts : list of dict
        For every operating point, the share that is flagged and the alerts per day. The deciding point comes first; it
        also counts the records that the policy of the model flags because they are ``unlike_training``.
    expected : list of dict
        For every operating point, the precision and recall expected from the probabilities (`ExpectedPerformance`),
        and the ``observed`` ones if labels have arrived.
    calibration : dict or None
        Calibration on the labelled current records; None without labels.
    shares : mapping
        Shares of ``rejected`` rows, of ``cold_start`` rows without a history, of ``unseen`` categories, and of rows
        with an ``unlike_training`` above .99, which look like nothing in training.
    unlike : mapping or None
        The share of these rows over time, see `unlike_over_time`; None without times.
    bounds : mapping of str to float, or None
        The bounds of the recipe.
    rules : list of dict
        The share of both tables that each rule decides, as from `rule_shares`. The rest of the report is about the
        model without rules.
    model, digest, subject : str
        Name and digest of the model, and what a record is: message, account or event.
    exceeded : tuple of ExceededBound
        The bounds that are exceeded.
    notes : tuple of str
        What limits the comparison.
    """

    model: str
    digest: str | None
    subject: str
    exceeded: tuple[ExceededBound, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types, under the names of its fields.

        Returns
        -------
        dict
            None stands for values that could not be computed.
        """
        content: dict[str, Any] = to_json_types(self)
        return content
