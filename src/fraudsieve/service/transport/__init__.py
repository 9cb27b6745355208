"""Transport of requests to the application: the HTTP/1.1 protocol with limits, local callers, and the access log."""
