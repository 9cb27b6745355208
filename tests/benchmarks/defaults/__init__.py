"""Tests of the benchmark of the defaults."""
