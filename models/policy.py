"""Policy for fields that are missing, unknown or of the wrong type, and for records unlike the training records."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Missing: TypeAlias = Literal["unscorable", "missing", "error"]
WrongType: TypeAlias = Literal["unscorable", "missing", "error"]
Unknown: TypeAlias = Literal["ignore", "error"]
Unlike: TypeAlias = Literal["score", "flag", "unscorable"]


@dataclass(frozen=True)
class Policy:
    """Policy of a scorer for unusual fields and unusual records.

    Parameters
    ----------
    missing : {"unscorable", "missing", "error"}, default="unscorable"
        A record lacks a field that the model was trained on. It is unscorable; or, if it has a text, or an account
        and a cutoff time, it is scored as if the value were unknown; or `RecordError` is raised.
    wrong_type : {"unscorable", "missing", "error"}, default="unscorable"
        A value has another type than the field. The choices are the same.
    unknown : {"ignore", "error"}, default="ignore"
        A record has a field that the model does not use and the table of its subject does not have.
    unlike_training : {"score", "flag", "unscorable"}, default="score"
        The ``unlike_training`` of a record reaches the limit. It is scored like any other; or its decision is ``flag``
        whatever its probability, so that it is reviewed; or it is unscorable.
    unlike_training_limit : float, default=0.999
        The limit, above 0 and at most 1.

    Raises
    ------
    ValueError
        If a value is not one of these, or the limit is not such a number.

    Examples
    --------
    >>> Policy(unknown="error").missing
    'unscorable'
    """

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"
    unlike_training: Unlike = "score"
    unlike_training_limit: float = 0.999

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            if getattr(self, name) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise ValueError(f"policy: {name}: expected one of {expected}, got {getattr(self, name)!r}.")
        limit = self.unlike_training_limit
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit <= 1:
            raise ValueError(f"policy: unlike_training_limit: expected a number above 0 and at most 1, got {limit!r}.")

    @property
    def changes_fields(self) -> bool:
        """Whether fields of records are checked before they are scored."""
        return (self.missing, self.wrong_type, self.unknown) != ("unscorable", "unscorable", "ignore")


_CHOICES = {"missing": Missing, "wrong_type": WrongType, "unknown": Unknown, "unlike_training": Unlike}
