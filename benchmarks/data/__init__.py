"""Where the benchmark data are."""
