"""Columns of accounts and events: what the ordinary call makes, what recipes declare, and what peers are given."""
