"""Fraudsieve beside every common classifier, on every shared set by its protocol."""
