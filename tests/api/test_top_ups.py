"""Money from a card into the wallet, over HTTP and a card provider on a socket."""

import asyncio
from typing import Any

import pytest

from isotope.domain.payments import resolve_card_calls
from isotope.domain.payments.usecases.resolve_card_calls import ACTION_LIFE
from isotope.domain.wallet import AccountKind, Charge, charge, check_ledger, trial_balance
from isotope.kernel.actor import SYSTEM
from tests.kit.card_api import Customer, make_customer
from tests.kit.clock import SettableClock
from tests.kit.http import as_owner


async def resolve(customer: Customer) -> int:
    services = customer.api.services
    return await resolve_card_calls(services.rt, services.cards, services.operators)


async def owe(customer: Customer, amount_minor: int) -> None:
    """A ride's bill that nothing was left for."""
    rt = customer.api.services.rt
    async with rt.db.write() as tx:
        await charge(
            tx,
            Charge(
                operator_id=customer.kit.operator.id,
                rider_id=customer.rider.id,
                currency="EUR",
                total_minor=amount_minor,
                tax_minor=0,
                reason="ride",
                actor=SYSTEM,
                cause="ride:7",
                now=rt.clock.now(),
            ),
        )


async def wallet(customer: Customer) -> tuple[float, float]:
    """Balance and debt."""
    data = await customer.ok("get-user-data")
    return data["user_balance"], data["user_debt"]


async def agree(customer: Customer, captured_minor: int) -> None:
    """The ledger is sound and says of the provider what the provider says."""
    operator_id = customer.kit.operator.id
    async with customer.api.services.rt.db.read() as tx:
        assert await check_ledger(tx, operator_id) == []
        clearing = (await trial_balance(tx, operator_id))[AccountKind.PROVIDER_CLEARING]
    assert customer.sandbox.totals(operator_id).net_minor == captured_minor == -clearing


async def test_a_top_up_is_balance(rita: Customer) -> None:
    await rita.has_card()
    done = await rita.ok("top-up", {"amount": "20.00"})
    assert done == {
        "top_up_id": done["top_up_id"],
        "status": "SUCCEEDED",
        "amount": 20,
        "redirect_url": None,
        "reason": None,
        "message": "20.00 EUR was added.",
        "debt_settled": 0,
        "balance": 20,
        "bonus": 0,
        "debt": 0,
        "currency_code": "EUR",
    }
    assert await rita.ok("get-top-up", {"top_up_id": done["top_up_id"]}) == done
    await agree(rita, 20_00)


async def test_a_top_up_settles_debt_first(rita: Customer) -> None:
    await owe(rita, 3_50)
    await rita.has_card()
    done = await rita.ok("top-up", {"amount": 5})
    assert (done["debt_settled"], done["balance"], done["debt"]) == (3.5, 1.5, 0)
    assert await rita.ok("get-top-up", {"top_up_id": done["top_up_id"]}) == done


@pytest.mark.parametrize("amount", [0, -5, "0.99", "500.01", "1.001", 1e300, "NaN", "much", None, [5]])
async def test_amounts_outside_of_the_operators_bounds(rita: Customer, amount: Any) -> None:
    await rita.has_card()
    answer = await rita.post("top-up", {"amount": amount})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "amount"
    await agree(rita, 0)


async def test_without_a_card(rita: Customer) -> None:
    assert await rita.refused("top-up", {"amount": 5}) == (409, "card_needed")
    assert await rita.refused("top-up", {"amount": 5, "payment_method_id": "wallet"}) == (404, "card_not_found")


@pytest.mark.parametrize(
    ("card", "reason", "said"),
    [
        ("declined", "card_declined", "Your bank declined the card."),
        ("insufficient_funds", "insufficient_funds", "There is not enough money on the card."),
        ("expired", "expired_card", "The card has expired."),
    ],
)
async def test_a_declined_card_is_told_in_words(rita: Customer, card: str, reason: str, said: str) -> None:
    await rita.has_card(card)
    answer = await rita.post("top-up", {"amount": 5}, once="declined")
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert answer.json()["details"] == {"reason": reason}
    assert answer.json()["message"].startswith(said)
    again = await rita.post("top-up", {"amount": 5}, once="declined")
    assert (again.status_code, again.json()) == (402, answer.json())
    assert len(rita.sandbox.payments(rita.kit.operator.id)) == 1
    assert await wallet(rita) == (0, 0)


async def test_the_bank_wants_the_rider_to_confirm(rita: Customer) -> None:
    await rita.has_card("needs_3ds")
    waiting = await rita.ok("top-up", {"amount": 5})
    assert (waiting["status"], waiting["balance"]) == ("ACTION_REQUIRED", 0)
    back = rita.sandbox.confirm_3ds(waiting["redirect_url"])
    assert (await rita.come_back(back)).status_code == 200
    done = await rita.ok("get-top-up", {"top_up_id": waiting["top_up_id"]})
    assert (done["status"], done["balance"], done["redirect_url"]) == ("SUCCEEDED", 5, None)
    await agree(rita, 5_00)


async def test_the_rider_does_not_confirm(rita: Customer, clock: SettableClock) -> None:
    await rita.has_card("needs_3ds")
    declined = await rita.ok("top-up", {"amount": 5})
    rita.sandbox.decline_3ds(declined["redirect_url"])
    failed = await rita.ok("get-top-up", {"top_up_id": declined["top_up_id"]})
    assert (failed["status"], failed["reason"]) == ("FAILED", "authentication_failed")
    assert failed["message"].startswith("The payment was not confirmed")
    left = await rita.ok("top-up", {"amount": 6})
    clock.advance(seconds=ACTION_LIFE.total_seconds() + 60)
    await resolve(rita)
    assert (await rita.ok("get-top-up", {"top_up_id": left["top_up_id"]}))["status"] == "FAILED"
    await agree(rita, 0)


@pytest.mark.parametrize(("card", "net"), [("timeout", 5_00), ("timeout_lost", 5_00)])
async def test_nobody_knows_yet(rita: Customer, clock: SettableClock, card: str, net: int) -> None:
    await rita.has_card(card)
    pending = await rita.ok("top-up", {"amount": 5}, once="unclear")
    assert (pending["status"], pending["balance"]) == ("PENDING", 0)
    assert (await rita.ok("get-top-up", {"top_up_id": pending["top_up_id"]}))["status"] == "PENDING"
    for _round in range(4):
        clock.advance(seconds=30)
        await resolve(rita)
    done = await rita.ok("get-top-up", {"top_up_id": pending["top_up_id"]})
    assert (done["status"], done["balance"]) == ("SUCCEEDED", net / 100)
    await agree(rita, net)


async def test_a_key_charges_once_for_ever(rita: Customer, clock: SettableClock) -> None:
    """Also when the answer is no longer kept: the cause stands in the ledger."""
    card = await rita.has_card()
    first = await rita.ok("top-up", {"amount": 5}, once="key")
    answers = await asyncio.gather(*(rita.post("top-up", {"amount": 5}, once="key") for _again in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    clock.advance(days=2)
    again = await rita.ok("top-up", {"amount": 5, "payment_method_id": card}, once="key")
    assert again["top_up_id"] == first["top_up_id"]
    clock.advance(days=2)
    assert await rita.refused("top-up", {"amount": 6}, once="key") == (422, "idempotency_key_reused")
    await agree(rita, 5_00)


async def test_a_key_at_once_charges_once(rita: Customer) -> None:
    await rita.has_card()
    answers = await asyncio.gather(*(rita.post("top-up", {"amount": 5}, once="key") for _at_once in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["top_up_id"] for answer in answers if answer.status_code == 200}) == 1
    await agree(rita, 5_00)


async def test_the_secret_keys_key_is_for_one_rider(rita: Customer) -> None:
    other = await rita.another()
    for customer in (rita, other):
        await customer.has_card()

    async def top_up(customer: Customer, key: str) -> tuple[int, str]:
        answer = await rita.api.client.post(
            "/openapi/v1.0/user/top-up",
            json={"amount": 5, "user_id": customer.rider.id},
            headers={**as_owner(rita.kit), "Idempotency-Key": key},
        )
        return answer.status_code, answer.json().get("code", "")

    assert await top_up(rita, "a") == (200, "")
    assert await top_up(other, "a") == (422, "idempotency_key_reused")
    assert await top_up(other, "b") == (200, "")
    assert [await wallet(customer) for customer in (rita, other)] == [(5, 0), (5, 0)]


async def test_another_riders_top_up_is_none(rita: Customer) -> None:
    await rita.has_card()
    done = await rita.ok("top-up", {"amount": 5})
    for customer in (await rita.another(), await make_customer(rita.api, rita.sandbox)):
        assert await customer.refused("get-top-up", {"top_up_id": done["top_up_id"]}) == (404, "top_up_not_found")
    assert await rita.refused("get-top-up", {"top_up_id": done["top_up_id"] + 1_000_000}) == (404, "top_up_not_found")


async def test_debt_is_paid_with_a_card(rita: Customer) -> None:
    assert await rita.refused("pay-debt") == (409, "no_debt")
    await owe(rita, 2_40)
    assert await rita.refused("pay-debt") == (409, "card_needed")
    assert await rita.refused("pay-debt", {"payment_method_id": "cash"}) == (404, "card_not_found")
    await rita.has_card("declined")
    assert await rita.refused("pay-debt") == (402, "card_declined")
    card = await rita.has_card()
    paid = await rita.ok("pay-debt", {"payment_method_id": card})
    assert (paid["status"], paid["amount"], paid["debt_settled"], paid["debt"]) == ("SUCCEEDED", 2.4, 2.4, 0)
    assert await rita.ok("get-top-up", {"top_up_id": paid["top_up_id"]}) == paid
    await agree(rita, 2_40)


async def test_saving_a_card_hurries_the_debt(rita: Customer) -> None:
    await owe(rita, 2_40)
    await rita.save_card()
    async with rita.api.services.rt.db.read() as tx:
        due = await tx.scalar(
            "select next_at from debt_collection where operator_id = %(id)s", {"id": rita.kit.operator.id}
        )
    assert due == rita.api.services.rt.clock.now()


async def test_automatic_top_ups_are_set(rita: Customer) -> None:
    off = await rita.ok("get-auto-topup")
    assert (off["is_on"], off["threshold"], off["amount"], off["is_suspended"]) == (False, 0, 0, False)
    answer = await rita.post("set-auto-topup", {"is_on": True})
    assert [fault["field"] for fault in answer.json()["errors"]] == ["threshold", "amount"]
    wanted = {"is_on": True, "threshold": 5, "amount": 20}
    assert await rita.refused("set-auto-topup", wanted) == (409, "card_needed")
    card = await rita.has_card()
    on = await rita.ok("set-auto-topup", {**wanted, "payment_method_id": card})
    assert (on["is_on"], on["threshold"], on["amount"], on["payment_method_id"]) == (True, 5, 20, card)
    assert await rita.ok("get-auto-topup") == on
    off = await rita.ok("set-auto-topup", {"is_on": False})
    assert (off["is_on"], off["threshold"], off["amount"]) == (False, 5, 20)
    assert await rita.refused("set-auto-topup", {**wanted, "amount": 1_000}) == (400, "validation_failed")
    theirs = await (await rita.another()).has_card()
    assert await rita.refused("set-auto-topup", {**wanted, "payment_method_id": theirs}) == (404, "card_not_found")
