"""The evidence that a service records of its scores."""
