"""The part of a recipe that says what a model does with fields that are missing, unknown or of the wrong type."""

from pydantic import BaseModel, ConfigDict

from fraudsieve.models.policy import Missing, Policy, Unknown, WrongType

__all__ = ["ScoringRecipe"]


class ScoringRecipe(BaseModel):
    """Settings of `Policy`; they are written into the manifest of the model.

    Examples
    --------
    >>> ScoringRecipe(unknown="error").policy
    Policy(missing='unscorable', wrong_type='unscorable', unknown='error')
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"

    @property
    def policy(self) -> Policy:
        """What is done."""
        return Policy(**self.model_dump())
