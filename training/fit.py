"""Train a model from a recipe: read, split, fit, calibrate, evaluate, write, verify, log."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fraudsieve._html import facts_table
from fraudsieve._io import check_not_an_input
from fraudsieve._precompiled import compile_rest, compiling
from fraudsieve._translation import tr
from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import FraudsieveError, SplitError
from fraudsieve.models.artifact.folder import Model, model_summary, read_model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.verification import write_verified
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.tables.formats.output import ENDINGS, write_frame
from fraudsieve.tables.label_values import LabelReader
from fraudsieve.tables.source import Source, as_input, local_files, origin_of
from fraudsieve.training.attack.recall import attackable
from fraudsieve.training.data.builders import read_data, with_order_key
from fraudsieve.training.data.classes import check_classes
from fraudsieve.training.data.column_notes import RefitSummary, built_from, check_custom_columns
from fraudsieve.training.data.groups import group_notes, groups_of, rows_after_training
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.metrics import METRIC_NAMES
from fraudsieve.training.evaluation.points import check_points, exceeded_notes, share_of_records
from fraudsieve.training.evaluation.report import EvaluationReport, ReportDetails, headline_figure
from fraudsieve.training.recipe.cores import with_threads
from fraudsieve.training.recipe.headers import check_headers, with_kinds
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split, has_times
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import is_new_store, tracking_uri
from fraudsieve.training.tracking.tracked_run import CHAMPION
from fraudsieve.training.tuning.search import TuningResult, tune

from .evaluation.evaluation_run import evaluate_model
from .evaluation.label_delays import (
    LabelSelection,
    assumed_labels,
    assumed_note,
    label_metrics,
    label_selection,
    selection_notes,
)
from .evaluation.report import SplitSummary, TemporalMetrics, TreeChoice
from .evaluation.report_parts.slices import break_notes, check_slicing, excess_notes
from .facts import age_notes
from .memory import check_memory
from .output import check_model_output, claiming, replacing_models
from .refit import plan_refit, refit_model, split_model_folder, write_refitted
from .run_content import run_content
from .split_model import fit_model
from .tracking.tracked_run import LoggedRun, OpenRun, RunInput, open_run

TABLES = ("messages", "accounts", "events", "labels", "features")


@dataclass(frozen=True, eq=False)
class Trained:
    """Result of a training run.

    Parameters
    ----------
    model : Model
        The model, as written; trained on all mature rows unless the recipe turns ``refit`` off.
    folder : Path
        The model folder.
    report : EvaluationReport
        Metrics on the test slice.
    split : Split
        Rows for training, calibration and test.
    data : LabelledData
        The rows, and those that were rejected.
    logged : LoggedRun or None
        Address of the run in MLflow; None if the recipe turns tracking off.
    notes : tuple of str
        Notes for the user.
    tuned : TuningResult, default=None
        Result of the hyperparameter search; None without a search.
    split_model : Model, default=None
        The evaluated model, which the report evaluates, if it is not the model that was written.
    """

    model: Model
    folder: Path
    report: EvaluationReport
    split: Split
    data: LabelledData
    logged: LoggedRun | None
    notes: tuple[str, ...]
    tuned: TuningResult | None = None
    split_model: Model | None = None

    def __repr__(self) -> str:
        """Return one line; `report` and `data` are too long to show."""
        return f"Trained({self.folder}: {self._headline()}, {len(self.notes)} notes)"

    def _repr_html_(self) -> str:
        run = {} if self.logged is None else {"run in MLflow": self.logged.run_id}
        facts = {"folder": str(self.folder), "headline": self._headline(), **model_summary(self.model), **run}
        return facts_table("Trained model", facts | {"notes": f"{len(self.notes)}, in .notes"})

    def _headline(self) -> str:
        return f"{headline_figure(self.report)} on {self.report.rows:,} rows of the test slice"


def train(
    recipe: Recipe | None = None,
    *,
    output: str | Path = "fraudsieve-model",
    messages: "Source | None" = None,
    labels: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    features: "Source | None" = None,
    overwrite: bool = False,
    reader: "LabelReader | None" = None,
    progress: "Progress | None" = None,
) -> Trained:
    """Train a model on labelled messages, accounts or events; write it to a folder and log it to MLflow.

    Rejected rows are written next to the folder, in the format of their table: ``<folder>.rejected-messages.csv``,
    ``-labels.parquet`` and so on. Those of frames, databases and folders are in Parquet.

    Parameters
    ----------
    recipe : Recipe, default=None
        All settings of the run; None for the defaults.
    output : str or Path, default="fraudsieve-model"
        The model folder to write.
    messages, labels, accounts, events : path or DataFrame, default=None
        The tables; by default those of the recipe. With messages, events are the history of their senders.
    features : path, default=None
        Parquet with a precomputed feature matrix, which replaces the tables: see `fraudsieve.spark.training_sample`.
        It is split, trained on, calibrated and evaluated like the matrix that is computed from tables.
    overwrite : bool, default=False
        Whether to replace a model folder of that name, with the evaluated model next to it. They stay until the new
        model is about to be written, and are put back if writing or verifying it fails.
    reader : callable, default=None
        Reads labels as classes, as `read_labels` does; None to read them as the recipe says.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Trained
        The model, its report and its run.

    Raises
    ------
    SchemaError
        When a table cannot be used, or the labels are of one class.
    RecipeError
        When the tables do not fit the subject.
    SplitError
        When there is too little data for the split, or for the folds of a search.
    FileExistsError, PermissionError
        When the folder exists and is not to be replaced, or is not a model folder, or cannot be created, or another
        run is writing it, or a table is where its rejected rows would be. This is checked before any table is read.
    ArtifactError
        When what was written cannot be loaded or cannot score. Nothing is kept then, and an older model stays.
    TrackingError
        When MLflow's store does not answer, which is checked before any table is read, or rejects the finished run.
    """
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    tables = tables_of(recipe, dict(zip(TABLES, (messages, accounts, events, labels, features), strict=True)))
    for file in (file for source in tables.values() if source is not None for file in local_files(source)):
        if str(file.resolve()).startswith(str(Path(f"{output}.rejected-").resolve())):
            check_not_an_input(file, file)
    # A run without a refit replaces the evaluated model of an older run too: it would not fit the new model.
    folders = [Path(output), *([split_model_folder(output)] if recipe.model.refit or overwrite else [])]
    with claiming(output), ExitStack() as work:
        for folder in folders:
            check_model_output(folder, overwrite=overwrite)
        check_headers(recipe := with_kinds(recipe, tables), tables)
        if tables["messages"] is not None:
            work.enter_context(compiling("message", "training"))
        run = None
        if recipe.track.enabled:
            report_step("opening a run in MLflow")
            uri, experiment = tracking_uri(recipe.track.uri), recipe.track.experiment
            run = work.enter_context(open_run(uri, experiment, name=f"{recipe.name}, training"))
        return _train(recipe, folders, tables, run, reader, report_step)


def _train(
    recipe: Recipe,
    folders: Sequence[Path],
    tables: dict[str, Any],
    run: OpenRun | None,
    reader: LabelReader | None,
    report_step: Progress,
) -> Trained:
    output = folders[0]
    recipe, data, groups, group_kind, split, first_notes = prepare(recipe, tables, reader, report_step, run)
    check_points(data, split, recipe)
    plan = plan_refit(data, split) if recipe.model.refit else None
    tuned = None if recipe.tune is None else tune(data, groups, group_kind, split, recipe, progress=report_step)
    final_recipe = recipe if tuned is None else tuned.recipe
    fit = fit_model(data, groups, split, final_recipe, report_step, None if run is None else run.log_round)
    model, builder, notes, point_notes, choice, chosen = fit
    if tuned is not None:
        model = replace(model, training=model.training | {"tuning": tuned.facts})
        notes = (tuned.note, *notes)
    temporal = None
    if split.flatters and recipe.split.also_temporal and has_times(data.rows["as_of"]):
        # With the settings of the recipe: the search has seen rows of that test.
        temporal = _temporal_metrics(data, groups, group_kind, recipe, report_step)
    report_step("evaluating")
    tested = check_slicing(data.rows.iloc[split.test], recipe.evaluate.by, f"{data.subject}s", recipe.data.columns)
    report = evaluate_model(
        Scorer(model),
        tested,
        builder,
        groups=groups[split.test],
        group_kind=group_kind,
        share=share_of_records(data, tested),
        settings=recipe.evaluate,
        attack=recipe.evaluate.attack and attackable(model, data.rows["label"].to_numpy(object)[split.test]),
        details=_report_details(data, split, model, recipe, temporal, choice),
        rules=recipe.rule_set,
    )
    notes = (*notes, *_report_notes(report, temporal))
    refitted, split_model = None, None
    if plan is not None:
        refitted, point_notes = refit_model(plan, data, groups, model, builder, chosen, report_step)
    report_step("writing and verifying the model")
    with replacing_models(folders):
        if plan is None or refitted is None:
            model = write_verified(model, output)
        else:
            model, split_model = write_refitted(plan, data, refitted, model, final_recipe, output)
            report = replace(report, refit=RefitSummary.of(model.training))
    logged = None
    if run is not None:
        report_step("logging the run to MLflow")
        _log_curve(run, choice)
        content = run_content(final_recipe, output, model, report, data, tuned, PageOrigin(run=run.page))
        logged = run.finish(output, content, register_as=recipe.name if recipe.track.register_model else None)
    first = exceeded_notes(report.operating_points)
    first += age_notes(data, model.training) if split.kind == "time" else []
    built = (tr("{kind}: {names}", kind=kind, names=names) for kind, names in built_from(model.matrix).items())
    notes = (*first_notes, *built, *notes, *point_notes, *write_rejected_rows(data, tables, output))
    notes = (*first, *break_notes(report.slices, report.operating_points), *notes)
    return Trained(model, output, report, split, data, logged, notes, tuned, split_model)


class Prepared(NamedTuple):
    """The labelled rows of a run and their slices."""

    # That of the run, with all that depends on the rows and on the machine.
    recipe: Recipe
    data: LabelledData
    groups: Array
    group_kind: str
    split: Split
    # Notes for the user.
    notes: tuple[str, ...]


def tables_of(recipe: Recipe, given: Mapping[str, Source | None]) -> dict[str, Any]:
    """Return the tables of a run by name: those that are given, or else those of the recipe."""
    return {name: getattr(recipe.data, name) if given.get(name) is None else given[name] for name in TABLES}


def prepare(
    recipe: Recipe,
    tables: dict[str, Any],
    reader: LabelReader | None,
    report_step: Progress,
    run: OpenRun | None = None,
) -> Prepared:
    """Read the tables and split their labelled rows."""
    recipe, busy_notes = with_threads(recipe)
    for step in (*busy_notes, "reading"):
        report_step(step)
    if tables["features"] is None:
        given = [name for name, table in tables.items() if table is not None]
        recipe = recipe.with_threshold_column(recipe.data.subject_of(given))
    recipe = with_order_key(recipe, data := _read(recipe, tables, run, reader), champion_order_key(recipe))
    compile_rest(report_step)
    report_step(f"looking for {data.subject.unit}s")
    groups, group_kind = groups_of(data)
    split = choose_split(data, groups, group_kind, recipe)
    notes = (*busy_notes, *data.notes, *group_notes(data, groups, group_kind), *split.notes)
    return Prepared(recipe, data, groups, group_kind, split, notes)


def _read(recipe: Recipe, tables: dict[str, Any], run: OpenRun | None, reader: LabelReader | None) -> LabelledData:
    """Read the tables, log them as inputs of the run, and check that a model can be trained on them."""
    data = read_data(recipe, tables, min_label_rows=recipe.data.min_label_rows, reader=reader, to_train=True)
    if run is not None:
        paths = {name: ", ".join(map(str, local_files(tables[name]))) or None for name in data.digests}
        run.log_inputs([RunInput(name, paths[name], digest) for name, digest in data.digests.items()])
    check_classes(data, next(table for table in tables.values() if table is not None), recipe.data)
    check_custom_columns(data, recipe)
    check_slicing(data.rows, recipe.evaluate.by, f"{data.subject}s", recipe.data.columns)
    check_memory(data, recipe)
    assumed = assumed_note(assumed_labels(data, data.legitimate))
    return data if assumed is None else replace(data, notes=(*data.notes, assumed))


def _log_curve(run: OpenRun, choice: TreeChoice | None) -> None:
    for point in () if choice is None else choice.curve:
        for name in ("log_loss", "average_precision"):
            run.log_metric(f"boosting.{name}_of_later_rows", getattr(point, name), point.rounds)


def _report_details(
    data: LabelledData,
    split: Split,
    model: Model,
    recipe: Recipe,
    temporal: TemporalMetrics | None,
    choice: TreeChoice | None,
) -> ReportDetails:
    since = data.rows["as_of"].iloc[split.test].min() if split.kind == "time" else None
    return ReportDetails(
        split=SplitSummary.of(split),
        warnings=tuple(model.training["warnings"]),
        label_selection=_label_selection(data, split, model, recipe),
        labels=label_metrics(data, model.training, legitimate=model.legitimate, since=since, trust=recipe.data.trusted),
        temporal=temporal,
        trees=choice,
    )


def _label_selection(data: LabelledData, split: Split, model: Model, recipe: Recipe) -> LabelSelection | None:
    """Compare labels with the flags of the champion, or without one with those of the new model on the test slice."""
    selection = champion_selection(data, recipe)
    is_tested = np.isin(np.arange(len(data.rows)), split.test)
    return label_selection(Scorer(model), data, is_tested) if selection is None else selection


def write_rejected_rows(data: LabelledData, tables: Mapping[str, Source | None], output: str | Path) -> list[str]:
    """Write rejected rows next to the output of a run, in the formats of their tables; return notes that name them.

    Those of an older run are deleted.
    """
    notes = []
    rejected = {"events": data.rejected_events, f"{data.subject}s": data.rejected, "labels": data.rejected_labels}
    for table in TABLES:
        for ending in ENDINGS:
            Path(f"{output}.rejected-{table}{ending}").unlink(missing_ok=True)
        if (rows := rejected.get(table)) is not None and len(rows):
            path = Path(f"{output}.rejected-{table}{_ending_like(tables.get(table))}")
            note = tr("{n} {table} were rejected; {path} has the reasons", n=len(rows), table=tr(table), path=path)
            notes += [note, *write_frame(rows, path)]
    return notes


def _ending_like(source: Source | None) -> str:
    """Return the ending of an output in the format of a table; Parquet for what is no file."""
    place = "" if source is None else origin_of(as_input(source).parts[0].source)
    ending = Path(place.lower().removesuffix(".gz").removesuffix(".zip")).suffix
    return {".tsv": ".csv", ".txt": ".csv", ".json": ".jsonl"}.get(ending, ending if ending in ENDINGS else ".parquet")


def _temporal_metrics(
    data: LabelledData, groups: Array, group_kind: str, recipe: Recipe, progress: Progress
) -> TemporalMetrics:
    """Return the metrics of the same recipe when it is split by time, or why there are none."""
    by_time = recipe.with_values({"split.kind": "time"})
    try:
        split = choose_split(data, groups, group_kind, by_time)
    except SplitError as error:
        return TemporalMetrics(skipped=str(error))
    model, builder, *_ = fit_model(data, groups, split, by_time, progress)
    report = evaluate_model(Scorer(model), data.rows.iloc[split.test], builder)
    return TemporalMetrics(
        average_precision=report.average_precision,
        roc_auc=report.roc_auc,
        base_rate=report.base_rate,
        macro_f1=report.macro_f1,
        rows=report.rows,
        split=SplitSummary.of(split),
    )


def _report_notes(report: EvaluationReport, temporal: TemporalMetrics | None) -> list[str]:
    notes = [*selection_notes(report.label_selection), *excess_notes(report.slices)]
    return notes if temporal is None else [*notes, _optimism_note(report, temporal)]


def _optimism_note(report: EvaluationReport, temporal: TemporalMetrics) -> str:
    if temporal.skipped is not None:
        return (
            f"the split is random: its metrics are optimistic, and a split by time is not possible: {temporal.skipped}"
        )
    name = "average_precision" if temporal.average_precision is not None else "macro_f1"
    at_random, by_time = getattr(report, name), getattr(temporal, name)
    return (
        f"the split is random: its metrics are optimistic; {METRIC_NAMES[name]} is {at_random:.3f}, "
        f"and {by_time:.3f} when split by time"
    )


def champion_selection(data: LabelledData, recipe: Recipe) -> LabelSelection | None:
    """Compare how often the champion flags records of a training run with and without a label.

    Only records later than its training count. None if it cannot be known: there is no champion that can score these
    records as they were read, or no later record.
    """
    try:
        folder = _champion(recipe)
        if folder is None or not _reads_alike(champion := Scorer.load(folder), data, recipe):
            return None
        rows = rows_after_training(data, [champion.model]).rows
        return label_selection(champion, data, rows, by=tr(" by the champion"))
    except FraudsieveError:
        return None  # a champion that cannot be loaded, or needs other tables, says nothing about labels


def champion_order_key(recipe: Recipe) -> str:
    """Return the `History.order_key` of the champion's views, or an empty string.

    With the same key and views, a service that uses the champion needs no restart for the new model.
    """
    try:
        folder = _champion(recipe)
        views = () if folder is None else read_model(folder).matrix.history_declaration.histories
    except FraudsieveError:
        return ""
    return next((view.order_key for view in views), "")


def _champion(recipe: Recipe) -> Path | None:
    """Return the folder of the champion; None without one, and in a training that is not tracked."""
    uri = tracking_uri(recipe.track.uri)
    if not recipe.track.enabled or is_new_store(uri):
        return None
    registry = Registry(uri, recipe.name)
    version = registry.aliases().get(CHAMPION)
    return None if version is None else registry.folder(version)


def _reads_alike(champion: Scorer, data: LabelledData, recipe: Recipe) -> bool:
    """Return whether a champion scores such records, under the same names of columns."""
    model = champion.model
    return (
        model.subject == data.subject
        and model.legitimate == data.legitimate
        and options_of_model(model).columns == recipe.data.columns
    )
