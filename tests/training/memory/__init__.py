"""Memory of training runs."""
