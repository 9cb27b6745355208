"""A model folder that Spark ships to its workers once, and that each process loads once."""

import atexit
import shutil
import tempfile
import uuid
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyspark import SparkFiles
from pyspark.sql import SparkSession

from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.predict import Scorer


@dataclass(frozen=True)
class ShippedModel:
    """A model that workers can load."""

    # Name of the archive among the files that Spark ships.
    archive: str
    # The digest of the model, which every process checks.
    digest: str

    def load(self) -> Scorer:
        """Return the scorer of this process."""
        return _load(self.archive, self.digest)


@lru_cache(maxsize=4)
def _load(archive: str, digest: str) -> Scorer:
    with tempfile.TemporaryDirectory(prefix="fraudsieve-model-") as folder:
        with zipfile.ZipFile(SparkFiles.get(archive)) as packed:
            packed.extractall(folder)
        return Scorer.load(folder, digest=digest)


def ship_model(session: SparkSession, address: str | Path) -> tuple[ShippedModel, Scorer]:
    """Check a model folder here, and give it to the session; executors fetch it before their first task."""
    folder = model_folder(address)
    scorer = Scorer.load(folder)
    place = Path(tempfile.mkdtemp(prefix="fraudsieve-spark-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)  # executors that start later fetch it too
    archive = place / f"fraudsieve-{scorer.model.digest[:16]}-{uuid.uuid4().hex[:8]}.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder).as_posix())
    session.addArtifacts(str(archive), file=True)
    return ShippedModel(archive.name, scorer.model.digest), scorer
