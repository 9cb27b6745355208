"""Retraining: the recipe of a model on the tables of today, compared with the champion, and promoted or refused.

Also logged scores, computed again in batch, and what another model would have decided.
"""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .recomputation import Recomputation as Recomputation
    from .recomputation import recompute_scores as recompute_scores
    from .rehearsal import Rehearsal as Rehearsal
    from .rehearsal import rehearse as rehearse
    from .retraining import Retrained as Retrained
    from .retraining import retrain as retrain
    from .retraining_plan import RetrainPlan as RetrainPlan
    from .retraining_plan import plan_retraining as plan_retraining

__getattr__, __dir__, __all__ = attach(__name__, __file__)
