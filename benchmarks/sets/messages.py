"""The sets of labelled messages. What each is, and its published figures: README.md of the benchmark data."""

from typing import Final

from benchmarks.data.kinds import MessageSet

__all__ = ["SETS"]

_BOTH: Final = frozenset({"detection", "contest"})

SETS: Final = (
    MessageSet("fbs_sms", "zh", ("campaign", "random"), _BOTH | {"unlike"}, ahead=("campaign",)),
    MessageSet("smishing", "en", ("grouped",), _BOTH | {"attack", "refit", "unlike", "unlike_source"}),
    MessageSet("uci_sms", "en", ("grouped",), _BOTH | {"refit", "unlike", "unlike_source"}),
    MessageSet("mudou_sms", "zh", ("grouped",), _BOTH | {"attack", "unlike", "unlike_source"}),
    MessageSet("exais_sms", "en", ("users",), _BOTH),
    MessageSet("stoneskipping", "zh", ("given",), _BOTH, bound=0.935),
    MessageSet("chineseharm", "zh", ("campaign",), _BOTH, legitimate="ordinary", near_duplicates=True),
    MessageSet("nus_sms_zh", "zh", benchmarks=frozenset({"detection", "unlike"}), chat_of="mudou_sms"),
    MessageSet("nus_sms_en", "en", benchmarks=frozenset({"unlike"})),
    MessageSet("spamhunter", ""),
)
