"""Writing a table as its owner has it: cut by time, in their format, under their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tests.walk.table import TableFiles, json_records

__all__ = ["WITHOUT_IDS", "Layout", "write_files", "write_frame"]

WITHOUT_IDS = {"cases": "events without event_id"}
"""Events without ids are scored, but no case can name one of them."""

TRAIN_SHARE, NEW_ROWS, HISTORY_ROWS = 0.7, 30, 150


@dataclass(frozen=True)
class Layout:
    """How the owner of a table has it.

    Parameters
    ----------
    table : {"messages", "accounts", "events"}
        What the rows are.
    suffix : str
        The format, as the end of a file's name.
    names : mapping of str to str
        Names of the owner's columns by ours.
    hidden : sequence of str
        Columns that new records do not have: labels, and what is known only later.
    train_options : tuple of str
        Options of ``train`` alone.
    reading : tuple of str
        Options of every command besides the names of columns.
    as_given : bool, default=False
        Whether the owner's service sends records under the owner's names, as the files have them.
    write : mapping of str to Any
        Arguments of the writer of pandas, such as the encoding; for Excel, a ``title`` above the header.
    """

    table: str
    suffix: str
    names: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    train_options: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    as_given: bool = False
    write: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> tuple[str, ...]:
        """The options that the names of the columns need."""
        named = [("--column", f"{ours}={theirs}") for ours, theirs in self.names.items() if ours != theirs]
        return (*(word for pair in named for word in pair), *self.reading)


def write_files(folder: Path, frame: pd.DataFrame, layout: Layout, times: "pd.Series[Any] | None" = None) -> TableFiles:
    """Write a frame whose rows are in order of time: the first to train on, later ones, and the last as new records.

    The history of new events are the last ones before them, without their labels. A service takes the times of a file,
    except dates that end with the year: `times` are those of such a file. Where an option names their zone, they have
    none in the records either.
    """
    new = frame.tail(NEW_ROWS).drop(columns=list(layout.hidden))
    labelled = frame.iloc[: len(frame) - NEW_ROWS]
    n_train = int(len(frame) * TRAIN_SHARE)
    parts = {"train": labelled.iloc[:n_train], "later": labelled.iloc[n_train:], "new": new}
    if layout.table == "events":
        parts["history"] = labelled.tail(HISTORY_ROWS).drop(columns=list(layout.hidden))
    paths = {name: folder / f"{name}{layout.suffix}" for name in parts}
    for name, part in parts.items():
        write_frame(part, paths[name], **layout.write)
    sent = {name: _to_records(parts[name], layout, times) for name in ("new", "history") if name in parts}
    return TableFiles(
        train={layout.table: paths["train"]},
        later={layout.table: paths["later"]},
        new=paths["new"],
        history={"history": paths["history"]} if "history" in parts else {},
        records=sent["new"],
        events=sent.get("history", ()),
        options=layout.options,
        train_options=layout.train_options,
    )


def _to_records(rows: pd.DataFrame, layout: Layout, times: "pd.Series[Any] | None") -> Sequence[Mapping[str, Any]]:
    ours = {} if layout.as_given else {theirs: name for name, theirs in layout.names.items()}
    name = {"messages": "sent_at", "accounts": "as_of", "events": "occurred_at"}[layout.table]
    if times is not None:
        zone = "" if "--time-zone" in layout.train_options else "Z"
        rows = rows.assign(**{layout.names.get(name, name): times.dt.strftime("%Y-%m-%dT%H:%M:%S") + zone})
    return json_records(rows, ours)


def write_frame(frame: pd.DataFrame, path: Path, **options: Any) -> None:
    """Write a frame in the format that the name of the file ends in."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False, date_format="iso")
    elif path.suffix == ".xlsx":
        _write_workbook(frame, path, **options)
    elif path.suffix == ".gz":
        frame.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0}, **options)
    else:
        frame.to_csv(path, index=False, **options)


def _write_workbook(frame: pd.DataFrame, path: Path, title: str = "") -> None:
    with pd.ExcelWriter(path) as writer:
        frame.to_excel(writer, index=False, startrow=1 if title else 0)
        if title:
            writer.sheets["Sheet1"]["A1"] = title
