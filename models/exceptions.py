"""The errors of models; the whole tree is in fraudsieve.features.exceptions."""

from fraudsieve.features.exceptions import PlacedError

__all__ = ["ArtifactError", "RecordError", "ServiceError"]


class ArtifactError(PlacedError):
    """A model folder is not whole, not ours or not what was asked for; nothing was built from it.

    Examples
    --------
    >>> print(ArtifactError("booster.txt", "its SHA-256 is not the manifest's", "Copy the folder again."))
    booster.txt: its SHA-256 is not the manifest's. Copy the folder again.
    """


class RecordError(PlacedError):
    """A record has a field that the policy of a scorer refuses.

    Examples
    --------
    >>> print(RecordError("record 3", "text: expected a string, got int", "Give a string."))
    record 3: text: expected a string, got int. Give a string.
    """


class ServiceError(PlacedError):
    """A service cannot start as it was asked to.

    Examples
    --------
    >>> print(ServiceError("token.txt", "holds no token", "Write one into it."))
    token.txt: holds no token. Write one into it.
    """
