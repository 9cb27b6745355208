"""Scale of the live state: its store, under many clients and with many events."""
