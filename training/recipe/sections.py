"""The sections ``[thresholds]``, ``[monitor]``, ``[scoring]``, ``[gates]`` and ``[track]`` of a recipe.

The custom lists of the section ``[features]`` of a recipe: words, brands, hotlines and hosts of link shorteners.

The section ``[tune]`` of a recipe: the search space, the metric and the budget of a hyperparameter search.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.models.fields import Missing, Policy, Unknown, Unlike, WrongType
from fraudsieve.models.guarantees import CONFIDENCE
from fraudsieve.models.thresholds import FALSE_POSITIVE_RATES, Costs, Targets

from .data import RecipeSection

Rate = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[float, Field(gt=1, allow_inf_nan=False)]


class CostRecipe(RecipeSection):
    """Parameters of `Costs`."""

    model_config = ConfigDict(allow_inf_nan=False)

    missed: float = Field(gt=0)
    false_alarm: float = Field(default=0.0, ge=0)
    review: float = Field(default=0.0, ge=0)
    by_amount: bool = False


class ThresholdRecipe(RecipeSection):
    """Parameters of `Targets`: what operating points are chosen for, and which of them decides."""

    false_positive_rates: tuple[Rate, ...] = FALSE_POSITIVE_RATES
    alerts_a_day: tuple[Positive, ...] = ()
    precisions: tuple[Share, ...] = ()
    costs: CostRecipe | None = None
    decide_by: str | None = None
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = CONFIDENCE
    by: str | None = None
    """A column of categories, such as channel, whose values are decided by thresholds of their own. It is a feature."""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = self.targets.names
        if len(set(names)) < len(names):
            raise ValueError("two operating points have the same name. Remove one of them")
        if self.decide_by is not None and self.decide_by not in names:
            expected = ", ".join(names) or "no name, because there are no points"
            raise ValueError(f"decide_by: expected the name of an operating point ({expected}), got {self.decide_by!r}")
        return self

    @property
    def targets(self) -> Targets:
        """The targets that operating points are chosen for."""
        costs = None if self.costs is None else Costs(**self.costs.model_dump())
        return Targets(
            self.false_positive_rates, self.alerts_a_day, self.precisions, costs, self.decide_by, self.confidence
        )


class MonitorRecipe(RecipeSection):
    """The bounds of ``fraudsieve monitor``; with a bound of None the measure is reported, but raises no alarm.

    A population stability index is compared with its bound after subtracting the index that is expected without any
    drift. No bound is exceeded by a change that chance explains.
    """

    exclude: tuple[str, ...] = ()
    """Columns or families that are not compared."""
    ages: bool = False
    """Whether to compare columns that grow with time alone: the age of an account, the time since its first event."""
    family_psi: Positive | None = 0.25
    """Population stability index of the column that moved most in a family; above 0.25 a change is usually called
    large."""
    score_psi: Positive | None = 0.2
    """Population stability index of the probability of fraud, and of the predicted types."""
    rejected_rise: Share | None = 0.05
    """Rise of the share of rejected rows."""
    unseen_rise: Share | None = 0.05
    """Rise, for each column, of the share of rows with a category that training did not see."""
    cold_start_rise: Share | None = 0.2
    """Rise of the share of rows without a history."""
    unlike_rise: Share | None = 0.05
    """Rise of the share of rows that look like nothing in training; about .01 is usual."""
    replicates: int = Field(default=400, ge=0)
    """Bootstrap replicates, over accounts or campaigns, for the intervals of the calibration; 0 for none."""


class ScoringRecipe(RecipeSection):
    """Parameters of `Policy`, for unusual fields and records; the model keeps them."""

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"
    unlike_training: Unlike = "score"
    unlike_training_limit: Share = 0.999

    @property
    def policy(self) -> Policy:
        """The policy with these parameters."""
        return Policy(**self.model_dump())


class GateRecipe(RecipeSection):
    """The gates of a promotion.

    Two models that differ only in their seed differ a little on any set of records, and significantly on a large one.
    So a challenger must gain more than that. The other gates limit what a challenger that gains may lose.

    A refresh, which has the recipe of the champion and later data, need not gain. It is refused if it loses average
    precision. The other gates refuse it only for a loss that chance does not explain, and are wider under attack.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    gain: float = Field(default=0.005, ge=0, lt=1)
    """Lower bound of the interval of the difference in average precision."""
    refresh_loss: float = Field(default=0.01, ge=0, le=1)
    """A refresh is refused if the whole interval of the difference in average precision is a larger loss than this."""
    refresh_drop: float = Field(default=0.03, ge=0, le=1)
    """A refresh is also refused if the difference itself is a larger loss than this, whatever its interval."""
    refresh_frauds: int = Field(default=100, ge=1)
    """Frauds in the newest slice, on which a refresh is compared. It is at most as large as the test slice."""
    refresh_attack: float = Field(default=3.0, ge=1)
    """Factor of `attack_loss` for a refresh: two trainings of one recipe differ by more than it allows."""
    recall_loss: float = Field(default=0.05, ge=0, le=1)
    """Share of the fraud found by the champion at the review capacity that the challenger may miss there; at least one
    alert."""
    recall_floor: float = Field(default=0.05, ge=0, le=1)
    """Smallest share of the fraud that can be found at the review capacity that must be found, unless chance explains a
    smaller one."""
    overturned: float = Field(default=0.1, ge=0, le=1)
    """Largest share of the frauds known to the champion that labels of one source may make legitimate; at least one."""
    calibration_error: float = Field(default=0.08, gt=0, le=1)
    """Largest calibration error (ECE)."""
    calibration_loss: float = Field(default=0.03, ge=0, le=1)
    """Largest excess of the calibration error over the champion's."""
    observed_over_expected: float = Field(default=2.0, ge=1)
    """Largest factor between observed fraud and the fraud that the probabilities predict, in either direction."""
    attack_loss: float = Field(default=0.05, ge=0, le=1)
    """Largest loss, against the champion, of the share of recall kept under attack at medium strength, whether or not
    legitimate messages are obfuscated alike."""
    attack_flagged: float = Field(default=0.06, ge=0, le=1)
    """Largest excess over the champion's of the share of obfuscated legitimate messages that is flagged."""
    labelled_ratio: float = Field(default=0.5, ge=0, le=1)
    """Smallest ratio between the labelled shares of flagged and of passed records, unless chance explains it. 0 for
    labels that were chosen without a model."""
    latency_ms: float = Field(default=25.0, gt=0)
    """Largest p99 of the time to score one record, in milliseconds."""
    latency_ratio: float = Field(default=2.0, ge=1)
    """Largest ratio of that time to the champion's, for a new recipe."""


class TrackRecipe(RecipeSection):
    """The destination of the run in MLflow."""

    enabled: bool = True
    """Whether the run is logged. If not, only the model folder is written."""
    experiment: str = "fraudsieve"
    """The experiment of the run."""
    uri: str | None = None
    """Address of the tracking store; by default ``MLFLOW_TRACKING_URI``, otherwise a file in the current folder."""
    register_model: bool = True
    """Whether the model is registered as a new version."""


MAX_BYTES: Final = 4 << 20


def _read_list(entries: Any) -> Any:
    """Read a list from a text file in UTF-8, with an entry per line; blank lines and comments (``#``) are ignored."""
    if not isinstance(entries, str):
        return entries
    try:
        with Path(entries).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"expected a list of at most 4 MB, got a larger file, {entries}. Use fewer entries.")
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        problem = f"expected a text file with an entry per line, got {entries}, which cannot be read"
        raise ValueError(f"{problem} ({type(error).__name__}). Name a file, or write a list.") from None
    except UnicodeDecodeError:
        raise ValueError(f"expected a list in UTF-8, got another encoding in {entries}. Save it as UTF-8.") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


Entries = Annotated[tuple[str, ...], BeforeValidator(_read_list)]
"""Strings, or the path of a text file with one of them per line."""


class ListRecipe(RecipeSection):
    """Your own lists. A list in a file is read with the recipe, so the recipe contains the list itself."""

    words: dict[str, Entries] | None = None
    """Words by group. Each group is counted in a column of its own, ``cues__own_<group>``."""
    brands: Entries | dict[str, Entries] = ()
    """Names of brands in host names: a list, or a table with the domains of each brand."""
    hotlines: Entries = ()
    """Telephone numbers of banks or authorities, as they are written in messages."""
    short_hosts: Entries = ()
    """Registered domains of link shorteners, in addition to the built-in ones."""

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        CustomLists.of(self.words, self.brands, self.hotlines, self.short_hosts)
        return self


LISTS: Final = tuple(ListRecipe.model_fields)
"""The keys of the lists."""


UNITS: Final = {"s": 1, "m": 60, "h": 3600}


class Range(RecipeSection):
    """An interval of values, both ends included, sampled uniformly or log-uniformly."""

    model_config = ConfigDict(allow_inf_nan=False)

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


class TuneRecipe(RecipeSection):
    """Parameters of the hyperparameter search; without this section there is no search.

    The search ends after its time budget or its number of trials, whichever comes first. At least one is required.
    """

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
