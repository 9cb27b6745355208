"""Which families of features the trees use."""

from fraudsieve.models.artifact.folder import Model

__all__ = ["gain_by_family"]


def gain_by_family(model: Model) -> dict[str, float] | None:
    """Return the share of every family of features in what the trees gained.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    dict of str to float, or None
        Shares of LightGBM's gain, the largest first; they sum to 1. None for a model without a split. The wording that
        boosting starts from is no split: what it explains there is not in these shares.

    Examples
    --------
    ::

        gain_by_family(read_model("fraudsieve-model"))  # {"campaign": 0.61, "disguise": 0.24, "cues": 0.15}
    """
    gains: dict[str, float] = {}
    columns, found = model.matrix.columns, model.ensemble.booster.feature_importance("gain")
    for name, gain in zip(columns, found, strict=True):
        family = name.split("__")[0]
        gains[family] = gains.get(family, 0.0) + float(gain)
    total = sum(gains.values())
    if total <= 0:
        return None
    return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1]) if gain > 0}
