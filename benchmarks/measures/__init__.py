"""Figures that several benchmarks compute, independently of the library."""
