"""Which refusals an operation can give, each with its text: what the document and the page show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isotope.api.body import FORM_BYTES
from isotope.api.errors import INTERNAL_ERROR, STATUS
from isotope.api.operation import Auth, Operation
from isotope.api.streams import told_in
from isotope.domain.tenants import ROLES
from isotope.domain.tenants.model import Role
from isotope.kernel.errors import Kind
from isotope.kernel.texts import Texts

# What stands in a text where a call would fill in its own values.
_SAMPLES: Final[Mapping[str, str | int]] = {
    "accepted": "application/json",
    "age": 21,
    "amount": "2.40 EUR",
    "debt": "2.40 EUR",
    "days": 30,
    "allowed": "wallet",
    "available": "Day pass (4)",
    "battery_pct": 7,
    "minimum_pct": 10,
    "category": "B",
    "checks_left": 4,
    "command": "reboot",
    "distance_m": 240,
    "fine": "25.00 EUR",
    "given": 2,
    "flow": "LOGIN",
    "has": "0.50 EUR",
    "needs": "1.00 EUR",
    "left_seconds": 42,
    "limit": 5,
    "limit_bytes": 1_048_576,
    "limit_m": 200,
    "log_id": "5f1c09a2be77d310",
    "minutes": 15,
    "most": 5,
    "next": "2026-12-24T18:30:00+02:00",
    "allowed_m": 100,
    "away_m": 340,
    "balance": "12.00 EUR",
    "code": "SUMMER",
    "deposit": "30.00 EUR",
    "groups": "students, staff",
    "kinds": "licence",
    "nr": "1001",
    "seconds_left": 600,
    "vehicle_type": "SCOOTER",
    "what": "booking 7,",
    "number": 1,
    "role": "support",
    "left": "5.00 EUR",
    "seconds": 30,
    "station": "Eliel Square",
    "status": "PAUSING",
    "unknown": "9",
    "method": "card_12",
    "type": "SCOOTER",
    "addons": "2",
    "wanted": 4,
    "zone": "Esplanadi",
}


@dataclass(frozen=True, slots=True)
class KnownRefusal:
    """One way in which a call can be refused."""

    status: int
    code: str
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What a person reads: the first fault where the message only says that there is one."""
        errors = self.body.get("errors")
        return str(errors[0]["error_info"]) if errors else str(self.body["message"])


def refusals_of(operation: Operation, texts: Texts) -> Sequence[KnownRefusal]:
    """Every refusal of the operation by status: its own, and those that all share."""
    pairs = [*_common(operation), *operation.refusals]
    found = {(STATUS[kind], code): _example(kind, code, operation, texts) for kind, code in pairs}
    found[INTERNAL_ERROR, "internal_error"] = {
        "message": texts.render("internal_error", _SAMPLES),
        "code": "internal_error",
        "details": {"log_id": _SAMPLES["log_id"]},
    }
    return [
        KnownRefusal(status, code, body) for (status, code), body in sorted(found.items(), key=lambda item: item[0][0])
    ]


def _common(operation: Operation) -> list[tuple[Kind, str]]:
    pairs = [(Kind.INVALID, "validation_failed"), (Kind.UNAVAILABLE, "store_unavailable")]
    if operation.auth not in (Auth.NONE, Auth.STAFF):
        pairs.append((Kind.FORBIDDEN, "no_access"))
    if operation.auth not in (Auth.NONE, Auth.PUBLIC):
        pairs.append((Kind.UNAUTHORIZED, "unauthorized"))
    pairs += _of_staff(operation)
    if operation.auth is Auth.SECRET:
        pairs.append((Kind.FORBIDDEN, "secret_key_required"))
    elif operation.secret_only:
        pairs.append((Kind.FORBIDDEN, "secret_key_only"))
    if operation.idempotent:
        pairs += [(Kind.CONFLICT, "request_in_progress"), (Kind.CONFLICT, "answer_not_kept")]
        pairs.append((Kind.UNPROCESSABLE, "idempotency_key_reused"))
    if operation.method != "GET":
        pairs += [(Kind.TOO_LARGE, "body_too_large"), (Kind.UNSUPPORTED_MEDIA, "unsupported_media")]
    if told_in(operation.response) is not None:
        pairs += [(Kind.TOO_MANY, "too_many_streams"), (Kind.UNAVAILABLE, "streams_full")]
    if operation.content == "multipart":
        pairs += [(Kind.UNAVAILABLE, "uploads_busy"), (Kind.UNAVAILABLE, "body_too_slow")]
    return pairs


def _of_staff(operation: Operation) -> list[tuple[Kind, str]]:
    pairs = []
    if operation.right is not None and ROLES[operation.right] != frozenset(Role):
        pairs.append((Kind.FORBIDDEN, "role_not_allowed"))
    if operation.auth is Auth.STAFF and not operation.subaccounts:
        pairs.append((Kind.FORBIDDEN, "whole_operator_only"))
    return pairs


def _example(kind: Kind, code: str, operation: Operation, texts: Texts) -> dict[str, Any]:
    samples = _SAMPLES
    if operation.content == "multipart":
        samples = {**_SAMPLES, "accepted": "multipart/form-data", "limit_bytes": FORM_BYTES}
    text = texts.render(code, samples)
    if code == "validation_failed":
        return {"message": text, "code": code, "errors": _faults(operation)}
    if code == "secret_key_only":
        name = operation.secret_only[-1]
        fault = {"error_info": f"Value error, {name} works with the secret key only", "field": name}
        return {"message": text, "code": code, "errors": [fault]}
    if kind is Kind.INVALID:
        message = texts.render("validation_failed")
        return {"message": message, "code": code, "errors": [{"error_info": text}]}
    return {"message": text, "code": code}


def _faults(operation: Operation) -> list[dict[str, str]]:
    required = operation.required_fields
    if required:
        return [{"error_info": "Field required", "field": name} for name in required]
    if operation.takes_user_id:
        info = "Value error, user_id is required when using secret key authentication"
        return [{"error_info": info, "field": "user_id"}]
    return [{"error_info": "The body must be a JSON object"}]
