"""Labels: how long they take to mature, and how far they can be trusted."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .maturity import DelayCurve as DelayCurve
    from .maturity import delay_curve as delay_curve
    from .maturity import maturity_gap as maturity_gap
    from .maturity import maturity_gaps as maturity_gaps
    from .trust import Trust as Trust
    from .trust import label_as_of as label_as_of
    from .trust import reversals as reversals

__getattr__, __dir__, __all__ = attach(__name__, __file__)
