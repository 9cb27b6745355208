"""The zoo: ordinary tables with the columns, types and quirks of well-known public files; no row is copied."""

from tests.walk.table import UserTable
from tests.walk.zoo.activity import ACTIVITY
from tests.walk.zoo.applications import APPLICATIONS
from tests.walk.zoo.identifiers import IDENTIFIERS
from tests.walk.zoo.messages import MESSAGES
from tests.walk.zoo.odd_columns import ODD_COLUMNS
from tests.walk.zoo.payments import PAYMENTS

__all__ = ["SMOKE", "ZOO"]

ZOO: dict[str, UserTable] = {
    table.name: table for table in (*PAYMENTS, *ACTIVITY, *IDENTIFIERS, *APPLICATIONS, *MESSAGES, *ODD_COLUMNS)
}
"""The tables by name."""

SMOKE: tuple[str, ...] = ("paysim", "openings", "sms_gb18030", "chat")
"""The tables of every run of CI: balances, no history, Chinese headers, types and lists."""
