"""From the address of a model to the application that serves it."""

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fraudsieve.exceptions import ServiceError
from fraudsieve.models.artifact.model_address import is_mlflow_address, model_folder
from fraudsieve.service.settings import Settings
from fraudsieve.service.shared_model import FoundModel, SharedModel

if TYPE_CHECKING:
    from starlette.applications import Starlette

PACKAGES = ("starlette", "uvicorn", "httptools", "uvloop", "prometheus_client", "pydantic")


def check_installed() -> None:
    """Raise ServiceError if a package of the extra ``serve`` is missing; imports none of them."""
    for package in PACKAGES:
        if find_spec(package) is None:
            fix = "Install it: pip install 'fraudsieve[serve]'."
            raise ServiceError("fraudsieve serve", f"{package} is not installed", fix)


def load_app(settings: Settings) -> "Starlette":
    """Load the model that the settings name, or that the other workers use, and create its application."""
    # Imported here: a worker first says where its metrics are, and the supervisor imports none of this.
    from fraudsieve.models.predict import Scorer
    from fraudsieve.models.rules.files import read_rules
    from fraudsieve.service.app import create_app
    from fraudsieve.service.loaded_model import LoadedModel

    rules = None if settings.rules is None else read_rules(settings.rules)
    shared = SharedModel(settings.folder)
    with shared.locked():  # the first worker finds the model, and the others wait
        found = shared.read() or shared.write(find_model(settings.address or ""))
    scorer = Scorer.load(found.folder, digest=found.digest, rules=rules)
    shadow = None
    if settings.shadow is not None:
        challenger = find_model(settings.shadow)
        shadow = LoadedModel(Scorer.load(challenger.folder, digest=challenger.digest), challenger.version)
    return create_app(scorer, replace(settings, version=found.version), shadow=shadow)


def find_model(address: str) -> FoundModel:
    """Find a model; one of MLflow is downloaded."""
    if not is_mlflow_address(address) and (folder := model_folder(address)) == Path(address):
        return FoundModel(folder)  # MLflow is not needed
    # Standard error holds JSON lines only: neither MLflow's own log format nor its progress bars.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        from fraudsieve.models.flavor import logged_digest, resolve_version
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train,serve]', or pass a model folder."
        raise ServiceError(address, f"{error.name} is not installed", fix) from None
    version = None
    if address.startswith("models:/"):
        # The alias is resolved once, so that the version shown is the one that is loaded.
        version = resolve_version(address)
        address = f"{address.partition('@')[0]}/{version}" if "@" in address else address
    folder = model_folder(address)
    return FoundModel(folder, logged_digest(folder), version)
