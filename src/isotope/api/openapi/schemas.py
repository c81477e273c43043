"""JSON Schema (2020-12, as OpenAPI 3.1 has it) of request and answer types.

msgspec can make schemas too, but ours differ where it matters to clients: amounts are numbers, pictures are binary,
what may be null says so in its `type`, and answers name every field as always present.
"""

from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, inspect

from isotope.api.upload import Upload

Schema = dict[str, Any]

_REF: Final = "#/components/schemas/"


class Schemas:
    """Collects the components that the schemas refer to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def request(self, type: Any) -> Schema:
        """The schema of what is sent: fields with a default may be left out."""
        return self._of(inspect.type_info(type), is_request=True)

    def response(self, type: Any) -> Schema:
        """The schema of what is answered: every field is there."""
        return self._of(inspect.type_info(type), is_request=False)

    def _of(self, info: inspect.Type, *, is_request: bool) -> Schema:  # noqa: C901, PLR0911, PLR0912 - one arm a type
        match info:
            case inspect.Metadata(type=inner, extra_json_schema=marks, extra=extra):
                schema = self._of(inner, is_request=is_request)
                if marks:
                    # What stands beside a $ref counts in 3.1, so a marked reference needs no wrapper.
                    schema = {**schema, **marks}
                return {**schema, "x-secret-key-only": True} if (extra or {}).get("secret_only") else schema
            case inspect.UnionType(types=types):
                inner_types = [part for part in types if not isinstance(part, inspect.NoneType)]
                if len(inner_types) == 1 and len(types) > 1:
                    return _nullable(self._of(inner_types[0], is_request=is_request))
                return {"anyOf": [self._of(part, is_request=is_request) for part in types]}
            case inspect.StructType():
                return self._struct(info, is_request=is_request)
            case inspect.DataclassType(cls=cls) if cls is Upload:
                return {"type": "string", "format": "binary"}
            case inspect.IntType():
                return {"type": "integer", **_limits(info)}
            case inspect.FloatType():
                return {"type": "number", **_limits(info)}
            case inspect.DecimalType():
                return {"type": "number"}
            case inspect.BoolType():
                return {"type": "boolean"}
            case inspect.StrType():
                return {"type": "string", **_lengths(info, "Length"), **_pattern(info)}
            case inspect.LiteralType(values=values):
                return {"type": "string", "enum": list(values)}
            case inspect.EnumType(cls=cls):
                return {"type": "string", "enum": [member.value for member in cls]}
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                return {"type": "array", "items": self._of(item, is_request=is_request), **_lengths(info, "Items")}
            case inspect.TupleType(item_types=items):
                return {
                    "type": "array",
                    "prefixItems": [self._of(item, is_request=is_request) for item in items],
                    "items": False,
                    "minItems": len(items),
                    "maxItems": len(items),
                }
            case inspect.DictType(value_type=value):
                return {"type": "object", "additionalProperties": self._of(value, is_request=is_request)}
            case inspect.AnyType():
                return {}
            case _:
                raise TypeError(f"no schema for {info}")

    def _struct(self, info: inspect.StructType, *, is_request: bool) -> Schema:
        name = info.cls.__name__
        if name not in self.components:
            self.components[name] = {}  # stands for itself while it is being made
            properties: dict[str, Schema] = {}
            required: list[str] = []
            for known in info.fields:
                schema = self._of(known.type, is_request=is_request)
                if known.required or not is_request:
                    required.append(known.encode_name)
                else:
                    schema = {**schema, "default": _default(known)}
                properties[known.encode_name] = schema
            self.components[name] = {
                "type": "object",
                "title": name,
                "description": " ".join((info.cls.__doc__ or "").split()),
                "properties": properties,
                **({"required": required} if required else {}),
            }
        return {"$ref": _REF + name}


def _default(known: inspect.Field) -> Any:
    value = known.default if known.default is not NODEFAULT else known.default_factory()
    return msgspec.to_builtins(value)


def _nullable(schema: Schema) -> Schema:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _limits(info: inspect.IntType | inspect.FloatType) -> Schema:
    limits = {"minimum": info.ge, "maximum": info.le, "exclusiveMinimum": info.gt, "exclusiveMaximum": info.lt}
    return {key: value for key, value in limits.items() if value is not None}


def _lengths(info: Any, what: str) -> Schema:
    lengths = {f"min{what}": info.min_length or None, f"max{what}": info.max_length}
    return {key: value for key, value in lengths.items() if value is not None}


def _pattern(info: inspect.StrType) -> Schema:
    return {} if info.pattern is None else {"pattern": info.pattern}
