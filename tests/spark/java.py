"""Whether Java is installed, which Spark needs."""

import os
import shutil
from pathlib import Path

__all__ = ["has_java"]


def has_java() -> bool:
    """Return whether Spark finds Java."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None or bool(home and (Path(home) / "bin" / "java").is_file())
