"""A rider's whole life with an operator, over HTTP alone."""

import json
import re
from typing import Any

import httpx2

from tests.kit.http import Api
from tests.kit.riders import new_phone
from tests.kit.samples import make_world
from tests.kit.tenants import OperatorKit, make_operator

AUTH = "/openapi/v1.0/authorization"
USER = "/openapi/v1.0/user"


def ok(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


async def code_of(api: Api, digits: str) -> str:
    messages = ok(await api.client.get("/dev/outbox", params={"phone": f"+{digits}"}))
    found = re.search(r"\b\d{6}\b", messages[0]["body"])
    assert found is not None
    return found[0]


async def verified(api: Api, kit: OperatorKit, number: str, flow: str) -> str:
    body = {"phone_prefix": "+358", "phone": f"0{number[:2]} {number[2:]}", "flow": flow}
    asked = ok(await api.post(f"{AUTH}/request-phone-verification", body, key=kit.public_key))
    assert asked["phone"] == number
    assert asked["left_seconds"] == kit.operator.settings.otp.resend_wait_s
    code = await code_of(api, f"358{number}")
    body = {"code": code, "phone_token": asked["phone_token"]}
    token: str = ok(await api.post(f"{AUTH}/verify-phone-code", body, key=kit.public_key))["phone_token"]
    return token


async def registered(api: Api, kit: OperatorKit, number: str) -> tuple[int, str]:
    phone_token = await verified(api, kit, number, "REGISTRATION")
    body = {"name": "John Doe", "email": "john.doe@example.com", "device_os": "WEB", "phone_token": phone_token}
    session = ok(await api.post(f"{AUTH}/register", body, key=kit.public_key))
    return session["user_id"], session["token"]


async def test_register_ride_on_money_and_leave(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    number = new_phone().number
    rider_id, token = await registered(api, kit, number)

    data = ok(await api.post(f"{USER}/get-user-data", key=kit.public_key, token=token))
    assert data == {
        "user_id": rider_id,
        "user_name": "John Doe",
        "user_email": "john.doe@example.com",
        "user_phone_prefix": "358",
        "user_phone": number,
        "user_balance": 0,
        "user_bonus": 0,
        "user_debt": 0,
        "user_language": "en",
        "currency_code": "EUR",
    }

    body = {"amount": "12.50", "money_type": "BALANCE", "user_id": str(rider_id)}
    for _repetition in range(2):
        added = await api.post(
            f"{USER}/add-money", body, key=kit.public_key, token=kit.secret_key, **{"Idempotency-Key": "once"}
        )
        assert ok(added)["message"] == "12.50 EUR was added."
    reused = await api.post(
        f"{USER}/add-money",
        body | {"amount": 1},
        key=kit.public_key,
        token=kit.secret_key,
        **{"Idempotency-Key": "once"},
    )
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")

    answer = await api.post(f"{USER}/get-user-data", {}, key=kit.public_key, token=token)
    assert '"user_balance":12.50' in answer.text, "exact decimals, as the currency has them"
    methods = ok(
        await api.post(f"{USER}/get-user-payment-methods", {"flow": "SHARING"}, key=kit.public_key, token=token)
    )
    assert [(method["payment_method_id"], method["balance"]) for method in methods["payment_methods"]] == [
        ("wallet", 12.5)
    ]
    bookings = await api.post(f"{USER}/get-user-bookings", {"booking_status": "ALL"}, key=kit.public_key, token=token)
    assert ok(bookings) == {"bookings": []}

    renewed = ok(await api.post(f"{USER}/refresh-token", key=kit.public_key, token=token))["token"]
    assert (await api.post(f"{USER}/get-user-data", key=kit.public_key, token=token)).status_code == 401
    assert ok(await api.post(f"{USER}/get-user-data", key=kit.public_key, token=renewed))["user_id"] == rider_id

    gone = ok(await api.post(f"{USER}/delete-user", key=kit.public_key, token=renewed))
    assert gone["status"] == 1
    assert "30 days" in gone["message"]
    assert (await api.post(f"{USER}/get-user-data", key=kit.public_key, token=renewed)).status_code == 401


async def test_login_undoes_a_deletion(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    number = new_phone().number
    rider_id, token = await registered(api, kit, number)
    ok(await api.post(f"{USER}/delete-user", key=kit.public_key, token=token))
    api.services.rt.clock.advance(minutes=5)  # type: ignore[attr-defined]  # the clock of tests
    phone_token = await verified(api, kit, number, "LOGIN")
    back = ok(await api.post(f"{AUTH}/login", {"phone_token": phone_token}, key=kit.public_key))
    assert (back["user_id"], back["phone_token"]) == (rider_id, phone_token)
    assert ok(await api.post(f"{USER}/get-user-data", key=kit.public_key, token=back["token"]))["user_id"] == rider_id


async def test_the_operator_deletes_at_once(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    rider_id, token = await registered(api, kit, new_phone().number)
    body = {"user_id": rider_id}
    ok(await api.post(f"{USER}/delete-user", body, key=kit.public_key, token=kit.secret_key))
    assert (await api.post(f"{USER}/get-user-data", key=kit.public_key, token=token)).status_code == 401
    again = await api.post(f"{USER}/delete-user", body, key=kit.public_key, token=kit.secret_key)
    assert (again.status_code, again.json()["message"]) == (404, "User not found.")


async def test_a_running_ride_holds_a_deletion_up(api: Api) -> None:
    world = await make_world(api.services.rt)
    refused = await api.post(f"{USER}/delete-user", key=world.key, token=world.rider.token)
    assert (refused.status_code, refused.json()["code"]) == (409, "ride_running")


async def test_the_truth_comes_after_the_code(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    number = new_phone().number
    phone_token = await verified(api, kit, number, "LOGIN")
    refused = await api.post(f"{AUTH}/login", {"phone_token": phone_token}, key=kit.public_key)
    assert (refused.status_code, refused.json()["message"]) == (404, "User not found.")


async def test_the_operator_vouches_for_a_number(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    phone = new_phone()
    body = {"phone_prefix": "358", "phone": phone.number, "flow": "REGISTER", "skip_otp": True}
    asked = ok(await api.post(f"{AUTH}/request-phone-verification", body, key=kit.public_key, token=kit.secret_key))
    assert ok(await api.client.get("/dev/outbox", params={"phone": phone.digits})) == []
    body = {"phone_token": asked["phone_token"], "code": None}
    token = ok(await api.post(f"{AUTH}/verify-phone-code", body, key=kit.public_key))["phone_token"]
    body = {"name": "A", "email": "a@example.com", "phone_token": token}
    assert ok(await api.post(f"{AUTH}/register", body, key=kit.public_key))["token"]


async def test_a_form_lets_nobody_in_and_tells_nobody_who_is_known(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    phone = new_phone()
    body = {
        "email": "j@example.com",
        "first_name": "J",
        "last_name": "D",
        "phone_prefix": "358",
        "phone": phone.number,
    }
    first = ok(await api.post(f"{USER}/register-user", body, key=kit.public_key))
    assert ok(await api.post(f"{USER}/register-user", body, key=kit.public_key)) == first
    phone_token = await verified(api, kit, phone.number, "LOGIN")
    assert ok(await api.post(f"{AUTH}/login", {"phone_token": phone_token}, key=kit.public_key))["user_id"]


async def test_a_wait_is_told_in_the_header(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    body = {"phone_prefix": "358", "phone": new_phone().number, "flow": "LOGIN"}
    ok(await api.post(f"{AUTH}/request-phone-verification", body, key=kit.public_key))
    refused = await api.post(f"{AUTH}/request-phone-verification", body, key=kit.public_key)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == refused.json()["details"]["left_seconds"] > 0


async def test_messages_speak_the_readers_language_in_the_operators_words(api: Api) -> None:
    kit = await make_operator(api.services.rt)
    wording = {"sv": {"user_not_found": "Hittades inte."}}
    api.services.texts._catalogues = {**api.services.texts._catalogues, "fi": {"user_not_found": "Ei löytynyt."}}
    async with api.services.rt.db.write() as tx:
        await tx.execute(
            "update operator set settings = jsonb_set(settings, '{texts}', %(texts)s) where id = %(id)s",
            {"texts": json.dumps(wording), "id": kit.operator.id},
        )
    body = {"user_id": 2**60}
    said = []
    for language in ("fi", "sv;q=0.9, de", "de", ""):
        headers = {"Accept-Language": language} if language else {}
        answer = await api.post(f"{USER}/get-user-data", body, key=kit.public_key, token=kit.secret_key, **headers)
        said.append(answer.json()["message"])
    assert said == ["Ei löytynyt.", "Hittades inte.", "User not found.", "User not found."]
