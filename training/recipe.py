"""The recipe: all that a training run needs to know, with a default for everything."""

import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fraudsieve.features.exceptions import FraudsieveError

__all__ = ["DataRecipe", "FeatureRecipe", "ModelRecipe", "Recipe", "RecipeError", "SplitRecipe", "TrackRecipe"]


class RecipeError(FraudsieveError, ValueError):
    """A recipe says something that no run can do.

    Parameters
    ----------
    origin : str
        The file, or a name for the call.
    problems : list of str
        A line a problem.

    Examples
    --------
    >>> print(RecipeError("r.toml", ["split.kind: expected 'time'"]))
    r.toml: split.kind: expected 'time'
    """

    def __init__(self, origin: str, problems: list[str]) -> None:
        super().__init__(f"{origin}: " + "; ".join(problems))
        self.origin = origin
        self.problems = problems

    def __reduce__(self) -> tuple[type["RecipeError"], tuple[str, list[str]]]:
        return type(self), (self.origin, self.problems)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Part):
    """Where the tables are, and which class is no crime."""

    messages: Path | None = None
    labels: Path | None = None
    legitimate: str = "legitimate"
    min_label_rows: int = Field(default=10, ge=2)


class SplitRecipe(_Part):
    """What is held back: the test slice, and the slice that calibrates."""

    kind: Literal["auto", "time", "campaign", "random"] = "auto"
    test_share: float = Field(default=0.2, gt=0, lt=0.9)
    calibration_share: float = Field(default=0.15, gt=0, lt=0.9)
    gap_days: float | None = Field(default=None, ge=0)


class FeatureRecipe(_Part):
    """Settings of `MessageFeatures`."""

    C: float = Field(default=3.0, gt=0)
    min_messages: int = Field(default=2, ge=1)
    n_folds: int = Field(default=5, ge=2)


class ModelRecipe(_Part):
    """Settings of `FraudClassifier`."""

    n_rounds: int = Field(default=80, ge=1)
    learning_rate: float = Field(default=0.05, gt=0)
    num_leaves: int = Field(default=7, ge=2)
    min_leaf_weight: float = Field(default=3.0, ge=0)
    min_leaf_rows: int = Field(default=10, ge=1)
    feature_fraction: float = Field(default=0.5, gt=0, le=1)
    row_fraction: float = Field(default=0.8, gt=0, le=1)
    l2: float = Field(default=1.0, ge=0)


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
    model : ModelRecipe
        Settings of `FraudClassifier`.
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
    model: ModelRecipe = ModelRecipe()
    track: TrackRecipe = TrackRecipe()

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
