"""The bytes of a file: unpacked, and checked to be what its ending says."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Final

from fraudsieve.exceptions import SchemaError

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
