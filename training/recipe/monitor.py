"""The part of a recipe that says how much drift is too much."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MonitorRecipe"]

Index = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Times = Annotated[float, Field(gt=1, allow_inf_nan=False)]


class MonitorRecipe(BaseModel):
    """The bounds of `monitor`. None looks at something without ever raising an alarm.

    A population stability index is held against its bound less what it is where nothing has moved; and nothing passes a
    bound that chance explains.

    Examples
    --------
    >>> MonitorRecipe(score_psi=None).family_psi
    0.25
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exclude: tuple[str, ...] = ()
    """Columns or families that are not compared."""
    ages: bool = False
    """Whether columns are compared that grow by themselves: the age of an account, the time since its first event."""
    family_psi: Index | None = 0.25
    """Population stability index of the column of a family that moved most; above .25 a change is called large."""
    score_psi: Index | None = 0.2
    """Population stability index of the probability of fraud, and of the types."""
    alerts_times: Times | None = 2.0
    """How many times as many, or as few, rows may be flagged at the operating point that decides."""
    rejected_rise: Share | None = 0.05
    """By how much the share of rejected rows may rise."""
    unseen_rise: Share | None = 0.05
    """By how much the share of rows may rise that have a category which training did not see; of each column."""
    cold_start_rise: Share | None = 0.2
    """By how much the share of rows without a history may rise."""
    ece: Share | None = 0.05
    """Calibration error on the labelled rows, at the lower end of its interval."""
    observed_times: Times | None = 2.0
    """How many times as much, or as little, fraud as expected may be observed; the interval must not reach it."""
    labelled_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Calibration raises no alarm where fewer of the rows have labels: those that come early are not like the rest."""
    replicates: int = Field(default=400, ge=0)
    """How often accounts or campaigns are drawn for the intervals of the calibration; 0 for none."""
