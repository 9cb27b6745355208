"""Transport of requests to the application: the HTTP/1.1 protocol with limits, and routing."""
