"""Compiled kernels of the network: sorted series per account and value in shared arrays, updates, and columns."""
