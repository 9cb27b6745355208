"""Transport of requests to the application: the listening socket, limits, local callers, and the access log."""
