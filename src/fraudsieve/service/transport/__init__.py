"""Transport of requests to the application: the listening socket, limits, and the access log."""
