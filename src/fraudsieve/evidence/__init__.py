"""Evidence records: how each score was computed, in a log that reveals every change, and the replay of the scores."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .checkpoints import Checkpoint as Checkpoint
    from .checkpoints import read_checkpoints as read_checkpoints
    from .checkpoints import write_checkpoint as write_checkpoint
    from .kept_content import Content as Content
    from .kept_content import read_key as read_key
    from .log import EvidenceLog as EvidenceLog
    from .replay import ReplayReport as ReplayReport
    from .replay import replay_log as replay_log
    from .verification import EvidenceCheck as EvidenceCheck
    from .verification import check_proof as check_proof
    from .verification import prove_record as prove_record
    from .verification import verify_log as verify_log

__getattr__, __dir__, __all__ = attach(__name__, __file__)
