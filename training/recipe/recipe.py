"""The recipe: everything that describes a training run, each with a default."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, ValidationError, field_validator

from fraudsieve._io import read_toml
from fraudsieve._subjects import Subject
from fraudsieve._translation import Language
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.history.declaration import History, check_histories
from fraudsieve.features.network.declaration import Network
from fraudsieve.models.artifact.arrays import MAX_NAME
from fraudsieve.models.rules.files import read_rules
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.tables.formats.loaded import ReadOptions

from .data import DataRecipe, LabelRecipe, RecipeSection
from .sections import (
    GateRecipe,
    ListRecipe,
    MonitorRecipe,
    ScoringRecipe,
    ThresholdRecipe,
    TrackRecipe,
    TuneRecipe,
    check_space,
)

T = TypeVar("T")
NAMES_OF_COLUMNS: Final = ["data", "columns"]  # names that are given add to those of the file


class SplitRecipe(RecipeSection):
    """The kind of split, and the sizes of the test and calibration slices."""

    kind: Literal["auto", "time", "campaign", "account", "group", "random"] = "auto"
    """How records are split; with ``auto`` by time if most records have a time, otherwise by campaign, account or
    group."""
    group: str | None = Field(default=None, min_length=1)
    """A column whose values belong together: a host, a video, a branch, a reporting user. No group is on both sides of
    a split by group, of a fold or of a search, and promises and intervals count groups in place of campaigns or
    accounts. The column is not a feature, unless ``features.columns`` or ``history.categories`` names it. A record
    without a value belongs to its campaign or account alone. If most texts are URLs, their sites are groups without
    it."""
    test_share: float = Field(default=0.2, gt=0, lt=0.9)
    """Share of the records that the model is evaluated on."""
    calibration_share: float = Field(default=0.15, gt=0, lt=0.9)
    """Share of the records that the model is calibrated on, and operating points are chosen on."""
    gap_days: float | None = Field(default=None, ge=0)
    """Length of the gap before the test slice of a split by time; by default from the delays of labels, see
    `maturity_gap`."""
    accounts_apart: bool = False
    """Whether a split by time leaves accounts, or their groups, with fraud in a later slice out of the training slice.
    A live model has seen their past, so by default it is trained on."""
    also_temporal: bool = True
    """Whether a random split, which is optimistic, is reported together with a split by time."""


class FeatureRecipe(ListRecipe):
    """Parameters of `MessageFeatures`."""

    columns: tuple[str, ...] = ()
    """Your own columns of the messages that are features; they must be known when a message is scored."""
    C: float = Field(default=3.0, gt=0)
    min_messages: int = Field(default=2, ge=1)
    n_folds: int = Field(default=5, ge=2)
    pinyin: bool | None = None
    augment: float = Field(default=0.5, ge=0, le=1)
    """Share of the fraudulent messages with Chinese characters that are also trained on as an obfuscated copy."""
    campaigns: bool = False
    """Whether to use features of earlier near-duplicates; scoring then needs the earlier messages too."""


class HistoryRecipe(RecipeSection):
    """The history of accounts: the feature views, the network, and the columns of the records themselves.

    A feature view is a table with the parameters of `History`. Without any, the default views that the columns of the
    events allow are used. ``network`` is a table with the parameters of `Network`, or False.
    """

    views: tuple[JsonObject, ...] | None = None
    """The feature views."""
    network: JsonObject | bool = True
    """The network; true for the default network that the events allow, false for none."""
    exclude: tuple[str, ...] = ()
    """Columns of the records that are not features."""
    min_category_rows: int = Field(default=5, ge=1)
    """Categories with fewer rows in training are encoded as unseen."""
    categories: tuple[str, ...] = ()
    """Columns of strings that are categories, even if they look like identifiers or have many values."""
    texts: tuple[str, ...] = ()
    """Columns of texts beside that of a message, such as a remark: each has a text model of its own."""
    later_dates: tuple[str, ...] = ()
    """Columns of dates that are known though they are later than the record, such as a departure."""
    digest_categories: bool = False
    """Whether the model keeps keyed digests of the categories instead of their values."""
    campaign_types: tuple[str, ...] | None = None
    """The labels of earlier near-duplicates that are counted; by default all whose times are known."""
    order_key: str = ""
    """The `History.order_key` of the views; by default that of the champion, or one made of the tables."""

    @field_validator("views")
    @classmethod
    def _check_views(cls, views: tuple[JsonObject, ...] | None) -> tuple[JsonObject, ...] | None:
        check_histories([_declared(History.from_dict, view) for view in views or ()])
        return views

    @field_validator("network")
    @classmethod
    def _check_network(cls, network: JsonObject | bool) -> JsonObject | bool:
        if isinstance(network, dict):
            _declared(Network.from_dict, network)
        return network

    def histories(self, time_zone: str) -> tuple[History, ...] | None:
        """Return the feature views, by default of a time zone; None for the default views that the events allow."""
        zone = {"time_zone": time_zone}
        return None if self.views is None else tuple(History.from_dict(zone | view) for view in self.views)

    @property
    def declared_network(self) -> Network | bool | None:
        """The network: None for the default network that the events allow, False for none."""
        if isinstance(self.network, dict):
            return Network.from_dict(self.network)
        return None if self.network else False


def _declared(read: Callable[[Any], T], declared: JsonObject) -> T:
    try:
        return read(declared)
    except TypeError as error:  # pydantic reports a ValueError
        raise ValueError(str(error)) from None


class LabelledSize(NamedTuple):
    """The labelled rows of a run, and those of the rarer of fraud and legitimate ones."""

    rows: int
    rarer: int

    @property
    def is_small(self) -> bool:
        """Whether trees have the sizes of `small_trees`."""
        return self.rows < FEW_ROWS or self.rarer < FEW_RARER

    @property
    def small_trees(self) -> dict[str, Any]:
        """Settings of accounts and events for little data; ``python -m benchmarks.small`` compares them.

        With little fraud, a leaf must be allowed a small sum of Hessians, or there would be no split at all. From
        `FEW_RARER` frauds on, there are as many rounds as for more rows.
        """
        rounds, weight = min(max(100, self.rarer**2 // 36), 300), min(self.rarer / FEW_RARER, 1.0)
        return {"n_rounds": rounds, "num_leaves": 4, "min_leaf_weight": weight, "min_leaf_rows": 5}


FEW_ROWS: Final = 1000
FEW_RARER: Final = 100


class ClassifierRecipe(RecipeSection):
    """Parameters of `FraudClassifier`; None for its default, or for accounts and events for that of `WITHOUT_TEXT`.

    Without `n_rounds`, a run of accounts, events, or messages with further columns chooses the number on the latest
    part of the training rows, unless few rows are labelled: see `LabelledSize`."""

    n_rounds: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    num_leaves: int | None = Field(default=None, ge=2)
    min_leaf_weight: float | None = Field(default=None, ge=0)
    min_leaf_rows: int | None = Field(default=None, ge=1)
    feature_fraction: float | None = Field(default=None, gt=0, le=1)
    row_fraction: float | None = Field(default=None, gt=0, le=1)
    l2: float | None = Field(default=None, ge=0)
    n_seeds: int | None = Field(default=None, ge=1)


class ModelRecipe(ClassifierRecipe):
    """Parameters of `FraudClassifier`, the rows that it is trained on, and what is written."""

    refit: bool = True
    """Whether the model is trained again on all mature rows once the split has been evaluated."""
    sample_rate: float | None = Field(default=None, gt=0, le=1)
    """The share of the legitimate accounts or events of the training slice that trees are grown on, with all fraud. It
    saves time and memory. Probabilities remain those of all rows, and no other slice is sampled. By default, 300,000
    of all labelled ones."""

    def settings(self, subject: Subject, size: LabelledSize) -> dict[str, Any]:
        """Return the parameters of the classifier for a subject, and for so many labelled rows."""
        defaults = {} if subject.has_text else WITHOUT_TEXT | (size.small_trees if size.is_small else {})
        return defaults | self.model_dump(exclude={"refit", "sample_rate"}, exclude_none=True)


WITHOUT_TEXT: Final[dict[str, Any]] = {
    "n_rounds": 300,
    "n_seeds": 3,
    "learning_rate": 0.03,
    "min_leaf_weight": 1.0,
    "min_leaf_rows": 20,
    "feature_fraction": 0.3,
}
"""Defaults for accounts and events: on real data with little fraud, many small trees over few columns do best."""


class EvaluateRecipe(RecipeSection):
    """Parameters of the evaluation: the review capacity and the cost of mistakes.

    Costs are in units of one review: reviewing one alert costs 1.
    """

    alerts_a_day: float | None = Field(default=None, gt=0)
    """Alerts that people can review per day; by default as many as there are frauds, at least 1 % of the rows. Needs
    records with times."""
    missed_cost: float = Field(default=10.0, gt=0)
    """Cost of a missed fraud; if there are amounts, their mean cost, distributed over the frauds by amount."""
    attack: bool = True
    """Whether a training run also measures recall on obfuscated messages, if its test slice has fraud and legitimate
    messages."""
    replicates: int = Field(default=400, ge=0)
    """Bootstrap replicates, over accounts or campaigns, for the intervals; 0 for none."""
    by: tuple[str, ...] = ()
    """Columns of the records whose values are slices of the report, besides channel, source, country and others."""


class Recipe(RecipeSection):
    """Everything that describes a training run. An unknown key is an error.

    Parameters
    ----------
    name : str, default="fraudsieve"
        Name of the registered model, of at most 256 characters.
    seed : int, default=0
        Seed of every random draw.
    n_jobs : int, default=None
        Number of folds fitted in parallel and of LightGBM threads; -1 for all cores, None for those that are idle when
        the run begins. The model does not depend on it.
    rules : str, default=None
        A rules file. Reports count the records that rules decide separately; the model does not depend on the rules.
    language : {"en", "zh"}, default="en"
        The language of the pages of reports. The model and the JSON files do not depend on it.
    data : DataRecipe
        The paths of the tables, the subject, and the legitimate class.
    labels : LabelRecipe
        What records without a label count as.
    split : SplitRecipe
    features : FeatureRecipe
        Parameters of `MessageFeatures`.
    history : HistoryRecipe
        The history of accounts, of events, or of the senders of messages.
    model : ModelRecipe
        Parameters of `FraudClassifier`, and whether the model is trained again on all mature rows.
    evaluate : EvaluateRecipe
        The review capacity and the cost of mistakes.
    thresholds : ThresholdRecipe
        The operating points.
    monitor : MonitorRecipe
        The bounds on drift.
    scoring : ScoringRecipe
        The policy for fields that are missing, unknown or of the wrong type.
    gates : GateRecipe
        The conditions for a challenger to become champion.
    tune : TuneRecipe, default=None
        The hyperparameter search; None for no search.
    track : TrackRecipe
        The destination of the run in MLflow.

    Examples
    --------
    >>> Recipe.model_validate({"split": {"kind": "time"}}).split.test_share
    0.2
    """

    name: str = Field(default="fraudsieve", max_length=MAX_NAME, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=0, ge=0)
    n_jobs: int | None = None
    rules: str | None = None
    language: Language = "en"
    data: DataRecipe = DataRecipe()
    labels: LabelRecipe = LabelRecipe()
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

    @field_validator("rules")
    @classmethod
    def _check_rules(cls, rules: str | None) -> str | None:
        if rules is not None:
            try:
                read_rules(rules)
            except SchemaError as error:
                raise ValueError(str(error).rstrip(".")) from None
        return rules

    @property
    def rule_set(self) -> RuleSet | None:
        """The rules of the file `rules`; None without one."""
        return None if self.rules is None else read_rules(self.rules)

    @field_validator("tune")
    @classmethod
    def _check_tune(cls, tune: TuneRecipe | None) -> TuneRecipe | None:
        if tune is None:
            return None
        problems = [f"space.model.{problem}" for problem in check_space(tune.space.model, ClassifierRecipe)]
        problems += [f"space.features.{problem}" for problem in check_space(tune.space.features, FeatureRecipe)]
        if problems:
            raise ValueError("; ".join(problems))
        return tune

    def with_threshold_column(self, subject: Subject) -> Self:
        """Return the recipe with the column of `thresholds.by` as a category, whose code tells the threshold."""
        if (by := self.thresholds.by) is None:
            return self
        values = {"history.categories": tuple(dict.fromkeys((*self.history.categories, by)))}
        if subject.has_text:
            values["features.columns"] = tuple(dict.fromkeys((*self.features.columns, by)))
        return self.with_values(values)

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Return the recipe with other values, by dotted key; they are not checked."""
        sections: dict[str, JsonObject] = {}
        for dotted, value in values.items():
            section, _, name = dotted.rpartition(".")
            sections.setdefault(section, {})[name] = value
        changed = sections.pop("", {})
        changed |= {name: getattr(self, name).model_copy(update=update) for name, update in sections.items()}
        return self.model_copy(update=changed)

    @classmethod
    def read(cls, path: str | Path | None = None, overrides: JsonObject | None = None) -> Self:
        """Read a recipe from a TOML file, and replace some of its values.

        Parameters
        ----------
        path : str or Path, default=None
            The file; None for the defaults.
        overrides : dict, default=None
            Values by dotted key, as in ``{"split.kind": "time"}``; a value of None is ignored. Names of columns
            (``data.columns``) leave the others of the file.

        Returns
        -------
        Recipe

        Raises
        ------
        RecipeError
            If the file cannot be read or is not TOML, a key is unknown, or a value is not allowed.

        Examples
        --------
        >>> Recipe.read(overrides={"data.legitimate": "ham", "split.kind": None}).data.legitimate
        'ham'
        """
        origin = "recipe" if path is None else str(path)
        content = {} if path is None else _read_toml(Path(path))
        for dotted, value in (overrides or {}).items():
            if value is not None:
                _replace(content, dotted.split("."), value)
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise RecipeError(origin, [_describe(item) for item in error.errors()]) from None


def _replace(content: JsonObject, keys: list[str], value: Any) -> None:
    """Replace a value of a recipe; what should be a table and is not is left, since it is reported as such."""
    *tables, key = keys
    table = content
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            return
    if keys == NAMES_OF_COLUMNS and isinstance(value, dict):
        if not isinstance(named := table.get(key, {}), dict):
            return
        value = ReadOptions(value).or_else(ReadOptions(named)).columns
    table[key] = value


def _read_toml(path: Path) -> JsonObject:
    try:
        return read_toml(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(str(path), [f"cannot be read ({type(error).__name__}). Name a TOML file"]) from None
    except ValueError as error:
        raise RecipeError(str(path), [f"is not TOML: {error}"]) from None
    except RecursionError:
        raise RecipeError(str(path), ["is nested too deeply. Write sections and flat lists"]) from None


def _describe(item: Any) -> str:
    """Describe an error of pydantic in a line."""
    where = ".".join(str(part) for part in item["loc"]) or "recipe"
    if item["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    message = re.sub("Input should be|String should have", "expected", item["msg"].removeprefix("Value error, "))
    message = message.replace("a valid tuple", "a list")
    message = re.sub(r"a valid dictionary( or instance of \w+)?", "a table", message)
    return f"{where}: {message}" if ", got " in message else f"{where}: {message}, got {item['input']!r}"
