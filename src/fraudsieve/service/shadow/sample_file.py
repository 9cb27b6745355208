"""The sample of a shadow: JSON Lines in two files of bounded size, without texts."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fraudsieve._io import PRIVATE, check_output_file

__all__ = ["SampleFile"]


class SampleFile:
    """A file of JSON Lines. When it is full, it becomes ``<name>.1``, and a new one begins.

    An earlier ``<name>.1`` is replaced. Only its owner can read it.

    Parameters
    ----------
    path : str or Path
        The file; an existing one is continued.
    max_bytes : int
        Size of both files together.

    Raises
    ------
    IsADirectoryError, PermissionError
        If it cannot be written.
    """

    def __init__(self, path: str | Path, max_bytes: int) -> None:
        self.path, self.max_bytes = Path(path), max_bytes
        check_output_file(self.path)
        self._append(b"")

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        content = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode()
        if content:
            self._append(content)

    def _append(self, content: bytes) -> None:
        # Opened for each call: whoever moves or deletes the file in between gets a new one.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        try:
            os.write(descriptor, content)
            is_full = os.fstat(descriptor).st_size > self.max_bytes // 2
        finally:
            os.close(descriptor)
        if is_full:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
