"""Shadow mode: a challenger scores the records of the service, and clients never get its scores."""
