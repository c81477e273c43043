"""Saving, choosing and removing cards, over HTTP and a card provider on a socket."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from isotope.domain.payments import forget_removed_cards, forget_rider, resolve_card_setups
from isotope.domain.payments.queries import MOST_CARDS
from isotope.worker.tasks import JOBS
from tests.kit.card_api import APP, Customer, event, make_customer, send_webhook
from tests.kit.clock import SettableClock
from tests.kit.fleet import make_fleet
from tests.kit.http import Api
from tests.kit.samples import make_running_ride


async def resolve(customer: Customer) -> int:
    """The worker looks at the set-ups of all operators; other tests of this process may have left some."""
    services = customer.api.services
    async with services.rt.db.write() as tx:
        await tx.execute(
            "update card_setup set next_at = null where operator_id <> %(operator_id)s",
            {"operator_id": customer.kit.operator.id},
        )
    return await resolve_card_setups(services.rt, services.cards, services.operators)


async def forget(customer: Customer) -> int:
    services = customer.api.services
    return await forget_removed_cards(services.rt, services.cards, services.operators)


async def test_a_card_is_saved_on_the_providers_page(rita: Customer) -> None:
    assert [method["type"] for method in await rita.methods()] == ["WALLET"]
    started = await rita.ok("add-payment-method")
    now = rita.api.services.rt.clock.now().timestamp()
    assert started["expires_at"] == now + 3600
    shown = await rita.come_back(rita.sandbox.choose_card(started["redirect_url"]))
    assert (shown.status_code, "The card was saved" in shown.text) == (200, True)
    card, wallet = await rita.methods()
    assert card == {
        "payment_method_id": card["payment_method_id"],
        "type": "CARD",
        "title": "Visa •••• 4242",
        "is_selected": True,
        "balance": None,
        "bonus": None,
        "currency_code": "EUR",
        "brand": "Visa",
        "last4": "4242",
        "expiry_month": 12,
        "expiry_year": 2034,
        "is_expired": False,
    }
    assert (wallet["payment_method_id"], wallet["balance"], wallet["last4"]) == ("wallet", 0, None)


async def test_the_first_card_is_chosen_for_everything_and_the_second_for_nothing(rita: Customer) -> None:
    await rita.save_card()
    first = await rita.selected()
    await rita.save_card("ok_mastercard")
    assert {await rita.selected(flow) for flow in ("SHARING", "TAXI", "RENTAL")} == {first}
    assert [method["type"] for method in await rita.methods("TAXI")] == ["CARD", "WALLET", "CARD", "CASH"]


async def test_who_chose_the_wallet_keeps_it(rita: Customer) -> None:
    await rita.ok("choose-payment-method", {"flow": "SHARING", "payment_method_id": "wallet"})
    await rita.ok("choose-payment-method", {"flow": "TAXI", "payment_method_id": "cash"})
    await rita.save_card()
    assert [await rita.selected(flow) for flow in ("SHARING", "TAXI")] == ["wallet", "cash"]
    assert (await rita.selected("RENTAL")).startswith("card_")


async def test_the_browser_goes_on_to_the_app(rita: Customer) -> None:
    started = await rita.ok("add-payment-method", {"return_url": f"{APP}/cards?from=isotope#top"})
    back = rita.sandbox.choose_card(started["redirect_url"])
    for _again in range(2):
        answer = await rita.come_back(back)
        target = urlsplit(answer.headers["location"])
        assert (answer.status_code, f"{target.scheme}://{target.netloc}{target.path}") == (303, f"{APP}/cards")
        assert parse_qs(target.query) == {
            "from": ["isotope"],
            "setup_id": [str(started["setup_id"])],
            "status": ["DONE"],
        }
        assert target.fragment == "top"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(await rita.methods()) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.evil.test/",
        "https://app.example@evil.test/",
        "https://evil.test/?https://app.example",
        "https://evil.test",
        "javascript:alert(1)",
        "//app.example",
        "https://app.example/\r\nSet-Cookie: a=b",
        "https://app.example/ x",
        "https://app.example/ä",
        "",
    ],
)
async def test_nobody_is_sent_where_the_operator_did_not_say(rita: Customer, url: str) -> None:
    answer = await rita.post("add-payment-method", {"return_url": url})
    assert answer.status_code == 400
    [fault] = answer.json()["errors"]
    assert (fault["field"], APP in fault["error_info"]) == ("return_url", True)


async def test_a_rider_who_turns_back_has_no_card_yet(rita: Customer) -> None:
    started = await rita.ok("add-payment-method")
    shown = await rita.come_back(rita.sandbox.cancel_setup(started["redirect_url"]))
    assert shown.status_code == 200
    assert "not saved" in shown.text
    assert len(await rita.methods()) == 1


async def test_a_card_that_cannot_be_saved(rita: Customer) -> None:
    shown = await rita.save_card("setup_refused", return_url=f"{APP}/")
    assert parse_qs(urlsplit(shown.headers["location"]).query)["status"] == ["FAILED"]
    assert len(await rita.methods()) == 1


async def test_a_page_says_only_what_the_catalogue_says(rita: Customer) -> None:
    for path in ("/cards/return/%3Cscript%3E", f"/cards/return/{'x' * 500}", "/cards/return/nobody-was-given-this"):
        shown = await rita.api.client.get(path)
        assert shown.status_code == 404
        assert "script" not in shown.text
        assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    done = await rita.api.client.get("/cards/done?status=%3Cscript%3E")
    assert (done.status_code, "script" in done.text, done.headers["cache-control"]) == (200, False, "no-store")


async def test_who_closes_the_browser_gets_the_card_all_the_same(rita: Customer, clock: SettableClock) -> None:
    started = await rita.ok("add-payment-method")
    rita.sandbox.choose_card(started["redirect_url"])
    await resolve(rita)
    assert len(await rita.methods()) == 1, "the browser has a minute"
    clock.advance(seconds=61)
    await resolve(rita)
    assert len(await rita.methods()) == 2


async def test_a_webhook_hurries_a_set_up(rita: Customer) -> None:
    started = await rita.ok("add-payment-method")
    rita.sandbox.choose_card(started["redirect_url"])
    async with rita.api.services.rt.db.read() as tx:
        ref = await tx.scalar("select setup_ref from card_setup where id = %(id)s", {"id": started["setup_id"]})
    assert (await send_webhook(rita.api, event("setup.done", ref))).status_code == 200
    await resolve(rita)
    assert len(await rita.methods()) == 2


async def test_browser_webhook_and_worker_at_once_save_one_card(rita: Customer, clock: SettableClock) -> None:
    started = await rita.ok("add-payment-method")
    back = rita.sandbox.choose_card(started["redirect_url"])
    clock.advance(seconds=61)
    await asyncio.gather(*(rita.come_back(back) for _browser in range(5)), resolve(rita), resolve(rita))
    assert len(await rita.methods()) == 2


async def test_a_page_that_nobody_uses_expires(rita: Customer, clock: SettableClock) -> None:
    started = await rita.ok("add-payment-method")
    clock.advance(hours=2)
    await resolve(rita)
    back = rita.sandbox.choose_card(started["redirect_url"])
    shown = await rita.come_back(back)
    assert (shown.status_code, "expired" in shown.text) == (200, True)
    assert len(await rita.methods()) == 1


async def test_a_provider_that_does_not_answer(rita: Customer, clock: SettableClock) -> None:
    rita.sandbox.add_fault("setup", "error")
    answer = await rita.post("add-payment-method")
    assert (answer.status_code, answer.json()["code"]) == (503, "card_page_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    # On the way back it does not answer either: the worker asks again.
    started = await rita.ok("add-payment-method")
    rita.sandbox.add_fault("GET setups", "error")
    shown = await rita.come_back(rita.sandbox.choose_card(started["redirect_url"]))
    assert "not saved yet" in shown.text
    clock.advance(minutes=2)
    await resolve(rita)
    assert len(await rita.methods()) == 2


async def test_no_more_cards_than_anybody_needs(rita: Customer) -> None:
    for _card in range(MOST_CARDS - 2):
        await rita.has_card()
    answers = await asyncio.gather(*(rita.post("add-payment-method") for _page in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_cards"}


async def test_a_repetition_opens_no_second_page(rita: Customer) -> None:
    first = await rita.ok("add-payment-method", once="save")
    assert await rita.ok("add-payment-method", once="save") == first


async def test_choosing(rita: Customer) -> None:
    first, second = await rita.has_card(), await rita.has_card("ok_mastercard")
    assert await rita.selected() == second, "the kit chooses each card it makes"
    chosen = await rita.ok("choose-payment-method", {"flow": "SHARING", "payment_method_id": first})
    assert chosen["payment_methods"] == await rita.methods()
    assert await rita.selected() == first
    assert await rita.selected("RENTAL") == "wallet"


async def test_cash_is_for_taxis(rita: Customer) -> None:
    card = await rita.has_card()
    answer = await rita.post("choose-payment-method", {"flow": "SHARING", "payment_method_id": "cash"})
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_payment_method")
    assert answer.json()["details"]["allowed"] == ["wallet", card]
    await rita.ok("choose-payment-method", {"flow": "TAXI", "payment_method_id": "cash"})
    assert await rita.selected("TAXI") == "cash"


async def test_another_riders_card_is_no_card(rita: Customer) -> None:
    theirs = await (await rita.another()).has_card()
    stranger = await make_customer(rita.api, rita.sandbox)
    for customer in (rita, stranger):
        assert await customer.refused("choose-payment-method", {"flow": "SHARING", "payment_method_id": theirs}) == (
            404,
            "card_not_found",
        )
        assert await customer.refused("remove-payment-method", {"payment_method_id": theirs}) == (404, "card_not_found")
        assert await customer.refused("top-up", {"amount": 5, "payment_method_id": theirs}) == (404, "card_not_found")
    for name in ("wallet", "card_", "card_x", "card_99999999999999999999", "card_0"):
        assert await rita.refused("remove-payment-method", {"payment_method_id": name}) == (404, "card_not_found")


async def test_a_removed_card_pays_nothing_and_the_provider_forgets_it(rita: Customer, clock: SettableClock) -> None:
    await rita.save_card()
    card = await rita.selected()
    rita.sandbox.add_fault("forget", "error")
    for _again in range(2):
        assert (await rita.ok("remove-payment-method", {"payment_method_id": card}))[
            "message"
        ] == "The card was removed."
    assert [method["payment_method_id"] for method in await rita.methods()] == ["wallet"]
    assert await rita.refused("top-up", {"amount": 5, "payment_method_id": card}) == (404, "card_not_found")
    told = 0
    for _round in range(5):
        told += await forget(rita)
        clock.advance(minutes=2)
    assert told >= 1
    async with rita.api.services.rt.db.read() as tx:
        [(status, forget_at)] = await tx.tuples(
            "select status, forget_at from card where id = %(id)s", {"id": int(card[5:])}
        )
    assert (status, forget_at) == ("REMOVED", None)
    # Saved again it is another card, and again the first.
    await rita.save_card()
    assert (await rita.selected()).startswith("card_")


async def test_the_card_of_a_running_ride_stays(rita: Customer) -> None:
    rt = rita.api.services.rt
    card, other = await rita.has_card(), await rita.has_card()
    ride_id = await make_running_ride(rt, rita.kit, rita.rider, await make_fleet(rt, rita.kit.operator, 1))
    async with rt.db.write() as tx:
        await tx.execute(
            "update ride set terms = jsonb_set(terms, '{payment_method_id}', to_jsonb(%(card)s::text)) where id = %(id)s",
            {"card": card, "id": ride_id},
        )
    assert await rita.refused("remove-payment-method", {"payment_method_id": card}) == (409, "payment_method_in_use")
    await rita.ok("remove-payment-method", {"payment_method_id": other})
    async with rt.db.write() as tx:
        await tx.execute("update ride set status = 'FAILED', ended_at = started_at where id = %(id)s", {"id": ride_id})
    await rita.ok("remove-payment-method", {"payment_method_id": card})


async def test_a_card_that_is_being_asked_stays(rita: Customer) -> None:
    card = await rita.has_card("needs_3ds")
    waiting = await rita.ok("top-up", {"amount": 5})
    assert await rita.refused("remove-payment-method", {"payment_method_id": card}) == (409, "payment_method_in_use")
    rita.sandbox.decline_3ds(waiting["redirect_url"])
    assert (await rita.ok("get-top-up", {"top_up_id": waiting["top_up_id"]}))["status"] == "FAILED"
    await rita.ok("remove-payment-method", {"payment_method_id": card})


async def test_the_map_shows_the_selected_card(rita: Customer) -> None:
    here = {"user_latitude": 60.17, "user_longitude": 24.94, "radius_in_km": 1}

    async def shown() -> object:
        answer = await rita.api.post(
            "/openapi/v1.0/sharing/get-vehicles", here, key=rita.kit.public_key, token=rita.rider.token
        )
        return answer.json()["selected_payment_method"]

    assert await shown() == (await rita.methods())[0]
    await rita.save_card()
    assert await shown() == (await rita.methods())[0]
    await rita.ok("remove-payment-method", {"payment_method_id": await rita.selected()})
    assert await shown() == (await rita.methods())[0]


async def test_without_a_provider_there_are_no_cards(api: Api) -> None:
    customer = await make_customer(api, None)  # type: ignore[arg-type]  # there is none
    assert await customer.refused("add-payment-method") == (409, "cards_unavailable")
    assert await customer.refused("top-up", {"amount": 5}) == (409, "cards_unavailable")
    assert (await api.client.get("/cards/return/token")).status_code == 404


async def run_erasures(customer: Customer) -> None:
    rt = customer.api.services.rt
    async with rt.db.write() as tx:
        rows = await tx.tuples("delete from procrastinate_jobs where task_name = 'rider_erased' returning args")
    for (args,) in rows:
        await JOBS["rider_erased"](customer.api.services, **args)


async def test_an_erased_riders_cards_say_nothing_and_are_forgotten(rita: Customer) -> None:
    rt = rita.api.services.rt
    card = await rita.has_card()
    await rita.ok("add-payment-method", {"return_url": f"{APP}/rita"})
    erased = await rita.api.post(
        "/openapi/v1.0/user/delete-user", {"user_id": rita.rider.id}, key=rita.kit.public_key, token=rita.kit.secret_key
    )
    assert erased.status_code == 200, erased.text
    for _twice in range(2):
        await run_erasures(rita)
        await forget_rider(rt, rita.kit.operator.id, rita.rider.id)
    await forget(rita)
    params = {"operator_id": rita.kit.operator.id}
    async with rt.db.read() as tx:
        [row] = await tx.tuples(
            "select id, status, brand, last4, forget_at from card where operator_id = %(operator_id)s", params
        )
        choices = await tx.tuples("select method_id from payment_choice where operator_id = %(operator_id)s", params)
        urls = await tx.tuples("select return_url from card_setup where operator_id = %(operator_id)s", params)
    assert (row, choices, urls) == ((int(card[5:]), "REMOVED", "", "0000", None), [], [(None,)])


async def test_a_card_that_is_saved_after_the_account_is_gone_is_not_kept(rita: Customer) -> None:
    started = await rita.ok("add-payment-method")
    back = rita.sandbox.choose_card(started["redirect_url"])
    await rita.api.post(
        "/openapi/v1.0/user/delete-user", {"user_id": rita.rider.id}, key=rita.kit.public_key, token=rita.kit.secret_key
    )
    shown = await rita.come_back(back)
    assert (shown.status_code, "not saved" in shown.text) == (200, True)
    async with rita.api.services.rt.db.read() as tx:
        cards = await tx.scalar(
            "select count(*) from card where operator_id = %(operator_id)s", {"operator_id": rita.kit.operator.id}
        )
    assert cards == 0
