"""The served OpenAPI document says of every operation what the contract says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from isotope.api.openapi import openapi_document
from isotope.api.openapi.refusals import refusals_of
from isotope.api.operation import Auth
from isotope.api.sections import operations
from isotope.domain.tenants import Right
from isotope.kernel.texts import Texts

CONTRACT = json.loads((Path(__file__).parent / "contract" / "operations.json").read_text(encoding="utf-8"))
SERVED_TAGS = ("Authorization", "User", "Rental", "Sharing", "Taxi")
SECTION_SIZES = {"Authorization": 5, "User": 7, "Rental": 4, "Sharing": 12, "Taxi": 12}
DASHBOARDS = ("Sharing dashboard", "Taxi dashboard")
SERVED = {operation.id for operation in operations()}
EXPECTED = [
    operation
    for operation in CONTRACT
    if operation["tag"] in SERVED_TAGS or (operation["tag"] in DASHBOARDS and operation["id"] in SERVED)
]
# Response fields that are ours, beside the contract's.
ADDITIONS = {
    "admin_change_vehicle_status": {"results"},
    "admin_taxi_drivers": {"bookmark_next"},
    "admin_force_end_ride": {"ride_id", "ended_at", "price", "currency_code"},
    "send_vehicle_commands": {"results"},
    "end_ride": {"review_status"},
    "get_vehicles": {"clusters"},
    "get_available_zones": {"time_zone"},
    "cancel_booking": {"fee", "refunded", "currency_code"},
    "get_zones": {
        "zone_point",
        "zone_radius",
        "zone_speed_limit_kmh",
        "zone_fee",
        "zone_windows",
    },
}
# Request fields that are ours.
REQUEST_ADDITIONS = {
    "start_ride": {"pricing_package_id"},
    "end_ride": {"accepted_fine"},
    "get_taxi_suggestions": {"latitude", "longitude"},
    # A bookmark by each of its names.
    "admin_rides": {"bookmark_next", "bookmark"},
    "admin_users": {"page_bookmark", "bookmark"},
    "admin_taxi_rides": {"bookmark_next", "bookmark"},
    "admin_taxi_drivers": {"bookmark_next", "bookmark"},
    "admin_change_vehicle_status": {"vehicle_id"},
    "admin_force_end_ride": {"reason"},
}
# Required there, and here one of two ways to say it.
NOT_REQUIRED = {"admin_change_vehicle_status": {"vehicle_ids"}}
# Values of an enumeration that are ours.
ENUM_ADDITIONS = {"request_phone_verification.flow": {"DRIVER"}}
# Calls that the reference lacks and a rider needs (docs/api/deviations.md).
BEYOND = {
    "add_payment_method",
    "choose_payment_method",
    "remove_payment_method",
    "top_up",
    "get_top_up",
    "pay_debt",
    "get_auto_topup",
    "set_auto_topup",
    "get_wallet_entries",
    "get_receipts",
    "get_receipt",
    "get_receipt_pdf",
    "get_subscription_plans",
    "buy_subscription",
    "get_subscriptions",
    "cancel_subscription",
    "redeem_code",
    "get_benefits",
    "get_referral_code",
    "set_discount_group",
    "set_licence",
    "set_push_token",
}
# And what they need around a ride.
BEYOND_IN_SHARING = {
    "reserve_vehicle",
    "get_reservations",
    "extend_reservation",
    "cancel_reservation",
    "get_rides",
    "get_ride",
    "rate_ride",
    "report_damage",
}
# And around a booking.
BEYOND_IN_RENTAL = {
    "get_booking",
    "pick_up",
    "unlock_vehicle",
    "lock_vehicle",
    "get_extension",
    "extend_booking",
    "return_vehicle",
    "report_booking_damage",
}
# And around a trip.
BEYOND_IN_TAXI = {"get_taxi_ride_stream"}
# Of these, what only the operator's own systems call.
BEYOND_FOR_SYSTEMS = {"set_discount_group", "set_licence"}
JSON_TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}

# As a client gets it: through JSON.
DOCUMENT = json.loads(json.dumps(openapi_document(operations(), Texts())))


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name]
    return found


def content_type(expected: dict[str, Any]) -> str:
    """Of calls without a body too: one may be sent, and is empty."""
    kind: str | None = expected["content_type"]
    return kind or "application/json"


def request_schema(expected: dict[str, Any]) -> dict[str, Any]:
    served = DOCUMENT["paths"][expected["path"]][expected["method"].lower()]
    if expected["content_type"] == "query":
        asked = [one for one in served["parameters"] if one.get("in") == "query"]
        return {
            "properties": {one["name"]: one["schema"] for one in asked},
            "required": [one["name"] for one in asked if one["required"]],
        }
    return resolve(served["requestBody"]["content"][content_type(expected)]["schema"])


def response_schema(expected: dict[str, Any]) -> dict[str, Any]:
    served = DOCUMENT["paths"][expected["path"]][expected["method"].lower()]
    schema = served["responses"]["200"]["content"]["application/json"]["schema"]
    # Of a list with an export form too, the list itself comes first.
    schema = resolve(schema["anyOf"][0] if "anyOf" in schema else schema)
    return resolve(schema["items"]) if schema["type"] == "array" else schema


def types_of(schema: dict[str, Any]) -> set[str]:
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in types_of(one)}
    if "$ref" in schema:
        return {"object"}
    kind = schema["type"]
    return set(kind) if isinstance(kind, list) else {kind}


def test_the_contract_has_the_40_operations() -> None:
    sizes = {tag: sum(operation["tag"] == tag for operation in EXPECTED) for tag in SERVED_TAGS}
    assert sizes == SECTION_SIZES
    served = {operation.id for operation in operations() if operation.tag in SERVED_TAGS}
    assert (
        served
        == {expected["id"] for expected in EXPECTED if expected["tag"] in SERVED_TAGS}
        | BEYOND
        | BEYOND_IN_SHARING
        | BEYOND_IN_RENTAL
        | BEYOND_IN_TAXI
    )


def test_what_the_reference_lacks_has_its_habits() -> None:
    """POST, in the section User or Sharing, a path of verb and noun, a caller, and `user_id` for the secret key."""
    for operation in operations():
        if operation.id in BEYOND | BEYOND_IN_SHARING:
            auth = Auth.SECRET if operation.id in BEYOND_FOR_SYSTEMS else Auth.PUBLIC_AND_CALLER
            tag = "User" if operation.id in BEYOND else "Sharing"
            assert (operation.tag, operation.method, operation.auth) == (tag, "POST", auth)
            assert operation.path == f"/openapi/v1.0/{tag.lower()}/" + operation.id.replace("_", "-")
            assert operation.takes_user_id


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected["id"])
def test_path_method_and_body(expected: dict[str, Any]) -> None:
    served = DOCUMENT["paths"][expected["path"]][expected["method"].lower()]
    assert served["operationId"] == expected["id"]
    assert served["tags"] == [expected["tag"]]
    assert served["summary"] == expected["title"]
    if expected["content_type"] == "query":
        assert "requestBody" not in served
        return
    assert list(served["requestBody"]["content"]) == [content_type(expected)]
    assert served["requestBody"]["required"] == any(field["required"] for field in expected["request"])


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected["id"])
def test_credentials(expected: dict[str, Any]) -> None:
    served = DOCUMENT["paths"][expected["path"]][expected["method"].lower()]
    needed = {frozenset(alternative) for alternative in served["security"]}
    match expected["auth"]:
        case []:
            assert needed == set()
        case ["public_key"]:
            assert frozenset({"AppPublicKey"}) in needed
        case ["public_key", "authorization"]:
            assert frozenset({"AppPublicKey", "SecretKey"}) in needed
        case ["dashboard_token"]:
            assert needed == {frozenset({"DashboardToken"})}
        case other:
            pytest.fail(f"unknown credentials {other}")


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected["id"])
def test_request_fields(expected: dict[str, Any]) -> None:
    schema = request_schema(expected)
    ours = REQUEST_ADDITIONS.get(expected["id"], set())
    assert set(schema["properties"]) == {field["name"] for field in expected["request"]} | ours
    loose = NOT_REQUIRED.get(expected["id"], set())
    needed = {field["name"] for field in expected["request"] if field["required"]} - loose
    assert set(schema.get("required", ())) == needed
    for field in expected["request"]:
        if field["name"] in loose:
            continue
        served = schema["properties"][field["name"]]
        where = f"{expected['id']}.{field['name']}"
        assert ("default" in served) == (not field["required"]), where
        if not field["required"]:
            assert served["default"] == field["default"], where
        assert ("null" in types_of(served)) == field["nullable"], where
        check_type(field, served, where)
        assert bool(served.get("x-secret-key-only")) == is_secret_only(expected, field), where


def is_secret_only(expected: dict[str, Any], field: dict[str, Any]) -> bool:
    # The contract leaves the skips of Authorization open; here they are the secret key's too (docs/api/deviations.md).
    skips = expected["tag"] == "Authorization" and field["name"].startswith("skip_")
    return bool(field.get("secret_key_only")) or skips


def check_type(field: dict[str, Any], served: dict[str, Any], where: str) -> None:
    kind = field["type"]
    if kind.endswith("(object)"):
        assert any("$ref" in one for one in served.get("anyOf", [served])), where
        return
    if kind.startswith("Array of"):
        assert "array" in types_of(served), where
        item = "integer" if "integers" in kind else "object" if "(objects)" in kind else "string"
        assert resolve(served["items"])["type"] == item, where
        return
    word = kind.split(" ")[0]
    taken = {"string", "integer"} if kind == "string or integer" else {JSON_TYPES.get(word, "string")}
    assert taken & types_of(served), where
    if "<=" in kind:
        assert served["maxLength"] == int(kind.split("<=")[1].split()[0]), where
    if ">=" in kind:
        assert served["minimum"] == int(kind.split(">=")[1]), where
    if found := re.search(r"\[ (\d+) \.\. (\d+) \]", kind):
        assert (served["minimum"], served["maximum"]) == (int(found[1]), int(found[2])), where
    if "=" in kind and "<=" not in kind and ">=" not in kind:
        exact = int(kind.split("=")[1].split()[0])
        assert (served["minLength"], served["maxLength"]) == (exact, exact), where
    if "enum" in field:
        assert {value for value in served["enum"] if value is not None} == set(field["enum"]) | ENUM_ADDITIONS.get(
            where, set()
        ), where


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected["id"])
def test_response_fields(expected: dict[str, Any]) -> None:
    schema = response_schema(expected)
    named = {field["name"] for field in expected["response"]}
    assert set(schema["properties"]) - named == ADDITIONS.get(expected["id"], set())
    assert named <= set(schema["required"]), "every field is always there"
    for field in expected["response"]:
        check_sample(field["sample"], schema["properties"][field["name"]], f"{expected['id']}.{field['name']}")


def check_sample(sample: str, served: dict[str, Any], where: str) -> None:
    """The reference shows a sample value of each field; `null` says only that the field is there."""
    match sample:
        case '"string"':
            assert "string" in types_of(served), where
        case "0":
            assert types_of(served) & {"integer", "number"}, where
        case "true" | "false":
            assert "boolean" in types_of(served), where
        case "[]":
            assert "array" in types_of(served), where
        case "{}":
            assert "$ref" in served or "anyOf" in served, where
        case "null":
            pass
        case _:
            pytest.fail(f"{where}: unknown sample {sample}")


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected["id"])
def test_every_refusal_has_a_status_and_an_example(expected: dict[str, Any]) -> None:
    responses = DOCUMENT["paths"][expected["path"]][expected["method"].lower()]["responses"]
    must = {"200", "400", "500", "503"} | ({"413", "415"} if expected["content_type"] != "query" else set())
    if "dashboard_token" in expected["auth"]:
        operation = next(one for one in operations() if one.id == expected["id"])
        is_for_all = operation.subaccounts and operation.right is Right.LOOK
        must |= {"401"} if is_for_all else {"401", "403"}
    elif expected["auth"]:
        must |= {"403"}
    if "authorization" in expected["auth"] and expected["id"] != "register_user_form":
        must |= {"401"}
    assert must <= set(responses)
    for status, response in responses.items():
        if status not in ("200", "304"):
            examples = response["content"]["application/json"]["examples"]
            assert examples
            assert all(example["value"]["code"] == code for code, example in examples.items())
            assert all("{" not in example["value"]["message"] for example in examples.values()), examples


def test_no_example_of_a_refusal_has_a_hole() -> None:
    texts = Texts()
    told = [refusal.text for operation in operations() for refusal in refusals_of(operation, texts)]
    assert [text for text in told if "{" in text] == []
