"""The model whose recipe is trained again, and the versions that are registered under its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.promotion.refresh import recipe_to_repeat
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import is_new_store, tracking_uri, use_store
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION, RunContent, open_run


@dataclass(frozen=True, eq=False)
class Version:
    """A version of the registered model."""

    number: str
    model: Model


@dataclass(frozen=True, eq=False)
class BaseModel:
    """A model, its recipe for the tables of today, and the champion and the challenger of its name."""

    address: str
    model: Model
    recipe: Recipe
    champion: Version | None = None
    challenger: Version | None = None

    @property
    def in_use(self) -> Model:
        """The model that a new one would replace: the champion, or this one until there is a champion."""
        return self.model if self.champion is None else self.champion.model

    @property
    def registry(self) -> Registry:
        """The registered model in its store."""
        return Registry(tracking_uri(self.recipe.track.uri), self.recipe.name)

    @property
    def as_of(self) -> str:
        """The time before which records and labels are known."""
        assert self.recipe.data.as_of is not None  # a retraining always has one
        return self.recipe.data.as_of.isoformat(timespec="seconds")

    def register(self, folder: Path) -> str:
        """Make the model the first champion of its name; return its version, which is new unless it has one."""
        name = _registered_name(self.address)
        if name == self.recipe.name:
            registry = self.registry
            number = registry.version_of(self.address)
            with registry.sole_change():
                registry.make_champion(number, [number])
            return number
        text = f"Registered as the first champion, to compare later models with. Digest: `{self.model.digest}`"
        content = RunContent(f"{self.recipe.name}, first champion", text)
        with open_run(self.registry.uri, self.recipe.track.experiment, name=content.name) as run:
            logged = run.finish(folder, content, register_as=self.recipe.name)
        return self.registry.version_of(logged.model_uri)


def load_base(address: str | Path, changes: Mapping[str, Any]) -> BaseModel:
    """Load a model and its recipe, with some values replaced, and the versions of its name."""
    use_store(tracking_uri(changes.get("track.uri")))
    model = Scorer.load(address).model
    kept = recipe_to_repeat(model)
    if kept is None:
        problem = "expected a model with the recipe of its training, got one without, or with that of another version"
        raise ArtifactError(str(address), problem, "Train it again with train.")
    recipe = _recipe(kept, model, _registered_name(address), changes)
    uri = tracking_uri(recipe.track.uri)
    if is_new_store(uri):
        return BaseModel(str(address), model, recipe)
    registry = Registry(uri, recipe.name)
    aliases = registry.aliases() if registry.exists() else {}
    champion, challenger = (_version(registry, aliases.get(alias)) for alias in (CHAMPION, CHALLENGER))
    if champion is not None and "track.experiment" not in changes:
        experiment = registry.experiment(champion.number) or recipe.track.experiment
        recipe = recipe.model_copy(update={"track": recipe.track.model_copy(update={"experiment": experiment})})
    return BaseModel(str(address), model, recipe, champion, challenger)


def _recipe(kept: Recipe, model: Model, name: str | None, changes: Mapping[str, Any]) -> Recipe:
    defaults = {"name": name or kept.name, "data.subject": model.subject, "data.as_of": datetime.now(UTC)}
    given = {key: value for key, value in changes.items() if value is not None}
    return Recipe.read(overrides=kept.model_dump() | defaults | given)


def _registered_name(address: str | Path) -> str | None:
    """Return the name in the address of a version of a registered model; None for any other model."""
    match = re.fullmatch(r"models:/([^/]+)[/@][^/@]+", str(address))
    return None if match is None else match[1]


def _version(registry: Registry, number: str | None) -> Version | None:
    return None if number is None else Version(number, Scorer.load(registry.folder(number)).model)
