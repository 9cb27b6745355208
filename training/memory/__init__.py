"""Memory: how much a training run needs, and how much this process can still allocate."""
