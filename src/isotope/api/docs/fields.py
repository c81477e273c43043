"""Tables of fields, from the same schemas that OpenAPI shows."""

import json
from collections.abc import Iterator
from typing import Any, Final

from isotope.api.docs.html import Markup, inline, join, table, tag
from isotope.api.openapi.schemas import Schema, Schemas
from isotope.api.pdf import Pdf
from isotope.api.streams import EventStream, told_in

_MOST_DEPTH: Final = 4


def request_fields(schemas: Schemas, type: Any) -> Markup:
    """What can be sent."""
    schema = _resolved(schemas, schemas.request(type))
    return _fields(schemas, schema, is_request=True)


def response_fields(schemas: Schemas, type: Any) -> Markup:
    """What is answered; nested objects fold open."""
    if type is Pdf:
        return tag("p", inline(f"A file: `{Pdf.MEDIA}`."))
    told = told_in(type)
    if told is not None:
        fields = _fields(schemas, _resolved(schemas, schemas.response(told)), is_request=False)
        return join([tag("p", inline(f"Events (`{EventStream.MEDIA}`); the data of each is JSON:")), fields])
    schema = schemas.response(type)
    if schema.get("type") == "array":
        item = _resolved(schemas, schema["items"])
        return join([tag("p", "A bare array; each item has:"), _fields(schemas, item, is_request=False)])
    return _fields(schemas, _resolved(schemas, schema), is_request=False)


def _fields(schemas: Schemas, schema: Schema, *, is_request: bool, depth: int = 0) -> Markup:
    required = set(schema.get("required", ()))
    rows: list[tuple[str, ...]] = []
    for name, known in schema.get("properties", {}).items():
        nested = _nested(schemas, known)
        title = _name(name, known, required=is_request and name in required)
        rows.append((title, _type(schemas, known), _meaning(known, nested)))
        if nested is not None and depth < _MOST_DEPTH:
            inner = _fields(schemas, nested, is_request=is_request, depth=depth + 1)
            rows.append((tag("details", tag("summary", f"Fields of {nested['title']}"), inner),))
    return table(("Field", "Type", "Meaning"), rows, class_="fields") if rows else tag("p", "No fields.")


def _name(name: str, schema: Schema, *, required: bool) -> Markup:
    marks = []
    if required:
        marks.append(tag("span", "required", class_="mark required"))
    if schema.get("x-secret-key-only"):
        marks.append(tag("span", "secret key", class_="mark secret"))
    return join([tag("code", name, class_="name"), *marks])


def _type(schemas: Schemas, schema: Schema) -> Markup:
    words = [_base_type(schemas, schema)]
    if "minimum" in schema and "maximum" in schema and abs(schema["maximum"]) < 2**53:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if "maxLength" in schema:
        same = schema.get("minLength") == schema["maxLength"]
        words.append(f"{schema['maxLength']} characters" if same else f"up to {schema['maxLength']} characters")
    if "maxItems" in schema and "prefixItems" not in schema:
        words.append(f"up to {schema['maxItems']}")
    if _takes_null(schema):
        words.append("or null")
    return tag("span", ", ".join(words), class_="type")


def _base_type(schemas: Schemas, schema: Schema) -> str:
    inner = _without_null(schema)
    if "$ref" in inner:
        return "object"
    if inner.get("format") == "binary":
        return "file"
    kind = inner.get("type")
    kind = next((part for part in kind if part != "null"), "") if isinstance(kind, list) else kind
    if kind == "array":
        if "prefixItems" in inner:
            return "pair of numbers"
        return f"array of {_base_type(schemas, inner['items'])}s"
    return str(kind or "any")


def _meaning(schema: Schema, nested: Schema | None) -> Markup:
    parts = list(_sentences(schema))
    if nested is not None and not schema.get("description"):
        parts.insert(0, inline(nested.get("description", "")))
    return join(_spaced(parts))


def _sentences(schema: Schema) -> Iterator[Markup]:
    if schema.get("description"):
        yield inline(schema["description"])
    values = [value for value in _without_null(_items(schema)).get("enum", ()) if value is not None]
    if values:
        yield join(["One of ", *_listed(values), "."])
    if schema.get("default") is not None:
        yield join(["Default ", tag("code", json.dumps(schema["default"])), "."])
    if schema.get("examples"):
        yield join(["Example ", tag("code", json.dumps(schema["examples"][0])), "."])


def _listed(values: list[Any]) -> Iterator[str]:
    for index, value in enumerate(values):
        if index:
            yield ", "
        yield tag("code", str(value))


def _spaced(parts: list[Markup]) -> Iterator[str]:
    for index, part in enumerate(parts):
        if index:
            yield " "
        yield part


def _items(schema: Schema) -> Schema:
    inner = _without_null(schema)
    while inner.get("type") in ("array", ["array", "null"]) and "items" in inner and isinstance(inner["items"], dict):
        inner = _without_null(inner["items"])
    return inner


def _nested(schemas: Schemas, schema: Schema) -> Schema | None:
    inner = _items(schema)
    return _resolved(schemas, inner) if "$ref" in inner else None


def _resolved(schemas: Schemas, schema: Schema) -> Schema:
    return schemas.components[schema["$ref"].rpartition("/")[2]]


def _without_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return next(part for part in schema["anyOf"] if part != {"type": "null"})
    return schema


def _takes_null(schema: Schema) -> bool:
    kind = schema.get("type")
    return (isinstance(kind, list) and "null" in kind) or {"type": "null"} in schema.get("anyOf", ())
