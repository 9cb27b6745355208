"""Copies of a model folder with changes that match its manifest, and a check of their rejection."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import read_model

FILES = (
    *("booster.txt", "calibration.json", "characters.npz", "manifest.json", "pinyin.npz", "unlike_training.npz"),
    "wording.npz",
)
POINT = {"name": "p", "threshold": 0.5, "false_positive_rate": 0.1, "recall": 0.5, "flagged": 0.2}
Manifest = dict[str, Any]
Copy = Callable[..., Path]


def assert_rejected(folder: Path, text: str, **pinned: str) -> ArtifactError:
    """Check that a folder is rejected with an error that names place, problem and fix."""
    with pytest.raises(ArtifactError, match=text) as caught:
        read_model(folder, **pinned)
    error = caught.value
    assert error.origin.startswith(str(folder))
    assert str(error) == f"{error.origin}: {error.problem}. {error.fix}"
    assert re.fullmatch(r"[A-Z].*\.", error.fix)
    assert isinstance(error, ValueError)
    return error


def arrays(folder: Path, **changes: Any) -> bytes:
    """Return the bytes of ``wording.npz`` with arrays changed; None removes one."""
    with np.load(folder / "wording.npz", allow_pickle=False) as stored:
        content = {name: stored[name] for name in stored.files} | changes
    stream = io.BytesIO()
    np.savez(stream, **{name: value for name, value in content.items() if value is not None})
    return stream.getvalue()


def every_path(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths to everything in a JSON document; of a list only the first two elements."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:2]) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from every_path(value, (*path, key))
