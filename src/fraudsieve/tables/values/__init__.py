"""Definitions of single values: ids, times, numbers, categories, texts and labels of fraud. Needs only NumPy."""
