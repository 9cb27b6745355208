"""The evaluation report, against metrics computed apart: ``python -m benchmarks.evaluation SET``."""
