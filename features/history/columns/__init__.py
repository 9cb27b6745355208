"""Columns of tables and records: read in one pass, for batches and for live states, as records are one by one."""
