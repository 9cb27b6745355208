"""The image of the examples, without Docker: its commands are run in order, as by a build and a start."""

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "Dockerfile"
TOKEN = "correct-horse-battery-staple"
COMMANDS = ("fraudsieve", "python")


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the name and the rest of every instruction, without comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.fixture(scope="module")
def image(binary: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The instructions, with a folder of this test for /opt and /tmp, and the model where COPY puts it."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "opt").mkdir()
    (folder / "opt" / "model").symlink_to(binary.folder)
    text = re.sub(r"/(opt|tmp)/", lambda match: f"{folder}/{match[1]}/", EXAMPLE.read_text("utf-8"))
    (folder / "tmp").mkdir()
    return instructions(text)


@dataclass(frozen=True)
class Build:
    """The environment at the end of the build, and the kernels that its warm-up compiled or loaded."""

    environment: dict[str, str]
    kernels: set[str]


def kernels_in(output: str) -> set[str]:
    """Return the files of kernels that a process with NUMBA_DEBUG_CACHE has loaded or saved."""
    paths = re.findall(r"\[cache\] data (?:loaded from|saved to) '(.+)'", output)
    return {"/".join(Path(path).parts[-2:]) for path in paths}


@contextmanager
def kernels_of_an_earlier_run(folder: Path, cache: Path) -> Iterator[None]:
    """Start with the kernels that an earlier run compiled from the same sources, as compiling takes a minute."""
    sources = sorted(path for package in ("features", "models") for path in (ROOT / package).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if (cache / digest).is_dir():
        shutil.copytree(cache / digest, folder)
    yield
    for old in cache.iterdir():
        shutil.rmtree(old)
    shutil.copytree(folder, cache / digest)


@pytest.fixture(scope="module")
def built(image: list[tuple[str, str]], binary: Any, request: pytest.FixtureRequest) -> Build:
    """Run the commands of the build, and return their result."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran, kernels = 0, set[str]()
    for name, rest in image:
        if name == "ENV":
            environment |= dict(word.split("=", 1) for word in shlex.split(rest))
        words = [word for word in shlex.split(rest) if "=" not in word.split("(")[0]]
        if name == "RUN" and words[0] in COMMANDS:
            variables = environment | {"DIGEST": binary.model.digest, "NUMBA_DEBUG_CACHE": "1"}
            command = partial(subprocess.run, ["sh", "-c", rest], check=True, env=variables, stdout=subprocess.PIPE)
            cache_folder = re.match(r"NUMBA_CACHE_DIR=(\S+)", rest)
            with ExitStack() as stack:
                if cache_folder:
                    cache = request.config.cache.mkdir("image-kernels")
                    stack.enter_context(kernels_of_an_earlier_run(Path(cache_folder[1]), cache))
                kernels |= kernels_in(command(text=True).stdout)
            ran += 1
    assert ran == 1
    return Build(environment, kernels)


@pytest.fixture(scope="module")
def started(
    image: list[tuple[str, str]], built: Build, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Start ENTRYPOINT and CMD; yield the address and the log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    last = dict(image)
    call = [*json.loads(last["ENTRYPOINT"]), *json.loads(last["CMD"]), "--host", "127.0.0.1", "--port", str(port)]
    environment = built.environment | {"FRAUDSIEVE_TOKEN": TOKEN, "NUMBA_DEBUG_CACHE": "1", "PYTHONUNBUFFERED": "1"}
    log = tmp_path_factory.mktemp("log") / "log"
    with log.open("wb") as stream, subprocess.Popen(call, stdout=stream, stderr=stream, env=environment) as process:
        try:
            deadline = time.monotonic() + 120
            while "ready" not in log.read_text("utf-8"):
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, log.read_text("utf-8")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", log
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.slow
def test_the_image_scores_without_compiling(started: tuple[str, Path], built: Build, binary: Any) -> None:
    address, log = started
    body = json.dumps([{"text": text} for text in binary.texts[:100]]).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/v1/score?reasons=true", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 200
    written = log.read_text("utf-8")
    assert len(kernels_in(written)) > 10
    assert kernels_in(written) <= built.kernels
    assert "[cache] data saved" not in written


@pytest.mark.slow
def test_another_model_fails_the_build(image: list[tuple[str, str]], built: Build) -> None:
    (check,) = [rest for name, rest in image if name == "RUN" and "fraudsieve verify" in rest]
    done = subprocess.run(["sh", "-c", check], env=built.environment | {"DIGEST": "0" * 64}, capture_output=True)
    assert done.returncode == 2


def test_the_user_is_not_root_and_nothing_of_the_image_is_written_at_run_time(image: list[tuple[str, str]]) -> None:
    names = [name for name, _ in image]
    last = dict(image)
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert last["USER"] not in ("0", "root")
    assert dict(word.split("=", 1) for word in shlex.split(last["ENV"]))["NUMBA_CACHE_DIR"].endswith("/tmp/kernels")
