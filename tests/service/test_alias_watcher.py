"""A service that follows an alias in a real registry: good versions take over, bad ones are rejected."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import Scorer
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.flavor import logged_digest, resolve_version
from fraudsieve.service.loaded_model import why_incompatible
from tests.messages import refused
from tests.service.conftest import Registry, registry_with
from tests.service.processes.conftest import Workers, wait_until

pytestmark = pytest.mark.slow

NAME = "sms"


@pytest.fixture(scope="module")
def registry(binary: Any, several: Any, types: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Versions 1 and 2 are good, 3 was changed, 4 is not the logged model, 5 has no legitimate class."""
    models = [model.folder for model in (binary, several, several, several, types)]
    with registry_with(tmp_path_factory.mktemp("registry"), NAME, models) as registry:
        changed = model_folder(f"models:/{NAME}/3") / "booster.txt"
        changed.write_bytes(changed.read_bytes() + b"\n")
        other = model_folder(f"models:/{NAME}/4")
        shutil.rmtree(other)
        shutil.copytree(binary.folder, other)  # complete, but not the logged model
        yield registry


def load_on(service: Any, record: dict[str, Any]) -> AbstractContextManager[list[Any]]:
    """Run four clients that score without a pause; yield their responses."""
    return Workers(service).load(lambda client, _: client.post("/v1/score", json=record))


def version_of(service: Any) -> Any:
    with service.client() as client:
        return client.get("/v1/model").json()["version"]


def test_a_service_follows_its_alias(serve: Any, registry: Registry, binary: Any, several: Any) -> None:
    registry.champion("1")
    service = serve(f"models:/{NAME}@champion", "--watch-seconds", "0.3", **registry.environment)
    assert version_of(service) == "1"
    record = {"text": several.texts[0]}
    expected = {model.model.digest: Scorer.load(model.folder).score(record) for model in (binary, several)}

    # A new version takes over, and no request fails.
    with load_on(service, record) as answers:
        wait_until(lambda: answers)
        registry.champion("2")
        wait_until(lambda: version_of(service) == "2")
        before = len(answers)
        wait_until(lambda: len(answers) > before + 20)
    assert {answer.status_code for answer in answers} == {200}
    scores = [answer.json() for answer in answers]
    assert all(score == expected[score["model"]["digest"]] for score in scores)
    assert {score["model"]["digest"] for score in scores} == set(expected)
    assert scores[-1]["model"]["digest"] == several.model.digest
    assert service.metric('fraudsieve_model_swaps_total{outcome="swapped"}') == 1
    shown = f'fraudsieve_model{{digest="{several.model.digest}",name="several",version="2"}}'
    assert service.metric(shown) == 1

    # Bad ones are rejected once each, and the model in use stays.
    for number, bad in enumerate(("3", "4", "5"), start=1):
        with load_on(service, record) as answers:
            registry.champion(bad)
            wait_until(lambda n=number: service.metric('fraudsieve_model_swaps_total{outcome="refused"}') == n)
            n_checks = service.metric('fraudsieve_model_swaps_total{outcome="same"}')
            wait_until(lambda n=n_checks: service.metric('fraudsieve_model_swaps_total{outcome="same"}') > n + 1)
        assert {answer.status_code for answer in answers} == {200}
        assert all(answer.json() == expected[several.model.digest] for answer in answers)
        assert service.metric('fraudsieve_model_swaps_total{outcome="refused"}') == number
    lines = service.lines("model refused")
    assert [(line["version"], line["in_use"]) for line in lines] == [("3", "2"), ("4", "2"), ("5", "2")]
    assert "SHA-256" in lines[0]["why"]
    assert "expected digest" in lines[1]["why"]
    assert "gives a probability of fraud" in lines[2]["why"]

    # A deleted alias changes nothing; a restored one is followed.
    registry.client.delete_registered_model_alias(NAME, "champion")
    wait_until(lambda: service.metric('fraudsieve_model_swaps_total{outcome="unreachable"}') > 0)
    assert version_of(service) == "2"
    registry.champion("1")
    wait_until(lambda: version_of(service) == "1")
    with service.client() as client:
        assert client.post("/v1/score", json=record).json() == expected[binary.model.digest]
    assert service.stop() == 0


def test_addresses_and_digests(registry: Registry, several: Any) -> None:
    registry.champion("2")
    assert resolve_version(f"models:/{NAME}@champion") == "2"
    assert logged_digest(model_folder(f"models:/{NAME}/2")) == several.model.digest
    assert logged_digest(several.folder) is None
    for wrong in ("models:/", "models:/a", "runs:/a", "models:/a@b@c", "models:/a/latest", "folder"):
        with pytest.raises(ArtifactError, match="is not the address of a registered version"):
            resolve_version(wrong)
    with refused(ArtifactError):
        resolve_version("models:/none@champion")


def test_which_model_can_replace_another(binary: Any, several: Any, types: Any, accounts_folder: Path) -> None:
    accounts = Scorer.load(accounts_folder).model
    assert why_incompatible(binary.model, several.model) is None
    assert "it scores accounts" in str(why_incompatible(binary.model, accounts))
    assert "probability of fraud" in str(why_incompatible(binary.model, types.model))
