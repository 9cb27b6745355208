"""The names of columns: those of the file, and those that fraudsieve knows."""

from collections.abc import Iterable, Mapping
from typing import Final

from fraudsieve.exceptions import SchemaError

from .formats.loaded import LoadedTable, ReadOptions
from .schema import TableSchema

__all__ = ["LIKELY_NAMES", "likely_column", "rename_columns"]

LIKELY_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "message_id": ("id", "msg_id", "sms_id", "uuid", "编号", "短信编号", "消息编号"),
    "text": ("content", "body", "message", "msg", "sms", "message_text", "sms_text", "v2", "内容", "短信内容", "文本"),
    "account_id": (
        "user_id",
        "sender",
        "sender_id",
        "from",
        "customer_id",
        "uid",
        "用户",
        "用户编号",
        "账号",
        "发送方",
    ),
    "sent_at": ("timestamp", "time", "date", "datetime", "created_at", "sent", "received_at", "时间", "发送时间"),
    "occurred_at": ("timestamp", "time", "date", "datetime", "created_at", "event_time", "时间", "交易时间"),
    "kind": ("event", "event_type", "action", "transaction_type", "类型", "事件"),
    "event_id": ("id", "transaction_id", "tx_id", "编号", "流水号"),
    "amount": ("value", "sum", "amt", "金额"),
    "counterparty_id": ("recipient_id", "beneficiary_id", "to", "payee", "merchant_id", "terminal_id", "收款方"),
    "subject_id": ("id", "message_id", "account_id", "event_id", "编号"),
    "label": ("class", "category", "target", "is_fraud", "is_spam", "fraud", "spam", "y", "v1", "标签", "类别"),
    "labelled_at": ("reviewed_at", "confirmed_at", "label_time", "标注时间"),
}
"""Usual names of columns, by the name that fraudsieve knows."""


def likely_column(name: str, columns: Iterable[str]) -> str | None:
    """Return the column that is likely to be the wanted one; None if no name is usual for it.

    Parameters
    ----------
    name : str
        The name that fraudsieve knows.
    columns : iterable of str
        The columns of a table.

    Returns
    -------
    str or None

    Examples
    --------
    >>> likely_column("text", ["ID", "Content"]), likely_column("text", ["a", "b"])
    ('Content', None)
    """
    by_name = {column.strip().casefold(): column for column in columns}
    return next((by_name[usual] for usual in LIKELY_NAMES.get(name, ()) if usual in by_name), None)


def rename_columns(loaded: LoadedTable, table: TableSchema, options: ReadOptions, origin: str) -> LoadedTable:
    """Give columns the names that fraudsieve knows.

    Parameters
    ----------
    loaded : LoadedTable
        The rows as they were read.
    table : TableSchema
        The expected table.
    options : ReadOptions
        Its ``columns``: a name of any table, such as ``account_id``, or of one, such as ``events.account_id``.
    origin : str
        Name of the table in errors.

    Returns
    -------
    LoadedTable
        A column that has the name already, and is not the one that was named, becomes ``input_...``.

    Raises
    ------
    SchemaError
        If the table does not have a column that was named for it.
    """
    names, prefix = list(loaded.frame.columns), f"{table.name}."
    here = {key.removeprefix(prefix): column for key, column in options.columns.items() if key.startswith(prefix)}
    anywhere = {name: column for name, column in options.columns.items() if "." not in name}
    missing = [column for column in here.values() if column not in names]
    if missing:
        problem = f"there is no column {missing[0]!r}, which was named for {table.name}"
        raise SchemaError(origin, problem, "Check its name, or leave it out.")
    found = {ours: theirs for ours, theirs in (anywhere | here).items() if theirs in names and theirs != ours}
    taken = {ours: f"input_{ours}" for ours in found if ours in names}
    renamed = loaded.frame.rename(columns=taken | {theirs: ours for ours, theirs in found.items()})
    # Records to score have no labels; where labels are needed, their absence is an error.
    known = {column.name for column in table.columns} - {"label", "labelled_at"}
    unused = [name for name in anywhere if name in known and anywhere[name] not in names and name not in names]
    notes = [f"there is no column {anywhere[name]!r} for {name} in {table.name}" for name in unused]
    return LoadedTable(renamed, loaded.broken, loaded.printed, (*loaded.notes, *notes))
