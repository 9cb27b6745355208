"""All tests of this folder but that of the job once more, over Spark Connect: a process cannot have both sessions.

The check of a release runs all of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import CONNECT
from .java import has_java

pytest.importorskip("pyspark", reason="PySpark is not installed: the extra spark has it")


@pytest.mark.slow
@pytest.mark.skipif(not has_java(), reason="Java is not installed; Spark needs it")
@pytest.mark.parametrize("pattern", ["test_score_frames.py", "test_*.py"], ids=["scores", "all"])
def test_what_holds_in_a_classic_session_holds_over_spark_connect(pattern: str) -> None:
    pytest.importorskip("grpc", reason="grpcio is not installed: the extra spark has it")
    here = Path(__file__)
    files = [str(file) for file in here.parent.glob(pattern) if file.name not in ("test_job.py", here.name)]
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(call, capture_output=True, text=True, env=os.environ | {CONNECT: "1"}, timeout=900)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]
