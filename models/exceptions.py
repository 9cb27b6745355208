"""The errors of models.

::

    FraudsieveError
    └── ArtifactError  (a ValueError too)   a model folder is not whole, not ours or not what was asked for
"""

from fraudsieve.features.exceptions import FraudsieveError

__all__ = ["ArtifactError"]


class ArtifactError(FraudsieveError, ValueError):
    """A model folder is not whole, not ours or not what was asked for; nothing was built from it.

    Parameters
    ----------
    part : str
        The folder or the file in it.
    problem : str
        What was expected and what came.
    fix : str
        What the reader of the message can do.

    Examples
    --------
    >>> print(ArtifactError("booster.txt", "its SHA-256 is not the manifest's", "Copy the folder again."))
    booster.txt: its SHA-256 is not the manifest's. Copy the folder again.
    """

    def __init__(self, part: str, problem: str, fix: str) -> None:
        super().__init__(f"{part}: {problem}. {fix}")
        self.part = part
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type["ArtifactError"], tuple[str, str, str]]:
        # Workers send an error as (class, arguments); by default these would be the finished message.
        return type(self), (self.part, self.problem, self.fix)
