"""The documentation is true: its lines are pasted into a shell, word by word."""

import asyncio
import html
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import phonenumbers
import pytest

from isotope.card_sandbox.cards import CARDS
from isotope.cli.token import phone_of
from tests.journeys.kit.rider import DemoRider
from tests.journeys.kit.system import System, running_system
from tests.journeys.kit.waiting import come_about

pytestmark = [pytest.mark.journey, pytest.mark.asyncio]

README = Path(__file__).parents[2] / "README.md"
# What an example may be answered without being wrong: it names a vehicle that nobody rides, a code that was not sent.
EXAMPLE_MAY_MEET = {
    "already_registered",
    "already_reserved",
    "booking_not_found",
    "booking_too_far_ahead",
    "booking_too_soon",
    "booking_unaffordable",
    "card_needed",
    "card_not_found",
    "code_sent_recently",
    "debt_open",
    "device_offline",
    "driver_document_not_found",
    "driver_offline",
    "maintenance_dates",
    "no_debt",
    "no_push_device",
    "no_vehicle_free",
    "offer_not_found",
    "phone_token_invalid",
    "receipt_not_found",
    "refund_too_high",
    "rental_model_not_found",
    "rental_zone_not_found",
    "reservation_cooldown",
    "reservation_not_found",
    "ride_busy",
    "ride_not_ended",
    "ride_not_found",
    "ride_over",
    "secret_key_required",
    "station_closed",
    "subscription_not_found",
    "subscription_unaffordable",
    "task_not_found",
    "taxi_vehicle_not_found",
    "too_far_from_vehicle",
    "top_up_not_found",
    "trip_not_found",
    "vehicle_held",
    "vehicle_not_available",
    "vehicle_not_found",
    "vehicle_not_ridden",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("documentation") / "data", simulate=True) as running:
        yield running


async def paste(system: System, lines: str, folder: Path | None = None) -> str:
    """What an empty shell prints; nothing of it may go wrong."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail", "-c", lines),
        env={**os.environ, "PORT": system.api.rsplit(":", 1)[1]},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, complained = await shell.communicate()
    assert (shell.returncode, complained.decode()) == (0, ""), lines
    return said.decode().strip()


def blocks_of(title: str) -> list[str]:
    """The shell blocks of a chapter of the README."""
    chapter = README.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)


def ride_lines() -> str:
    """About a ride."""
    blocks = blocks_of("Ride a scooter")
    assert len(blocks) == 10
    return "\n".join(blocks)


def rental_lines() -> str:
    """About a rental; who rents has an account and a card by the first lines about a ride."""
    blocks = blocks_of("Rent a car")
    assert len(blocks) == 5
    return "\n".join([*blocks_of("Ride a scooter")[:3], *blocks])


def taxi_lines() -> str:
    """About a taxi, by the same account."""
    blocks = blocks_of("Take a taxi")
    assert len(blocks) == 4
    return "\n".join([*blocks_of("Ride a scooter")[:3], *blocks])


async def test_a_newcomer_rides_by_card_with_the_lines_of_the_readme(system: System, tmp_path: Path) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        rider = DemoRider(client)
        await rider.register()
        await come_about(rider.sees_vehicles, "the simulated fleet reports")
    said = (await paste(system, ride_lines(), tmp_path)).splitlines()
    *_others, ended, looked_back, rated, entries, receipt, _pdf, topped_up, _bonus, wallet = said
    paid = json.loads(ended)["payment_info"]
    assert paid["total"] > 0
    assert (paid["charged_card"], paid["pending"], paid["debt"]) == (paid["total"], 0, 0)
    seen = json.loads(looked_back)
    assert (seen["ride"]["total"], seen["lines"]) == (paid["total"], paid["lines"])
    # It was kept before, and the fee was credited.
    assert {"reservation_fee", "reservation_credit"} <= {line["code"] for line in seen["lines"]}
    assert json.loads(rated)["feedback"]["rating"] == 5
    assert [(row["title"], row["pending"]) for row in json.loads(entries)["entries"]] == [
        ("Paid by card", paid["total"]),
        ("Ride", -paid["total"]),
    ]
    assert json.loads(receipt)["paid"] == [{"code": "card", "text": "Card", "amount": paid["total"]}]
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF-")
    assert json.loads(topped_up)["status"] == "SUCCEEDED"
    assert (json.loads(wallet)["user_balance"], json.loads(wallet)["user_bonus"]) == (20, 5)


async def test_a_newcomer_rents_by_card_with_the_lines_of_the_readme(system: System) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        rider = DemoRider(client)
        await rider.register()
        await come_about(rider.sees_vehicles, "the simulated fleet reports")
    said = (await paste(system, rental_lines())).splitlines()
    *_others, models, booked, picked_up, _locked, _unlocked, returned, whole, receipts = said
    offer = json.loads(models)["vehicle_models"][0]
    [booking] = json.loads(booked)["bookings"]
    assert booking["rental"]["booking_status"] == "UPCOMING"
    assert booking["rental"]["total"] == offer["total"] > 0
    driven = json.loads(picked_up)["rental"]
    assert (driven["booking_status"], driven["deposit"]["status"]) == ("ACTIVE", "HELD")
    brought_back = json.loads(returned)["rental"]
    assert (brought_back["booking_status"], brought_back["booking_id"]) == ("ENDED", booking["rental"]["booking_id"])
    [charge] = brought_back["charges"]
    assert (charge["charged_card"], charge["pending"], charge["debt"]) == (charge["total"], 0, 0)
    # Two hours were paid, and a few seconds driven.
    assert 0 < brought_back["refunded"] < charge["total"]
    assert {event["kind"] for event in json.loads(whole)["events"]} >= {"confirmed", "picked_up", "returned"}
    assert charge["total"] in [receipt["total"] for receipt in json.loads(receipts)["receipts"]]


async def test_a_newcomer_takes_a_taxi_with_the_lines_of_the_readme(system: System) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        rider = DemoRider(client)
        await rider.register()

        async def driver_is_there() -> bool:
            pins = [{"latitude": 60.1699, "longitude": 24.9384}, {"latitude": 60.1793, "longitude": 24.9512}]
            tokens = [(await rider.post("taxi/get-place", pin)).json()["token"] for pin in pins]
            asked = await rider.post("taxi/get-drivers", {"waypoints": tokens, "is_cash_payment": True})
            return any(offered["token"] for offered in asked.json()["classes"])

        await come_about(driver_is_there, "a simulated driver is online")
    said = (await paste(system, taxi_lines())).splitlines()
    *_others, suggested, classes, requested, cancelled, looked_at = said
    assert "items" in json.loads(suggested)
    offered = json.loads(classes)["classes"][0]
    ride = json.loads(requested)["ride"]
    assert ride["status"] in {"RIDE_REQUESTED", "RIDE_ACCEPTED", "DRIVER_ARRIVED"}
    assert (ride["price"], ride["payment_type"]) == (offered["price"], "CASH")
    assert json.loads(cancelled) == {"status": 1}
    over = json.loads(looked_at)["ride"]
    assert (over["status"], over["outcome"], over["price_now"]) == ("RIDE_CANCELED", "rider_canceled", 0)


async def test_a_rider_for_each_test_card(system: System) -> None:
    async def token(card: str) -> str:
        isotope = f"{sys.executable} -m isotope token --url {system.api} --card {card}"
        return await paste(system, isotope)

    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        rider = DemoRider(client, await token("needs_3ds"))
        methods = (await rider.post("user/get-user-payment-methods", {"flow": "SHARING"})).json()["payment_methods"]
        assert [method["last4"] for method in methods if method["type"] == "CARD"] == [CARDS["needs_3ds"].last4]
        again = DemoRider(client, await token("needs_3ds"))
        same = [(await one.post("user/get-user-data", {})).json()["user_id"] for one in (rider, again)]
        assert same[0] == same[1]
    listed = await token("list")
    assert [line.split()[0] for line in listed.splitlines()] == list(CARDS)
    numbers = [phonenumbers.parse(f"+358{phone_of(nr)}") for nr in range(len(CARDS))]
    assert all(map(phonenumbers.is_valid_number, numbers))


async def test_every_line_of_the_documentation_page_works_when_pasted(system: System) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        page = (await client.get("/api/docs")).text
        operations = (await client.get("/api/docs/openapi.json")).json()["paths"]
        blocks = [
            html.unescape(re.sub(r"<[^>]+>", "", block)) for block in re.findall(r"<pre.*?</pre>", page, re.DOTALL)
        ]
        for_a_token = next(block for block in blocks if block.startswith("BASE="))
        for_a_driver = next(block for block in blocks if "driver/login" in block)
        tokens = (await paste(system, f"{for_a_token}\n{for_a_driver}")).splitlines()
        assert [bool(re.fullmatch(r"[\w-]{30,}", token)) for token in tokens] == [True, True]
        staff = await paste(system, next(block for block in blocks if block.startswith("STAFF=")))
        calls = [block for block in blocks if block.startswith("curl ")]
        # The driver's token is one for all calls: what ends it comes last.
        calls.sort(key=lambda call: "driver/logout" in call)
        assert len(calls) == sum(len(methods) for methods in operations.values())
        wrong = []
        for call in calls:
            # One of the lines deletes its rider, another ends its token.
            rider = DemoRider(client)
            await rider.register()
            given = f"TOKEN={rider.token}\nSTAFF={staff}\nDRIVER={tokens[-1]}"
            if "-stream" in call:
                # It ends with its ride or its driver's token; some seconds are enough to be told what is.
                briefly = call.replace("curl -s", "curl -s --max-time 3", 1) + " || test $? = 28"
                said = await paste(system, f"{given}\n{briefly}")
                if not said.startswith("{"):
                    assert re.match(r"(event|id|retry|data|):", said), (call, said)
                    continue
                answer = json.loads(said)
            else:
                answer = json.loads(await paste(system, f"{given}\n{call}"))
            code = answer.get("code", "") if isinstance(answer, dict) else ""
            if code and code not in EXAMPLE_MAY_MEET and not lacks_only_what_none_can_write(answer):
                wrong.append((call, answer))
        assert not wrong, "\n".join(map(str, wrong))


def lacks_only_what_none_can_write(answer: Any) -> bool:
    """Tokens of places and prices live minutes, so those of an example are over; and a line holds no pictures."""
    told = [fault["error_info"] for fault in answer.get("errors", [])]
    return bool(told) and all(re.match(r"a token of get-(suggestions|drivers)|1 to \d pictures", text) for text in told)
