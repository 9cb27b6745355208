"""The part of a recipe that says which operating points a model gets."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fraudsieve.models.thresholds import FALSE_POSITIVE_RATES, Costs, Targets

__all__ = ["CostRecipe", "ThresholdRecipe"]

Rate = Annotated[float, Field(ge=0, lt=1)]
Alerts = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Precision = Annotated[float, Field(gt=0, le=1)]


class CostRecipe(BaseModel):
    """Settings of `Costs`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    missed: float = Field(gt=0)
    false_alarm: float = Field(default=0.0, ge=0)
    review: float = Field(default=0.0, ge=0)
    by_amount: bool = False


class ThresholdRecipe(BaseModel):
    """Settings of `Targets`: what operating points are chosen for, and which of them decides.

    Examples
    --------
    >>> ThresholdRecipe(alerts_a_day=(50,), decide_by="alerts_a_day_50").targets.alerts_a_day
    (50.0,)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    false_positive_rates: tuple[Rate, ...] = FALSE_POSITIVE_RATES
    alerts_a_day: tuple[Alerts, ...] = ()
    precisions: tuple[Precision, ...] = ()
    costs: CostRecipe | None = None
    decide_by: str | None = None

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = self.targets.names
        if len(set(names)) < len(names):
            raise ValueError("two operating points have one name; take one of them out")
        if self.decide_by is not None and self.decide_by not in names:
            raise ValueError(f"decide_by names no operating point; there are {', '.join(names) or 'none'}")
        return self

    @property
    def targets(self) -> Targets:
        """What operating points are chosen for."""
        costs = None if self.costs is None else Costs(**self.costs.model_dump())
        return Targets(self.false_positive_rates, self.alerts_a_day, self.precisions, costs, self.decide_by)
