"""The live history in the service: adding events to it, and waiting for the offset that a request requires."""
