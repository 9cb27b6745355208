"""Models on records that are unlike those of their training: ``python -m benchmarks.transfer NAME``."""
