"""Checking a frame against its table: which rows are good, which are not, and why.

The work behind `fraudsieve.features.tables.reader.check_table`. A row is set aside once, for the first fault found,
column by column in the order of the table.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.exceptions import SchemaError

from .cells import STRING, Cells, Converted, Mask, infer_types, mask_signalling_nan
from .conversion import Kind, convert
from .files import LoadedTable
from .schema import TableSchema
from .seen_ids import SeenIdHashes

__all__ = ["check", "describe_requirements"]

SHEET: Final = ("row", "column", "reason")
MISSING: Final[Mapping[Kind, str]] = {
    "id": "no id",
    "text": "no text",
    "time": "no time",
    "number": "no number",
    "category": "no value",
}
DUPLICATE: Final = "duplicate id: the first one stays"
MAX_NAMES_SHOWN: Final = 30
MAX_NAME_LENGTH: Final = 40
MAX_REASONS_SHOWN: Final = 5


def check(
    loaded: LoadedTable, table: TableSchema, *, origin: str, require: Iterable[str], seen: SeenIdHashes | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Part good rows from bad ones.

    Parameters
    ----------
    loaded : LoadedTable
        The rows as they came.
    table : TableSchema
        What was expected.
    origin : str
        The file, or a name for the frame.
    require : iterable of str
        Further columns that must be there.
    seen : SeenIdHashes, default None
        The ids of the rows before, when this is a part of a table: they count, and those of its good rows are added. A
        part may have no good row.

    Returns
    -------
    good, rejected : DataFrame
        As in `fraudsieve.features.tables.reader.CheckedTable`.
    notes : tuple of str
        What was assumed or changed.

    Examples
    --------
    >>> from fraudsieve.features.tables.schema import LABELS
    >>> frame = pd.DataFrame({"subject_id": ["a", "b"], "label": ["spam", None]})
    >>> good, rejected, notes = check(LoadedTable(frame), LABELS, origin="frame", require=())
    >>> rejected["reason"].tolist()
    ['no value']
    """
    _check_columns(loaded, table, origin, tuple(require))
    frame = loaded.frame.reset_index(drop=True)
    if not len(frame):
        raise SchemaError(origin, "there are no rows", f"Give {table.name} with at least one row.")
    columns = {name: _converted(frame[name], table.kind(name), loaded.printed) for name in frame.columns}
    verdict = _judged(columns, table, loaded.broken, len(frame))
    if seen is not None:
        for name in columns.keys() & table.unique[:1]:
            _set_seen_aside(verdict, columns[name].column, name, seen)
    elif not verdict.good.any():
        raise SchemaError(origin, f"none of {len(frame)} rows is good: {verdict.tally()}", describe_requirements(table))
    good = pd.DataFrame({name: done.column for name, done in columns.items()})[verdict.good]
    notes = (f"{name} {note}" for name, done in columns.items() for note in done.notes)
    return good.reset_index(drop=True), _rejected(frame, verdict), (*loaded.notes, *notes)


def _converted(cells: Cells, kind: Kind | None, printed: bool) -> Converted:
    cells = mask_signalling_nan(cells)
    return convert(cells, kind, printed=printed) if kind else Converted(infer_types(cells, printed=printed))


@dataclass(frozen=True, eq=False)
class _Verdict:
    """For every row the place of its first fault among the causes (column, reason), or -1."""

    codes: npt.NDArray[np.int64]
    causes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def good(self) -> Mask:
        return self.codes < 0

    def add(self, column: str, reason: str, rows: Mask) -> None:
        self.codes[self.good & rows] = len(self.causes)
        self.causes.append((column, reason))

    def tally(self) -> str:
        counts = np.bincount(self.codes[~self.good], minlength=len(self.causes))
        order = [code for code in np.argsort(-counts, kind="stable")[:MAX_REASONS_SHOWN] if counts[code]]
        return ", ".join(": ".join(filter(None, self.causes[code])) + f" ({counts[code]})" for code in order)


def _judged(columns: Mapping[str, Converted], table: TableSchema, broken: Mapping[int, str], rows: int) -> _Verdict:
    verdict = _Verdict(np.full(rows, -1, dtype=np.int64))
    for reason in sorted(set(broken.values())):
        places = [place for place, why in broken.items() if why == reason]
        verdict.add("", reason, np.isin(np.arange(rows), places))
    for name in _in_order(columns, table):
        for reason, mask in columns[name].faults.items():
            verdict.add(name, reason, mask)
        if name in table.required:
            verdict.add(name, MISSING[table.kind(name) or "id"], columns[name].column.isna().to_numpy())
    if table.unique and set(table.unique) <= set(columns):
        key = pd.DataFrame({name: columns[name].column for name in table.unique})
        verdict.add(table.unique[0], DUPLICATE, _repeated(key, verdict.good))
    return verdict


def _set_seen_aside(verdict: _Verdict, ids: Cells, name: str, seen: SeenIdHashes) -> None:
    """Set aside the good rows whose id stood in an earlier part, and remember those of the others."""
    repeated = np.zeros(len(ids), dtype=bool)
    whole = verdict.good & ids.notna().to_numpy()
    repeated[whole] = seen.holds(ids[whole])
    verdict.add(name, DUPLICATE, repeated)
    seen.add(ids[whole & ~repeated])


def _in_order(columns: Mapping[str, Converted], table: TableSchema) -> list[str]:
    declared = [column.name for column in table.columns if column.name in columns]
    return list(dict.fromkeys((*declared, *columns)))


def _repeated(key: pd.DataFrame, good: Mask) -> Mask:
    """Good rows whose whole key stood in an earlier good row: a bad row takes no good one with it."""
    whole = good & key.notna().all(axis=1).to_numpy()
    repeated = np.zeros(len(key), dtype=bool)
    repeated[whole] = key[whole].duplicated().to_numpy()
    return repeated


def _rejected(frame: pd.DataFrame, verdict: _Verdict) -> pd.DataFrame:
    places = np.flatnonzero(~verdict.good)
    causes = np.array([*verdict.causes, ("", "")], dtype=object)[verdict.codes[places]]
    sheet = pd.DataFrame(
        {
            "row": places,
            "column": pd.Series(causes[:, 0], dtype=STRING),
            "reason": pd.Series(causes[:, 1], dtype=STRING),
        }
    )
    cells = frame.iloc[places].reset_index(drop=True).set_axis(_input_names(list(frame.columns)), axis=1)
    return pd.concat([sheet, cells], axis=1)


def _input_names(names: list[str]) -> list[str]:
    """Names for the columns as they came, other than those of the sheet."""
    return [_free(name, {*names, *SHEET}) if name in SHEET else name for name in names]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"input_{name}"
    return name


def _check_columns(loaded: LoadedTable, table: TableSchema, origin: str, require: tuple[str, ...]) -> None:
    names = list(loaded.frame.columns)
    strange = sum(not isinstance(name, str) for name in names)
    if strange:
        raise SchemaError(
            origin, f"{strange} of {len(names)} column names are no strings", describe_requirements(table)
        )
    missing = [name for name in dict.fromkeys((*table.required, *require)) if name not in names]
    if missing:
        problem = f"{_quoted(missing, 'column')} missing from {table.name}; {_came(names, table, loaded.printed)}"
        raise SchemaError(origin, problem + _hint(missing, names, table), describe_requirements(table, require))
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise SchemaError(origin, f"{_quoted(twice, 'column')} there more than once", "Keep one of each.")


def _quoted(names: list[str], noun: str) -> str:
    shown = ", ".join(_shown(name) for name in names[:MAX_NAMES_SHOWN])
    return f"{noun} {shown} is" if len(names) == 1 else f"{noun}s {shown} are"


def _shown(name: str) -> str:
    short = len(name) <= MAX_NAME_LENGTH and name.isprintable()
    return f"'{name}'" if short else f"(a name of {len(name)} characters)"


def _came(names: list[str], table: TableSchema, printed: bool) -> str:
    """The columns that came, unless they may be the cells of a file without a header."""
    known = [column.name for column in table.columns]
    if not names:
        return "no columns came"
    if printed and not any(name in known or _nearest(name, known) for name in names):
        return f"{len(names)} columns came, all unknown: is there a header line?"
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return f"these came: {', '.join(_shown(name) for name in names[:MAX_NAMES_SHOWN])}{more}"


def _hint(missing: list[str], names: list[str], table: TableSchema) -> str:
    spare = [name for name in names if all(name != column.name for column in table.columns)]
    pairs = [(name, _nearest(name, spare)) for name in missing]
    hints = [f"{_shown(near)} for '{name}'" for name, near in pairs if near]
    return f" (did you mean {', '.join(hints)}?)" if hints else ""


def _nearest(name: str, others: list[str]) -> str | None:
    folded = {_folded(other): other for other in others}
    near = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=0.75)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def describe_requirements(table: TableSchema, require: tuple[str, ...] = ()) -> str:
    """Say what a table must have.

    Parameters
    ----------
    table : TableSchema
        The table.
    require : tuple of str, default=()
        Further columns.

    Returns
    -------
    str

    Examples
    --------
    >>> from fraudsieve.features.tables.schema import LABELS
    >>> describe_requirements(LABELS)
    'Expected in labels: subject_id (id), label (category).'
    """
    names = dict.fromkeys((*table.required, *require))
    return f"Expected in {table.name}: " + ", ".join(f"{name} ({table.kind(name) or 'any'})" for name in names) + "."
