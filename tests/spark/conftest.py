"""One local session of Spark for all tests of this folder; they are skipped without PySpark or Java."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .java import has_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "Asia/Shanghai",  # times are UTC whatever it is
}
CONNECT = "FRAUDSIEVE_TEST_SPARK_CONNECT"
"""With this variable, the tests run over Spark Connect. A process cannot have both kinds of sessions."""
# PySpark 4.0 leaves its sockets to the garbage collector.
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let PySpark leave sockets open, in the tests of this folder only."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(UNCLOSED)


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """A session with two cores."""
    if importlib.util.find_spec("pyspark") is None or not has_java():
        pytest.skip("PySpark or Java is not installed")
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    if CONNECT in os.environ:
        settings = " ".join(f"--conf {name}={value}" for name, value in SETTINGS.items())
        os.environ["PYSPARK_SUBMIT_ARGS"] = f"{settings} pyspark-shell"
        session = SparkSession.builder.remote("local[2]").getOrCreate()
    else:
        session = SparkSession.builder.master("local[2]").config(map=SETTINGS).getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
