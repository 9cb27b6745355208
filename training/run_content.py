"""The content of the run of a training in MLflow: name, description, parameters, metrics and documents."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._translation import tr
from fraudsieve._typing import JsonObject
from fraudsieve.models.artifact.folder import Model
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.metrics import METRIC_NAMES
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.evaluation.report_parts.slices import MIXTURES, Slices
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import FeatureRecipe, Recipe
from fraudsieve.training.recipe.sections import LISTS
from fraudsieve.training.report_page.charts import draw_figure_files
from fraudsieve.training.report_page.evaluation import model_facts, render_report
from fraudsieve.training.report_page.sections import headline
from fraudsieve.training.tuning.search import TuningResult

from .facts import written_settings
from .refit import split_model_folder
from .tracking.tracked_run import REPORT, SPLIT_MODEL, RunContent

MAX_METRIC_NAME = 220
"""Characters of the name of a metric. MLflow allows 250, and a number or a metric of a slice may follow."""
TITLE_METRICS = ("average_precision", "macro_f1")
"""The first of these that a report has is in the name of the run."""


def run_content(
    recipe: Recipe,
    folder: Path,
    model: Model,
    report: EvaluationReport,
    data: LabelledData,
    tuned: TuningResult | None,
    origin: PageOrigin,
) -> RunContent:
    """Return the content of a finished run."""
    content, title = report.to_dict(), tr("Evaluation: {name}", name=recipe.name)
    language = recipe.language
    of_text = _feature_params(recipe.features) if data.subject.has_text else {}
    facts = {"seed": recipe.seed, "subject": data.subject, "split": content["split"]["kind"]}
    facts |= recipe.labels.model_dump(exclude_none=True)
    return RunContent(
        name=_title(report, data.subject),
        description=describe_run(report, data.subject, model.digest),
        params={**model.training["trees"], **of_text, **facts, "legitimate": model.legitimate},
        metrics=_logged_metrics(content, tuned) | _slice_metrics(report.slices),
        documents={
            REPORT: content,
            "report.html": render_report(
                report, title=title, facts=model_facts(model, language=language), origin=origin, language=language
            ),
            "recipe.json": written_settings(recipe),
            "operating_points.json": [asdict(point) for point in model.points],
            **draw_figure_files(report, language=language),
        },
        tags={f"data.{name}.sha256": digest for name, digest in data.digests.items()}
        | {"model.digest": model.digest}
        | ({} if report.refit is None else report.refit.tags),
        tables=_slice_table(report.slices),
        nested=tuned.runs if tuned is not None else (),
        folders={} if report.refit is None else {SPLIT_MODEL: split_model_folder(folder)},
    )


def _slice_table(slices: Slices | None) -> dict[str, pd.DataFrame]:
    """Return the metrics of slices as a table: one row per slice, with the false positive rate of every point."""
    if slices is None:
        return {}
    rows = [
        {"by": part.by, "value": part.value}
        | {name: value for name, value in to_json_types(part).items() if isinstance(value, int | float)}
        | {f"false_positive_rate at {rate.name}": rate.false_positive_rate for rate in part.points}
        for part in slices.parts
    ]
    names = {"by": object, "value": object}  # MLflow selects columns in a way that is deprecated for strings
    return {"slices.json": pd.DataFrame(rows).astype(names)}


def _slice_metrics(slices: Slices | None) -> dict[str, float]:
    """Return the metrics of the slices by columns that were asked for, or that tell the parts of a mixture apart."""
    metrics: dict[str, float] = {}
    parts = () if slices is None else [part for part in slices.parts if part.by in (*MIXTURES, *slices.requested)]
    names = _metric_names("slices", [f"{part.by}.{part.value}" for part in parts])
    for part in parts:
        for metric in ("recall", "false_positive_rate", "observed_over_expected"):
            value = getattr(part, metric)
            if value is not None:
                metrics[f"{names[f'{part.by}.{part.value}']}.{metric}"] = value
    return metrics


def _feature_params(features: FeatureRecipe) -> JsonObject:
    """Return the parameters of the features, with the sizes of the lists: MLflow limits the length of a parameter."""
    sizes = {f"words.{name}": len(words) for name, words in (features.words or {}).items()}
    sizes |= {name: len(getattr(features, name)) for name in LISTS if name != "words"}
    return features.model_dump(exclude={*LISTS}) | {name: size for name, size in sizes.items() if size}


def _title(report: EvaluationReport, subject: Subject) -> str:
    name = next((name for name in TITLE_METRICS if getattr(report, name) is not None), None)
    metric = "" if name is None else f", {METRIC_NAMES[name]} {getattr(report, name):.3f}"
    return f"{report.rows:,} {subject}s{metric}"


def describe_run(report: EvaluationReport, subject: Subject, digest: str | None) -> str:
    """Return a description of a run and of its model, in Markdown."""
    split = "" if report.split is None else f", split by {report.split.kind}"
    finding = headline(report)
    found = "" if finding is None else f" **{finding.title}**"
    lines = [f"Tested on {report.rows:,} {subject}s{split}.{found}", ""]
    for name in (*TITLE_METRICS, "recall_at_capacity", "precision_at_capacity"):
        value, interval = getattr(report, name), report.intervals.get(name)
        if value is not None:
            between = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
            lines.append(f"- {METRIC_NAMES[name]}: **{value:.3f}**{between}")
    lines += [f"- warning: {warning['found']}" for warning in report.warnings]
    lines.append("- the whole report is the artifact `report.html`")
    return "\n".join([*lines, *([] if digest is None else [f"- digest of the model folder: `{digest}`"])])


def _logged_metrics(content: JsonObject, tuned: TuningResult | None) -> dict[str, float]:
    """Return every number of a report that is a metric of the run in MLflow."""
    metrics = _numbers(content) | _numbers(content["temporal"] or {}, "temporal.")
    names = _metric_names("f1", [*content["by_type"]])
    metrics |= {names[label]: figures["f1"] for label, figures in content["by_type"].items()}
    metrics |= _numbers({"share": (content["unlike_training"] or {}).get("share")}, "unlike_training.")
    if tuned is not None:
        metrics |= {f"tuning.{name}": float(tuned.facts[name]) for name in ("default", "best", "adopted")}
    return metrics


def _numbers(content: JsonObject, prefix: str = "") -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in content.items() if isinstance(value, int | float)}


def _metric_names(prefix: str, labels: Iterable[str]) -> dict[str, str]:
    """Return a metric for each label, without what MLflow does not allow in a name; those that are equal are numbered.

    Slashes are replaced too: MLflow allows them, but not one at the end, nor two of them.
    """
    names: dict[str, str] = {}
    for label in labels:
        allowed = "".join(c if c.isalnum() or c in "_-. " else "_" for c in label)
        name = stem = f"{prefix}.{allowed}"[:MAX_METRIC_NAME]
        number = 1
        while name in names.values():
            number += 1
            name = f"{stem}.{number}"
        names[label] = name
    return names
