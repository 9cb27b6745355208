"""Compare current records with reference records, as a model scores them.

The reference consists of records that the model was not trained on: the test slice, or the first week in use. Labels
are optional. Where they have arrived, calibration and observed precision and recall are part of the report.

Decisions in a monitor report: flagged records, expected precision and recall, and metrics of labelled records.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import trust_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.models.scoring.scores import deciding_thresholds, reached
from fraudsieve.models.unlike_training.shares import UNFAMILIAR
from fraudsieve.tables.source import Source, data_digest
from fraudsieve.training.data.builders import flags_of
from fraudsieve.training.data.groups import group_of_model, row_groups
from fraudsieve.training.evaluation.capacity import count_days
from fraudsieve.training.evaluation.evaluation_run import load_scorer
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.report_parts.weighting import RowWeights
from fraudsieve.training.recipe.recipe import EvaluateRecipe, Recipe
from fraudsieve.training.recipe.sections import MonitorRecipe
from fraudsieve.training.report_page.evaluation import check_report_path, model_facts, write_page

from .bounds import Share, bounds_exceeded, compare_ratio, compare_shares
from .drift import column_drift, score_drift
from .page import render_monitor_report
from .report import (
    Both,
    LabelledCalibration,
    MonitorMeasures,
    MonitorReport,
    ObservedPerformance,
    PointAlerts,
    PointPerformance,
    RuleShares,
    ShareChange,
    ShareChanges,
    TablePerformance,
    UnlikeOverTime,
    UnlikePeriod,
)
from .scored_table import ScoredTable, categories_of, score_table

CALIBRATION = ("ece", "brier", "observed_over_expected", "average_precision", "base_rate", "frauds")


def measure_alerts(model: Model, before: ScoredTable, after: ScoredTable) -> tuple[PointAlerts, ...]:
    """Count the flagged records at every operating point; the point that decides comes first.

    With thresholds by a column, the last are those of its values.
    """
    tables = before, after
    points = [_alerts(model, i, point.name, point.threshold, tables) for i, point in enumerate(model.points)]
    if model.source_points is None:
        return tuple(points)
    for value, name in model.source_points.named(model.points[0].name).items():
        parts = before.part(before.scores["threshold_of"] == value), after.part(after.scores["threshold_of"] == value)
        if all(len(part.rows) for part in parts):
            points.append(_alerts(model, 0, name, model.source_points.points[value].threshold, parts))
    return tuple(points)


def _alerts(model: Model, i: int, name: str, threshold: float, tables: tuple[ScoredTable, ScoredTable]) -> PointAlerts:
    flags = [_flags(model, table)[i] for table in tables]
    both = list(zip(flags, tables, strict=True))
    return PointAlerts(
        **vars(compare_ratio(*(Share.of(flagged, table.clusters) for flagged, table in both))),
        name=name,
        threshold=threshold,
        alerts_a_day=Both(*(_per_day(flagged, table.cutoff_times(model.subject)) for flagged, table in both)),
        unlike_training=Both(*(0.0 if i else _below(model, table, flagged) for flagged, table in both)),
    )


def _below(model: Model, table: ScoredTable, flagged: Array) -> float:
    """Return the share of the rows that the policy flags below the threshold that decides."""
    return float((flagged & ~reached(table.scores["probability"], deciding_thresholds(model, table.rows))).mean())


def _per_day(flags: Array, times: Array | None) -> float | None:
    """Return the flagged records per day, of those whose day is known."""
    n_days = count_days(times)
    return None if times is None or n_days is None else float(flags[~np.isnat(times)].sum()) / n_days


def _flags(model: Model, table: ScoredTable) -> list[Array]:
    """Return the rows that each point flags: the decisions of the one that decides, the thresholds of the others."""
    others = [reached(table.scores["probability"], point.threshold) for point in model.points[1:]]
    return [flags_of(table.scores), *others]


def estimate_performance(model: Model, before: ScoredTable, after: ScoredTable) -> tuple[PointPerformance, ...]:
    """Estimate precision and recall of every operating point, next to those observed on labelled records."""
    of_tables = [(table, _flags(model, table)) for table in (before, after)]
    return tuple(
        PointPerformance(point.name, *(_performance(model, table, flags[i]) for table, flags in of_tables))
        for i, point in enumerate(model.points)
    )


def _performance(model: Model, table: ScoredTable, flags: Array) -> TablePerformance:
    expected = TablePerformance.of(table.scores["probability"], flags)
    return replace(expected, observed=_observed(model, table, flags))


def _observed(model: Model, table: ScoredTable, flags: Array) -> ObservedPerformance | None:
    labelled = table.labelled
    if not labelled.any():
        return None
    fraud = table.labels[labelled] != model.legitimate
    flagged = flags[labelled]
    rows = FraudRows(table.scores["probability"][labelled], fraud, weight=table.weight)
    return ObservedPerformance(int(labelled.sum()), rows.share(fraud, flagged), rows.share(flagged, fraud))


def measure_calibration(model: Model, after: ScoredTable, replicates: int) -> LabelledCalibration | None:
    """Compare the probabilities of the current records with the labels that have arrived.

    Returns None without labels, and for a model without a legitimate class.
    """
    labelled = after.labelled
    if model.legitimate is None or not labelled.any():
        return None
    groups, kind = row_groups(after.records[labelled], model.subject, group_of_model(model))
    is_fraud = after.labels[labelled] != model.legitimate
    rows = FraudRows(after.scores["probability"][labelled], is_fraud, groups, replicates, after.weight)
    metrics = fraud_metrics(rows, EvaluateRecipe(replicates=replicates))
    plain = None if rows.weight is None else fraud_metrics(rows.plain, EvaluateRecipe(replicates=0))
    return LabelledCalibration(
        rows=int(labelled.sum()),
        share=float(labelled.mean()),
        **{name: getattr(metrics, name) for name in CALIBRATION},
        intervals={name: metrics.intervals.get(name) for name in CALIBRATION},
        over=kind,
        reliability=() if metrics.curves is None else tuple(metrics.curves.reliability),
        weights=RowWeights.of(rows.weight, is_fraud),
        plain={} if plain is None else {name: getattr(plain, name) for name in CALIBRATION},
    )


WEEK = np.timedelta64(6, "D")
"""Tables with a shorter span have no distribution of weekdays."""
GROWING: Final = re.compile(r"age_days|since_first|^(?!profile__)\w+__\w+_all(_|$)|^network__(degree|sharing|fan|met_)")
"""Ages, all that is measured over all time, and what accounts share in the network: they move on their own."""
WEEKDAYS: Final = re.compile("weekday|weekend")
"""Columns that only show which days were chosen."""


PERIODS = {"day": 1, "week": 7, "month": 30}
"""Lengths in days."""
MAX_PERIODS = 26
MIN_ROWS = 30
"""With fewer records in a period, the share carries no information."""


def compare_unlike(model: Model, before: ScoredTable, after: ScoredTable) -> ShareChange | None:
    """Compare the shares of records with an ``unlike_training`` above .99; None if the model does not know it."""
    if model.unlike is None:
        return None
    return compare_shares(*(Share.of(_is_unfamiliar(table), table.clusters) for table in (before, after)))


def unlike_over_time(model: Model, before: ScoredTable, after: ScoredTable) -> UnlikeOverTime | None:
    """Return the share of such records in every period, for the shortest ``period`` that gives no more than 26.

    A month has 30 days, and is used for any longer time.
    None if the model does not know unfamiliar records, or these have no times.
    """
    tables = {"reference": before, "current": after}
    times = {name: table.cutoff_times(model.subject) for name, table in tables.items()}
    known = [values[~np.isnat(values)] for values in times.values() if values is not None]
    if model.unlike is None or not known:
        return None
    start, last = min(values.min() for values in known).astype("M8[D]"), max(values.max() for values in known)
    days = (last - start) / np.timedelta64(1, "D")
    period = next((name for name, length in PERIODS.items() if days < MAX_PERIODS * length), "month")
    length = np.timedelta64(PERIODS[period], "D")
    periods = tuple(
        UnlikePeriod(name, str(start + place * length), rows, share)
        for name, values in times.items()
        if values is not None
        for place, rows, share in _shares_over_time(values, start, length, _is_unfamiliar(tables[name]))
    )
    return UnlikeOverTime(period, periods)


def _shares_over_time(times: Array, start: Any, length: Any, hits: Array) -> list[tuple[int, int, float]]:
    """Return number, rows and share of hits of every period with enough rows."""
    known = ~np.isnat(times)
    places = (times[known] - start) // length
    rows, counts = np.bincount(places), np.bincount(places, hits[known])
    return [(int(i), int(rows[i]), float(counts[i] / rows[i])) for i in np.flatnonzero(rows >= MIN_ROWS)]


def _is_unfamiliar(table: ScoredTable) -> Array:
    return table.scores["unlike_training"] > UNFAMILIAR


def monitor_tables(
    model: str | Path | Scorer,
    reference: "Source",
    current: "Source",
    *,
    events: "Source | None" = None,
    labels: "Source | None" = None,
    history: "Source | None" = None,
    recipe: Recipe | None = None,
    rules: RuleSet | None = None,
    page: str | Path | None = None,
    progress: "Progress | None" = None,
) -> MonitorReport:
    """Compare current records with reference records, as a model scores them.

    Parameters
    ----------
    model : str, Path or Scorer
        A model folder, an address such as ``models:/NAME@champion``, or a loaded model.
    reference, current : path or DataFrame
        Messages, accounts (with ``as_of``) or events; at least 100 records of each that can be scored. The model should
        not have been trained on the reference: the text model performs better there than on new records.
    events, labels, history : path or DataFrame, default=None
        As for `score_file`, for both tables. Labels also give the outcome of the records.
    recipe : Recipe, default=None
        Its section ``monitor`` has the bounds, ``language`` is that of the page, and ``data.trust`` has the weights of
        the sources of labels, which are by default those of the training of the model. None for the defaults.
    rules : RuleSet, default=None
        Current rules: the report has the share of both tables that each of them decides. None for the rules of the
        recipe, if it has any.
    page : str or Path, default=None
        An HTML page to write, such as ``monitor.html``; the report is written next to it as JSON. None for no page.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    MonitorReport
        The complete report; ``exceeded`` lists the bounds that are exceeded.

    Raises
    ------
    SchemaError
        When a table cannot be used or is too small.
    RecipeError
        When the recipe excludes a column that the model does not have, or the page cannot be written.
    FileExistsError
        When the page or its JSON would overwrite a table.

    Examples
    --------
    ::

        report = monitor_tables("fraudsieve-model", "first-week.parquet", "this-week.parquet", page="monitor.html")
        [bound.text for bound in report.exceeded]
    """
    report_step = progress or (lambda step: None)
    recipe = Recipe() if recipe is None else recipe
    if page is not None:
        check_report_path(page, reference, current, events, labels, history)
    scorer = load_scorer(model)
    compared = _compared_columns(scorer.model, recipe.monitor.exclude)
    scored = partial(
        score_table,
        scorer,
        events=events,
        labels=labels,
        history=history,
        trust=recipe.data.trusted.or_else(trust_of_model(scorer.model)),
    )
    report_step("scoring the reference")
    before = scored(reference)
    report_step("scoring the current records")
    after = scored(current)
    report_step("comparing")
    measures = _measure(scorer.model, before, after, compared, recipe.monitor)
    measures = replace(measures, rules=_rule_shares(recipe.rule_set if rules is None else rules, before, after))
    limits = _limits(scorer.model, before, after, reference, history)
    report = MonitorReport(
        **vars(measures),
        model=scorer.model.name,
        digest=scorer.model.digest,
        subject=scorer.model.subject,
        exceeded=tuple(bounds_exceeded(measures, recipe.monitor)),
        notes=tuple(dict.fromkeys((*before.notes, *after.notes, *limits, *_reservations(measures)))),
    )
    if page is not None:
        facts, language = model_facts(scorer.model, language=recipe.language), recipe.language
        title = tr("Monitor: {model}", model=report.model)
        html = render_monitor_report(report, title=title, facts=facts, language=language)
        write_page(page, html, report.to_dict())
    return report


def _compared_columns(model: Model, exclude: tuple[str, ...]) -> Array:
    """Return which columns are compared: all except those that the recipe excludes, by name or by family."""
    columns = np.array(model.matrix.columns, object)
    families = np.array([family for family, _ in model.cues], object)
    unknown = sorted(set(exclude) - {*columns, *families})
    if unknown:
        raise RecipeError("recipe", [f"monitor.exclude: the model has no column or family {unknown[0]!r}"])
    return ~np.isin(columns, exclude) & ~np.isin(families, exclude)


def _measure(
    model: Model, before: ScoredTable, after: ScoredTable, compared: Array, settings: MonitorRecipe
) -> MonitorMeasures:
    left_out = _left_out(model, before, after, compared, settings)
    compared = compared & ~np.isin(model.matrix.columns, [name for names in left_out.values() for name in names])
    families, columns = column_drift(model, before, after, compared)
    return MonitorMeasures(
        rows=Both(len(before.rows), len(after.rows)),
        windows=Both(_window(model, before), _window(model, after)),
        labelled=Both(int(before.labelled.sum()), int(after.labelled.sum())),
        families=families,
        columns=columns,
        left_out=left_out,
        scores=score_drift(model, before, after, n_columns=int(compared.sum())),
        alerts=measure_alerts(model, before, after),
        expected=estimate_performance(model, before, after),
        calibration=measure_calibration(model, after, settings.replicates),
        shares=_shares(model, before, after),
        unlike=unlike_over_time(model, before, after),
        bounds=settings.model_dump(exclude={"exclude", "ages", "replicates"}),
    )


def _left_out(
    model: Model, before: ScoredTable, after: ScoredTable, compared: Array, settings: MonitorRecipe
) -> dict[str, tuple[str, ...]]:
    """Return the columns that only show which days were chosen, by the reason."""
    spans = [times for table in (before, after) if (times := table.cutoff_times(model.subject)) is not None]
    short = any(np.nanmax(times) - np.nanmin(times) < WEEK for times in spans)
    names = [name for name, kept in zip(model.matrix.columns, compared, strict=True) if kept]
    left_out = {}
    if not settings.ages:
        left_out["they grow by themselves"] = _matching(names, GROWING)
    if short:
        left_out["a table spans less than a week"] = _matching(names, WEEKDAYS)
    return {reason: tuple(columns) for reason, columns in left_out.items() if columns}


def _matching(names: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [name for name in names if pattern.search(name)]


def _window(model: Model, table: ScoredTable) -> tuple[str, str] | None:
    times = table.cutoff_times(model.subject)
    if times is None:
        return None
    seconds = times[~np.isnat(times)].astype("M8[s]")
    return str(seconds.min()), str(seconds.max())


def _shares(model: Model, before: ScoredTable, after: ScoredTable) -> ShareChanges:
    """Compare the shares of rejected rows, of rows without a history or unlike training, and of unseen categories."""
    both = before, after
    # The sender of a rejected row is not known: such rows have no clusters.
    rejected = compare_shares(
        *(Share.of(np.arange(len(table.rows) + table.rejected) < table.rejected) for table in both)
    )
    unseen = {
        model.matrix.columns[place]: compare_shares(*(Share.of(table.unseen[:, i], table.clusters) for table in both))
        for i, place in enumerate(np.flatnonzero(categories_of(model)))
    }
    cold_start = None
    if before.no_history is not None and after.no_history is not None:
        cold_start = compare_shares(
            Share.of(before.no_history, before.clusters), Share.of(after.no_history, after.clusters)
        )
    return ShareChanges(rejected, cold_start, unseen, compare_unlike(model, before, after))


def _limits(
    model: Model, before: ScoredTable, after: ScoredTable, reference: Source, history: Source | None
) -> Iterator[str]:
    """Yield notes on tables that limit the comparison."""
    inside = _share_trained_on(model, before, reference)
    if inside:
        yield tr(
            "{inside:.0f} % of the reference are from the time that the model was trained on. There, the text "
            "model and everything else that was fitted perform better than on new records, which then seem to have "
            "drifted. Use the test slice, or the first week that was scored",
            inside=100 * inside,
        )
    for name, table in ((tr("records of the reference"), before), (tr("current records"), after)):
        if not table.clusters.has_variance:
            yield tr(
                "nearly all {records} are of one account, so what chance explains is unknown, and drift and "
                "shares exceed no bound. Use records of more accounts. If account_id does not name accounts, remove it",
                records=name,
            )
    if model.subject.is_event and history is None:
        yield tr(
            "no earlier events are given: the history of each table begins with its first event. "
            "Give them with --history"
        )


def _share_trained_on(model: Model, before: ScoredTable, reference: Source) -> float:
    """Return the share of the reference that the model may have been trained on."""
    times, window = before.cutoff_times(model.subject), model.training.get("window") or ()
    if times is not None and len(window) == 2:
        start, end = (pd.Timestamp(time).tz_convert("UTC").tz_localize(None).to_datetime64() for time in window)
        return float(((times >= start) & (times <= end)).mean())
    digests = (model.training.get("digests") or {}).values()
    return float(data_digest(reference) in digests)


def _reservations(measures: MonitorMeasures) -> Iterator[str]:
    """Yield notes on the limits of the measures."""
    for reason, names in measures.left_out.items():
        yield tr("{names}: not compared, because {reason}", names=", ".join(names), reason=tr(reason))
    bound = measures.bounds["family_psi"]
    hidden = [
        column.chance
        for column in measures.columns
        if bound is not None and column.chance is not None and column.chance > bound + column.expected
    ]
    if hidden:
        yield tr(
            "so few rows hide drift: chance explains an index of up to {highest:.2f}. Use a longer period",
            highest=max(hidden),
        )
    labelled, rows = measures.labelled.current, measures.rows.current
    if measures.calibration and labelled < rows:
        yield tr(
            "{labelled:,} of {rows:,} current records have labels: early labels are rarely representative",
            labelled=labelled,
            rows=rows,
        )
    if measures.expected:
        yield tr(
            "precision and recall without labels hold only while the probabilities are right: "
            "they do not count a new trick that the model takes for legitimate"
        )


def _rule_shares(rules: RuleSet | None, before: ScoredTable, after: ScoredTable) -> tuple[RuleShares, ...]:
    """Return each rule with the share of both tables that it decides; none without rules."""
    if rules is None:
        return ()
    shares = [_decided_shares(rules, table) for table in (before, after)]
    expired = rules.expired()
    return tuple(
        RuleShares(rule.id, rule.action, rule.reason, rule.id in expired, shares[0][position], shares[1][position])
        for position, rule in enumerate(rules.rules)
    )


def _decided_shares(rules: RuleSet, table: ScoredTable) -> list[float]:
    records = table.records
    matched = rules.match({name: records[name].tolist() for name in rules.fields if name in records}, len(records))
    counts = np.bincount(matched[matched >= 0], minlength=len(rules))
    return [float(count) / len(records) for count in counts]
