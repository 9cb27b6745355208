"""The server's open files; test_app and test_load test its connections."""

from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("hard", "expected"), [(4096, 1000), (600, 600)])
def test_the_soft_limit_on_open_files_is_raised(run_alone: Any, hard: int, expected: int) -> None:
    printed = run_alone(f"""
import logging, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))
logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
from fraudsieve.models.service.server import _allow_open_files
_allow_open_files(1000)
print(resource.getrlimit(resource.RLIMIT_NOFILE))
""")
    assert f"({expected}, {hard})" in printed
    assert ("too few open files are allowed" in printed) == (hard < 1000)
