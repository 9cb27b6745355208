"""The sections ``[thresholds]``, ``[monitor]``, ``[scoring]``, ``[gates]`` and ``[track]`` of a recipe."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fraudsieve.models.guarantees import CONFIDENCE
from fraudsieve.models.policy import Missing, Policy, Unknown, Unlike, WrongType
from fraudsieve.models.thresholds import FALSE_POSITIVE_RATES, Costs, Targets

from .data import RecipeSection

Rate = Annotated[float, Field(gt=0, lt=1)]
Alerts = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Precision = Annotated[float, Field(gt=0, le=1)]
Index = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Factor = Annotated[float, Field(gt=1, allow_inf_nan=False)]


class CostRecipe(BaseModel):
    """Parameters of `Costs`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    missed: float = Field(gt=0)
    false_alarm: float = Field(default=0.0, ge=0)
    review: float = Field(default=0.0, ge=0)
    by_amount: bool = False


class ThresholdRecipe(BaseModel):
    """Parameters of `Targets`: what operating points are chosen for, and which of them decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    false_positive_rates: tuple[Rate, ...] = FALSE_POSITIVE_RATES
    alerts_a_day: tuple[Alerts, ...] = ()
    precisions: tuple[Precision, ...] = ()
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


class MonitorRecipe(BaseModel):
    """The bounds of ``fraudsieve monitor``; with a bound of None the measure is reported, but raises no alarm.

    A population stability index is compared with its bound after subtracting the index that is expected without any
    drift. No bound is exceeded by a change that chance explains.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    exclude: tuple[str, ...] = ()
    """Columns or families that are not compared."""
    ages: bool = False
    """Whether to compare columns that grow with time alone: the age of an account, the time since its first event."""
    family_psi: Index | None = 0.25
    """Population stability index of the column that moved most in a family; above 0.25 a change is usually called
    large."""
    score_psi: Index | None = 0.2
    """Population stability index of the probability of fraud, and of the predicted types."""
    alerts_times: Factor | None = 2.0
    """Factor by which the share of rows flagged at the deciding operating point may rise or fall."""
    rejected_rise: Share | None = 0.05
    """Rise of the share of rejected rows."""
    unseen_rise: Share | None = 0.05
    """Rise, for each column, of the share of rows with a category that training did not see."""
    cold_start_rise: Share | None = 0.2
    """Rise of the share of rows without a history."""
    unlike_rise: Share | None = 0.05
    """Rise of the share of rows that look like nothing in training; about .01 is usual."""
    ece: Share | None = 0.05
    """Calibration error on the labelled rows, at the lower end of its interval."""
    observed_times: Factor | None = 2.0
    """Factor by which observed fraud may exceed or fall below expected fraud; the interval must not reach it."""
    labelled_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of labelled rows below which calibration raises no alarm: rows labelled early are not representative."""
    replicates: int = Field(default=400, ge=0)
    """Bootstrap replicates, over accounts or campaigns, for the intervals of the calibration; 0 for none."""


class ScoringRecipe(BaseModel):
    """Parameters of `Policy`, for unusual fields and records; the model keeps them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"
    unlike_training: Unlike = "score"
    unlike_training_limit: Annotated[float, Field(gt=0, le=1)] = 0.999

    @property
    def policy(self) -> Policy:
        """The policy with these parameters."""
        return Policy(**self.model_dump())


class GateRecipe(BaseModel):
    """The gates of a promotion.

    Two models that differ only in their seed differ a little on any set of records, and significantly on a large one.
    So a challenger must gain more than that. The other gates limit what a challenger that gains may lose.

    A refresh, which has the recipe of the champion and later data, need not gain. It is refused if it loses average
    precision. The other gates refuse it only for a loss that chance does not explain, and are wider under attack.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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
