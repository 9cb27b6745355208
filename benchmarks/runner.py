"""Run a benchmark from the command line and report its figures, those of the peers, and the bars."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

from benchmarks.data.location import MissingDataError
from benchmarks.machine import describe_machine

__all__ = ["Arguments", "Bar", "Report", "print_report", "progress", "run_command"]

Arguments: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Arguments of the command line: names or flags, and the keywords of ``ArgumentParser.add_argument``."""


@dataclass(frozen=True)
class Bar:
    """A target and whether it is met.

    Parameters
    ----------
    name : str
        Name of the measured figure.
    value : float
        The measured value.
    bound : float
        The target.
    holds : bool
        Whether the target is met.
    """

    name: str
    value: float
    bound: float
    holds: bool

    @classmethod
    def at_least(cls, name: str, value: float, bound: float) -> "Bar":
        """Check a value against a lower bound.

        Examples
        --------
        >>> Bar.at_least("grouped.macro_f1", 0.93, bound=0.92).holds
        True
        """
        return cls(name, value, bound, bool(value >= bound))

    @classmethod
    def at_most(cls, name: str, value: float, bound: float) -> "Bar":
        """Check a value against an upper bound.

        Examples
        --------
        >>> Bar.at_most("wording.ratio_to_fasttext.2", 0.25, bound=0.2).holds
        False
        """
        return cls(name, value, bound, bool(value <= bound))


@dataclass(frozen=True)
class Report:
    """The result of one run of a benchmark.

    Parameters
    ----------
    name : str
        The benchmark.
    dataset : str
        The data set.
    protocol : str
        Description of the procedure, so that a reader can judge the figures.
    rows : int
        Rows of the data set that were used.
    figures : mapping of str to float
        Numbers by dotted name.
    peers : mapping of str to mapping of str to float
        Figures of each peer, under the same names.
    bars : sequence of Bar
        The targets.
    skipped : str, default=""
        Reason for which nothing was measured; else empty.
    machine : mapping, default=describe_machine()
        Description of the machine.
    """

    name: str
    dataset: str
    protocol: str
    rows: int
    figures: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    bars: Sequence[Bar] = ()
    skipped: str = ""
    machine: Mapping[str, object] = field(default_factory=describe_machine)

    def as_json(self) -> dict[str, object]:
        """Return the report as one object of plain JSON types; ``skipped`` is included only if it is not empty."""
        content: dict[str, object] = {
            "name": self.name,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "rows": self.rows,
            "machine": dict(self.machine),
            "figures": _plain(self.figures),
            "peers": {peer: _plain(figures) for peer, figures in self.peers.items()},
            "bars": [_bar_object(bar) for bar in self.bars],
        }
        return content | {"skipped": self.skipped} if self.skipped else content


def print_report(report: Report, *, as_json: bool) -> None:
    """Write a report to standard output.

    Parameters
    ----------
    report : Report
        The report.
    as_json : bool
        Whether to write one JSON object, on the last line, or tables.
    """
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"{report.name} on {report.dataset}, {report.rows:,} rows", markup=False)
    if report.skipped:
        console.print(report.skipped, markup=False)
        return
    console.print(report.protocol, markup=False)
    console.print(_figure_table(report))
    if report.bars:
        console.print(_bar_table(report.bars))


def run_command(
    name: str,
    run: Callable[[argparse.Namespace], Report],
    description: str | None,
    argv: Sequence[str] | None = None,
    *,
    arguments: Arguments | None = None,
) -> int:
    """Run a benchmark from the command line and write its report.

    If the data are missing, the report says what was skipped.

    Parameters
    ----------
    name : str
        The benchmark: ``python -m benchmarks.NAME``.
    run : callable
        Takes the parsed options and returns the report.
    description : str or None
        Text of ``--help``; the docstring of the module.
    argv : sequence of str, default=None
        Arguments; None for those of the process.
    arguments : Arguments, default=None
        Further arguments, in addition to ``--json`` and ``--strict``.

    Returns
    -------
    int
        0, also if the data are missing; with ``--strict``, 1 if a bar does not hold.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    for argument, keywords in (arguments or {}).items():
        parser.add_argument(argument, **keywords)
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar does not hold")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        report = run(options)
    except MissingDataError as error:
        report = Report(name, getattr(options, "set", None) or error.name, "", 0, skipped=str(error))
    print_report(report, as_json=options.json)
    return int(options.strict and not all(bar.holds for bar in report.bars))


def progress(line: str) -> None:
    """Write a line of progress to standard error.

    Parameters
    ----------
    line : str
        The line.
    """
    Console(file=sys.stderr, highlight=False, soft_wrap=True).print(line, markup=False)


def _figure_table(report: Report) -> Table:
    table = Table("figure", "ours", *report.peers)
    for column in table.columns[1:]:
        column.justify = "right"
    columns = [report.figures, *report.peers.values()]
    for name in dict.fromkeys(name for column in columns for name in column):
        table.add_row(name, *(f"{column[name]:.4g}" if name in column else "" for column in columns))
    return table


def _bar_table(bars: Sequence[Bar]) -> Table:
    table = Table("bar", "value", "bound", "holds")
    for bar in bars:
        table.add_row(bar.name, f"{bar.value:.4f}", f"{bar.bound:.4f}", "yes" if bar.holds else "NO")
    return table


def _plain(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}


def _bar_object(bar: Bar) -> dict[str, object]:
    return {"name": bar.name, "value": float(bar.value), "bound": float(bar.bound), "holds": bar.holds}
