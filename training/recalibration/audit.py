"""A sample of records for people to label, and the inclusion probability of each.

One record of every campaign or account is selected, so that copies are not labelled twice. Of these, equally many are
selected from each stratum of the score: few records have a high score, and these decide the rate of false positives.
Sums over the sample are weighted by the inverse of the inclusion probability (Horvitz and Thompson, 1952, "A
generalization of sampling without replacement from a finite universe"), and shares divide by the sum of the weights
(Hajek, 1971).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve._io import check_output_file
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.guarantees import draw_of_groups
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.loaded import LoadedTable
from fraudsieve.tables.formats.output import check_output_format, write_frame
from fraudsieve.tables.values.reading import Reading

from .traffic import Traffic

TOP_SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""The lower ends of the strata, as shares of the campaigns or accounts from the highest score down."""
COLUMNS = ("subject_id", "inclusion_probability")
LABEL = "label"
DRAW_AGAIN = "Draw a sample of this traffic again."


@dataclass(frozen=True, eq=False)
class Audit:
    """Records that were selected for labelling.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_drawn,)
        Their positions in the traffic.
    probability : ndarray of float64, shape (n_drawn,)
        The inclusion probability of the record.
    group_probability : ndarray of float64, shape (n_drawn,)
        The inclusion probability of its campaign or account.
    """

    rows: Array
    probability: Array
    group_probability: Array


def draw_audit(score: Array, groups: Array, n: int, *, seed: int = 0) -> Audit:
    """Select records, equally many from each stratum of the score."""
    rng = np.random.default_rng(seed)
    drawn = draw_of_groups(groups, seed)
    drawn = drawn[np.lexsort((rng.random(len(drawn)), -score[drawn]))]
    ends = np.unique(np.ceil(np.array(TOP_SHARES) * len(drawn)).astype(np.int64))
    strata = [part for part in np.split(drawn, ends[:-1]) if len(part)]
    counts = _allocate([len(part) for part in strata], n)
    parts = [rng.choice(part, count, replace=False) for part, count in zip(strata, counts, strict=True)]
    rates = [np.full(count, count / len(part)) for part, count in zip(strata, counts, strict=True)]
    return audit_of(np.concatenate(parts), np.concatenate(rates), groups)


def _allocate(sizes: list[int], n: int) -> list[int]:
    """Return equal counts; the others give what a small stratum lacks."""
    counts, left = [0] * len(sizes), n
    for rank, place in enumerate(np.argsort(sizes, kind="stable")):
        counts[place] = min(sizes[place], int(np.ceil(left / (len(sizes) - rank))))
        left -= counts[place]
    return counts


def audit_of(rows: Array, group_probability: Array, groups: Array) -> Audit:
    """Return a sample of known probabilities of campaigns or accounts."""
    code, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    return Audit(rows, group_probability / sizes[code[rows]], group_probability)


def check_sample(path: str | Path) -> None:
    """Check, before any work, that a sample can be written."""
    check_output_file(path)
    check_output_format(Path(path))


def write_audit(audit: Audit, traffic: Traffic, path: str | Path, *, seed: int = 0) -> Path:
    """Write a sample for people to label, in random order and without scores; only the owner can read the file.

    A record has its text, or without one all of its columns, and an empty ``label``.
    """
    order = np.random.default_rng(seed).permutation(len(audit.rows))
    rows = audit.rows[order]
    records = traffic.records.iloc[rows].drop(columns=[*COLUMNS, LABEL, traffic.id_column], errors="ignore")
    shown = records[["text"]] if "text" in records else records
    columns = (traffic.ids[rows], audit.probability[order])
    frame = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=shown.index)
    write_frame(pd.concat([frame, shown], axis=1).assign(**{LABEL: None}), Path(path), exact=COLUMNS)
    return Path(path)


def read_audit(path: str | Path, traffic: Traffic) -> Audit:
    """Read a sample that `write_audit` wrote, with or without further columns."""
    loaded = _load(path)
    # Spreadsheet programs of some countries write a comma.
    cells = loaded.frame["inclusion_probability"].astype(str).str.replace(",", ".")
    probability = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    positions = pd.Index(traffic.ids.astype(str)).get_indexer(pd.Index(_ids(loaded)))
    if not ((probability > 0) & (probability <= 1)).all():
        raise SchemaError(str(path), "expected probabilities above 0 and at most 1, got others", DRAW_AGAIN)
    if (positions < 0).any() or len(np.unique(positions)) < len(positions):
        n = int((positions < 0).sum())
        fix = f"{DRAW_AGAIN} If a spreadsheet program changed identifiers such as 007, draw it as .xlsx."
        raise SchemaError(str(path), f"expected identifiers of the traffic, each once, got {n} others", fix)
    return _audit_of_records(positions, probability, traffic.groups)


def labelled_audit(traffic: Traffic, probability: Array) -> Audit:
    """Return the records with a label as a sample, whose labels have inclusion probabilities."""
    rows = np.flatnonzero(~pd.isna(traffic.labels))
    return _audit_of_records(rows, probability[rows], traffic.groups)


def _audit_of_records(rows: Array, probability: Array, groups: Array) -> Audit:
    """Return a sample of known probabilities of records, of which a campaign or account has at most one."""
    code, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    return Audit(rows, probability, np.minimum(probability * sizes[code[rows]], 1.0))


def labels_of_sample(path: str | Path) -> pd.DataFrame | None:
    """Return the labels that people have filled in, as a table of labels; None if there are none."""
    loaded = _load(path)
    if LABEL not in loaded.frame:
        return None
    labels = pd.DataFrame({"subject_id": _ids(loaded), LABEL: loaded.frame[LABEL]})
    filled = labels[LABEL].notna() & (labels[LABEL].astype(str).str.strip() != "")
    return labels[filled].reset_index(drop=True) if filled.any() else None


def _load(path: str | Path) -> LoadedTable:
    loaded = load(path)
    missing = [name for name in COLUMNS if name not in loaded.frame]
    if missing:
        raise SchemaError(str(path), f"expected the column {missing[0]}, which is missing", DRAW_AGAIN)
    return loaded


def _ids(loaded: LoadedTable) -> pd.Series:
    """Return identifiers as the traffic has them; words for missing values are identifiers too."""
    cells = loaded.frame["subject_id"]
    return convert(cells, "id", Reading(printed=loaded.printed)).column.fillna(cells.astype(STRING))
