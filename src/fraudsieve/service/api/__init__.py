"""The interface over HTTP: bodies of requests, response models, the OpenAPI document, and a page for people."""
