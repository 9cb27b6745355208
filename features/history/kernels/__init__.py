"""Compiled kernels of the feature views: sliding windows over sorted, encoded events."""
