"""The recipe: all that a training run needs to know, with a default for everything."""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fraudsieve.exceptions import RecipeError
from fraudsieve.features.history.declaration import History, check_histories
from fraudsieve.features.network.declaration import Network
from fraudsieve.training.labels.trust import Trust

from .gates import GateRecipe
from .monitor import MonitorRecipe
from .scoring import ScoringRecipe
from .thresholds import ThresholdRecipe
from .tune import TuneRecipe, check_space

__all__ = [
    "DataRecipe",
    "EvaluateRecipe",
    "FeatureRecipe",
    "HistoryRecipe",
    "ModelRecipe",
    "Recipe",
    "SplitRecipe",
    "TrackRecipe",
]

T = TypeVar("T")
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Part):
    """Where the tables are, what a row to be scored is, and which class is no crime."""

    messages: Path | None = None
    accounts: Path | None = None
    events: Path | None = None
    labels: Path | None = None
    subject: Literal["auto", "message", "account", "event"] = "auto"
    legitimate: str = "legitimate"
    min_label_rows: int = Field(default=10, ge=2)
    trust: dict[str, Share] = {}
    """Weight of each source of labels, 0 for one that is not believed; without any all are trusted alike."""
    default_trust: Share | None = None
    """Weight of the sources that are not named; without it such a label is an error."""

    @property
    def trusted(self) -> Trust:
        """How far the sources of labels are trusted."""
        return Trust(self.trust, self.default_trust)

    def subject_of(self, given: Iterable[str]) -> str:
        """Tell what is scored: by default a message where there are messages, else an account, else an event.

        Parameters
        ----------
        given : iterable of str
            The names of the tables that there are.

        Returns
        -------
        str
            ``message``, ``account`` or ``event``.

        Raises
        ------
        RecipeError
            When a table is missing that the subject needs.

        Examples
        --------
        >>> DataRecipe().subject_of(["events", "labels"])
        'event'
        """
        names = set(given)
        found = next((table for table in ("messages", "accounts", "events") if table in names), "messages")
        subject = found.removesuffix("s") if self.subject == "auto" else self.subject
        needed = {"message": ["messages"], "account": ["accounts", "labels"], "event": ["events"]}[subject]
        if not names & set(needed):
            tables = " or ".join(f"data.{name} (--{name})" for name in needed)
            raise RecipeError("recipe", [f"names no {needed[0]}. Give {tables}"])
        return subject


class SplitRecipe(_Part):
    """What is held back: the test slice, and the slice that calibrates."""

    kind: Literal["auto", "time", "campaign", "account", "random"] = "auto"
    test_share: float = Field(default=0.2, gt=0, lt=0.9)
    calibration_share: float = Field(default=0.15, gt=0, lt=0.9)
    gap_days: float | None = Field(default=None, ge=0)
    also_temporal: bool = True
    """Whether a random split, which flatters, has the figures of a split by time beside it."""


class FeatureRecipe(_Part):
    """Settings of `MessageFeatures`."""

    C: float = Field(default=3.0, gt=0)
    min_messages: int = Field(default=2, ge=1)
    n_folds: int = Field(default=5, ge=2)
    sound: bool | None = None
    brands: tuple[str, ...] = ()
    augment: float = Field(default=0.5, ge=0, le=1)
    """Share of the messages with a crime of which an obfuscated copy is trained on too."""
    campaigns: bool = False
    """Whether to look at near-duplicates that were sent before; scoring then needs to be told of them too."""


class HistoryRecipe(_Part):
    """The history of accounts: the views, the network, and the columns of the records themselves.

    A view is a table with the parameters of `History`; without any, those that the events allow are taken. ``network``
    is a table with the parameters of `Network`, or False.
    """

    views: tuple[dict[str, Any], ...] | None = None
    network: dict[str, Any] | bool = True
    exclude: tuple[str, ...] = ()
    min_category_rows: int = Field(default=5, ge=1)

    @field_validator("views")
    @classmethod
    def _check_views(cls, views: tuple[dict[str, Any], ...] | None) -> tuple[dict[str, Any], ...] | None:
        check_histories([_declared(History.from_dict, view) for view in views or ()])
        return views

    @field_validator("network")
    @classmethod
    def _check_network(cls, network: dict[str, Any] | bool) -> dict[str, Any] | bool:
        if isinstance(network, dict):
            _declared(Network.from_dict, network)
        return network

    @property
    def histories(self) -> tuple[History, ...] | None:
        """The views, None for those that the events allow."""
        return None if self.views is None else tuple(History.from_dict(view) for view in self.views)

    @property
    def declared_network(self) -> Network | bool | None:
        """The network: None for what the events allow, False for none."""
        if isinstance(self.network, dict):
            return Network.from_dict(self.network)
        return None if self.network else False


def _declared(read: Callable[[Any], T], declared: dict[str, Any]) -> T:
    try:
        return read(declared)
    except TypeError as error:  # pydantic reports a ValueError
        raise ValueError(str(error)) from None


class ModelRecipe(_Part):
    """Settings of `FraudClassifier`; what is not said has its default.

    A message's is that of `FraudClassifier`: boosting starts from the wording. Accounts and events have none, so they
    take more rounds of as small trees.
    """

    n_rounds: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    num_leaves: int | None = Field(default=None, ge=2)
    min_leaf_weight: float | None = Field(default=None, ge=0)
    min_leaf_rows: int | None = Field(default=None, ge=1)
    feature_fraction: float | None = Field(default=None, gt=0, le=1)
    row_fraction: float | None = Field(default=None, gt=0, le=1)
    l2: float | None = Field(default=None, ge=0)

    def settings(self, subject: str) -> dict[str, Any]:
        """Return the settings for a subject.

        Parameters
        ----------
        subject : {"message", "account", "event"}
            What is scored.

        Returns
        -------
        dict

        Examples
        --------
        >>> ModelRecipe(num_leaves=15).settings("message")
        {'num_leaves': 15}
        """
        return (WITHOUT_WORDING if subject != "message" else {}) | self.model_dump(exclude_none=True)


WITHOUT_WORDING: Final[dict[str, Any]] = {
    "n_rounds": 300,
    "learning_rate": 0.03,
    "min_leaf_weight": 1.0,
    "min_leaf_rows": 20,
    "feature_fraction": 0.3,
}
"""Settings for accounts and events: on real sets with few frauds many small trees over few columns each did best."""


class EvaluateRecipe(_Part):
    """What the sheet looks at: how many alerts people can review, and what a mistake costs.

    Costs are in reviews: what looking at one alert costs is 1.
    """

    alerts_a_day: float | None = Field(default=None, gt=0)
    """Alerts that people can review a day; by default what 1 % of the rows a day is."""
    accounts_a_day: int = Field(default=100, ge=1)
    """Accounts listed a day, for card precision."""
    missed_cost: float = Field(default=10.0, gt=0)
    """What a fraud costs that is let pass; with amounts their mean, spread over the frauds by amount."""
    attack: bool = True
    """Whether a training run obfuscates the fraudulent messages of its test slice too, where it has both kinds."""
    replicates: int = Field(default=400, ge=0)
    """How often accounts or campaigns are drawn for the intervals; 0 for none."""


class TrackRecipe(_Part):
    """Where the run is kept in MLflow."""

    experiment: str = "fraudsieve"
    uri: str | None = None
    register_model: bool = True


class Recipe(_Part):
    """All that a training run needs.

    Unknown keys are an error, so that a misspelt one does not go unnoticed.

    Parameters
    ----------
    name : str, default="fraudsieve"
        Name of the registered model.
    seed : int, default=0
        Seed of all that is drawn.
    n_jobs : int, default=-1
        Folds fitted at a time and threads of LightGBM; -1 for all cores.
    data : DataRecipe
        Where the tables are, and which class is no crime.
    split : SplitRecipe
        What is held back.
    features : FeatureRecipe
        Settings of `MessageFeatures`.
    history : HistoryRecipe
        The history of accounts, of events, or of the senders of messages.
    model : ModelRecipe
        Settings of `FraudClassifier`.
    evaluate : EvaluateRecipe
        What the sheet looks at.
    thresholds : ThresholdRecipe
        The operating points.
    monitor : MonitorRecipe
        How much drift is too much.
    scoring : ScoringRecipe
        What is done with fields that are missing, unknown or of the wrong type.
    gates : GateRecipe
        What a challenger must reach to become champion.
    tune : TuneRecipe, default=None
        The search of settings; None for none.
    track : TrackRecipe
        Where the run is kept in MLflow.

    Examples
    --------
    >>> Recipe.model_validate({"split": {"kind": "time"}}).split.test_share
    0.2
    """

    name: str = Field(default="fraudsieve", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=0, ge=0)
    n_jobs: int = Field(default=-1)
    data: DataRecipe = DataRecipe()
    split: SplitRecipe = SplitRecipe()
    features: FeatureRecipe = FeatureRecipe()
    history: HistoryRecipe = HistoryRecipe()
    model: ModelRecipe = ModelRecipe()
    evaluate: EvaluateRecipe = EvaluateRecipe()
    thresholds: ThresholdRecipe = ThresholdRecipe()
    monitor: MonitorRecipe = MonitorRecipe()
    scoring: ScoringRecipe = ScoringRecipe()
    gates: GateRecipe = GateRecipe()
    tune: TuneRecipe | None = None
    track: TrackRecipe = TrackRecipe()

    @field_validator("tune")
    @classmethod
    def _check_tune(cls, tune: TuneRecipe | None) -> TuneRecipe | None:
        if tune is None:
            return None
        problems = [f"space.model.{problem}" for problem in check_space(tune.space.model, ModelRecipe)]
        problems += [f"space.features.{problem}" for problem in check_space(tune.space.features, FeatureRecipe)]
        if problems:
            raise ValueError("; ".join(problems))
        return tune

    @classmethod
    def read(cls, path: str | Path | None = None, overrides: dict[str, Any] | None = None) -> Self:
        """Read a recipe from a TOML file, with some of its values replaced.

        Parameters
        ----------
        path : str or Path, default=None
            The file; without one every value has its default.
        overrides : dict, default=None
            Dotted key to value, as in ``{"split.kind": "time"}``; a value of None replaces nothing.

        Returns
        -------
        Recipe

        Raises
        ------
        RecipeError
            When the file is no TOML, or a key or a value is not one that a recipe has.

        Examples
        --------
        >>> Recipe.read(overrides={"data.legitimate": "ham", "split.kind": None}).data.legitimate
        'ham'
        """
        origin = "recipe" if path is None else str(path)
        content = {} if path is None else _read_toml(Path(path))
        for dotted, value in (overrides or {}).items():
            if value is not None:
                *tables, key = dotted.split(".")
                table = content
                for name in tables:
                    table = table.setdefault(name, {})
                table[key] = value
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise RecipeError(origin, [_describe(item) for item in error.errors()]) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(str(path), [f"cannot be read ({type(error).__name__}). Name a TOML file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(str(path), [f"is not TOML: {error}"]) from None


def _describe(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "recipe"
    if item["type"] == "extra_forbidden":
        return f"{where}: no recipe has this key"
    return f"{where}: {item['msg']}, got {item['input']!r}"
