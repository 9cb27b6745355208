"""Compiled kernels of the history: sliding windows over sorted, coded events."""
