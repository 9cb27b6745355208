"""Location of the benchmark data."""
