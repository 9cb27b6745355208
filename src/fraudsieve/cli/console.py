"""Output that commands share: progress on the error stream, results on the output, errors with an exit code."""

import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from fraudsieve._translation import Language, in_language, tr
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import FraudsieveError

WORK_FAILED = 1
WRONG_CALL = 2
BOUND_EXCEEDED = 3
"""The command succeeded, and a value exceeds a bound of the recipe."""

DISK_PROBLEMS = {
    errno.ENOSPC: (
        "the disk is full. What was there before is unchanged: free space, or write elsewhere (TMPDIR for temporary "
        "files), and try again"
    ),
    errno.EDQUOT: "the quota of the disk is used up. Free space, or write elsewhere, and try again",
    errno.EFBIG: "a file became larger than this process may write (ulimit -f). Raise the limit, and try again",
    errno.EIO: "the disk reported an error. Check it, and try again",
}
plain_console = partial(Console, soft_wrap=True, highlight=False, markup=False, emoji=False)
"""A console that prints names as they are, also with [brackets] or :colons:, on unbroken lines."""
errors = plain_console(stderr=True)


Report: TypeAlias = Callable[..., None]
"""Shows the current step of a command; takes its name and, if known, the progress and the total."""


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


class Answer(NamedTuple):
    """The result of a command: its content as JSON, or a title and rows of name and value, which may be in Chinese; and
    the exit code."""

    content: JsonObject
    title: str
    rows: Iterable[tuple[str, str]]
    code: int = 0
    language: Language = "en"

    def show(self, *, as_json: bool) -> None:
        """Print one line of JSON, or a table."""
        if as_json:
            sys.stdout.write(json.dumps(self.content, ensure_ascii=False, default=str) + "\n")
            return
        console = plain_console()  # unbroken lines: paths can be copied
        with in_language(self.language):
            rows = [(tr(name, sense="row"), tr(value, sense="cell")) for name, value in self.rows]
            console.print(tr(self.title), style="bold")
        width = max(cell_len(name) for name, _ in rows) + 2
        for name, value in rows:
            console.print(f"  {set_cell_size(name, width)}{value}")


def notes(lines: tuple[str, ...], language: Language = "en") -> None:
    """Print notes to the error stream, one per line; those with a template in a language."""
    with in_language(language):
        for line in lines:
            errors.print(tr("note: {text}", text=line))


@contextmanager
def steps(*, quiet: bool) -> Iterator[Report]:
    """Show the current step and the time since the start."""
    name = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), name, BarColumn(bar_width=24), TimeElapsedColumn())
    live = errors.is_terminal and not quiet
    with Progress(*columns, console=errors, transient=True, disable=not live) as progress:
        task = progress.add_task("starting", total=None)
        begin, last = time.monotonic(), ""

        def report_step(step: str, done: int | None = None, total: int | None = None) -> None:
            nonlocal last
            progress.update(task, description=step, total=total, completed=done or 0)
            if not live and not quiet and step != last:
                errors.print(f"[{time.monotonic() - begin:6.1f} s] {step}")
            last = step

        yield report_step


@contextmanager
def exit_on_error(*, as_json: bool) -> Iterator[None]:
    """Turn an error into a line and an exit code: 2 for a wrong call or wrong data, 1 for a failure."""
    try:
        yield
    except (FraudsieveError, FileExistsError, FileNotFoundError, IsADirectoryError, PermissionError) as error:
        _fail(str(error), WRONG_CALL, as_json, _for_terminal(error))
    except Exception as error:
        if os.environ.get("FRAUDSIEVE_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno in DISK_PROBLEMS:
            _fail(DISK_PROBLEMS[error.errno], WORK_FAILED, as_json)
        # The text of another library's error may quote a message or an identifier: print only its type and location.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        location = f"{type(error).__name__} in {os.path.basename(frame.filename)}, line {frame.lineno}"
        _fail(f"{location}. Set FRAUDSIEVE_DEBUG=1 for the full traceback", WORK_FAILED, as_json)


@contextmanager
def stop_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exit with status 143, so that what is open is closed, such as a run in MLflow."""

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _for_terminal(error: Exception) -> list[str]:
    """Return the details of an error that may be shown on a terminal, but not in a log."""
    shapes: Mapping[str, tuple[str, ...]] = getattr(error, "shapes", {})
    columns: tuple[str, ...] = getattr(error, "columns", ())
    lines = [
        f"{column} has values such as {' and '.join(examples)} (9: a digit, a and A: a letter)"
        for column, examples in shapes.items()
        if examples
    ]
    return [*lines, *([f"the other columns are {', '.join(columns)}"] if columns else [])]


def _fail(message: str, code: int, as_json: bool, details: Sequence[str] = ()) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"error": message}, ensure_ascii=False) + "\n")
    errors.print(f"error: {message}")
    for detail in details:
        errors.print(f"  {detail}")
    raise SystemExit(code)
