"""Policy for fields that are missing, unknown or of the wrong type."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["Missing", "Policy", "Unknown", "WrongType"]

Missing: TypeAlias = Literal["unscorable", "missing", "error"]
WrongType: TypeAlias = Literal["unscorable", "missing", "error"]
Unknown: TypeAlias = Literal["ignore", "error"]


@dataclass(frozen=True)
class Policy:
    """Policy of a scorer for fields that are missing, unknown or of the wrong type.

    Parameters
    ----------
    missing : {"unscorable", "missing", "error"}, default="unscorable"
        A record lacks a field that the model was trained on. It is unscorable; or, if it has a text, or an account
        and a cutoff time, it is scored as if the value were unknown; or `RecordError` is raised.
    wrong_type : {"unscorable", "missing", "error"}, default="unscorable"
        A value has another type than the field. The choices are the same.
    unknown : {"ignore", "error"}, default="ignore"
        A record has a field that neither the model uses nor the table of its subject has.

    Raises
    ------
    ValueError
        If a value is not one of these.

    Examples
    --------
    >>> Policy(unknown="error").missing
    'unscorable'
    """

    missing: Missing = "unscorable"
    wrong_type: WrongType = "unscorable"
    unknown: Unknown = "ignore"

    def __post_init__(self) -> None:
        for name, kind in (("missing", Missing), ("wrong_type", WrongType), ("unknown", Unknown)):
            if getattr(self, name) not in get_args(kind):
                expected = ", ".join(get_args(kind))
                raise ValueError(f"policy: {name}: expected one of {expected}, got {getattr(self, name)!r}.")

    @property
    def is_default(self) -> bool:
        """Whether records are scored unchanged."""
        return self == _DEFAULT


_DEFAULT = Policy()
