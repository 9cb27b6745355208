"""``fraudsieve cases``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve._io import read_secret_file
from fraudsieve.cli.console import Answer, Report, count_of
from fraudsieve.cli.options import (
    AsOf,
    LanguageOption,
    Legitimate,
    ReadingOptions,
    Scores,
    TableOptions,
    Threshold,
    input_table,
)
from fraudsieve.exceptions import LocatedError, RecipeError

if TYPE_CHECKING:  # imported at first use: SciPy and PyArrow take time
    from fraudsieve.cases.case_finding import Cases

KEY_VARIABLE = "FRAUDSIEVE_CASES_KEY"
SHOWN = 5


def cases_command(
    *,
    progress: Report,
    scores: Scores,
    tables: TableOptions,
    legitimate: Legitimate = "auto",
    threshold: Threshold = None,
    window_days: Annotated[
        float | None, typer.Option(help="Link actions that share an account if they are at most this many days apart.")
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Density of links that a case must exceed; higher values make smaller cases.")
    ] = None,
    as_of: AsOf = None,
    previous: Annotated[Path | None, typer.Option(help="Folder of earlier cases, whose ids are kept.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help=f"File with the secret key for digests; by default ${KEY_VARIABLE}, else a random key for this run."
        ),
    ] = None,
    show_identifiers: Annotated[
        bool, typer.Option("--show-identifiers", help="Show ids of accounts and records on the page.")
    ] = False,
    language: LanguageOption = None,
    reading: ReadingOptions,
    output: Annotated[Path, typer.Option(help="Folder to write; it must not exist.")] = Path("cases"),
) -> Answer:
    """Group flagged records into cases, by shared accounts, identifiers and texts, and by time."""
    import pandas as pd

    from fraudsieve._io import check_output_folder
    from fraudsieve.cases.pages.page import render_cases_page
    from fraudsieve.cases.settings import CaseSettings
    from fraudsieve.cases.tables import find_cases_in_tables, read_ledger, write_cases

    check_output_folder(output)
    given: dict[str, Any] = {"window_days": window_days, "resolution": resolution}
    settings = CaseSettings(**{name: value for name, value in given.items() if value is not None})
    inputs = tables.inputs(reading)
    cutoff = None if as_of is None else pd.Timestamp(as_of)
    progress("linking and partitioning")
    dates = ReadingOptions(day_first=reading.day_first)
    given_scores: list[Any] = [input_table([source], dates) for source in scores]
    found = find_cases_in_tables(
        given_scores,
        key=_key(key),
        threshold=threshold,
        settings=settings,
        as_of=cutoff,
        legitimate=legitimate,
        ledger=None if previous is None else read_ledger(previous),
        **inputs,
    )
    progress("writing")
    page = render_cases_page(found, show_identifiers=show_identifiers, as_of=cutoff, language=language or "en")
    folder = write_cases(found, output, page)
    counts = {"cases": len(found.cases), "members": len(found.members), "links": len(found.links)}
    content = {"output": str(folder), **counts, "hubs": len(found.hubs)}
    content |= {"page": str(folder / "cases.html")}
    title = f"{count_of(counts['cases'], 'case')} of {count_of(counts['members'], 'flagged record')}"
    return Answer(content, title, [("page", str(folder / "cases.html")), *_rows(found)])


def _key(path: Path | None) -> bytes:
    """Return the key of digests; by default a random one, so that digests of two runs cannot be compared."""
    from fraudsieve.features.cues.contacts import LONGEST_KEY

    if path is None:
        origin, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "").encode() or os.urandom(32)
    else:
        origin, key = str(path), read_secret_file(path, LocatedError, "Name a file with a key.")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise RecipeError(origin, [f"expected a key of 1 to {LONGEST_KEY} bytes, got {len(key)}"])
    return key


def _rows(found: "Cases") -> list[tuple[str, str]]:
    """Return the first cases by rank, and the hubs."""
    columns = [found.cases[name] for name in ("case_id", "actions", "accounts", "expected_frauds")]
    first = zip(*(column.head(SHOWN) for column in columns), strict=True)
    rows = [(str(name), f"{n:,} actions, {m:,} accounts, {frauds:.1f} frauds expected") for name, n, m, frauds in first]
    return [*rows, ("hubs", f"{len(found.hubs):,} values that too many share link nothing")]
