"""The errors of models; the whole tree is in fraudsieve.features.exceptions."""

from fraudsieve.features.exceptions import PlacedError

__all__ = ["ArtifactError", "ServiceError"]


class ArtifactError(PlacedError):
    """A model folder is not whole, not ours or not what was asked for; nothing was built from it.

    Examples
    --------
    >>> print(ArtifactError("booster.txt", "its SHA-256 is not the manifest's", "Copy the folder again."))
    booster.txt: its SHA-256 is not the manifest's. Copy the folder again.
    """


class ServiceError(PlacedError):
    """A service cannot start as it was asked to.

    Examples
    --------
    >>> print(ServiceError("token.txt", "holds no token", "Write one into it."))
    token.txt: holds no token. Write one into it.
    """
