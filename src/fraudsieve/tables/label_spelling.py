"""The spelling of labels. Unlike `label_values`, it needs no pandas, because live states read labels too."""

import re
import unicodedata

__all__ = ["normalise_label"]


def normalise_label(label: str) -> str:
    """Return a label in lower case, its words separated by a space, and without the ``.0`` of a whole number.

    Parameters
    ----------
    label : str

    Returns
    -------
    str

    Examples
    --------
    >>> normalise_label("Not_Fraud"), normalise_label("1.0")
    ('not fraud', '1')
    """
    folded = unicodedata.normalize("NFKC", label).casefold().strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", re.sub(r"(?<=[^\W_])[\s_-]+(?=\w)", " ", folded))
