"""Refit: training again on all mature rows, after the evaluation on the test slice."""
