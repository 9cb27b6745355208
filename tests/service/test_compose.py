"""The compose file of the examples, without Docker: its form, its options, and its commands on one PostgreSQL."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import mlflow.cli
import pytest
import yaml
from packaging.version import Version

from fraudsieve.models.flavor import log_model
from tests.live.postgres import PostgresServer, binaries, running_server
from tests.mlflow_servers import running_mlflow
from tests.service.test_image import parse_command
from tests.service.test_nginx import EXAMPLE as NGINX

COMPOSE = Path(__file__).parents[2] / "examples" / "docker" / "compose.yaml"
CONTENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
SERVICES: dict[str, Any] = CONTENT["services"]
MLFLOW, SERVE = SERVICES["mlflow"]["entrypoint"], SERVICES["service"]["command"]
OLD_MLFLOW = pytest.mark.skipif(
    Version(mlflow.__version__) < Version("3.5"), reason="MLflow has no --allowed-hosts before version 3.5"
)


def options_of(words: list[str]) -> dict[str, str]:
    """Return the options of a command, each written as --name=value."""
    return {name: value for name, _, value in (word.partition("=") for word in words if word.startswith("--"))}


@pytest.mark.slow
def test_the_file_has_the_form_of_compose_files(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text("utf-8").replace("read_only: true", "readonly: true"), "utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    codes = [subprocess.run([*check, str(path)], capture_output=True).returncode for path in (COMPOSE, wrong)]
    assert codes == [0, 1]


@OLD_MLFLOW
def test_the_commands_can_be_parsed() -> None:
    parse_command(SERVE)
    assert MLFLOW[:2] == ["mlflow", "server"]
    mlflow.cli.cli.commands["server"].make_context("server", MLFLOW[2:])


def test_what_is_named_exists() -> None:
    build = SERVICES["service"]["build"]
    assert (COMPOSE.parent / build["context"] / build["dockerfile"]).exists()
    (conf, *_) = [volume.partition(":")[0] for volume in SERVICES["proxy"]["volumes"]]
    assert (COMPOSE.parent / conf).resolve() == NGINX
    assert {name for one in SERVICES.values() for name in one.get("depends_on", ())} <= SERVICES.keys()
    assert urlsplit(SERVICES["service"]["environment"]["MLFLOW_TRACKING_URI"]).netloc in MLFLOW[-1]


def test_only_the_proxy_is_reached_from_other_machines() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {"mlflow": ["127.0.0.1:5000:5000"], "service": ["443:443"]}
    assert "listen 443 ssl;" in NGINX.read_text("utf-8")
    assert SERVICES["proxy"]["network_mode"] == "service:service"


def test_no_secret_has_a_default() -> None:
    settings = [value for one in SERVICES.values() for value in one.get("environment", {}).items()]
    secrets = [value for name, value in settings if name.endswith(("PASSWORD", "TOKEN"))]
    assert len(secrets) == 4
    assert all(value.startswith("${") and ":?" in value for value in secrets)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with running_server() as server:
        yield server


@pytest.mark.slow
@OLD_MLFLOW
@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_a_model_of_mlflow_is_served_and_both_keep_their_tables_in_postgresql(
    postgres: PostgresServer, binary: Any, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, serving = options_of(MLFLOW), options_of(SERVE)
    database = postgres.new_address().rpartition("/")[2]
    here = {  # SQLAlchemy takes the path of a socket as a parameter
        "--backend-store-uri": f"postgresql+psycopg://tester@/{database}?host={postgres.socket}",
        "--artifacts-destination": str(tmp_path / "artifacts"),
        "--allowed-hosts": f"{given['--allowed-hosts']},127.0.0.1:*",
    }
    assert given["--backend-store-uri"].startswith("postgresql+psycopg://")
    options = [f"{name}={value}" for name, value in (given | here).items() if name not in ("--host", "--port")]
    with running_mlflow(tmp_path, "server", *options, ready="/health") as address:
        assert answer_for("mlflow:5000", address) == 200
        assert answer_for("elsewhere.example:5000", address) == 403
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow.set_tracking_uri(address)
        mlflow.set_registry_uri(address)  # another test may have set it
        with mlflow.start_run():
            log_model(binary.folder, registered_model_name="fraudsieve")
        mlflow.MlflowClient().set_registered_model_alias("fraudsieve", "champion", "1")
        state = {"--state": postgres.new_address(), "--host": "127.0.0.1", "--workers": "1"}
        options = [f"{name}={value}" for name, value in (serving | state).items() if name != "--model"]
        service = serve("models:/fraudsieve@champion", *options, ready=False, MLFLOW_TRACKING_URI=address)
        service.wait_for("ready", 180)
        with service.client() as client:
            client.post("/v1/score", json={"message_id": "m1", "text": binary.texts[0]}).raise_for_status()
        assert service.stop() == 0
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    mlflow.set_registry_uri(None)  # type: ignore[arg-type]
    assert os.listdir(tmp_path / "artifacts")


def answer_for(host: str, address: str) -> int:
    """Return the status of a request to a server that names a host."""
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/experiments/search?max_results=1", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
