"""The page at ``/docs``: the OpenAPI document for people. It loads nothing, from here or from elsewhere."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from string import Template
from typing import Any

PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title $version</title>
<style>
html { color-scheme: light dark; --line: #ccc; --box: #f4f4f4; }
@media screen and (prefers-color-scheme: dark) { html { --line: #444; --box: #262626; } }
@media print { html { color-scheme: light; } h2, h3 { break-after: avoid; } pre, tr { break-inside: avoid; } }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h2, h3, p { overflow-wrap: anywhere; }
pre { padding: 0.75rem; background: var(--box); white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; vertical-align: top; }
td { min-width: 2.2rem; overflow-wrap: break-word; }
@media (max-width: 40rem) {
.fields td, .fields tr { display: block; padding: 0; }
.fields tr { margin: 0.6rem 0; }
}
</style>
</head>
<body>
<h1>$title $version</h1>
<p>$description</p>
<p>$access The same as OpenAPI: <a href="/openapi.json">/openapi.json</a>.</p>
$operations
<h2>Response bodies</h2>
$schemas
</body>
</html>
""")
WITH_TOKEN = "Every request except those to /healthz and /readyz carries the header <code>Authorization: Bearer</code>."
WITHOUT_TOKEN = "The service has no token."


def render_description(document: Mapping[str, Any]) -> str:
    """Render an OpenAPI document as HTML."""
    info = document["info"]
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return PAGE.substitute(
        {name: escape(info[name]) for name in ("title", "version", "description")},
        access=WITH_TOKEN if "security" in document else WITHOUT_TOKEN,
        operations="\n".join(operations),
        schemas="\n".join(_schema(*item) for item in sorted(document["components"]["schemas"].items())),
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>", f"<p>{escape(operation['summary'])}.</p>"]
    if "description" in operation:
        parts.append(f"<p>{_prose(operation['description'])}</p>")
    for parameter in operation.get("parameters", ()):
        schema, text = parameter["schema"], _prose(parameter["description"])
        text += f" By default {json.dumps(schema['default'])}." if "default" in schema else ""
        kind = "Header" if parameter["in"] == "header" else "Parameter"
        parts.append(f"<p>{kind} <code>{escape(parameter['name'])}</code>: {text}</p>")
    if "requestBody" in operation:
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        parts += [_example(name, example["value"]) for name, example in examples.items()]
    parts += [
        f"<p>Header of the response <code>{escape(name)}</code>: {_prose(header['description'])}</p>"
        for response in operation["responses"].values()
        for name, header in response.get("headers", {}).items()
    ]
    statuses = operation["responses"].items()
    parts.append(_table((status, _prose(response["description"])) for status, response in statuses))
    return "\n".join(parts)


def _prose(text: str) -> str:
    """Escape a text, and mark names in backticks as code."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))


def _example(name: str, value: Any) -> str:
    return f"<p>Body, {escape(name)}:</p>\n<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    fields = [
        (f"<code>{escape(field)}</code>", escape(_type_of(about)), _prose(about.get("description", "")))
        for field, about in schema.get("properties", {}).items()
    ]
    description = f"<p>{_prose(schema.get('description', ''))}</p>"
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>\n{description}\n{_table(iter(fields), kind="fields")}'


def _type_of(schema: Mapping[str, Any]) -> str:
    """Name the type of a field."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type_of(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type_of(schema['items'])}"
    return str(schema.get("type", "any"))


def _table(rows: Iterator[tuple[str, ...]], kind: str = "statuses") -> str:
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return f'<table class="{kind}">\n' + "\n".join(lines) + "\n</table>"
