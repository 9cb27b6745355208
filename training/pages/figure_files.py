"""The figures of the sheet as files of their own, for whoever looks at a run in MLflow."""

import re
from collections.abc import Mapping
from typing import Any

from .charts import FIGURES
from .labels import labels_known
from .style import LIGHT_STYLE

__all__ = ["figure_files"]

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" width="600" style="background:var(--card)" '


def figure_files(sheet: Mapping[str, Any]) -> dict[str, str]:
    """Draw all figures of a sheet, each as an SVG image that needs nothing else.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`, of plain JSON types.

    Returns
    -------
    dict of str to str
        File name, in a folder ``figures``, to its content; without the figures that the sheet has nothing for.

    Examples
    --------
    >>> list(figure_files({"importance": {"wording": 0.7, "cues": 0.3}}))
    ['figures/importance.svg']
    """
    drawn = {draw.__name__: draw(sheet) for draw in (*FIGURES, labels_known)}
    return {f"figures/{name}.svg": _alone(html) for name, html in drawn.items() if html is not None}


def _alone(figure: str) -> str:
    """Take the image out of a figure of the page, and give it the colours of the page."""
    image = figure[figure.index("<svg ") : figure.index("</svg>") + len("</svg>")]
    return re.sub(r"^<svg ([^>]*)>", rf"{OPEN}\1><style>{LIGHT_STYLE}</style>", image) + "\n"
