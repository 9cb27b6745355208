"""Checks of a frame against its table: which rows are good, which are rejected, and why.

Used by `fraudsieve.tables.reader.check_table`. A row is rejected once, for its first fault in the order of
the table's columns.
"""

import re
import secrets
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError

from .cells import (
    STRING,
    Cells,
    Converted,
    Mask,
    infer_types,
    mask_signalling_nan,
    nested_values,
)
from .column_names import (
    LABEL_COLUMNS,
    describe_columns,
    likely_column,
    looks_like_name,
    nearest_column,
    other_columns,
    quote_columns,
)
from .conversion import amounts_of_words, convert, dates_of, holds_dates, looks_like_dates, plain_columns
from .formats.loaded import LoadedTable, ReadOptions
from .schema import (
    ACCOUNTS,
    DUPLICATE,
    EVENTS,
    MAX_VALUES_SEARCHED,
    Cause,
    TableSchema,
    check_rejected,
    count_causes,
    shapes_of,
)
from .values.reading import Kind, Reading

REJECTED_COLUMNS: Final = ("row", "column", "reason")
MAX_CELLS: Final = 2**16
"""Cells of columns that are converted together."""
MAX_LABELS: Final = 20
"""Distinct numbers of a column that is proposed for labels."""
MIN_DATE: Final = 19_700_101
"""The smallest number that may be a date or an epoch."""
MAX_HOURS: Final = 10_000
"""Numbers up to here are more likely hours than seconds since a start."""
MAX_NAMED: Final = 5
"""Columns that a note lists."""
MISSING: Final[Mapping[Kind, str]] = {
    "id": "no id",
    "text": "no text",
    "time": "no time",
    "number": "no number",
    "category": "no value",
}


class SeenIdHashes:
    """A set of ids, stored as two hashes of 64 bits with new random keys per instance."""

    def __init__(self) -> None:
        self._keys = secrets.token_hex(8), secrets.token_hex(8)
        self._runs: list[tuple[Array, Array]] = []  # sorted by the first hash; each run more than half its predecessor

    def add(self, ids: Cells) -> None:
        """Add ids."""
        self._runs.append(_sort(*self._hashes(ids)))
        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(_sort(*(np.concatenate(pair) for pair in zip(before, last, strict=True))))

    def holds(self, ids: Cells) -> Mask:
        """Return which ids were added before."""
        first, second = self._hashes(ids)
        seen = np.zeros(len(ids), dtype=bool)
        for firsts, seconds in self._runs:
            if len(firsts):
                position = np.searchsorted(firsts, first).clip(max=len(firsts) - 1)
                seen |= (firsts[position] == first) & (seconds[position] == second)
        return seen

    def _hashes(self, ids: Cells) -> tuple[Array, Array]:
        cells = ids.astype(object)
        first, second = (
            pd.util.hash_pandas_object(cells, index=False, hash_key=key, categorize=False).to_numpy()
            for key in self._keys
        )
        return first, second


def _sort(first: Array, second: Array) -> tuple[Array, Array]:
    order = np.argsort(first)
    return first[order], second[order]


def check(
    loaded: LoadedTable,
    table: TableSchema,
    *,
    origin: str,
    require: Iterable[str],
    seen: SeenIdHashes | None = None,
    options: ReadOptions | None = None,
    start: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...], dict[str, str]]:
    """Split the rows into good and rejected ones, with notes and how the table was read."""
    require_columns(loaded, table, origin, tuple(require))
    if table.numbered and _lacks_ids(list(loaded.frame.columns), table, table.numbered):
        loaded = _with_ids(loaded, table.name, table.numbered, start)
    frame = loaded.frame.set_axis(range(len(loaded.frame)))
    if not len(frame):
        raise SchemaError(origin, "there are no rows", f"Give {table.name} with at least one row.")
    options = options or ReadOptions()
    reading, names = options.reading(loaded), [name for name in frame.columns if name not in loaded.inner]
    plain = _plain_columns(frame, [name for name in names if table.kind(name) is None], table, reading, options)
    columns = {
        name: plain.get(name) or _convert(frame[name], f"{table.name}.{name}", table.kind(name), reading, options)
        for name in names
    }
    faults = _find_faults(columns, table, loaded.broken, len(frame))
    if seen is not None:
        for name in columns.keys() & table.unique[:1]:
            _reject_seen(faults, columns[name].column, name, seen)
    positions = np.flatnonzero(~faults.good)
    rejected = rejected_rows(frame, positions, faults.causes_of(positions))
    if seen is None:
        check_rejected(
            count_causes(rejected),
            len(frame),
            max_rejected=options.max_rejected,
            origin=origin,
            expected=describe_requirements(table),
            shapes=_shapes(frame, faults, table),
            reasons=faults.counts,
            names=loaded.given,
        )
    good = pd.DataFrame({name: converted.column for name, converted in columns.items()})
    if len(rejected):
        good = good[faults.good].reset_index(drop=True)
    notes = [
        tr("{name} {note}", name=name, note=note) for name, converted in columns.items() for note in converted.notes
    ]
    inner = [name for name in frame.columns if name in loaded.inner]
    if inner:
        named = ", ".join(inner[:MAX_NAMED]) + ", ..." * (len(inner) > MAX_NAMED)
        notes.append(tr("values inside objects are left out, unless --column names them: {names}", names=named))
    read_as = {"encoding": loaded.encoding} if loaded.encoding else {}
    read_as |= {f"{table.name}.{name}": one.decimal for name, one in columns.items() if one.decimal}
    return good, rejected, (*loaded.notes, *notes), read_as


def _lacks_ids(names: list[str], table: TableSchema, numbered: str) -> bool:
    """Return whether rows are to be numbered: none of the columns may hold ids under another name."""
    others = [name for name in names if name not in table.required]
    return numbered not in names and not (likely_column(numbered, others) or nearest_column(numbered, others))


def _with_ids(loaded: LoadedTable, rows: str, numbered: str, start: int) -> LoadedTable:
    """Number the rows of a table that has no ids."""
    numbers = pd.Series(range(start, start + len(loaded.frame)), index=loaded.frame.index).astype(STRING)
    frame = loaded.frame.copy(deep=False)
    frame.insert(0, numbered, numbers)
    note = tr(
        "there is no column {column}: {records} are numbered by their rows, from 0", column=numbered, records=tr(rows)
    )
    return replace(loaded, frame=frame, notes=(*loaded.notes, note))


def _convert(cells: Cells, name: str, kind: Kind | None, reading: Reading, options: ReadOptions) -> Converted:
    cells = mask_signalling_nan(cells)
    if reading.decimal == "auto" and name in options.read_as:
        reading = replace(reading, likely=options.read_as[name])
    nested = nested_values(cells) if kind is None else ""
    if kind is None and ((reading.printed and name in options.categories) or (nested and _is_category(name, options))):
        kind = "category"
    if name in options.dates:
        return replace(convert(cells, "date", reading), notes=())
    if name in options.texts:
        return convert(cells, "text", reading)
    if kind is None:
        # Read by their cells alone, 1.10 would be 1.1 in a table that happens to hold no 1.9.1.
        sign = reading.likely or reading.decimal
        column = infer_types(cells, printed=reading.printed and name not in options.words, decimal=sign)
        is_words = isinstance(column.dtype, pd.StringDtype) and not _is_category(name, options)
        if is_words or column.dtype.kind == "M" or holds_dates(column):
            read = dates_of(column, reading) or (amounts_of_words(column, reading) if reading.decimal else None)
            if read is not None:
                return read
        return Converted(column, notes=(tr("holds {nested}: left out", nested=tr(nested)),) if nested else ())
    return convert(cells, kind, reading)


def _plain_columns(
    frame: pd.DataFrame, names: list[str], table: TableSchema, reading: Reading, options: ReadOptions
) -> dict[str, Converted]:
    """Return undeclared columns of strings that need no reading one by one: most of those of a table with many."""
    is_string = dict(zip(frame.columns, frame.dtypes == STRING, strict=True))
    odd = {*options.categories, *options.words, *options.dates, *options.texts, *options.read_as}
    chosen = [name for name in names if is_string[name] and f"{table.name}.{name}" not in odd]
    chosen = [name for name in chosen if not looks_like_dates(frame[name])]
    if not reading.printed and reading.decimal is None:
        return {name: Converted(frame[name]) for name in chosen}
    width, plain = MAX_CELLS // len(frame), dict[str, Converted]()
    if reading.printed and reading.decimal != "," and width > 1:
        for start in range(0, len(chosen), width):
            plain |= plain_columns(frame[chosen[start : start + width]])
    return plain


def _is_category(name: str, options: ReadOptions) -> bool:
    return name in (*options.categories, *options.words)


@dataclass(frozen=True, eq=False)
class _Faults:
    """The index of the first fault of each row among the causes (column, reason), or -1; and the rows of each cause."""

    codes: npt.NDArray[np.int64]
    causes: list[tuple[str, str]] = field(default_factory=list)
    rows: list[Mask] = field(default_factory=list)

    @property
    def good(self) -> Mask:
        return self.codes < 0

    def causes_of(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        return np.array([*self.causes, ("", "")], dtype=object)[self.codes[positions]]

    @property
    def counts(self) -> dict[Cause, int]:
        """The number of rows with each fault: a row may have several, and all are counted."""
        pairs = zip(self.causes, self.rows, strict=True)
        return {cause: count for cause, rows in pairs if (count := int(np.count_nonzero(rows)))}

    def add(self, column: str, reason: str, rows: Mask) -> None:
        self.codes[self.good & rows] = len(self.causes)
        self.causes.append((column, reason))
        self.rows.append(rows)

    def faulty(self, column: str) -> Mask:
        """Return the rows with a wrong cell in a column, whether or not they have an earlier fault."""
        pairs = zip(self.causes, self.rows, strict=True)
        found = [rows for (name, reason), rows in pairs if name == column and reason != DUPLICATE]
        return np.asarray(np.logical_or.reduce([np.zeros(len(self.codes), dtype=bool), *found]))


def _find_faults(columns: Mapping[str, Converted], table: TableSchema, broken: Mapping[int, str], rows: int) -> _Faults:
    faults = _Faults(np.full(rows, -1, dtype=np.int64))
    for reason in sorted(set(broken.values())):
        positions = [position for position, cause in broken.items() if cause == reason]
        faults.add("", reason, np.isin(np.arange(rows), positions))
    for name in _in_order(columns, table):
        for reason, mask in columns[name].faults.items():
            faults.add(name, reason, mask)
        if name in table.shares:
            share = table.shares[name]
            faults.add(name, share.reason, share.excludes(columns[name].column.to_numpy(np.float64)))
        if name in table.required:
            missing = columns[name].column.isna().to_numpy() & ~faults.faulty(name)
            faults.add(name, MISSING[table.kind(name) or "id"], missing)
    if table.unique and set(table.unique) <= set(columns):
        key = pd.DataFrame({name: columns[name].column for name in table.unique})
        faults.add(table.unique[0], DUPLICATE, _duplicates(key, faults.good))
    return faults


def _reject_seen(faults: _Faults, ids: Cells, name: str, seen: SeenIdHashes) -> None:
    """Reject the good rows whose id was in an earlier chunk, and remember the ids of the others."""
    repeated = np.zeros(len(ids), dtype=bool)
    is_complete = faults.good & ids.notna().to_numpy()
    repeated[is_complete] = seen.holds(ids[is_complete])
    faults.add(name, DUPLICATE, repeated)
    seen.add(ids[is_complete & ~repeated])


def _shapes(frame: pd.DataFrame, faults: _Faults, table: TableSchema) -> dict[str, tuple[str, ...]]:
    """Return the shapes of a few wrong values of every column; texts have none."""
    names = [
        name for name in dict.fromkeys(name for name, _ in faults.causes) if table.kind(name) not in ("text", None)
    ]
    wrong = {name: frame.loc[faults.faulty(name), name].head(MAX_VALUES_SEARCHED) for name in names}
    return {name: shapes for name, cells in wrong.items() if (shapes := shapes_of(cells))}


def _in_order(columns: Mapping[str, Converted], table: TableSchema) -> list[str]:
    declared = [column.name for column in table.columns if column.name in columns]
    return list(dict.fromkeys((*declared, *columns)))


def _duplicates(key: pd.DataFrame, good: Mask) -> Mask:
    """Return which good rows have the same complete key as an earlier good row."""
    is_complete = good & key.notna().all(axis=1).to_numpy()
    repeated = np.zeros(len(key), dtype=bool)
    repeated[is_complete] = key[is_complete].duplicated().to_numpy()
    return repeated


def rejected_rows(
    frame: pd.DataFrame, positions: npt.NDArray[np.int64], causes: npt.NDArray[np.object_]
) -> pd.DataFrame:
    """Return rows of a table with their causes, shape (n_rows, 2): the column and the reason."""
    reasons = pd.DataFrame(
        {
            "row": positions,
            "column": pd.Series(causes[:, 0], dtype=STRING),
            "reason": pd.Series(causes[:, 1], dtype=STRING),
        }
    )
    cells = frame.iloc[positions].reset_index(drop=True).set_axis(input_names(list(frame.columns)), axis=1)
    return pd.concat([reasons, cells], axis=1)


def input_names(names: list[str], reserved: tuple[str, ...] = REJECTED_COLUMNS) -> list[str]:
    """Return names for the input columns of rejected rows, which differ from ``row``, ``column`` and ``reason``."""
    return [_unused_name(name, {*names, *reserved}) if name in reserved else name for name in names]


def _unused_name(name: str, used: set[str]) -> str:
    while name in used:
        name = f"input_{name}"
    return name


def require_columns(loaded: LoadedTable, table: TableSchema, origin: str, require: tuple[str, ...]) -> None:
    """Raise SchemaError if a required column is missing, or a column is there twice."""
    names = list(loaded.frame.columns)
    n_unnamed = sum(not isinstance(name, str) for name in names)
    if n_unnamed:
        raise SchemaError(
            origin, f"{n_unnamed} of {len(names)} column names are not strings", describe_requirements(table)
        )
    missing = [name for name in dict.fromkeys((*table.required, *require)) if name not in names]
    # Other tables name accounts by their ids, but messages only where these were numbered in the same way.
    is_named = table is ACCOUNTS and table.numbered in require
    if table.numbered and not is_named and _lacks_ids(names, table, table.numbered):
        missing.remove(table.numbered)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    problems, fixes = [], []
    if missing:
        got = describe_columns(names, header=loaded.header)
        problems.append(f"{_are(missing)} missing from {table.name}; {got}{_hint(missing, loaded.frame, table)}")
        problems += () if loaded.printed else loaded.notes  # such as that other sheets were not read
        fixes.append(describe_requirements(table, require))
    if repeated:
        problems.append(f"columns of one name: {quote_columns(repeated, header=loaded.header)}")
        fixes.append("Keep one of each.")
    if problems:
        others = other_columns(names if missing else repeated, header=loaded.header)
        raise SchemaError(origin, "; ".join(problems), " ".join(fixes), columns=others)


def _are(names: list[str]) -> str:
    one = len(names) == 1
    return f"column{'' if one else 's'} {', '.join(map(repr, names))} {'is' if one else 'are'}"


def _hint(missing: Sequence[str], frame: pd.DataFrame, table: TableSchema) -> str:
    """Return what the missing columns may be called, and the options that say so."""
    pairs, also, unit = _likely(missing, frame, table)
    if not pairs:
        return ""
    hints = [f"{match!r} for '{name}'" for name, match in pairs.items()]
    further = f"; perhaps also {_options(also)}" if also else ""
    if table is EVENTS and "account_id" in missing and "account_id" not in pairs:
        pairs, also, unit = _likely(["label"], frame, ACCOUNTS)
        further = f" If it has no accounts, score its rows alone: --accounts with {_options(pairs | also, unit)}"
        return f" (did you mean {', '.join(hints)}?{further})"
    return f" (did you mean {', '.join(hints)}? Then add {_options(pairs, unit)}{further})"


def _likely(
    missing: Sequence[str], frame: pd.DataFrame, table: TableSchema
) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Return the likely columns of missing names, those of optional ones, and the unit of times that are no epochs."""
    declared = {column.name: column.kind for column in table.columns}
    once = frame.columns.drop_duplicates(keep=False)
    others = [name for name in once if name not in declared and looks_like_name(name)]
    pairs, also = dict[str, str](), dict[str, str]()
    for name in missing:
        match = likely_column(name, others) or nearest_column(name, others)
        if match and (name != "label" or _may_be_labels(frame[match])):
            pairs[name] = match
            others.remove(match)
    for name in declared:
        if name not in {*missing, *frame.columns, *LABEL_COLUMNS} and (match := likely_column(name, others)):
            also[name] = match
            others.remove(match)
    times = [match for name, match in (pairs | also).items() if declared.get(name) == "time"]
    return pairs, also, next((unit for match in times if (unit := _unit_of(frame[match]))), None)


def _options(pairs: Mapping[str, str], unit: str | None = None) -> str:
    named = [f"--column {_quote_option(f'{name}={match}')}" for name, match in pairs.items()]
    return " ".join([*named, *([f"--time-unit {unit}"] if unit else [])])


def _may_be_labels(cells: Cells) -> bool:
    """Return whether a column may hold labels: words, or few numbers."""
    numbers = pd.to_numeric(cells.dropna().head(MAX_VALUES_SEARCHED), errors="coerce")
    return bool(numbers.isna().any()) or numbers.nunique() <= MAX_LABELS


def _unit_of(cells: Cells) -> str | None:
    """Return the likely unit of times that are numbers since a start; None if they are not, as far as is seen."""
    numbers = pd.to_numeric(cells.dropna().head(MAX_VALUES_SEARCHED), errors="coerce")
    if not len(numbers) or numbers.isna().any() or (numbers >= MIN_DATE).any():
        return None
    return "h" if numbers.max() <= MAX_HOURS else "s"


def _quote_option(value: str) -> str:
    """Quote an option for a shell only if it needs it: shlex.quote also quotes letters that are not ASCII."""
    return value if re.fullmatch(r"[\w=.:,/-]+", value) else shlex.quote(value)


def describe_requirements(table: TableSchema, require: tuple[str, ...] = ()) -> str:
    """Describe the columns that a table requires."""
    names = dict.fromkeys((*table.required, *require))
    return f"Expected in {table.name}: " + ", ".join(f"{name} ({table.kind(name) or 'any'})" for name in names) + "."


def rejected_shapes(rejected: pd.DataFrame, table: TableSchema) -> dict[str, tuple[str, ...]]:
    """Return the shapes of a few values that rows were rejected for, by column; texts have none."""
    wrong = rejected[rejected["reason"] != DUPLICATE]
    names = [name for name in wrong["column"].unique() if name and table.kind(name) not in ("text", None)]
    values = {name: wrong.loc[wrong["column"] == name, name].head(MAX_VALUES_SEARCHED) for name in names}
    return {name: shapes for name, cells in values.items() if (shapes := shapes_of(cells))}
