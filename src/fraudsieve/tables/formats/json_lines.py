"""JSON: one object per line, or one array of objects."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.values.strings import has_surrogate

from .encoding import BOM, read_content, to_utf8
from .loaded import LoadedTable, ReadOptions

BROKEN_LINE: Final = "the line is not a JSON object in UTF-8"
BROKEN_ITEM: Final = "the item is not a JSON object"
MAX_DEPTH: Final = 8
MAX_NAMES: Final = 100
"""An object with more names in a column is not a row of a table, but a mapping."""


def load_json_lines(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a file with one JSON object per line."""
    notes: tuple[str, ...] = ()
    data = read_content(file, "JSON Lines", origin)
    if options.encoding is not None:
        data, notes = to_utf8(data, options.encoding, origin)
    lines = [line for line in io.BytesIO(data) if line.strip()]
    return _table([_record(line) for line in lines], BROKEN_LINE, notes, origin)


def load_json(file: Path, options: ReadOptions, origin: str) -> LoadedTable:
    """Read a file with one JSON array of objects, or with one object per line."""
    head = file.read_bytes()[:4096].removeprefix(BOM).lstrip()
    if not head.startswith(b"["):
        return load_json_lines(file, options, origin)
    data, notes = to_utf8(read_content(file, "one JSON array", origin), options.encoding, origin)
    try:
        items = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise SchemaError(origin, "the file is not a JSON array", "It may be cut short: write it again.") from None
    return _table([item if _is_object(item) else None for item in items], BROKEN_ITEM, notes, origin)


def _table(records: list[dict[str, Any] | None], problem: str, notes: tuple[str, ...], origin: str) -> LoadedTable:
    broken = {position: problem for position, record in enumerate(records) if record is None}
    if len(broken) == len(records):
        kind = "line" if problem == BROKEN_LINE else "item"
        raise SchemaError(origin, f"no {kind} is a JSON object in UTF-8", f"Write one object per {kind}.")
    given = pd.DataFrame([record or {} for record in records], dtype=object)
    frame = _flatten(given)
    inner = frozenset(map(str, frame.columns.difference(given.columns)))
    return LoadedTable(frame, broken, header=True, inner=inner, notes=notes)


def _flatten(frame: pd.DataFrame, depth: int = 1) -> pd.DataFrame:
    """Replace columns of objects by columns of their values, such as ``from.name``.

    Lists stay, and so do columns with other values beside objects, objects whose many names are data, and deep ones.
    """
    names = list(frame.columns)
    inner = {place: _values_of(frame.iloc[:, place]) for place in range(len(names))}
    if depth > MAX_DEPTH or not any(values is not None for values in inner.values()):
        return frame
    parts = [
        frame.iloc[:, [place]] if values is None else _flatten(values, depth + 1).add_prefix(f"{names[place]}.")
        for place, values in inner.items()
    ]
    return pd.concat(parts, axis=1)


def _values_of(cells: "pd.Series[Any]") -> pd.DataFrame | None:
    """Return the values of a column of objects as columns; None if it is not one."""
    types = set(map(type, cells))
    floats = (cell for cell in cells if isinstance(cell, float))  # NaN is a missing object
    if dict not in types or not types <= {dict, float, type(None)} or any(cell == cell for cell in floats):
        return None
    objects = [cell if isinstance(cell, dict) else {} for cell in cells]
    names: set[str] = set().union(*objects)
    is_row = 0 < len(names) <= MAX_NAMES and not has_surrogate("".join(names))
    return pd.DataFrame(objects, index=cells.index, dtype=object) if is_row else None


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    # Only an escape sequence can give a name that cannot be encoded.
    return record if isinstance(record, dict) and (b"\\u" not in line or _is_object(record)) else None


def _is_object(item: Any) -> bool:
    return isinstance(item, dict) and not has_surrogate("".join(item))
