"""What is said of a training run."""

from dataclasses import asdict
from typing import Any

from .sheet_rows import sheet_rows

__all__ = ["trained_content", "trained_rows"]


def trained_content(trained: Any) -> dict[str, Any]:
    return {
        "folder": str(trained.folder),
        "digest": trained.model.digest,
        "model_uri": trained.logged.model_uri,
        "aliases": list(trained.logged.aliases),
        "tracking_uri": trained.logged.uri,
        "run_id": trained.logged.run_id,
        "run": trained.logged.address,
        "sheet": trained.sheet,
        "operating_points": [asdict(point) for point in trained.model.points],
        "unlabelled": trained.data.n_unlabelled,
        "rejected": len(trained.data.rejected),
        "rejected_labels": len(trained.data.rejected_labels),
        "tuning": trained.tuned and trained.tuned.content,
        "notes": list(trained.notes),
    }


def trained_rows(trained: Any) -> list[tuple[str, str]]:
    sheet, split = trained.sheet, trained.split
    apart = " and ".join(split.keeps_apart) or "nothing: these figures flatter"
    rows = [
        ("test", f"{sheet['rows']:,} {trained.model.subject}s, split by {split.kind}, apart: {apart}"),
        *sheet_rows(sheet),
    ]
    set_aside = f"{trained.data.n_unlabelled:,} unlabelled, {len(trained.data.rejected):,} rejected"
    return [
        *rows,
        ("set aside", set_aside),
        ("model folder", str(trained.folder)),
        ("model", f"{trained.logged.model_uri} ({', '.join(trained.logged.aliases) or 'not registered'})"),
        ("run in MLflow", trained.logged.address),
    ]
