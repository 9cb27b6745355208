"""Own columns of records: the further columns of accounts, events and messages that are features."""
