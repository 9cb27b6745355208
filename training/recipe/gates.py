"""The part of a recipe that says what a challenger must reach to become champion."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["GateRecipe"]


class GateRecipe(BaseModel):
    """The gates of a promotion.

    Of two models that differ in nothing but the seed, one is a little better on any records, and surely so where these
    are many: so a challenger must gain more than that. The other gates say what one that gains may lose.

    Examples
    --------
    >>> GateRecipe(gain=0.01).recall_loss
    0.05
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    gain: float = Field(default=0.005, ge=0, lt=1)
    """The whole interval of the difference in average precision must lie above this."""
    recall_loss: float = Field(default=0.05, ge=0, le=1)
    """Share of what the champion finds at the review capacity that the challenger may not find there; never less than
    one alert."""
    calibration_error: float = Field(default=0.08, gt=0, le=1)
    """Largest calibration error (ECE)."""
    calibration_loss: float = Field(default=0.03, ge=0, le=1)
    """By how much the calibration error may be above the champion's."""
    observed_over_expected: float = Field(default=2.0, ge=1)
    """Observed fraud may be so many times what the probabilities say, or that part of it."""
    attack_loss: float = Field(default=0.05, ge=0, le=1)
    """By how much less of its recall the challenger may keep under attack at medium strength."""
    latency_ms: float = Field(default=25.0, gt=0)
    """Largest p99 of the time that one record takes, in milliseconds."""
    latency_ratio: float = Field(default=2.0, ge=1)
    """That time over the champion's."""
