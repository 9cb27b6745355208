"""Changes that folding makes in real messages, above all in legitimate ones: ``python -m benchmarks.folding``."""

import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.data.location import load_messages
from benchmarks.runner import Report, progress, run_command
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import KINDS, OBFUSCATIONS, fold_codes

__all__ = ["SETS", "changed_shares", "main"]

SETS = ("mudou_sms", "nus_sms_zh", "smishing", "uci_sms", "exais_sms", "stoneskipping")
PROTOCOL = (
    "Share of the messages of a label in which folding makes a change of a kind; any: of a kind that obfuscates "
    "({obfuscations}), that is, not letter case, blanks or full-width signs. longest: the largest growth of a message, "
    "in folded characters per raw character."
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
        figures |= {f"{name}.{figure}": value for figure, value in changed_shares(table).items()}
        progress(f"{name}: {figures[f'{name}.ham.any']:.2%} of the legitimate messages")
    return Report("folding", ", ".join(SETS), PROTOCOL.format(obfuscations=", ".join(OBFUSCATIONS)), rows, figures)


def changed_shares(table: pd.DataFrame) -> dict[str, float]:
    """Compute the shares of messages in which folding changes anything.

    Parameters
    ----------
    table : DataFrame
        ``text`` and ``label``.

    Returns
    -------
    dict of str to float
        The shares by label and kind, and ``longest``.

    Examples
    --------
    >>> shares = changed_shares(pd.DataFrame({"text": ["frее", "ok"], "label": ["spam", "spam"]}))
    >>> shares["spam.lookalike"], shares["spam.any"], shares["longest"]
    (0.5, 0.5, 1.0)
    """
    raw = pack(table["text"].tolist())
    folded, counts = fold_codes(raw)
    is_changed = np.asarray(counts > 0)
    is_obfuscated = is_changed[:, [index for index, kind in enumerate(KINDS) if kind in OBFUSCATIONS]].sum(axis=1) > 0
    figures: dict[str, float] = {}
    for label in sorted(table["label"].unique()):
        rows = np.flatnonzero(table["label"] == label)
        figures |= {f"{label}.{kind}": float(is_changed[rows, index].mean()) for index, kind in enumerate(KINDS)}
        figures[f"{label}.any"] = float(is_obfuscated[rows].mean())
    growth = np.diff(folded.offsets) / np.maximum(np.diff(raw.offsets), 1)
    return figures | {"longest": float(growth.max())}


if __name__ == "__main__":
    sys.exit(main())
