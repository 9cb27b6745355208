"""How requests reach the application: HTTP/1.1 with bounds, and routes."""
