"""What single values are: ids, times, numbers, categories, texts and verdicts. Needs only NumPy."""
