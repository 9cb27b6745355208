"""Time to a first result from an empty cache of kernels."""
