"""The evaluation report, against independently computed metrics: ``python -m benchmarks.evaluation SET``."""
