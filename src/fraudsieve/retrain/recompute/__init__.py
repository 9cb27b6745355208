"""Logged scores, computed again in batch with the history that the service had."""
