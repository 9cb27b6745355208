"""Arrays in an npz file, whose declared sizes are checked against limits before anything is unpacked.

Bounds on every size in a manifest, checked before anything is built from it.

A list of a few megabytes can describe millions of columns, and building them takes minutes. The same bounds are checked
before a model is written, so that every written model can be read.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.profile.custom_columns import MAX_TEXTS

ENTRY_BYTES: Final = 4096
"""Maximum size of an array's header, in bytes."""


def pack_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays of numbers as a compressed npz file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read_arrays(content: bytes, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Read the arrays of an npz file, none larger than its limit in `sizes`, in bytes.

    A few kilobytes can unpack to gigabytes, and the header of an array can demand any memory. The sizes in the archive
    are therefore checked first, and no more bytes are unpacked. An array that differs from its header is rejected.
    """
    if not content.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile("the file does not start with an archive")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if sorted(entry.filename for entry in entries) != sorted(f"{name}.npy" for name in sizes):
            raise ValueError(
                f"expected the arrays {', '.join(sorted(sizes))}, got {len(entries)} arrays of other names"
            )
        for entry in entries:
            limit = sizes[entry.filename.removesuffix(".npy")]
            if entry.file_size > limit + ENTRY_BYTES:
                raise ValueError(f"expected at most {limit} bytes, an array unpacks to {entry.file_size}")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("an array has a compression that NumPy does not use")
        return {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in entries}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size)  # with a size it unpacks no more, whatever follows
        stream.read(1)  # reading to the end compares the checksum
    head = io.BytesIO(content)
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("an array has another version of NumPy's format")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - head.tell():
        raise ValueError("an array does not match its header")
    # Compiled code reads only the byte order of this machine.
    flat = np.frombuffer(content, dtype, offset=head.tell()).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if in_columns else "C")


MANIFEST_BYTES: Final = 16 << 20
TEXT_PREFIXES: Final = tuple(f"text{place}-" for place in range(1, 1 + MAX_TEXTS))
"""Of the files of further columns of texts, in their order."""
_OF_TEXT: Final = {"wording.npz": 1 << 30, "pinyin.npz": 1 << 30, "characters.npz": 256 << 20, "lists.json": 4 << 20}
FILE_BYTES: Final[Mapping[str, int]] = {
    "booster.txt": 256 << 20,
    "calibration.json": 4 << 10,
    "unlike_training.npz": 1 << 20,
    **{f"{prefix}{name}": size for prefix in ("", *TEXT_PREFIXES) for name, size in _OF_TEXT.items()},
}
"""The files of a model, and the maximum size of each in bytes."""
MAX_ARRAY_BYTES: Final = 1 << 30
MAX_COLUMNS: Final = 20_000
MAX_CLASSES: Final = 256
MAX_POINTS: Final = 1000
MAX_NAME: Final = 256
"""Maximum number of characters of the name of a model, and of a class."""
MAX_ITEMS: Final = 1000
"""Maximum length of any list of a feature declaration, such as the custom columns that are numbers, or those that are
categories. The words of categories have a bound of their own."""
MAX_WORDS: Final = 1_000_000
"""Maximum number of words of all categories."""
DEFAULT_LENGTHS: Final = {"windows": 4, "measures": 32, "by_kind": 2, "kinds": 0, "identifiers": 0, "types": 0}
"""Upper bounds of the lengths of the lists that a view in a manifest leaves out."""


def size_problem(manifest: Mapping[str, Any]) -> str | None:
    """Return which size in a manifest is out of bounds; None if all are within them."""
    limits = {
        "columns": MAX_COLUMNS,
        "classes": MAX_CLASSES,
        "operating_points": MAX_POINTS,
    }
    for name, limit in limits.items():
        if len(manifest[name]) > limit:
            return f"expected at most {limit} {name.replace('_', ' ')}, got {len(manifest[name])}"
    if any(len(name) > MAX_NAME for name in (manifest["name"], *manifest["classes"])):
        return f"expected a name and classes of at most {MAX_NAME} characters, got more"
    features = manifest["features"]
    custom = features["own"]
    words = custom["categories"]
    if sum(map(len, words.values())) > MAX_WORDS or len(words) > MAX_ITEMS:
        return f"expected at most {MAX_WORDS:,} words of at most {MAX_ITEMS} categories, got more"
    longest = max(
        _longest_list({name: part for name, part in features.items() if name != "own"}), len(custom["numbers"])
    )
    if longest > MAX_ITEMS:
        return f"expected lists of at most {MAX_ITEMS} items in the features, got one of {longest}"
    n_columns = sum(map(_count_columns, _views(features)))
    return f"expected views of at most {MAX_COLUMNS} columns, got more" if n_columns > MAX_COLUMNS else None


def file_size_problem(files: Mapping[str, bytes]) -> str | None:
    """Return which file exceeds its size limit; None if none does."""
    for name, content in files.items():
        limit = FILE_BYTES.get(name, MANIFEST_BYTES)
        if len(content) > limit:
            return f"expected at most {limit} bytes in {name}, got {len(content)}"
    return None


def _longest_list(part: Any) -> int:
    """Return the length of the longest list or object in a JSON value."""
    longest, parts = 0, [part]
    while parts:
        inner = parts.pop()
        if isinstance(inner, dict | list):
            longest = max(longest, len(inner))
            parts += inner.values() if isinstance(inner, dict) else inner
    return longest


def _views(features: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    views = [*(features.get("histories") or ()), *(features.get("sender") or ())]
    return [*views, *(part for part in (features.get("network"), features.get("campaigns")) if part)]


def _count_columns(view: Mapping[str, Any]) -> int:
    """Return an upper bound of the columns of a declaration, from the lengths of its lists."""
    lengths = DEFAULT_LENGTHS | {name: len(value) for name, value in view.items() if isinstance(value, list)}
    of_kinds = lengths["kinds"] * lengths["by_kind"] + lengths["types"]
    return max(lengths["windows"], 1) * (lengths["measures"] + 8 * lengths["identifiers"] + of_kinds)
