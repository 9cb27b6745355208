"""The description of the service: response models, the OpenAPI document, and a page for people."""
