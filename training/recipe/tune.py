"""The section ``[tune]`` of a recipe: the search space, the metric and the budget of a hyperparameter search."""

import re
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

UNITS: Final = {"s": 1, "m": 60, "h": 3600}


class Range(BaseModel):
    """An interval of values, both ends included, sampled uniformly or log-uniformly."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be less than high")
        if self.log and self.low <= 0:
            raise ValueError("low must be greater than 0 if log = true")
        return self


Choices: TypeAlias = Annotated[tuple[bool | int | float | str, ...], Field(min_length=2)]
Space: TypeAlias = dict[str, Range | Choices]

MODEL_SPACE: Final[dict[str, Range]] = {
    "n_rounds": Range(low=20, high=1500, log=True),
    "learning_rate": Range(low=0.01, high=0.2, log=True),
    "num_leaves": Range(low=3, high=31, log=True),
    "min_leaf_weight": Range(low=0.1, high=30, log=True),
    "min_leaf_rows": Range(low=5, high=200, log=True),
    "feature_fraction": Range(low=0.1, high=1.0),
    "row_fraction": Range(low=0.5, high=1.0),
    "l2": Range(low=0.01, high=100, log=True),
}
"""The default search space."""


class SpaceRecipe(BaseModel):
    """The search space of ``[model]`` and ``[features]``: for each setting a `Range` or a list of choices.

    Settings that are not named keep the value of the recipe. Every value of a ``[features]`` setting costs a feature
    matrix, so give it few choices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Space = dict(MODEL_SPACE)
    """Settings of ``[model]``: for each a range or a list of choices."""
    features: Space = {}
    """Settings of ``[features]``: for each a range or a list of choices."""

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if not self.model and not self.features:
            raise ValueError("the search space is empty. Name a setting of model or of features")
        return self


class TuneRecipe(BaseModel):
    """Parameters of the hyperparameter search; without this section there is no search.

    The search ends after its time budget or its number of trials, whichever comes first. At least one is required.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: SpaceRecipe = SpaceRecipe()
    metric: Literal["auto", "average_precision", "macro_f1", "recall_at_capacity"] = "auto"
    """The metric to maximise; by default average precision, or macro-F1 if there is no legitimate class."""
    folds: int = Field(default=4, ge=2, le=20)
    """Folds of the training slice that a trial is measured on."""
    budget: str | None = None
    """Time budget, such as ``90s``, ``20m`` or ``2h``."""
    trials: int | None = Field(default=None, ge=1)
    """Trials after which the search ends."""

    @field_validator("budget")
    @classmethod
    def _check_budget(cls, budget: str | None) -> str | None:
        if budget is not None:
            seconds_of(budget)
        return budget

    @model_validator(mode="after")
    def _check_end(self) -> Self:
        if self.budget is None and self.trials is None:
            raise ValueError("the search has no limit. Give budget (--tune 20m) or trials")
        return self

    @property
    def seconds(self) -> float | None:
        """The budget in seconds; None for no limit."""
        return None if self.budget is None else seconds_of(self.budget)


def seconds_of(text: str) -> float:
    """Parse a duration."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if match is None or float(match[1]) == 0:
        raise ValueError("expected a duration such as 90s, 20m or 2h")
    return float(match[1]) * UNITS[match[2]]


def check_space(space: Space, settings: type[BaseModel]) -> list[str]:
    """Return what is wrong with a search space."""
    problems = []
    for name, values in space.items():
        if name not in settings.model_fields:
            problems.append(f"{name}: unknown setting. Expected one of {', '.join(settings.model_fields)}")
            continue
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            problems += _problems(settings, name, value)
    return problems


def _problems(settings: type[BaseModel], name: str, value: object) -> list[str]:
    try:
        settings.model_validate({name: value})
    except ValidationError as error:
        return [f"{name}: {item['msg']}, got {value!r}" for item in error.errors() if item["loc"][:1] == (name,)]
    return []
