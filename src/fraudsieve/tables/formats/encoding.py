"""The encoding of a text file: given, detected, or UTF-8 with some broken lines."""

from typing import Final

import charset_normalizer
import pyarrow as pa

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError

from .loaded import MAX_BROKEN_SHARE
from .signatures import UTF_16

SAMPLE: Final = 200_000
"""Bytes from which the encoding is found."""
CHINESE: Final = ("gb2312", "gbk", "hz")
"""Encodings that GB18030 contains."""
COMMON_SHARE: Final = 0.9
MAX_CHAOS: Final = 0.1
"""Largest improbability of the characters of an encoding that no option names."""


def to_utf8(data: bytes, encoding: str | None, origin: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a text in UTF-8, and notes on its conversion."""
    if encoding is not None:
        return _decode(data, encoding, origin), ()
    if data.startswith(UTF_16):
        return _decode(data, "utf-16", origin), ()
    if _is_utf8(data):
        return data, ()
    lines = data.splitlines()[1:]
    broken = sum(not _is_utf8(line) for line in lines)
    if broken < len(lines) and broken <= max(2, MAX_BROKEN_SHARE * len(lines)):
        note = tr(
            "{n} lines are not in UTF-8: their broken characters were replaced by U+FFFD; if the file is in another "
            "encoding, name it with --encoding",
            n=broken,
        )
        return data.decode("utf-8", "replace").encode(), (note,)
    found = _find(data)
    if found is None:
        problem = f"{broken} of {len(lines)} rows are not in UTF-8, nor in an encoding that can be found"
        raise SchemaError(origin, problem, "Save the file as UTF-8, or name its encoding with --encoding.")
    note = tr("read as {encoding}; if characters look wrong, name another with --encoding", encoding=found)
    return _decode(data, found, origin), (note,)


def _decode(data: bytes, encoding: str, origin: str) -> bytes:
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except LookupError:
        problem = "--encoding: expected an encoding such as utf-8, gb18030 or utf-16, got an unknown one"
    except (UnicodeError, ValueError):  # the error quotes the text
        problem = f"the file is not in {encoding}"
    raise SchemaError(origin, problem, "Omit --encoding to detect it.")


def _find(data: bytes) -> str | None:
    """Return the most likely encoding in which the whole text is valid; None if none is likely."""
    end = data.rfind(b"\n", 0, SAMPLE) if len(data) > SAMPLE else len(data)
    if _is_common_chinese(data[:end]):
        encoding = "gb18030"
    else:
        best = charset_normalizer.from_bytes(data[:end]).best()
        if best is None or best.chaos > MAX_CHAOS:
            return None
        encoding = "gb18030" if best.encoding in CHINESE else best.encoding
    try:
        data.decode(encoding)
    except (UnicodeError, LookupError):
        return None
    return encoding


def _is_common_chinese(data: bytes) -> bool:
    """Return whether a text is GB18030, with nearly all characters among the 3,755 most common or punctuation.

    A few lines are enough for this, but not for statistics of characters.
    """
    try:
        wide = [character.encode("gb18030") for character in data.decode("gb18030") if not character.isascii()]
    except UnicodeError:
        return False
    common = sum(len(code) == 2 and code[1] >= 0xA1 and 0xA1 <= code[0] <= 0xD7 for code in wide)
    return common >= COMMON_SHARE * len(wide) > 0


def _is_utf8(data: bytes) -> bool:
    try:
        pa.array([data], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True
