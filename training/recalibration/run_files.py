"""The content of the run of a recalibration in MLflow."""

from dataclasses import asdict

from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.tracking.tracked_run import RunContent

__all__ = ["recalibration_content"]


def recalibration_content(model: Model, address: str | None) -> RunContent:
    """Return what a run of a recalibration holds."""
    facts, first = model.training["recalibration"], model.points[0]
    low, high = facts["flagged_interval"]
    lines = [
        f"Recalibrated from the model with digest `{facts['parent']}`: {', '.join(facts['of'])}.",
        f"- labels: {facts['labels']:,}",
        f"- {first.name} decides",
        f"- alerts at the capacity: {100 * low:.2f} % to {100 * high:.2f} % of the records",
        *(f"- {point.reason}" for point in model.absent_points),
        f"- digest of the model folder: `{model.digest}`",
    ]
    parent = {"parent.model": address} if address is not None and address.startswith("models:/") else {}
    metrics = {"labels": float(facts["labels"]), "flagged": facts["flagged"]}
    if "max_calibration_error" in facts:
        metrics["max_calibration_error"] = facts["max_calibration_error"]
    return RunContent(
        name=f"{model.name}, recalibrated",
        description="\n".join(lines),
        params={"parent_digest": facts["parent"], "recalibrated": ", ".join(facts["of"])},
        metrics=metrics,
        tags={"model.digest": model.digest, "parent.model.digest": facts["parent"], **parent}
        | {f"data.{name}.sha256": digest for name, digest in facts["digests"].items()},
        documents={
            "recalibration.json": facts,
            "operating_points.json": {
                "points": [asdict(point) for point in model.points],
                "absent": [asdict(point) for point in model.absent_points],
            },
        },
    )
