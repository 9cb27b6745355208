"""Evidence records: how each score was computed, in a log that reveals every change, and the replay of the scores."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .checkpoints import Checkpoint, read_checkpoints, write_checkpoint
    from .content import Content, read_key
    from .log import EvidenceLog
    from .proofs import check_growth, check_proof, prove_growth, prove_record
    from .replay import ReplayReport, replay_log
    from .verification import EvidenceCheck, verify_log

__all__ = [
    "Checkpoint",
    "Content",
    "EvidenceCheck",
    "EvidenceLog",
    "ReplayReport",
    "check_growth",
    "check_proof",
    "prove_growth",
    "prove_record",
    "read_checkpoints",
    "read_key",
    "replay_log",
    "verify_log",
    "write_checkpoint",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Checkpoint": "checkpoints",
    "Content": "content",
    "EvidenceCheck": "verification",
    "EvidenceLog": "log",
    "ReplayReport": "replay",
    "check_growth": "proofs",
    "check_proof": "proofs",
    "prove_growth": "proofs",
    "prove_record": "proofs",
    "read_checkpoints": "checkpoints",
    "read_key": "content",
    "replay_log": "replay",
    "verify_log": "verification",
    "write_checkpoint": "checkpoints",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
