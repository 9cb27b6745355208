"""A registered model in MLflow: which version is champion, which were before it, and what was decided of each."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.flavor import model_folder

from .run import CHAMPION, quiet, use_store

__all__ = ["CHAMPIONS", "DECISION", "Registry"]

CHAMPIONS = "promotion.champions"
"""The tag of a registered model with the versions that were champion, the oldest first and the one in use last."""
DECISION = "promotion.decision"
"""The tag of a version, and of its run, with what was last decided of it."""
MOST_CHAMPIONS = 100
"""So many versions are remembered: MLflow bounds the length of a tag."""


class Registry:
    """A registered model.

    Parameters
    ----------
    uri : str
        The store, as from `tracking_uri`. MLflow uses it from now on.
    name : str
        Name of the registered model.

    Examples
    --------
    ::

        registry = Registry("sqlite:///mlflow.db", "fraudsieve")
        registry.aliases()  # {'champion': '1', 'challenger': '2'}
    """

    def __init__(self, uri: str, name: str) -> None:
        use_store(uri)
        self.name = name
        self.client = mlflow.MlflowClient(uri, uri)

    def aliases(self) -> dict[str, str]:
        """Return the version that each alias points to now.

        Returns
        -------
        dict of str to str

        Raises
        ------
        ArtifactError
            When there is no such registered model.
        """
        return {alias: str(version) for alias, version in self._registered().aliases.items()}

    def champions(self) -> list[str]:
        """Return the versions that were promoted, the oldest first; none when none was.

        Returns
        -------
        list of str
        """
        return [version for version in self._registered().tags.get(CHAMPIONS, "").split(",") if version]

    def version_of(self, address: str) -> str:
        """Return the version behind an address.

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
            When it is no such address, or leads nowhere.
        """
        found = re.fullmatch(rf"models:/{re.escape(self.name)}(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))", address)
        if found is None:
            fix = f"Name models:/{self.name}@challenger or models:/{self.name}/VERSION."
            raise ArtifactError(address, f"is no version of the registered model {self.name!r}", fix)
        version = found["version"] or self.aliases().get(found["alias"])
        if version is None:
            raise ArtifactError(address, "leads nowhere: there is no such alias", "Train a model there, or name one.")
        return version

    def address(self, version: str) -> str:
        """Return the address of a version.

        Parameters
        ----------
        version : str
            The version.

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
            The version.

        Returns
        -------
        Path

        Raises
        ------
        ArtifactError
            When there is no such version.
        """
        with quiet():
            return model_folder(self.address(version))

    def crown(self, version: str, champions: list[str]) -> None:
        """Make a version champion.

        Parameters
        ----------
        version : str
            The version.
        champions : list of str
            What is to be remembered: the versions that were champion, the oldest first, this one last.

        Raises
        ------
        ArtifactError
            When there is no such version.
        """
        try:
            self.client.get_model_version(self.name, version)
        except MlflowException as error:
            raise self._missing(self.address(version), error) from None
        # The alias comes last: what is remembered without it does no harm.
        self.client.set_registered_model_tag(self.name, CHAMPIONS, ",".join(champions[-MOST_CHAMPIONS:]))
        self.client.set_registered_model_alias(self.name, CHAMPION, version)

    def record(self, version: str, decision: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Write down what was decided of a version: as its tags, and in its run.

        Parameters
        ----------
        version : str
            The version.
        decision : mapping
            All that is to be known, of plain JSON types; it becomes a file of the run, and none is overwritten.
        tags : mapping of str to str
            What is shown at a glance.
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

    def _registered(self) -> RegisteredModel:
        try:
            return self.client.get_registered_model(self.name)
        except MlflowException as error:
            raise self._missing(f"models:/{self.name}", error) from None

    def _missing(self, address: str, error: MlflowException) -> Exception:
        """Tell what is not there from a store that cannot be asked."""
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            return error
        problem = "is not in the store that the recipe or MLFLOW_TRACKING_URI names"
        return ArtifactError(address, problem, "Train a model there, or name one that is.")
