"""The content of a file: its first bytes, and its encoding, given, detected, or UTF-8 with some broken lines."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Final

import charset_normalizer
import pyarrow as pa

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError

from .loaded import MAX_BROKEN_SHARE

SAMPLE: Final = 200_000
"""Bytes from which the encoding is found."""
CHINESE: Final = ("gb2312", "gbk", "hz")
"""Encodings that GB18030 contains."""
COMMON_SHARE: Final = 0.9
MAX_CHAOS: Final = 0.1
"""Largest improbability of the characters of an encoding that no option names."""


BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
TEXT_FORMATS: Final = ("CSV", "JSON Lines")
_SIGNATURES: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"[": "one JSON array",
    b"{": "JSON Lines",
}


def check_format(head: bytes, expected: str, origin: str) -> None:
    """Raise SchemaError if the first bytes of a file are of another format."""
    head = head.removeprefix(BOM).lstrip()
    if not head:
        raise SchemaError(origin, f"expected {expected}, got an empty file", "Write it again with rows.")
    seen = next((name for sign, name in _SIGNATURES.items() if head.startswith(sign)), "something else")
    is_text = expected in TEXT_FORMATS and (seen == "something else" or head.startswith(UTF_16))
    if seen != expected and not is_text:
        raise SchemaError(origin, f"expected {expected}, got {seen}", "Rename or convert the file.")


def check_exists(file: Path, origin: str) -> None:
    """Raise SchemaError if there is no such file."""
    if not file.is_file():
        problem = "expected a file, got a folder" if file.is_dir() else "there is no such file"
        raise SchemaError(origin, problem, "Check the path.")


def read_content(file: Path, expected: str, origin: str) -> bytes:
    """Return the unpacked bytes of a text file, which may be compressed by gzip or be the only file of a zip
    archive."""
    data, name = file.read_bytes(), file.name.lower()
    if name.endswith(".gz"):
        check_format(data[:64], "gzip", origin)
        data = gzip.decompress(data)
    elif name.endswith(".zip"):
        data = _only_member(data, origin)
    check_format(data[:4096], expected, origin)
    return data.removeprefix(BOM)


def _only_member(data: bytes, origin: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) == 1:
                return archive.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        problem = f"the archive cannot be read ({type(error).__name__})"
        raise SchemaError(origin, problem, "Pack it again, without a password.") from None
    raise SchemaError(origin, f"expected an archive of one file, got {len(members)}", "Unpack it, and name the file.")


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
