"""The HTTP interface of the service, from its OpenAPI description."""

from collections.abc import Iterator
from typing import Any

from fraudsieve.service.openapi import describe_service
from fraudsieve.service.settings import Settings

from .entries import entry, inline, sentence
from .example_models import example_model

__all__ = ["http_operations", "http_page"]


def description() -> dict[str, Any]:
    """Return the OpenAPI document of a service with a model of events and a score log."""
    return describe_service(example_model("event"), Settings(score_log="scores", state="live.db"))


def http_operations() -> dict[str, Any]:
    """Return every operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    }


def http_page() -> str:
    """Return an entry per operation, then the response bodies."""
    parts = ["## Operations\n"]
    parts += [entry("http", name, *_operation(operation)) for name, operation in http_operations().items()]
    parts.append("## Response bodies\n")
    for name, schema in sorted(description()["components"]["schemas"].items()):
        parts.append(f"### {name}\n\n{sentence(inline(schema.get('description', '')))}\n\n{_fields(schema)}\n")
    return "\n".join(parts)


def _operation(operation: dict[str, Any]) -> Iterator[str]:
    yield sentence(inline(operation["summary"]))
    yield _prose(operation.get("description", ""))
    parameters = [
        (parameter["name"], f"{_prose(parameter['description'])} In the {parameter['in']}.")
        for parameter in operation.get("parameters", ())
    ]
    headers = [
        (name, f"{_prose(header['description'])} In the headers of the response.")
        for answer in operation["responses"].values()
        for name, header in answer.get("headers", {}).items()
    ]
    statuses = [(status, sentence(_prose(answer["description"]))) for status, answer in operation["responses"].items()]
    yield _list([*parameters, *headers, *statuses])


def _fields(schema: dict[str, Any]) -> str:
    fields = schema.get("properties", {}).items()
    return _list([(name, _field(field)) for name, field in fields])


def _field(field: dict[str, Any]) -> str:
    meaning = sentence(_prose(field.get("description", "")))
    return " ".join(part for part in (sentence(_type(field).capitalize()), meaning) if part)


def _type(field: dict[str, Any]) -> str:
    """Return the type of a field in words."""
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"])
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    if field.get("type") == "object":
        return f"object of {_type(field['additionalProperties'])}" if field.get("additionalProperties") else "object"
    return str(field.get("type", "any"))


def _prose(text: str) -> str:
    """Return a text of the description, in which backticks mark code, in Markdown."""
    return inline(text.replace("`", "``"))


def _list(items: list[tuple[str, str]]) -> str:
    return "\n".join(f"`{name}`\n: {text}\n" for name, text in items)
