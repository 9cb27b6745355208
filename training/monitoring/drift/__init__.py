"""Drift of columns and scores between two tables."""
