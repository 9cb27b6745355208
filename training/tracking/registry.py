"""A registered model in MLflow: its champion, earlier champions, and the decisions on its versions."""

import json
import random
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import LifecycleStage
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.model_address import model_folder, not_in_store

from .store import check_store, quiet, use_store
from .tracked_run import CHAMPION, REPORT, SPLIT_MODEL

CHAMPIONS = "promotion.champions"
"""Tag of a registered model: the versions that were champion, oldest first, the current one last."""
DECISION = "promotion.decision"
"""Tag of a version and of its run: the last decision."""
BY_HAND = "promotion.by_hand"
"""Tag of a version that was promoted by hand, and of its run: when, by whom, why, and which gates it did not pass. It
stays after later decisions."""
CLAIM = "promotion.in_progress."
"""Begin of the tag of a registered model that a process sets while it changes the champion, with the time."""
CLAIM_SECONDS = 300.0
"""A tag that is older was left by a process that was killed, or its time is that of a wrong clock."""
TURN_SECONDS = 30.0
MAX_CHAMPIONS = 100
"""Number of versions in the tag of champions, because MLflow limits the length of a tag."""


class Registry:
    """A registered model.

    Parameters
    ----------
    uri : str
        The store, as from `tracking_uri`. MLflow then uses this store in the whole process.
    name : str
        Name of the registered model.

    Raises
    ------
    TrackingError
        If the store does not answer.

    Examples
    --------
    ::

        registry = Registry("sqlite:///mlflow.db", "fraudsieve")
        registry.aliases()  # {'champion': '1', 'challenger': '2'}
    """

    def __init__(self, uri: str, name: str) -> None:
        check_store(uri)
        use_store(uri)
        self.uri, self.name = uri, name
        self.client = mlflow.MlflowClient(uri, uri)

    def exists(self) -> bool:
        """Return whether there is a registered model of this name.

        Returns
        -------
        bool

        Raises
        ------
        ArtifactError
            If the store cannot be read.
        """
        try:
            self.client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise not_in_store(f"models:/{self.name}", self.uri, error) from None
            return False
        return True

    def report(self, version: str) -> JsonObject | None:
        """Return the evaluation report in the run of a version; None if it has none.

        Parameters
        ----------
        version : str

        Returns
        -------
        dict or None
        """
        run_id = self.client.get_model_version(self.name, version).run_id
        if not run_id or REPORT not in {file.path for file in self.client.list_artifacts(run_id)}:
            return None
        with quiet():
            return dict(mlflow.artifacts.load_dict(f"runs:/{run_id}/{REPORT}"))

    def experiment(self, version: str) -> str | None:
        """Return the name of the experiment with the run of a version; None if it has no run, or it was deleted.

        Parameters
        ----------
        version : str

        Returns
        -------
        str or None
        """
        run_id = self.client.get_model_version(self.name, version).run_id
        if not run_id:
            return None
        experiment = self.client.get_experiment(self.client.get_run(run_id).info.experiment_id)
        return str(experiment.name) if experiment.lifecycle_stage == LifecycleStage.ACTIVE else None

    def aliases(self) -> dict[str, str]:
        """Return the version of each alias.

        Returns
        -------
        dict of str to str

        Raises
        ------
        ArtifactError
            If the registered model does not exist.
        """
        return {alias: str(version) for alias, version in self._registered().aliases.items()}

    def champions(self) -> list[str]:
        """Return the versions that were champion, oldest first.

        Returns
        -------
        list of str
        """
        return [version for version in self._registered().tags.get(CHAMPIONS, "").split(",") if version]

    def version_of(self, address: str) -> str:
        """Return the version that an address names.

        Parameters
        ----------
        address : str
            ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``, of this registered model.

        Returns
        -------
        str

        Raises
        ------
        ArtifactError
            If the address is not of this form, or the alias does not exist.
        """
        match = re.fullmatch(rf"models:/{re.escape(self.name)}(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))", address)
        if match is None:
            fix = f"Use models:/{self.name}@challenger or models:/{self.name}/VERSION."
            raise ArtifactError(address, f"is not a version of the registered model {self.name!r}", fix)
        version = match["version"] or self.aliases().get(match["alias"])
        if version is None:
            raise ArtifactError(address, "has an alias that does not exist", "Train a model, or use another alias.")
        return version

    def address(self, version: str) -> str:
        """Return the address of a version.

        Parameters
        ----------
        version : str

        Returns
        -------
        str
        """
        return f"models:/{self.name}/{version}"

    def folder(self, version: str) -> Path:
        """Return a local copy of the model folder of a version.

        Parameters
        ----------
        version : str

        Returns
        -------
        Path

        Raises
        ------
        ArtifactError
            If the version does not exist.
        """
        with quiet():
            return model_folder(self.address(version))

    def split_model_folder(self, version: str) -> Path | None:
        """Return a local copy of the evaluated model of a version that was trained again.

        Parameters
        ----------
        version : str

        Returns
        -------
        Path or None
            None if the run of the version has no such model.
        """
        run_id = self.client.get_model_version(self.name, version).run_id
        if not run_id or SPLIT_MODEL not in {file.path for file in self.client.list_artifacts(run_id)}:
            return None
        with quiet():
            return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=SPLIT_MODEL))

    def make_champion(self, version: str, champions: list[str]) -> None:
        """Make a version champion.

        Parameters
        ----------
        version : str
        champions : list of str
            The versions that were champion, oldest first, this one last.

        Raises
        ------
        ArtifactError
            If the version does not exist.
        """
        try:
            self.client.get_model_version(self.name, version)
        except MlflowException as error:
            raise not_in_store(self.address(version), self.uri, error) from None
        # The alias is set last, because a tag without the alias does no harm.
        self.client.set_registered_model_tag(self.name, CHAMPIONS, ",".join(champions[-MAX_CHAMPIONS:]))
        self.client.set_registered_model_alias(self.name, CHAMPION, version)

    @contextmanager
    def sole_change(self) -> Iterator[None]:
        """Change the champion while no other process does: each waits for the others, at most `TURN_SECONDS`.

        Every process writes a tag and then reads those of all: of two, at least one sees the other, takes its own back
        and tries again. MLflow has no other means that all of its stores have.

        Yields
        ------
        None

        Raises
        ------
        ArtifactError
            If another process does not finish, or a killed one left its tag, which counts for `CLAIM_SECONDS`.
        """
        claim, end = f"{CLAIM}{uuid.uuid4().hex}", time.monotonic() + TURN_SECONDS
        while not self._claims(claim):
            if time.monotonic() > end:
                problem = f"another process has been changing the champion for {TURN_SECONDS:g} s"
                fix = f"Try again. A tag {CLAIM}* of a killed process counts for {CLAIM_SECONDS / 60:g} minutes."
                raise ArtifactError(f"models:/{self.name}", problem, fix)
            time.sleep(random.uniform(0.05, 0.5))
        try:
            yield
        finally:
            self.client.delete_registered_model_tag(self.name, claim)

    def _claims(self, claim: str) -> bool:
        """Write a tag, and return whether it is the only one; otherwise take it back."""
        self.client.set_registered_model_tag(self.name, claim, f"{time.time():.0f}")
        tags = self._registered().tags
        others = [name for name in tags if name.startswith(CLAIM) and name != claim]
        old = [name for name in others if abs(time.time() - float(tags[name])) > CLAIM_SECONDS]
        for name in [*old, *([claim] if len(others) > len(old) else [])]:
            self.client.delete_registered_model_tag(self.name, name)
        return len(others) == len(old)

    def record(self, version: str, decision: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Log a decision on a version: as tags of the version, and in its run.

        Parameters
        ----------
        version : str
        decision : mapping
            The decision, of JSON types; it is logged as a new file of the run.
        tags : mapping of str to str
            Tags of the version and of its run.
        """
        for name, value in tags.items():
            self.client.set_model_version_tag(self.name, version, name, value)
        run_id = self.client.get_model_version(self.name, version).run_id
        if not run_id:
            return
        for name, value in tags.items():
            self.client.set_tag(run_id, name, value)
        text = json.dumps(decision, indent=1, ensure_ascii=False, allow_nan=False)
        self.client.log_text(run_id, text, f"promotion/{re.sub('[^0-9TZ]', '', decision['at'])}.json")

    def describe(self, version: str, line: str) -> None:
        """Put a line before the description of a version, where MLflow's list of versions shows it.

        Parameters
        ----------
        version : str
        line : str
        """
        before = self.client.get_model_version(self.name, version).description
        self.client.update_model_version(self.name, version, "\n\n".join(filter(None, (line, before))))

    def _registered(self) -> RegisteredModel:
        try:
            return self.client.get_registered_model(self.name)
        except MlflowException as error:
            raise not_in_store(f"models:/{self.name}", self.uri, error) from None
