"""Which split a run gets: what the recipe says, else what the rows allow."""

from typing import Any

from fraudsieve._typing import Array
from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels.maturity import maturity_gap
from fraudsieve.training.recipe.recipe import Recipe

from .split import Split, has_times, split_by_campaign, split_by_time, split_randomly

__all__ = ["choose_split"]


def choose_split(data: LabelledData, groups: Array, what: str, recipe: Recipe) -> Split:
    """Split as the recipe says; by default by time where most rows have one, else by campaign or account.

    Parameters
    ----------
    data : LabelledData
        The rows.
    groups : ndarray, shape (n_rows,)
        Campaigns or accounts.
    what : str
        Which of the two.
    recipe : Recipe
        The kind and the shares, the legitimate class and the seed.

    Returns
    -------
    Split

    Raises
    ------
    SplitError
        When a slice would be empty, or training would see one class.
    """
    settings, labels = recipe.split, data.rows["label"].to_numpy(object)
    kind, moments = settings.kind, data.rows["as_of"]
    if kind == "auto":
        kind = "time" if has_times(moments) else "campaign"
    shares: dict[str, Any] = {"test_share": settings.test_share, "calibration_share": settings.calibration_share}
    if kind == "time":
        is_crime = labels != recipe.data.legitimate
        times = moments, data.rows["labelled_at"]
        # Records that wait for their labels say that these may take longer.
        gap_days = maturity_gap(data.subjects) if settings.gap_days is None else settings.gap_days
        split = split_by_time(*times, groups, is_crime, gap_days=gap_days, what=what, **shares)
    elif kind in ("campaign", "account"):
        split = split_by_campaign(labels, groups, seed=recipe.seed, what=what, **shares)
    else:
        split = split_randomly(len(labels), seed=recipe.seed, **shares)
    _check_training(data, split, what)
    return split


def _check_training(data: LabelledData, split: Split, what: str) -> None:
    classes = data.rows["label"].iloc[split.train].nunique()
    if classes < 2:
        dropped = ", ".join(f"{n} {reason}" for reason, n in split.dropped.items() if n) or "none"
        raise SplitError(
            f"a split by {split.kind} leaves rows of {classes} class to train on; left out are: {dropped}. "
            f"Where every {what} with a crime goes on to the end, split by it instead: --split {what}."
        )
