"""Memory: what a training run needs, and what this process may still take."""
