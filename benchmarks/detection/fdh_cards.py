"""The card payments on the weeks that their recipe was chosen on: ``python -m benchmarks.detection.fdh_cards``."""

from benchmarks.columns.card_logs import load_recipe
from benchmarks.detection.accounts import run_scheme
from benchmarks.sets import fdh_cards

__all__ = ["compare_earlier_weeks"]


def compare_earlier_weeks() -> None:
    """Report the results of fraudsieve and the peer, week by week."""
    payments, recipe = fdh_cards.load_payments(), load_recipe()
    for week in fdh_cards.EARLIER_WEEKS:
        protocol = fdh_cards.week_protocol(payments, recipe, week)
        run_scheme(protocol, protocol.schemes[0], label=f"week of {week:%d %B}")


if __name__ == "__main__":
    compare_earlier_weeks()
