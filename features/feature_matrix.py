"""The feature matrix, which scoring uses for messages, accounts and events alike."""

from typing import TypeAlias

from .account_matrix import AccountMatrix
from .message_matrix import MessageMatrix

FeatureMatrix: TypeAlias = MessageMatrix | AccountMatrix
"""The features of a record, and the order of their columns.

Code that scores, stores or explains uses what both classes have, and does not depend on the class.
"""


def message_matrix_of(matrix: FeatureMatrix) -> MessageMatrix:
    """Return the matrix as a `MessageMatrix`."""
    if not isinstance(matrix, MessageMatrix):
        raise TypeError(f"Expected a model of messages, got one of {matrix.subject}s.")
    return matrix


def account_matrix_of(matrix: FeatureMatrix) -> AccountMatrix:
    """Return the matrix as an `AccountMatrix`."""
    if not isinstance(matrix, AccountMatrix):
        raise TypeError(f"Expected a model of accounts or events, got one of {matrix.subject}s.")
    return matrix


def text_matrices(matrix: FeatureMatrix) -> dict[str, MessageMatrix]:
    """Return the matrices of the further columns of texts."""
    return {name: text for name, text in matrix.custom.texts.items() if isinstance(text, MessageMatrix)}
