"""What folding touches in real messages, legitimate ones above all: ``python -m benchmarks.folding``."""

import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.data.location import load_messages
from benchmarks.runner import Report, progress, run_command
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import KINDS, OBFUSCATIONS, fold_codes

__all__ = ["SETS", "count_touched", "main"]

SETS = ("mudou_sms", "nus_sms_zh", "smishing", "uci_sms", "exais_sms", "stoneskipping")
PROTOCOL = (
    "Share of the messages of a label in which folding counts anything of a kind; any: of a kind that hides something "
    "({disguises}), that is, not letter case, blanks or full-width signs. longest: the most that a message grew, in "
    "characters folded by characters before."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    return run_command("folding", lambda _: _run(), __doc__, argv)


def _run() -> Report:
    figures: dict[str, float] = {}
    rows = 0
    for name in SETS:
        table = load_messages(name)
        rows += len(table)
        figures |= {f"{name}.{figure}": value for figure, value in count_touched(table).items()}
        progress(f"{name}: {figures[f'{name}.ham.any']:.2%} of the legitimate messages")
    return Report("folding", ", ".join(SETS), PROTOCOL.format(disguises=", ".join(OBFUSCATIONS)), rows, figures)


def count_touched(table: pd.DataFrame) -> dict[str, float]:
    """Count in which messages folding undoes anything.

    Parameters
    ----------
    table : DataFrame
        ``text`` and ``label``.

    Returns
    -------
    dict of str to float
        By label and kind, the shares; ``longest``.

    Examples
    --------
    >>> shares = count_touched(pd.DataFrame({"text": ["frее", "ok"], "label": ["spam", "spam"]}))
    >>> shares["spam.lookalike"], shares["spam.any"], shares["longest"]
    (0.5, 0.5, 1.0)
    """
    raw = pack(table["text"].tolist())
    folded, counts = fold_codes(raw)
    touched = np.asarray(counts > 0)
    hides = touched[:, [place for place, kind in enumerate(KINDS) if kind in OBFUSCATIONS]].sum(axis=1) > 0
    figures: dict[str, float] = {}
    for label in sorted(table["label"].unique()):
        rows = np.flatnonzero(table["label"] == label)
        figures |= {f"{label}.{kind}": float(touched[rows, place].mean()) for place, kind in enumerate(KINDS)}
        figures[f"{label}.any"] = float(hides[rows].mean())
    growth = np.diff(folded.offsets) / np.maximum(np.diff(raw.offsets), 1)
    return figures | {"longest": float(growth.max())}


if __name__ == "__main__":
    sys.exit(main())
