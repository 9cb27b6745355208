"""What single values are: ids, times, numbers, categories, texts and labels of fraud. Needs only NumPy."""
