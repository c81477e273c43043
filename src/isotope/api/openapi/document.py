"""The OpenAPI 3.1 document of the served operations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from isotope.api.errors import STATUS
from isotope.api.openapi.refusals import KnownRefusal, refusals_of
from isotope.api.openapi.schemas import Schema, Schemas
from isotope.api.operation import Auth, Operation
from isotope.api.pdf import Pdf
from isotope.api.streams import EventStream, told_in
from isotope.kernel.errors import Kind
from isotope.kernel.texts import Texts

_MEDIA: Final[Mapping[str, str]] = {"json": "application/json", "multipart": "multipart/form-data"}
_RETRY_STATUSES: Final = frozenset({429, 503})
_RETRY_AFTER: Final[Mapping[str, Any]] = {
    "description": "Seconds until it is worth trying again.",
    "schema": {"type": "integer"},
}
# What is answered again as it was, under an Idempotency-Key.
_KEPT_STATUSES: Final = frozenset({402, 403, 404, 409})
_ETAG: Final[Mapping[str, Any]] = {
    "description": "Stands for exactly this answer; sent back as `If-None-Match`, it saves it.",
    "schema": {"type": "string"},
}
_REPLAYED: Final[Mapping[str, Any]] = {
    "description": "`true`: this is what an earlier call with the same `Idempotency-Key` was answered.",
    "schema": {"type": "string", "enum": ["true"]},
}

_SECURITY_SCHEMES: Final[Mapping[str, Schema]] = {
    "AppPublicKey": {
        "type": "apiKey",
        "in": "header",
        "name": "App-Public-Key",
        "description": "Says which operator is called. Not a secret: it is part of the operator's app.",
    },
    "RiderToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A rider's token, from `register` or `login`. Also taken bare, and as `Basic base64(token:)`.",
    },
    "SecretKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's secret key, for its own servers only. Same three forms.",
    },
    "DriverToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A driver's token, from `driver/login`. Same three forms.",
    },
    "DashboardToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of staff, from `login/openapi`. Same three forms.",
    },
}
_SECURITY: Final[Mapping[Auth, Sequence[Mapping[str, Sequence[str]]]]] = {
    Auth.NONE: (),
    Auth.PUBLIC: ({"AppPublicKey": ()}, {"AppPublicKey": (), "SecretKey": ()}),
    Auth.PUBLIC_IF_OPEN: (
        {"AppPublicKey": (), "RiderToken": ()},
        {"AppPublicKey": (), "SecretKey": ()},
        {"AppPublicKey": ()},
    ),
    Auth.PUBLIC_AND_CALLER: ({"AppPublicKey": (), "RiderToken": ()}, {"AppPublicKey": (), "SecretKey": ()}),
    Auth.SECRET: ({"AppPublicKey": (), "SecretKey": ()},),
    Auth.STAFF: ({"DashboardToken": ()},),
    Auth.DRIVER: ({"AppPublicKey": (), "DriverToken": ()},),
}
_REFUSAL: Final[Schema] = {
    "type": "object",
    "title": "Refusal",
    "description": "Every answer that is not 200.",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string", "description": "For people, in their language."},
        "code": {"type": "string", "description": "For programs; stable."},
        "errors": {
            "type": "array",
            "description": "Every fault of the input at once.",
            "items": {
                "type": "object",
                "required": ["error_info"],
                "properties": {
                    "error_info": {"type": "string", "description": "What is wrong and what would be accepted."},
                    "field": {"type": "string", "description": "Path of the field, such as `vehicle_ids.2`."},
                },
            },
        },
        "details": {"type": "object", "description": "What a program can use; its fields depend on the code."},
    },
}
_INFO: Final = """Shared mobility behind one API: sharing, and more to come.

Every call names its operator with the header `App-Public-Key`; most need `Authorization` too. Bodies are JSON unless
an operation says otherwise. Unknown fields are ignored, numbers may be sent as texts (`"5"`), an empty body counts as
`{}`. Amounts are exact JSON numbers in the currency's unit; instants are Unix seconds. Operations that create, start,
end, pause or move money take an `Idempotency-Key` header and can then be repeated safely. `Accept-Language` chooses the
language of messages.
"""
_PARAMETERS: Final[Mapping[str, Schema]] = {
    "AcceptLanguage": {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "description": "Language of messages, out of those that the operator speaks.",
        "schema": {"type": "string", "examples": ["fi, en;q=0.5"]},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "A random text for each thing that is to be done, the same for every attempt to get it done. For 24 hours "
            "the same key and body are answered as the first time, with `Idempotent-Replayed: true`, and nothing is "
            "done again; while the first call still runs: 409 `request_in_progress` with `Retry-After`. With another "
            "body: 422 `idempotency_key_reused`. Answers of 400, 401, 413, 415, 429, 500 and 503 are not kept: the same "
            "key tries anew. Keys are the caller's own."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of an answer that is there already: if nothing has changed, 304 comes instead of it.",
        "schema": {"type": "string", "examples": ['"2f1c9a0b5d7e4c83a6b1"']},
    },
}


def openapi_document(operations: Sequence[Operation], texts: Texts) -> dict[str, Any]:
    """The whole document, as JSON-able data."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, schemas, texts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Isotope",
            "version": version("isotope-mobility"),
            "description": _INFO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": dict(paths),
        "components": {
            "schemas": {**schemas.components, "Refusal": _REFUSAL},
            "securitySchemes": _SECURITY_SCHEMES,
            "parameters": _PARAMETERS,
        },
    }


def _operation(operation: Operation, schemas: Schemas, texts: Texts) -> Schema:
    parameters = [{"$ref": "#/components/parameters/AcceptLanguage"}]
    if operation.idempotent:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    answer = _answer(operation, schemas)
    refusals = _refusals(refusals_of(operation, texts))
    if operation.idempotent:
        for said in (answer, *(refusals[status] for status in refusals if int(status) in _KEPT_STATUSES)):
            said["headers"] = {**said.get("headers", {}), "Idempotent-Replayed": _REPLAYED}
        refusals[str(STATUS[Kind.CONFLICT])]["headers"]["Retry-After"] = _RETRY_AFTER
    if operation.tagged:
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
        answer["headers"] = {"ETag": _ETAG}
        refusals["304"] = {"description": "The caller has this answer already.", "headers": {"ETag": _ETAG}}
    schema: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.title,
        "description": operation.description,
        "security": _SECURITY[operation.auth],
        "parameters": parameters,
        "responses": {"200": answer, **refusals},
    }
    if operation.method == "GET":
        schema["parameters"] = [*parameters, *_query(operation, schemas)]
    else:
        schema["requestBody"] = {
            "required": bool(operation.required_fields),
            "content": {
                _MEDIA[operation.content]: {
                    "schema": schemas.request(operation.request),
                    **({"example": operation.request_example} if operation.request_example else {}),
                }
            },
        }
    return schema


def _query(operation: Operation, schemas: Schemas) -> list[Schema]:
    name = schemas.request(operation.request)["$ref"].rpartition("/")[2]
    component = schemas.components[name]
    return [
        {"name": field, "in": "query", "required": field in component.get("required", ()), "schema": schema}
        for field, schema in component["properties"].items()
    ]


def _answer(operation: Operation, schemas: Schemas) -> Schema:
    if operation.response is Pdf:
        file: Schema = {"schema": {"type": "string", "format": "binary"}}
        return {"description": "A PDF file.", "content": {Pdf.MEDIA: file}}
    told = told_in(operation.response)
    if told is not None:
        events: Schema = {"schema": {"type": "string", "x-event-data": schemas.response(told)}}
        return {"description": "Server-sent events; the data of each is JSON.", "content": {EventStream.MEDIA: events}}
    forms = [schemas.response(form) for form in (operation.response, *operation.other_forms)]
    content: Schema = {"schema": {"anyOf": forms} if len(forms) > 1 else forms[0]}
    if operation.response_example is not None:
        content["example"] = msgspec.to_builtins(operation.response_example)
    answers = {"application/json": content}
    if operation.export is not None:
        answers["text/csv"] = {"schema": {"type": "string"}}
    return {"description": "Done.", "content": answers}


def _refusals(known: Sequence[KnownRefusal]) -> dict[str, Schema]:
    by_status: dict[int, list[KnownRefusal]] = defaultdict(list)
    for refusal in known:
        by_status[refusal.status].append(refusal)
    return {str(status): _refusal(status, refusals) for status, refusals in by_status.items()}


def _refusal(status: int, refusals: Sequence[KnownRefusal]) -> Schema:
    schema: Schema = {
        "description": "One of: " + ", ".join(f"`{refusal.code}`" for refusal in refusals) + ".",
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Refusal"},
                "examples": {refusal.code: {"value": refusal.body} for refusal in refusals},
            }
        },
    }
    if status in _RETRY_STATUSES:
        schema["headers"] = {"Retry-After": _RETRY_AFTER}
    return schema
