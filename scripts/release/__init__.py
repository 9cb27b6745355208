"""Build a release, check what is in it and try it; nothing is uploaded: ``python -m scripts.release``."""
