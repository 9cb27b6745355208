"""The interface over HTTP: bodies of requests, response models, and the OpenAPI document."""
