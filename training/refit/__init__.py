"""Refit: training again on all mature rows, after the model of the split was evaluated."""
