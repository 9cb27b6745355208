"""Speed against peers: ``python -m benchmarks.speed NAME``."""
