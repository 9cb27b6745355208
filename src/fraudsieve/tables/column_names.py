"""The names of columns: those of the file, the row that holds them, and those that fraudsieve knows."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError

from .formats.loaded import LoadedTable, ReadOptions
from .schema import EVENTS, LABELS, TABLES, TableSchema, names_of_table, roles_of, words_of

MAX_NAMES_SHOWN: Final = 30
MAX_OTHERS_SHOWN: Final = 1_000
MAX_NAME_LENGTH: Final = 40
MAX_WORDS: Final = 4
MAX_ROWS_ABOVE: Final = 20
"""Number of rows after the first in which the header is searched."""
_USUAL_CHARACTERS: Final = r"[\w ()%#&:./-]+"


def _lists(**names: str) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(usual.split()) for name, usual in names.items()}


# As `fold_name` returns them, the surest first; those of well-known public tables are among them.
LIKELY_NAMES: Final = _lists(
    message_id="msg_id sms_id mail_id job_id call_id id uuid 短信编号 消息编号 通话编号 编号",
    text="content body message msg sms message_text sms_text mail_text description v_2 "
    "短信内容 对话内容 通话内容 内容 文本",
    account_id="user_id customer_id client_id sender_id sender from name_orig cc_num card_num card_number card_1 card "
    "policy_number customer client user uid 用户编号 用户 账号 发送方",
    sent_at="timestamp sent received_at created_at datetime time date 发送时间 通话时间 时间",
    occurred_at="timestamp event_time transaction_dt transaction_time transaction_date trans_date_trans_time "
    "trans_date created_at datetime incident_date unix_time time date step 交易时间 时间",
    as_of="time step date",
    kind="event_type transaction_type event action type 类型 事件",
    event_id="transaction_id tx_id trans_id trans_num id 流水号 编号",
    amount="transaction_amt transaction_amount amt value sum 金额",
    counterparty_id="recipient_id beneficiary_id name_dest payee merchant_id terminal_id merchant to 收款方",
    subject_id="id message_id account_id event_id 编号",
    label="is_fraud fraud_bool fraudulent is_fraudulent fraud_reported fraud_label fraud_flag fraud is_spam "
    "spam_ham spam class target y v_1 category 是否诈骗 是否欺诈 是否涉诈 标签 类别",
    labelled_at="reviewed_at confirmed_at label_time 标注时间",
)
"""Usual names of columns, by the name that fraudsieve knows."""
_KNOWN_NAMES: Final = frozenset(
    {usual for ours, others in LIKELY_NAMES.items() for usual in (ours, *others)}
    | {column.name for table in TABLES.values() for column in table.columns}
)
LABEL_COLUMNS: Final = frozenset({"label", "labelled_at"})
"""Columns that records to score do not have; where labels are needed, their absence is an error."""


def likely_column(name: str, columns: Iterable[str]) -> str | None:
    """Return the column that is likely to be the wanted one; None if no column has a usual name for it."""
    by_name = {fold_name(column): column for column in columns}
    if "v_3" in by_name:  # numbered measurements, not the two columns of the SMS Spam Collection
        by_name = {usual: column for usual, column in by_name.items() if usual not in ("v_1", "v_2")}
    return next((by_name[usual] for usual in LIKELY_NAMES.get(name, ()) if usual in by_name), None)


def fold_name(name: str) -> str:
    """Return the words of a name in snake_case, in camelCase or with spaces, in lower case, joined by ``_``."""
    return "_".join(words_of(name))


def nearest_column(name: str, others: Iterable[str]) -> str | None:
    """Return the column whose name is like the wanted one, apart from case, spaces and a few letters."""
    folded = {fold_name(other): other for other in others}
    match = difflib.get_close_matches(fold_name(name), folded, n=1, cutoff=0.75)
    return folded[match[0]] if match else None


def describe_columns(names: Sequence[str], *, header: bool = False) -> str:
    """List the columns of a table for an error."""
    if not names:
        return "got no columns"
    question = ": is the header line missing?" if header and not _is_header(names) else ""
    return f"got {quote_columns(names, header=header)}{question}"


def quote_columns(names: Sequence[str], *, header: bool = False) -> str:
    """Quote the first names of columns, those of a header if they are known, and count the others."""
    shown = [name for name in names if not header or is_known_name(name)][:MAX_NAMES_SHOWN]
    quoted = ", ".join(map(_quote, shown))
    count = len(names) - len(shown)
    others = f"{count:,} {'other name' if header else 'more'}{'s' if header and count > 1 else ''}" if count else ""
    return " and ".join(filter(None, (quoted, others)))


def other_columns(names: Sequence[str], *, header: bool) -> tuple[str, ...]:
    """Return the names that `describe_columns` only counts, for a terminal; of what looks like a cell, the length."""
    others = [name for name in names if header and not is_known_name(name)][:MAX_OTHERS_SHOWN]
    return tuple(_quote(name) if looks_like_name(name) else _count(name) for name in others)


def _quote(name: str) -> str:
    return f"'{name}'" if len(name) <= MAX_NAME_LENGTH and name.isprintable() else _count(name)


def _count(name: str) -> str:
    return f"(a name of {len(name)} characters)"


def is_known_name(name: str) -> bool:
    """Return whether fraudsieve knows a column of this name, or it is a usual name for one."""
    return fold_name(name) in _KNOWN_NAMES


def _is_header(names: Sequence[str]) -> bool:
    """Return whether a line has a known name, or has only names."""
    first = names[:MAX_NAMES_SHOWN]  # names that are nearly known are not searched among thousands
    return (
        any(map(is_known_name, names))
        or all(map(looks_like_name, first))
        or any(nearest_column(name, _KNOWN_NAMES) for name in first)
    )


def looks_like_name(name: str) -> bool:
    """Return whether a name is neither a sentence nor a number, a date, an address or an identifier."""
    is_usual = len(name) <= MAX_NAME_LENGTH and re.fullmatch(_USUAL_CHARACTERS, name) is not None
    numbers = re.findall(r"\d+", name)
    has_short_numbers = len(numbers) < 3 and all(len(number) < 5 for number in numbers)
    return is_usual and has_short_numbers and len(name.split()) <= MAX_WORDS and re.search(r"[^\W\d]", name) is not None


def rename_columns(loaded: LoadedTable, table: TableSchema, options: ReadOptions, origin: str, key: str) -> LoadedTable:
    """Give columns the names that fraudsieve knows, and events the kind of their table.

    A column that has the name already, and is not the one that was named, becomes ``input_...``. The key of a table is
    its name in the options, which may have names and a kind for it alone.
    """
    _check_tables(options, table, origin)
    options = replace(options, columns=names_of_table(options.columns, options.kinds, key))
    names, prefix = list(loaded.frame.columns), f"{table.name}."
    here = {key.removeprefix(prefix): column for key, column in options.columns.items() if key.startswith(prefix)}
    anywhere = {name: column for name, column in options.columns.items() if "." not in name}
    excused = LABEL_COLUMNS if options.labels_optional else frozenset()
    needed = {
        name: anywhere[name] for name in table.required if name in anywhere and name not in (*names, table.numbered)
    }
    named = needed | here
    # A model, and a table of labels that the loop wrote, may have a field under its own name. Else it is a slip.
    there = {*excused, *(names if options.labels_optional or table is LABELS else ())}
    missing = {name: column for name, column in named.items() if column not in names and name not in there}
    if missing:
        raise _not_there(missing, loaded, table, origin)
    roles = {theirs: named for theirs, named in roles_of(options.columns, table).items() if theirs in names}
    found = {ours: theirs for theirs, named in roles.items() for ours in named if theirs != ours}
    taken = {ours: f"input_{ours}" for ours in found if ours in names}
    further = {ours: theirs for ours, theirs in found.items() if ours != roles[theirs][0] and names.count(theirs) == 1}
    copies = {ours: loaded.frame[theirs] for ours, theirs in further.items()}
    first = {theirs: ours for ours, theirs in found.items() if ours == roles[theirs][0]}
    renamed = loaded.frame.rename(columns=taken | first).assign(**copies)
    known = {column.name for column in table.columns} - LABEL_COLUMNS
    unused = [name for name in anywhere if name in known and anywhere[name] not in names and name not in names]
    columns = list(map(str, names))
    notes = [
        tr(
            "there is no column {column!r} for {name} in {table}{hint}",
            column=anywhere[name],
            name=name,
            table=tr(table.name),
            hint=_hint(name, anywhere[name], columns),
        )
        for name in unused
    ]
    kind = options.kinds.get(key, options.kinds.get("")) if table is EVENTS and "kind" not in renamed else ""
    if kind is None and any(options.kinds.values()):
        problem = f"column 'kind' is missing, and kinds are known of {', '.join(filter(None, options.kinds))} only"
        raise SchemaError(origin, problem, f"Add the column, or give the kind with --kind {key or 'TABLE'}=KIND.")
    if kind:
        renamed = renamed.assign(kind=kind)
        notes.append(tr("all events of {table} have the kind {kind!r}", table=key, kind=kind))
    return replace(loaded, frame=renamed, given=found, notes=(*loaded.notes, *notes))


def _not_there(missing: Mapping[str, str], loaded: LoadedTable, table: TableSchema, origin: str) -> SchemaError:
    """Return an error for columns that were named and are not there, by the names that fraudsieve knows."""
    there = list(map(str, loaded.frame.columns))
    got = describe_columns(there, header=loaded.header)
    hints = "".join(_hint(name, column, there) for name, column in missing.items())
    are, were = ("is no column", "was") if len(missing) == 1 else ("are no columns", "were")
    wrong = " and ".join(map(repr, missing.values()))
    problem = f"there {are} {wrong}, which {were} named for {table.name}; {got}{hints}"
    others = other_columns(there, header=loaded.header)
    return SchemaError(origin, problem, "Check its name, or leave it out.", columns=others)


def _hint(name: str, column: str, there: Sequence[str]) -> str:
    """Return a question about the column that was meant by one that is not there; empty if none is like it."""
    match = nearest_column(column, there) or likely_column(name, there) or nearest_column(name, there)
    return f" (did you mean {match!r}?)" if match and looks_like_name(match) else ""


def _check_tables(options: ReadOptions, table: TableSchema, origin: str) -> None:
    """Raise SchemaError if a name such as ``events.account_id`` does not begin with the name of a table."""
    known = dict.fromkeys((*TABLES, table.name, *filter(None, options.kinds)))
    wrong = [name for name in options.columns if "." in name and name.partition(".")[0] not in known]
    if wrong:
        problem = f"{wrong[0].partition('.')[0]!r} in {wrong[0]!r} is not a table"
        raise SchemaError(origin, problem, f"Expected {', '.join(known)}, or a file that --kind names: correct it.")


def find_header(rows: Iterable[Iterable[Any]], options: ReadOptions, origin: str) -> int:
    """Return the position of the header among the rows of a file, of which only the first are read.

    It is the row that the options name. Otherwise it is the first row that is not blank, unless that names no known
    column and a later one names two, or one below a title in a single cell.
    """
    filled = ((position, [cell for cell in row if cell not in (None, "")]) for position, row in enumerate(rows))
    if options.header_row is not None:
        return _named_row(filled, options.header_row, origin)
    first, names = next(((position, cells) for position, cells in filled if cells), (0, []))
    if has_known_name(names, options):
        return first
    needed = 1 if len(names) == 1 else 2
    for position, cells in islice(filled, MAX_ROWS_ABOVE):
        are_names = len(cells) > 1 and len(set(map(str, cells))) == len(cells)
        if are_names and sum(has_known_name([cell], options) for cell in cells) >= needed:
            return position
    return first


def _named_row(filled: Iterator[tuple[int, list[Any]]], row: int, origin: str) -> int:
    position, cells = next(islice(filled, row - 1, None), (-1, []))
    if not cells:
        problem = f"--header-row: row {row} is blank, or does not exist"
        raise SchemaError(origin, problem, "Give the row with the names of the columns, counted from 1.")
    return position


def has_known_name(cells: Iterable[Any], options: ReadOptions) -> bool:
    """Return whether a cell is the name of a column that fraudsieve knows, or that the options name."""
    return any(isinstance(cell, str) and (is_known_name(cell) or cell in options.columns.values()) for cell in cells)


def header_note(position: int) -> tuple[str, ...]:
    """Return a note for a header that is not in the first row."""
    if not position:
        return ()
    return (tr("row {row} is the header; if it is not, name another with --header-row", row=position + 1),)
