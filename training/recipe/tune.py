"""The section ``[tune]`` of a recipe: which settings are searched, for what, and how long."""

import re
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

__all__ = ["MODEL_SPACE", "Choices", "Range", "SpaceRecipe", "TuneRecipe", "check_space", "seconds_of"]

UNITS: Final = {"s": 1, "m": 60, "h": 3600}


class Range(BaseModel):
    """The values from one to another, both included; evenly, or evenly in their logarithm.

    Examples
    --------
    >>> Range(low=0.01, high=0.2, log=True).high
    0.2
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be less than high")
        if self.log and self.low <= 0:
            raise ValueError("low must be greater than 0 where log = true")
        return self


Choices: TypeAlias = Annotated[tuple[bool | int | float | str, ...], Field(min_length=2)]
Space: TypeAlias = dict[str, Range | Choices]

MODEL_SPACE: Final[dict[str, Range]] = {
    "n_rounds": Range(low=20, high=400, log=True),
    "learning_rate": Range(low=0.01, high=0.2, log=True),
    "num_leaves": Range(low=3, high=31, log=True),
    "min_leaf_weight": Range(low=0.1, high=30, log=True),
    "min_leaf_rows": Range(low=5, high=200, log=True),
    "feature_fraction": Range(low=0.1, high=1.0),
    "row_fraction": Range(low=0.5, high=1.0),
    "l2": Range(low=0.01, high=100, log=True),
}
"""What is searched unless a recipe says otherwise."""


class SpaceRecipe(BaseModel):
    """The settings of ``[model]`` and ``[features]`` that are searched: each a `Range`, or a list of choices.

    Those that are not named keep what the recipe says. A setting of ``[features]`` costs a feature matrix for every
    value, so give it few choices.

    Examples
    --------
    >>> SpaceRecipe(model={"num_leaves": [7, 15]}).model["num_leaves"]
    (7, 15)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Space = dict(MODEL_SPACE)
    features: Space = {}

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if not self.model and not self.features:
            raise ValueError("nothing is searched; name a setting of model or of features")
        return self


class TuneRecipe(BaseModel):
    """The search of settings; without this section there is none.

    It ends with its budget of time or its number of trials, whichever comes first; at least one of them is needed.

    Examples
    --------
    >>> TuneRecipe(budget="20m").seconds
    1200.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    space: SpaceRecipe = SpaceRecipe()
    metric: Literal["auto", "average_precision", "macro_f1", "recall_at_capacity"] = "auto"
    """What is made as large as can be; by default average precision, of data without a legitimate class macro-F1."""
    folds: int = Field(default=4, ge=2, le=20)
    budget: str | None = None
    """Such as ``90s``, ``20m`` or ``2h``."""
    trials: int | None = Field(default=None, ge=1)

    @field_validator("budget")
    @classmethod
    def _check_budget(cls, budget: str | None) -> str | None:
        if budget is not None:
            seconds_of(budget)
        return budget

    @model_validator(mode="after")
    def _check_end(self) -> Self:
        if self.budget is None and self.trials is None:
            raise ValueError("the search has no end; give budget (--tune 20m) or trials")
        return self

    @property
    def seconds(self) -> float | None:
        """The budget in seconds; None for no limit."""
        return None if self.budget is None else seconds_of(self.budget)


def seconds_of(text: str) -> float:
    """Read a length of time.

    Parameters
    ----------
    text : str
        A number and ``s``, ``m`` or ``h``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        When it is something else, or nothing at all.

    Examples
    --------
    >>> seconds_of("90s"), seconds_of("1.5h")
    (90.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None or float(found[1]) == 0:
        raise ValueError("expected a length of time such as 90s, 20m or 2h")
    return float(found[1]) * UNITS[found[2]]


def check_space(space: Space, settings: type[BaseModel]) -> list[str]:
    """Tell what is wrong with a space.

    Parameters
    ----------
    space : dict of str to Range or tuple
        What is searched.
    settings : type of BaseModel
        The section of a recipe whose settings these are: it must take both ends of a range, and every choice.

    Returns
    -------
    list of str
        A line a problem.

    Examples
    --------
    >>> check_space({"folds": (2, 30)}, TuneRecipe)
    ['folds: Input should be less than or equal to 20, got 30']
    """
    problems = []
    for name, values in space.items():
        if name not in settings.model_fields:
            problems.append(f"{name}: there is no such setting; there are {', '.join(settings.model_fields)}")
            continue
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            problems += _problems(settings, name, value)
    return problems


def _problems(settings: type[BaseModel], name: str, value: object) -> list[str]:
    try:
        settings.model_validate({name: value})
    except ValidationError as error:
        return [f"{name}: {one['msg']}, got {value!r}" for one in error.errors() if one["loc"][:1] == (name,)]
    return []
