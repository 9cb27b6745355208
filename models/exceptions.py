"""The errors of models; the whole tree is in fraudsieve.features.exceptions."""

from fraudsieve.features.exceptions import PlacedError

__all__ = ["ArtifactError"]


class ArtifactError(PlacedError):
    """A model folder is not whole, not ours or not what was asked for; nothing was built from it.

    Examples
    --------
    >>> print(ArtifactError("booster.txt", "its SHA-256 is not the manifest's", "Copy the folder again."))
    booster.txt: its SHA-256 is not the manifest's. Copy the folder again.
    """
