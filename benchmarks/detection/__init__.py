"""Detection on real data, against peers on the same folds: ``python -m benchmarks.detection SET``."""
