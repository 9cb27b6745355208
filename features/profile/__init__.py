"""Your own columns of accounts, events and messages, as features."""
