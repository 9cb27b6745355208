"""TOML of unknown origin, in time proportional to its length."""

import re
import tomllib
from typing import Any, Final

__all__ = ["read_toml"]

MAX_KEY_PARTS: Final = 32
_QUOTED_OR_COMMENT: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\Z)'
    r"|'[^'\n]*+(?:'|(?=\n)|\Z)"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY: Final = re.compile(rf"(?:\.[ \t]*+[\w-]++[ \t]*+){{{MAX_KEY_PARTS}}}")


def read_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    The time of `tomllib` grows with the square of the parts of a key: a megabyte of ``a.a.a`` would take hours.

    Raises
    ------
    ValueError
        If it is not TOML, a number has thousands of digits, or a key has more than `MAX_KEY_PARTS` parts.
    RecursionError
        If it is nested too deeply.

    Examples
    --------
    >>> read_toml("a.b = 1")
    {'a': {'b': 1}}
    """
    if _LONG_KEY.search(_QUOTED_OR_COMMENT.sub("_", text)) is not None:
        raise ValueError(f"expected keys of at most {MAX_KEY_PARTS} parts, got a longer one")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("expected numbers and times in their range, got one outside") from None
