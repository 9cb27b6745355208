"""The monitor report: changes between reference and current records, and exceeded bounds."""

from dataclasses import dataclass
from typing import Any

from fraudsieve.training.json_types import to_json_types

from .measures import MonitorMeasures


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
class MonitorReport(MonitorMeasures):
    """Changes between reference records and current records.

    ``chance`` is what chance explains of a change. It is None if all records of a table are of one account: they say
    nothing about other accounts, and such a change exceeds no bound.

    Parameters
    ----------
    rows : Both of int
        Scored records of ``reference`` and ``current``.
    windows : Both of tuple of (str, str), or None
        First and last time of both tables.
    labelled : Both of int
        Numbers of records with a label.
    families : tuple of FamilyDrift
        The drift of every family of features. The family that moved most comes first.
    columns : tuple of ColumnDrift
        The drift of every column. The first six also have their ``distribution``.
    left_out : mapping of str to tuple of str
        Columns that are not compared, by reason.
    scores : ScoreDrift
        Drift of the types and of the probability.
    alerts : tuple of PointAlerts
        For every operating point, the share that is flagged and the alerts per day. The deciding point comes first; it
        also counts the records that the policy of the model flags because they are ``unlike_training``.
    expected : tuple of PointPerformance
        For every operating point, the precision and recall expected from the probabilities (`ExpectedPerformance`),
        and the ``observed`` ones if labels have arrived.
    calibration : LabelledCalibration or None
        Calibration on the labelled current records; None without labels.
    shares : ShareChanges
        Shares of ``rejected`` rows, of ``cold_start`` rows without a history, of ``unseen`` categories, and of rows
        with an ``unlike_training`` above .99, which look like nothing in training.
    unlike : UnlikeOverTime or None
        The share of these rows over time, see `unlike_over_time`; None without times.
    bounds : mapping of str to float, or None
        The bounds of the recipe.
    rules : tuple of RuleShares
        The share of both tables that each rule decides. The rest of the report is about the model without rules.
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
        for column in (*content["columns"], *(family["worst"] for family in content["families"])):
            _leave_out_none(column, "distribution")
        _leave_out_none(content["scores"], "types")
        _leave_out_none(content["scores"], "probability")
        return content


def _leave_out_none(content: dict[str, Any], name: str) -> None:
    if content[name] is None:
        del content[name]
