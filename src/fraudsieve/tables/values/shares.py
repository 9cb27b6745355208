"""Numbers from 0 to 1 that a label may have. Needs only NumPy."""

from typing import Final, NamedTuple

from fraudsieve._typing import Array


class LabelShare(NamedTuple):
    """The numbers that are allowed."""

    includes_zero: bool

    @property
    def reason(self) -> str:
        """Why another number is rejected."""
        return f"expected a number {'from 0 to 1' if self.includes_zero else 'above 0, at most 1'}, got another one"

    def excludes(self, numbers: Array) -> Array:
        """Return which numbers are not allowed; a missing one, which is NaN, is."""
        is_outside: Array = (numbers < 0) | (numbers > 1) | ((numbers == 0) & (not self.includes_zero))
        return is_outside


SHARES: Final = {"confidence": LabelShare(True), "inclusion_probability": LabelShare(False)}
"""The columns of labels that hold such numbers."""
