"""The data sets of benchmarks, one file for a set or a family, which is found by itself: it declares ``SETS``."""
